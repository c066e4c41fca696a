/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/session/ and mm/sysva/session_space.c: sessions come and go, each has its own
 * contents at the same addresses.
 */
#include "ex.h"
#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/inspect/command.h"
#include "mm/pfn/commit.h"
#include "mm/pfn/frame.h"
#include "mm/paging/paging_file.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pool/pool_inject.h"
#include "nt/bugcodes.h"
#include "tests/unit/io_world.h"
#include "tests/unit/session_world.h"
#include "verify.h"

#define TAG 0x73736553u

TEST(Session_ids_are_the_lowest_that_are_free)
{
    ULONG Third = 99;
    ULONG Again = 99;

    SessionBegin(0);
    CHECK_EQUAL(STATUS_SUCCESS, MmSessionCreate(&Third));
    CHECK_EQUAL(2, Third);
    SessionEnd(0);
    CHECK_EQUAL(STATUS_SUCCESS, MmSessionCreate(&Again));
    CHECK_EQUAL(0, Again);
    CHECK_EQUAL(STATUS_SUCCESS, MmSessionDelete(Again));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MmSessionDelete(Again));
    CHECK_EQUAL(STATUS_SUCCESS, MmSessionDelete(Third));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MmSessionDelete(77));
    SessionFinish();
}

TEST(Session_processes_belong_to_it_and_so_do_those_that_they_make)
{
    PEPROCESS Child = NULL;
    PEPROCESS Clone = NULL;
    PEPROCESS None = NULL;

    SessionBegin(0);
    CHECK_EQUAL(0, PsGetProcessSessionId(SessionProcess(0)));
    CHECK_EQUAL(MM_NO_SESSION, PsGetProcessSessionId(PsInitialSystemProcess));
    SessionEnter(1);
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("child", &Child));
    CHECK_EQUAL(1, PsGetProcessSessionId(Child));
    SessionEnter(SESSIONS);
    CHECK_EQUAL(STATUS_SUCCESS, PsCloneProcess("clone", SessionProcess(1), &Clone));
    CHECK_EQUAL(1, PsGetProcessSessionId(Clone));
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("none", &None));
    CHECK_EQUAL(MM_NO_SESSION, PsGetProcessSessionId(None));
    CHECK_EQUAL(4, SessionSpace(1)->ReferenceCount);
    PsTerminateProcess(Child);
    PsDereferenceProcess(Child);
    PsTerminateProcess(None);
    PsDereferenceProcess(None);
    SessionEnd(1); /* the clone keeps it */
    CHECK_EQUAL(1, PsGetProcessSessionId(Clone));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, PsCreateSessionProcess("late", 0, 1, &Child));
    MiVerifyAll();
    PsTerminateProcess(Clone);
    PsDereferenceProcess(Clone);
    CHECK(MiFindSession(1) == NULL);
    SessionFinish();
}

TEST(Session_contents_differ_at_one_address)
{
    PULONG Block[SESSIONS];
    ULONG i;

    SessionBegin(0);
    for (i = 0; i < SESSIONS; i++) {
        SessionEnter(i);
        Block[i] = SessionAllocate(64);
        *Block[i] = 100 + i;
    }
    CHECK(Block[0] == Block[1]);
    CHECK(MiIsInSessionPart(MiSessionPool, (ULONG_PTR)Block[0]));
    MiVerifyAll();
    for (i = 0; i < SESSIONS; i++) {
        SessionEnter(i);
        CHECK_EQUAL(100 + i, *Block[i]);
        ExFreePoolWithTag(Block[i], TAG);
    }
    SessionFinish();
}

/* A page table that another process of the session made is found at the first touch. */
TEST(Session_fills_a_directory_entry_that_is_behind)
{
    PEPROCESS Second = NULL;
    KAPC_STATE Home;
    PULONG Block;
    ULONG Filled;

    SessionBegin(0);
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateSessionProcess("second", 0, 0, &Second));
    Block = SessionAllocate(64);
    *Block = 4711;
    KeStackAttachProcess(&Second->Pcb, &Home);
    CHECK(!MiReadPte(MiGetPdeAddress((ULONG_PTR)Block)).Hard.Valid);
    Filled = MiSessionTablesFilled;
    CHECK_EQUAL(4711, *Block);
    CHECK_EQUAL(Filled + 1, MiSessionTablesFilled);
    MiVerifyAll();
    KeUnstackDetachProcess(&Home);
    ExFreePoolWithTag(Block, TAG);
    PsTerminateProcess(Second);
    PsDereferenceProcess(Second);
    SessionFinish();
}

