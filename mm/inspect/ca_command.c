/* SPDX-License-Identifier: MIT */
/*
 * ca_command.c - !ca: control areas of sections.
 *
 *     !ca [0 [flags]]      all of them, a line each; with flags 1, 2 or 4 in full
 *     !ca <addr> [flags]   one: 1 with its segment, 2 with its subsections, 4 with its views, 8 a
 *                          line only
 *     !ca -1 [flags]       those that nobody uses, kept for the pages of their files
 *
 * Of a list, flags 10, 20 and 40 show those of files, of paging files, and of images; none of
 * these: all.
 *
 * Each is referenced and copied under MiPfnLock, and printed without it.
 */
#include "mm/inspect/commands.h"

#include "io_objects.h"
#include "mm/section/image_segment.h"
#include "mm/sysva/pte_kind.h"

#define MIP_SEGMENT     1u
#define MIP_SUBSECTIONS 2u
#define MIP_VIEWS       4u
#define MIP_ONE_LINE    8u
#define MIP_FILES       0x10u
#define MIP_PAGEFILE    0x20u
#define MIP_IMAGES      0x40u
#define MIP_KINDS       (MIP_FILES | MIP_PAGEFILE | MIP_IMAGES)
#define MIP_FULL        (MIP_SEGMENT | MIP_SUBSECTIONS | MIP_VIEWS)

/* An area that stays while it is printed; the copy is of before that. */
typedef struct _MIP_COPY {
    PCONTROL_AREA At;
    CONTROL_AREA Area;
    SEGMENT Segment;
} MIP_COPY, *PMIP_COPY;

/* => Area is referenced. */
static MIP_COPY MipCopyArea(PCONTROL_AREA Area)
{
    KIRQL OldIrql = MiLockPfn();
    MIP_COPY Copy = {.At = Area, .Area = *Area, .Segment = *Area->Segment};

    MiUnlockPfn(OldIrql);
    Copy.Area.NumberOfSectionReferences--; /* this command's */
    return Copy;
}

static BOOLEAN MipIsUsed(const MIP_COPY *Copy)
{
    return Copy->Area.NumberOfSectionReferences != 0 || Copy->Area.NumberOfMappedViews != 0;
}

static BOOLEAN MipIsOfKind(const MIP_COPY *Copy, ULONG_PTR Flags)
{
    MMSECTION_FLAGS Of = Copy->Area.u.Flags;

    return (Flags & MIP_KINDS) == 0 ||
           (!Of.PhysicalMemory &&
            (Flags & (Of.Image ? MIP_IMAGES : (Of.File ? MIP_FILES : MIP_PAGEFILE))) != 0);
}

static void MipPrintBacking(const MIP_COPY *Copy)
{
    if (Copy->Area.u.Flags.PhysicalMemory) {
        MiPrint("physical memory");
    } else if (Copy->Area.FilePointer == NULL) {
        MiPrint("pagefile-backed section");
    } else {
        MiPrintWideName(&Copy->Area.FilePointer->FileName);
    }
}

static void MipPrintFlags(MMSECTION_FLAGS Flags)
{
    MiPrint("%s%s%s%s%s%s%s%s", Flags.Image ? " Image" : "", Flags.File ? " File" : "",
            Flags.Commit ? " Commit" : "", Flags.Reserve ? " Reserve" : "",
            Flags.NoCache ? " NoCache" : "", Flags.BeingDeleted ? " BeingDeleted" : "",
            Flags.DeleteOnClose ? " DeleteOnClose" : "",
            Flags.PhysicalMemory ? " PhysicalMemory" : "");
}

static void MipPrintLine(const MIP_COPY *Copy)
{
    MiPrint("%08X  %6u  %6u  %6u  %8u  %8u ", (ULONG)(ULONG_PTR)Copy->At,
            Copy->Area.NumberOfSectionReferences, Copy->Area.NumberOfMappedViews,
            Copy->Area.NumberOfPfnReferences, Copy->Segment.TotalNumberOfPtes,
            Copy->Segment.NumberOfCommittedPages);
    MipPrintFlags(Copy->Area.u.Flags);
    MiPrint("  ");
    MipPrintBacking(Copy);
    MiPrint("\n");
}

