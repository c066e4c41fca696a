/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/section_verify.c: what is wrong is found.
 */
#include "mm/paging/modified_writer.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/prototype_pte.h"
#include "mm/space/space_verify.h"
#include "mm/ws/wsle.h"
#include "tests/unit/section_world.h"

static PSECTION Section;
static ULONG_PTR Va;

static void Begin(ULONG Attributes)
{
    SpaceStart();
    Section = SectionMake(16, Attributes, PAGE_READWRITE);
    Va = SectionMap(Section, PAGE_READWRITE);
    if (Attributes == SEC_COMMIT) {
        SpaceWrite(Va, 1);
    }
    MiVerifyAll();
}

static void VerifyAll(PVOID Context)
{
    (void)Context;
    MiVerifyAll();
}

/* The machine cannot go on. */
static void CheckFound(void)
{
    HOST_BUGCHECK Stop;

    CHECK(HostCatchBugCheck(VerifyAll, NULL, &Stop));
    HostMachineDelete();
}

TEST(SectionVerify_finds_a_view_that_is_not_counted)
{
    Begin(SEC_COMMIT);
    Section->Segment->ControlArea->NumberOfMappedViews++;
    Section->Segment->ControlArea->NumberOfUserReferences++;
    CheckFound();
}

TEST(SectionVerify_finds_a_page_that_is_committed_and_not_charged)
{
    Begin(SEC_RESERVE);
    RtlSetBits(&Section->Segment->Committed, 3, 1);
    CheckFound();
}

TEST(SectionVerify_finds_a_frame_that_does_not_know_its_prototype_PTE)
{
    Begin(SEC_COMMIT);
    MI_PFN(PagedPte(Va).Hard.PageFrameNumber)->PteAddress = Section->Segment->PrototypePte + 1;
    CheckFound();
}

TEST(SectionVerify_finds_a_share_that_no_PTE_has)
{
    KIRQL OldIrql;

    Begin(SEC_COMMIT);
    OldIrql = MiLockPfn();
    CHECK_EQUAL(STATUS_SUCCESS, MiIncrementShareCount(PagedPte(Va).Hard.PageFrameNumber));
    MiUnlockPfn(OldIrql);
    CheckFound();
}

TEST(SectionVerify_finds_a_slot_that_no_prototype_PTE_names)
{
    KIRQL OldIrql;

    Begin(SEC_COMMIT);
    OldIrql = MiLockPfn();
    MiBeginPrototypePlace(MiMakePagefilePte(0, 5, MM_READWRITE));
    MiUnlockPfn(OldIrql);
    CheckFound();
}

TEST(SectionVerify_finds_a_protection_that_the_PTE_does_not_grant)
{
    Begin(SEC_COMMIT);
    MiSetWsleProtection(&SpaceCurrent()->Vm, Va, PagedPte(Va).Hard.PageFrameNumber, MM_READONLY);
    CheckFound();
}

/* ---- others that run meanwhile ---- */

#define MANY 2048u /* prototype PTEs in pages of their own */

static PSECTION Large;
static ULONG_PTR LargeVa;
static BOOLEAN StillThere;

/* As its prototype PTEs were: out, so that who verifies it has to wait. */
static void BeginWithOneOut(void)
{
    PagedBegin(TestSeed() | 1);
    Large = SectionMake(MANY, SEC_COMMIT, PAGE_READWRITE);
    LargeVa = SectionMap(Large, PAGE_READWRITE);
    SpaceWrite(LargeVa, 2);
    SectionPageOut();
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    (void)MiReuseStandbyFrames();
    Section = SectionMake(16, SEC_COMMIT, PAGE_READWRITE);
    Va = SectionMap(Section, PAGE_READWRITE);
    SpaceWrite(Va, 1);
    CHECK(!MiReadPte(MiGetPteAddress((ULONG_PTR)Large->Segment->PrototypePte)).Hard.Valid);
}

static void Verifier(PVOID Context)
{
    KAPC_STATE Home;

    (void)Context;
    KeStackAttachProcess(&PagedProcess()->Pcb, &Home);
    MiVerifyAddressSpaces();
    KeUnstackDetachProcess(&Home);
}

/* Takes the page away that the first look at the process has counted. */
static void Trimmer(PVOID Context)
{
    KAPC_STATE Home;

    (void)Context;
    KeStackAttachProcess(&PagedProcess()->Pcb, &Home);
    StillThere = !MiReadPte(MiGetPteAddress((ULONG_PTR)Large->Segment->PrototypePte)).Hard.Valid;
    SectionTrim();
    KeUnstackDetachProcess(&Home);
}

TEST(SectionVerify_is_not_deceived_by_a_trim_while_it_waits)
{
    BeginWithOneOut();
    HostThreadCreate(Verifier, NULL);
    HostThreadCreate(Trimmer, NULL);
    HostRunThreads();
    CHECK(StillThere); /* else the trim came too late to be in the way */
    CHECK_EQUAL(1, SpaceRead(Va));
    SectionUnmap(Va);
    SectionUnmap(LargeVa);
    ObDereferenceObject(Section);
    ObDereferenceObject(Large);
    PagedEnd();
}

TEST(SectionVerify_judges_sums_when_all_stood_still)
{
    MI_VIEW_SUMS Wrong = {.Mapped = 1};
    KIRQL OldIrql;
    ULONG Changes;

    SpaceStart();
    OldIrql = MiLockPfn();
    Changes = MiPrototypeChanges;
    MiUnlockPfn(OldIrql);
    CHECK(!MiVerifySections(&Wrong, Changes - 1));
    Wrong.Mapped = 0;
    CHECK(MiVerifySections(&Wrong, Changes));
    SpaceFinish();
}
