/* SPDX-License-Identifier: MIT */
/*
 * report.c - the boot's report: each thing that the start built is used and checked.
 *
 * A line says what was shown, with the figures that were read, and is "not ok" when they are not
 * what they have to be.
 */
#include "arch/cpuid.h"
#include "arch/x86/acpi.h"
#include "arch/x86/apic.h"
#include "arch/x86/console.h"
#include "arch/x86/irql.h"
#include "arch/x86/kernel.h"
#include "arch/x86/mmu.h"
#include "arch/x86/pcr.h"
#include "arch/x86/print.h"
#include "arch/x86/stacks.h"
#include "arch/x86/symbols.h"
#include "arch/x86/time.h"
#include "arch/x86/vectors.h"
#include "audit.h"
#include "disk_drivers.h"
#include "ke.h"
#include "mm_machine.h"
#include "pci.h"
#include "rtl.h"

static void KipCheckMode(void)
{
    ULONG Cr0 = KiReadCr0();
    ULONG Cr4 = KiReadCr4();

    KiReport((Cr0 & (CR0_PG | CR0_WP | CR0_PE)) == (CR0_PG | CR0_WP | CR0_PE) &&
                 (Cr4 & (CR4_PAE | CR4_PCIDE | CR4_LA57 | CR4_CET)) == 0,
             "32-bit paging with write protection, cr0 %08x, cr4 %08x", Cr0, Cr4);
}

/* Sorted, disjoint, none empty; and nobody's memory is counted twice. */
static void KipCheckMemoryMap(void)
{
    const LOADER_MEMORY_RUN *Runs = (const LOADER_MEMORY_RUN *)KiLoaderBlock->MemoryRunsVa;
    ULONG Count = KiLoaderBlock->MemoryRunCount;
    ULONG64 Pages = 0;
    ULONG64 Free = 0;
    BOOLEAN Good = Count != 0;
    ULONG i;

    for (i = 0; i < Count; i++) {
        Good = Good && Runs[i].PageCount != 0 && Runs[i].Type < LOADER_MEMORY_TYPES;
        Good = Good && (i == 0 || Runs[i - 1].BasePage + Runs[i - 1].PageCount <= Runs[i].BasePage);
        Pages += Runs[i].PageCount;
        Free += Runs[i].Type == LoaderFree ? Runs[i].PageCount : 0;
    }
    KiReport(Good && Free != 0, "memory map: %u runs in order, %llu pages, %llu of them free",
             Count, (unsigned long long)Pages, (unsigned long long)Free);
}

/* The kernel's own frames, looked up through the self-map, are where the loader put them. */
static void KipCheckSelfMap(void)
{
    PFN_NUMBER Directory = MiReadPte(MiGetPdeAddress(PTE_BASE)).Hard.PageFrameNumber;
    PFN_NUMBER First = KiLoaderBlock->KernelPhysical >> PAGE_SHIFT;
    ULONG Pages = KiLoaderBlock->KernelBytes >> PAGE_SHIFT;
    ULONG Pageable = ((ULONG)KiPagedCodeEnd - (ULONG)KiPagedCodeStart) >> PAGE_SHIFT;
    ULONG Right = 0;
    ULONG Guards = 0;
    ULONG i;

    for (i = 0; i < Pages; i++) {
        ULONG Va = KiLoaderBlock->KernelVa + i * PAGE_SIZE;
        MMPTE Pte = MiReadPte(MiGetPteAddress(Va));

        if (Va - (ULONG)KiPagedCodeStart < Pageable << PAGE_SHIFT) {
            continue; /* wherever they are now */
        }
        Right += Pte.Hard.Valid && Pte.Hard.PageFrameNumber == First + i;
        Guards += !Pte.Hard.Valid;
    }
    KiReport(Directory == KiCurrentDirectoryFrame() && Right == Pages - Pageable - 4 && Guards == 4,
             "self-map: directory %05x is its own entry, %u kernel pages, %u more pageable, %u "
             "stack guards",
             Directory, Right, Pageable, Guards);
}

