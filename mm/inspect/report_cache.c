/* SPDX-License-Identifier: MIT */
/*
 * report_cache.c - the boot's report about a file's way through the system cache.
 *
 *     open        there is no section, and nothing is cached
 *     read        the first read makes the section, the file's map and a view, and misses; those
 *                 that follow are read ahead; once more, nothing is read from the disk
 *     write       pages become dirty, and are not after a round of the lazy writer; nor others
 *                 after a flush
 *     close       the pages are on standby: opened again, none is read from the disk
 *     repurpose   their frames are reused: all are read again, and are what was written
 *
 * It is written past the cache at first.  What each page holds says which page it is of, and which
 * version.  After each read what is being read ahead is waited for, so that the counts are no
 * chance.
 */
#include "cc.h"
#include "ex.h"
#include "io_services.h"
#include "mi_assert.h"
#include "mm/cc/copy.h"
#include "mm/cc/dirty.h"
#include "mm/cc/read_ahead.h"
#include "mm/cc/vacb.h"
#include "mm/fault/fault.h"
#include "mm/inspect/page_out.h"
#include "mm/inspect/paging_stamp.h"
#include "mm/inspect/report_files.h"
#include "mm/ob/object.h"
#include "mm/pfn/pfn_list.h"
#include "mm/space/process.h"
#include "report.h"
#include "rtl.h"

#define MIP_TAG         0x43705252u /* 'RRpC' */
#define MIP_NAME        u"\\??\\C:\\cached.tmp"
#define MIP_PAGES       128u /* two views */
#define MIP_PIECE_PAGES 16u
#define MIP_PIECE_BYTES (MIP_PIECE_PAGES * PAGE_SIZE)
#define MIP_SEED        0x68636163u
#define MIP_MOST_WAITS  100u
#define MIP_WAIT        (-100000) /* 10 ms, in units of 100 ns */

/* What the counters say at one moment. */
typedef struct _MIP_COUNTERS {
    ULONG Reads;
    ULONG Misses;
    ULONG Ahead;    /* pages read ahead */
    ULONG Views;    /* mapped */
    ULONG FromDisk; /* pages */
    ULONG Written;  /* dirty pages */
    ULONG Lazily;
    ULONG Dirty;     /* pages of the file */
    ULONG Standby;   /* pages, of all memory */
    BOOLEAN Section; /* the file has one, and a map */
} MIP_COUNTERS;

/* The file's way: what the counters say behind each step is what they say before the next. */
typedef enum _MIP_STEP {
    MipBegun,
    MipOpened,
    MipReadFirst,
    MipReadAgain,
    MipWritten,
    MipLazyWritten,
    MipWrittenAgain,
    MipFlushed,
    MipClosed,
    MipFromStandby,
    MipRepurposed,
    MipFromDisk,
    MipSteps
} MIP_STEP;

typedef struct _MIP_CACHED {
    HANDLE File;         /* or NULL */
    PFILE_OBJECT Object; /* referenced; or NULL */
    PUCHAR Piece;        /* MIP_PIECE_BYTES, as a disk wants them */
    NTSTATUS Status;     /* of the first step that failed */
    NTSTATUS Made;       /* of the first of all: making the file */
    ULONG Wrong;         /* pages, of all that were looked at */
    BOOLEAN Early;       /* there was a section or a map before the first read, */
    BOOLEAN Section;     /* is one after it */
    MIP_COUNTERS First;  /* what the first reads did, */
    MIP_COUNTERS Second; /* the same reads once more, */
    MIP_COUNTERS Lazy;   /* the lazy writer's round, */
    MIP_COUNTERS Flush;  /* the flush, */
    MIP_COUNTERS Again;  /* the reads when it had been closed, */
    MIP_COUNTERS Back;   /* and when its frames had been reused */
    ULONG Dirty[4];      /* pages, before and after the lazy writer's round, and a flush */
    ULONG Reused;        /* frames */
    MIP_COUNTERS After[MipSteps];
    MIP_STEP Done; /* the last one */
} MIP_CACHED, *PMIP_CACHED;

static MI_STAMP MipStamp(ULONG Page, ULONG Version)
{
    return (MI_STAMP){Page * PAGE_SIZE, Version, MIP_SEED};
}

/* ---- counters ---- */

static MIP_COUNTERS MipRead(void)
{
    return (MIP_COUNTERS){
        .Reads = CcCopyCounters.Reads,
        .Misses = CcCopyCounters.ReadMisses,
        .Ahead = CcReadAheadCounters.Pages,
        .Views = CcViewCounters.Maps,
        .FromDisk = MiFaultCounters.MappedPagesRead,
        .Written = CcDirtyCounters.Written,
        .Lazily = CcDirtyCounters.LazyPages,
    };
}

