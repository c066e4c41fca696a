/* SPDX-License-Identifier: MIT */
/*
 * kmain.c - the order in which the kernel comes to life.
 *
 * The table below is that order.  A step may use what the steps above it provide, which each line
 * names.  No step can fail silently: what cannot be done is either fatal (a bug check) or said on
 * the console.
 */
#include "arch/cpu.h"
#include "arch/cpuid.h"
#include "arch/x86/acpi.h"
#include "arch/x86/apic.h"
#include "arch/x86/bugcheck.h"
#include "arch/x86/console.h"
#include "arch/x86/kernel.h"
#include "arch/x86/keyboard.h"
#include "arch/x86/mmu.h"
#include "arch/x86/power.h"
#include "arch/x86/print.h"
#include "arch/x86/stacks.h"
#include "arch/x86/symbols.h"
#include "arch/x86/time.h"
#include "boot_volume.h"
#include "disk_drivers.h"
#include "ke.h"
#include "mm_machine.h"
#include "pci.h"
#include "rtl.h"
#include "system_volume.h"
#include "user_half.h"

const LOADER_BLOCK *KiLoaderBlock;
static HAL_BUS_MASTERS KipMasters; /* what KipBusMasters did */

static void KipPageTables(void)
{
    KiInitializePageTables(KiLoaderBlock);
}

/* How much higher the kernel lies than it was linked for. */
static ULONG KipDelta(const LOADER_BLOCK *Block)
{
    return Block->KernelVa - LOADER_KERNEL_BASE;
}

static ULONG_PTR KipRangeStart(const LOADER_BLOCK *Block)
{
    return Block->Options.UserVaMb == 0 ? MI_USUAL_RANGE_START : Block->Options.UserVaMb << 20;
}

static void KipSymbols(void)
{
    const LOADER_MODULE *Module = &KiLoaderBlock->Modules[LoaderModuleSymbols];

    KiInitializeSymbols((const char *)Module->Va, Module->Bytes, KipDelta(KiLoaderBlock));
}

static void KipConsole(void)
{
    const LOADER_MODULE *Font = &KiLoaderBlock->Modules[LoaderModuleFont];
    const char *Reason;
    volatile void *Pixels = HalMapFramebuffer(&KiLoaderBlock->Framebuffer, &Reason);

    HalInitializePower(NULL, RtlFindText(KiLoaderBlock->Options.Run, "shutdown") != NULL);
    HalInitializeConsole(KiLoaderBlock, Pixels, (const void *)Font->Va, Font->Bytes);
    if (Reason != NULL) {
        KiPrint("No text on the screen: %s.\n", Reason);
    }
}

static BOOLEAN KipKnowsBlock(const LOADER_BLOCK *Block)
{
    return Block->Signature == LOADER_BLOCK_SIGNATURE && Block->Version == LOADER_BLOCK_VERSION &&
           Block->Bytes == sizeof(LOADER_BLOCK);
}

/*
 * The loader and the kernel come from one build.  Of a block of another shape only the head, which
 * never changes, is taken over: enough to reach the serial port and to stop in KipCheckBlock.
 */
static const LOADER_BLOCK *KipUsableBlock(const LOADER_BLOCK *Block)
{
    static LOADER_BLOCK Foreign;

    if (KipKnowsBlock(Block)) {
        return Block;
    }
    Foreign.Signature = Block->Signature;
    Foreign.Version = Block->Version;
    Foreign.Bytes = Block->Bytes;
    return &Foreign;
}

static void KipCheckBlock(void)
{
    const LOADER_BLOCK *Block = KiLoaderBlock;

    if (!KipKnowsBlock(Block) || Block->MemoryRunCount == 0) {
        KeBugCheckEx(PHASE0_INITIALIZATION_FAILED, Block->Signature, Block->Version, Block->Bytes,
                     Block->MemoryRunCount);
    }
}

/* Power-off and reset wait, and may be needed before the clocks are calibrated. */
static void KipEstimatedClock(void)
{
    HalClocks.TscHz = KiLoaderBlock->TscHz;
}