static void KipCheckProtection(void)
{
    const MI_AUDIT_RANGE Ranges[] = {
        {(ULONG)KiImageStart, (ULONG)KiPagedCodeStart, MiAuditReadOnly, "code"},
        {(ULONG)KiPagedCodeStart, (ULONG)KiPagedCodeEnd, MiAuditPageable, "pageable code"},
        {(ULONG)KiPagedCodeEnd, (ULONG)KiConstantsEnd, MiAuditReadOnly, "constants"},
        {(ULONG)KiConstantsEnd, (ULONG)KiProtectedEnd, MiAuditReadOnly, "IDT"},
        {(ULONG)KiBootStackGuard, (ULONG)KiBootStackGuard + PAGE_SIZE, MiAuditNoAccess,
         "boot stack's guard"},
        {(ULONG)KiDoubleFaultStackGuard, (ULONG)KiDoubleFaultStackGuard + PAGE_SIZE,
         MiAuditNoAccess, "task stack's guard"},
        {(ULONG)KiNmiStackGuard, (ULONG)KiNmiStackGuard + PAGE_SIZE, MiAuditNoAccess,
         "NMI stack's guard"},
        {KI_PCR_VA, KI_PCR_VA + PAGE_SIZE, MiAuditMapped, "KPCR"},
    };
    MI_AUDIT_RESULT Result = {0};

    MiAuditPageTables(Ranges, RTL_NUMBER_OF(Ranges), &Result);
    KiReport(Result.Violations == 0,
             "protection audit: %u pages, %u large, %u writable, %u global, %u user, %u violations",
             Result.ValidPages, Result.LargePages, Result.WritablePages, Result.GlobalPages,
             Result.UserPages, Result.Violations);
    if (Result.Violations != 0) {
        KiPrint("# first at %08lx: %s\n", (unsigned long)Result.FirstVa, Result.FirstRule);
    }
}

/* What the processor offers is on. */
static void KipCheckFeatures(void)
{
    ULONG Edx = ArchCpuid(1, 0).Edx;
    CPUID_REGISTERS Leaf7 = {0};
    ULONG Cr4 = KiReadCr4();
    BOOLEAN Good;

    if (ArchCpuid(0, 0).Eax >= 7) {
        Leaf7 = ArchCpuid(7, 0);
    }
    Good = !(Cr4 & CR4_PSE) == !(Edx & CPUID_1_EDX_PSE) &&
           !(Cr4 & CR4_PGE) == !(Edx & CPUID_1_EDX_PGE) &&
           !(Cr4 & CR4_SMEP) == !(Leaf7.Ebx & CPUID_7_EBX_SMEP) &&
           !(Cr4 & CR4_SMAP) == !(Leaf7.Ebx & CPUID_7_EBX_SMAP) &&
           !(Cr4 & CR4_UMIP) == !(Leaf7.Ecx & CPUID_7_ECX_UMIP);
    KiReport(Good, "processor: PSE %u, PGE %u, SMEP %u, SMAP %u, UMIP %u, as CPUID offers",
             (Cr4 & CR4_PSE) != 0, (Cr4 & CR4_PGE) != 0, (Cr4 & CR4_SMEP) != 0,
             (Cr4 & CR4_SMAP) != 0, (Cr4 & CR4_UMIP) != 0);
}

static void KipCheckVectors(void)
{
    ULONG Wrong = 0;
    ULONG Tried = KiTryAllVectors(&Wrong);

    KiReport(Tried >= 200 && Wrong == 0,
             "interrupt vectors: %u raised by INT, %u of them went astray", Tried, Wrong);
}

/* A task switch loads CR3: the return must find the address space that was interrupted. */
static void KipCheckNmi(void)
{
    PFN_NUMBER Home = KiCurrentDirectoryFrame();
    PFN_NUMBER Away = KiMakeProbeDirectory();
    ULONG Before = KiNmiCount;
    KIRQL Old = KfRaiseIrql(DISPATCH_LEVEL);
    PFN_NUMBER Found;

    KiSwapAddressSpace(Away);
    KiNmiExpected = TRUE;
    HalSendSelfNmi();
    KeStallExecutionProcessor(100);
    Found = KiCurrentDirectoryFrame();
    KiSwapAddressSpace(Home);
    KfLowerIrql(Old);
    KiReport(KiNmiCount == Before + 1 && Found == Away,
             "NMI: %u came through its task gate and returned to directory %05x",
             KiNmiCount - Before, Found);
}

static volatile ULONG KipTestInterrupts;
static volatile ULONG KipTestIrql;

static void KipTestInterrupt(PKTRAP_FRAME Frame)
{
    (void)Frame;
    KipTestInterrupts++;
    KipTestIrql = KeGetCurrentIrql();
}

#define KIP_TEST_IRQL 6