/* => What has been counted since Before. */
static MIP_COUNTERS MipSince(MIP_COUNTERS Before)
{
    MIP_COUNTERS Now = MipRead();

    return (MIP_COUNTERS){
        .Reads = Now.Reads - Before.Reads,
        .Misses = Now.Misses - Before.Misses,
        .Ahead = Now.Ahead - Before.Ahead,
        .Views = Now.Views - Before.Views,
        .FromDisk = Now.FromDisk - Before.FromDisk,
        .Written = Now.Written - Before.Written,
        .Lazily = Now.Lazily - Before.Lazily,
    };
}

static BOOLEAN MipHasSection(const MIP_CACHED *Cached)
{
    return Cached->Object->SectionObjectPointer->DataSectionObject != NULL &&
           Cached->Object->SectionObjectPointer->SharedCacheMap != NULL;
}

/* => Dirty pages of the file, in the cache. */
static ULONG MipDirtyPages(const MIP_CACHED *Cached)
{
    KIRQL OldIrql = CciLock();
    PSHARED_CACHE_MAP Map = CciMapOf(Cached->Object);
    ULONG Pages = Map != NULL ? Map->DirtyPages : 0;

    CciUnlock(OldIrql);
    return Pages;
}

static BOOLEAN MipIsReadingAhead(const MIP_CACHED *Cached)
{
    const PRIVATE_CACHE_MAP *Private = Cached->Object->PrivateCacheMap;
    KIRQL OldIrql = CciLock();
    BOOLEAN Active = Private != NULL && Private->ReadAheadActive;

    CciUnlock(OldIrql);
    return Active;
}

static void MipWaitForReadAhead(const MIP_CACHED *Cached)
{
    LARGE_INTEGER Wait = {.QuadPart = MIP_WAIT};
    ULONG Waits;

    for (Waits = 0; Waits < MIP_MOST_WAITS && MipIsReadingAhead(Cached); Waits++) {
        (void)KeDelayExecutionThread(KernelMode, FALSE, &Wait);
    }
}

/* ---- the file ---- */

static NTSTATUS MipOpen(PMIP_CACHED Cached, ULONG Disposition, ULONG Options)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(MIP_NAME);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = NtCreateFile(&Cached->File, FILE_READ_DATA | FILE_WRITE_DATA | DELETE | SYNCHRONIZE,
                          &Attributes, &Iosb, NULL, FILE_ATTRIBUTE_NORMAL, 0, Disposition,
                          FILE_SYNCHRONOUS_IO_NONALERT | Options, NULL, 0);
    if (!NT_SUCCESS(Status)) {
        Cached->File = NULL;
        return Status;
    }
    return ObReferenceObjectByHandle(Cached->File, 0, IoFileObjectType, KernelMode,
                                     (PVOID *)&Cached->Object, NULL);
}

static NTSTATUS MipClose(PMIP_CACHED Cached)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (Cached->Object != NULL) {
        ObDereferenceObject(Cached->Object);
        Cached->Object = NULL;
    }
    if (Cached->File != NULL) {
        Status = NtClose(Cached->File);
        Cached->File = NULL;
    }
    return Status;
}

static NTSTATUS MipWritePiece(const MIP_CACHED *Cached, ULONG Page, ULONG Version)
{
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)Page * PAGE_SIZE};
    IO_STATUS_BLOCK Iosb;
    ULONG i;

    for (i = 0; i < MIP_PIECE_PAGES; i++) {
        MiStampPage((PULONG)(PVOID)(Cached->Piece + i * PAGE_SIZE), MipStamp(Page + i, Version));
    }
    return NtWriteFile(Cached->File, NULL, NULL, NULL, &Iosb, Cached->Piece, MIP_PIECE_BYTES,
                       &Offset, NULL);
}

/* The first two pieces have version 2 once they were written to. */
static NTSTATUS MipReadPiece(PMIP_CACHED Cached, ULONG Page, BOOLEAN Written)
{
    ULONG Version = Written && Page < 2 * MIP_PIECE_PAGES ? 2 : 1;
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)Page * PAGE_SIZE};
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status = NtReadFile(Cached->File, NULL, NULL, NULL, &Iosb, Cached->Piece,
                                 MIP_PIECE_BYTES, &Offset, NULL);
    ULONG i;

    MipWaitForReadAhead(Cached);
    for (i = 0; i < MIP_PIECE_PAGES && NT_SUCCESS(Status); i++) {
        Cached->Wrong += !MiIsPageStamped((const ULONG *)(PVOID)(Cached->Piece + i * PAGE_SIZE),
                                          MipStamp(Page + i, Version));
    }
    return Status;
}