static void KipAcpi(void)
{
    HalInitializeAcpi(KiLoaderBlock->RsdpPhysical);
    HalInitializePower(&HalAcpi, RtlFindText(KiLoaderBlock->Options.Run, "shutdown") != NULL);
}

static void KipInterrupts(void)
{
    if (!HalInitializeApic()) {
        KeBugCheckEx(PHASE0_INITIALIZATION_FAILED, (ULONG)HalAcpi.LocalApicPhysical,
                     (ULONG)(HalAcpi.LocalApicPhysical >> 32), 0, 0);
    }
    (void)HalMaskIoApics(&HalAcpi);
}

/* Before any memory of the firmware's is used for something else. */
static void KipBusMasters(void)
{
    KipMasters = HalStopBusMasters();
    if (!KipMasters.Present) {
        KiPrint("PCI        no configuration mechanism 1: devices go on as firmware left them\n");
        return;
    }
    KiPrint(
        "PCI        %u functions; bus masters stopped %u; left alone: bridges %u, displays %u\n",
        KipMasters.Functions, KipMasters.Stopped, KipMasters.Bridges, KipMasters.Displays);
    if (KipMasters.Refused != 0) {
        KiPrint("           %u functions still may write to memory: bus %02x, device %02x, "
                "function %u\n",
                KipMasters.Refused, KipMasters.LastRefused.Bus, KipMasters.LastRefused.Device,
                KipMasters.LastRefused.Function);
    }
}

static void KipClocks(void)
{
    HalCalibrateClocks(&HalAcpi, KiLoaderBlock->TscHz);
    HalStartClock();
}

static void KipThreads(void)
{
    KeInitializeThreads(KiIdleStackTop, KERNEL_STACK_BYTES);
}

/* The firmware's clock, and what the time-stamp counter has counted since it was read. */
static void KipSystemTime(void)
{
    const ULONG64 Second = 10000000; /* in 100 ns */
    ULONG64 Cycles = KeReadCycleCounter() - KiLoaderBlock->SystemTimeTsc;

    if (KiLoaderBlock->SystemTime != 0 && HalClocks.TscHz != 0) {
        KeInitializeSystemTime((LONGLONG)(KiLoaderBlock->SystemTime +
                                          Cycles / HalClocks.TscHz * Second +
                                          Cycles % HalClocks.TscHz * Second / HalClocks.TscHz));
    }
}

static void KipEnable(void)
{
    KfLowerIrql(PASSIVE_LEVEL);
    __asm__ volatile("sti");
}

static void KipMemoryManager(void)
{
    static MM_BOOT Boot; /* stays */
    const LOADER_BLOCK *Block = KiLoaderBlock;

    Boot = (MM_BOOT){
        .Runs = (const LOADER_MEMORY_RUN *)Block->MemoryRunsVa,
        .RunCount = Block->MemoryRunCount,
        .Values = (const LOADER_REGISTRY_VALUE *)Block->Modules[LoaderModuleSystemReg].Va,
        .ValueCount = Block->RegistryValueCount,
        .FramebufferBytes = HalReservedBytes(),
        .RangeStart = KipRangeStart(Block),
        .KernelStart = LOADER_WINDOW_BASE + KipDelta(Block),
        .PageableCode = (ULONG_PTR)KiPagedCodeStart,
        .PageableCodePages =
            ((ULONG_PTR)KiPagedCodeEnd - (ULONG_PTR)KiPagedCodeStart) >> PAGE_SHIFT,
        .GlobalPages = (KiReadCr4() & CR4_PGE) != 0,
        .WriteCombining = (ArchCpuid(1, 0).Edx & CPUID_1_EDX_PAT) != 0,
    };
    MmInitSystem(&Boot);
}

/* What a device may still write to is nobody's memory. */
static void KipReleaseMemory(void)
{
    if (!KipMasters.Present || KipMasters.Refused != 0) {
        KiPrint("The firmware's temporary memory is left alone: devices may write to it.\n");
        return;
    }
    KiPrint("Memory     %u pages that firmware and loader needed are free now\n",
            MmReleaseLoaderMemory());
}

