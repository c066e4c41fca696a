/* SPDX-License-Identifier: MIT */
/*
 * describe.c - what the console says of the machine before the core takes over.
 */
#include "arch/cpuid.h"
#include "arch/x86/acpi.h"
#include "arch/x86/apic.h"
#include "arch/x86/console.h"
#include "arch/x86/kernel.h"
#include "arch/x86/mmu.h"
#include "arch/x86/print.h"
#include "arch/x86/time.h"
#include "build_id.h"
#include "ke.h"
#include "rtl.h"

#define KIP_KB_PER_PAGE (PAGE_SIZE / 1024)

void KiDescribeBuild(void)
{
    KiPrint("\nHyperspace %s (build %s, %s, 32-bit paging)\n", HYPERSPACE_VERSION, HYPERSPACE_BUILD,
            HYPERSPACE_COMPILER);
}

void KiDescribeFirmware(void)
{
    const LOADER_BLOCK *B = KiLoaderBlock;
    static const char *const Styles[] = {"none", "MBR", "GPT"};

    KiPrint("Firmware   %s, revision %u.%u, UEFI %u.%u, %s%s\n", B->FirmwareVendor,
            B->FirmwareRevision >> 16, B->FirmwareRevision & 0xFFFF, B->UefiRevision >> 16,
            (B->UefiRevision & 0xFFFF) / 10,
            (B->FirmwareFlags & LOADER_FIRMWARE_64BIT) ? "64-bit" : "32-bit",
            (B->FirmwareFlags & LOADER_FIRMWARE_SECURE_BOOT) ? ", Secure Boot" : "");
    KiPrint("Boot       volume %04X-%04X, partition %u (%s), block %llu, %llu blocks of %u\n",
            B->BootPartition.VolumeSerial >> 16, B->BootPartition.VolumeSerial & 0xFFFF,
            B->BootPartition.Number,
            B->BootPartition.Style < 3 ? Styles[B->BootPartition.Style] : "?",
            (unsigned long long)B->BootPartition.StartBlock,
            (unsigned long long)B->BootPartition.BlockCount, B->BootPartition.BlockBytes);
}

/* The brand string of leaves 80000002 to 80000004, without its leading blanks. */
static const char *KipBrand(char Brand[49])
{
    ULONG Leaf;
    const char *Text = Brand;

    memset(Brand, 0, 49);
    if (ArchCpuid(0x80000000, 0).Eax < 0x80000004) {
        return "no brand string";
    }
    for (Leaf = 0; Leaf < 3; Leaf++) {
        CPUID_REGISTERS R = ArchCpuid(0x80000002 + Leaf, 0);

        memcpy(Brand + Leaf * 16, &R, 16);
    }
    while (*Text == ' ') {
        Text++;
    }
    return Text;
}

static void KipDescribeFeatures(void)
{
    CPUID_REGISTERS Leaf1 = ArchCpuid(1, 0);
    ULONG Cr4 = KiReadCr4();
    const struct {
        BOOLEAN Used;
        const char *Name;
    } Features[] = {
        {TRUE, "TSC APIC CX8 CMOV WP"},
        {(Cr4 & CR4_PSE) != 0, "PSE"},
        {(Leaf1.Edx & CPUID_1_EDX_PSE36) != 0, "PSE36"},
        {(Cr4 & CR4_PGE) != 0, "PGE"},
        {(Leaf1.Edx & CPUID_1_EDX_PAT) != 0, "PAT"},
        {(Leaf1.Ecx & CPUID_1_ECX_SSE42) != 0, "CRC32"},
        {(Cr4 & CR4_SMEP) != 0, "SMEP"},
        {(Cr4 & CR4_SMAP) != 0, "SMAP"},
        {(Cr4 & CR4_UMIP) != 0, "UMIP"},
    };
    ULONG i;

    KiPrint("           used:");
    for (i = 0; i < RTL_NUMBER_OF(Features); i++) {
        if (Features[i].Used) {
            KiPrint(" %s", Features[i].Name);
        }
    }
    KiPrint("; absent:");
    for (i = 0; i < RTL_NUMBER_OF(Features); i++) {
        if (!Features[i].Used) {
            KiPrint(" %s", Features[i].Name);
        }
    }
    KiPrint(" NX (needs PAE)\n");
}

void KiDescribeProcessor(void)
{
    CPUID_REGISTERS Leaf0 = ArchCpuid(0, 0);
    ULONG Eax = ArchCpuid(1, 0).Eax;
    ULONG Family = ((Eax >> 8) & 0xF) + ((Eax >> 20) & 0xFF);
    ULONG Model = ((Eax >> 4) & 0xF) | ((Eax >> 12) & 0xF0);
    char Vendor[13];
    char Brand[49];

    memcpy(Vendor, &Leaf0.Ebx, 4);
    memcpy(Vendor + 4, &Leaf0.Edx, 4);
    memcpy(Vendor + 8, &Leaf0.Ecx, 4);
    Vendor[12] = 0;
    KiPrint("Processor  %s, %s, family %u model %u stepping %u\n", Vendor, KipBrand(Brand), Family,
            Model, Eax & 0xF);
    KipDescribeFeatures();
}