/* => *Did: what that counted. */
static NTSTATUS MipReadAll(PMIP_CACHED Cached, BOOLEAN Written, MIP_COUNTERS *Did)
{
    MIP_COUNTERS Before = MipRead();
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Page;

    for (Page = 0; Page < MIP_PAGES && NT_SUCCESS(Status); Page += MIP_PIECE_PAGES) {
        Status = MipReadPiece(Cached, Page, Written);
    }
    *Did = MipSince(Before);
    return Status;
}

static void MipNote(PMIP_CACHED Cached, MIP_STEP Step)
{
    KIRQL OldIrql;

    Cached->After[Step] = MipRead();
    if (Cached->Object != NULL) {
        Cached->After[Step].Dirty = MipDirtyPages(Cached);
        Cached->After[Step].Section = MipHasSection(Cached);
    }
    OldIrql = MiLockPfn();
    Cached->After[Step].Standby = MiPageCounts[StandbyPageList];
    MiUnlockPfn(OldIrql);
    Cached->Done = Step;
}

/* ---- the steps ---- */

static NTSTATUS MipMakeFile(PMIP_CACHED Cached)
{
    NTSTATUS Status = MipOpen(Cached, FILE_OVERWRITE_IF, FILE_NO_INTERMEDIATE_BUFFERING);
    ULONG Page;

    for (Page = 0; Page < MIP_PAGES && NT_SUCCESS(Status); Page += MIP_PIECE_PAGES) {
        Status = MipWritePiece(Cached, Page, 1);
    }
    return NT_SUCCESS(Status) ? MipClose(Cached) : Status;
}

static NTSTATUS MipReadTwice(PMIP_CACHED Cached)
{
    NTSTATUS Status;

    MipNote(Cached, MipBegun);
    Status = MipOpen(Cached, FILE_OPEN, 0);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    MipNote(Cached, MipOpened);
    Cached->Early = MipHasSection(Cached);
    Status = MipReadAll(Cached, FALSE, &Cached->First);
    MipNote(Cached, MipReadFirst);
    Cached->Section = MipHasSection(Cached);
    if (NT_SUCCESS(Status)) {
        Status = MipReadAll(Cached, FALSE, &Cached->Second);
        MipNote(Cached, MipReadAgain);
    }
    return Status;
}

/* The lazy writer's next round is a second away each time that something becomes dirty. */
static NTSTATUS MipDirty(PMIP_CACHED Cached)
{
    NTSTATUS Status = CcWaitForCurrentLazyWriterActivity();
    MIP_COUNTERS Before = MipRead();
    IO_STATUS_BLOCK Iosb;

    if (NT_SUCCESS(Status)) {
        Status = MipWritePiece(Cached, 0, 2);
    }
    MipNote(Cached, MipWritten);
    Cached->Dirty[0] = Cached->After[MipWritten].Dirty;
    if (NT_SUCCESS(Status)) {
        Status = CcWaitForCurrentLazyWriterActivity();
    }
    MipNote(Cached, MipLazyWritten);
    Cached->Dirty[1] = Cached->After[MipLazyWritten].Dirty;
    Cached->Lazy = MipSince(Before);
    Before = MipRead();
    if (NT_SUCCESS(Status)) {
        Status = MipWritePiece(Cached, MIP_PIECE_PAGES, 2);
    }
    MipNote(Cached, MipWrittenAgain);
    Cached->Dirty[2] = Cached->After[MipWrittenAgain].Dirty;
    if (NT_SUCCESS(Status)) {
        Status = NtFlushBuffersFile(Cached->File, &Iosb);
    }
    MipNote(Cached, MipFlushed);
    Cached->Dirty[3] = Cached->After[MipFlushed].Dirty;
    Cached->Flush = MipSince(Before);
    return Status;
}

static NTSTATUS MipReopen(PMIP_CACHED Cached, BOOLEAN Reuse, MIP_COUNTERS *Did)
{
    NTSTATUS Status = MipClose(Cached);

    if (NT_SUCCESS(Status) && Reuse) {
        Cached->Reused = MiReuseStandbyFrames();
    }
    if (NT_SUCCESS(Status)) {
        MipNote(Cached, Reuse ? MipRepurposed : MipClosed);
        Status = MipOpen(Cached, FILE_OPEN, 0);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipReadAll(Cached, TRUE, Did);
        MipNote(Cached, Reuse ? MipFromDisk : MipFromStandby);
    }
    return Status;
}

static NTSTATUS MipUse(PMIP_CACHED Cached)
{
    NTSTATUS Status = MipMakeFile(Cached);

    Cached->Made = Status;
    if (NT_SUCCESS(Status)) {
        Status = MipReadTwice(Cached);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipDirty(Cached);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipReopen(Cached, FALSE, &Cached->Again);
    }
    return NT_SUCCESS(Status) ? MipReopen(Cached, TRUE, &Cached->Back) : Status;
}