/* Held back at its level and above, delivered once below, at its own level. */
static void KipCheckHardwareIrql(void)
{
    ULONG HeldBefore = KiInterruptCounters.HeldBack;
    ULONG Early;
    KIRQL Old;

    KiConnectInterrupt(KI_VECTOR_TEST, KIP_TEST_IRQL, KipTestInterrupt);
    KipTestInterrupts = 0;
    Old = KfRaiseIrql(KIP_TEST_IRQL);
    HalSendSelfInterrupt(KI_VECTOR_TEST);
    KeStallExecutionProcessor(100);
    Early = KipTestInterrupts;
    KfLowerIrql(Old);
    KiReport(Early == 0 && KipTestInterrupts == 1 && KipTestIrql == KIP_TEST_IRQL &&
                 KiInterruptCounters.HeldBack > HeldBefore,
             "IRQL: an interrupt was held back at level %u, then ran %u time at level %u",
             KIP_TEST_IRQL, KipTestInterrupts, KipTestIrql);
    HalSendSelfInterrupt(KI_VECTOR_TEST);
    KeStallExecutionProcessor(100);
    KiReport(KipTestInterrupts == 2 && KeGetCurrentIrql() == Old,
             "IRQL: at level %u it ran at once; back at level %u", Old, KeGetCurrentIrql());
}

static void NTAPI KipTestDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    (void)Dpc;
    (void)Context;
    (void)Argument1;
    (void)Argument2;
    KipTestInterrupts++;
    KipTestIrql = KeGetCurrentIrql();
}

