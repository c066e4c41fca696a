/* SPDX-License-Identifier: MIT */
/*
 * test_mdl_user.c - mdl.c on pages that come and go: buffers of the user half, and of paged pool.
 */
#include "mm/sysva/mdl.h"

#include "ex.h"
#include "mm/paging/paging_file.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/layout.h"
#include "tests/unit/paged_world.h"

#include <string.h>

#define RW  PAGE_READWRITE
#define TAG 0x746E6F43u

static PMDL Lock(ULONG_PTR Va, ULONG Bytes, LOCK_OPERATION Operation)
{
    PMDL Mdl = IoAllocateMdl((PVOID)Va, Bytes, FALSE, FALSE, NULL);

    CHECK_EQUAL(STATUS_SUCCESS, MiProbeAndLockPages(Mdl, UserMode, Operation));
    CHECK(Mdl->Process == PagedProcess());
    CHECK_EQUAL(MiMdlPages(Mdl), PagedProcess()->NumberOfLockedPages);
    return Mdl;
}

static void Unlock(PMDL Mdl)
{
    MmUnlockPages(Mdl);
    CHECK_EQUAL(0, MiLockedPages);
    CHECK_EQUAL(0, PagedProcess()->NumberOfLockedPages);
    IoFreeMdl(Mdl);
}

/* What a device does to the first word of a page of the MDL. */
static void DeviceWrites(PMDL Mdl, ULONG Page, ULONG Value)
{
    *(PULONG)HostFrame(MmGetMdlPfnArray(Mdl)[Page]) = Value;
}

static void Trim(ULONG_PTR Va, ULONG Pages)
{
    SpaceProtect(Va, Pages * PAGE_SIZE, PAGE_NOACCESS);
    SpaceProtect(Va, Pages * PAGE_SIZE, RW);
}

static ULONG StateOf(PFN_NUMBER Frame)
{
    return MI_PFN(Frame)->u3.e1.PageLocation;
}

TEST(Mdl_of_user_pages_makes_and_reads_them)
{
    ULONG_PTR Va;
    PMDL Mdl;

    PagedBegin(0);
    Va = PagedAllocate(3);
    PagedOut(Va, 2);
    Trim(Va + 2 * PAGE_SIZE, 1);
    Mdl = Lock(Va + 100, 3 * PAGE_SIZE - 100, IoReadAccess);
    CHECK_EQUAL(3, MiLockedPages);
    CHECK_EQUAL(PagedWord(Va), *(PULONG)HostFrame(MmGetMdlPfnArray(Mdl)[0]));
    CHECK_EQUAL(PagedWord(Va + PAGE_SIZE), *(PULONG)HostFrame(MmGetMdlPfnArray(Mdl)[1]));
    CHECK_EQUAL(PagedWord(Va + 2 * PAGE_SIZE), *(PULONG)HostFrame(MmGetMdlPfnArray(Mdl)[2]));
    CHECK(!PagedPte(Va).Hard.Dirty);
    Unlock(Mdl);
    CHECK(!MI_PFN(PagedPte(Va).Hard.PageFrameNumber)->u3.e1.Modified);
    Va = SpaceAllocate(0, PAGE_SIZE, MEM_COMMIT, RW); /* never touched */
    Mdl = Lock(Va, PAGE_SIZE, IoWriteAccess);
    DeviceWrites(Mdl, 0, 4711);
    Unlock(Mdl);
    CHECK_EQUAL(4711, SpaceRead(Va));
    PagedEnd();
}

