/* SPDX-License-Identifier: MIT */
/*
 * slot_memory.h - what slots.c, slot_memory.c and checksum.c share.
 */
#ifndef MM_PAGING_SLOT_MEMORY_H
#define MM_PAGING_SLOT_MEMORY_H

#include "nt/types.h"

#define MI_SLOT_TAG          0x6C53694Du /* 'MiSl' */
#define MI_CHECKSUMS_IN_PAGE (PAGE_SIZE / sizeof(ULONG))

/* => Pages of checksums that Size slots take. */
static inline ULONG MiChecksumPages(PFN_NUMBER Size)
{
    return (ULONG)((Size + MI_CHECKSUMS_IN_PAGE - 1) / MI_CHECKSUMS_IN_PAGE);
}

/* => Once a machine. */
void MiInitializeChecksums(void);

/* The two ways of MiChecksum, which takes the second where there is one.  => ArchHasCrc32c. */
ULONG MiChecksumByTables(ULONG Crc, const void *Data, SIZE_T Bytes);
ULONG MiChecksumByInstruction(ULONG Crc, const void *Data, SIZE_T Bytes);

#endif