static void KipCheckSoftwareIrql(void)
{
    ULONG Early;
    KIRQL Old;
    KDPC Dpc;

    KeInitializeDpc(&Dpc, KipTestDpc, NULL);
    KipTestInterrupts = 0;
    Old = KfRaiseIrql(DISPATCH_LEVEL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    Early = KipTestInterrupts;
    KfLowerIrql(Old);
    KiReport(Early == 0 && KipTestInterrupts == 1 && KipTestIrql == DISPATCH_LEVEL,
             "IRQL: a DISPATCH_LEVEL interrupt, with a DPC, waited for the level to fall");
}

/* => Microseconds of the reference until Ticks clock interrupts have come; at the limit fewer. */
static ULONG KipTimeTicks(ULONG Ticks)
{
    enum {
        Step = 100,
        Limit = 10000000
    };
    ULONG First = KiClockTicks;
    ULONG Passed = 0;

    while (KiClockTicks - First < Ticks && Passed < Limit) {
        Passed += HalWaitReference(Step);
    }
    return Passed;
}

/*
 * Ten clock interrupts at ten times the usual rate, timed by the reference.  A loaded host delays
 * an emulated timer's ticks and may merge or bunch them, so the clock is only held to what must be
 * true all the same: ticks come, and not faster than set.  A bunch is no rate: what came too fast
 * is timed again, and too fast each time is a clock that runs fast.
 */
static void KipCheckClock(void)
{
    enum {
        Ticks = 10,
        Bunched = 3,
        Faster = 10,
        Tries = 4
    };
    const ULONG Least = (Ticks - Bunched) * (1000000 / (KI_CLOCK_HZ * Faster));
    ULONG First;
    ULONG Count;
    ULONG Passed;
    ULONG Try = 0;

    HalStartTimer(KI_VECTOR_CLOCK, HalClocks.ClockInterval / Faster);
    do {
        First = KiClockTicks;
        Passed = KipTimeTicks(Ticks);
        Count = KiClockTicks - First;
    } while (Passed < Least && ++Try < Tries);
    KiReport(Count >= Ticks && Passed >= Least, "clock: %u interrupts in %u us of the %s", Count,
             Passed, HalReferenceName(HalClocks.Reference));
    HalStartTimer(KI_VECTOR_CLOCK, HalClocks.ClockInterval);
}

static void KipCheckScreen(void)
{
    static const char Line[] = "The quick brown fox jumps over the lazy dog 0123456789";

    if (!HalConsoleHasScreen()) {
        KiReport(TRUE, "console: no framebuffer that can be used, text on the serial port only");
        return;
    }
    KiPrint("%s\n", Line);
    HalFlushConsole();
    KiReport(HalConsoleScreenShows(Line) && !HalConsoleScreenShows("This line was not printed"),
             "console: the line above was read back from the screen's pixels");
}

static void KipCheckEntropy(void)
{
    ULONG Bits = 0;
    ULONG i;

    for (i = 0; i < sizeof(KiLoaderBlock->Entropy); i++) {
        Bits += (ULONG)__builtin_popcount(KiLoaderBlock->Entropy[i]);
    }
    /* Of 256 fair bits, 64 to 192 are set but once in 10^15 boots. */
    KiReport(Bits >= 64 && Bits <= 192,
             "entropy: %u of 256 bits are set, %s the firmware's generator", Bits,
             (KiLoaderBlock->FirmwareFlags & LOADER_FIRMWARE_RNG) ? "with" : "without");
}

static void KipCheckSymbols(void)
{
    char Name[KI_SYMBOL_BYTES];
    ULONG Address = 0;
    ULONG Offset = 0;
    BOOLEAN Found = KiFindAddress("KiSystemStartup", &Address);

    KiReport(Found && KiFindSymbol((ULONG)KiSystemStartup + 1, Name, sizeof(Name), &Offset) &&
                 strcmp(Name, "KiSystemStartup") == 0 && Offset == 1 &&
                 Address == (ULONG)KiSystemStartup,
             "symbols: %u names; %08x is %s", KiSymbolCount(), Address, Name);
}

/* A file that is missing means defaults; the loader has said so. */
static const char *KipConfigurationFile(LOADER_MODULE_INDEX Index)
{
    return KiLoaderBlock->Modules[Index].Va != 0 ? "read" : "absent, defaults hold";
}

static void KipCheckConfiguration(void)
{
    const LOADER_REGISTRY_VALUE *Values =
        (const LOADER_REGISTRY_VALUE *)KiLoaderBlock->Modules[LoaderModuleSystemReg].Va;
    ULONG Count = KiLoaderBlock->RegistryValueCount;
    ULONG Good = 0;
    ULONG i;

    for (i = 0; i < Count && Values != NULL; i++) {
        Good += Values[i].Name[0] != 0 && Values[i].Name[LOADER_REGISTRY_NAME_BYTES - 1] == 0 &&
                Values[i].Type != 0;
    }
    KiReport(Good == Count && KiLoaderBlock->Options.BaudRate != 0,
             "configuration: boot.ini %s, system.reg %s, %u values, %u lines refused",
             KipConfigurationFile(LoaderModuleBootIni), KipConfigurationFile(LoaderModuleSystemReg),
             Count, KiLoaderBlock->Options.Warnings);
}

static void KipCheckAcpi(void)
{
    KiReport(KiLoaderBlock->RsdpPhysical == 0 || (NT_SUCCESS(HalAcpiStatus) && HalAcpi.TableCount),
             "ACPI: %u tables, %u bad, PM timer at port %04x, soft off %s", HalAcpi.TableCount,
             HalAcpi.BadTables, HalAcpi.PmTimerPort, HalAcpi.SleepS5Present ? "known" : "unknown");
}

/* Stopped when the kernel came to life; nobody has started one again. */
static void KipCheckBusMasters(void)
{
    const HAL_BUS_MASTERS Masters = HalStopBusMasters();

    KiReport(Masters.Stopped == 0 && Masters.Refused == 0,
             "bus masters: PCI functions %u; still writing to memory %u, for drivers of ours %u; "
             "left alone: bridges %u, displays %u",
             Masters.Functions, Masters.Stopped + Masters.Refused, Masters.Driven, Masters.Bridges,
             Masters.Displays);
}

void KiRunReport(void)
{
    KiPrint("\nThe boot's report\n");
    KipCheckMode();
    KipCheckMemoryMap();
    KipCheckSelfMap();
    KipCheckProtection();
    KipCheckFeatures();
    KiRunProbes();
    KipCheckVectors();
    KipCheckNmi();
    KipCheckHardwareIrql();
    KipCheckSoftwareIrql();
    KipCheckClock();
    KipCheckAcpi();
    KipCheckBusMasters();
    KipCheckConfiguration();
    KipCheckSymbols();
    KipCheckEntropy();
    KipCheckScreen();
    MiReportThreads();
    MiReportMemory();
    DiskReport(&KiLoaderBlock->BootPartition);
    MiReportFiles();
    MiReportPaging();
    KiPrint("# interrupts: %u delivered, %u held back, %u spurious, %u that nobody serves\n",
            KiInterruptCounters.Delivered, KiInterruptCounters.HeldBack,
            KiInterruptCounters.Spurious, KiInterruptCounters.Unexpected);
}
