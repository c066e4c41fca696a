/* SPDX-License-Identifier: MIT */
/*
 * paged_world.c - see paged_world.h.
 */
#include "tests/unit/paged_world.h"

#include "mm/inspect/page_out.h"
#include "mm/paging/modified_writer.h"
#include "mm/paging/slots.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/system_pages.h"
#include "mm/ws/wsle.h"
#include "tests/unit/paging_world.h"

#include <stdio.h>
#include <string.h>

#define MOST_PAGES 64u

typedef struct _BALANCE {
    ULONG Available;
    ULONG Committed;
    ULONG Slots;
} BALANCE;

static PEPROCESS Process;
static BOOLEAN Ended;
static KAPC_STATE Home;
static BALANCE Before;

static BALANCE TakeBalance(void)
{
    MI_PFN_COUNTERS Frames;
    ULONG Kept; /* once they were made */

    (void)IoWorldPoolBytes(); /* which empties what is kept ready */
    MiQueryPfnCounters(&Frames);
    Kept = MiSystemPageTables + MiSystemCacheWorkingSet.ListPages;
    return (BALANCE){Frames.AvailablePages + Kept, Frames.Commit.Committed - Kept,
                     MmPagingFile[0]->FreeSpace};
}

void PagedBegin(ULONG64 Seed)
{
    PagingWorldStartWith(Seed, 4, 4);
    Before = TakeBalance();
    Ended = FALSE;
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("paged", &Process));
    KeStackAttachProcess(&Process->Pcb, &Home);
}

void PagedEnd(void)
{
    BALANCE After;

    MiVerifyAll();
    KeUnstackDetachProcess(&Home);
    if (!Ended) {
        PsTerminateProcess(Process);
    }
    PsDereferenceProcess(Process);
    PagingWorldEmptyFiles(); /* of paged pool, which force IRQL checking sends there */
    After = TakeBalance();
    CHECK_EQUAL(Before.Available, After.Available);
    CHECK_EQUAL(Before.Committed, After.Committed);
    CHECK_EQUAL(Before.Slots, After.Slots);
    CHECK_EQUAL(0, MiInPageCounters.InUse);
    printf("# figure R12 1 0\n");
    PagingWorldFinish();
}

PEPROCESS PagedProcess(void)
{
    return Process;
}

void PagedEndProcess(void)
{
    PsTerminateProcess(Process);
    Ended = TRUE;
}

/* ---- contents ---- */

ULONG PagedWord(ULONG_PTR Va)
{
    return (ULONG)Va ^ 0x5A5A1234u;
}

ULONG_PTR PagedAllocate(ULONG Pages)
{
    ULONG_PTR Va = SpaceAllocate(0, Pages * PAGE_SIZE, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    ULONG Page;
    ULONG At;

    for (Page = 0; Page < Pages; Page++) {
        for (At = 0; At < PAGE_SIZE; At += 512) {
            SpaceWrite(Va + Page * PAGE_SIZE + At, PagedWord(Va + Page * PAGE_SIZE + At));
        }
    }
    return Va;
}

BOOLEAN PagedIsWhole(ULONG_PTR Va)
{
    ULONG At;

    for (At = 0; At < PAGE_SIZE; At += 512) {
        if (SpaceRead(Va + At) != PagedWord(Va + At)) {
            return FALSE;
        }
    }
    return TRUE;
}

MMPTE PagedPte(ULONG_PTR Va)
{
    return MiReadPte(MiGetPteAddress(Va));
}

MI_PTE_KIND PagedKind(ULONG_PTR Va)
{
    return MiPteKind(PagedPte(Va));
}

PUCHAR PagedPlace(ULONG_PTR Va)
{
    const MMPAGING_FILE *File = MmPagingFile[MiPteFile(PagedPte(Va))];

    CHECK_EQUAL(MiPtePagefile, PagedKind(Va));
    CHECK_EQUAL(1, File->Runs);
    return IoDisk.Image + File->FirstSector * IoDisk.Device.SectorBytes +
           (SIZE_T)MiPteSlot(PagedPte(Va)) * PAGE_SIZE;
}

/* ---- out ---- */

static void TakeAway(ULONG_PTR Va)
{
    if (Va >= MM_SYSTEM_RANGE_START) {
        CHECK(MmTrimAllSystemPageableMemory(FALSE));
    } else {
        (void)SpaceProtect(Va, 1, SpaceProtect(Va, 1, PAGE_NOACCESS));
    }
}

/* => Its frame, which is off the lists, has a reference, and is clean. */
static PFN_NUMBER Trim(ULONG_PTR Va)
{
    PFN_NUMBER Frame;
    KIRQL OldIrql;

    TakeAway(Va);
    CHECK_EQUAL(MiPteTransition, PagedKind(Va));
    Frame = PagedPte(Va).Hard.PageFrameNumber;
    OldIrql = MiLockPfn();
    CHECK_EQUAL(STATUS_SUCCESS, MiReferenceFrame(Frame));
    MI_PFN(Frame)->u3.e1.Modified = 0;
    MiUnlockPfn(OldIrql);
    return Frame;
}

static void WriteSlots(const MI_SLOTS *Slots, const PFN_NUMBER *Frames)
{
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)Slots->First * PAGE_SIZE};
    UCHAR Memory[sizeof(MDL) + MOST_PAGES * sizeof(PFN_NUMBER)] NT_ALIGNED(8);
    PMDL Mdl = (PMDL)(PVOID)Memory;
    IO_STATUS_BLOCK Iosb;
    KEVENT Done;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    MmInitializeMdl(Mdl, NULL, Slots->Count * PAGE_SIZE);
    Mdl->MdlFlags = MDL_PAGES_LOCKED;
    memcpy(MmGetMdlPfnArray(Mdl), Frames, Slots->Count * sizeof(PFN_NUMBER));
    CHECK(NT_SUCCESS(
        IoSynchronousPageWrite(MmPagingFile[Slots->File]->File, Mdl, &Offset, &Done, &Iosb)));
    KeWaitForSingleObject(&Done, WrPageOut, KernelMode, FALSE, NULL);
    CHECK_EQUAL(STATUS_SUCCESS, Iosb.Status);
}

