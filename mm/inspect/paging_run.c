/* SPDX-License-Identifier: MIT */
/*
 * paging_run.c - the paging run: its workers, what they found, and whether all of it came back.
 *
 *     commit    a process for each worker, all of its memory; nothing is touched before all have it
 *     work      the threads (paging_work.c, paging_pool_work.c)
 *     judge     no page wrong, no status without a reason, no touch without an end
 *     balance   everything verifies; commitment, promises, pools and processes are as before
 *
 * The counters are the system's own, read before and after.
 *
 * Locking: none; the workers run while this thread waits for them.
 */
#include "paging_run.h"

#include "arch/cpu.h"
#include "ex.h"
#include "io.h"
#include "mi_assert.h"
#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/inspect/paging_hoard.h"
#include "mm/inspect/paging_pool_work.h"
#include "mm/paging/in_page.h"
#include "mm/paging/modified_writer.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pool/pool.h"
#include "mm/pool/pool_big.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/system_image.h"
#include "mm/space/page_table.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/system_pages.h"
#include "mm/ws/wsle.h"
#include "report.h"
#include "rtl.h"
#include "system_volume.h"
#include "verify.h"

#define MIP_MOST_PROCESSES    16u
#define MIP_DEFAULT_MB        512u
#define MIP_DEFAULT_PROCESSES 4u
#define MIP_PRIORITY          8
#define MIP_LIMIT_SECONDS     30u /* for one touch, however it ends */
#define MIP_MOST_SECONDS      1000000u
#define MIP_PAGES_IN_MB       (0x100000u / PAGE_SIZE)

/* What has to be the same at the end. */
typedef struct _MIP_BALANCE {
    ULONG Committed;
    ULONG Resident;
    ULONG NonPagedBytes;
    ULONG PagedBytes;
} MIP_BALANCE;

/* The system's counters at one moment. */
typedef struct _MIP_COUNTERS {
    MI_FAULT_COUNTERS Faults;
    MI_PAGE_TABLE_COUNTERS Tables;
    MI_WRITER_FIGURES Writer;
    ULONG WrongChecksums;
    ULONG Repurposed;
    ULONG SlotsUsed;
    ULONG SlotsPeak;
    ULONG64 Failures;  /* requests of the boot disk that failed */
    ULONG Unannounced; /* those that ended without an interrupt */
    MI_IMAGE_FIGURES Code;
} MIP_COUNTERS;

typedef struct _MIP_RUN {
    ULONG Mb;
    ULONG Processes;
    ULONG Seed;
    BOOLEAN Pool;
    BOOLEAN Hoards; /* nonpaged pool is exhausted while the workers work */
    BOOLEAN Errors;
    BOOLEAN Refused;
    BOOLEAN Passed;
    ULONG SoakSeconds; /* 0: one round */
    PMI_PAGING_WORK Work[MIP_MOST_PROCESSES];
    ULONG Made; /* of them */
    PMI_POOL_WORK PoolWork;
    MI_POOL_HOARD Hoard;
    MI_WORK_RESULT Sum;
} MIP_RUN, *PMIP_RUN;

static void MipJudge(PMIP_RUN Run, BOOLEAN Passed)
{
    Run->Passed = Run->Passed && Passed;
}

/* ---- counters ---- */

/* => Pages that paging files have for the checksums of their slots, from Va on. */
static ULONG MipChecksumPages(ULONG_PTR Va)
{
    ULONG Pages = 0;
    ULONG File;
    ULONG i;

    for (File = 0; File < MmNumberOfPagingFiles; File++) {
        for (i = 0; i < MmPagingFile[File]->ChecksumPages; i++) {
            Pages += (ULONG_PTR)MmPagingFile[File]->Checksums[i] >= Va;
        }
    }
    return Pages;
}

/* => Bytes of the lists of their pieces, and of which sectors they may write. */
static ULONG MipPlaceBytes(void)
{
    ULONG Bytes = (ULONG)MiFindPoolTag(DISK_WRITE_LIST_TAG)->Use[NonPagedPool].Bytes;
    ULONG File;

    for (File = 0; File < MmNumberOfPagingFiles; File++) {
        Bytes += MmPagingFile[File]->Runs * sizeof(IO_RUN);
    }
    return Bytes;
}

/*
 * Page tables of the system half and the system's working set list stay once they were made, the
 * table of big blocks when it grew; checksums, and where it lies, when a paging file did.
 */
