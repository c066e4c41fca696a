/* SPDX-License-Identifier: MIT */
/*
 * image_segment.h - segments of images: one for each file, found by the file's
 * SECTION_OBJECT_POINTERS, whatever processes map it.
 */
#ifndef MM_SECTION_IMAGE_SEGMENT_H
#define MM_SECTION_IMAGE_SEGMENT_H

#include "mm/section/image_headers.h"
#include "mm/section/image_relocate.h"
#include "mm/section/section.h"

#define MI_IMAGE_TAG 0x6D496D4Du /* 'MmIm': what is known of an image */

/* What a segment knows of its image; in nonpaged pool, with it. */
typedef struct _MI_IMAGE_SEGMENT {
    MI_IMAGE Image;             /* (I) */
    BOOLEAN OtherMachine;       /* (I) it is not for this one */
    MI_RELOCATIONS Relocations; /* (I) once Index is there */
    PVOID Index;                /* (A) the memory of Relocations; NULL: nobody needed them yet */
} MI_IMAGE_SEGMENT, *PMI_IMAGE_SEGMENT;

/* => Once a machine: MiForgetSections. */
void MiForgetImages(void);
void MiForgetImageMoves(void);

/*
 * The segment of the image that a file of FileBytes bytes is: the one that there is, or a new one;
 * with one section reference and one user reference.  What is changed in memory of the file's data
 * is written first.
 *
 * => PASSIVE_LEVEL; no other call changes the file's size meanwhile.
 *
 *     STATUS_INVALID_FILE_FOR_SECTION  it is empty, or its file system has no sections
 *     STATUS_INVALID_IMAGE_*           image_headers.h
 *     STATUS_COMMITMENT_LIMIT          for shared pages that can be written to; *Limit: what it
 *                                      should be
 *     STATUS_INSUFFICIENT_RESOURCES; what reading and writing the file returns
 */
NT_MUST_CHECK NTSTATUS MiCreateImageSegment(struct _FILE_OBJECT *File, ULONG64 FileBytes,
                                            PSEGMENT *Segment, PULONG Limit);

/* Pages and all.  => Nobody uses it, nobody can find it; IRQL <= APC_LEVEL. */
void MiDeleteImageSegment(PCONTROL_AREA Area) NT_NOT_HOLDING(MiPfnLock);

/*
 * The image goes with the last that use it now, whatever pages of it are in memory; the next
 * section of the file has one of its own.
 *
 * => FALSE: a section object or a view does.
 */
BOOLEAN MiRetireImage(PCONTROL_AREA Area) NT_HOLDS(MiPfnLock);

/* => Of a page of the image, as its file has it: a code; MI_NO_PROTECTION: it is of no part. */
ULONG MiImageProtection(PCONTROL_AREA Area, ULONG Page);

/* ---- the file: image_read.c; PASSIVE_LEVEL ---- */

/*
 * Read bytes of the file.
 *
 * => The file has them.  Buffer is in system space.  STATUS_INSUFFICIENT_RESOURCES, the disk's.
 */
NT_MUST_CHECK NTSTATUS MiReadImageFile(struct _FILE_OBJECT *File, ULONG64 Offset, PVOID Buffer,
                                       ULONG Bytes);

/* The same by RVA: what the image has there at its preferred base before anybody runs. */
NT_MUST_CHECK NTSTATUS MiReadImage(PCONTROL_AREA Area, ULONG Rva, PVOID Buffer, ULONG Bytes);

/* ---- other bases: image_move.c ---- */

/*
 * Make sure that views can be elsewhere than at the preferred base.
 *
 * => PASSIVE_LEVEL.  STATUS_CONFLICTING_ADDRESSES: they cannot, the image says.
 *    STATUS_INVALID_IMAGE_FORMAT: its relocations are wrong.  STATUS_INSUFFICIENT_RESOURCES; what
 *    reading the file returns.
 */
NT_MUST_CHECK NTSTATUS MiPrepareImageMove(PCONTROL_AREA Area);

/* => Whether that was done, or nothing has to be. */
BOOLEAN MiCanMoveImage(PCONTROL_AREA Area);

/* => MiCanMoveImage.  Whether the page is another one elsewhere. */
BOOLEAN MiIsImagePageRelocated(PCONTROL_AREA Area, ULONG Page);

/* => Pages from First on that a view of them, Delta from the preferred base, is charged for. */
ULONG MiCountImageCharge(PCONTROL_AREA Area, ULONG First, ULONG Count, ULONG Delta);

#endif