/* HalReadAcpiTables found nothing where the machine has no such space. */
static void KipPciMemory(void)
{
    ULONG Buses = PciMapBuses(HalAcpi.EcamPhysical, HalAcpi.EcamFirstBus, HalAcpi.EcamLastBus);

    if (Buses != 0) {
        KiPrint("PCI        configuration space of %u %s in memory, at %llx (MCFG)\n", Buses,
                Buses == 1 ? "bus" : "buses", (unsigned long long)HalAcpi.EcamPhysical);
    } else {
        KiPrint("PCI        configuration space through ports only: %s\n",
                HalAcpi.EcamPhysical != 0 ? "what MCFG tells cannot be used" : "no MCFG");
    }
}

static void KipKeyboard(void)
{
    HalInitializeKeyboard(HalAcpi.Has8042);
}

static void KipBootVolume(void)
{
    DiskFindBootVolume(&KiLoaderBlock->BootPartition);
    FatReplaceBootVolume(MmPhysicalPages());
    FatJudgeBootVolume();
}

static void KipPagingFiles(void)
{
    const LOADER_MODULE *Module = &KiLoaderBlock->Modules[LoaderModuleSystemReg];

    MmCreatePagingFiles(IoSystemVolume(), (const LOADER_REGISTRY_VALUE *)Module->Va,
                        KiLoaderBlock->RegistryValueCount);
}

typedef struct _KIP_STEP {
    void (*Routine)(void);
    const char *Provides;
} KIP_STEP;

static const KIP_STEP KipSteps[] = {
    {KipPageTables, "our page tables, guards, PCR page, write protection"},
    {KiInitializeDescriptorTables, "GDT, IDT, TSSs: traps are caught from here on"},
    {KipSymbols, "names for addresses"},
    {KipConsole, "KiPrint on serial port and screen"},
    {KipCheckBlock, "a LOADER_BLOCK that can be trusted"},
    {KipEstimatedClock, "KeStallExecutionProcessor, roughly"},
    {KiDescribeBuild, "version and build"},
    {KiDescribeFirmware, "firmware"},
    {KiDescribeProcessor, "processor and features in use"},
    {KiDescribeMemory, "memory map"},
    {KiDescribeSwitch, "mode switch"},
    {KipAcpi, "ACPI facts"},
    {KipInterrupts, "local APIC; 8259s and I/O APICs silenced"},
    {KipBusMasters, "memory that no device writes to"},
    {KipClocks, "calibrated counters, the clock interrupt"},
    {KipThreads, "this code is a thread; an idle thread"},
    {KipSystemTime, "the date, where the firmware knows it"},
    {KipEnable, "PASSIVE_LEVEL, interrupts on"},
    {KipMemoryManager, "page frames, system PTEs, kernel stacks, pools"},
    {MmStartSystemThreads, "zeroed pages, work items"},
    {KipReleaseMemory, "the firmware's temporary memory"},
    {KiProtectInitializedData, "a read-only IDT"},
    {KipPciMemory, "PCI configuration space in memory"},
    {DiskStartDrivers, "disks, by interrupt; USB controllers are ours, not the firmware's"},
    {KipKeyboard, "input from a PS/2 keyboard, and no longer from the firmware's imitation"},
    {KipBootVolume, "what is on the disks, and which volume is ours"},
    {MmStartSystemCache, "files in memory, written back each second"},
    {IoMountSystemVolume, "requests, drivers, files: C:"},
    {KipPagingFiles, "paging files"},
    {KiDescribeDevices, "what was found of timers, interrupts, input"},
};

void KiSystemStartup(const LOADER_BLOCK *Block)
{
    ULONG i;

    KiLoaderBlock = KipUsableBlock(Block);
    for (i = 0; i < RTL_NUMBER_OF(KipSteps); i++) {
        KipSteps[i].Routine();
    }
    KiRun(KiLoaderBlock->Options.Run);
}
