/* SPDX-License-Identifier: MIT */
/*
 * test_clone.c - cloned address spaces: what is copied, what is shared, and who may refuse.
 */
#include "mm/pfn/pfn_reference.h"
#include "mm/space/shared_page.h"
#include "process_information.h"
#include "tests/unit/space_world.h"

#define RW PAGE_READWRITE

static ULONG Blocks(void)
{
    ULONG Bytes;

    return MiCountCloneBlocks(&Bytes);
}

static MMPTE PteOf(ULONG_PTR Va)
{
    return MiReadPte(MiGetPteAddress(Va));
}

static ULONG CopyFaults(void)
{
    return MiFaultCounters.CopyOnWrite;
}

/* => Pages are committed, and each has its number in it. */
static ULONG_PTR Fill(ULONG Pages)
{
    ULONG_PTR Va = SpaceAllocate(0, Pages * PAGE_SIZE, MEM_COMMIT, RW);
    ULONG i;

    for (i = 0; i < Pages; i++) {
        SpaceWrite(Va + i * PAGE_SIZE, i + 1);
    }
    return Va;
}

TEST(Clone_has_the_contents_and_each_side_keeps_its_own_from_then_on)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    ULONG_PTR Va;

    SpaceStart();
    Parent = SpaceCurrent();
    Va = Fill(3);
    Child = SpaceClone(Parent);
    SpaceWrite(Va, 0x100);
    SpaceEnter(Child);
    CHECK_EQUAL(1, SpaceRead(Va));
    CHECK_EQUAL(2, SpaceRead(Va + PAGE_SIZE));
    SpaceWrite(Va + PAGE_SIZE, 0x200);
    SpaceWrite(Va + 4, 0x300); /* the rest of the page is there, too */
    CHECK_EQUAL(1, SpaceRead(Va));
    MiVerifyAll();
    SpaceEnter(Parent);
    CHECK_EQUAL(0x100, SpaceRead(Va));
    CHECK_EQUAL(0, SpaceRead(Va + 4));
    CHECK_EQUAL(2, SpaceRead(Va + PAGE_SIZE));
    CHECK_EQUAL(3, SpaceRead(Va + 2 * PAGE_SIZE));
    SpaceFinish();
}

TEST(Clone_shares_frames_until_somebody_writes_and_counts_who_has_them)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    PFN_NUMBER Frame;
    ULONG Copies;
    ULONG_PTR Va;

    SpaceStart();
    Parent = SpaceCurrent();
    Va = Fill(1);
    Frame = PteOf(Va).Hard.PageFrameNumber;
    Child = SpaceClone(Parent);
    CHECK_EQUAL(1, Blocks());
    CHECK(PteOf(Va).Hard.Valid && PteOf(Va).Hard.CopyOnWrite && !PteOf(Va).Hard.Write);
    CHECK(!PteOf(Va).Hard.Dirty && MI_PFN(Frame)->u3.e1.PrototypePte &&
          MI_PFN(Frame)->u3.e1.Modified);
    CHECK_EQUAL(1, MI_PFN(Frame)->u2.ShareCount);
    SpaceEnter(Child);
    CHECK_EQUAL(1, Child->Vm.WorkingSetSize); /* the page table */
    CHECK_EQUAL(MiPtePrototype, MiPteKind(PteOf(Va)));
    CHECK_EQUAL(1, SpaceRead(Va));
    CHECK_EQUAL(Frame, PteOf(Va).Hard.PageFrameNumber);
    CHECK_EQUAL(2, MI_PFN(Frame)->u2.ShareCount);
    CHECK_EQUAL(2, MiCloneBlock(MiCloneIndexOf(MI_PFN(Frame)->PteAddress))->CloneRefCount);
    Copies = CopyFaults();
    SpaceWrite(Va, 2);
    CHECK_EQUAL(Copies + 1, CopyFaults());
    CHECK(PteOf(Va).Hard.PageFrameNumber != Frame && PteOf(Va).Hard.Write);
    CHECK(!PteOf(Va).Hard.CopyOnWrite && PteOf(Va).Hard.Dirty);
    CHECK_EQUAL(1, MI_PFN(Frame)->u2.ShareCount);
    MiVerifyAll();
    SpaceFinish();
}