static MIP_BALANCE MipTakeBalance(void)
{
    MI_POOL_FIGURES NonPaged;
    MI_POOL_FIGURES Paged;
    ULONG_PTR Expansion = MiPoolRegion(MiNonPagedExpansion)->Base; /* below: not charged */
    ULONG BigTable = (ULONG)MiFindPoolTag(MI_BIG_TABLE_TAG)->Use[NonPagedPool].Bytes;
    ULONG Kept = MiSystemPageTables + MiSystemCacheWorkingSet.ListPages;

    Kept += MipChecksumPages(Expansion);
    Kept += MiBigTableVa() >= Expansion ? BigTable / PAGE_SIZE : 0;
    MiTrimKernelStacks();
    MiTrimPools();
    MiQueryPoolFigures(NonPagedPool, &NonPaged);
    MiQueryPoolFigures(PagedPool, &Paged);
    NonPaged.InUseBytes -= BigTable;
    NonPaged.InUseBytes -= MipChecksumPages(0) * PAGE_SIZE + MipPlaceBytes();
    return (MIP_BALANCE){MiCommit.Committed - Kept, MiCommit.ResidentAvailable + Kept,
                         NonPaged.InUseBytes, Paged.InUseBytes};
}

static MIP_COUNTERS MipReadCounters(void)
{
    PDISK_DEVICE Disk = IoSystemVolume() != NULL ? IoGetDiskDevice(IoSystemVolume()) : NULL;
    MIP_COUNTERS Counters = {.Faults = MiFaultCounters,
                             .Writer = MiWriterFigures,
                             .Tables = MiPageTableCounters,
                             .WrongChecksums = MiInPageCounters.WrongChecksums,
                             .Failures = Disk != NULL ? Disk->Failures : 0,
                             .Unannounced = Disk != NULL ? Disk->Unannounced : 0};
    MI_PFN_COUNTERS Frames;
    ULONG i;

    MiQueryPfnCounters(&Frames);
    MiQuerySystemImages(&Counters.Code);
    Counters.Repurposed = Frames.Repurposed;
    for (i = 0; i < MmNumberOfPagingFiles; i++) {
        Counters.SlotsUsed += MmPagingFile[i]->CurrentUsage;
        Counters.SlotsPeak += MmPagingFile[i]->PeakUsage;
    }
    return Counters;
}

static NT_PAGED void MipPrintCounters(const MIP_COUNTERS *Before, const MIP_COUNTERS *After)
{
    const MI_FAULT_COUNTERS *Old = &Before->Faults;
    const MI_FAULT_COUNTERS *New = &After->Faults;

    PAGED_CODE();
    KiPrint("# paging: faults %u, demand zero %u, transition %u, guard %u, refused %u, "
            "waits for memory %u\n",
            New->Faults - Old->Faults, New->DemandZero - Old->DemandZero,
            New->Transition - Old->Transition, New->GuardPages - Old->GuardPages,
            New->Refused - Old->Refused, New->MemoryWaits - Old->MemoryWaits);
    KiPrint("# paging: pages read %u in %u reads, written %u in %u writes; collided faults %u\n",
            New->PagesRead - Old->PagesRead, New->PagingFileReads - Old->PagingFileReads,
            After->Writer.PagesWritten - Before->Writer.PagesWritten,
            After->Writer.Writes - Before->Writer.Writes, New->Collided - Old->Collided);
    KiPrint("# paging: page tables made %u, trimmed %u, written %u, back %u, of them read %u\n",
            After->Tables.Made - Before->Tables.Made,
            After->Tables.Trimmed - Before->Tables.Trimmed,
            After->Writer.TablesWritten - Before->Writer.TablesWritten,
            After->Tables.Restored - Before->Tables.Restored,
            After->Tables.Reads - Before->Tables.Reads);
    KiPrint("# paging: frames repurposed %u; slots used %u before, %u after, %u at most, bad %u\n",
            After->Repurposed - Before->Repurposed, Before->SlotsUsed, After->SlotsUsed,
            After->SlotsPeak, After->Writer.BadSlots);
    KiPrint("# paging: failed writes %u, wrong checksums %u, %llu failed requests, %u ended "
            "without an interrupt\n",
            After->Writer.FailedWrites - Before->Writer.FailedWrites,
            After->WrongChecksums - Before->WrongChecksums,
            (unsigned long long)(After->Failures - Before->Failures),
            After->Unannounced - Before->Unannounced);
    KiPrint("# paging: pageable code: %u pages, %u of them resident now, came back %u times\n",
            After->Code.PagedPages, After->Code.ResidentPages,
            After->Code.Faults - Before->Code.Faults);
}

