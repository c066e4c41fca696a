/* SPDX-License-Identifier: MIT */
/*
 * image_checksum.h - the check sum of an image's file, as CheckSumMappedFile documents it.
 *
 * The 16-bit words of the file are added with end-around carry, without the field that holds the
 * sum, and the length of the file is added to that.  A file is summed in pieces:
 *
 *     Sum = MiAddToImageChecksum(0, First, Bytes); ... MiFinishImageChecksum(Sum, HeaderSum, ...)
 */
#ifndef MM_SECTION_IMAGE_CHECKSUM_H
#define MM_SECTION_IMAGE_CHECKSUM_H

#include "nt/types.h"

/*
 * Add the next bytes of the file to Sum, which was 0 at first.
 *
 * => Bytes is even, except for the last piece.  Any alignment.
 */
USHORT MiAddToImageChecksum(USHORT Sum, const void *Data, SIZE_T Bytes);

/*
 * The check sum of a file whose words add up to Sum and whose CheckSum field says HeaderSum.
 *
 * => The field is at an even place, and not all else is zero.
 */
ULONG MiFinishImageChecksum(USHORT Sum, ULONG HeaderSum, ULONG FileBytes);

#endif