TEST(Clone_the_last_one_to_have_a_page_keeps_it_without_a_copy)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    PFN_NUMBER Frame;
    ULONG Copies;
    ULONG_PTR Va;

    SpaceStart();
    Parent = SpaceCurrent();
    Va = Fill(2);
    Frame = PteOf(Va).Hard.PageFrameNumber;
    Child = SpaceClone(Parent);
    SpaceEnter(Child);
    SpaceWrite(Va, 2);             /* a copy */
    SpaceFree(Va, 0, MEM_RELEASE); /* and the second page, untouched */
    SpaceEnter(Parent);
    Copies = CopyFaults();
    SpaceWrite(Va, 3);
    SpaceWrite(Va + PAGE_SIZE, 4);
    CHECK_EQUAL(Copies, CopyFaults());
    CHECK_EQUAL(Frame, PteOf(Va).Hard.PageFrameNumber);
    CHECK(!MI_PFN(Frame)->u3.e1.PrototypePte && MI_PFN(Frame)->PteAddress == MiGetPteAddress(Va));
    CHECK_EQUAL(0, Blocks());
    MiVerifyAll();
    SpaceFinish();
}

TEST(Clone_leaves_untouched_pages_untouched_and_charges_them_to_both)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    ULONG Committed;
    ULONG_PTR Va;

    SpaceStart();
    Parent = SpaceCurrent();
    Va = SpaceAllocate(0, 0x500000, MEM_COMMIT, RW);
    SpaceFree(Va + 0x3000, 0x2000, MEM_DECOMMIT);
    SpaceAllocate(0x2000000, KB64, MEM_RESERVE, PAGE_READONLY);
    Committed = MiCommit.Committed;
    Child = SpaceClone(Parent);
    CHECK_EQUAL(0, Blocks());
    CHECK_EQUAL(Parent->CommitCharge, Child->CommitCharge);
    CHECK_EQUAL(Committed + Child->CommitCharge + Child->StructurePages, MiCommit.Committed);
    CHECK_EQUAL(Parent->VirtualSize, Child->VirtualSize);
    SpaceEnter(Child);
    CHECK_EQUAL(0x3000, SpaceQuery(Va).RegionSize);
    CHECK_EQUAL(MEM_RESERVE, SpaceQuery(Va + 0x3000).State);
    CHECK_EQUAL(PAGE_READONLY, SpaceQuery(0x2000000).AllocationProtect);
    CHECK_EQUAL(0, SpaceRead(Va + 0x5000));
    SpaceFinish();
}