TEST(Mdl_keeps_user_pages_that_are_trimmed_and_what_a_device_writes)
{
    ULONG_PTR Va;
    PFN_NUMBER Frame;
    PMDL Mdl;
    ULONG Free;

    PagedBegin(0);
    Va = PagedAllocate(2);
    PagedOut(Va, 2);
    Mdl = Lock(Va, 2 * PAGE_SIZE, IoWriteAccess);
    Frame = MmGetMdlPfnArray(Mdl)[0];
    Trim(Va, 2);
    CHECK_EQUAL(TransitionPage, StateOf(Frame));
    (void)MiReuseStandbyFrames();
    CHECK_EQUAL(MiPteTransition, PagedKind(Va));
    MiVerifyAll();
    DeviceWrites(Mdl, 0, 0xD0D0);
    DeviceWrites(Mdl, 1, 0xD1D1);
    CHECK_EQUAL(0xD0D0, SpaceRead(Va)); /* softly */
    Free = MmPagingFile[0]->FreeSpace;
    Unlock(Mdl);
    CHECK(MI_PFN(Frame)->u3.e1.Modified);
    CHECK_EQUAL(ModifiedPageList, StateOf(PagedPte(Va + PAGE_SIZE).Hard.PageFrameNumber));
    CHECK_EQUAL(Free, MmPagingFile[0]->FreeSpace); /* the touch had made the slots stale */
    CHECK_EQUAL(0xD1D1, SpaceRead(Va + PAGE_SIZE));
    PagedOut(Va, 2);
    CHECK_EQUAL(0xD0D0, SpaceRead(Va));
    CHECK_EQUAL(0xD1D1, SpaceRead(Va + PAGE_SIZE));
    PagedEnd();
}

TEST(Mdl_write_to_a_page_that_is_on_its_way_to_the_paging_file_is_kept)
{
    ULONG_PTR Va;
    PFN_NUMBER Frame;
    PMDL Mdl;
    ULONG Free;

    PagedBegin(0);
    Va = PagedAllocate(1);
    Mdl = Lock(Va, PAGE_SIZE, IoWriteAccess);
    Frame = MmGetMdlPfnArray(Mdl)[0];
    Free = MmPagingFile[0]->FreeSpace;
    PagedToStandby(Va, 1); /* written; but somebody has it: it is not on standby */
    CHECK_EQUAL(TransitionPage, StateOf(Frame));
    CHECK_EQUAL(Free - 1, MmPagingFile[0]->FreeSpace);
    DeviceWrites(Mdl, 0, 0xABCD);
    Unlock(Mdl);
    CHECK_EQUAL(ModifiedPageList, StateOf(Frame));
    CHECK_EQUAL(Free, MmPagingFile[0]->FreeSpace); /* what was written is stale */
    (void)MiReuseStandbyFrames();
    CHECK_EQUAL(0xABCD, SpaceRead(Va));
    PagedEnd();
}

TEST(Mdl_keeps_the_frames_of_user_pages_that_are_deleted)
{
    ULONG_PTR Va;
    PFN_NUMBER Frame;
    PMDL Mdl;

    PagedBegin(0);
    Va = PagedAllocate(1);
    Mdl = Lock(Va, PAGE_SIZE, IoWriteAccess);
    Frame = MmGetMdlPfnArray(Mdl)[0];
    SpaceFree(Va, 0, MEM_RELEASE);
    CHECK_EQUAL(TransitionPage, StateOf(Frame));
    MiVerifyAll();
    DeviceWrites(Mdl, 0, 1);
    Unlock(Mdl);
    CHECK_EQUAL(FreePageList, StateOf(Frame));
    PagedEnd();
}

static NTSTATUS Try(ULONG_PTR Va, ULONG Bytes, KPROCESSOR_MODE Mode, LOCK_OPERATION Operation)
{
    PMDL Mdl = IoAllocateMdl((PVOID)Va, Bytes, FALSE, FALSE, NULL);
    NTSTATUS Status = MiProbeAndLockPages(Mdl, Mode, Operation);

    CHECK(!NT_SUCCESS(Status));
    CHECK_EQUAL(0, MiLockedPages);
    CHECK_EQUAL(0, PagedProcess()->NumberOfLockedPages);
    IoFreeMdl(Mdl);
    return Status;
}

