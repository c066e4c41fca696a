/* SPDX-License-Identifier: MIT */
/*
 * extend.c - paging files become longer, up to their largest size.
 *
 *     asked for by                                     how much
 *     a charge that was refused, and its thread waits  so that it fits
 *     the balance set manager, each second             so that nine tenths of the limit are
 *                                                      committed, as documented; so much each time
 *                                                      if the files can and the disk has it
 *     the modified page writer: no slot is free        a megabyte
 *
 * One thread does it, as the one of the same priority on NT; whoever asks is served in a round
 * (mm/pfn/commit_growth.h).  A file's growth is prepared, then it is there:
 *
 *     checksums' memory -> sectors on the disk, known to paging -> slots and commit limit
 *
 * Before the last step a failure leaves the file as it was.  When the disk has no room, or memory
 * is short, it is tried again at the next need; when the disk fails the file never grows again:
 * each try could leave lost clusters behind.
 *
 * No deadlock: the thread takes the volume's mutex and touches paged pool, so it may wait for pages
 * to be read and written; neither those who do that nor anybody who holds a lock waits for it.  Its
 * own memory is charged to a reserve.
 *
 * Locking: one caller at a time; MiPfnLock for what others see.
 */
#include "mm/paging/paging_file.h"

#include "mi_assert.h"
#include "mm/paging/slots.h"
#include "mm/pfn/commit_growth.h"
#include "ps.h"
#include "report.h"

#define MIP_MOST_AT_ONCE (64u * MI_PAGES_IN_MB) /* MI_COMMIT_RESERVE's derivation */
#define MIP_TRIES        10u                    /* while memory is short */
#define MIP_PAUSE        200000ll               /* between them, in units of 100 ns */

MI_GROWTH_FIGURES MiGrowthFigures;
static BOOLEAN MipSlotsWanted; /* (A) */
static KEVENT MipStop;         /* notification: the thread ends */
static KEVENT MipStopped;      /* notification: it has, or was never started */

/* What is to be had: as much as Pages, but no less than Least. */
typedef struct _MIP_NEED {
    ULONG Pages;
    ULONG Least;
} MIP_NEED, *PMIP_NEED;

/* ---- one file ---- */

NTSTATUS MiExtendPagingFile(PMMPAGING_FILE File, ULONG Pages)
{
    PFN_NUMBER NewSize = File->Size + Pages;
    ULONG Runs = MI_MOST_PAGING_RUNS;
    NTSTATUS Status = MiPrepareMoreSlots(File, NewSize);

    MI_ASSERT(Pages != 0 && NewSize <= File->MaximumSize);
    if (NT_SUCCESS(Status)) {
        Status = IoExtendPagingFile(File->File, (ULONG64)NewSize * PAGE_SIZE, &Runs);
    }
    if (NT_SUCCESS(Status)) {
        File->Runs = Runs;
        MiAddSlots(File, NewSize);
    }
    return Status;
}

/* Memory that is short now may be there in a moment. */
static NTSTATUS MipExtendPatiently(PMMPAGING_FILE File, ULONG Pages)
{
    LARGE_INTEGER Pause = {.QuadPart = -MIP_PAUSE};
    NTSTATUS Status = MiExtendPagingFile(File, Pages);
    ULONG Try;

    for (Try = 1; Status == STATUS_INSUFFICIENT_RESOURCES && Try < MIP_TRIES; Try++) {
        (void)KeDelayExecutionThread(KernelMode, FALSE, &Pause);
        Status = MiExtendPagingFile(File, Pages);
    }
    return Status;
}

static ULONG MipRoomOf(const MMPAGING_FILE *File)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Room = (ULONG)MiGrowthRoom(File);

    MiUnlockPfn(OldIrql);
    return Room;
}

/* => What to extend the file by for Pages: whole megabytes, as the sizes of files are. */
static ULONG MipStep(const MMPAGING_FILE *File, ULONG Pages)
{
    ULONG Room = MipRoomOf(File);
    ULONG Step = ROUND_UP(Pages, MI_PAGES_IN_MB);

    Step = Step < Room ? Step : Room;
    return Step < MIP_MOST_AT_ONCE ? Step : MIP_MOST_AT_ONCE;
}

static void MipCount(PMMPAGING_FILE File, PMIP_NEED Need, ULONG Step)
{
    Need->Pages -= Step < Need->Pages ? Step : Need->Pages;
    Need->Least -= Step < Need->Least ? Step : Need->Least;
    File->GrowthStatus = STATUS_SUCCESS;
    MiGrowthFigures.Extensions++;
    MiGrowthFigures.Pages += Step;
    KiPrint("Page file  %s is too small: %u MB longer, now %u MB of at most %u MB, in %u run%s\n",
            File->PageFileName, Step / MI_PAGES_IN_MB, (ULONG)File->Size / MI_PAGES_IN_MB,
            (ULONG)File->MaximumSize / MI_PAGES_IN_MB, File->Runs, File->Runs == 1 ? "" : "s");
}

/* The disk failed. */
static void MipForbidGrowth(PMMPAGING_FILE File)
{
    KIRQL OldIrql = MiLockPfn();

    MiLowerCommitMaximum((ULONG)MiGrowthRoom(File));
    File->CannotGrow = TRUE; /* S5 holds again */
    MiUnlockPfn(OldIrql);
}