/* Whatever happened, the file is gone if that can be. */
static void MipDelete(PMIP_CACHED Cached)
{
    FILE_DISPOSITION_INFORMATION Disposition = {.DeleteFile = TRUE};
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status;

    if (Cached->File == NULL) {
        return;
    }
    Status = NtSetInformationFile(Cached->File, &Iosb, &Disposition, sizeof(Disposition),
                                  FileDispositionInformation);
    Cached->Status = NT_SUCCESS(Cached->Status) ? Status : Cached->Status;
    Status = MipClose(Cached);
    Cached->Status = NT_SUCCESS(Cached->Status) ? Status : Cached->Status;
}

static void MipRun(PMIP_CACHED Cached)
{
    PEPROCESS Process = NULL;
    KAPC_STATE State;

    Cached->Status = PsCreateProcess("cached", &Process);
    if (!NT_SUCCESS(Cached->Status)) {
        return;
    }
    KeStackAttachProcess(&Process->Pcb, &State);
    Cached->Status = MipUse(Cached);
    MipDelete(Cached);
    KeUnstackDetachProcess(&State);
    PsTerminateProcess(Process);
    PsDereferenceProcess(Process);
}

/* ---- the lines ---- */

static void MipSay(const MIP_CACHED *Cached)
{
    BOOLEAN Good = NT_SUCCESS(Cached->Status) && Cached->Wrong == 0;

    KiReport(Good && !Cached->Early && Cached->Section && Cached->First.FromDisk == MIP_PAGES &&
                 Cached->First.Ahead != 0 && Cached->First.Misses < Cached->First.Reads &&
                 Cached->First.Views != 0 && Cached->Second.FromDisk == 0 &&
                 Cached->Second.Misses == 0,
             "cache: opened, no section; the first read made one: %u reads mapped %u views, %u "
             "missed, %u of %u pages were read ahead; read again: %u missed, %u pages came from "
             "the disk; %u wrong; status %08x",
             Cached->First.Reads, Cached->First.Views, Cached->First.Misses, Cached->First.Ahead,
             Cached->First.FromDisk, Cached->Second.Misses, Cached->Second.FromDisk, Cached->Wrong,
             (ULONG)Cached->Status);
    KiReport(Good && Cached->Dirty[0] == MIP_PIECE_PAGES && Cached->Dirty[1] == 0 &&
                 Cached->Lazy.Lazily == MIP_PIECE_PAGES && Cached->Dirty[2] == MIP_PIECE_PAGES &&
                 Cached->Dirty[3] == 0 && Cached->Flush.Written == MIP_PIECE_PAGES,
             "cache: %u pages written to are dirty, %u after a round of the lazy writer, which "
             "wrote %u; of others %u, %u after a flush, which wrote %u",
             Cached->Dirty[0], Cached->Dirty[1], Cached->Lazy.Lazily, Cached->Dirty[2],
             Cached->Dirty[3], Cached->Flush.Written);
    KiReport(Good && Cached->Again.FromDisk == 0 && Cached->Reused >= MIP_PAGES &&
                 Cached->Back.FromDisk == MIP_PAGES,
             "cache: closed and opened again, %u pages came from the disk, the others were on "
             "standby; %u frames repurposed, then %u pages came from the disk; %u wrong",
             Cached->Again.FromDisk, Cached->Reused, Cached->Back.FromDisk, Cached->Wrong);
}

/* The counters behind each step. */
static void MipShowWay(const MIP_CACHED *Cached)
{
    static const char *const Names[MipSteps] = {
        "before",     "opened",  "read",   "read again",   "written to", "lazy writer",
        "written to", "flushed", "closed", "opened, read", "repurposed", "opened, read"};
    ULONG Step;

    KiPrint("# cache, after  section  reads missed views  ahead   disk dirty written  lazily"
            " standby\n");
    for (Step = 0; Step <= (ULONG)Cached->Done; Step++) {
        const MIP_COUNTERS *At = &Cached->After[Step];

        KiPrint("#   %-12s %6s %6u %6u %5u %6u %6u %5u %7u %7u %7u\n", Names[Step],
                At->Section ? "yes" : "no", At->Reads, At->Misses, At->Views, At->Ahead,
                At->FromDisk, At->Dirty, At->Written, At->Lazily, At->Standby);
    }
}

void MiReportCachedFile(void)
{
    MIP_CACHED Cached = {.Status = STATUS_INSUFFICIENT_RESOURCES};

    if (!CcIsRunning()) {
        KiPrint("# cache: there is none\n");
        return;
    }
    Cached.Piece = ExAllocatePoolWithTag(PagedPool, MIP_PIECE_BYTES, MIP_TAG);
    if (Cached.Piece != NULL) {
        MipRun(&Cached);
        ExFreePoolWithTag(Cached.Piece, MIP_TAG);
    }
    if (!MiReportCannotChange("cache", Cached.Made)) {
        MipSay(&Cached);
        MipShowWay(&Cached);
    }
}
