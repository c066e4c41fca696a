/* SPDX-License-Identifier: MIT */
/*
 * image_checksum.c - the sum that CheckSumMappedFile computes.
 *
 * With end-around carry, FFFF and 0 are the same number, and the order of additions does not
 * matter.  So the field that holds the sum, which stands at an even place, is taken out again at
 * the end.  Numbers that are not 0 never add up to 0, only to FFFF: the first word, MZ, is not 0.
 */
#include "mm/section/image_checksum.h"

/* => Both sums are folded. */
static USHORT MipAddWords(USHORT A, USHORT B)
{
    ULONG Sum = (ULONG)A + B;

    return (USHORT)(Sum + (Sum >> 16));
}

/* => TakenOut is a part of Sum. */
static USHORT MipTakeWord(USHORT Sum, USHORT TakenOut)
{
    return (USHORT)(Sum - TakenOut - (Sum < TakenOut ? 1 : 0));
}

USHORT MiAddToImageChecksum(USHORT Sum, const void *Data, SIZE_T Bytes)
{
    const UCHAR *Next = Data;

    for (; Bytes >= 2; Bytes -= 2, Next += 2) {
        Sum = MipAddWords(Sum, (USHORT)(Next[0] | Next[1] << 8));
    }
    return Bytes == 0 ? Sum : MipAddWords(Sum, Next[0]);
}

ULONG MiFinishImageChecksum(USHORT Sum, ULONG HeaderSum, ULONG FileBytes)
{
    Sum = MipTakeWord(Sum, (USHORT)HeaderSum);
    Sum = MipTakeWord(Sum, (USHORT)(HeaderSum >> 16));
    return (Sum != 0 ? Sum : 0xFFFFu) + FileBytes;
}
