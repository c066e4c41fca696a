/* SPDX-License-Identifier: MIT */
/*
 * file_segment.c - the segment of a file's data: one for each file, found by the file's
 * SECTION_OBJECT_POINTERS, which may grow.
 *
 *     pages of the file   0       n   n+1     m   m+1 ...
 *     subsections         the first   the next    the last has UnusedPtes to spare
 *
 * A prototype PTE says which subsection it is of (MiMakeSubsectionPte) until its page is read, and
 * the frame's OriginalPte does afterwards: so that whoever has a frame finds the file and the place
 * in it.  Prototype PTEs never move; a segment that grows gets another subsection, each a quarter
 * larger than what there was, so that a file that is written from its start to its end has few.
 *
 * The segment keeps the file object that it was made with: reads and writes of pages go by it,
 * after its last handle is closed, too.
 *
 * Locking: MipFileMutex for who makes or extends one; MiPfnLock for what others look at.
 */
#include "arch/mmu.h"
#include "ex.h"
#include "io_objects.h"
#include "mi_assert.h"
#include "mm/section/section.h"
#include "mm/space/prototype_pte.h"
#include "mm/sysva/pte_kind.h"

#define MIP_LEAST_GROWTH 64u /* pages: what the cache maps at once */
#define MIP_GROWTH_PART  4u
#define MIP_MOST_PAGES   (1u << 28)

static KGUARDED_MUTEX MipFileMutex;

void MiForgetFileSegments(void)
{
    KeInitializeGuardedMutex(&MipFileMutex);
}

/* ---- subsections ---- */

/* => Prototypes are the subsection's from now on; nobody else knows it. */
static void MipFillSubsection(PSUBSECTION Subsection, PMMPTE Prototypes, ULONG FirstPage)
{
    MMPTE Template = MiMakeSubsectionPte(Subsection, MM_EXECUTE_READWRITE);
    ULONG i;

    Subsection->SubsectionBase = Prototypes;
    Subsection->StartingSector = FirstPage << (PAGE_SHIFT - MI_SECTOR_SHIFT);
    Subsection->NumberOfFullSectors = Subsection->PtesInSubsection
                                      << (PAGE_SHIFT - MI_SECTOR_SHIFT);
    Subsection->Protection = MM_EXECUTE_READWRITE;
    for (i = 0; i < Subsection->PtesInSubsection; i++) {
        MiWritePte(Prototypes + i, Template);
    }
}

static PSUBSECTION MipLastSubsection(PCONTROL_AREA Area)
{
    PSUBSECTION Subsection = MiFirstSubsection(Area);

    while (Subsection->NextSubsection != NULL) {
        Subsection = Subsection->NextSubsection;
    }
    return Subsection;
}

static PSUBSECTION MipMakeSubsection(PCONTROL_AREA Area, ULONG Pages)
{
    PSUBSECTION Subsection = MiAllocateSubsection();
    PMMPTE Prototypes = Subsection == NULL ? NULL : MiAllocatePrototypes(Pages);

    if (Prototypes == NULL) {
        if (Subsection != NULL) {
            ExFreePoolWithTag(Subsection, MI_SUBSECTION_TAG);
        }
        return NULL;
    }
    Subsection->ControlArea = Area;
    Subsection->PtesInSubsection = Pages;
    Subsection->UnusedPtes = Pages;
    MipFillSubsection(Subsection, Prototypes, Area->Segment->TotalNumberOfPtes);
    return Subsection;
}

/* => Under MipFileMutex; the segment is shorter. */
static NTSTATUS MipAddSubsection(PCONTROL_AREA Area, ULONG Pages)
{
    ULONG Total = Area->Segment->TotalNumberOfPtes;
    ULONG More = Pages - Total;
    PSUBSECTION Subsection;
    KIRQL OldIrql;

    More = More < Total / MIP_GROWTH_PART ? Total / MIP_GROWTH_PART : More;
    Subsection = MipMakeSubsection(Area, ROUND_UP(More, MIP_LEAST_GROWTH));
    if (Subsection == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    OldIrql = MiLockPfn();
    MipLastSubsection(Area)->NextSubsection = Subsection;
    Area->NumberOfSubsections++;
    Area->Segment->TotalNumberOfPtes += Subsection->PtesInSubsection;
    MiUnlockPfn(OldIrql);
    return STATUS_SUCCESS;
}

/* => The prototype PTEs are there. */
static void MipUsePages(PCONTROL_AREA Area, ULONG Pages)
{
    PSEGMENT Segment = Area->Segment;
    KIRQL OldIrql = MiLockPfn();
    PSUBSECTION Subsection;
    ULONG First = 0;

    Segment->SizeOfSegment = (ULONG64)Pages << PAGE_SHIFT;
    for (Subsection = MiFirstSubsection(Area); Subsection != NULL;
         Subsection = Subsection->NextSubsection) {
        ULONG End = First + Subsection->PtesInSubsection;

        Subsection->UnusedPtes = End > Pages ? End - Pages : 0;
        First = End;
    }
    MiUnlockPfn(OldIrql);
}

/* => Under MipFileMutex. */
static NTSTATUS MipExtend(PCONTROL_AREA Area, ULONG Pages)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (Pages <= Area->Segment->SizeOfSegment >> PAGE_SHIFT) {
        return STATUS_SUCCESS;
    }
    if (Pages > Area->Segment->TotalNumberOfPtes) {
        Status = MipAddSubsection(Area, Pages);
    }
    if (NT_SUCCESS(Status)) {
        MipUsePages(Area, Pages);
    }
    return Status;
}

