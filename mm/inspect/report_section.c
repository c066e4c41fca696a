/* SPDX-License-Identifier: MIT */
/*
 * report_section.c - two processes that share a section by its name, through trimming and paging; a
 * third view of it copies what it writes.
 *
 * The first process stamps all pages.  Both are trimmed, their pages and then the prototype PTEs go
 * to the paging file and their frames to others; the second process finds the stamps, and stamps
 * the odd pages anew, which the first one finds.
 */
#include "mm/inspect/report_section.h"

#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/inspect/page_out.h"
#include "mm/inspect/paging_stamp.h"
#include "mm/paging/modified_writer.h"
#include "mm/section/section.h"
#include "mm/space/page_table.h"
#include "mm/space/prototype_pte.h"
#include "report.h"

#define MIP_NAME  u"\\BaseNamedObjects\\Shared"
#define MIP_PAGES 128u
#define MIP_SEED  0x73686172u
#define MIP_SIDES 2u

/* The system working set's mutex, and the page itself, may be in use: it is tried again. */
#define MIP_MOST_TRIMS 50u
#define MIP_TRIM_WAIT  (-100000) /* 10 ms, in units of 100 ns */

typedef struct _MIP_SHARED {
    PVOID Section;
    PEPROCESS Process[MIP_SIDES];
    ULONG_PTR Va[MIP_SIDES];
    NTSTATUS Status;
    ULONG Shared; /* pages with one frame in both working sets, before */
    ULONG Written;
    ULONG Reused;
    ULONG Read;   /* pages, back again */
    ULONG Mapped; /* pages found in a frame that the other process had */
    ULONG Wrong;
    BOOLEAN PrototypesLeft; /* the page of prototype PTEs was out */
} MIP_SHARED, *PMIP_SHARED;

static ULONG MipPage[MI_STAMP_WORDS]; /* on its way */

/* The stamp names the page by its place in the section: the processes have it elsewhere. */
static MI_STAMP MipStamp(ULONG Page, ULONG Version)
{
    return (MI_STAMP){Page * PAGE_SIZE, Version, MIP_SEED};
}

/* ---- one process' pages; it is the running one ---- */

static ULONG MipWritePages(const MIP_SHARED *Shared, ULONG Side, ULONG First, ULONG Step,
                           ULONG Version)
{
    ULONG Wrong = 0;
    ULONG Page;

    for (Page = First; Page < MIP_PAGES; Page += Step) {
        MiStampPage(MipPage, MipStamp(Page, Version));
        Wrong += !NT_SUCCESS(
            MmCopyToUser((PVOID)(Shared->Va[Side] + Page * PAGE_SIZE), MipPage, PAGE_SIZE, NULL));
    }
    return Wrong;
}

static ULONG MipReadPages(const MIP_SHARED *Shared, ULONG Side, ULONG First, ULONG Step,
                          ULONG Version)
{
    ULONG Wrong = 0;
    ULONG Page;

    for (Page = First; Page < MIP_PAGES; Page += Step) {
        const void *Va = (const void *)(Shared->Va[Side] + Page * PAGE_SIZE);

        Wrong += !NT_SUCCESS(MmCopyFromUser(MipPage, Va, PAGE_SIZE, NULL)) ||
                 !MiIsPageStamped(MipPage, MipStamp(Page, Version));
    }
    return Wrong;
}

static ULONG MipCountShared(const MIP_SHARED *Shared, ULONG Side)
{
    ULONG Count = 0;
    ULONG Page;

    MiLockAddressSpace(Shared->Process[Side]); /* nothing is trimmed meanwhile */
    for (Page = 0; Page < MIP_PAGES; Page++) {
        ULONG_PTR Va = Shared->Va[Side] + Page * PAGE_SIZE;

        if (MiIsPageTableResident(Va) && MiReadPte(MiGetPteAddress(Va)).Hard.Valid) {
            const MMPFN *Pfn = MI_PFN(MiReadPte(MiGetPteAddress(Va)).Hard.PageFrameNumber);

            Count += Pfn->u2.ShareCount == MIP_SIDES;
        }
    }
    MiUnlockAddressSpace(Shared->Process[Side]);
    return Count;
}

