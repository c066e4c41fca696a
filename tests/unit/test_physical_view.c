/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/space/physical_view.c: pages of \Device\PhysicalMemory in a process.
 */
#include "mm/space/physical_view.h"
#include "mm/space/space_verify.h"
#include "mm/sysva/mdl.h"
#include "mm/ws/wsle.h"
#include "tests/unit/physical_world.h"

#define RW PAGE_READWRITE

/* A page of the process' own. */
static ULONG_PTR Own;

static ULONG_PTR FrameAddress(ULONG_PTR Va)
{
    return (ULONG_PTR)PagedPte(Va).Hard.PageFrameNumber << PAGE_SHIFT;
}

static void Begin(void)
{
    SpaceStart();
    Own = SpaceAllocate(0, PAGE_SIZE, MEM_RESERVE | MEM_COMMIT, RW);
    SpaceWrite(Own, 4711);
}

TEST(PhysicalView_shows_what_the_owner_of_a_frame_has)
{
    ULONG Pages;
    ULONG Commit;
    ULONG_PTR Va;

    Begin();
    Va = PhysicalMap(FrameAddress(Own), RW);
    Pages = SpaceCurrent()->Vm.WorkingSetSize;
    Commit = SpaceCurrent()->CommitCharge;
    CHECK_EQUAL(4711, SpaceRead(Va));
    SpaceWrite(Va, 1234);
    CHECK_EQUAL(1234, SpaceRead(Own));
    CHECK_EQUAL(Pages, SpaceCurrent()->Vm.WorkingSetSize); /* the table was there */
    CHECK_EQUAL(Commit, SpaceCurrent()->CommitCharge);
    CHECK_EQUAL(1, MI_PFN(FrameAddress(Own) >> PAGE_SHIFT)->u2.ShareCount);
    CHECK_EQUAL(MiCached, MiPteCacheAttribute(PagedPte(Va)));
    MiVerifyAll();
    SectionTrim(); /* nothing of it is trimmed */
    CHECK(MiIsPhysicalPte(PagedPte(Va)));
    MiVerifyAll();
    SectionUnmap(Va);
    MiVerifyAll();
    SpaceFinish();
}

TEST(PhysicalView_caches_RAM_as_its_owner_does)
{
    ULONG_PTR NotCached;
    ULONG_PTR Va;

    Begin();
    NotCached = SpaceAllocate(0, PAGE_SIZE, MEM_RESERVE | MEM_COMMIT, RW | PAGE_NOCACHE);
    SpaceWrite(NotCached, 1);
    Va = PhysicalMap(FrameAddress(NotCached), RW);
    CHECK_EQUAL(1, SpaceRead(Va));
    CHECK_EQUAL(MiNonCached, MiPteCacheAttribute(PagedPte(Va)));
    SectionUnmap(Va);
    Va = PhysicalMap(FrameAddress(Own), RW | PAGE_NOCACHE);
    CHECK_EQUAL(4711, SpaceRead(Va));
    CHECK_EQUAL(MiCached, MiPteCacheAttribute(PagedPte(Va)));
    SectionUnmap(Va);
    SpaceFinish();
}

/* No machine of the tests has registers there: the PTE is made, and not used. */
TEST(PhysicalView_does_not_cache_what_is_no_RAM)
{
    static const struct {
        ULONG Protect;
        MI_CACHE_ATTRIBUTE Attribute;
    } Cases[] = {
        {PAGE_READWRITE, MiNonCached},
        {PAGE_READWRITE | PAGE_NOCACHE, MiNonCached},
        {PAGE_READONLY | PAGE_WRITECOMBINE, MiWriteCombined},
    };
    MMPTE Pte;
    ULONG i;

    Begin();
    for (i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        ULONG_PTR Va = PhysicalMap(PHYSICAL_DEVICE, Cases[i].Protect);
        BOOLEAN Write = i != 2;

        CHECK_EQUAL(STATUS_SUCCESS, MiMakeResident(Va, Write));
        Pte = PagedPte(Va);
        CHECK_EQUAL(PHYSICAL_DEVICE >> PAGE_SHIFT, Pte.Hard.PageFrameNumber);
        CHECK_EQUAL(Write, Pte.Hard.Write);
        CHECK(MiPteCacheAttribute(Pte) == Cases[i].Attribute ||
              MiPteCacheAttribute(Pte) == MiNonCached); /* write combining may not be there */
        MiVerifyAll();
        SectionUnmap(Va);
    }
    SpaceFinish();
}

TEST(PhysicalView_grants_what_it_was_mapped_for)
{
    ULONG_PTR Va;
    ULONG Value;

    Begin();
    Va = PhysicalMap(FrameAddress(Own), PAGE_READONLY);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va, 1));
    CHECK_EQUAL(STATUS_SUCCESS, SpaceTryRead(Va, &Value));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va, 1));
    CHECK_EQUAL(4711, SpaceRead(Own));
    SectionUnmap(Va);
    SpaceFinish();
}

