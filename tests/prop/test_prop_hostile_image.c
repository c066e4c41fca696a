/* SPDX-License-Identifier: MIT */
/*
 * test_prop_hostile_image.c - broken copies of the seed image are refused, or keep all promises.
 */
#include "tests/unit/image_oracle.h"
#include "tests/unit/seed_image.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static void CheckPromises(const UCHAR *File, SIZE_T Bytes, IMAGE_ORACLE *Oracle)
{
    UCHAR *Copy = malloc(Bytes != 0 ? Bytes : 1); /* the sanitizer watches what follows it */
    const char *Broken;

    memcpy(Copy, File, Bytes);
    Broken = ImageOracle(Copy, Bytes, Oracle);
    free(Copy);
    CHECK_TEXT("all kept", Broken == NULL ? "all kept" : Broken);
}

TEST(Prop_image_seed_goes_all_the_way)
{
    UCHAR File[SEED_IMAGE_BYTES];
    IMAGE_ORACLE Oracle;

    SeedImage(File);
    CheckPromises(File, sizeof(File), &Oracle);
    CHECK(Oracle.Described && Oracle.Mapped && Oracle.Relocated);
    CHECK_EQUAL(3, Oracle.Exports);
    CHECK_EQUAL(3, Oracle.Imports);
}

TEST(Prop_image_every_length_of_the_seed_is_refused_or_described)
{
    UCHAR File[SEED_IMAGE_BYTES];
    IMAGE_ORACLE Oracle;
    SIZE_T Bytes;

    SeedImage(File);
    for (Bytes = 0; Bytes <= SEED_IMAGE_BYTES; Bytes++) {
        CheckPromises(File, Bytes, &Oracle);
        CHECK_EQUAL(Bytes == SEED_IMAGE_BYTES, Oracle.Described);
    }
}

TEST(Prop_image_hostile_images_are_refused_or_keep_all_promises)
{
    uint64_t State = TestSeed();
    uint64_t Rounds = TestRounds(10000);
    uint64_t Total = Rounds;
    uint64_t Described = 0;
    uint64_t Relocated = 0;
    IMAGE_ORACLE Oracle;
    UCHAR File[SEED_IMAGE_BYTES];

    while (Rounds-- != 0) {
        SeedImage(File);
        ImageBreak(File, sizeof(File), TestRandom, &State);
        CheckPromises(File, sizeof(File) - (TestRandom(&State) % 16 == 0 ? 0x200 : 0), &Oracle);
        Described += Oracle.Described;
        Relocated += Oracle.Relocated;
    }
    CHECK(Described > Total / 10 && Described < Total); /* both ways were really taken */
    CHECK(Relocated > Total / 20 && Relocated < Described);
    TestCountOperations(Total, 1);
}