/* ---- the trip ---- */

/* => In the running process; its handle goes with it.  The first makes it, the second opens it. */
static NTSTATUS MipGetSection(ULONG Side, PHANDLE Handle)
{
    LARGE_INTEGER Size = {.QuadPart = (LONGLONG)MIP_PAGES * PAGE_SIZE};
    UNICODE_STRING Name = NT_CONSTANT_STRING(MIP_NAME);
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return Side == 0 ? NtCreateSection(Handle, SECTION_ALL_ACCESS, &Attributes, &Size,
                                       PAGE_READWRITE, SEC_COMMIT, NULL)
                     : NtOpenSection(Handle, SECTION_MAP_READ | SECTION_MAP_WRITE, &Attributes);
}

static void MipMapIt(PMIP_SHARED Shared, ULONG Side)
{
    PVOID Base = NULL;
    SIZE_T Bytes = 0;
    HANDLE Handle;

    Shared->Status = MipGetSection(Side, &Handle);
    if (NT_SUCCESS(Shared->Status)) {
        Shared->Status =
            NtMapViewOfSection(Handle, NtCurrentProcess(), &Base, 0, 0, NULL, &Bytes, ViewShare,
                               Side == 0 ? 0 : MEM_TOP_DOWN, PAGE_READWRITE);
        Shared->Va[Side] = (ULONG_PTR)Base;
    }
    if (NT_SUCCESS(Shared->Status) && Side == 0) {
        Shared->Status = ObReferenceObjectByHandle(Handle, 0, MmSectionObjectType, KernelMode,
                                                   &Shared->Section, NULL);
    }
}

static void MipFirstMaps(PMIP_SHARED Shared)
{
    MipMapIt(Shared, 0);
}

static void MipSecondMaps(PMIP_SHARED Shared)
{
    MipMapIt(Shared, 1);
}

static void MipRun(PMIP_SHARED Shared, ULONG Side, void (*Routine)(PMIP_SHARED))
{
    KAPC_STATE ApcState;

    KeStackAttachProcess(&Shared->Process[Side]->Pcb, &ApcState);
    Routine(Shared);
    KeUnstackDetachProcess(&ApcState);
}

static NTSTATUS MipCreate(PMIP_SHARED Shared)
{
    static void (*const Maps[MIP_SIDES])(PMIP_SHARED) = {MipFirstMaps, MipSecondMaps};
    ULONG Side;

    for (Side = 0; Side < MIP_SIDES && NT_SUCCESS(Shared->Status); Side++) {
        Shared->Status = PsCreateProcess("sharer", &Shared->Process[Side]);
        if (NT_SUCCESS(Shared->Status)) {
            MipRun(Shared, Side, Maps[Side]);
        }
    }
    return Shared->Status;
}

static void MipFirstWrites(PMIP_SHARED Shared)
{
    Shared->Wrong += MipWritePages(Shared, 0, 0, 1, 1);
}

static void MipSecondReads(PMIP_SHARED Shared)
{
    Shared->Wrong += MipReadPages(Shared, 1, 0, 1, 1);
    Shared->Shared = MipCountShared(Shared, 1);
}

/* The last of both to go has its pages written. */
static void MipLeave(PMIP_SHARED Shared)
{
    ULONG Reused;
    NTSTATUS Status = MiPageOutProcess(&Reused);

    Shared->Reused += Reused;
    if (!NT_SUCCESS(Status)) {
        Shared->Status = Status;
    }
}

/* => Whether the page of prototype PTEs is out. */
static BOOLEAN MipTrimPrototypes(const SECTION *Section)
{
    PMMPTE Proto = Section->Segment->PrototypePte;

    (void)MmTrimAllSystemPageableMemory(FALSE);
    if (!MiTryPinPrototype(Proto)) {
        return TRUE;
    }
    MiUnpinPrototype(Proto);
    return FALSE;
}

