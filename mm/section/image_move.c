/* SPDX-License-Identifier: MIT */
/*
 * image_move.c - images that are not at their preferred base.
 *
 * Nothing is relocated before it is touched.  The first view that is elsewhere makes an index of
 * the relocations (image_relocate.c), in nonpaged pool, for all that follow; a fault on a page that
 * the index names makes the process a copy of the segment's page, relocated by this view's distance
 * (mm/space/moved_page.c).  All other pages stay shared, whatever the base.
 *
 * Such copies are charged for when the view is made, as those of copy-on-write pages are.  A shared
 * page with relocations is the process' own, too, where the image was moved: two bases cannot have
 * the same page.
 *
 * Locking: MipMoveMutex for who makes an index; who sees it needs nothing.
 */
#include "ex.h"
#include "mm/section/image_segment.h"

static KGUARDED_MUTEX MipMoveMutex;

void MiForgetImageMoves(void)
{
    KeInitializeGuardedMutex(&MipMoveMutex);
}

/* ---- asking ---- */

static PVOID MipIndex(const MI_IMAGE_SEGMENT *Known)
{
    return __atomic_load_n(&Known->Index, __ATOMIC_ACQUIRE);
}

static const IMAGE_DATA_DIRECTORY *MipDirectory(const MI_IMAGE_SEGMENT *Known)
{
    return &Known->Image.Directories[IMAGE_DIRECTORY_ENTRY_BASERELOC];
}

BOOLEAN MiCanMoveImage(PCONTROL_AREA Area)
{
    const MI_IMAGE_SEGMENT *Known = Area->Segment->Image;

    return Known->Image.Relocatable && (MipDirectory(Known)->Size == 0 || MipIndex(Known) != NULL);
}

BOOLEAN MiIsImagePageRelocated(PCONTROL_AREA Area, ULONG Page)
{
    const MI_IMAGE_SEGMENT *Known = Area->Segment->Image;

    return MipIndex(Known) != NULL && MiPageHasRelocations(&Known->Relocations, Page);
}

BOOLEAN MiIsImagePageMoved(const MMVAD_VIEW *View, ULONG Page)
{
    return MiIsImagePageRelocated(View->ControlArea, View->FirstPage + Page);
}

void MiMoveImagePage(const MMVAD_VIEW *View, ULONG Page, PVOID Contents)
{
    MiRelocatePage(&View->ControlArea->Segment->Image->Relocations, View->FirstPage + Page,
                   View->Delta, Contents);
}

ULONG MiCountImageCharge(PCONTROL_AREA Area, ULONG First, ULONG Count, ULONG Delta)
{
    ULONG Charge = 0;
    ULONG Page;

    for (Page = First; Page < First + Count; Page++) {
        ULONG Protection = MiImageProtection(Area, Page);

        Charge += (Protection != MI_NO_PROTECTION && MiIsCopyOnWrite(Protection)) ||
                  (Delta != 0 && MiIsImagePageRelocated(Area, Page));
    }
    return Charge;
}

/* ---- the index ---- */

/* The ends of pages that a relocated word leads out of. */
static NTSTATUS MipReadStraddles(PCONTROL_AREA Area, PMI_RELOCATIONS Relocations)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Page = MiNextStraddle(Relocations, 0);

    while (Page < Relocations->Pages && NT_SUCCESS(Status)) {
        UCHAR Before[MI_STRADDLE_BYTES];

        Status =
            MiReadImage(Area, (Page << PAGE_SHIFT) - MI_STRADDLE_BYTES, Before, MI_STRADDLE_BYTES);
        if (NT_SUCCESS(Status)) {
            MiSetStraddle(Relocations, Page, Before);
            Page = MiNextStraddle(Relocations, Page);
        }
    }
    return Status;
}

/* => On success *Index is the memory of Known->Relocations. */
static NTSTATUS MipBuild(PCONTROL_AREA Area, const void *Directory, PVOID *Index)
{
    PMI_IMAGE_SEGMENT Known = Area->Segment->Image;
    ULONG Bytes = MipDirectory(Known)->Size;
    SIZE_T IndexBytes;
    PVOID Memory;
    NTSTATUS Status = MiMeasureRelocations(Directory, Bytes, Known->Image.ImageBytes, &IndexBytes);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Memory = ExAllocatePoolWithTag(NonPagedPool, IndexBytes, MI_IMAGE_TAG);
    if (Memory == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status =
        MiBuildRelocations(Directory, Bytes, Known->Image.ImageBytes, Memory, &Known->Relocations);
    if (NT_SUCCESS(Status)) {
        Status = MipReadStraddles(Area, &Known->Relocations);
    }
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Memory, MI_IMAGE_TAG);
        return Status;
    }
    *Index = Memory;
    return STATUS_SUCCESS;
}

/* => Under MipMoveMutex. */
static NTSTATUS MipMakeIndex(PCONTROL_AREA Area)
{
    PMI_IMAGE_SEGMENT Known = Area->Segment->Image;
    IMAGE_DATA_DIRECTORY Directory = *MipDirectory(Known);
    PVOID Copy = ExAllocatePoolWithTag(PagedPool, Directory.Size, MI_IMAGE_TAG);
    PVOID Index = NULL;
    NTSTATUS Status;

    if (Copy == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = MiReadImage(Area, Directory.VirtualAddress, Copy, Directory.Size);
    if (NT_SUCCESS(Status)) {
        Status = MipBuild(Area, Copy, &Index);
    }
    ExFreePoolWithTag(Copy, MI_IMAGE_TAG);
    if (NT_SUCCESS(Status)) {
        __atomic_store_n(&Known->Index, Index, __ATOMIC_RELEASE);
    }
    return Status;
}

NTSTATUS MiPrepareImageMove(PCONTROL_AREA Area)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (!Area->Segment->Image->Image.Relocatable) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    KeAcquireGuardedMutex(&MipMoveMutex);
    if (!MiCanMoveImage(Area)) {
        Status = MipMakeIndex(Area);
    }
    KeReleaseGuardedMutex(&MipMoveMutex);
    return Status;
}
