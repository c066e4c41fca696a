/* SPDX-License-Identifier: MIT */
/*
 * system_space.c - MmMapViewInSystemSpace: sections that drivers see whatever process runs.
 *
 * The addresses are MiRegionSystemViews, in units of 64 KB; a view is the first run of free units
 * that is long enough.  A session's views are made in the same way, in its own space.
 *
 * Locking: the mutex of the space's working set, which makes finding and taking one step.
 */
#include "arch/mmu.h"
#include "mm/section/system_view.h"
#include "mm/sysva/system_pages.h"
#include "nt/bugcodes.h"

#define MIP_UNIT      MM_ALLOCATION_GRANULARITY
#define MIP_NOT_FOUND 2u /* P2 of 0xD7 */

static BOOLEAN MipIsIn(const MI_VIEW_SPACE *Space, ULONG_PTR Va)
{
    return Va - Space->Start < Space->Bytes;
}

/* => (W).  STATUS_NO_MEMORY: no run of units is long enough. */
static NTSTATUS MipFindFree(const MI_VIEW_SPACE *Space, ULONG Bytes, PULONG_PTR Va)
{
    ULONG_PTR Start = Space->Start;
    ULONG_PTR At;

    for (At = Start; MipIsIn(Space, At); At += MIP_UNIT) {
        if (MiFindSystemView(At)->ControlArea != NULL) {
            Start = At + MIP_UNIT;
        } else if (At + MIP_UNIT - Start >= Bytes) {
            *Va = Start;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_NO_MEMORY;
}

static NTSTATUS MipCreateTables(const MI_VIEW_SPACE *Space)
{
    return Space->Session != NULL
               ? MiCreateSessionPageTables(Space->Session, Space->Start, Space->Bytes)
               : MiCreateSystemPageTables(Space->Start, Space->Bytes);
}

/* => Unit: of the first page. */
static NTSTATUS MipMap(PMI_VIEW_SPACE Space, MI_SYSTEM_VIEW Unit, ULONG Pages, PULONG_PTR Va)
{
    NTSTATUS Status = MipCreateTables(Space);

    if (!NT_SUCCESS(Status)) {
        return STATUS_NO_MEMORY;
    }
    MiReferenceSystemView(Unit.ControlArea, FALSE);
    ExAcquireFastMutex(Space->WorkingSet->Mutex);
    Status = MipFindFree(Space, Pages << PAGE_SHIFT, Va);
    if (NT_SUCCESS(Status)) {
        MiMapSystemPages(Unit, *Va, Pages);
    }
    ExReleaseFastMutex(Space->WorkingSet->Mutex);
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
NTSTATUS MiMapViewInSpace(PMI_VIEW_SPACE Space, PVOID Section, PVOID *MappedBase, PSIZE_T ViewSize)
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
    if (Bytes > Space->Bytes) {
        return STATUS_NO_MEMORY;
    }
    Pages = (ULONG)BYTES_TO_PAGES((ULONG)Bytes);
    Status = MipMap(Space, MipUnitOf(Object), Pages, &Va);
    if (NT_SUCCESS(Status)) {
        *MappedBase = (PVOID)Va;
        *ViewSize = (SIZE_T)Pages << PAGE_SHIFT;
    }
    return Status;
}

NTSTATUS NTAPI MmMapViewInSystemSpace(PVOID Section, PVOID *MappedBase, PSIZE_T ViewSize)
{
    return MiMapViewInSpace(MiSystemViewSpace(), Section, MappedBase, ViewSize);
}

/* => (W).  Whether a view begins at Va. */
static BOOLEAN MipIsView(const MI_VIEW_SPACE *Space, ULONG_PTR Va)
{
    return MipIsIn(Space, Va) && Va % MIP_UNIT == 0 && MiFindSystemView(Va)->ControlArea != NULL &&
           MiFindSystemView(Va)->FirstPage == 0;
}

/* => (W).  A view begins at Va.  Its bytes: up to where nothing or another view begins. */
static ULONG MipViewBytes(const MI_VIEW_SPACE *Space, ULONG_PTR Va)
{
    ULONG_PTR At = Va + MIP_UNIT;

    while (MipIsIn(Space, At) && MiFindSystemView(At)->FirstPage != 0) {
        At += MIP_UNIT;
    }
    return (ULONG)(At - Va);
}

NTSTATUS MiUnmapViewInSpace(PMI_VIEW_SPACE Space, PVOID MappedBase)
{
    ULONG_PTR Va = (ULONG_PTR)MappedBase;
    PCONTROL_AREA Area;

    ExAcquireFastMutex(Space->WorkingSet->Mutex);
    if (!MipIsView(Space, Va)) {
        KeBugCheckEx(DRIVER_UNMAPPING_INVALID_VIEW, Va, MIP_NOT_FOUND, 0, 0);
    }
    Area = MiFindSystemView(Va)->ControlArea;
    MiUnmapSystemPages(Va, MipViewBytes(Space, Va));
    ExReleaseFastMutex(Space->WorkingSet->Mutex);
    MiDereferenceSystemView(Area, FALSE);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI MmUnmapViewInSystemSpace(PVOID MappedBase)
{
    return MiUnmapViewInSpace(MiSystemViewSpace(), MappedBase);
}