TEST(Clone_reports_protections_as_the_parents_and_changes_them_alone)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    ULONG_PTR Va;

    SpaceStart();
    Parent = SpaceCurrent();
    Va = Fill(4);
    SpaceProtect(Va + PAGE_SIZE, PAGE_SIZE, PAGE_EXECUTE_READ);
    SpaceProtect(Va + 2 * PAGE_SIZE, PAGE_SIZE, PAGE_NOACCESS);
    Child = SpaceClone(Parent);
    CHECK_EQUAL(RW, SpaceQuery(Va).Protect); /* before and after the copy */
    SpaceEnter(Child);
    CHECK_EQUAL(RW, SpaceQuery(Va).Protect);
    CHECK_EQUAL(PAGE_EXECUTE_READ, SpaceQuery(Va + PAGE_SIZE).Protect);
    CHECK_EQUAL(PAGE_NOACCESS, SpaceQuery(Va + 2 * PAGE_SIZE).Protect);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va + PAGE_SIZE, 1));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va + 2 * PAGE_SIZE, 1));
    CHECK_EQUAL(2, SpaceRead(Va + PAGE_SIZE));
    CHECK_EQUAL(PAGE_EXECUTE_READ, SpaceProtect(Va + PAGE_SIZE, PAGE_SIZE, RW));
    SpaceWrite(Va + PAGE_SIZE, 0x22);
    CHECK_EQUAL(PAGE_NOACCESS, SpaceProtect(Va + 2 * PAGE_SIZE, PAGE_SIZE, RW));
    CHECK_EQUAL(3, SpaceRead(Va + 2 * PAGE_SIZE));
    SpaceWrite(Va + 2 * PAGE_SIZE, 0x33);
    CHECK_EQUAL(4, SpaceRead(Va + 3 * PAGE_SIZE));
    SpaceProtect(Va + 3 * PAGE_SIZE, PAGE_SIZE, PAGE_READONLY); /* one that is mapped */
    CHECK_EQUAL(4, SpaceRead(Va + 3 * PAGE_SIZE));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va + 3 * PAGE_SIZE, 1));
    MiVerifyAll();
    SpaceEnter(Parent);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va + PAGE_SIZE, 1));
    CHECK_EQUAL(2, SpaceRead(Va + PAGE_SIZE));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va + 2 * PAGE_SIZE, 1));
    SpaceWrite(Va + 3 * PAGE_SIZE, 0x44);
    SpaceFinish();
}

TEST(Clone_keeps_guard_pages_in_both)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    ULONG Value = 0;
    ULONG Maps;
    ULONG_PTR Va;

    SpaceStart();
    Parent = SpaceCurrent();
    Va = Fill(2);
    SpaceProtect(Va, PAGE_SIZE, RW | PAGE_GUARD);
    Child = SpaceClone(Parent);
    SpaceEnter(Child);
    CHECK_EQUAL(RW | PAGE_GUARD, SpaceQuery(Va).Protect);
    CHECK_EQUAL(STATUS_GUARD_PAGE_VIOLATION, SpaceTryRead(Va, &Value));
    Maps = MiFaultCounters.Prototype;
    CHECK_EQUAL(1, SpaceRead(Va)); /* as an ordinary page it can be shared */
    CHECK_EQUAL(Maps + 1, MiFaultCounters.Prototype);
    SpaceEnter(Parent);
    CHECK_EQUAL(STATUS_GUARD_PAGE_VIOLATION, SpaceTryWrite(Va, 9));
    SpaceWrite(Va, 9);
    SpaceEnter(Child);
    CHECK_EQUAL(1, SpaceRead(Va));
    SpaceFinish();
}

TEST(Clone_of_a_clone_and_ends_in_any_order_lose_nothing)
{
    static const UCHAR Orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    ULONG i;
    ULONG Left;

    SpaceStart();
    for (i = 0; i < RTL_NUMBER_OF(Orders); i++) {
        PEPROCESS Family[3];
        ULONG_PTR Va;

        CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("a", &Family[0]));
        SpaceEnter(Family[0]);
        Va = Fill(4);
        CHECK_EQUAL(STATUS_SUCCESS, PsCloneProcess("b", Family[0], &Family[1]));
        SpaceEnter(Family[1]);
        SpaceWrite(Va, 0x11);
        SpaceWrite(Va + 3 * PAGE_SIZE, 0x44);
        CHECK_EQUAL(STATUS_SUCCESS, PsCloneProcess("c", Family[1], &Family[2]));
        SpaceWrite(Va, 0x12);
        for (Left = 0; Left < 3; Left++) {
            PEPROCESS Ends = Family[Orders[i][Left]];
            ULONG Last = Orders[i][2];

            SpaceEnter(Family[Last]);
            CHECK_EQUAL(Last == 0 ? 1 : Last == 1 ? 0x12 : 0x11, SpaceRead(Va));
            CHECK_EQUAL(2, SpaceRead(Va + PAGE_SIZE));
            CHECK_EQUAL(Last == 0 ? 4 : 0x44, SpaceRead(Va + 3 * PAGE_SIZE));
            SpaceEnter(PsInitialSystemProcess);
            PsTerminateProcess(Ends);
            MiVerifyAll();
            PsDereferenceProcess(Ends);
        }
        CHECK_EQUAL(0, Blocks());
    }
    SpaceFinish();
}

