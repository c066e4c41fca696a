/* SPDX-License-Identifier: MIT */
/*
 * lazy_writer.c - dirty pages reach the disk although nobody asks: a round each second.
 *
 * How much a round writes, as documented: an eighth of what is dirty, or as much as became dirty
 * since the round before when that is more, so that it does not fall behind for long.  While
 * writers are held back a quarter at least, and the next round comes at once.
 *
 * The files with dirty pages take turns, and within a file the round goes on where the last one
 * ended, so that pages that are written to all the time do not keep the others waiting.  Left
 * alone: pages that are pinned; files whose file system said so; temporary files, unless they are
 * closed or writers are held back.
 *
 * A write that fails leaves its pages dirty: they are tried again in later rounds, for ever if need
 * be.  The console hears of the first failure, and of the first success after it.
 *
 * Locking: CcMasterLock to choose; the file system's, by callback, while a file is written.
 */
#include "mm/cc/lazy_writer.h"

#include "mm/cc/dirty.h"
#include "ps.h"
#include "report.h"
#include "rtl.h"

#define CCP_FOREVER       0x7FFFFFFFFFFFFFFFll
#define CCP_INTERVAL      10000000 /* a second, in units of 100 ns */
#define CCP_LEAST_PAGES   8u       /* of a round: so few are not worth an eighth */
#define CCP_LAZY_PRIORITY 13       /* as the critical workers, which write for it on NT */
#define CCP_NAME_BYTES    256u

static KEVENT CcipWake;                                     /* a round is wanted now */
static ULONG CcipRound NT_GUARDED_BY(CcMasterLock);         /* rounds begun */
static ULONG CcipRoundsDone NT_GUARDED_BY(CcMasterLock);    /* rounds ended */
static ULONG CcipDirtiedBefore NT_GUARDED_BY(CcMasterLock); /* Dirtied at the last round */
static BOOLEAN CcipRuns NT_GUARDED_BY(CcMasterLock);        /* there is a thread */
static BOOLEAN CcipStopping NT_GUARDED_BY(CcMasterLock);    /* it is to end */

void CciInitializeLazyWriter(void)
{
    KeInitializeEvent(&CcipWake, SynchronizationEvent, FALSE);
    CcipRound = 0;
    CcipRoundsDone = 0;
    CcipDirtiedBefore = 0;
    CcipRuns = FALSE;
    CcipStopping = FALSE;
}

void CciWakeLazyWriter(void)
{
    KeSetEvent(&CcipWake, IO_NO_INCREMENT, FALSE);
}

/* ---- what a round does ---- */

static ULONG CcipMaximum(ULONG A, ULONG B)
{
    return A > B ? A : B;
}

/* => Pages to write; 0: nothing is dirty. */
static ULONG CcipQuota(void) NT_HOLDS(CcMasterLock)
{
    ULONG Dirtied = CcDirtyCounters.Dirtied - CcipDirtiedBefore;
    ULONG Share = CciAreWritersDeferred() ? 4 : 8;

    CcipDirtiedBefore = CcDirtyCounters.Dirtied;
    if (CcTotalDirtyPages == 0) {
        return 0;
    }
    CcDirtyCounters.LazyScans++;
    return CcipMaximum(CcipMaximum(CcTotalDirtyPages / Share, CCP_LEAST_PAGES), Dirtied);
}

static BOOLEAN CcipIsLeftAlone(const SHARED_CACHE_MAP *Map) NT_HOLDS(CcMasterLock)
{
    if (Map->OpenCount == 0) {
        return FALSE;
    }
    return Map->DisableWriteBehind || (CciIsTemporary(Map) && !CciAreWritersDeferred());
}

/* => The next file of this round, referenced; NULL: each had its turn. */
static PSHARED_CACHE_MAP CcipNextMap(void)
{
    KIRQL OldIrql = CciLock();
    PSHARED_CACHE_MAP Map = NULL;

    while (Map == NULL && !IsListEmpty(&CcDirtyMaps)) {
        PSHARED_CACHE_MAP First =
            CONTAINING_RECORD(CcDirtyMaps.Flink, SHARED_CACHE_MAP, DirtyLinks);

        if (First->LazyRound == CcipRound) {
            break;
        }
        First->LazyRound = CcipRound;
        RemoveEntryList(&First->DirtyLinks);
        InsertTailList(&CcDirtyMaps, &First->DirtyLinks);
        Map = CcipIsLeftAlone(First) ? NULL : First;
    }
    if (Map != NULL) {
        Map->OpenCount++;
    }
    CciUnlock(OldIrql);
    return Map;
}

/* ---- a file ---- */

static void CcipPrintName(PFILE_OBJECT File)
{
    char Name[CCP_NAME_BYTES];
    ULONG Bytes = 0;

    (void)RtlUnicodeToUTF8N(Name, sizeof(Name) - 1, &Bytes, File->FileName.Buffer,
                            File->FileName.Length);
    Name[Bytes] = '\0';
    KiPrint("%s", Bytes == 0 ? "(a file without a name)" : Name);
}

/* => TRUE: the console is to hear of it. */
static BOOLEAN CcipChangeReported(PSHARED_CACHE_MAP Map, BOOLEAN Failed)
{
    KIRQL OldIrql = CciLock();
    BOOLEAN Changed = Map->FailureReported != Failed;

    Map->FailureReported = Failed;
    CciUnlock(OldIrql);
    return Changed;
}