static void MipSendPrototypesAway(PMIP_SHARED Shared)
{
    LARGE_INTEGER Wait = {.QuadPart = MIP_TRIM_WAIT};
    ULONG Tries;

    for (Tries = 1; !MipTrimPrototypes(Shared->Section); Tries++) {
        if (Tries == MIP_MOST_TRIMS) {
            return;
        }
        (void)KeDelayExecutionThread(KernelMode, FALSE, &Wait);
    }
    Shared->PrototypesLeft = TRUE;
}

static void MipSecondChanges(PMIP_SHARED Shared)
{
    Shared->Wrong += MipReadPages(Shared, 1, 0, 1, 1);
    Shared->Wrong += MipWritePages(Shared, 1, 1, 2, 2);
}

static void MipFirstFinds(PMIP_SHARED Shared)
{
    Shared->Wrong += MipReadPages(Shared, 0, 0, 2, 1) + MipReadPages(Shared, 0, 1, 2, 2);
}

static void MipTravel(PMIP_SHARED Shared)
{
    MI_FAULT_COUNTERS Before;

    Shared->Written = MiWriterFigures.PagesWritten;
    MipRun(Shared, 0, MipFirstWrites);
    MipRun(Shared, 1, MipSecondReads);
    MipRun(Shared, 0, MipLeave);
    MipRun(Shared, 1, MipLeave);
    Shared->Written = MiWriterFigures.PagesWritten - Shared->Written;
    MipSendPrototypesAway(Shared);
    Before = MiFaultCounters;
    MipRun(Shared, 1, MipSecondChanges);
    Shared->Read = MiFaultCounters.PagesRead - Before.PagesRead;
    Before = MiFaultCounters;
    MipRun(Shared, 0, MipFirstFinds);
    Shared->Mapped = MiFaultCounters.Prototype - Before.Prototype;
}

static void MipEnd(PMIP_SHARED Shared)
{
    ULONG Side;

    for (Side = 0; Side < MIP_SIDES; Side++) {
        if (Shared->Process[Side] != NULL) {
            PsTerminateProcess(Shared->Process[Side]);
            PsDereferenceProcess(Shared->Process[Side]);
        }
    }
    if (Shared->Section != NULL) {
        ObDereferenceObject(Shared->Section);
    }
}

static void MipReportTrip(PMIP_SHARED Shared)
{
    Shared->Status = MipCreate(Shared);
    if (NT_SUCCESS(Shared->Status)) {
        MipTravel(Shared);
    }
    KiReport(
        NT_SUCCESS(Shared->Status) && Shared->Wrong == 0 && Shared->Shared == MIP_PAGES &&
            Shared->Written >= MIP_PAGES && Shared->Reused >= MIP_PAGES &&
            Shared->Read >= MIP_PAGES && Shared->Mapped == MIP_PAGES && Shared->PrototypesLeft,
        "section \\BaseNamedObjects\\Shared: 2 processes share %u of %u pages; trimmed from both, "
        "%u pages written to the paging file, %u frames reused, prototype PTEs trimmed: %s; %u "
        "pages read back by one, %u mapped by the other: %u wrong; status %08x",
        Shared->Shared, MIP_PAGES, Shared->Written, Shared->Reused,
        Shared->PrototypesLeft ? "yes" : "no", Shared->Read, Shared->Mapped, Shared->Wrong,
        (ULONG)Shared->Status);
}

/* ---- copy-on-write ---- */

typedef struct _MIP_COPIES {
    ULONG_PTR Shared;
    ULONG_PTR Copied;
    ULONG Wrong;
} MIP_COPIES, *PMIP_COPIES;

