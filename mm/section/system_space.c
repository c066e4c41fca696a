/* SPDX-License-Identifier: MIT */
/*
 * system_space.c - MmMapViewInSystemSpace: sections that drivers see whatever process runs.
 *
 * The addresses are MiRegionSystemViews, in units of 64 KB; a view is the first run of free units
 * that is long enough.
 *
 * Locking: MiSystemWorkingSetMutex, which makes finding and taking one step.
 */
#include "arch/mmu.h"
#include "mm/section/system_view.h"
#include "mm/sysva/system_pages.h"
#include "nt/bugcodes.h"

#define MIP_UNIT      MM_ALLOCATION_GRANULARITY
#define MIP_NOT_FOUND 2u /* P2 of 0xD7 */

/* => (W).  STATUS_NO_MEMORY: no run of units is long enough. */
static NTSTATUS MipFindFree(ULONG Bytes, PULONG_PTR Va)
{
    const MI_RANGE *Region = &MiLayout.Region[MiRegionSystemViews];
    ULONG_PTR Start = Region->Start;
    ULONG_PTR At;

    for (At = Start; At - Region->Start < Region->Bytes; At += MIP_UNIT) {
        if (MiFindSystemView(At)->ControlArea != NULL) {
            Start = At + MIP_UNIT;
        } else if (At + MIP_UNIT - Start >= Bytes) {
            *Va = Start;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_NO_MEMORY;
}

/* => Unit: of the first page. */
static NTSTATUS MipMap(MI_SYSTEM_VIEW Unit, ULONG Pages, PULONG_PTR Va)
{
    const MI_RANGE *Region = &MiLayout.Region[MiRegionSystemViews];
    NTSTATUS Status = MiCreateSystemPageTables(Region->Start, Region->Bytes);

    if (!NT_SUCCESS(Status)) {
        return STATUS_NO_MEMORY;
    }
    MiReferenceSystemView(Unit.ControlArea, FALSE);
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    Status = MipFindFree(Pages << PAGE_SHIFT, Va);
    if (NT_SUCCESS(Status)) {
        MiMapSystemPages(Unit, *Va, Pages);
    }
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    if (!NT_SUCCESS(Status)) {
        MiDereferenceSystemView(Unit.ControlArea, FALSE);
    }
    return Status;
}

/* Nothing is copied here: a section that is not for writing is for reading alone. */
static MI_SYSTEM_VIEW MipUnitOf(const SECTION *Section)
{
    ULONG Protection = MiMakeProtection(Section->InitialPageProtection);

    return (MI_SYSTEM_VIEW){.ControlArea = Section->Segment->ControlArea,
                            .ReadOnly = !MiIsWritable(Protection) || MiIsCopyOnWrite(Protection)};
}

/* All that is read of the section, which is pageable, is read before a lock is taken. */
NTSTATUS NTAPI MmMapViewInSystemSpace(PVOID Section, PVOID *MappedBase, PSIZE_T ViewSize)
{
    const SECTION *Object = Section;
    ULONG64 Most = ROUND_UP(Object->SizeOfSection, (ULONG64)PAGE_SIZE);
    ULONG64 Bytes = *ViewSize != 0 ? *ViewSize : Most;
    ULONG_PTR Va;
    ULONG Pages;
    NTSTATUS Status;

    if (MiIsPhysicalSection(Object)) {
        return STATUS_INVALID_PARAMETER_1;
    }
    if (Bytes > Most) {
        return STATUS_INVALID_VIEW_SIZE;
    }
    if (Bytes > MiLayout.Region[MiRegionSystemViews].Bytes) {
        return STATUS_NO_MEMORY;
    }
    Pages = (ULONG)BYTES_TO_PAGES((ULONG)Bytes);
    Status = MipMap(MipUnitOf(Object), Pages, &Va);
    if (NT_SUCCESS(Status)) {
        *MappedBase = (PVOID)Va;
        *ViewSize = (SIZE_T)Pages << PAGE_SHIFT;
    }
    return Status;
}

/* => (W).  Whether a view begins at Va. */
static BOOLEAN MipIsView(ULONG_PTR Va)
{
    return MiIsInRegion(MiRegionSystemViews, Va) && Va % MIP_UNIT == 0 &&
           MiFindSystemView(Va)->ControlArea != NULL && MiFindSystemView(Va)->FirstPage == 0;
}

/* => (W).  A view begins at Va.  Its bytes: up to where nothing or another view begins. */
static ULONG MipViewBytes(ULONG_PTR Va)
{
    ULONG_PTR At = Va + MIP_UNIT;

    while (MiIsInRegion(MiRegionSystemViews, At) && MiFindSystemView(At)->FirstPage != 0) {
        At += MIP_UNIT;
    }
    return (ULONG)(At - Va);
}

NTSTATUS NTAPI MmUnmapViewInSystemSpace(PVOID MappedBase)
{
    ULONG_PTR Va = (ULONG_PTR)MappedBase;
    PCONTROL_AREA Area;

    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    if (!MipIsView(Va)) {
        KeBugCheckEx(DRIVER_UNMAPPING_INVALID_VIEW, Va, MIP_NOT_FOUND, 0, 0);
    }
    Area = MiFindSystemView(Va)->ControlArea;
    MiUnmapSystemPages(Va, MipViewBytes(Va));
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    MiDereferenceSystemView(Area, FALSE);
    return STATUS_SUCCESS;
}
