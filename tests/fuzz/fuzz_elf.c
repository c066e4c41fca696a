/* SPDX-License-Identifier: MIT */
/*
 * fuzz_elf.c - any bytes as a kernel: refused with a reason, or laid out and moved in its pages.
 *
 * When byte 0 is odd, the input is a list of changes to the seed image: triples of an offset (two
 * bytes) and a value, so that the fuzzer need not find the format first.
 */
#include "efi/elf_move.h"
#include "tests/unit/seed_elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size);

static void Require(BOOLEAN Condition)
{
    if (!Condition) {
        __builtin_trap();
    }
}

static void CheckImage(const void *File, SIZE_T Bytes, PBL_ELF_IMAGE Image)
{
    static UCHAR Target[SEED_ELF_END - SEED_ELF_BASE];
    const char *Reason = NULL;
    ULONG Base = Image->BaseVa;
    ULONG Index;

    Require(Image->Pages != 0 && Image->Pages * PAGE_SIZE <= sizeof(Target));
    Require(Image->SegmentCount != 0 && Image->SegmentCount <= BL_ELF_SEGMENTS);
    for (Index = 0; Index < Image->SegmentCount; Index++) {
        const BL_ELF_SEGMENT *Segment = &Image->Segments[Index];

        Require((ULONG64)Segment->FileOffset + Segment->FileBytes <= Bytes);
        Require(!Segment->Write || !Segment->Execute);
        Require(Segment->Write ==
                BlElfPageIsWritable(Image, (Segment->Va - Image->BaseVa) / PAGE_SIZE));
    }
    BlCopyElf(File, Image, Target + sizeof(Target) - Image->Pages * PAGE_SIZE);
    if (NT_SUCCESS(BlMoveElf(File, Bytes, PAGE_SIZE,
                             Target + sizeof(Target) - Image->Pages * PAGE_SIZE, Image, &Reason))) {
        Require(Image->BaseVa == Base + PAGE_SIZE);
    } else {
        Require(Reason != NULL && Image->BaseVa == Base);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    static UCHAR File[SEED_MOVABLE_BYTES];
    const char *Reason = NULL;
    BL_ELF_IMAGE Image;
    SIZE_T Index;

    if (Size != 0 && Data[0] % 2 != 0) {
        SeedMovableElf(File);
        for (Index = 1; Index + 3 <= Size; Index += 3) {
            File[(Data[Index] | Data[Index + 1] << 8) % SEED_MOVABLE_BYTES] = Data[Index + 2];
        }
        Data = File;
        Size = SEED_MOVABLE_BYTES;
    }
    if (NT_SUCCESS(BlCheckElf(Data, Size, SEED_ELF_BASE, SEED_ELF_END, &Image, &Reason))) {
        CheckImage(Data, Size, &Image);
    } else {
        Require(Reason != NULL);
    }
    return 0;
}
