/* SPDX-License-Identifier: MIT */
/*
 * throttle.c - writers wait while too much is dirty: CcCanIWrite, CcDeferWrite.
 *
 * Too much is CcDirtyPageThreshold pages of all files together, or what CcSetDirtyPageThreshold
 * said of one.  Who asks while others wait already waits behind them; who was let go and has to
 * ask again (Retrying) goes first.  A writer whose bytes alone are too much may go on when nothing
 * is dirty: else he never could.
 *
 * The lazy writer lets those go on that may, after each round; whoever makes less dirty while
 * somebody waits wakes it.  Several at once are let go as if the first of them had written already
 * what he wants to.
 *
 * Locking: CcMasterLock; routines of CcDeferWrite are called without it.
 */
#include "ex.h"
#include "mm/cc/dirty.h"
#include "mm/cc/lazy_writer.h"

#define CCP_TAG_DEFERRED 0x77446343u /* 'CcDw' */
#define CCP_MOST_BYTES   0x40000u    /* a writer counts as one view at most */

/* A writer that is held back: a thread that waits, or a routine that is called. */
typedef struct _DEFERRED_WRITE {
    LIST_ENTRY Links;        /* (M) */
    PFILE_OBJECT FileObject; /* (I) */
    ULONG BytesToWrite;      /* (I) */
    PKEVENT Event;           /* (I) the thread's; NULL: PostRoutine */
    PCC_POST_DEFERRED_WRITE PostRoutine;
    PVOID Context1;
    PVOID Context2;
} DEFERRED_WRITE, *PDEFERRED_WRITE;

static LIST_ENTRY CcipDeferred NT_GUARDED_BY(CcMasterLock);

void CciInitializeThrottle(void)
{
    InitializeListHead(&CcipDeferred);
}

BOOLEAN CciAreWritersDeferred(void)
{
    return !IsListEmpty(&CcipDeferred);
}

static ULONG CcipPages(ULONG Bytes)
{
    return (ULONG)BYTES_TO_PAGES(Bytes < CCP_MOST_BYTES ? Bytes : CCP_MOST_BYTES);
}

/* => It may be written when Promised pages are going to be dirty besides those that are. */
static BOOLEAN CcipMayWrite(PFILE_OBJECT FileObject, ULONG Bytes, ULONG Promised)
    NT_HOLDS(CcMasterLock)
{
    ULONG Pages = CcipPages(Bytes);
    ULONG Total = CcTotalDirtyPages + Promised;
    const SHARED_CACHE_MAP *Map =
        FileObject->SectionObjectPointer == NULL ? NULL : CciMapOf(FileObject);

    if (CcDirtyPageThreshold == CC_NO_THRESHOLD) {
        return TRUE;
    }
    if (Total != 0 && Total + Pages > CcDirtyPageThreshold) {
        return FALSE;
    }
    return Map == NULL || Map->DirtyPageThreshold == 0 || Map->DirtyPages == 0 ||
           Map->DirtyPages + Pages <= Map->DirtyPageThreshold;
}

/* => FALSE: it may go on at once, and nothing was queued. */
static BOOLEAN CcipDefer(PDEFERRED_WRITE Write, BOOLEAN Retrying) NT_HOLDS(CcMasterLock)
{
    if ((Retrying || IsListEmpty(&CcipDeferred)) &&
        CcipMayWrite(Write->FileObject, Write->BytesToWrite, 0)) {
        return FALSE;
    }
    if (Retrying) {
        InsertHeadList(&CcipDeferred, &Write->Links);
    } else {
        InsertTailList(&CcipDeferred, &Write->Links);
    }
    CcDirtyCounters.Deferred++;
    CciWakeLazyWriter();
    return TRUE;
}