/* ---- refusals ---- */

static void Refuse(PEPROCESS Parent, NTSTATUS Expected)
{
    ULONG Committed = MiCommit.Committed;
    MMPTE Before = PteOf(0x400000);
    PEPROCESS Child = NULL;

    CHECK_EQUAL(Expected, PsCloneProcess("none", Parent, &Child));
    CHECK(Child == NULL);
    CHECK_EQUAL(Committed, MiCommit.Committed);
    CHECK_EQUAL(0, Blocks());
    CHECK_EQUAL(Before.Long & ~MM_PTE_BITS_ACCESSED, PteOf(0x400000).Long & ~MM_PTE_BITS_ACCESSED);
    MiVerifyAll();
}

TEST(Clone_is_refused_as_a_whole_by_a_quota_and_by_the_commit_limit)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    ULONG Limit;

    SpaceStart();
    Parent = SpaceCurrent();
    SpaceAllocate(0x400000, KB64, MEM_COMMIT | MEM_RESERVE, RW);
    SpaceAllocate(0x800000, KB64, MEM_COMMIT | MEM_RESERVE, RW);
    SpaceWrite(0x400000, 1);
    Parent->QuotaLimit[PsNonPagedPool] = Parent->QuotaUsage[PsNonPagedPool];
    Child = SpaceClone(Parent); /* the limits are inherited, and just enough */
    CHECK_EQUAL(Parent->QuotaLimit[PsNonPagedPool], Child->QuotaLimit[PsNonPagedPool]);
    PsTerminateProcess(Child);
    SpaceWrite(0x400000, 2); /* taken back */
    Parent->QuotaLimit[PsNonPagedPool]--;
    Refuse(Parent, STATUS_QUOTA_EXCEEDED);
    Parent->QuotaLimit[PsNonPagedPool] = MI_NO_LIMIT;
    Parent->QuotaLimit[PsPageFile] = Parent->QuotaUsage[PsPageFile] - 1;
    Refuse(Parent, STATUS_PAGEFILE_QUOTA);
    Parent->QuotaLimit[PsPageFile] = MI_NO_LIMIT;
    Limit = MiCommit.Limit;
    MiCommit.Limit = MiCommit.Committed + Parent->CommitCharge + 3; /* a directory takes four */
    Refuse(Parent, STATUS_COMMITMENT_LIMIT);
    MiCommit.Limit = Limit;
    SpaceFinish();
}

TEST(Clone_promises_its_own_minimum_working_set)
{
    PEPROCESS Parent;
    PEPROCESS Child = NULL;
    ULONG Resident;

    SpaceStart();
    Parent = SpaceCurrent();
    CHECK_EQUAL(STATUS_SUCCESS, MmAdjustWorkingSetSizeEx(150 * PAGE_SIZE, 300 * PAGE_SIZE, FALSE,
                                                         TRUE, QUOTA_LIMITS_HARDWS_MIN_ENABLE));
    Resident = MiCommit.ResidentAvailable;
    CHECK_EQUAL(STATUS_SUCCESS, PsCloneProcess("child", Parent, &Child));
    CHECK_EQUAL(150, Child->Vm.MinimumWorkingSetSize);
    CHECK_EQUAL(300, Child->Vm.MaximumWorkingSetSize);
    CHECK(Child->Vm.MinimumWorkingSetHard && !Child->Vm.MaximumWorkingSetHard);
    CHECK(MiCommit.ResidentAvailable <= Resident - 150);
    PsTerminateProcess(Child);
    PsDereferenceProcess(Child);
    CHECK_EQUAL(Resident, MiCommit.ResidentAvailable);
    CHECK_EQUAL(
        STATUS_SUCCESS,
        MmAdjustWorkingSetSizeEx(150 * PAGE_SIZE, 300 * PAGE_SIZE, FALSE, TRUE,
                                 QUOTA_LIMITS_HARDWS_MIN_DISABLE | QUOTA_LIMITS_HARDWS_MAX_ENABLE));
    Child = SpaceClone(Parent);
    CHECK(!Child->Vm.MinimumWorkingSetHard && Child->Vm.MaximumWorkingSetHard);
    PsTerminateProcess(Child);
    Resident = MiCommit.ResidentAvailable;
    MiCommit.ResidentAvailable = 149;
    Child = NULL;
    CHECK_EQUAL(STATUS_WORKING_SET_QUOTA, PsCloneProcess("none", Parent, &Child));
    CHECK(Child == NULL);
    CHECK_EQUAL(149, MiCommit.ResidentAvailable);
    MiCommit.ResidentAvailable = Resident;
    SpaceFinish();
}