TEST(PhysicalView_pages_are_described_and_cannot_be_changed)
{
    MEMORY_BASIC_INFORMATION Information;
    SIZE_T Bytes = PAGE_SIZE;
    ULONG_PTR Va;
    PVOID Base;

    Begin();
    Va = PhysicalMap(PHYSICAL_DEVICE + PAGE_SIZE, RW);
    CHECK_EQUAL(STATUS_SUCCESS, MiMakeResident(Va, TRUE));
    Information = SpaceQuery(Va);
    CHECK(Information.AllocationBase == (PVOID)(Va - PAGE_SIZE));
    CHECK_EQUAL(PAGE_SIZE, Information.RegionSize);
    CHECK_EQUAL(MEM_MAPPED, Information.Type);
    CHECK_EQUAL(MEM_COMMIT, Information.State);
    CHECK_EQUAL(RW, Information.Protect);
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, SpaceTryProtect(Va, PAGE_SIZE, PAGE_READONLY));
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, SpaceTryProtect(Va, PAGE_SIZE, PAGE_NOACCESS));
    CHECK_EQUAL(STATUS_UNABLE_TO_DELETE_SECTION, SpaceTryFree(Va, PAGE_SIZE, MEM_DECOMMIT));
    CHECK_EQUAL(STATUS_ALREADY_COMMITTED, SpaceTryAllocate(Va, PAGE_SIZE, MEM_COMMIT, RW));
    CHECK_EQUAL(STATUS_SUCCESS, SpaceTryAllocate(Va, PAGE_SIZE, MEM_RESET, RW)); /* no effect */
    Base = (PVOID)Va;
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES,
                NtLockVirtualMemory(NtCurrentProcess(), &Base, &Bytes, MAP_PROCESS));
    CHECK_EQUAL(STATUS_NOT_LOCKED,
                NtUnlockVirtualMemory(NtCurrentProcess(), &Base, &Bytes, MAP_PROCESS));
    MiVerifyAll();
    SectionUnmap(Va);
    SpaceFinish();
}

TEST(PhysicalView_is_inherited_by_a_clone_that_maps_its_own)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    ULONG_PTR Shared;
    ULONG_PTR Kept;
    PHYSICAL_VIEW View;
    HANDLE Section;
    ULONG Value;

    Begin();
    Parent = SpaceCurrent();
    Section = PhysicalOpen();
    View = (PHYSICAL_VIEW){.Offset = FrameAddress(Own), .Bytes = 1, .Inherit = ViewUnmap};
    CHECK_EQUAL(STATUS_SUCCESS, PhysicalTryMap(Section, &View));
    Kept = View.Va + (FrameAddress(Own) - (ULONG_PTR)View.Offset);
    Shared = PhysicalMap(PHYSICAL_DEVICE, RW);
    CHECK_EQUAL(STATUS_SUCCESS, MiMakeResident(Shared, TRUE));
    CHECK_EQUAL(4711, SpaceRead(Kept));
    Child = SpaceClone(Parent);
    MiVerifyAll();
    SpaceEnter(Child);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryRead(Kept, &Value));
    CHECK_EQUAL(STATUS_SUCCESS, MiMakeResident(Shared, TRUE));
    CHECK_EQUAL(PHYSICAL_DEVICE >> PAGE_SHIFT, PagedPte(Shared).Hard.PageFrameNumber);
    MiVerifyAll();
    SectionUnmap(Shared);
    SpaceEnter(Parent);
    CHECK(MiIsPhysicalPte(PagedPte(Shared)));
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Section));
    SpaceFinish(); /* with the views */
}

/* => The status; what was locked is unlocked again.  *Flags: as it was then. */
static NTSTATUS TryLock(ULONG_PTR Va, CSHORT *Flags)
{
    PMDL Mdl = IoAllocateMdl((PVOID)Va, PAGE_SIZE, FALSE, FALSE, NULL);
    NTSTATUS Status = MiProbeAndLockPages(Mdl, UserMode, IoWriteAccess);

    *Flags = Mdl->MdlFlags;
    if (NT_SUCCESS(Status)) {
        CHECK_EQUAL(PagedPte(Va).Hard.PageFrameNumber, MmGetMdlPfnArray(Mdl)[0]);
        MmUnlockPages(Mdl);
    }
    IoFreeMdl(Mdl);
    CHECK_EQUAL(0, MiLockedPages);
    return Status;
}

TEST(PhysicalView_pages_are_locked_while_somebody_has_the_frame)
{
    PFN_NUMBER Free;
    CSHORT Flags;
    ULONG_PTR Va;

    Begin();
    Va = PhysicalMap(FrameAddress(Own), RW);
    SpaceWrite(Va, 1);
    CHECK_EQUAL(STATUS_SUCCESS, TryLock(Va, &Flags));
    CHECK((Flags & MDL_IO_SPACE) == 0);
    SectionUnmap(Va);
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 0, &Free));
    MiFreeFrame(Free); /* nobody's */
    Va = PhysicalMap((ULONG_PTR)Free << PAGE_SHIFT, RW);
    SpaceWrite(Va, 1);
    CHECK(MI_PFN(Free)->u3.e1.PageLocation <= FreePageList);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, TryLock(Va, &Flags));
    SpaceWrite(Va, 0); /* it may be on the list of zeroed pages */
    SectionUnmap(Va);
    MiVerifyAll();
    SpaceFinish();
}

static void Verify(PVOID Context)
{
    (void)Context;
    MiVerifyAddressSpaces();
}

TEST(PhysicalView_verify_finds_a_page_that_shows_another_frame)
{
    HOST_BUGCHECK Stop;
    ULONG_PTR Va;

    Begin();
    Va = PhysicalMap(PHYSICAL_DEVICE, RW);
    CHECK_EQUAL(STATUS_SUCCESS, MiMakeResident(Va, TRUE));
    MiGetPteAddress(Va)->Hard.PageFrameNumber++;
    CHECK(HostCatchBugCheck(Verify, NULL, &Stop));
    HostMachineDelete();
}