static void MipPrintSegment(const MIP_COPY *Copy)
{
    const SEGMENT *Segment = &Copy->Segment;

    MiPrint("Segment @ %08X\n", (ULONG)(ULONG_PTR)Copy->Area.Segment);
    MiPrint("  ControlArea   %08X  Total Ptes  %8x  Committed     %8x\n",
            (ULONG)(ULONG_PTR)Segment->ControlArea, Segment->TotalNumberOfPtes,
            Segment->NumberOfCommittedPages);
    MiPrint("  SizeOfSegment %08x%08x  PTE Template %8x  Based Addr  %8x\n",
            (ULONG)(Segment->SizeOfSegment >> 32), (ULONG)Segment->SizeOfSegment,
            Segment->SegmentPteTemplate.Long,
            Segment->Image != NULL ? Segment->Image->Image.ImageBase : 0);
    MiPrint("  ProtoPtes     %08X\n", (ULONG)(ULONG_PTR)Segment->PrototypePte);
}

/* A subsection stays while its area does; only its unused PTEs change. */
static void MipPrintSubsections(const MIP_COPY *Copy)
{
    const SUBSECTION *Subsection = MiFirstSubsection(Copy->At);
    ULONG Number = 1;

    for (; Subsection != NULL && !MiStopRequested();
         Subsection = Subsection->NextSubsection, Number++) {
        MiPrint("Subsection %u @ %08X\n", Number, (ULONG)(ULONG_PTR)Subsection);
        MiPrint("  ControlArea   %08X  Starting Sector %8x  Number Of Sectors %8x\n",
                (ULONG)(ULONG_PTR)Subsection->ControlArea, Subsection->StartingSector,
                Subsection->NumberOfFullSectors);
        if (Subsection->SectorEndOffset != 0) {
            MiPrint("  and %x bytes of a sector\n", Subsection->SectorEndOffset);
        }
        MiPrint("  Base Pte      %08X  Ptes In subsect %8x  Unused Ptes       %8x\n",
                (ULONG)(ULONG_PTR)Subsection->SubsectionBase, Subsection->PtesInSubsection,
                Subsection->UnusedPtes);
        MiPrint("  Protection    %8x  %s\n", Subsection->Protection,
                MiProtectionName(Subsection->Protection));
    }
}

/* The n-th view of a process.  => FALSE: there are fewer. */
static BOOLEAN MipCopyView(PCONTROL_AREA Area, ULONG Index, PMMVAD_VIEW Copy)
{
    KIRQL OldIrql = MiLockPfn();
    PLIST_ENTRY Entry = Area->Views.Flink;

    for (; Entry != &Area->Views && Index != 0; Index--) {
        Entry = Entry->Flink;
    }
    if (Entry != &Area->Views) {
        *Copy = *CONTAINING_RECORD(Entry, MMVAD_VIEW, Link);
    }
    MiUnlockPfn(OldIrql);
    return Index == 0 && Entry != &Area->Views;
}

static void MipPrintViews(const MIP_COPY *Copy)
{
    MMVAD_VIEW View;
    ULONG Index;

    for (Index = 0; MipCopyView(Copy->At, Index, &View) && !MiStopRequested(); Index++) {
        MiPrint("View %u  Process %08X  %8x - %8x  from page %x\n", Index + 1,
                (ULONG)(ULONG_PTR)View.Process, View.Core.StartingVpn, View.Core.EndingVpn,
                View.FirstPage);
    }
}