/* ---- the work ---- */

static NTSTATUS MipCreateAll(PMIP_RUN Run)
{
    const ULONG Pages = Run->Mb * MIP_PAGES_IN_MB / Run->Processes;
    NTSTATUS Status = STATUS_SUCCESS;

    while (Run->Made < Run->Processes && NT_SUCCESS(Status)) {
        Status = MiCreatePagingWork(Pages, Run->Seed + Run->Made * 0x10001, Run->Errors,
                                    &Run->Work[Run->Made]);
        Run->Made += NT_SUCCESS(Status);
    }
    if (NT_SUCCESS(Status) && Run->Pool) {
        Run->PoolWork =
            ExAllocatePoolWithTag(NonPagedPool, sizeof(*Run->PoolWork), MI_PAGING_RUN_TAG);
        Status = Run->PoolWork != NULL ? Status : STATUS_INSUFFICIENT_RESOURCES;
    }
    if (Run->PoolWork != NULL) {
        memset(Run->PoolWork, 0, sizeof(*Run->PoolWork));
        Run->PoolWork->Seed = Run->Seed;
        Run->PoolWork->Random = Run->Seed | 1;
        KeInitializeEvent(&Run->PoolWork->OthersDone, NotificationEvent, FALSE);
        KeInitializeEvent(&Run->PoolWork->Done, NotificationEvent, FALSE);
    }
    return Status;
}

/* A thread that cannot be started has not worked: its event is set, and the run fails. */
static void MipStart(PMIP_RUN Run, PS_SYSTEM_ROUTINE *Routine, PVOID Context, PKEVENT Done)
{
    NTSTATUS Status = PsStartSystemThread(Routine, Context, MIP_PRIORITY, "paging run");

    if (!NT_SUCCESS(Status)) {
        MipJudge(Run, KiReport(FALSE, "paging: no thread: %08x", (ULONG)Status));
        KeSetEvent(Done, IO_NO_INCREMENT, FALSE);
    }
}

static void MipWait(PMIP_RUN Run, PKEVENT Done)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (Run->Hoards) {
        MiHoardPoolUntil(&Run->Hoard, Done);
    } else {
        Status = KeWaitForSingleObject(Done, Executive, KernelMode, FALSE, NULL);
    }
    MI_ASSERT(Status == STATUS_SUCCESS);
}

static void MipAddResult(PMI_WORK_RESULT Sum, const MI_WORK_RESULT *Result)
{
    Sum->Touches += Result->Touches;
    Sum->Writes += Result->Writes;
    Sum->Wrong += Result->Wrong;
    Sum->InPageErrors += Result->InPageErrors;
    Sum->GivenUp += Result->GivenUp;
    Sum->Services += Result->Services;
    Sum->Refused += Result->Refused;
    Sum->Unexpected += Result->Unexpected;
    Sum->Longest = Result->Longest > Sum->Longest ? Result->Longest : Sum->Longest;
}

static NT_PAGED void MipWork(PMIP_RUN Run)
{
    ULONG i;

    PAGED_CODE();
    for (i = 0; i < Run->Made; i++) {
        MipStart(Run, MiDoPagingWork, Run->Work[i], &Run->Work[i]->Done);
    }
    if (Run->PoolWork != NULL) {
        MipStart(Run, MiDoPoolWork, Run->PoolWork, &Run->PoolWork->Done);
    }
    for (i = 0; i < Run->Made; i++) {
        MipWait(Run, &Run->Work[i]->Done);
        MipAddResult(&Run->Sum, &Run->Work[i]->Result);
    }
    if (Run->PoolWork != NULL) {
        KeSetEvent(&Run->PoolWork->OthersDone, IO_NO_INCREMENT, FALSE);
        MipWait(Run, &Run->PoolWork->Done);
        MipAddResult(&Run->Sum, &Run->PoolWork->Result);
    }
    MiReleasePoolHoard(&Run->Hoard);
}

