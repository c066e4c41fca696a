/* SPDX-License-Identifier: MIT */
/*
 * files_run.c - the files run: a file larger than memory, and the steps that use it.
 *
 *     step       side 0                       side 1
 *     write      NtWriteFile, the whole file
 *     read                                    NtReadFile, in sequence
 *     share      makes the named section      opens it
 *     change     writes even pages, by views  writes odd pages, by views
 *     compare    reads all pages, by views    the same
 *     copy       copies pages on write, reads all of the file, finds its copies: both
 *     rewrite    NtWriteFile, some pages
 *     views                                   reads all pages, by views
 *     uncached                                reads all pages past the cache
 *     flush      NtFlushBuffersFile
 *     close      both
 *
 * A step begins when the one before has ended on both sides.  The counters are the system's own,
 * read before and after each.
 *
 * Locking: none; a thread for each side works while this one waits.
 */
#include "files_run.h"

#include "arch/cpu.h"
#include "io.h"
#include "mi_assert.h"
#include "mm/cc/copy.h"
#include "mm/cc/dirty.h"
#include "mm/cc/read_ahead.h"
#include "mm/cc/vacb.h"
#include "mm/fault/fault.h"
#include "mm/inspect/files_work.h"
#include "mm/paging/modified_writer.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/section/file_write.h"
#include "report.h"
#include "rtl.h"
#include "system_volume.h"
#include "verify.h"

#define MIP_DEFAULT_MB  256u
#define MIP_MOST_MB     1024u
#define MIP_PAGES_IN_MB (0x100000u / PAGE_SIZE)
#define MIP_PRIORITY    8

/* The system's counters at one moment. */
typedef struct _MIP_COUNTERS {
    ULONG64 Cycles;
    MI_FAULT_COUNTERS Faults;
    CC_COPY_COUNTERS Copies;
    CC_READ_AHEAD_COUNTERS ReadAhead;
    CC_DIRTY_COUNTERS Dirty;
    CC_VIEW_COUNTERS Views;
    MI_FILE_WRITE_FIGURES FileWrites;
    ULONG SlotPages; /* written to paging files */
    ULONG Repurposed;
    ULONG64 Failures; /* requests of the boot disk that failed */
} MIP_COUNTERS;

typedef struct _MIP_RUN {
    ULONG Mb;
    ULONG Seed;
    BOOLEAN Errors;
    NTSTATUS Status;  /* of the first step that failed */
    PCSTR FailedStep; /* or NULL */
    PMI_FILES_WORK Work[MI_FILES_SIDES];
} MIP_RUN, *PMIP_RUN;

typedef struct _MIP_STEP {
    PCSTR Name;
    PMI_FILES_STEP Steps[MI_FILES_SIDES]; /* NULL: that side waits */
    MI_FILES_STAGE Stage;                 /* what the file holds, or had before the step */
} MIP_STEP;

/* Sharing is two steps: a section has a name when it is made. */
static const MIP_STEP MipSteps[] = {
    {"write", {MiFilesWrite, NULL}, MiFilesWritten},
    {"read", {NULL, MiFilesRead}, MiFilesWritten},
    {"share", {MiFilesShare, NULL}, MiFilesWritten},
    {"share", {NULL, MiFilesShare}, MiFilesWritten},
    {"change", {MiFilesMapWrite, MiFilesMapWrite}, MiFilesWritten},
    {"compare", {MiFilesMapRead, MiFilesMapRead}, MiFilesMapped},
    {"copy", {MiFilesCopy, MiFilesCopy}, MiFilesMapped},
    {"rewrite", {MiFilesRewrite, NULL}, MiFilesMapped},
    {"views", {NULL, MiFilesMapRead}, MiFilesRewritten},
    {"uncached", {NULL, MiFilesUncached}, MiFilesRewritten},
    {"flush", {MiFilesFlush, NULL}, MiFilesRewritten},
    {"close", {MiFilesClose, MiFilesClose}, MiFilesRewritten},
};

/* ---- counters ---- */

static MIP_COUNTERS MipReadCounters(void)
{
    PDISK_DEVICE Disk = IoSystemVolume() != NULL ? IoGetDiskDevice(IoSystemVolume()) : NULL;
    MIP_COUNTERS Counters = {.Cycles = KeReadCycleCounter(),
                             .Faults = MiFaultCounters,
                             .Copies = CcCopyCounters,
                             .ReadAhead = CcReadAheadCounters,
                             .Dirty = CcDirtyCounters,
                             .Views = CcViewCounters,
                             .FileWrites = MiFileWriteFigures,
                             .SlotPages = MiWriterFigures.PagesWritten,
                             .Failures = Disk != NULL ? Disk->Failures : 0};
    MI_PFN_COUNTERS Frames;

    MiQueryPfnCounters(&Frames);
    Counters.Repurposed = Frames.Repurposed;
    return Counters;
}