static void MipPrintWhole(const MIP_COPY *Copy, ULONG_PTR Flags)
{
    const CONTROL_AREA *Area = &Copy->Area;

    MiPrint("ControlArea  @ %08X\n", (ULONG)(ULONG_PTR)Copy->At);
    MiPrint("  Segment      %08X  Flink  %08X  Blink  %08X\n", (ULONG)(ULONG_PTR)Area->Segment,
            (ULONG)(ULONG_PTR)Area->Link.Flink, (ULONG)(ULONG_PTR)Area->Link.Blink);
    MiPrint("  Section Ref  %8x  Pfn Ref       %8x  Mapped Views  %8x\n",
            Area->NumberOfSectionReferences, Area->NumberOfPfnReferences,
            Area->NumberOfMappedViews);
    MiPrint("  User Ref     %8x  Subsections   %8x  Flush Count   %8x\n",
            Area->NumberOfUserReferences, Area->NumberOfSubsections, 0);
    MiPrint("  File Object  %08X  ModWriteCount %8x  System Views  %8x\n",
            (ULONG)(ULONG_PTR)Area->FilePointer, Area->ModifiedWriteCount,
            Area->NumberOfSystemCacheViews);
    MiPrint("  Flags (%x)", Area->u.LongFlags);
    MipPrintFlags(Area->u.Flags);
    MiPrint("\n      ");
    MipPrintBacking(Copy);
    MiPrint("\n");
    if ((Flags & MIP_SEGMENT) != 0) {
        MipPrintSegment(Copy);
    }
    if ((Flags & MIP_SUBSECTIONS) != 0) {
        MipPrintSubsections(Copy);
    }
    if ((Flags & MIP_VIEWS) != 0) {
        MipPrintViews(Copy);
    }
}

/* => Unused: only those that nobody uses. */
static void MipPrintAll(ULONG_PTR Flags, BOOLEAN Unused)
{
    BOOLEAN Lines = (Flags & MIP_FULL) == 0;
    PCONTROL_AREA Area = MiNextControlArea(NULL);
    ULONG Count = 0;

    if (Lines) {
        MiPrint("Control   sections  views    pfns   pages  committed  flags, name\n");
    }
    for (; Area != NULL; Area = MiNextControlArea(Area)) {
        MIP_COPY Copy = MipCopyArea(Area);

        if (!MipIsOfKind(&Copy, Flags) || (Unused && MipIsUsed(&Copy)) || MiStopRequested()) {
            continue;
        }
        Count++;
        if (Lines) {
            MipPrintLine(&Copy);
        } else {
            MipPrintWhole(&Copy, Flags);
        }
    }
    MiPrint("%u %scontrol areas, %u pages of sections are committed\n", Count,
            Unused ? "unused " : "", MiSharedCommit);
}

/* => Referenced; NULL: it is none. */
static PCONTROL_AREA MipFindArea(ULONG_PTR Address)
{
    PCONTROL_AREA Area = MiNextControlArea(NULL);

    while (Area != NULL && (ULONG_PTR)Area != Address) {
        Area = MiNextControlArea(Area);
    }
    return Area;
}

static void MipPrintOne(ULONG_PTR Address, ULONG_PTR Flags)
{
    PCONTROL_AREA Area = MipFindArea(Address);
    MIP_COPY Copy;

    if (Area == NULL) {
        MiFail("%08X is no control area; !ca lists them.", (ULONG)Address);
        return;
    }
    Copy = MipCopyArea(Area);
    if ((Flags & MIP_ONE_LINE) != 0) {
        MipPrintLine(&Copy);
    } else {
        MipPrintWhole(&Copy, Flags);
    }
    MiDereferenceControlArea(Area);
}

void MiCommandCa(const char *Arguments)
{
    ULONG_PTR Address;
    ULONG_PTR Flags;
    BOOLEAN All;

    if (!MiCommandNeedsProcesses() || !MiTakeOptional(&Arguments, 0, &Address)) {
        return;
    }
    All = Address == 0 || Address == (ULONG_PTR)-1;
    if (!MiTakeOptional(&Arguments, All ? 0 : MIP_SEGMENT | MIP_SUBSECTIONS, &Flags)) {
        return;
    }
    if (All) {
        MipPrintAll(Flags, Address != 0);
    } else {
        MipPrintOne(Address, Flags);
    }
}
