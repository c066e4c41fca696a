/* SPDX-License-Identifier: MIT */
/*
 * memory_usage.c - !memusage's table: the pages of each section, by what its prototype PTEs say.
 *
 *     Valid     pages that a working set or a view has
 *     Standby   clean ones that nobody has     Dirty     those that are to be written first
 *     Shared    of Valid, those with more than one PTE
 *     Locked    of Valid, those with a reference for I/O; and those that only I/O has
 *
 * An area is referenced while its line is made.  A page of prototype PTEs is in memory while one of
 * them has a frame (mm/space/prototype_pte.h); in all others there is nothing to count.
 *
 * Locking: MiPfnLock for a few PTEs at a time; the figures of one line may be of several moments.
 */
#include "io_objects.h"
#include "mm/inspect/commands.h"
#include "mm/pfn/pfn.h"
#include "mm/section/section.h"
#include "mm/sysva/address.h"
#include "mm/sysva/pte_kind.h"

#define MIP_AT_ONCE     32u /* PTEs */
#define MIP_KB_PER_PAGE (PAGE_SIZE / 1024)

typedef struct _MIP_AREA_PAGES {
    ULONG Valid;
    ULONG Standby;
    ULONG Dirty;
    ULONG Shared;
    ULONG Locked;
} MIP_AREA_PAGES, *PMIP_AREA_PAGES;

static void MipCountActive(const MMPFN *Pfn, PMIP_AREA_PAGES Pages) NT_HOLDS(MiPfnLock)
{
    Pages->Valid++;
    Pages->Shared += Pfn->u2.ShareCount > 1;
    Pages->Locked += Pfn->u3.e2.ReferenceCount > 1;
}

static void MipCountPage(MMPTE Pte, PMIP_AREA_PAGES Pages) NT_HOLDS(MiPfnLock)
{
    PFN_NUMBER Frame = Pte.Hard.PageFrameNumber;

    if ((!Pte.Hard.Valid && MiPteKind(Pte) != MiPteTransition) || !MiIsRamFrame(Frame)) {
        return;
    }
    switch ((MMLISTS)MI_PFN(Frame)->u3.e1.PageLocation) {
    case ActiveAndValid:
        MipCountActive(MI_PFN(Frame), Pages);
        break;
    case StandbyPageList:
        Pages->Standby++;
        break;
    case ModifiedPageList:
    case ModifiedNoWritePageList:
        Pages->Dirty++;
        break;
    case TransitionPage:
        Pages->Locked++;
        break;
    case ZeroedPageList:
    case FreePageList:
    case BadPageList:
        break; /* no PTE names these */
    }
}

/* => Whether prototype PTEs of Proto's page have frames: then it is there, and stays. */
static BOOLEAN MipHasFrames(PMMPTE Proto) NT_HOLDS(MiPfnLock)
{
    MMPTE Mapping = MiReadMapping((ULONG_PTR)Proto);
    PFN_NUMBER Frame = Mapping.Hard.PageFrameNumber;

    return Mapping.Hard.Valid && MiIsRamFrame(Frame) && MI_PFN(Frame)->u2.ShareCount > 1;
}

static ULONG MipLeast(ULONG A, ULONG B)
{
    return A < B ? A : B;
}

/* Those from Page on that lie in one page of prototype PTEs.  => How many there were. */
static ULONG MipCountRun(PCONTROL_AREA Area, ULONG Page, PMIP_AREA_PAGES Pages) NT_HOLDS(MiPfnLock)
{
    ULONG Run;
    PMMPTE Proto = MiSectionRun(Area, Page, &Run);
    ULONG i;

    Run = MipLeast(Run, (PAGE_SIZE - BYTE_OFFSET(Proto)) / sizeof(MMPTE));
    if (!MipHasFrames(Proto)) {
        return Run;
    }
    Run = MipLeast(Run, MIP_AT_ONCE);
    for (i = 0; i < Run; i++) {
        MipCountPage(MiReadPte(Proto + i), Pages);
    }
    return Run;
}

/* Some of them, from *Page on.  => FALSE: there are no more. */
static BOOLEAN MipCountSome(PCONTROL_AREA Area, PULONG Page, PMIP_AREA_PAGES Pages)
{
    KIRQL OldIrql = MiLockPfn();
    BOOLEAN More = *Page < Area->Segment->TotalNumberOfPtes;

    if (More) {
        *Page += MipCountRun(Area, *Page, Pages);
    }
    MiUnlockPfn(OldIrql);
    return More;
}

static void MipPrintName(const CONTROL_AREA *Area)
{
    if (Area->FilePointer == NULL) {
        MiPrint("Page File Section\n");
    } else {
        MiPrint("mapped_file( ");
        MiPrintWideName(&Area->FilePointer->FileName);
        MiPrint(" )\n");
    }
}

/* An area has no page tables: those of its views are their processes'. */
static void MipPrintArea(PCONTROL_AREA Area)
{
    MIP_AREA_PAGES Pages = {.Valid = 0};
    ULONG Page = 0;

    while (MipCountSome(Area, &Page, &Pages) && !MiStopRequested()) {
        continue;
    }
    if ((Pages.Valid | Pages.Standby | Pages.Dirty | Pages.Locked) == 0) {
        return;
    }
    MiPrint("%08X %7u %7u %6u %6u %6u %10u  ", (ULONG)(ULONG_PTR)Area,
            Pages.Valid * MIP_KB_PER_PAGE, Pages.Standby * MIP_KB_PER_PAGE,
            Pages.Dirty * MIP_KB_PER_PAGE, Pages.Shared * MIP_KB_PER_PAGE,
            Pages.Locked * MIP_KB_PER_PAGE, 0);
    MipPrintName(Area);
}

void MiPrintAreaUsage(void)
{
    PCONTROL_AREA Area;

    if (PsInitialSystemProcess == NULL) {
        return; /* nor are there sections */
    }
    MiPrint("\n  Usage Summary (in Kb):\n");
    MiPrint("Control    Valid Standby  Dirty Shared Locked PageTables  name\n");
    for (Area = MiNextControlArea(NULL); Area != NULL; Area = MiNextControlArea(Area)) {
        if (!Area->u.Flags.PhysicalMemory && !MiStopRequested()) {
            MipPrintArea(Area);
        }
    }
}
