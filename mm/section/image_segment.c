/* SPDX-License-Identifier: MIT */
/*
 * image_segment.c - the segment of an image.
 *
 *     prototype PTEs   |- headers -|---- .text ----|-- .data --|  an array, by page of the image
 *     subsections      |    1st    |      2nd      |    3rd    |  one for each part of the image
 *
 *     a page of a part               its prototype PTE                protection
 *     that the file has bytes of     the subsection                   the part's: copy-on-write
 *     behind these                   zeroes                           where it can be written to
 *     behind the part's last page    zeroes, no access                not committed (UnusedPtes)
 *     of a shared, writable part     the same, until it is mapped     READWRITE
 *                                    for writing: then its frame
 *                                    goes to a paging file
 *
 * A subsection counts its bytes of the file in sectors and a rest (SectorEndOffset): whoever reads
 * its last page makes what lies behind zero.  Pages need not begin at a page of the file, nor at a
 * sector of the disk's.
 *
 * The file is never written to through an image: what a process writes is its own, or a paging
 * file's.  The segment is charged for shared pages that can be written to, a process for those that
 * it gets a copy of.
 *
 * The segment is kept while a page of it has a frame, as a data section's is; but not one with
 * shared pages that can be written to (DeleteOnClose): who starts the program next finds them as
 * the file has them.  Nor one whose file somebody is about to change (MmFlushImageSection).
 *
 * Locking: MipImageMutex for who makes one; MiPfnLock for what others look at.
 */
#include "mm/section/image_segment.h"

#include "arch/mmu.h"
#include "ex.h"
#include "fsrtl.h"
#include "io.h"
#include "mi_assert.h"
#include "mm/paging/in_page.h"
#include "mm/pfn/commit_growth.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/prototype_pte.h"
#include "mm/sysva/pte_kind.h"

#define MIP_SECTOR_BYTES (1u << MI_SECTOR_SHIFT)

/* An image that is being made. */
typedef struct _MIP_MAKING {
    PFILE_OBJECT File;
    PVOID Header;
    PMI_IMAGE_SEGMENT Known;
    PCONTROL_AREA Area;
    PMMPTE Prototypes;
    ULONG SharedPages; /* that are charged */
    ULONG Limit;       /* that they need, where they could not be */
} MIP_MAKING, *PMIP_MAKING;

static KGUARDED_MUTEX MipImageMutex;

void MiForgetImages(void)
{
    KeInitializeGuardedMutex(&MipImageMutex);
}

/* ---- pages ---- */

ULONG MiImageProtection(PCONTROL_AREA Area, ULONG Page)
{
    const SUBSECTION *Subsection = MiFirstSubsection(Area);

    while (Page >= Subsection->PtesInSubsection) {
        Page -= Subsection->PtesInSubsection;
        Subsection = Subsection->NextSubsection;
    }
    return Page < Subsection->PtesInSubsection - Subsection->UnusedPtes ? Subsection->Protection
                                                                        : MI_NO_PROTECTION;
}

ULONG MiImagePageProtection(const MMVAD_VIEW *View, ULONG Page)
{
    return MiImageProtection(View->ControlArea, View->FirstPage + Page);
}

/* A page that everybody sees is about to be written to. */
void MiLeaveImageFile(PFN_NUMBER Frame)
{
    MMPTE Original = MI_PFN(Frame)->OriginalPte;
    const SUBSECTION *Subsection = MiSubsectionAddress(Original);

    if (Subsection->ControlArea->u.Flags.Image) {
        MI_PFN(Frame)->OriginalPte = MiMakeSoftwarePte(Subsection->Protection);
        MiFilePageWent(Original);
        MiSetFrameModified(Frame, TRUE);
    }
}

/* ---- subsections ---- */

/* => Pages up to where the next part begins. */
static ULONG MipPartPtes(const MIP_MAKING *Making, ULONG Index)
{
    const MI_IMAGE *Image = &Making->Known->Image;
    ULONG End = Image->ImageBytes >> PAGE_SHIFT;
    MI_IMAGE_PART Part;

    if (Index + 1 < Image->PartCount) {
        MiDescribeImagePart(Making->Header, Image, Index + 1, &Part);
        End = Part.FirstPage;
    }
    MiDescribeImagePart(Making->Header, Image, Index, &Part);
    return End - Part.FirstPage;
}

