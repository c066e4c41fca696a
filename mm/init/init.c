/* SPDX-License-Identifier: MIT */
/*
 * init.c - MmInitSystem: the order in which the memory manager comes to life.
 *
 *     loader's runs -> layout -> memory for the database -> database -> hyperspace, system PTEs,
 *     kernel stacks -> system working set -> pools -> pageable code -> objects -> the system's
 *     process -> events; then threads, and the loader's memory is released
 *
 * Each step uses only what stands to its left.
 */
#include "mm/init/init.h"

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "mm/fault/fault.h"
#include "mm/init/boot_map.h"
#include "mm/paging/in_page.h"
#include "mm/paging/modified_writer.h"
#include "mm/section/mapped_writer.h"
#include "mm/paging/slots.h"
#include "mm/pfn/boot_frames.h"
#include "mm/pfn/commit_growth.h"
#include "mm/pfn/memory_events.h"
#include "mm/pfn/page_color.h"
#include "mm/pfn/pfn_database.h"
#include "mm/pool/system_image.h"
#include "mm/pool/trim_system.h"
#include "mm/section/section.h"
#include "mm/section/system_view.h"
#include "mm/session/session.h"
#include "mm/space/address_space.h"
#include "mm/space/process.h"
#include "mm/sysva/hyperspace.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/pte_make.h"
#include "mm/sysva/system_ptes.h"
#include "mm/ws/wsle.h"
#include "nt/bugcodes.h"
#include "ob.h"
#include "report.h"
#include "user_half.h"

static const MM_BOOT *MipBoot;

const MM_BOOT *MiBootBlock(void)
{
    return MipBoot;
}

ULONG MiBootValue(const MM_BOOT *Boot, const char *Name)
{
    return MiRegistryNumber(Boot->Values, Boot->ValueCount, Name);
}

/* ---- what RAM there is ---- */

typedef struct _MIP_RAM {
    ULONG Pages;
    PFN_NUMBER Lowest;
    PFN_NUMBER Highest;
} MIP_RAM;

static MIP_RAM MipCountRam(const MM_BOOT *Boot)
{
    MIP_RAM Ram = {0, MI_NO_FRAME, 0};
    ULONG i;

    for (i = 0; i < Boot->RunCount; i++) {
        MI_BOOT_RANGE Range;

        if (MiIsLoaderRam(Boot->Runs[i].Type) && MiClipLoaderRun(&Boot->Runs[i], &Range)) {
            PFN_NUMBER Last = Range.First + Range.Pages - 1;

            Ram.Pages += Range.Pages;
            Ram.Lowest = Range.First < Ram.Lowest ? Range.First : Ram.Lowest;
            Ram.Highest = Last > Ram.Highest ? Last : Ram.Highest;
        }
    }
    return Ram;
}

NT_NORETURN void MiInstallMoreMemory(ULONG Step)
{
    MIP_RAM Ram = MipCountRam(MipBoot);

    KeBugCheckEx(INSTALL_MORE_MEMORY, Ram.Pages, Ram.Lowest, Ram.Highest, Step);
}

/* ---- the steps ---- */

static void MipComplain(PVOID Context, const char *Name, const char *Unit, ULONG Given, ULONG Used,
                        const char *Reason)
{
    (void)Context;
    KiPrint("system.reg: %s is 0x%x, corrected to 0x%x%s%s: %s.\n", Name, Given, Used,
            Unit[0] != 0 ? " " : "", Unit, Reason);
}

static void MipDecideLayout(const MM_BOOT *Boot)
{
    MIP_RAM Ram = MipCountRam(Boot);
    MI_LAYOUT_INPUT Input = {
        .RamPages = Ram.Pages,
        .FramebufferBytes = Boot->FramebufferBytes,
        .RangeStart = Boot->RangeStart,
        .KernelStart = Boot->KernelStart,
        .Values = Boot->Values,
        .ValueCount = Boot->ValueCount,
        .Complain = MipComplain,
    };

    (void)MiPfnDatabaseBytes(); /* finds MiHighestFrame */
    Input.HighestFrame = MiHighestFrame;
    MiLayout = MiComputeLayout(&Input);
    MiVerifyLayout(&MiLayout);
    KiPrint("\nSystem address space\n");
    MiPrintLayout(&MiLayout, KiConsoleSink, NULL);
}

static void MipBuildDatabase(void)
{
    ULONG Bytes = MiPfnDatabaseBytes();
    ULONG_PTR Database = MiLayout.Region[MiRegionPfnDatabase].Start;

    if (!MiMapBootFrames(Database, Bytes)) {
        MiInstallMoreMemory(MM_BOOT_DATABASE);
    }
    MiInitializePfnDatabase((PVOID)Database);
}

