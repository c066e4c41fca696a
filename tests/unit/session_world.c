/* SPDX-License-Identifier: MIT */
/*
 * session_world.c - see session_world.h.
 */
#include "tests/unit/session_world.h"

#include "ex.h"
#include "mm/paging/modified_writer.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pool/pool.h"
#include "mm/sysva/system_pages.h"
#include "tests/unit/paged_world.h"

#define TAG 0x73736553u /* 'Sess' */

static ULONG Ids[SESSIONS];
static PEPROCESS Processes[SESSIONS];
static KAPC_STATE Home;
static ULONG Running; /* SESSIONS: nowhere */

void SessionBegin(ULONG64 Seed)
{
    ULONG i;

    PagedBegin(Seed);
    Running = SESSIONS;
    for (i = 0; i < SESSIONS; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, MmSessionCreate(&Ids[i]));
        CHECK_EQUAL(i, Ids[i]);
        CHECK_EQUAL(STATUS_SUCCESS, PsCreateSessionProcess("member", 0, Ids[i], &Processes[i]));
    }
    SessionEnter(0);
}

void SessionEnter(ULONG Session)
{
    if (Running != SESSIONS) {
        KeUnstackDetachProcess(&Home);
    }
    Running = Session;
    if (Session != SESSIONS) {
        KeStackAttachProcess(&Processes[Session]->Pcb, &Home);
    }
}

PEPROCESS SessionProcess(ULONG Session)
{
    return Processes[Session];
}

PMM_SESSION_SPACE SessionSpace(ULONG Session)
{
    return Processes[Session]->Pcb.Session;
}

void SessionEnd(ULONG Session)
{
    SessionEnter(SESSIONS);
    CHECK_EQUAL(STATUS_SUCCESS, MmSessionDelete(Ids[Session]));
    PsTerminateProcess(Processes[Session]);
    PsDereferenceProcess(Processes[Session]);
    Processes[Session] = NULL;
}

void SessionFinish(void)
{
    ULONG i;

    MiVerifyAll();
    SessionEnter(SESSIONS);
    for (i = 0; i < SESSIONS; i++) {
        if (Processes[i] != NULL) {
            SessionEnd(i);
        }
    }
    CHECK(IsListEmpty(&MiSessions));
    CHECK_EQUAL(MiSessionCounters.Created, MiSessionCounters.Ended);
    PagedEnd();
}

PVOID SessionAllocate(SIZE_T Bytes)
{
    PVOID Block = ExAllocatePoolWithTag(PagedPoolSession, Bytes, TAG);

    CHECK(Block != NULL);
    return Block;
}

void SessionTrim(void)
{
    CHECK_EQUAL(STATUS_SUCCESS, MmTrimSessionMemory(MiCurrentSession()->SessionId));
}

void SessionPageOut(void)
{
    ULONG i;

    SessionTrim();
    for (i = 0; i < 2; i++) { /* prototype PTEs go when their pages have gone */
        SystemViewTrim();
        CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
        (void)MiReuseStandbyFrames();
    }
}