void PagedToStandby(ULONG_PTR Va, ULONG Pages)
{
    PFN_NUMBER Frames[MOST_PAGES];
    MI_SLOTS Slots;
    KIRQL OldIrql;
    ULONG i;

    CHECK(Pages <= MOST_PAGES);
    Slots = MiAllocateSlots(Pages);
    CHECK_EQUAL(Pages, Slots.Count);
    for (i = 0; i < Pages; i++) {
        Frames[i] = Trim(Va + i * PAGE_SIZE);
    }
    WriteSlots(&Slots, Frames);
    for (i = 0; i < Pages; i++) {
        ULONG Protection = MiSoftwareProtection(MI_PFN(Frames[i])->OriginalPte);

        MiSetSlotChecksum(Slots.File, Slots.First + i, MiPageChecksum(Frames[i]));
        OldIrql = MiLockPfn();
        MiReleasePteSlot(MI_PFN(Frames[i])->OriginalPte);
        MI_PFN(Frames[i])->OriginalPte = MiMakePagefilePte(Slots.File, Slots.First + i, Protection);
        MiDereferenceFrame(Frames[i]);
        MiUnlockPfn(OldIrql);
    }
}

void PagedOut(ULONG_PTR Va, ULONG Pages)
{
    ULONG i;

    PagedToStandby(Va, Pages);
    (void)MiReuseStandbyFrames();
    for (i = 0; i < Pages; i++) {
        CHECK_EQUAL(MiPtePagefile, PagedKind(Va + i * PAGE_SIZE));
    }
}

/* ---- page tables ---- */

static void EmptyWorkingSet(void)
{
    MiLockAddressSpace(Process);
    (void)MiTrimWorkingSet(&Process->Vm, Process->Vm.WorkingSetSize, 0);
    MiUnlockAddressSpace(Process);
}

MMPTE PagedPde(ULONG_PTR Va)
{
    return MiReadPte(MiGetPdeAddress(Va));
}

/* => None is resident. */
static void CheckTables(ULONG_PTR Va, SIZE_T Bytes, BOOLEAN Paged)
{
    ULONG_PTR At;

    for (At = ROUND_DOWN(Va, MM_LARGE_PAGE); At < Va + Bytes; At += MM_LARGE_PAGE) {
        CHECK(!PagedPde(At).Hard.Valid);
        CHECK(!Paged || PagedPde(At).Long == 0 || MiPteKind(PagedPde(At)) == MiPtePagefile);
    }
}

void PagedTablesToLists(ULONG_PTR Va, SIZE_T Bytes)
{
    EmptyWorkingSet();
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    (void)MiReuseStandbyFrames();
    EmptyWorkingSet();
    CheckTables(Va, Bytes, FALSE);
}

void PagedTablesOut(ULONG_PTR Va, SIZE_T Bytes)
{
    PagedTablesToLists(Va, Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    (void)MiReuseStandbyFrames();
    CheckTables(Va, Bytes, TRUE);
}

void PagedArm(ULONG What, ULONG Nth)
{
    MiFailFrameAllocation = What == 0 ? Nth : 0;
    MiFailInPageBlock = What == 1 ? Nth : 0;
    MiFailWsleReservation = What == 2 ? Nth : 0;
    IoDisk.FailAt[DiskRead] = What == 3 ? Nth : 0;
}

static PFN_NUMBER Hoard[4096];
static ULONG Hoarded;

void PagedTakeFrames(ULONG Left)
{
    for (Hoarded = 0; NT_SUCCESS(MiAllocateFrame(MiFrameAny, 0, &Hoard[Hoarded])); Hoarded++) {
        continue;
    }
    for (; Left != 0; Left--) {
        MiFreeFrame(Hoard[--Hoarded]);
    }
}

void PagedGiveFrames(void)
{
    while (Hoarded != 0) {
        MiFreeFrame(Hoard[--Hoarded]);
    }
}
