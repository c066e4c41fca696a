/* SPDX-License-Identifier: MIT */
/*
 * test_checksum.c - mm/paging/checksum.c: known sums, pages, the places of slots.
 */
#include "arch/crc32c.h"
#include "ex.h"
#include "mm/paging/slot_memory.h"
#include "mm/paging/slots.h"
#include "mm/pfn/frame.h"
#include "mm/sysva/hyperspace.h"
#include "tests/unit/paging_world.h"

#include <string.h>

/* Published sums. */
static void CheckKnownSums(ULONG (*Checksum)(ULONG Crc, const void *Data, SIZE_T Bytes))
{
    UCHAR Bytes[48];
    ULONG i;

    CHECK_EQUAL(0xE3069283u, Checksum(0, "123456789", 9)); /* the check value of the catalogue */
    memset(Bytes, 0, 32);
    CHECK_EQUAL(0x8A9136AAu, Checksum(0, Bytes, 32)); /* RFC 3720, B.4 */
    memset(Bytes, 0xFF, 32);
    CHECK_EQUAL(0x62A8AB43u, Checksum(0, Bytes, 32));
    for (i = 0; i < 32; i++) {
        Bytes[i] = (UCHAR)i;
    }
    CHECK_EQUAL(0x46DD794Eu, Checksum(0, Bytes, 32));
}

TEST(Checksum_is_crc32c)
{
    MmWorldStart(2048);
    CheckKnownSums(MiChecksum);
    CheckKnownSums(MiChecksumByTables);
    MmWorldFinish();
}

/* Fails on a machine without it: there is none to be compared. */
TEST(The_instruction_gives_the_same_checksum_as_the_tables)
{
    UCHAR Bytes[3 * ARCH_CRC32C_BLOCK + 64];
    ULONG First;
    ULONG Count;

    CHECK(ArchHasCrc32c());
    MmWorldStart(2048);
    CheckKnownSums(MiChecksumByInstruction);
    for (First = 0; First < sizeof(Bytes); First++) {
        Bytes[First] = (UCHAR)(First * 89 >> 1);
    }
    for (First = 0; First < 8; First++) {
        for (Count = 0; Count <= sizeof(Bytes) - First; Count++) {
            CHECK_EQUAL(MiChecksumByTables(First * 7, Bytes + First, Count),
                        MiChecksumByInstruction(First * 7, Bytes + First, Count));
        }
    }
    MmWorldFinish();
}

TEST(Checksum_goes_on_where_it_stopped)
{
    static const char Text[] = "The quick brown fox jumps over the lazy dog";
    ULONG Cut;

    MmWorldStart(2048);
    for (Cut = 0; Cut < sizeof(Text); Cut++) {
        CHECK_EQUAL(MiChecksum(0, Text, sizeof(Text)),
                    MiChecksum(MiChecksum(0, Text, Cut), Text + Cut, sizeof(Text) - Cut));
    }
    MmWorldFinish();
}

TEST(Page_checksum_sees_each_bit_of_the_frame)
{
    PFN_NUMBER Frame;
    ULONG Before;
    ULONG Byte;
    KIRQL OldIrql;
    PUCHAR Va;

    MmWorldStart(2048);
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameZeroed, 0, &Frame));
    Before = MiPageChecksum(Frame);
    CHECK_EQUAL(0x98F94189u, Before); /* of 4096 zeroes */
    for (Byte = 0; Byte < PAGE_SIZE; Byte += 97) {
        Va = MiMapFrameInHyperspace(Frame, &OldIrql);
        Va[Byte] ^= 1u << Byte % 8;
        MiUnmapFrameInHyperspace(Va, OldIrql);
        CHECK(MiPageChecksum(Frame) != Before);
        Va = MiMapFrameInHyperspace(Frame, &OldIrql);
        Va[Byte] ^= 1u << Byte % 8;
        MiUnmapFrameInHyperspace(Va, OldIrql);
    }
    CHECK_EQUAL(Before, MiPageChecksum(Frame));
    MiFreeFrame(Frame);
    MmWorldFinish();
}

TEST(Each_slot_has_a_checksum_of_its_own)
{
    ULONG Slot;

    PagingWorldStartWith(0, 5, 5);
    for (Slot = 1; Slot < MmPagingFile[0]->Size; Slot++) {
        MiSetSlotChecksum(0, Slot, Slot * 3);
    }
    for (Slot = 1; Slot < MmPagingFile[0]->Size; Slot++) {
        CHECK_EQUAL(Slot * 3, MiSlotChecksum(0, Slot));
    }
    PagingWorldFinish();
}
