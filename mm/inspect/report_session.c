/* SPDX-License-Identifier: MIT */
/*
 * report_session.c - two sessions with a process in each: what one has at an address the other does
 * not see, its paged pool goes to the paging file and comes back, its view is seen by its processes
 * alone; and when they end nothing is left.
 */
#include "mm/inspect/report_session.h"

#include "ex.h"
#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/inspect/page_out.h"
#include "mm/inspect/paging_stamp.h"
#include "mm/paging/modified_writer.h"
#include "mm/session/session.h"
#include "mm/space/space_verify.h"
#include "mm_section.h"
#include "report.h"

#define MIP_TAG        0x53706552u /* 'RepS' */
#define MIP_SESSIONS   2u
#define MIP_PAGES      64u
#define MIP_VIEW_PAGES 32u
#define MIP_SEED       0x73657373u

/* The session's working set may be in use: it is tried again. */
#define MIP_MOST_TRIMS 50u
#define MIP_TRIM_WAIT  (-100000) /* 10 ms, in units of 100 ns */

typedef struct _MIP_MEMBER {
    ULONG SessionId;
    PEPROCESS Process; /* NULL: there is none */
    PULONG Pool;       /* MIP_PAGES of the session's paged pool, or NULL */
    BOOLEAN Made;      /* the session */
} MIP_MEMBER, *PMIP_MEMBER;

typedef struct _MIP_TRIAL {
    MIP_MEMBER Member[MIP_SESSIONS];
    NTSTATUS Status;
    ULONG Wrong;
    ULONG Charged; /* of sessions, at most */
} MIP_TRIAL, *PMIP_TRIAL;

static void MipEnter(const MIP_MEMBER *Member, PKAPC_STATE ApcState)
{
    KeStackAttachProcess(&Member->Process->Pcb, ApcState);
}

/* ---- the beginning and the end ---- */