static void MipFillSubsection(PSUBSECTION Subsection, const MI_IMAGE_PART *Part, PMMPTE Prototypes)
{
    MMPTE InFile = MiMakeSubsectionPte(Subsection, Part->Protection);
    ULONG FilePages = BYTES_TO_PAGES(Part->FileBytes);
    ULONG i;

    Subsection->SubsectionBase = Prototypes + Part->FirstPage;
    Subsection->UnusedPtes = Subsection->PtesInSubsection - Part->Pages;
    Subsection->StartingSector = Part->FileOffset >> MI_SECTOR_SHIFT;
    Subsection->NumberOfFullSectors = Part->FileBytes >> MI_SECTOR_SHIFT;
    Subsection->SectorEndOffset = Part->FileBytes % MIP_SECTOR_BYTES;
    Subsection->Protection = Part->Protection;
    for (i = 0; i < Subsection->PtesInSubsection; i++) {
        MMPTE Pte = MiMakeSoftwarePte(i < Part->Pages ? Part->Protection : MM_NOACCESS);

        MiWritePte(Subsection->SubsectionBase + i, i < FilePages ? InFile : Pte);
    }
}

static void MipFreeSubsections(PCONTROL_AREA Area)
{
    PSUBSECTION Subsection = MiFirstSubsection(Area)->NextSubsection;

    while (Subsection != NULL) {
        PSUBSECTION Next = Subsection->NextSubsection;

        ExFreePoolWithTag(Subsection, MI_SUBSECTION_TAG);
        Subsection = Next;
    }
}

