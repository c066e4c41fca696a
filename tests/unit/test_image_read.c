/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/image_read.c: bytes of an image's file.
 */
#include "mm/pool/pool_inject.h"
#include "tests/unit/image_world.h"

#include <string.h>

TEST(ImageRead_reads_bytes_of_the_file_over_pages)
{
    PFILE_OBJECT Object;
    HANDLE File;

    ImageWorldStart();
    ImageFileBytes = 0x3100;
    memset(ImageFile + SEED_IMAGE_BYTES, 0x5A, ImageFileBytes - SEED_IMAGE_BYTES);
    File = ImageWorldFile();
    Object = NtWorldFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, MiReadImageFile(Object, 0, IoBuffer, ImageFileBytes));
    CHECK(memcmp(IoBuffer, ImageFile, ImageFileBytes) == 0);
    CHECK_EQUAL(STATUS_SUCCESS, MiReadImageFile(Object, 0xFFF, IoBuffer, 0x1002));
    CHECK(memcmp(IoBuffer, ImageFile + 0xFFF, 0x1002) == 0);
    IoBuffer[1] = 0xEE;
    CHECK_EQUAL(STATUS_SUCCESS, MiReadImageFile(Object, 0x1FFF, IoBuffer, 1));
    CHECK_EQUAL(0xEE, IoBuffer[1]);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageRead_says_why_it_cannot)
{
    PFILE_OBJECT Object;
    HANDLE File;

    ImageWorldStart();
    File = ImageWorldFile();
    Object = NtWorldFile(File);
    CHECK_EQUAL(STATUS_END_OF_FILE, MiReadImageFile(Object, 0x10000, IoBuffer, 1));
    MiFailPoolAllocation(1);
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, MiReadImageFile(Object, 0, IoBuffer, 1));
    MiFailPoolAllocation(0);
    IoDisk.FailAt[DiskRead] = 1;
    CHECK(!NT_SUCCESS(MiReadImageFile(Object, 0, IoBuffer, 1)));
    CHECK_EQUAL(STATUS_SUCCESS, MiReadImageFile(Object, 0, IoBuffer, 1));
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageRead_reads_the_image_by_address_with_its_zeroes)
{
    static UCHAR Contents[SEED_IMAGE_PAGES * PAGE_SIZE];
    PCONTROL_AREA Area;
    PSECTION Section;
    HANDLE File;
    ULONG Rva;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    Area = Section->Segment->ControlArea;
    ImageWorldContents(0, Contents);
    CHECK_EQUAL(STATUS_SUCCESS, MiReadImage(Area, 0, IoBuffer, sizeof(Contents)));
    CHECK(memcmp(IoBuffer, Contents, sizeof(Contents)) == 0);
    for (Rva = 1; Rva + 0x1500 < sizeof(Contents); Rva += 0x3FF) {
        CHECK_EQUAL(STATUS_SUCCESS, MiReadImage(Area, Rva, IoBuffer, 0x1500));
        CHECK(memcmp(IoBuffer, Contents + Rva, 0x1500) == 0);
    }
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}