static const char *KipTypeName(ULONG Type)
{
    static const char *const Names[LOADER_MEMORY_TYPES] = {
        "free",
        "firmware temporary",
        "firmware permanent",
        "ACPI tables",
        "ACPI storage",
        "bad",
        "mapped I/O",
        "kernel image",
        "boot data",
        "page tables",
        "unusable above 4 GB without PAE",
        "withheld by a boot switch",
    };

    return Type < LOADER_MEMORY_TYPES ? Names[Type] : "unknown";
}

void KiDescribeMemory(void)
{
    const LOADER_MEMORY_RUN *Runs = (const LOADER_MEMORY_RUN *)KiLoaderBlock->MemoryRunsVa;
    ULONG64 Totals[LOADER_MEMORY_TYPES] = {0};
    ULONG i;

    KiPrint("Memory     %u runs\n", KiLoaderBlock->MemoryRunCount);
    for (i = 0; i < KiLoaderBlock->MemoryRunCount; i++) {
        KiPrint("  %09llx - %09llx %9llu KB  %s\n",
                (unsigned long long)Runs[i].BasePage << PAGE_SHIFT,
                (unsigned long long)((Runs[i].BasePage + Runs[i].PageCount) << PAGE_SHIFT) - 1,
                (unsigned long long)Runs[i].PageCount * KIP_KB_PER_PAGE, KipTypeName(Runs[i].Type));
        if (Runs[i].Type < LOADER_MEMORY_TYPES) {
            Totals[Runs[i].Type] += Runs[i].PageCount;
        }
    }
    for (i = 0; i < LOADER_MEMORY_TYPES; i++) {
        if (Totals[i] != 0) {
            KiPrint("  total %20llu pages %9llu KB  %s\n", (unsigned long long)Totals[i],
                    (unsigned long long)Totals[i] * KIP_KB_PER_PAGE, KipTypeName(i));
        }
    }
}

void KiDescribeSwitch(void)
{
    const LOADER_BLOCK *B = KiLoaderBlock;

    KiPrint("Switch     %s paging (cr0 %08x cr4 %08x efer %08x) left after %u ExitBootServices\n",
            (B->FirmwareFlags & LOADER_FIRMWARE_LA57)    ? "5-level 64-bit"
            : (B->FirmwareFlags & LOADER_FIRMWARE_64BIT) ? "4-level 64-bit"
            : !(B->OldCr0 & CR0_PG)                      ? "no"
            : (B->OldCr4 & CR4_PAE)                      ? "PAE"
                                                         : "32-bit",
            B->OldCr0, B->OldCr4, B->OldEfer, B->ExitBootTries);
    KiPrint("           32-bit paging entered (cr0 %08x cr3 %08x cr4 %08x), self-map at c0000000\n",
            KiReadCr0(), KiReadCr3(), KiReadCr4());
}

static const char *KipPlural(ULONG Count)
{
    return Count == 1 ? "" : "s";
}

static void KipDescribeTime(void)
{
    LARGE_INTEGER Time;
    TIME_FIELDS F;

    if (KiLoaderBlock->SystemTime == 0) {
        KiPrint("Time       the firmware has no clock, or it is not set\n");
        return;
    }
    KeQuerySystemTime(&Time);
    RtlTimeToTimeFields(&Time, &F);
    KiPrint("Time       %04d-%02d-%02d %02d:%02d:%02d UTC, by the firmware's clock\n", F.Year,
            F.Month, F.Day, F.Hour, F.Minute, F.Second);
}

void KiDescribeDevices(void)
{
    const LOADER_FRAMEBUFFER *Screen = &KiLoaderBlock->Framebuffer;
    ULONG i;

    KiPrint("ACPI       revision %u, OEM \"%s\", %u tables:", HalAcpi.Revision, HalAcpi.OemId,
            HalAcpi.TableCount);
    for (i = 0; i < HalAcpi.TableCount && i < HAL_ACPI_TABLE_NAMES; i++) {
        KiPrint(" %s", HalAcpi.TableNames[i]);
    }
    KiPrint("%s\n", HalAcpi.BadTables != 0 ? " (bad ones skipped)" : "");
    KiPrint("APIC       local, version %02x (%s), %u processor%s, %u I/O APIC%s\n",
            HalApicVersion(), HalApicIsX2() ? "x2APIC" : "xAPIC", HalAcpi.ProcessorCount,
            KipPlural(HalAcpi.ProcessorCount), HalAcpi.IoApicCount, KipPlural(HalAcpi.IoApicCount));
    KiPrint("Clocks     TSC %llu kHz, APIC timer %llu kHz, measured against the %s\n",
            (unsigned long long)HalClocks.TscHz / 1000, (unsigned long long)HalClocks.ApicHz / 1000,
            HalReferenceName(HalClocks.Reference));
    KipDescribeTime();
    if (HalConsoleHasScreen()) {
        KiPrint("Screen     %u x %u, %u bytes a pixel, pitch %u, at %llx\n", Screen->Width,
                Screen->Height, Screen->BytesPerPixel, Screen->Pitch,
                (unsigned long long)Screen->Physical);
    }
}
