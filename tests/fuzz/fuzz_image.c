/* SPDX-License-Identifier: MIT */
/*
 * fuzz_image.c - any bytes as an image: refused with a documented status, or all promises of
 * tests/unit/image_oracle.h are kept.
 *
 * When byte 0 is odd, the input is a list of changes to the seed image: triples of an offset (two
 * bytes) and a value, so that the fuzzer need not find the format first.
 */
#include "tests/unit/image_oracle.h"
#include "tests/unit/seed_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size);

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    static UCHAR File[SEED_IMAGE_BYTES];
    IMAGE_ORACLE Oracle;
    SIZE_T Index;

    if (Size != 0 && Data[0] % 2 != 0) {
        SeedImage(File);
        for (Index = 1; Index + 3 <= Size; Index += 3) {
            File[(Data[Index] | Data[Index + 1] << 8) % SEED_IMAGE_BYTES] = Data[Index + 2];
        }
        Data = File;
        Size = SEED_IMAGE_BYTES;
    }
    if (ImageOracle(Data, Size, &Oracle) != NULL) {
        __builtin_trap();
    }
    return 0;
}