static void MipCreateSystemPtes(void)
{
    const MI_RANGE *Range = &MiLayout.Region[MiRegionSystemPtes];

    if (!NT_SUCCESS(MiCreateSystemPtes(Range->Start, Range->Bytes >> PAGE_SHIFT))) {
        MiInstallMoreMemory(MM_BOOT_PTES);
    }
}

/* The kernel's own image: all that it is here is its pageable code. */
static void MipPageKernelCode(const MM_BOOT *Boot)
{
    static MI_IMAGE_SECTION Section;
    static MI_SYSTEM_IMAGE Image;

    MiInitializeSystemImages(MiBootValue(Boot, "DisablePagingExecutive") == 0);
    Section = (MI_IMAGE_SECTION){.Name = "PAGE",
                                 .Start = Boot->PageableCode,
                                 .Pages = Boot->PageableCodePages,
                                 .Protection = MM_EXECUTE_READ};
    Image = (MI_SYSTEM_IMAGE){.Name = "nt",
                              .Base = Boot->PageableCode,
                              .Pages = Boot->PageableCodePages,
                              .SectionCount = 1,
                              .Sections = &Section,
                              .Loader = TRUE};
    if (Boot->PageableCodePages != 0) {
        MiInsertSystemImage(&Image);
    }
}

static void MipSetThresholds(const MM_BOOT *Boot)
{
    ULONG PagesInMb = 0x100000u >> PAGE_SHIFT;

    MiSetMemoryThresholds(MiBootValue(Boot, "LowMemoryThreshold") * PagesInMb,
                          MiBootValue(Boot, "HighMemoryThreshold") * PagesInMb);
}

void MmInitSystem(const MM_BOOT *Boot)
{
    MipBoot = Boot;
    MiInitializeBootFrames(Boot->Runs, Boot->RunCount);
    MiInitializePteMaking(Boot->GlobalPages, Boot->WriteCombining);
    MiSetSystemRangeStart(Boot->RangeStart);
    MipDecideLayout(Boot);
    MiNameSettingsWithoutEffect(Boot);
    MiSetPageColors(MiPageColorsOfCache(MiBootValue(Boot, "SecondLevelDataCache")));
    MipBuildDatabase();
    if (!NT_SUCCESS(MiCreateHyperspace())) {
        MiInstallMoreMemory(MM_BOOT_HYPERSPACE);
    }
    MipCreateSystemPtes();
    MiInitializeKernelStacks();
    if (!NT_SUCCESS(MiInitializeSystemWorkingSet())) {
        MiInstallMoreMemory(MM_BOOT_WORKING_SET);
    }
    if (!NT_SUCCESS(MiCreatePools(Boot))) {
        MiInstallMoreMemory(MM_BOOT_POOL);
    }
    MipPageKernelCode(Boot);
    if (!NT_SUCCESS(ObInitSystem())) {
        MiInstallMoreMemory(MM_BOOT_OBJECTS);
    }
    if (!NT_SUCCESS(MiInitializeSections()) || !NT_SUCCESS(MiInitializeSystemViews())) {
        MiInstallMoreMemory(MM_BOOT_OBJECTS);
    }
    if (!NT_SUCCESS(MiInitializeProcesses())) {
        MiInstallMoreMemory(MM_BOOT_PROCESS);
    }
    MiSetPoolQuotas(MiBootValue(Boot, "NonPagedPoolQuota") << 20,
                    MiBootValue(Boot, "PagedPoolQuota") << 20);
    MiInitializeSessions();
    if (!NT_SUCCESS(MiCreatePhysicalSection())) {
        MiInstallMoreMemory(MM_BOOT_OBJECTS);
    }
    MiInitializeCommitGrowth();
    MiInitializeSlots();
    MiInitializeInPage();
    MiInitializeModifiedWriter();
    MiInitializeMappedWriter();
    MiInitializeFileGrowth();
    if (!NT_SUCCESS(MiInitializeMemoryEvents())) {
        MiInstallMoreMemory(MM_BOOT_OBJECTS);
    }
    MipSetThresholds(Boot);
    MiSetMakeResidentRoutine(MiMakeResident);
    MiSetForcedTrims((MiBootValue(Boot, "VerifyDriverLevel") & MI_VERIFY_FORCE_IRQL) != 0);
}

ULONG MmReleaseLoaderMemory(void)
{
    return MiReleaseLoaderMemory(LoaderFirmwareTemporary) +
           MiReleaseLoaderMemory(LoaderAcpiReclaim);
}

ULONG MmPhysicalPages(void)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Pages = MiPhysicalPages;

    MiUnlockPfn(OldIrql);
    return Pages;
}