/* The second and the following ones.  => On failure those that there are stay. */
static NTSTATUS MipAddSubsections(PMIP_MAKING Making)
{
    PSUBSECTION Last = MiFirstSubsection(Making->Area);
    ULONG i;

    for (i = 1; i < Making->Known->Image.PartCount; i++) {
        PSUBSECTION Subsection = MiAllocateSubsection();

        if (Subsection == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Subsection->ControlArea = Making->Area;
        Subsection->PtesInSubsection = MipPartPtes(Making, i);
        Last->NextSubsection = Subsection;
        Last = Subsection;
    }
    Making->Area->NumberOfSubsections = Making->Known->Image.PartCount;
    return STATUS_SUCCESS;
}

static void MipFillSubsections(PMIP_MAKING Making)
{
    PSUBSECTION Subsection = MiFirstSubsection(Making->Area);
    MI_IMAGE_PART Part;
    ULONG i;

    for (i = 0; Subsection != NULL; i++, Subsection = Subsection->NextSubsection) {
        MiDescribeImagePart(Making->Header, &Making->Known->Image, i, &Part);
        MipFillSubsection(Subsection, &Part, Making->Prototypes);
    }
}

/* ---- making one ---- */

static ULONG MipCountShared(const MIP_MAKING *Making)
{
    MI_IMAGE_PART Part;
    ULONG Shared = 0;
    ULONG i;

    for (i = 0; i < Making->Known->Image.PartCount; i++) {
        MiDescribeImagePart(Making->Header, &Making->Known->Image, i, &Part);
        Shared += Part.Shared ? Part.Pages : 0;
    }
    return Shared;
}

/* Nothing fails any more. */
static void MipPublish(PMIP_MAKING Making)
{
    PCONTROL_AREA Area = Making->Area;
    PSEGMENT Segment = Area->Segment;
    KIRQL OldIrql;

    MipFillSubsections(Making);
    Area->u.Flags.File = 1;
    Area->u.Flags.Image = 1;
    Area->u.Flags.DeleteOnClose = Making->SharedPages != 0;
    Segment->Image = Making->Known;
    Segment->TotalNumberOfPtes = Making->Known->Image.ImageBytes >> PAGE_SHIFT;
    Segment->SizeOfSegment = Making->Known->Image.ImageBytes;
    Segment->NumberOfCommittedPages = Making->SharedPages;
    Segment->PrototypePte = Making->Prototypes;
    Segment->SegmentPteTemplate =
        MiMakeSubsectionPte(MiFirstSubsection(Area), MiMakeProtection(PAGE_EXECUTE_WRITECOPY));
    ObReferenceObject(Making->File);
    Area->FilePointer = Making->File;
    OldIrql = MiLockPfn();
    MiNotePrototypeChange();
    MiSharedCommit += Making->SharedPages;
    MI_ASSERT(Making->File->SectionObjectPointer->ImageSectionObject == NULL);
    MiReferenceAreaLocked(Area, TRUE);
    Making->File->SectionObjectPointer->ImageSectionObject = Area;
    InsertTailList(&MiControlAreas, &Area->Link);
    MiUnlockPfn(OldIrql);
}

/* => The image is described. */
static NTSTATUS MipMakeArea(PMIP_MAKING Making)
{
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;

    Making->Area = MiAllocateControlArea(MipPartPtes(Making, 0), SEC_IMAGE);
    if (Making->Area == NULL) {
        return Status;
    }
    Status = MipAddSubsections(Making);
    if (!NT_SUCCESS(Status)) {
        goto FreeArea;
    }
    Status = STATUS_INSUFFICIENT_RESOURCES;
    Making->Prototypes = MiAllocatePrototypes(Making->Known->Image.ImageBytes >> PAGE_SHIFT);
    if (Making->Prototypes == NULL) {
        goto FreeArea;
    }
    Making->SharedPages = MipCountShared(Making);
    if (MiChargeCommitment(Making->SharedPages)) {
        MipPublish(Making);
        return STATUS_SUCCESS;
    }
    Making->Limit = MiLimitFor(Making->SharedPages);
    Status = STATUS_COMMITMENT_LIMIT;
    ExFreePoolWithTag(Making->Prototypes, MI_SEGMENT_TAG);
FreeArea:
    MipFreeSubsections(Making->Area);
    ExFreePoolWithTag(Making->Area, MI_CONTROL_AREA_TAG);
    return Status;
}

static NTSTATUS MipDescribe(PMIP_MAKING Making, ULONG64 FileBytes)
{
    ULONG Bytes = FileBytes < MI_IMAGE_HEADER_BYTES ? (ULONG)FileBytes : MI_IMAGE_HEADER_BYTES;
    NTSTATUS Status = MiReadImageFile(Making->File, 0, Making->Header, Bytes);

    if (NT_SUCCESS(Status)) {
        Status = MiDescribeImage(Making->Header, Bytes, FileBytes, &Making->Known->Image);
    }
    if (NT_SUCCESS(Status)) {
        Making->Known->OtherMachine = Status == STATUS_IMAGE_MACHINE_TYPE_MISMATCH;
    }
    return Status;
}

/* What was written by views or the cache is not on the disk yet, where the image is read from. */
static NTSTATUS MipFlushData(PSECTION_OBJECT_POINTERS Pointers)
{
    IO_STATUS_BLOCK Iosb = {.Status = STATUS_SUCCESS};

    if (Pointers->SharedCacheMap == NULL || CcFlushCache == NULL) {
        return MmFlushSection(Pointers, NULL, 0, &Iosb);
    }
    CcFlushCache(Pointers, NULL, 0, &Iosb);
    return Iosb.Status;
}

/* => Under MipImageMutex; the file has none. */
static NTSTATUS MipMake(PFILE_OBJECT File, ULONG64 FileBytes, PCONTROL_AREA *Made, PULONG Limit)
{
    MIP_MAKING Making = {.File = File};
    NTSTATUS Status = MipFlushData(File->SectionObjectPointer);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Making.Header = ExAllocatePoolWithTag(PagedPool, MI_IMAGE_HEADER_BYTES, MI_IMAGE_TAG);
    if (Making.Header == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = STATUS_INSUFFICIENT_RESOURCES;
    Making.Known = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Making.Known), MI_IMAGE_TAG);
    if (Making.Known != NULL) {
        memset(Making.Known, 0, sizeof(*Making.Known));
        Status = MipDescribe(&Making, FileBytes);
        if (NT_SUCCESS(Status)) {
            Status = MipMakeArea(&Making);
        }
        if (!NT_SUCCESS(Status)) {
            ExFreePoolWithTag(Making.Known, MI_IMAGE_TAG);
        }
    }
    ExFreePoolWithTag(Making.Header, MI_IMAGE_TAG);
    *Made = Making.Area;
    *Limit = Making.Limit;
    return Status;
}

/* => NULL: there is none. */
static PCONTROL_AREA MipReference(const SECTION_OBJECT_POINTERS *Pointers)
{
    KIRQL OldIrql = MiLockPfn();
    PCONTROL_AREA Area = Pointers->ImageSectionObject;

    if (Area != NULL) {
        MiReferenceAreaLocked(Area, TRUE);
    }
    MiUnlockPfn(OldIrql);
    return Area;
}

