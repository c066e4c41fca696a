/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/space/prototype_pte.c: pins, shares, slots.
 */
#include "mm/space/prototype_pte.h"

#include "ex.h"
#include "mm.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/system_pages.h"
#include "tests/unit/section_world.h"

static PSECTION Section;

static PMMPTE First(void)
{
    return Section->Segment->PrototypePte;
}

static BOOLEAN IsThere(void)
{
    return MiReadPte(MiGetPteAddress((ULONG_PTR)First())).Hard.Valid;
}

TEST(PrototypePte_of_a_section_lies_in_paged_pool)
{
    SpaceStart();
    Section = SectionMake(16, SEC_COMMIT, PAGE_READWRITE);
    CHECK(MiIsSectionPrototype(First()) && MiIsSectionPrototype(First() + 15));
    CHECK(!MiIsSectionPrototype(MiGetPteAddress(0x10000)));
    CHECK(!MiIsSectionPrototype(NULL));
    CHECK_EQUAL((ULONG_PTR)First(), MiPrototypeAddress(MiMakePrototypePte(First())));
    ObDereferenceObject(Section);
    SpaceFinish();
}

TEST(PrototypePte_that_is_pinned_stays)
{
    SpaceStart();
    Section = SectionMake(16, SEC_COMMIT, PAGE_READWRITE);
    MiPinPrototype(First());
    CHECK(MiTryPinPrototype(First() + 1)); /* two pins */
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    CHECK(IsThere());
    MiUnpinPrototype(First());
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    CHECK(IsThere());
    MiUnpinPrototype(First());
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    CHECK(!IsThere() && !MiTryPinPrototype(First()));
    MiPinPrototype(First()); /* brings it in */
    CHECK(IsThere());
    MiUnpinPrototype(First());
    ObDereferenceObject(Section);
    SpaceFinish();
}

TEST(PrototypePte_frame_is_shared_and_left_by_one_after_the_other)
{
    PFN_NUMBER Frame = 0;
    PFN_NUMBER Again = 0;
    KIRQL OldIrql;
    PMMPTE Proto;
    ULONG_PTR Va;

    SpaceStart();
    Section = SectionMake(16, SEC_COMMIT, PAGE_READWRITE);
    Va = SectionMap(Section, PAGE_READWRITE);
    Proto = First();
    MiPinPrototype(Proto);
    OldIrql = MiLockPfn();
    CHECK_EQUAL(STATUS_NOT_FOUND, MiShareFrame(Proto, &Frame)); /* zeroes: no frame */
    MiUnlockPfn(OldIrql);
    SpaceWrite(Va, 3);
    SectionTrim();
    OldIrql = MiLockPfn();
    CHECK_EQUAL(STATUS_SUCCESS, MiShareFrame(Proto, &Frame));
    CHECK_EQUAL(MiPteValid, MiPteKind(MiReadPte(Proto)));
    CHECK_EQUAL(STATUS_SUCCESS, MiShareFrame(Proto, &Again));
    CHECK_EQUAL(Frame, Again);
    MiLeaveFrame(Frame);
    CHECK_EQUAL(MiPteValid, MiPteKind(MiReadPte(Proto)));
    MiLeaveFrame(Frame);
    CHECK_EQUAL(MiPteTransition, MiPteKind(MiReadPte(Proto)));
    MI_PFN(Frame)->u3.e1.ReadInProgress = 1;
    CHECK_EQUAL(STATUS_NOT_FOUND, MiShareFrame(Proto, &Frame)); /* not before it was read */
    MI_PFN(Frame)->u3.e1.ReadInProgress = 0;
    MiUnlockPfn(OldIrql);
    MiUnpinPrototype(Proto);
    ObDereferenceObject(Section);
    SpaceFinish();
}

TEST(PrototypePte_slots_are_added_up_as_they_are_named)
{
    MMPTE Software = MiMakePagefilePte(2, 77, MM_READWRITE);
    KIRQL OldIrql;

    SpaceStart();
    OldIrql = MiLockPfn();
    MiBeginPrototypePlace(MiMakeSoftwarePte(MM_READWRITE)); /* which has none */
    CHECK_EQUAL(0, MiPrototypeSlots.Slots);
    MiBeginPrototypePlace(Software);
    CHECK_EQUAL(1, MiPrototypeSlots.Slots);
    CHECK(MiPrototypeSlots.Hashes != 0);
    MiEndPrototypePlace(Software);
    CHECK(MiPrototypeSlots.Slots == 0 && MiPrototypeSlots.Hashes == 0);
    MiUnlockPfn(OldIrql);
    SpaceFinish();
}

TEST(PrototypePtes_are_deleted_with_their_frames_and_slots)
{
    ULONG Page;
    ULONG_PTR Va;

    PagedBegin(0);
    Section = SectionMake(48, SEC_COMMIT, PAGE_READWRITE);
    Va = SectionMap(Section, PAGE_READWRITE);
    for (Page = 0; Page < 16; Page++) {
        SpaceWrite(Va + Page * PAGE_SIZE, Page);
    }
    SectionPageOut();
    CHECK_EQUAL(16, MiPrototypeSlots.Slots);
    for (Page = 8; Page < 24; Page++) {
        SpaceWrite(Va + Page * PAGE_SIZE, Page);
    }
    SectionUnmap(Va); /* slots, transition, untouched */
    MiDeletePrototypes(First(), 48);
    for (Page = 0; Page < 48; Page++) {
        CHECK_EQUAL(0, SectionPrototype(Section, Page).Long);
    }
    CHECK_EQUAL(0, MiPrototypeSlots.Slots);
    ObDereferenceObject(Section);
    PagedEnd();
}