/* Who asks instead of touching learns what the touch would. */
TEST(Session_address_is_valid_where_a_directory_entry_is_behind)
{
    PEPROCESS Second = NULL;
    PHYSICAL_ADDRESS There;
    KAPC_STATE Home;
    PULONG Block;
    ULONG Value = 0;

    SessionBegin(0);
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateSessionProcess("second", 0, 0, &Second));
    Block = SessionAllocate(64);
    *Block = 4711;
    There = MmGetPhysicalAddress(Block);
    KeStackAttachProcess(&Second->Pcb, &Home);
    CHECK(!MiReadPte(MiGetPdeAddress((ULONG_PTR)Block)).Hard.Valid);
    CHECK(MmIsAddressValid(MiGetPteAddress((ULONG_PTR)Block)));
    MiWritePte(MiGetPdeAddress((ULONG_PTR)Block), MiMakeZeroPte());
    KeFlushSingleTb((ULONG_PTR)MiGetPteAddress((ULONG_PTR)Block));
    CHECK(MmIsAddressValid(Block));
    CHECK_EQUAL(There.LowPart, MmGetPhysicalAddress(Block).LowPart);
    CHECK_EQUAL(sizeof(Value), MiReadVirtual((ULONG_PTR)Block, &Value, sizeof(Value)));
    CHECK_EQUAL(4711, Value);
    CHECK(!MmIsAddressValid((PUCHAR)MiSessionRange(MiSessionImages).Start)); /* no table at all */
    MiVerifyAll();
    KeUnstackDetachProcess(&Home);
    CHECK(MmIsAddressValid(Block));
    SessionEnter(SESSIONS);
    CHECK(!MmIsAddressValid(Block));
    SessionEnter(0);
    ExFreePoolWithTag(Block, TAG);
    PsTerminateProcess(Second);
    PsDereferenceProcess(Second);
    SessionFinish();
}

/* What is resident there may be touched at any IRQL, so the entry is filled at any IRQL. */
TEST(Session_structure_is_seen_at_its_own_address_at_dispatch_level)
{
    const MM_SESSION_SPACE *Here;
    KIRQL OldIrql;

    SessionBegin(0);
    Here = (const MM_SESSION_SPACE *)MiSessionRange(MiSessionStructures).Start;
    SessionEnter(1);
    MiWritePte(MiGetPdeAddress((ULONG_PTR)Here), MiMakeZeroPte());
    KeFlushSingleTb((ULONG_PTR)Here);
    KeFlushSingleTb((ULONG_PTR)MiGetPteAddress((ULONG_PTR)Here));
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    CHECK_EQUAL(1, Here->SessionId);
    KfLowerIrql(OldIrql);
    CHECK(Here->GlobalVirtualAddress == SessionSpace(1));
    SessionEnter(0);
    CHECK_EQUAL(0, Here->SessionId);
    SessionFinish();
}

/* ---- wrong addresses ---- */

static void ExpectStop(ULONG_PTR Va)
{
    const MM_FAULT Fault = {.Va = Va, .Eip = 0x1234};
    MM_STOP Stop;

    CHECK(!MmAccessFault(&Fault, &Stop));
    CHECK_EQUAL(PAGE_FAULT_IN_NONPAGED_AREA, Stop.Code);
    CHECK_EQUAL(Va, Stop.Parameter[0]);
    CHECK_EQUAL(0, Stop.Parameter[1]);
    CHECK_EQUAL(0x1234, Stop.Parameter[2]);
    CHECK_EQUAL(3, Stop.Parameter[3]);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, Stop.Guarded);
}

TEST(Session_address_that_is_free_or_of_no_session_is_a_bug)
{
    PULONG Block;
    ULONG Value;

    SessionBegin(0);
    Block = SessionAllocate(64);
    *Block = 1;
    ExpectStop((ULONG_PTR)Block + PAGE_SIZE);
    ExpectStop(MiSessionRange(MiSessionViews).Start);
    ExpectStop(MiSessionRange(MiSessionImages).Start);
    SessionEnter(1);
    ExpectStop((ULONG_PTR)Block);
    SessionEnter(SESSIONS);
    ExpectStop((ULONG_PTR)Block);
    ExpectStop(MiSessionRange(MiSessionStructures).Start);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, ViewTryRead((ULONG_PTR)Block, &Value));
    SessionEnter(0);
    CHECK_EQUAL(STATUS_SUCCESS, ViewTryRead((ULONG_PTR)Block, &Value));
    CHECK_EQUAL(1, Value);
    ExFreePoolWithTag(Block, TAG);
    SessionFinish();
}

/* ---- the end ---- */