TEST(Clone_of_a_process_that_was_ended_is_refused)
{
    PEPROCESS Parent;
    PEPROCESS Child = NULL;

    SpaceStart();
    Parent = SpaceProcess();
    PsTerminateProcess(Parent);
    CHECK_EQUAL(STATUS_PROCESS_IS_TERMINATING, PsCloneProcess("none", Parent, &Child));
    CHECK(Child == NULL);
    SpaceFinish();
}

/* ---- services on shared pages ---- */

TEST(Clone_pages_that_are_locked_are_copied_at_once)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    PFN_NUMBER Frame;
    ULONG_PTR Base;
    PVOID Va;
    SIZE_T Bytes = PAGE_SIZE;

    SpaceStart();
    Parent = SpaceCurrent();
    Base = Fill(2);
    Va = (PVOID)Base;
    CHECK_EQUAL(STATUS_SUCCESS, NtLockVirtualMemory(NtCurrentProcess(), &Va, &Bytes, MAP_PROCESS));
    Frame = PteOf(Base).Hard.PageFrameNumber;
    Child = SpaceClone(Parent);
    CHECK_EQUAL(1, Blocks()); /* the second page's */
    CHECK(PteOf(Base).Hard.Write);
    SpaceWrite(Base, 7);
    CHECK_EQUAL(Frame, PteOf(Base).Hard.PageFrameNumber);
    CHECK_EQUAL(1, Parent->Vm.LockedPages);
    SpaceEnter(Child);
    CHECK_EQUAL(0, Child->Vm.LockedPages);
    CHECK_EQUAL(1, SpaceRead(Base));
    MiVerifyAll();
    SpaceFinish();
}

TEST(Clone_pages_that_a_device_uses_are_copied_at_once)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    PFN_NUMBER Frame;
    ULONG_PTR Va;
    KIRQL OldIrql;

    SpaceStart();
    Parent = SpaceCurrent();
    Va = Fill(1);
    Frame = PteOf(Va).Hard.PageFrameNumber;
    OldIrql = MiLockPfn();
    CHECK_EQUAL(STATUS_SUCCESS, MiReferenceFrame(Frame));
    MiUnlockPfn(OldIrql);
    Child = SpaceClone(Parent);
    CHECK_EQUAL(0, Blocks());
    SpaceWrite(Va, 7);
    CHECK_EQUAL(Frame, PteOf(Va).Hard.PageFrameNumber);
    OldIrql = MiLockPfn();
    MiDereferenceFrame(Frame);
    MiUnlockPfn(OldIrql);
    SpaceEnter(Child);
    CHECK_EQUAL(1, SpaceRead(Va));
    SpaceFinish();
}