TEST(Mdl_of_user_pages_is_refused_with_the_status_of_the_access)
{
    ULONG_PTR Va;

    PagedBegin(0);
    Va = PagedAllocate(4);
    PagedOut(Va, 1);
    SpaceProtect(Va + PAGE_SIZE, 1, PAGE_READONLY);
    SpaceProtect(Va + 2 * PAGE_SIZE, 1, RW | PAGE_GUARD);
    SpaceProtect(Va + 3 * PAGE_SIZE, 1, PAGE_NOACCESS);
    IoDisk.FailAt[DiskRead] = 1;
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, Try(Va, 1, UserMode, IoReadAccess));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, Try(Va, 2 * PAGE_SIZE, UserMode, IoWriteAccess));
    CHECK_EQUAL(STATUS_GUARD_PAGE_VIOLATION, Try(Va, 3 * PAGE_SIZE, UserMode, IoReadAccess));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, Try(Va, 4 * PAGE_SIZE, KernelMode, IoReadAccess));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                Try((ULONG_PTR)MmUserProbeAddress - 4, 8, KernelMode, IoReadAccess));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                Try(MiLayout.Region[MiRegionPagedPool].Start, 1, UserMode, IoReadAccess));
    CHECK(PagedIsWhole(Va) && PagedIsWhole(Va + PAGE_SIZE));
    PagedEnd();
}

TEST(Mdl_writes_are_seen_by_who_watches_writes)
{
    PVOID Addresses[4];
    ULONG_PTR Count = 4;
    ULONG Granularity;
    ULONG_PTR Va;
    PMDL Mdl;

    PagedBegin(0);
    Va = SpaceAllocate(0, 4 * PAGE_SIZE, MEM_COMMIT | MEM_RESERVE | MEM_WRITE_WATCH, RW);
    CHECK_EQUAL(0, SpaceRead(Va + PAGE_SIZE));
    Mdl = Lock(Va + PAGE_SIZE, PAGE_SIZE, IoWriteAccess);
    CHECK_EQUAL(STATUS_SUCCESS, NtGetWriteWatch(NtCurrentProcess(), 0, (PVOID)Va, 4 * PAGE_SIZE,
                                                Addresses, &Count, &Granularity));
    CHECK_EQUAL(1, Count);
    CHECK((ULONG_PTR)Addresses[0] == Va + PAGE_SIZE);
    Unlock(Mdl);
    PagedEnd();
}

static void EndTheProcess(PVOID Context)
{
    (void)Context;
    PagedEndProcess();
}

TEST(Process_that_ends_with_locked_pages_stops_the_machine_with_76)
{
    HOST_BUGCHECK Stop;
    ULONG_PTR Va;

    PagedBegin(0);
    Va = PagedAllocate(2);
    (void)Lock(Va, 2 * PAGE_SIZE, IoReadAccess);
    CHECK(HostCatchBugCheck(EndTheProcess, NULL, &Stop));
    CHECK_EQUAL(PROCESS_HAS_LOCKED_PAGES, Stop.Code);
    CHECK_EQUAL(0, Stop.Parameter[0]);
    CHECK_EQUAL((ULONG_PTR)PagedProcess(), Stop.Parameter[1]);
    CHECK_EQUAL(2, Stop.Parameter[2]);
    HostMachineDelete();
    HostDiskDelete(&IoDisk);
    MiForgetPagingFiles();
    MiLockedPages = 0; /* they went with the machine */
}

TEST(Mdl_of_paged_pool_makes_its_pages)
{
    PUCHAR Block;
    PMDL Mdl;

    PagedBegin(0);
    Block = ExAllocatePoolWithTag(PagedPool, 3 * PAGE_SIZE, TAG);
    CHECK(Block != NULL);
    Mdl = IoAllocateMdl(Block, 3 * PAGE_SIZE, FALSE, FALSE, NULL);
    CHECK_EQUAL(STATUS_SUCCESS, MiProbeAndLockPages(Mdl, KernelMode, IoWriteAccess));
    CHECK_EQUAL(3, MiLockedPages);
    DeviceWrites(Mdl, 2, 99);
    MmUnlockPages(Mdl);
    CHECK_EQUAL(99, *(PULONG)(PVOID)(Block + 2 * PAGE_SIZE));
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(Block, TAG);
    PagedEnd();
}
