/* SPDX-License-Identifier: MIT */
/*
 * address_command.c - !address: which region an address lies in; !vprot: how it is protected.
 *
 * With options !address is user_regions.c's.
 *
 * What is known about single pages (a thread's stack, a pool's page) is said in more lines.
 */
#include "mm/inspect/commands.h"

#include "mm/inspect/entry.h"
#include "mm/inspect/user_regions.h"
#include "mm/ke/thread.h"
#include "mm/pool/pool_pages.h"
#include "mm/section/system_view.h"
#include "mm/sysva/layout.h"
#include "vm.h"
#include "mm/sysva/system_ptes.h"

static void MipPrintPool(PVOID Va)
{
    static const char *const Places[] = {"", "free page of", "first page of a run in",
                                         "later page of a run in"};
    POOL_TYPE BaseType;
    MI_POOL_PLACE Place;

    Place = MiQueryPoolPlace(Va, &BaseType);
    if (Place != MiPoolPlaceOutside) {
        MiPrint("    %s %s pool; try !pool %08X\n", Places[Place],
                BaseType == PagedPool ? "paged" : "nonpaged", (ULONG)(ULONG_PTR)Va);
    }
}

static void MipPrintMapping(ULONG_PTR Va)
{
    MI_ENTRIES Entries;

    MiReadEntries(Va, &Entries);
    if (Entries.Mapped) {
        MiPrint("    mapped to frame %x; try !pfn %x\n", Entries.Frame, Entries.Frame);
    } else {
        MiPrint("    not mapped: %s\n",
                MiPteKindName(Entries.HasPte ? Entries.PteKind : Entries.PdeKind));
    }
    if (MiIsSystemPte(Entries.PteAt) && MiIsFreeSystemVa(Va)) {
        MiPrint("    its system PTE is free\n");
    }
}

/* => The copy may be old the next moment. */
static void MipPrintView(ULONG_PTR Va)
{
    MI_SYSTEM_VIEW View;

    if (MiIsAnySystemViewVa(Va)) {
        View = MiQuerySystemView(Va);
        if (View.ControlArea == NULL) {
            MiPrint("    no section is mapped there\n");
        } else {
            MiPrint("    page %x of a section; try !ca %08X 1\n", View.FirstPage,
                    (ULONG)(ULONG_PTR)View.ControlArea);
        }
    }
}

static void MipPrintStack(ULONG_PTR Va)
{
    KI_THREAD_STACK Stack;

    if (KiFindStackOwner(Va, &Stack)) {
        MiPrint("    kernel stack of thread %08X, %08X - %08X; try !thread %08X\n",
                (ULONG)(ULONG_PTR)Stack.Thread, (ULONG)Stack.Lowest, (ULONG)(Stack.Base - 1),
                (ULONG)(ULONG_PTR)Stack.Thread);
    }
}

/* => FALSE: a sentence was printed. */
static BOOLEAN MipQueryUser(ULONG_PTR Va, MI_USER_REGION *Region)
{
    if (!MiCommandNeedsProcesses()) {
        return FALSE;
    }
    if (!NT_SUCCESS(NtQueryVirtualMemory(NtCurrentProcess(), (PVOID)Va, MemoryBasicInformation,
                                         Region, sizeof(*Region), NULL))) {
        MiFail("%08X: the last 64 KB of the user half are never used.", (ULONG)Va);
        return FALSE;
    }
    return TRUE;
}

static void MipPrintBits(const char *Name, ULONG Value, const char *Text)
{
    MiPrint("%-23s %08x  %s\n", Name, Value, Text);
}

static void MipPrintProtection(const char *Name, ULONG Protect)
{
    MipPrintBits(Name, Protect, Protect == 0 ? "" : MiProtectText(Protect).Text);
}

