/* SPDX-License-Identifier: MIT */
/*
 * test_shared_page.c - shared pages that leave working sets, lose their frames, and come back.
 */
#include "mm/space/shared_page.h"
#include "mm/ws/wsle.h"
#include "tests/unit/space_world.h"

#define RW PAGE_READWRITE

static MMPTE PteOf(ULONG_PTR Va)
{
    return MiReadPte(MiGetPteAddress(Va));
}

static ULONG Trim(void)
{
    PEPROCESS Process = SpaceCurrent();
    ULONG Left;

    MiLockAddressSpace(Process);
    Left = MiTrimWorkingSet(&Process->Vm, 100, 0);
    MiUnlockAddressSpace(Process);
    return Left;
}

/* => A page of the parent, who runs, and of its child. */
static ULONG_PTR ShareOne(PEPROCESS *Child)
{
    ULONG_PTR Va = SpaceAllocate(0, PAGE_SIZE, MEM_COMMIT, RW);

    SpaceWrite(Va, 0x11);
    *Child = SpaceClone(SpaceCurrent());
    return Va;
}

TEST(SharedPage_goes_to_the_modified_list_when_the_last_working_set_gives_it_up)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    PFN_NUMBER Frame;
    ULONG_PTR Va;

    SpaceStart();
    Parent = SpaceCurrent();
    Va = ShareOne(&Child);
    Frame = PteOf(Va).Hard.PageFrameNumber;
    SpaceEnter(Child);
    CHECK_EQUAL(0x11, SpaceRead(Va));
    CHECK_EQUAL(2, MI_PFN(Frame)->u2.ShareCount);
    CHECK_EQUAL(1, Trim());
    CHECK_EQUAL(MiPtePrototype, MiPteKind(PteOf(Va)));
    CHECK_EQUAL(ActiveAndValid, MI_PFN(Frame)->u3.e1.PageLocation);
    MiVerifyAll();
    SpaceEnter(Parent);
    CHECK_EQUAL(1, Trim());
    CHECK_EQUAL(ModifiedPageList, MI_PFN(Frame)->u3.e1.PageLocation);
    MiVerifyAll();
    CHECK_EQUAL(0x11, SpaceRead(Va)); /* a soft fault, through the block */
    CHECK_EQUAL(Frame, PteOf(Va).Hard.PageFrameNumber);
    SpaceEnter(Child);
    SpaceWrite(Va, 0x22);
    SpaceEnter(Parent);
    CHECK_EQUAL(0x11, SpaceRead(Va));
    SpaceFinish();
}

TEST(SharedPage_that_is_copied_from_the_modified_list_stays_there)
{
    PEPROCESS Child;
    PFN_NUMBER Frame;
    ULONG_PTR Va;

    SpaceStart();
    Va = ShareOne(&Child);
    Frame = PteOf(Va).Hard.PageFrameNumber;
    CHECK_EQUAL(1, Trim());
    SpaceEnter(Child);
    SpaceWrite(Va + 4, 0x22);
    CHECK(PteOf(Va).Hard.PageFrameNumber != Frame);
    CHECK_EQUAL(0x11, SpaceRead(Va));
    CHECK_EQUAL(ModifiedPageList, MI_PFN(Frame)->u3.e1.PageLocation);
    MiVerifyAll();
    SpaceFinish();
}

TEST(SharedPage_of_zeroes_whose_frame_was_reused_is_untouched_again)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    PFN_NUMBER Frame;
    ULONG_PTR Va;
    KIRQL OldIrql;

    SpaceStart();
    Parent = SpaceCurrent();
    Va = SpaceAllocate(0, PAGE_SIZE, MEM_COMMIT, RW);
    CHECK_EQUAL(0, SpaceRead(Va)); /* never written */
    Child = SpaceClone(Parent);
    CHECK_EQUAL(1, Trim());
    OldIrql = MiLockPfn();
    Frame = MiRemoveStandbyFrame();
    MiUnlockPfn(OldIrql);
    CHECK(Frame != MI_NO_FRAME);
    MiFreeFrame(Frame);
    MiVerifyAll();
    SpaceEnter(Child);
    CHECK_EQUAL(0, SpaceRead(Va));
    CHECK(!MiIsSharedPte(PteOf(Va)));
    SpaceEnter(Parent);
    CHECK_EQUAL(0, SpaceRead(Va));
    SpaceFinish();
}

TEST(SharedPage_that_the_last_one_takes_back_may_be_on_a_list)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    PFN_NUMBER Frame;
    ULONG_PTR Va;

    SpaceStart();
    Parent = SpaceCurrent();
    Va = ShareOne(&Child);
    Frame = PteOf(Va).Hard.PageFrameNumber;
    CHECK_EQUAL(1, Trim());
    SpaceEnter(Child);
    SpaceFree(Va, 0, MEM_RELEASE);
    SpaceEnter(Parent);
    CHECK_EQUAL(0x11, SpaceRead(Va));
    CHECK(PteOf(Va).Hard.PageFrameNumber == Frame && PteOf(Va).Hard.Write);
    CHECK(!MiIsSharedPte(PteOf(Va)));
    SpaceFinish();
}