NTSTATUS MiCreateImageSegment(PFILE_OBJECT File, ULONG64 FileBytes, PSEGMENT *Segment, PULONG Limit)
{
    NTSTATUS Status = STATUS_SUCCESS;
    PCONTROL_AREA Area;

    if (File->SectionObjectPointer == NULL || FileBytes == 0) {
        return STATUS_INVALID_FILE_FOR_SECTION;
    }
    KeAcquireGuardedMutex(&MipImageMutex);
    Area = MipReference(File->SectionObjectPointer);
    if (Area == NULL) {
        Status = MipMake(File, FileBytes, &Area, Limit);
    }
    KeReleaseGuardedMutex(&MipImageMutex);
    if (NT_SUCCESS(Status)) {
        *Segment = Area->Segment;
    }
    return Status;
}

/* ---- the end ---- */

BOOLEAN MiRetireImage(PCONTROL_AREA Area)
{
    PSECTION_OBJECT_POINTERS Pointers = Area->FilePointer->SectionObjectPointer;

    if (Area->NumberOfUserReferences != 0) {
        return FALSE;
    }
    Area->u.Flags.DeleteOnClose = 1;
    if (Pointers->ImageSectionObject == Area) {
        Pointers->ImageSectionObject = NULL;
    }
    return TRUE;
}

static ULONG MipUsers(PCONTROL_AREA Area)
{
    return Area == NULL ? 0 : Area->NumberOfUserReferences;
}

BOOLEAN NTAPI MmFlushImageSection(PSECTION_OBJECT_POINTERS SectionObjectPointer,
                                  MMFLUSH_TYPE FlushType)
{
    KIRQL OldIrql = MiLockPfn();
    PCONTROL_AREA Area = SectionObjectPointer->ImageSectionObject;
    BOOLEAN Gone =
        FlushType != MmFlushForDelete || MipUsers(SectionObjectPointer->DataSectionObject) == 0;

    if (Gone && Area != NULL) {
        Gone = MiRetireImage(Area);
    }
    if (Gone && Area != NULL) {
        MiReferenceAreaLocked(Area, FALSE);
    }
    MiUnlockPfn(OldIrql);
    if (Gone && Area != NULL) {
        MiDereferenceControlArea(Area);
    }
    return Gone;
}

/* => Pinned: the prototype PTEs of one page. */
static void MipWaitForReads(PMMPTE Proto, PMMPTE End)
{
    KIRQL OldIrql = MiLockPfn();

    while (Proto < End) {
        MMPTE Pte = MiReadPte(Proto);
        PFN_NUMBER Frame = Pte.Hard.PageFrameNumber;

        if (MiPteKind(Pte) == MiPteTransition && MI_PFN(Frame)->u3.e1.ReadInProgress) {
            PMI_IN_PAGE Block = MiJoinInPage(Frame);
            NTSTATUS Status;

            MiUnlockPfn(OldIrql);
            Status = MiWaitInPage(Block, Frame);
            (void)NT_SUCCESS(Status); /* nobody wants the page */
            OldIrql = MiLockPfn();
        } else {
            Proto++;
        }
    }
    MiUnlockPfn(OldIrql);
}

/* Who faulted may have unmapped his view since.  A page of prototype PTEs with a frame is there. */
static void MipEndReads(const SEGMENT *Segment)
{
    PMMPTE Proto = Segment->PrototypePte;
    PMMPTE End = Proto + Segment->TotalNumberOfPtes;

    while (Proto < End) {
        PMMPTE Next = (PMMPTE)ROUND_DOWN((ULONG_PTR)Proto, (ULONG_PTR)PAGE_SIZE) + PTE_PER_PAGE;

        Next = Next < End ? Next : End;
        if (MiTryPinPrototype(Proto)) {
            MipWaitForReads(Proto, Next);
            MiUnpinPrototype(Proto);
        }
        Proto = Next;
    }
}

void MiDeleteImageSegment(PCONTROL_AREA Area)
{
    PSEGMENT Segment = Area->Segment;
    PFILE_OBJECT File = Area->FilePointer;

    MipEndReads(Segment);
    MiDeletePrototypes(Segment->PrototypePte, Segment->TotalNumberOfPtes);
    MiReturnCommitment(Segment->NumberOfCommittedPages);
    ExFreePoolWithTag(Segment->PrototypePte, MI_SEGMENT_TAG);
    if (Segment->Image->Index != NULL) {
        ExFreePoolWithTag(Segment->Image->Index, MI_IMAGE_TAG);
    }
    ExFreePoolWithTag(Segment->Image, MI_IMAGE_TAG);
    MipFreeSubsections(Area);
    ExFreePoolWithTag(Area, MI_CONTROL_AREA_TAG);
    ObDereferenceObject(File);
}
