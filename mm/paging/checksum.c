/* SPDX-License-Identifier: MIT */
/*
 * checksum.c - CRC32C of pages, and a place for it for each slot of a paging file.
 *
 * Castagnoli's polynomial 1EDC6F41, reflected, inverted at both ends (RFC 3720, B.4).  Where the
 * processor has an instruction for it a page costs 1,100 of them.  Else there are tables, for eight
 * bytes a step: MipTables[k][b] is what byte b does to the sum when k more bytes follow it; a page
 * costs 13,000.
 *
 * Locking: none; the tables are fixed, a slot's checksum belongs to who owns the slot.
 */
#include "mm/paging/slots.h"

#include "arch/crc32c.h"
#include "mm/paging/slot_memory.h"
#include "mm/sysva/hyperspace.h"
#include "rtl.h"

#define MIP_POLYNOMIAL 0x82F63B78u /* reflected */
#define MIP_AT_ONCE    8u

static ULONG MipTables[MIP_AT_ONCE][256]; /* (I) */
static BOOLEAN MipHasInstruction;         /* (I) */

static void MipMakeTables(void)
{
    ULONG Byte;
    ULONG k;

    for (Byte = 0; Byte < 256; Byte++) {
        ULONG Crc = Byte;

        for (k = 0; k < 8; k++) {
            Crc = Crc >> 1 ^ ((Crc & 1) != 0 ? MIP_POLYNOMIAL : 0);
        }
        MipTables[0][Byte] = Crc;
    }
    for (Byte = 0; Byte < 256; Byte++) {
        for (k = 1; k < MIP_AT_ONCE; k++) {
            ULONG Before = MipTables[k - 1][Byte];

            MipTables[k][Byte] = Before >> 8 ^ MipTables[0][Before & 255];
        }
    }
}

void MiInitializeChecksums(void)
{
    MipMakeTables();
    MipHasInstruction = ArchHasCrc32c();
}

/* => Four bytes, anywhere.  The built-in: a call for each word costs more than the sum. */
static ULONG MipLoad(const UCHAR *At)
{
    ULONG Word;

    __builtin_memcpy(&Word, At, sizeof(Word));
    return Word;
}

ULONG MiChecksumByTables(ULONG Crc, const void *Data, SIZE_T Bytes)
{
    const UCHAR *At = Data;

    Crc = ~Crc;
    for (; Bytes >= MIP_AT_ONCE; Bytes -= MIP_AT_ONCE, At += MIP_AT_ONCE) {
        ULONG Next = MipLoad(At + 4);

        Crc ^= MipLoad(At);
        Crc = MipTables[7][Crc & 255] ^ MipTables[6][Crc >> 8 & 255] ^
              MipTables[5][Crc >> 16 & 255] ^ MipTables[4][Crc >> 24] ^ MipTables[3][Next & 255] ^
              MipTables[2][Next >> 8 & 255] ^ MipTables[1][Next >> 16 & 255] ^
              MipTables[0][Next >> 24];
    }
    for (; Bytes != 0; Bytes--) {
        Crc = Crc >> 8 ^ MipTables[0][(Crc ^ *At++) & 255];
    }
    return ~Crc;
}

ULONG MiChecksumByInstruction(ULONG Crc, const void *Data, SIZE_T Bytes)
{
    const UCHAR *At = Data;

    Crc = ~Crc;
    for (; Bytes >= ARCH_CRC32C_BLOCK; Bytes -= ARCH_CRC32C_BLOCK, At += ARCH_CRC32C_BLOCK) {
        Crc = ArchCrc32cBlock(Crc, At);
    }
    for (; Bytes != 0; Bytes--) {
        Crc = ArchCrc32cByte(Crc, *At++);
    }
    return ~Crc;
}

ULONG MiChecksum(ULONG Crc, const void *Data, SIZE_T Bytes)
{
    return MipHasInstruction ? MiChecksumByInstruction(Crc, Data, Bytes)
                             : MiChecksumByTables(Crc, Data, Bytes);
}

ULONG MiPageChecksum(PFN_NUMBER Frame)
{
    KIRQL OldIrql;
    PVOID Va = MiMapFrameInHyperspace(Frame, &OldIrql);
    ULONG Checksum = MiChecksum(0, Va, PAGE_SIZE);

    MiUnmapFrameInHyperspace(Va, OldIrql);
    return Checksum;
}

/* => Where the slot's checksum is. */
static PULONG MipPlace(ULONG File, ULONG Slot)
{
    const MMPAGING_FILE *Paging = MmPagingFile[File];

    MI_ASSERT(File < MmNumberOfPagingFiles && Slot != 0 && Slot < Paging->Size);
    return &Paging->Checksums[Slot / MI_CHECKSUMS_IN_PAGE][Slot % MI_CHECKSUMS_IN_PAGE];
}

void MiSetSlotChecksum(ULONG File, ULONG Slot, ULONG Checksum)
{
    *MipPlace(File, Slot) = Checksum;
}

ULONG MiSlotChecksum(ULONG File, ULONG Slot)
{
    return *MipPlace(File, Slot);
}