/* After a bug check the machine is good for nothing but this. */
static void Scrap(void)
{
    HostMachineDelete();
    HostDiskDelete(&IoDisk);
    MiForgetPagingFiles();
}

static void EndFirst(PVOID Context)
{
    (void)Context;
    SessionEnd(0);
}

TEST(Session_end_with_pool_left_is_bug_check_AB)
{
    HOST_BUGCHECK Stop;

    SessionBegin(0);
    CHECK(SessionAllocate(56) != NULL);
    CHECK(SessionAllocate(2 * PAGE_SIZE) != NULL);
    CHECK(HostCatchBugCheck(EndFirst, NULL, &Stop));
    CHECK_EQUAL(SESSION_HAS_VALID_POOL_ON_EXIT, Stop.Code);
    CHECK_EQUAL(0, Stop.Parameter[0]);
    CHECK_EQUAL(64 + 2 * PAGE_SIZE, Stop.Parameter[1]);
    CHECK_EQUAL(0, Stop.Parameter[2]);
    CHECK_EQUAL(2, Stop.Parameter[3]);
    Scrap();
}

TEST(Session_end_with_a_view_left_is_bug_check_BA)
{
    PVOID Base = NULL;
    SIZE_T Bytes = 0;
    PMM_SESSION_SPACE Session;
    HOST_BUGCHECK Stop;
    PSECTION Section;

    SessionBegin(0);
    Session = SessionSpace(0);
    Section = SectionMake(4, SEC_COMMIT, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS, MmMapViewInSessionSpace(Section, &Base, &Bytes));
    CHECK(HostCatchBugCheck(EndFirst, NULL, &Stop));
    CHECK_EQUAL(SESSION_HAS_VALID_VIEWS_ON_EXIT, Stop.Code);
    CHECK_EQUAL(0, Stop.Parameter[0]);
    CHECK_EQUAL(1, Stop.Parameter[1]);
    CHECK_EQUAL((ULONG_PTR)Session->Views->Units, Stop.Parameter[2]);
    CHECK_EQUAL(20 * 16 * sizeof(MI_SYSTEM_VIEW), Stop.Parameter[3]);
    Scrap();
}

/* ---- failures ---- */

/* => Whether it could be made; then it is gone again. */
static BOOLEAN TryCreate(void)
{
    ULONG Id = MM_NO_SESSION;
    NTSTATUS Status = MmSessionCreate(&Id);

    if (NT_SUCCESS(Status)) {
        CHECK_EQUAL(STATUS_SUCCESS, MmSessionDelete(Id));
        return TRUE;
    }
    CHECK(Status == STATUS_INSUFFICIENT_RESOURCES || Status == STATUS_NO_MEMORY);
    CHECK_EQUAL(MM_NO_SESSION, Id);
    return FALSE;
}

TEST(Session_creation_without_pool_or_frames_changes_nothing)
{
    ULONG Nth;

    SessionBegin(0);
    for (Nth = 1;; Nth++) {
        BOOLEAN Made;

        MiFailPoolAllocation(Nth);
        Made = TryCreate();
        MiFailPoolAllocation(0);
        MiVerifyAll();
        if (Made && Nth > 10) {
            break;
        }
        CHECK(Nth < 200);
    }
    for (Nth = 1;; Nth++) {
        BOOLEAN Made;

        MiFailFrameAllocation = Nth;
        Made = TryCreate();
        MiFailFrameAllocation = 0;
        MiVerifyAll();
        if (Made) {
            break;
        }
        CHECK(Nth < 200);
    }
    CHECK(Nth > 7); /* the leader's five, a page table, the list */
    SessionFinish();
}

TEST(Session_creation_and_pool_stop_at_the_commit_limit)
{
    MI_PFN_COUNTERS Frames;
    ULONG Left;
    ULONG Made = 0;
    PVOID Block;

    SessionBegin(0);
    MiQueryPfnCounters(&Frames);
    for (Left = 0; Made == 0; Left++) {
        ULONG Taken = Frames.Commit.Limit - Frames.Commit.Committed - Left;

        CHECK(MiChargeCommitment(Taken));
        Made = TryCreate();
        Block = ExAllocatePoolWithTag(PagedPoolSession, 2 * PAGE_SIZE, TAG);
        CHECK_EQUAL(Block != NULL, Left >= 3); /* and a page table */
        if (Block != NULL) {
            ExFreePoolWithTag(Block, TAG);
        }
        MiReturnCommitment(Taken);
        MiVerifyAll();
        MiQueryPfnCounters(&Frames);
        CHECK(Left < 64);
    }
    SessionFinish();
}