TEST(Clone_a_shared_page_that_is_locked_becomes_the_lockers_own)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    ULONG_PTR Base;
    PVOID Va;
    SIZE_T Bytes = 2 * PAGE_SIZE;

    SpaceStart();
    Parent = SpaceCurrent();
    Base = Fill(2);
    SpaceProtect(Base + PAGE_SIZE, PAGE_SIZE, PAGE_READONLY);
    Child = SpaceClone(Parent);
    SpaceEnter(Child);
    CHECK_EQUAL(1, SpaceRead(Base));
    Va = (PVOID)Base;
    CHECK_EQUAL(STATUS_SUCCESS, NtLockVirtualMemory(NtCurrentProcess(), &Va, &Bytes, MAP_PROCESS));
    CHECK_EQUAL(2, Child->Vm.LockedPages);
    CHECK(!MiIsSharedPte(PteOf(Base)) && !MiIsSharedPte(PteOf(Base + PAGE_SIZE)));
    CHECK_EQUAL(2, SpaceRead(Base + PAGE_SIZE));
    MiVerifyAll();
    SpaceEnter(Parent);
    SpaceWrite(Base, 5);
    SpaceEnter(Child);
    CHECK_EQUAL(1, SpaceRead(Base));
    SpaceFinish();
}

TEST(Clone_a_reset_of_a_shared_page_loses_nobodys_contents)
{
    PEPROCESS Parent;
    ULONG_PTR Va;

    SpaceStart();
    Parent = SpaceCurrent();
    Va = Fill(1);
    SpaceEnter(SpaceClone(Parent));
    CHECK_EQUAL(1, SpaceRead(Va));
    SpaceAllocate(Va, PAGE_SIZE, MEM_RESET, PAGE_NOACCESS);
    SpaceFree(Va, 0, MEM_RELEASE);
    SpaceEnter(Parent);
    CHECK(MI_PFN(PteOf(Va).Hard.PageFrameNumber)->u3.e1.Modified);
    CHECK_EQUAL(1, SpaceRead(Va));
    SpaceFinish();
}

TEST(Clone_inherits_the_bits_of_a_write_watch_and_then_watches_for_itself)
{
    PEPROCESS Parent;
    PVOID Written[4];
    SIZE_T Count = 4;
    ULONG Granularity;
    ULONG_PTR Va;

    SpaceStart();
    Parent = SpaceCurrent();
    Va = SpaceAllocate(0, 4 * PAGE_SIZE, MEM_COMMIT | MEM_RESERVE | MEM_WRITE_WATCH, RW);
    SpaceWrite(Va + PAGE_SIZE, 1);
    SpaceRead(Va + 2 * PAGE_SIZE);
    SpaceEnter(SpaceClone(Parent));
    SpaceWrite(Va + 2 * PAGE_SIZE, 1);
    CHECK_EQUAL(STATUS_SUCCESS, NtGetWriteWatch(NtCurrentProcess(), 0, (PVOID)Va, 4 * PAGE_SIZE,
                                                Written, &Count, &Granularity));
    CHECK_EQUAL(2, Count);
    CHECK_EQUAL(Va + PAGE_SIZE, (ULONG_PTR)Written[0]);
    CHECK_EQUAL(Va + 2 * PAGE_SIZE, (ULONG_PTR)Written[1]);
    SpaceEnter(Parent);
    Count = 4;
    CHECK_EQUAL(STATUS_SUCCESS, NtGetWriteWatch(NtCurrentProcess(), 0, (PVOID)Va, 4 * PAGE_SIZE,
                                                Written, &Count, &Granularity));
    CHECK_EQUAL(1, Count);
    SpaceFinish();
}

TEST(Clone_pages_are_read_and_written_by_other_processes_as_any)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    ULONG Value = 0x77;
    SIZE_T Done;
    ULONG_PTR Va;

    SpaceStart();
    Parent = SpaceCurrent();
    Va = Fill(1);
    Child = SpaceClone(Parent);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtWriteVirtualMemory(SpaceHandle(Child), (PVOID)Va, &Value, sizeof(Value), &Done));
    CHECK_EQUAL(1, SpaceRead(Va));
    CHECK_EQUAL(STATUS_SUCCESS,
                NtReadVirtualMemory(SpaceHandle(Child), (PVOID)Va, &Value, sizeof(Value), &Done));
    CHECK_EQUAL(0x77, Value);
    SpaceFinish();
}
