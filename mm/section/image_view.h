/* SPDX-License-Identifier: MIT */
/*
 * image_view.h - bounded reads of an image as it lies in memory: numbers and names at RVAs that
 * others wrote.
 *
 * Tables in an image are never used through pointers to structures: an RVA may be odd, or lead out.
 */
#ifndef MM_SECTION_IMAGE_VIEW_H
#define MM_SECTION_IMAGE_VIEW_H

#include "nt/image.h"
#include "nt/status.h"

/* The longest name of a DLL, function or forwarder that we read, without the zero behind it. */
#define MI_IMAGE_NAME_BYTES 4095

/*
 * All of [Base, Base + Bytes) can be read, and nobody changes it meanwhile: of an image that has
 * pages without access, the caller shows what lies before them, or a copy.
 */
typedef struct _MI_IMAGE_VIEW {
    const UCHAR *Base;
    ULONG Bytes;
} MI_IMAGE_VIEW, *PMI_IMAGE_VIEW;

/* => Returns whether Count things of Bytes bytes at Rva lie in the view. */
BOOLEAN MiIsInView(const MI_IMAGE_VIEW *View, ULONG Rva, ULONG Count, ULONG Bytes);

/* Numbers at any alignment.  => MiIsInView said so. */
USHORT MiReadViewShort(const MI_IMAGE_VIEW *View, ULONG Rva);
ULONG MiReadViewLong(const MI_IMAGE_VIEW *View, ULONG Rva);

/*
 * => Returns the name at Rva, which ends in a zero inside the view.  NULL: it does not, or is
 *    longer than MI_IMAGE_NAME_BYTES.
 */
const char *MiReadViewName(const MI_IMAGE_VIEW *View, ULONG Rva);

#endif