static NT_PAGED void MipJudgeWork(PMIP_RUN Run)
{
    const MI_WORK_RESULT *Sum = &Run->Sum;
    ULONG Milliseconds = (ULONG)(Sum->Longest / (KeQueryCycleFrequency() / 1000 + 1));

    PAGED_CODE();
    KiPrint("# paging: pages touched %llu, written %llu, wrong %u\n",
            (unsigned long long)Sum->Touches, (unsigned long long)Sum->Writes, Sum->Wrong);
    KiPrint("# paging: in-page errors %u, pages given up %u, services refused %u\n",
            Sum->InPageErrors, Sum->GivenUp, Sum->Refused);
    MipJudge(Run,
             KiReport(Sum->Wrong == 0 && Sum->Unexpected == 0 && Sum->Services != 0 &&
                          (Run->Errors || Sum->GivenUp == 0),
                      "paging: %llu pages touched in %u processes of %u MB together, %u wrong; "
                      "%u services, %u unexpected statuses; seed %u",
                      (unsigned long long)Sum->Touches, Run->Processes, Run->Mb, Sum->Wrong,
                      Sum->Services, Sum->Unexpected, Run->Seed));
    if (Run->PoolWork != NULL) {
        const MI_POOL_WORK *Pool = Run->PoolWork;

        MipJudge(Run, KiReport(Pool->Result.Wrong == 0 && Pool->Pages != 0,
                               "paging: %u pages of paged pool in %u blocks, %u wrong", Pool->Pages,
                               Pool->Count, Pool->Result.Wrong));
    }
    if (Run->Hoards) {
        MipJudge(Run, KiReport(Run->Hoard.Times != 0,
                               "paging: nonpaged pool exhausted %u times, %u KB of it in %u blocks",
                               Run->Hoard.Times, Run->Hoard.Bytes / 1024, Run->Hoard.Blocks));
    }
    MipJudge(Run, KiReport(Milliseconds < MIP_LIMIT_SECONDS * 1000,
                           "paging: no page took longer than %u ms", Milliseconds));
}

static void MipDeleteAll(PMIP_RUN Run)
{
    while (Run->Made != 0) {
        MiDeletePagingWork(Run->Work[--Run->Made]);
    }
    if (Run->PoolWork != NULL) {
        ExFreePoolWithTag(Run->PoolWork, MI_PAGING_RUN_TAG);
        Run->PoolWork = NULL;
    }
}

/* ---- the run ---- */

/* Threads that have set their events still run to their ends. */
static void MipLetThreadsEnd(void)
{
    LARGE_INTEGER Delay = {.QuadPart = -200000}; /* 20 ms */
    NTSTATUS Status = KeDelayExecutionThread(KernelMode, FALSE, &Delay);

    MI_ASSERT(Status == STATUS_SUCCESS);
}

/* What a machine that works for ever must not lose bit by bit. */
static void MipPrintSample(const MIP_BALANCE *Balance, const MIP_COUNTERS *Counters)
{
    MI_PFN_COUNTERS Frames;

    MiQueryPfnCounters(&Frames);
    KiPrint("# paging: after: committed pages %u, nonpaged bytes %u, paged bytes %u, slots %u, "
            "frames in use %u\n",
            Balance->Committed, Balance->NonPagedBytes, Balance->PagedBytes, Counters->SlotsUsed,
            Frames.PhysicalPages - Frames.AvailablePages - Frames.States[ModifiedPageList]);
}

static NT_PAGED void MipJudgeBalance(PMIP_RUN Run, const MIP_BALANCE *Before)
{
    MIP_BALANCE After;

    PAGED_CODE();
    MipLetThreadsEnd();
    After = MipTakeBalance();
    MiVerifyAll();
    MipJudge(Run, KiReport(memcmp(Before, &After, sizeof(After)) == 0,
                           "paging: everything verifies; commitment %d, resident available %d, "
                           "nonpaged pool %d, paged pool %d bytes more than before",
                           (int)(After.Committed - Before->Committed),
                           (int)(After.Resident - Before->Resident),
                           (int)(After.NonPagedBytes - Before->NonPagedBytes),
                           (int)(After.PagedBytes - Before->PagedBytes)));
    if (Run->SoakSeconds != 0) {
        const MIP_COUNTERS Counters = MipReadCounters();

        MipPrintSample(&After, &Counters);
    }
}

static NT_PAGED void MipRunRound(PMIP_RUN Run)
{
    const MIP_COUNTERS CountersBefore = MipReadCounters();
    const MIP_BALANCE Before = MipTakeBalance();
    MIP_COUNTERS CountersAfter;
    NTSTATUS Status = MipCreateAll(Run);

    PAGED_CODE();
    KiPrint("# paging: %u pages of RAM available, commitment %u of %u pages\n",
            MiCommit.ResidentAvailable, MiCommit.Committed, MiCommit.Limit);
    if (Run->Refused || !NT_SUCCESS(Status)) {
        MipJudge(Run, KiReport(Run->Refused && Status == STATUS_COMMITMENT_LIMIT,
                               "paging: %u MB committed in %u processes: %08x after %u of them",
                               Run->Mb, Run->Processes, (ULONG)Status, Run->Made));
    } else {
        MipWork(Run);
        CountersAfter = MipReadCounters();
        MipPrintCounters(&CountersBefore, &CountersAfter);
        MipJudgeWork(Run);
    }
    MipDeleteAll(Run);
    MipJudgeBalance(Run, &Before);
}

