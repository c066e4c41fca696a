/* SPDX-License-Identifier: MIT */
/*
 * cache_command.c - !filecache, !defwrites: files in the system cache, and writers that wait.
 *
 *     !filecache        the cache's views, and a line for each file that has some
 *     !filecache 1      with a line for each of its views
 *
 *     Valid     pages that are mapped in its views        Locked   of these, with an MDL on them
 *     Dirty     pages that the file does not have yet     Resident pages of its views in memory
 *
 * A file's map is kept while its line is made, and a view while its pages are counted; the figures
 * of one line are of one time, those of two need not be.
 */
#include "arch/mmu.h"
#include "cc.h"
#include "fast_io.h"
#include "mm/cc/dirty.h"
#include "mm/cc/lazy_writer.h"
#include "mm/cc/vacb.h"
#include "mm/inspect/commands.h"
#include "mm/pfn/pfn.h"
#include "mm/sysva/pte_kind.h"

#define MIP_EACH_VIEW 1u

/* A file's line. */
typedef struct _MIP_CACHED {
    PSHARED_CACHE_MAP Map; /* referenced */
    ULONG Views;
    ULONG Valid;
    ULONG Resident;
    ULONG Dirty;
    ULONG Locked;
} MIP_CACHED, *PMIP_CACHED;

static ULONG MipKb(ULONG Pages)
{
    return Pages * (PAGE_SIZE / 1024);
}

/* => FALSE: a sentence was printed. */
static BOOLEAN MipIsCacheThere(void)
{
    if (!CcIsRunning()) {
        MiFail("The system cache was not started.");
    }
    return CcIsRunning();
}

/* ---- the files ---- */

/* => The n-th file's map, referenced; NULL: there are fewer. */
static PSHARED_CACHE_MAP MipTakeMap(ULONG Number)
{
    KIRQL OldIrql = CciLock();
    PLIST_ENTRY Entry = CcAllMaps.Flink;
    PSHARED_CACHE_MAP Map = NULL;

    for (; Entry != &CcAllMaps && Number != 0; Number--) {
        Entry = Entry->Flink;
    }
    if (Entry != &CcAllMaps) {
        Map = CONTAINING_RECORD(Entry, SHARED_CACHE_MAP, SharedCacheMapLinks);
        Map->OpenCount++;
    }
    CciUnlock(OldIrql);
    return Map;
}

/* => The n-th view in use, if it shows something of the map; else NULL. */
static PVACB MipTakeView(const SHARED_CACHE_MAP *Map, ULONG Number)
{
    KIRQL OldIrql = CciLock();
    PVACB Vacb = (PVACB)(ULONG_PTR)CciViewNumber(Number);

    if (Vacb->SharedCacheMap != Map || Vacb->Busy) {
        Vacb = NULL;
    } else {
        CciReferenceView(Vacb);
    }
    CciUnlock(OldIrql);
    return Vacb;
}

static void MipCountPage(ULONG_PTR Va, PMIP_CACHED Line)
{
    MMPTE Pte;
    KIRQL OldIrql;

    Line->Resident += CciCalls->MmIsRangeResident((PVOID)Va, PAGE_SIZE);
    if (MiReadVirtual((ULONG_PTR)MiGetPteAddress(Va), &Pte, sizeof(Pte)) != sizeof(Pte) ||
        !Pte.Hard.Valid) {
        return;
    }
    OldIrql = MiLockPfn();
    Line->Valid++;
    Line->Locked += MI_PFN(Pte.Hard.PageFrameNumber)->u3.e2.ReferenceCount > 1;
    MiUnlockPfn(OldIrql);
}

static void MipCountView(const VACB *Vacb, PMIP_CACHED Line)
{
    ULONG_PTR Va = (ULONG_PTR)Vacb->BaseAddress;
    ULONG Page;

    Line->Views++;
    for (Page = 0; Page < MM_CACHE_VIEW_PAGES; Page++) {
        MipCountPage(Va + Page * PAGE_SIZE, Line);
    }
}

static void MipPrintFigures(const MIP_CACHED *Line)
{
    MiPrint("%7u %8u %6u %6u  ", MipKb(Line->Valid), MipKb(Line->Resident), MipKb(Line->Dirty),
            MipKb(Line->Locked));
}

/* What is dirty is known of files, not of views. */
static void MipPrintView(const VACB *Vacb)
{
    MIP_CACHED Line = {.Views = 0};

    MipCountView(Vacb, &Line);
    MiPrint("%08X", (ULONG)(ULONG_PTR)Vacb->BaseAddress);
    MiPrint("%7u %8u        %6u  ", MipKb(Line.Valid), MipKb(Line.Resident), MipKb(Line.Locked));
    MiPrint("  from %llx, %u in use\n", (unsigned long long)Vacb->FileOffset,
            Vacb->ActiveCount - 1);
}

