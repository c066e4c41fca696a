/* SPDX-License-Identifier: MIT */
/*
 * sector_skip.c - see sector_skip.h.
 */
#include "mm/paging/sector_skip.h"

#include "mi_assert.h"
#include "mm/sysva/hyperspace.h"
#include "rtl.h"

/* Who is asked for page after page asks for few that do not begin at a page of the file. */
ULONG MiFindSectorSkip(PFILE_OBJECT File, const LARGE_INTEGER *Offset)
{
    ULONG InPage = Offset->LowPart % PAGE_SIZE;
    ULONG Sector;

    if (InPage == 0) {
        return 0;
    }
    Sector = IoGetRelatedDeviceObject(File)->SectorSize;
    MI_ASSERT(Sector <= PAGE_SIZE && (Sector & (Sector - 1)) == 0);
    return Sector != 0 ? InPage % Sector : 0;
}

/* The end of one frame's contents, and the beginning of the next one's. */
static void MipJoin(PFN_NUMBER To, PFN_NUMBER Next, ULONG Skip)
{
    KIRQL OldIrql;
    KIRQL InnerIrql;
    PUCHAR Page = MiMapFrameInHyperspace(To, &OldIrql);
    const UCHAR *Behind = MiMapFrameInHyperspace(Next, &InnerIrql);

    memmove(Page, Page + Skip, PAGE_SIZE - Skip);
    memcpy(Page + (PAGE_SIZE - Skip), Behind, Skip);
    MiUnmapFrameInHyperspace((PVOID)(ULONG_PTR)Behind, InnerIrql);
    MiUnmapFrameInHyperspace(Page, OldIrql);
}

void MiMovePagesDown(const PFN_NUMBER *Frames, ULONG Pages, ULONG Skip)
{
    ULONG i;

    MI_ASSERT(Skip < PAGE_SIZE);
    for (i = 0; i < Pages; i++) {
        MipJoin(Frames[i], Frames[i + 1], Skip);
    }
}