static NT_PAGED void MipPrintCounters(PCSTR Name, const MIP_COUNTERS *Old, const MIP_COUNTERS *New)
{
    ULONG64 Cycles = New->Cycles - Old->Cycles;

    PAGED_CODE();
    KiPrint("# files: %s: %u ms; cached reads %u, misses %u, read ahead %u pages\n", Name,
            (ULONG)(Cycles / (KeQueryCycleFrequency() / 1000 + 1)),
            New->Copies.Reads - Old->Copies.Reads, New->Copies.ReadMisses - Old->Copies.ReadMisses,
            New->ReadAhead.Pages - Old->ReadAhead.Pages);
    KiPrint("# files: %s: cached writes %u, held back %u; cache wrote %u pages, %u lazily\n", Name,
            New->Copies.Writes - Old->Copies.Writes, New->Dirty.Deferred - Old->Dirty.Deferred,
            New->Dirty.Written - Old->Dirty.Written, New->Dirty.LazyPages - Old->Dirty.LazyPages);
    KiPrint("# files: %s: dirty now %u; views mapped %u, reused %u; pages of files read %u, "
            "written %u\n",
            Name, CcTotalDirtyPages, New->Views.Maps - Old->Views.Maps,
            New->Views.Reuses - Old->Views.Reuses,
            New->Faults.MappedPagesRead - Old->Faults.MappedPagesRead,
            New->FileWrites.Pages - Old->FileWrites.Pages);
    KiPrint("# files: %s: faults %u, copied on write %u, paging file: read %u, written %u pages\n",
            Name, New->Faults.Faults - Old->Faults.Faults,
            New->Faults.CopyOnWrite - Old->Faults.CopyOnWrite,
            New->Faults.PagesRead - Old->Faults.PagesRead, New->SlotPages - Old->SlotPages);
    KiPrint("# files: %s: repurposed %u; writes of files that failed %u, %llu failed requests\n",
            Name, New->Repurposed - Old->Repurposed,
            New->FileWrites.FailedWrites - Old->FileWrites.FailedWrites,
            (unsigned long long)(New->Failures - Old->Failures));
}

/* ---- the steps ---- */

static void MipNoteStatus(PMIP_RUN Run, PCSTR Name, NTSTATUS Status)
{
    if (!NT_SUCCESS(Status) && Run->FailedStep == NULL) {
        Run->Status = Status;
        Run->FailedStep = Name;
    }
}

static NT_PAGED void MipStart(PMIP_RUN Run, const MIP_STEP *Step, PMI_FILES_WORK Work)
{
    NTSTATUS Status;

    PAGED_CODE();
    Work->Stage = Step->Stage;
    Work->Step = Step->Steps[Work->Side];
    Work->Status = STATUS_SUCCESS;
    if (Work->Step == NULL) {
        KeSetEvent(&Work->Done, IO_NO_INCREMENT, FALSE);
        return;
    }
    Status = PsStartSystemThread(MiDoFilesWork, Work, MIP_PRIORITY, "files run");
    if (!NT_SUCCESS(Status)) {
        MipNoteStatus(Run, Step->Name, Status);
        KeSetEvent(&Work->Done, IO_NO_INCREMENT, FALSE);
    }
}

static NT_PAGED void MipDoStep(PMIP_RUN Run, const MIP_STEP *Step)
{
    const MIP_COUNTERS Before = MipReadCounters();
    MIP_COUNTERS After;
    ULONG Side;

    PAGED_CODE();
    for (Side = 0; Side < MI_FILES_SIDES; Side++) {
        MipStart(Run, Step, Run->Work[Side]);
    }
    for (Side = 0; Side < MI_FILES_SIDES; Side++) {
        NTSTATUS Waited =
            KeWaitForSingleObject(&Run->Work[Side]->Done, Executive, KernelMode, FALSE, NULL);

        MI_ASSERT(Waited == STATUS_SUCCESS);
        MipNoteStatus(Run, Step->Name, Run->Work[Side]->Status);
    }
    After = MipReadCounters();
    MipPrintCounters(Step->Name, &Before, &After);
}

/* After a step that failed the rest is not done; but what is open is closed. */
static NT_PAGED void MipDoSteps(PMIP_RUN Run)
{
    ULONG i;

    PAGED_CODE();
    for (i = 0; i < RTL_NUMBER_OF(MipSteps); i++) {
        if (Run->FailedStep == NULL || i == RTL_NUMBER_OF(MipSteps) - 1) {
            MipDoStep(Run, &MipSteps[i]);
        }
    }
}