static void MipPrintFile(PSHARED_CACHE_MAP Map, BOOLEAN EachView)
{
    MIP_CACHED Line = {.Map = Map, .Dirty = Map->DirtyPages + Map->WritingPages};
    PVACB Vacb;
    ULONG i;

    for (i = 0; i < CcViewCounters.Total; i++) {
        Vacb = MipTakeView(Map, i);
        if (Vacb != NULL) {
            MipCountView(Vacb, &Line);
            CciReleaseView(Vacb);
        }
    }
    MiPrint("%08X", (ULONG)(ULONG_PTR)Map->Pointers->DataSectionObject);
    MipPrintFigures(&Line);
    MiPrintWideName(&Map->FileObject->FileName);
    MiPrint("%s\n", Map->FailedWrites != 0 ? "  (writes failed)" : "");
    for (i = 0; EachView && i < CcViewCounters.Total && !MiStopRequested(); i++) {
        Vacb = MipTakeView(Map, i);
        if (Vacb != NULL) {
            MipPrintView(Vacb);
            CciReleaseView(Vacb);
        }
    }
}

void MiCommandFileCache(const char *Arguments)
{
    PSHARED_CACHE_MAP Map;
    ULONG_PTR Flags;
    ULONG Number = 0;

    if (!MiTakeOptional(&Arguments, 0, &Flags) || !MipIsCacheThere()) {
        return;
    }
    MiPrint("File Cache Information\n");
    MiPrint("  %u views of %u kb, %u show something (peak %u), %u in use\n", CcViewCounters.Total,
            MM_CACHE_VIEW_BYTES / 1024, CcViewCounters.Total - CcViewCounters.Free,
            CcViewCounters.Peak,
            CcViewCounters.Total - CcViewCounters.Free - CcViewCounters.Unused);
    MiPrint("  fast reads: CcFastReadWait %u, NoWait %u, ResourceMiss %u, NotPossible %u\n",
            FsRtlFastCounters.CcFastReadWait, FsRtlFastCounters.CcFastReadNoWait,
            FsRtlFastCounters.CcFastReadResourceMiss, FsRtlFastCounters.CcFastReadNotPossible);
    MiPrint("  fast writes: %u, NotPossible %u\n", FsRtlFastCounters.FastWrites,
            FsRtlFastCounters.FastWriteNotPossible);
    MiPrint("File Cache Summary (all in kb)\n");
    MiPrint("Control   Valid Resident  Dirty Locked  Name\n");
    for (; !MiStopRequested() && (Map = MipTakeMap(Number)) != NULL; Number++) {
        MipPrintFile(Map, (Flags & MIP_EACH_VIEW) != 0);
        CciDereferenceMap(Map);
    }
    MiPrint("%u files\n", Number);
}

/* ---- writers ---- */

static void MipPrintPages(const char *Name, ULONG Pages)
{
    MiPrint("  %-22s %8u (%8u Kb)\n", Name, Pages, MipKb(Pages));
}

/* What is known of a writer that waits; the list may change before it is printed. */
#define MIP_MOST_WRITERS 16u

typedef struct _MIP_WRITERS {
    ULONG Count;
    struct {
        PFILE_OBJECT File;
        ULONG Bytes;
        BOOLEAN Thread;
    } Writer[MIP_MOST_WRITERS];
} MIP_WRITERS;

static void MipNoteWriter(PVOID Context, PFILE_OBJECT File, ULONG Bytes, BOOLEAN Thread)
{
    MIP_WRITERS *Writers = Context;

    if (Writers->Count < MIP_MOST_WRITERS) {
        Writers->Writer[Writers->Count].File = File;
        Writers->Writer[Writers->Count].Bytes = Bytes;
        Writers->Writer[Writers->Count].Thread = Thread;
    }
    Writers->Count++;
}

static void MipPrintWriters(const MIP_WRITERS *Writers)
{
    ULONG i;

    if (Writers->Count == 0) {
        MiPrint("Write throttles not engaged\n");
        return;
    }
    MiPrint("Write throttles engaged: %u writers wait\n", Writers->Count);
    for (i = 0; i < Writers->Count && i < MIP_MOST_WRITERS; i++) {
        MiPrint("  File: %08X  Bytes: %x  %s\n", (ULONG)(ULONG_PTR)Writers->Writer[i].File,
                Writers->Writer[i].Bytes,
                Writers->Writer[i].Thread ? "a thread waits" : "the request is pending");
    }
}

void MiCommandDefWrites(const char *Arguments)
{
    MIP_WRITERS Writers = {.Count = 0};
    ULONG Threshold;
    KIRQL OldIrql;
    ULONG Dirty;

    (void)Arguments;
    if (!MipIsCacheThere()) {
        return;
    }
    OldIrql = CciLock();
    Dirty = CcTotalDirtyPages;
    Threshold = CcDirtyPageThreshold;
    CciVisitDeferred(MipNoteWriter, &Writers);
    CciUnlock(OldIrql);
    MiPrint("*** Cache Write Throttle Analysis ***\n");
    MipPrintPages("CcTotalDirtyPages:", Dirty);
    MipPrintPages("CcDirtyPageThreshold:", Threshold);
    MipPrintWriters(&Writers);
}
