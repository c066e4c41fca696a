/* SPDX-License-Identifier: MIT */
/*
 * paging_hoard.c - nonpaged pool that has nothing left while pages move.
 *
 * The paging path allocates no pool: with none to be had, pages still leave memory and come back.
 * Blocks are linked through themselves, the largest are taken first.
 *
 * Locking: none; one thread hoards.
 */
#include "mm/inspect/paging_hoard.h"

#include "ex.h"
#include "mi_assert.h"
#include "mm/inspect/paging_work.h"

#define MIP_SMALLEST 8u
#define MIP_PAUSE    (-500000ll) /* 50 ms */

static BOOLEAN MipTakeBlock(PMI_POOL_HOARD Hoard, ULONG Bytes)
{
    PSINGLE_LIST_ENTRY Block = ExAllocatePoolWithTag(NonPagedPool, Bytes, MI_PAGING_RUN_TAG);

    if (Block == NULL) {
        return FALSE;
    }
    Block->Next = Hoard->First;
    Hoard->First = Block;
    Hoard->Blocks++;
    Hoard->Bytes += Bytes;
    return TRUE;
}

static void MipTakeAll(PMI_POOL_HOARD Hoard)
{
    ULONG Bytes;

    for (Bytes = PAGE_SIZE; Bytes >= MIP_SMALLEST; Bytes /= 2) {
        while (MipTakeBlock(Hoard, Bytes)) {
        }
    }
    Hoard->Times++;
}

void MiHoardPoolUntil(PMI_POOL_HOARD Hoard, PKEVENT Done)
{
    LARGE_INTEGER Pause = {.QuadPart = MIP_PAUSE};
    NTSTATUS Status;

    do {
        MipTakeAll(Hoard);
        Status = KeWaitForSingleObject(Done, Executive, KernelMode, FALSE, &Pause);
    } while (Status == STATUS_TIMEOUT);
    MI_ASSERT(Status == STATUS_SUCCESS);
}

void MiReleasePoolHoard(PMI_POOL_HOARD Hoard)
{
    while (Hoard->First != NULL) {
        PSINGLE_LIST_ENTRY Block = Hoard->First;

        Hoard->First = Block->Next;
        ExFreePoolWithTag(Block, MI_PAGING_RUN_TAG);
    }
}