/* ---- the verdict ---- */

static NT_PAGED void MipJudge(const MIP_RUN *Run, const MIP_COUNTERS *Old, const MIP_COUNTERS *New)
{
    const ULONG Pages = Run->Mb * MIP_PAGES_IN_MB;
    ULONG64 Checked = 0;
    ULONG64 Stamped = 0;
    ULONG Failures = 0;
    ULONG Wrong = 0;
    ULONG Side;

    PAGED_CODE();
    for (Side = 0; Side < MI_FILES_SIDES; Side++) {
        Checked += Run->Work[Side]->Checked;
        Stamped += Run->Work[Side]->Stamped;
        Failures += Run->Work[Side]->Failures;
        Wrong += Run->Work[Side]->Wrong;
    }
    MipPrintCounters("all", Old, New);
    KiReport(Run->FailedStep == NULL && Wrong == 0 && Checked > 6 * (ULONG64)Pages &&
                 (Run->Errors || Failures == 0),
             "files: %u MB shared by two processes, cached and mapped: %llu pages written, %llu "
             "compared, %u wrong; %u calls failed; %s, status %08x; seed %u",
             Run->Mb, (unsigned long long)Stamped, (unsigned long long)Checked, Wrong, Failures,
             Run->FailedStep == NULL ? "all steps done" : Run->FailedStep, (ULONG)Run->Status,
             Run->Seed);
    KiReport(New->ReadAhead.Pages != Old->ReadAhead.Pages &&
                 New->Dirty.LazyPages != Old->Dirty.LazyPages &&
                 New->Faults.CopyOnWrite - Old->Faults.CopyOnWrite >= MI_FILES_LEAST_PAGES,
             "files: the cache read ahead and wrote lazily, pages were copied on write");
}

static NT_PAGED void MipRunAll(PMIP_RUN Run)
{
    NTSTATUS Status = STATUS_SUCCESS;
    MIP_COUNTERS Before;
    MIP_COUNTERS After;
    ULONG Side;

    PAGED_CODE();
    for (Side = 0; Side < MI_FILES_SIDES && NT_SUCCESS(Status); Side++) {
        Status = MiCreateFilesWork(Side, Run->Mb * MIP_PAGES_IN_MB, Run->Seed, Run->Errors,
                                   &Run->Work[Side]);
    }
    if (NT_SUCCESS(Status)) {
        Before = MipReadCounters();
        MipDoSteps(Run);
        After = MipReadCounters();
        MipJudge(Run, &Before, &After);
        MiVerifyAll();
    } else {
        KiReport(FALSE, "files: no process: %08x", (ULONG)Status);
    }
    for (Side = 0; Side < MI_FILES_SIDES; Side++) {
        if (Run->Work[Side] != NULL) {
            MiDeleteFilesWork(Run->Work[Side]);
        }
    }
}

/* ---- options ---- */

/* => FALSE: the options make no sense. */
static NT_PAGED BOOLEAN MipParse(PMIP_RUN Run, PCSTR Options)
{
    ULONG64 Values[2] = {MIP_DEFAULT_MB, 1};
    PCSTR End = Options + strlen(Options);
    ULONG Count = 0;

    PAGED_CODE();
    while (Options != End) {
        if (*Options++ != ':') {
            return FALSE;
        }
        if (strncmp(Options, "errors", 6) == 0) {
            Run->Errors = TRUE;
            Options += 6;
        } else if (Count == RTL_NUMBER_OF(Values) ||
                   !NT_SUCCESS(RtlParseNumber(&Options, End, &Values[Count++]))) {
            return FALSE;
        }
    }
    if (Values[0] < MI_FILES_LEAST_PAGES / MIP_PAGES_IN_MB || Values[0] > MIP_MOST_MB ||
        Values[0] % (MI_FILES_VIEW_PAGES / MIP_PAGES_IN_MB) != 0) {
        return FALSE;
    }
    Run->Mb = (ULONG)Values[0];
    Run->Seed = (ULONG)Values[1];
    return TRUE;
}

void MiRunFiles(PCSTR Options)
{
    MIP_RUN Run = {.Status = STATUS_SUCCESS};

    if (MipParse(&Run, Options)) {
        MipRunAll(&Run);
    } else {
        KiReport(FALSE, "files: \"%s\" is not [:<MB>[:<seed>]][:errors], MB a multiple of 4",
                 Options);
    }
}
