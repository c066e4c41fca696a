/* SPDX-License-Identifier: MIT */
/*
 * segment_memory.c - what segments are made of: blocks of nonpaged pool that prototype PTEs can
 * name, and arrays of prototype PTEs in paged pool.
 *
 * Neither may lie in special pool, which is elsewhere: a block of a page's size never does.
 */
#include "ex.h"
#include "mm/pool/special_pool.h"
#include "mm/pool/special_slot.h"
#include "mm/section/section.h"
#include "mm/sysva/pte_kind.h"

/* What is one block of nonpaged pool. */
typedef struct _MIP_AREA {
    CONTROL_AREA Area;
    SUBSECTION Subsection;
    SEGMENT Segment;
    ULONG Bits[]; /* Segment.Committed */
} MIP_AREA, *PMIP_AREA;

static PVOID MipAllocate(POOL_TYPE Type, SIZE_T Bytes, ULONG Tag)
{
    if (MiPlaceInSpecialPool(Bytes, Tag) != MiSpecialNowhere) {
        Bytes = PAGE_SIZE;
    }
    return ExAllocatePoolWithTag(Type, Bytes, Tag);
}

PMMPTE MiAllocatePrototypes(ULONG Pages)
{
    return MipAllocate(PagedPool, (SIZE_T)Pages * sizeof(MMPTE), MI_SEGMENT_TAG);
}

static PVOID MipAllocateNameable(SIZE_T Bytes, SIZE_T Named, ULONG Tag)
{
    PUCHAR Block = MipAllocate(NonPagedPool, Bytes, Tag);

    if (Block != NULL && !MiCanNameSubsection(Block + Named)) {
        ExFreePoolWithTag(Block, Tag);
        return NULL;
    }
    if (Block != NULL) {
        memset(Block, 0, Bytes);
    }
    return Block;
}

PSUBSECTION MiAllocateSubsection(void)
{
    return MipAllocateNameable(sizeof(SUBSECTION), 0, MI_SUBSECTION_TAG);
}

static ULONG MipBitBytes(ULONG Pages, ULONG Attributes)
{
    return (Attributes & SEC_RESERVE) != 0 ? (Pages + 31) / 32 * (ULONG)sizeof(ULONG) : 0;
}

PCONTROL_AREA MiAllocateControlArea(ULONG Pages, ULONG Attributes)
{
    ULONG Bits = MipBitBytes(Pages, Attributes);
    PMIP_AREA Made = MipAllocateNameable(sizeof(MIP_AREA) + Bits, offsetof(MIP_AREA, Subsection),
                                         MI_CONTROL_AREA_TAG);

    if (Made == NULL) {
        return NULL;
    }
    InitializeListHead(&Made->Area.Views);
    Made->Area.Segment = &Made->Segment;
    Made->Area.u.Flags.NoCache = (Attributes & SEC_NOCACHE) != 0;
    Made->Area.u.Flags.Reserve = (Attributes & SEC_RESERVE) != 0;
    Made->Area.u.Flags.Commit = (Attributes & SEC_COMMIT) != 0;
    Made->Area.NumberOfSubsections = 1;
    Made->Subsection.ControlArea = &Made->Area;
    Made->Subsection.PtesInSubsection = Pages;
    Made->Segment.ControlArea = &Made->Area;
    Made->Segment.TotalNumberOfPtes = Pages;
    Made->Segment.SizeOfSegment = (ULONG64)Pages << PAGE_SHIFT;
    if (Bits != 0) {
        RtlInitializeBitMap(&Made->Segment.Committed, Made->Bits, Pages);
    }
    return &Made->Area;
}