static void MipFail(PMMPAGING_FILE File, NTSTATUS Status)
{
    BOOLEAN Again = Status == STATUS_DISK_FULL || Status == STATUS_INSUFFICIENT_RESOURCES;

    MiGrowthFigures.Failures++;
    if (File->GrowthStatus != Status) { /* once, not each second */
        KiPrint("Page file  %s is too small, and stays at %u MB: %s (status %08x)\n",
                File->PageFileName, (ULONG)File->Size / MI_PAGES_IN_MB,
                Status == STATUS_DISK_FULL ? "the volume has no room"
                : Again                    ? "there is no memory for it"
                                           : "it could not be made longer",
                (ULONG)Status);
    }
    File->GrowthStatus = Status;
    if (!Again) {
        MipForbidGrowth(File);
    }
}

/* Until it has its largest size, or the need is over, or a try failed. */
static void MipGrowFile(PMMPAGING_FILE File, PMIP_NEED Need)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Step;

    while (NT_SUCCESS(Status) && (Step = MipStep(File, Need->Pages)) != 0) {
        ULONG Less = MipStep(File, Need->Least);

        Status = MipExtendPatiently(File, Step);
        if (NT_SUCCESS(Status)) {
            MipCount(File, Need, Step);
        } else if (Status == STATUS_DISK_FULL && Less != 0 && Less < Step) {
            Need->Pages = Need->Least; /* less will do */
            Status = STATUS_SUCCESS;
        } else {
            MipFail(File, Status);
        }
    }
}

/* ---- a round ---- */

/*
 * => What was refused fits into Limit + Least; Limit + Pages leaves a tenth besides, and there are
 *    so many Slots more.
 */
static MIP_NEED MipMeasure(const MI_COMMIT_ROUND *Round, ULONG Slots)
{
    ULONG Limit = MiCommit.Limit;
    ULONG Room = MiCommit.MaximumLimit - Limit;
    ULONG Needed = MiLimitFor(Round->Pages);
    BOOLEAN Refused = Round->Pages != 0 || Round->Limit != 0;
    MIP_NEED Need = {.Pages = Slots};

    Needed = Needed > Round->Limit ? Needed : Round->Limit;
    if (Refused && Needed + MI_COMMIT_RESERVE > Limit) {
        Need.Least = Needed + MI_COMMIT_RESERVE - Limit;
    }
    if (MiIsCommitmentTight(Needed, Limit)) {
        Need.Pages = Needed / 9 * 10 + 10 - Limit;
    }
    Need.Pages = Need.Pages > Need.Least ? Need.Pages : Need.Least;
    Need.Pages = Need.Pages < Room ? Need.Pages : Room;
    Need.Least = Need.Least < Room ? Need.Least : Room;
    return Need;
}

/* => FALSE: what was needed is not there. */
static BOOLEAN MipServe(const MI_COMMIT_ROUND *Round)
{
    BOOLEAN Slots = __atomic_exchange_n(&MipSlotsWanted, FALSE, __ATOMIC_ACQ_REL);
    MIP_NEED Need = MipMeasure(Round, Slots ? MI_PAGES_IN_MB : 0);
    BOOLEAN Needed = Need.Pages != 0;
    ULONG Extensions = MiGrowthFigures.Extensions;
    ULONG i;

    for (i = 0; i < MmNumberOfPagingFiles && Need.Pages != 0; i++) {
        MipGrowFile(MmPagingFile[i], &Need);
    }
    return !Needed || (Need.Least == 0 && MiGrowthFigures.Extensions != Extensions);
}

static void MipRound(void)
{
    MI_COMMIT_ROUND Round;

    MiBeginCommitRound(&Round);
    MiGrowthFigures.Rounds++;
    MiEndCommitRound(&Round, MipServe(&Round));
}

/* ---- the thread ---- */

void MiRequestSlots(void)
{
    __atomic_store_n(&MipSlotsWanted, TRUE, __ATOMIC_RELEASE);
    MiRequestCommitRound();
}

static void NTAPI MipGrowthThread(PVOID Context)
{
    PVOID Objects[2] = {&MipStop, Context};

    while (KeWaitForMultipleObjects(2, Objects, WaitAny, Executive, KernelMode, FALSE, NULL,
                                    NULL) != STATUS_WAIT_0) {
        MipRound();
    }
    MiCloseCommitGrowth();
    (void)KeSetEvent(&MipStopped, IO_NO_INCREMENT, FALSE);
}

void MiInitializeFileGrowth(void)
{
    MiGrowthFigures = (MI_GROWTH_FIGURES){0};
    MipSlotsWanted = FALSE;
    KeInitializeEvent(&MipStop, NotificationEvent, FALSE);
    KeInitializeEvent(&MipStopped, NotificationEvent, TRUE);
}

NTSTATUS MiStartFileGrowth(void)
{
    NTSTATUS Status;
    PKEVENT Due = MiOpenCommitGrowth();

    KeClearEvent(&MipStopped);
    Status = PsStartSystemThread(MipGrowthThread, Due, MI_GROWTH_PRIORITY, "paging files' growth");
    if (!NT_SUCCESS(Status)) {
        (void)KeSetEvent(&MipStopped, IO_NO_INCREMENT, FALSE);
        MiCloseCommitGrowth();
    }
    return Status;
}

void MiStopFileGrowth(void)
{
    (void)KeSetEvent(&MipStop, IO_NO_INCREMENT, FALSE);
    (void)KeWaitForSingleObject(&MipStopped, Executive, KernelMode, FALSE, NULL);
}