/* ---- making one ---- */

static void MipPublish(PCONTROL_AREA Area, PFILE_OBJECT File, BOOLEAN IsUser)
{
    KIRQL OldIrql = MiLockPfn();

    MI_ASSERT(File->SectionObjectPointer->DataSectionObject == NULL);
    MiReferenceAreaLocked(Area, IsUser);
    File->SectionObjectPointer->DataSectionObject = Area;
    InsertTailList(&MiControlAreas, &Area->Link);
    MiUnlockPfn(OldIrql);
}

/* => Under MipFileMutex; the file has none. */
static NTSTATUS MipMake(PFILE_OBJECT File, ULONG Pages, BOOLEAN IsUser, PCONTROL_AREA *Made)
{
    PCONTROL_AREA Area = MiAllocateControlArea(Pages, SEC_COMMIT);
    PMMPTE Prototypes = Area == NULL ? NULL : MiAllocatePrototypes(Pages);

    if (Prototypes == NULL) {
        if (Area != NULL) {
            ExFreePoolWithTag(Area, MI_CONTROL_AREA_TAG);
        }
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MipFillSubsection(MiFirstSubsection(Area), Prototypes, 0);
    Area->u.Flags.File = 1;
    Area->Segment->PrototypePte = Prototypes;
    Area->Segment->SegmentPteTemplate =
        MiMakeSubsectionPte(MiFirstSubsection(Area), MM_EXECUTE_READWRITE);
    ObReferenceObject(File);
    Area->FilePointer = File;
    MipPublish(Area, File, IsUser);
    *Made = Area;
    return STATUS_SUCCESS;
}

static PCONTROL_AREA MipReference(const SECTION_OBJECT_POINTERS *Pointers, BOOLEAN IsUser)
{
    KIRQL OldIrql = MiLockPfn();
    PCONTROL_AREA Area = Pointers->DataSectionObject;

    if (Area != NULL) {
        MiReferenceAreaLocked(Area, IsUser);
    }
    MiUnlockPfn(OldIrql);
    return Area;
}

PCONTROL_AREA MiReferenceDataSection(const SECTION_OBJECT_POINTERS *Pointers)
{
    return MipReference(Pointers, FALSE);
}

/* => The reference to *Area stays with the caller where there is one, also on failure. */
static NTSTATUS MipFindOrMake(PFILE_OBJECT File, ULONG Pages, BOOLEAN IsUser, PCONTROL_AREA *Area)
{
    NTSTATUS Status;

    KeAcquireGuardedMutex(&MipFileMutex);
    *Area = MipReference(File->SectionObjectPointer, IsUser);
    Status = *Area != NULL ? MipExtend(*Area, Pages) : MipMake(File, Pages, IsUser, Area);
    KeReleaseGuardedMutex(&MipFileMutex);
    return Status;
}

NTSTATUS MiCreateFileSegment(PFILE_OBJECT File, ULONG64 Bytes, BOOLEAN IsUser, PSEGMENT *Segment)
{
    ULONG64 Pages = (Bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
    PCONTROL_AREA Area;
    NTSTATUS Status;

    if (File->SectionObjectPointer == NULL) {
        return STATUS_INVALID_FILE_FOR_SECTION;
    }
    if (Pages > MIP_MOST_PAGES) {
        return STATUS_SECTION_TOO_BIG;
    }
    Status = MipFindOrMake(File, (ULONG)Pages, IsUser, &Area);
    if (NT_SUCCESS(Status)) {
        *Segment = Area->Segment;
    } else if (Area != NULL) {
        MiDereferenceSegment(Area->Segment, IsUser);
    }
    return Status;
}

NTSTATUS MiExtendFileSegment(PSEGMENT Segment, ULONG64 Bytes)
{
    ULONG64 Pages = (Bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
    NTSTATUS Status;

    if (Pages > MIP_MOST_PAGES) {
        return STATUS_SECTION_TOO_BIG;
    }
    KeAcquireGuardedMutex(&MipFileMutex);
    Status = MipExtend(Segment->ControlArea, (ULONG)Pages);
    KeReleaseGuardedMutex(&MipFileMutex);
    return Status;
}

/* ---- the end ---- */

void MiDeleteFileSegment(PCONTROL_AREA Area)
{
    PSUBSECTION Subsection = MiFirstSubsection(Area);
    PFILE_OBJECT File = Area->FilePointer;

    while (Subsection != NULL) {
        PSUBSECTION Next = Subsection->NextSubsection;

        ExFreePoolWithTag(Subsection->SubsectionBase, MI_SEGMENT_TAG);
        if (Subsection != MiFirstSubsection(Area)) {
            ExFreePoolWithTag(Subsection, MI_SUBSECTION_TAG);
        }
        Subsection = Next;
    }
    ExFreePoolWithTag(Area, MI_CONTROL_AREA_TAG);
    ObDereferenceObject(File);
}