static void CcipReport(PSHARED_CACHE_MAP Map, const CC_WRITE *Write, NTSTATUS Status)
{
    if (!NT_SUCCESS(Status) && CcipChangeReported(Map, TRUE)) {
        KiPrint("*** Delayed write failed: ");
        CcipPrintName(Map->FileObject);
        KiPrint(", offset %llX, status %08X. The data stays in the cache and is tried again.\n",
                (unsigned long long)Write->LastFrom, (ULONG)Status);
    } else if (NT_SUCCESS(Status) && Write->Pages != 0 && CcipChangeReported(Map, FALSE)) {
        KiPrint("*** Delayed write succeeded again: ");
        CcipPrintName(Map->FileObject);
        KiPrint("\n");
    }
}

/* From where the last round ended to the file's end, then from its beginning to there. */
static ULONG CcipWriteFile(PSHARED_CACHE_MAP Map, ULONG Quota)
{
    LONGLONG Begin = Map->LazyOffset; /* this thread alone changes it */
    CC_WRITE Write = {.Offset = Begin, .End = CCP_FOREVER, .MostPages = Quota, .PassPinned = TRUE};
    NTSTATUS Status = CciWriteDirty(Map, &Write);
    ULONG Pages = Write.Pages;

    CcipReport(Map, &Write, Status);
    if (NT_SUCCESS(Status) && Pages < Quota && Begin != 0) {
        Write = (CC_WRITE){.End = Begin, .MostPages = Quota - Pages, .PassPinned = TRUE};
        Status = CciWriteDirty(Map, &Write);
        CcipReport(Map, &Write, Status);
        Pages += Write.Pages;
    }
    Map->LazyOffset = Pages < Quota && NT_SUCCESS(Status)
                          ? 0
                          : (Write.LastFrom & ~(LONGLONG)(VACB_MAPPING_GRANULARITY - 1)) +
                                (NT_SUCCESS(Status) ? 0 : VACB_MAPPING_GRANULARITY);
    return Pages;
}

static ULONG CcipWriteLocked(PSHARED_CACHE_MAP Map, ULONG Quota)
{
    ULONG Pages = 0;
    KIRQL OldIrql;

    if (Map->Callbacks->AcquireForLazyWrite(Map->LazyWriteContext, TRUE)) {
        Pages = CcipWriteFile(Map, Quota);
        Map->Callbacks->ReleaseFromLazyWrite(Map->LazyWriteContext);
    }
    OldIrql = CciLock();
    CcDirtyCounters.LazyWrites += Pages != 0;
    CcDirtyCounters.LazyPages += Pages;
    CciUnlock(OldIrql);
    return Pages;
}

ULONG CciLazyWriteRound(void)
{
    KIRQL OldIrql = CciLock();
    ULONG Written = 0;
    PSHARED_CACHE_MAP Map;
    ULONG Quota;

    CcipRound++;
    Quota = CcipQuota();
    CciUnlock(OldIrql);
    while (Written < Quota && (Map = CcipNextMap()) != NULL) {
        Written += CcipWriteLocked(Map, Quota - Written);
        CciDereferenceMap(Map);
    }
    CciPostDeferredWrites();
    OldIrql = CciLock();
    CcipRoundsDone = CcipRound;
    CciSignalChange();
    CciUnlock(OldIrql);
    return Written;
}

/* ---- the thread ---- */

/* => Whether another round is to follow at once. */
static BOOLEAN CcipIsAgainWanted(ULONG Written)
{
    KIRQL OldIrql = CciLock();
    BOOLEAN Again = Written != 0 && CciAreWritersDeferred() && !CcipStopping;

    CciUnlock(OldIrql);
    return Again;
}

/* => TRUE: the thread has ended, as far as others are concerned. */
static BOOLEAN CcipMayEnd(void)
{
    KIRQL OldIrql = CciLock();
    BOOLEAN Ends = CcipStopping;

    CcipRuns = !Ends;
    CciSignalChange();
    CciUnlock(OldIrql);
    return Ends;
}

static void NTAPI CcipLazyWriter(PVOID Context)
{
    LARGE_INTEGER Interval = {.QuadPart = -CCP_INTERVAL};

    (void)Context;
    do {
        (void)KeWaitForSingleObject(&CcipWake, Executive, KernelMode, FALSE, &Interval);
        while (CcipIsAgainWanted(CciLazyWriteRound())) {
            continue;
        }
    } while (!CcipMayEnd());
}

NTSTATUS CcStartLazyWriter(void)
{
    NTSTATUS Status = PsStartSystemThread(CcipLazyWriter, NULL, CCP_LAZY_PRIORITY, "lazy writer");
    KIRQL OldIrql = CciLock();

    CcipRuns = NT_SUCCESS(Status);
    CciUnlock(OldIrql);
    return Status;
}

void CcStopLazyWriter(void)
{
    KIRQL OldIrql;

    if (!CcIsRunning()) {
        return;
    }
    OldIrql = CciLock();
    CcDirtyPageThreshold = CC_NO_THRESHOLD;
    CcipStopping = TRUE;
    while (CcipRuns) {
        CciWakeLazyWriter();
        CciWaitForChange(&OldIrql);
    }
    CciUnlock(OldIrql);
    CciPostDeferredWrites();
}

NTSTATUS NTAPI CcWaitForCurrentLazyWriterActivity(void)
{
    KIRQL OldIrql = CciLock();
    ULONG Target = CcipRound + 1;

    CciWakeLazyWriter();
    while (CcipRuns && (LONG)(CcipRoundsDone - Target) < 0) {
        CciWaitForChange(&OldIrql);
        CciWakeLazyWriter();
    }
    CciUnlock(OldIrql);
    return STATUS_SUCCESS;
}