static void MipPrintUser(ULONG_PTR Va)
{
    MI_USER_REGION Region;
    ULONG_PTR Base;

    if (!MipQueryUser(Va, &Region)) {
        return;
    }
    Base = (ULONG_PTR)Region.BaseAddress;
    MiPrint("%-23s %s\n", "Usage:", MiRegionUsageName(MiRegionUsage(&Region)));
    MiPrint("%-23s %08x\n", "Base Address:", (ULONG)Base);
    MiPrint("%-23s %08x\n", "End Address:", (ULONG)(Base + Region.RegionSize));
    MiPrint("%-23s %08x  ", "Region Size:", (ULONG)Region.RegionSize);
    MiPrintPageBytes((ULONG)(Region.RegionSize >> PAGE_SHIFT));
    MiPrint("\n");
    MipPrintBits("State:", Region.State, MiRegionBitName(Region.State));
    if (Region.State != MEM_FREE) {
        MipPrintProtection("Protect:", Region.Protect);
        MipPrintBits("Type:", Region.Type, MiRegionBitName(Region.Type));
        MiPrint("%-23s %08x\n", "Allocation Base:", (ULONG)(ULONG_PTR)Region.AllocationBase);
        MipPrintProtection("Allocation Protect:", Region.AllocationProtect);
    }
    MipPrintMapping(Va);
}

static void MipPrintAddress(ULONG_PTR Va)
{
    MI_REGION Region = MiFindRegion(Va);

    if (Va < MM_SYSTEM_RANGE_START) {
        MipPrintUser(Va);
        return;
    }
    if (Region == MiRegions) {
        MiFail("%08X is in no region of the system half.", (ULONG)Va);
    } else {
        const MI_RANGE *Range = &MiLayout.Region[Region];

        MiPrint("  %08X - %08X  %08X\n", (ULONG)Range->Start,
                (ULONG)(Range->Start + (Range->Bytes - 1)), Range->Bytes);
        MiPrint("    Usage       %s\n", MiRegionName(Region));
    }
    MipPrintMapping(Va);
    MipPrintPool((PVOID)Va);
    MipPrintView(Va);
    MipPrintStack(Va);
}

void MiCommandAddress(const char *Arguments)
{
    ULONG_PTR Va;
    NTSTATUS Status;

    if (Arguments[0] == '-') {
        MiCommandUserRegions(Arguments);
        return;
    }
    Status = MiTakeArgument(&Arguments, &Va);
    if (Status == STATUS_NO_MORE_ENTRIES) {
        if (MiLayout.Region[MiRegionKernel].Bytes == 0) {
            MiFail("The layout was not computed yet.");
        }
        MiPrintLayout(&MiLayout, KiConsoleSink, NULL);
    } else if (NT_SUCCESS(Status)) {
        MipPrintAddress(Va);
    }
}

void MiCommandVprot(const char *Arguments)
{
    MI_USER_REGION Region;
    ULONG_PTR Va;
    NTSTATUS Status = MiTakeArgument(&Arguments, &Va);

    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("Which address?  !vprot <va>.");
    }
    if (!NT_SUCCESS(Status) || !MipQueryUser(Va, &Region)) {
        return;
    }
    MiPrint("BaseAddress:       %08x\n", (ULONG)(ULONG_PTR)Region.BaseAddress);
    MiPrint("AllocationBase:    %08x\n", (ULONG)(ULONG_PTR)Region.AllocationBase);
    MiPrint("AllocationProtect: %08x  %s\n", Region.AllocationProtect,
            MiProtectText(Region.AllocationProtect).Text);
    MiPrint("RegionSize:        %08x\n", (ULONG)Region.RegionSize);
    MiPrint("State:             %08x  %s\n", Region.State, MiRegionBitName(Region.State));
    MiPrint("Protect:           %08x  %s\n", Region.Protect, MiProtectText(Region.Protect).Text);
    MiPrint("Type:              %08x  %s\n", Region.Type, MiRegionBitName(Region.Type));
}