BOOLEAN NTAPI CcCanIWrite(PFILE_OBJECT FileObject, ULONG BytesToWrite, BOOLEAN Wait,
                          BOOLEAN Retrying)
{
    DEFERRED_WRITE Write = {.FileObject = FileObject, .BytesToWrite = BytesToWrite};
    BOOLEAN Deferred;
    KEVENT Event;
    KIRQL OldIrql;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Write.Event = &Event;
    OldIrql = CciLock();
    if (!Wait) {
        Deferred =
            !(Retrying || IsListEmpty(&CcipDeferred)) || !CcipMayWrite(FileObject, BytesToWrite, 0);
    } else {
        Deferred = CcipDefer(&Write, Retrying);
    }
    CciUnlock(OldIrql);
    if (Wait && Deferred) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    }
    return Wait || !Deferred;
}

void NTAPI CcDeferWrite(PFILE_OBJECT FileObject, PCC_POST_DEFERRED_WRITE PostRoutine,
                        PVOID Context1, PVOID Context2, ULONG BytesToWrite, BOOLEAN Retrying)
{
    PDEFERRED_WRITE Write = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Write), CCP_TAG_DEFERRED);
    BOOLEAN Deferred = FALSE;
    KIRQL OldIrql;

    if (Write != NULL) {
        *Write = (DEFERRED_WRITE){.FileObject = FileObject,
                                  .BytesToWrite = BytesToWrite,
                                  .PostRoutine = PostRoutine,
                                  .Context1 = Context1,
                                  .Context2 = Context2};
        OldIrql = CciLock();
        Deferred = CcipDefer(Write, Retrying);
        CciUnlock(OldIrql);
    }
    if (!Deferred) {
        if (Write != NULL) {
            ExFreePoolWithTag(Write, CCP_TAG_DEFERRED);
        }
        PostRoutine(Context1, Context2);
    }
}

void NTAPI CcSetDirtyPageThreshold(PFILE_OBJECT FileObject, ULONG DirtyPageThreshold)
{
    KIRQL OldIrql = CciLock();

    CciMapOf(FileObject)->DirtyPageThreshold = DirtyPageThreshold;
    CciWakeLazyWriter();
    CciUnlock(OldIrql);
}

/*
 * Take the first that may go on off the list; a thread goes on at once.
 *
 * => *Found is a copy of it: a thread's own is gone.  Returns what is to be freed, or NULL.
 * => *Any: there was one.
 */
static PDEFERRED_WRITE CcipTakeDeferred(PULONG Promised, PDEFERRED_WRITE Found, BOOLEAN *Any)
{
    PDEFERRED_WRITE Free = NULL;
    PLIST_ENTRY Entry;
    KIRQL OldIrql = CciLock();

    *Any = FALSE;
    for (Entry = CcipDeferred.Flink; Entry != &CcipDeferred; Entry = Entry->Flink) {
        PDEFERRED_WRITE Write = CONTAINING_RECORD(Entry, DEFERRED_WRITE, Links);

        if (CcipMayWrite(Write->FileObject, Write->BytesToWrite, *Promised)) {
            *Any = TRUE;
            *Found = *Write;
            *Promised += CcipPages(Write->BytesToWrite);
            RemoveEntryList(Entry);
            Free = Write->Event == NULL ? Write : NULL;
            break;
        }
    }
    if (*Any && Found->Event != NULL) {
        KeSetEvent(Found->Event, IO_NO_INCREMENT, FALSE);
    }
    CciUnlock(OldIrql);
    return Free;
}

void CciPostDeferredWrites(void)
{
    ULONG Promised = 0;
    DEFERRED_WRITE Found;
    BOOLEAN Any;

    do {
        PDEFERRED_WRITE Free = CcipTakeDeferred(&Promised, &Found, &Any);

        if (Free != NULL) {
            ExFreePoolWithTag(Free, CCP_TAG_DEFERRED);
            Found.PostRoutine(Found.Context1, Found.Context2);
        }
    } while (Any);
}

void CciVisitDeferred(CC_VISIT_DEFERRED *Visit, PVOID Context)
{
    PLIST_ENTRY Entry;

    for (Entry = CcipDeferred.Flink; Entry != &CcipDeferred; Entry = Entry->Flink) {
        const DEFERRED_WRITE *Write = CONTAINING_RECORD(Entry, DEFERRED_WRITE, Links);

        Visit(Context, Write->FileObject, Write->BytesToWrite, Write->Event != NULL);
    }
}