static NTSTATUS MipMapBoth(PVOID Section, PEPROCESS Process, PMIP_COPIES Copies)
{
    PVOID Shared = NULL;
    PVOID Copied = NULL;
    SIZE_T Bytes = 0;
    SIZE_T Again = 0;
    NTSTATUS Status = MmMapViewOfSection(Section, Process, &Shared, 0, 0, NULL, &Bytes, ViewShare,
                                         0, PAGE_READWRITE);

    if (NT_SUCCESS(Status)) {
        Status = MmMapViewOfSection(Section, Process, &Copied, 0, 0, NULL, &Again, ViewShare, 0,
                                    PAGE_WRITECOPY);
    }
    Copies->Shared = (ULONG_PTR)Shared;
    Copies->Copied = (ULONG_PTR)Copied;
    return Status;
}

static BOOLEAN MipIsWord(ULONG_PTR Va, ULONG Expected)
{
    ULONG Word = 0;

    return NT_SUCCESS(MmCopyFromUser(&Word, (const void *)Va, sizeof(Word), NULL)) &&
           Word == Expected;
}

/* Every page is written in the one view, every second one then in the other. */
static void MipIsolate(PMIP_COPIES Copies)
{
    ULONG Page;

    for (Page = 0; Page < MIP_PAGES; Page++) {
        ULONG_PTR Offset = Page * PAGE_SIZE;
        ULONG Mine = ~Page;

        Copies->Wrong +=
            !NT_SUCCESS(MmCopyToUser((PVOID)(Copies->Shared + Offset), &Page, sizeof(Page), NULL));
        if (Page % 2 != 0) {
            Copies->Wrong += !NT_SUCCESS(
                MmCopyToUser((PVOID)(Copies->Copied + Offset), &Mine, sizeof(Mine), NULL));
        }
        Copies->Wrong += !MipIsWord(Copies->Shared + Offset, Page) ||
                         !MipIsWord(Copies->Copied + Offset, Page % 2 != 0 ? Mine : Page);
    }
}

static void MipReportCopies(void)
{
    LARGE_INTEGER Size = {.QuadPart = (LONGLONG)MIP_PAGES * PAGE_SIZE};
    ULONG Before = MiFaultCounters.CopyOnWrite;
    ULONG Committed = MiSharedCommit;
    MIP_COPIES Copies = {.Wrong = 0};
    KAPC_STATE ApcState;
    PEPROCESS Process = NULL;
    PVOID Section = NULL;
    NTSTATUS Status = MmCreateSection(&Section, SECTION_ALL_ACCESS, NULL, &Size, PAGE_READWRITE,
                                      SEC_COMMIT, NULL, NULL);

    if (NT_SUCCESS(Status)) {
        Status = PsCreateProcess("copier", &Process);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipMapBoth(Section, Process, &Copies);
        KeStackAttachProcess(&Process->Pcb, &ApcState);
        MipIsolate(&Copies);
        KeUnstackDetachProcess(&ApcState);
        PsTerminateProcess(Process);
        PsDereferenceProcess(Process);
    }
    if (Section != NULL) {
        ObDereferenceObject(Section);
    }
    KiReport(NT_SUCCESS(Status) && Copies.Wrong == 0 &&
                 MiFaultCounters.CopyOnWrite - Before == MIP_PAGES / 2 &&
                 MiSharedCommit == Committed,
             "section: a copy-on-write view wrote %u of %u pages: %u copied, %u words wrong in it "
             "and in the shared view; afterwards %d more pages of sections are committed",
             MIP_PAGES / 2, MIP_PAGES, MiFaultCounters.CopyOnWrite - Before, Copies.Wrong,
             (LONG)(MiSharedCommit - Committed));
}

void MiReportSections(BOOLEAN PageOut)
{
    MIP_SHARED Shared = {.Wrong = 0};

    if (PageOut) {
        MipReportTrip(&Shared);
        MipEnd(&Shared);
    } else {
        KiPrint(
            "# sections: pages are not sent to a paging file, there is none that can be used\n");
    }
    MipReportCopies();
}