/* The same again with other seeds, until the time is up or something is wrong. */
static NT_PAGED void MipRunAll(PMIP_RUN Run)
{
    const ULONG64 Start = KeReadCycleCounter();

    PAGED_CODE();
    do {
        Run->Sum = (MI_WORK_RESULT){.Touches = 0};
        Run->Hoard = (MI_POOL_HOARD){.First = NULL};
        MipRunRound(Run);
        Run->Seed++;
    } while (Run->Passed &&
             (KeReadCycleCounter() - Start) / KeQueryCycleFrequency() < Run->SoakSeconds);
    KiPrint("# paging: %s\n", Run->Passed ? "passed" : "failed");
}

/* ---- options ---- */

static BOOLEAN MipTakeWord(PCSTR *Options, PCSTR Word)
{
    SIZE_T Length = strlen(Word);

    if (strncmp(*Options, Word, Length) != 0) {
        return FALSE;
    }
    *Options += Length;
    return TRUE;
}

/* "soak" and a number of seconds. */
static BOOLEAN MipTakeSoak(PMIP_RUN Run, PCSTR *Options, PCSTR End)
{
    ULONG64 Seconds;

    if (!MipTakeWord(Options, "soak") || !NT_SUCCESS(RtlParseNumber(Options, End, &Seconds)) ||
        Seconds > MIP_MOST_SECONDS) {
        return FALSE;
    }
    Run->SoakSeconds = (ULONG)Seconds;
    return TRUE;
}

/* => FALSE: the options make no sense. */
static NT_PAGED BOOLEAN MipParse(PMIP_RUN Run, PCSTR Options)
{
    ULONG64 Values[3] = {MIP_DEFAULT_MB, MIP_DEFAULT_PROCESSES, 1};
    PCSTR End = Options + strlen(Options);
    ULONG Count = 0;

    PAGED_CODE();
    while (Options != End) {
        if (*Options++ != ':') {
            return FALSE;
        }
        if (MipTakeWord(&Options, "pool")) {
            Run->Pool = TRUE;
        } else if (MipTakeWord(&Options, "nonpaged")) {
            Run->Hoards = TRUE;
        } else if (MipTakeWord(&Options, "errors")) {
            Run->Errors = TRUE;
        } else if (MipTakeWord(&Options, "refused")) {
            Run->Refused = TRUE;
        } else if (MipTakeSoak(Run, &Options, End)) {
            continue;
        } else if (Count == RTL_NUMBER_OF(Values) ||
                   !NT_SUCCESS(RtlParseNumber(&Options, End, &Values[Count++]))) {
            return FALSE;
        }
    }
    Run->Mb = (ULONG)Values[0];
    Run->Processes = (ULONG)Values[1];
    Run->Seed = (ULONG)Values[2];
    return Values[1] != 0 && Values[1] <= MIP_MOST_PROCESSES && Values[0] >= Values[1] &&
           Values[0] * MIP_PAGES_IN_MB / Values[1] <= MI_WORK_MOST_PAGES;
}

/* A page of the kernel that cannot be read would stop the machine: with bad disks none goes. */
static void MipRunWithErrors(PMIP_RUN Run)
{
    PVOID Section =
        MiSystemImages != 0 ? MmLockPagableCodeSection((PVOID)(ULONG_PTR)MipRunAll) : NULL;

    MipRunAll(Run);
    if (Section != NULL) {
        MmUnlockPagableImageSection(Section);
    }
}

void MiRunPaging(PCSTR Options)
{
    static MIP_RUN Run; /* too long for a stack */

    Run = (MIP_RUN){.Passed = TRUE};
    if (MipParse(&Run, Options)) {
        (Run.Errors ? MipRunWithErrors : MipRunAll)(&Run);
    } else {
        KiReport(FALSE,
                 "paging: \"%s\" is not [:<MB>[:<processes>[:<seed>]]][:pool][:nonpaged]"
                 "[:errors][:refused][:soak<seconds>]",
                 Options);
    }
}