static NTSTATUS MipMake(PMIP_MEMBER Member)
{
    NTSTATUS Status = MmSessionCreate(&Member->SessionId);
    KAPC_STATE ApcState;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Member->Made = TRUE;
    Status = PsCreateSessionProcess("member", 0, Member->SessionId, &Member->Process);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    MipEnter(Member, &ApcState);
    Member->Pool = ExAllocatePoolWithTag(PagedPoolSession, MIP_PAGES * PAGE_SIZE, MIP_TAG);
    KeUnstackDetachProcess(&ApcState);
    return Member->Pool != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static void MipUnmake(PMIP_MEMBER Member)
{
    KAPC_STATE ApcState;

    if (Member->Pool != NULL) {
        MipEnter(Member, &ApcState);
        ExFreePoolWithTag(Member->Pool, MIP_TAG);
        KeUnstackDetachProcess(&ApcState);
    }
    if (Member->Made) {
        (void)!MmSessionDelete(Member->SessionId);
    }
    if (Member->Process != NULL) {
        PsTerminateProcess(Member->Process);
        PsDereferenceProcess(Member->Process);
    }
}

/* ---- isolation, and the way to the paging file and back ---- */

static MI_STAMP MipStamp(ULONG Session, ULONG Page)
{
    return (MI_STAMP){Page * PAGE_SIZE, 1 + Session, MIP_SEED};
}

static PULONG MipPageOf(const MIP_MEMBER *Member, ULONG Page)
{
    return Member->Pool + Page * MI_STAMP_WORDS;
}

static void MipFill(PMIP_TRIAL Trial, ULONG Session)
{
    KAPC_STATE ApcState;
    ULONG Page;

    MipEnter(&Trial->Member[Session], &ApcState);
    for (Page = 0; Page < MIP_PAGES; Page++) {
        MiStampPage(MipPageOf(&Trial->Member[Session], Page), MipStamp(Session, Page));
    }
    KeUnstackDetachProcess(&ApcState);
}

static void MipCompare(PMIP_TRIAL Trial, ULONG Session)
{
    KAPC_STATE ApcState;
    ULONG Page;

    MipEnter(&Trial->Member[Session], &ApcState);
    for (Page = 0; Page < MIP_PAGES; Page++) {
        Trial->Wrong +=
            !MiIsPageStamped(MipPageOf(&Trial->Member[Session], Page), MipStamp(Session, Page));
    }
    KeUnstackDetachProcess(&ApcState);
}

/* => What a guarded access in no session gets. */
static NTSTATUS MipTryOutside(const MIP_TRIAL *Trial)
{
    ULONG Word;

    return KiGuardedCopy(&Word, Trial->Member[0].Pool, sizeof(Word));
}

static void MipReportIsolation(PMIP_TRIAL Trial)
{
    NTSTATUS Outside = STATUS_SUCCESS;
    ULONG Session;

    for (Session = 0; Session < MIP_SESSIONS && NT_SUCCESS(Trial->Status); Session++) {
        Trial->Status = MipMake(&Trial->Member[Session]);
    }
    if (NT_SUCCESS(Trial->Status)) {
        MipFill(Trial, 0);
        MipFill(Trial, 1);
        MipCompare(Trial, 0);
        MipCompare(Trial, 1);
        Outside = MipTryOutside(Trial);
        Trial->Charged = MiCountSessionCharges();
    }
    KiReport(NT_SUCCESS(Trial->Status) && Trial->Wrong == 0 &&
                 Trial->Member[0].Pool == Trial->Member[1].Pool &&
                 Outside == STATUS_ACCESS_VIOLATION,
             "session space: sessions %u and %u have %u pages each at %08x, %u wrong; without a "
             "session: %08x; status %08x",
             Trial->Member[0].SessionId, Trial->Member[1].SessionId, MIP_PAGES,
             (ULONG)(ULONG_PTR)Trial->Member[0].Pool, Trial->Wrong, (ULONG)Outside,
             (ULONG)Trial->Status);
}

static NTSTATUS MipTrim(ULONG SessionId)
{
    LARGE_INTEGER Wait = {.QuadPart = MIP_TRIM_WAIT};
    NTSTATUS Status = MmTrimSessionMemory(SessionId);
    ULONG Tries;

    for (Tries = 1; Status == STATUS_UNSUCCESSFUL && Tries < MIP_MOST_TRIMS; Tries++) {
        (void)KeDelayExecutionThread(KernelMode, FALSE, &Wait);
        Status = MmTrimSessionMemory(SessionId);
    }
    return Status;
}

static void MipReportPaging(PMIP_TRIAL Trial)
{
    ULONG Resident = Trial->Member[0].Process->Pcb.Session->ResidentPool;
    ULONG Written = MiWriterFigures.PagesWritten;
    ULONG Reused = 0;
    ULONG Left = 0;
    ULONG Read;

    Trial->Wrong = 0;
    Trial->Status = MipTrim(Trial->Member[0].SessionId);
    if (NT_SUCCESS(Trial->Status)) {
        Left = Trial->Member[0].Process->Pcb.Session->ResidentPool;
        Trial->Status = MiFlushModifiedPages();
        Reused = MiReuseStandbyFrames();
    }
    Written = MiWriterFigures.PagesWritten - Written;
    Read = MiFaultCounters.PagesRead;
    MipCompare(Trial, 0);
    Read = MiFaultCounters.PagesRead - Read;
    MipCompare(Trial, 1);
    KiReport(NT_SUCCESS(Trial->Status) && Trial->Wrong == 0 && Resident >= MIP_PAGES && Left == 0 &&
                 Written >= MIP_PAGES && Reused >= MIP_PAGES && Read >= MIP_PAGES,
             "session pool: %u pages of session %u trimmed to %u, %u pages written to the paging "
             "file, %u frames reused, %u pages read back: %u wrong; status %08x",
             Resident, Trial->Member[0].SessionId, Left, Written, Reused, Read, Trial->Wrong,
             (ULONG)Trial->Status);
}

/* ---- a view ---- */

/* => What the other session's process finds where the view is. */
static NTSTATUS MipLookFromOutside(const MIP_TRIAL *Trial, PVOID Base)
{
    KAPC_STATE ApcState;
    NTSTATUS Status;
    ULONG Word;

    MipEnter(&Trial->Member[1], &ApcState);
    Status = KiGuardedCopy(&Word, Base, sizeof(Word));
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

/* A second process of the first session finds what the first has written. */
static NTSTATUS MipReadElsewhere(PMIP_TRIAL Trial, const ULONG *View)
{
    PEPROCESS Second = NULL;
    KAPC_STATE ApcState;
    NTSTATUS Status = PsCreateSessionProcess("viewer", 0, Trial->Member[0].SessionId, &Second);
    ULONG Page;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeStackAttachProcess(&Second->Pcb, &ApcState);
    for (Page = 0; Page < MIP_VIEW_PAGES; Page++) {
        Trial->Wrong += !MiIsPageStamped(View + Page * MI_STAMP_WORDS, MipStamp(2, Page));
    }
    KeUnstackDetachProcess(&ApcState);
    PsTerminateProcess(Second);
    PsDereferenceProcess(Second);
    return STATUS_SUCCESS;
}

static NTSTATUS MipShowView(PMIP_TRIAL Trial, PVOID Section, PVOID *Base, NTSTATUS *Outside)
{
    SIZE_T Bytes = 0;
    KAPC_STATE ApcState;
    NTSTATUS Status;
    ULONG Page;

    MipEnter(&Trial->Member[0], &ApcState);
    Status = MmMapViewInSessionSpace(Section, Base, &Bytes);
    for (Page = 0; Page < MIP_VIEW_PAGES && NT_SUCCESS(Status); Page++) {
        MiStampPage((PULONG)*Base + Page * MI_STAMP_WORDS, MipStamp(2, Page));
    }
    KeUnstackDetachProcess(&ApcState);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    *Outside = MipLookFromOutside(Trial, *Base);
    Status = MipReadElsewhere(Trial, *Base);
    MipEnter(&Trial->Member[0], &ApcState);
    Trial->Wrong += MmUnmapViewInSessionSpace(*Base) != STATUS_SUCCESS;
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

static void MipReportView(PMIP_TRIAL Trial)
{
    LARGE_INTEGER Size = {.QuadPart = (LONGLONG)MIP_VIEW_PAGES * PAGE_SIZE};
    NTSTATUS Outside = STATUS_SUCCESS;
    PVOID Section = NULL;
    PVOID Base = NULL;

    Trial->Wrong = 0;
    Trial->Status = MmCreateSection(&Section, SECTION_ALL_ACCESS, NULL, &Size, PAGE_READWRITE,
                                    SEC_COMMIT, NULL, NULL);
    if (NT_SUCCESS(Trial->Status)) {
        Trial->Status = MipShowView(Trial, Section, &Base, &Outside);
        ObDereferenceObject(Section);
    }
    KiReport(
        NT_SUCCESS(Trial->Status) && Trial->Wrong == 0 && Outside == STATUS_ACCESS_VIOLATION,
        "session view: %u pages of a section at %08x, written by one process of session %u and "
        "read by another, %u wrong; from session %u: %08x; status %08x",
        MIP_VIEW_PAGES, (ULONG)(ULONG_PTR)Base, Trial->Member[0].SessionId, Trial->Wrong,
        Trial->Member[1].SessionId, (ULONG)Outside, (ULONG)Trial->Status);
}

void MiReportSessions(BOOLEAN PageOut)
{
    ULONG Before = MiCountSessionCharges();
    ULONG Processes = MiCountProcessCharges();
    ULONG Ended = MiSessionCounters.Ended;
    MIP_TRIAL Trial = {.Wrong = 0};
    ULONG Session;

    MipReportIsolation(&Trial);
    if (NT_SUCCESS(Trial.Status)) {
        if (PageOut) {
            MipReportPaging(&Trial);
        } else {
            KiPrint("# session pool: stays in memory, there is no paging file that can be used\n");
        }
        MipReportView(&Trial);
    }
    for (Session = 0; Session < MIP_SESSIONS; Session++) {
        MipUnmake(&Trial.Member[Session]);
    }
    KiReport(MiSessionCounters.Ended - Ended == MIP_SESSIONS && Trial.Charged > Before &&
                 MiCountSessionCharges() == Before && MiCountProcessCharges() == Processes,
             "sessions: %u of %u ended; of %u pages that they were charged for %u are left, and %u "
             "of their processes",
             MiSessionCounters.Ended - Ended, MIP_SESSIONS, Trial.Charged - Before,
             MiCountSessionCharges() - Before, MiCountProcessCharges() - Processes);
}
