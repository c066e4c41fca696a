/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/paging/sector_skip.c: pages of images that begin inside a sector of 4,096 bytes.
 */
#include "mm/paging/sector_skip.h"

#include "mm/paging/in_page.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/prototype_pte.h"
#include "tests/unit/image_world.h"

#include <string.h>

#define BASE       ((PUCHAR)SEED_IMAGE_BASE)
#define LONG_PAGES 13 /* of .text: more than a fault reads */
#define LONG_BYTES (LONG_PAGES * PAGE_SIZE - 0x600)

static UCHAR Contents[(2 + LONG_PAGES) * PAGE_SIZE];

/* .text alone, as long as LONG_BYTES, from Offset in the file on; no byte is as the next one. */
static void MakeLong(ULONG Offset)
{
    IMAGE_NT_HEADERS32 *Nt = (IMAGE_NT_HEADERS32 *)(void *)(ImageFile + SEED_IMAGE_NT);
    IMAGE_SECTION_HEADER *Text =
        (IMAGE_SECTION_HEADER *)(void *)(ImageFile + SEED_IMAGE_SECTION(SEED_IMAGE_TEXT));
    ULONG i;

    SeedImage(ImageFile);
    Nt->FileHeader.NumberOfSections = 1;
    Nt->OptionalHeader.SizeOfImage = (1 + LONG_PAGES) * PAGE_SIZE;
    Text->PointerToRawData = Offset;
    Text->SizeOfRawData = LONG_BYTES;
    Text->Misc.VirtualSize = LONG_PAGES * PAGE_SIZE;
    ImageFileBytes = Offset + LONG_BYTES;
    for (i = 0; i < LONG_BYTES; i++) {
        ImageFile[Offset + i] = (UCHAR)(i * 7 + (i >> 8) * 13);
    }
    memset(Contents, 0, sizeof(Contents));
    memcpy(Contents + PAGE_SIZE, ImageFile + Offset, LONG_BYTES);
}

static BOOLEAN TextIsWhole(void)
{
    static UCHAR Page[PAGE_SIZE];
    BOOLEAN Whole = TRUE;
    ULONG i;

    for (i = 1; i <= LONG_PAGES; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, MmCopyFromUser(Page, BASE + i * PAGE_SIZE, PAGE_SIZE, NULL));
        Whole = Whole && memcmp(Page, Contents + i * PAGE_SIZE, PAGE_SIZE) == 0;
    }
    return Whole;
}

TEST(SectorSkip_an_image_has_its_contents_whatever_its_parts_begin_in)
{
    HANDLE File;
    PSECTION Section;

    ImageWorldStartOn(&IoWorldLarge);
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    CHECK(ImageWorldMap(Section, NULL, STATUS_SUCCESS) == BASE);
    ImageWorldContents(0, Contents);
    CHECK(ImageWorldHolds(BASE, Contents));
    NtWorldEnter(1); /* elsewhere: relocations are read, too */
    ImageWorldContents(0x00A00000, Contents);
    CHECK(ImageWorldHolds(ImageWorldMap(Section, BASE + 0x00A00000, STATUS_IMAGE_NOT_AT_BASE),
                          Contents));
    MiVerifyAll();
    FileSectionUnmap(BASE + 0x00A00000);
    NtWorldEnter(0);
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(SectorSkip_pages_are_read_together_with_their_neighbours_and_end_with_the_part)
{
    static const ULONG Offsets[] = {0x600, 0x800, 0x1000, 0x1E00};
    ULONG i;

    ImageWorldStartOn(&IoWorldLarge);
    for (i = 0; i < RTL_NUMBER_OF(Offsets); i++) {
        ULONG Reads = MiInPageCounters.Reads;
        HANDLE File;
        PSECTION Section;

        MakeLong(Offsets[i]);
        File = ImageWorldFile();
        Section = ImageWorldOpen(File);
        CHECK(ImageWorldMap(Section, NULL, STATUS_SUCCESS) == BASE);
        CHECK(TextIsWhole());
        CHECK_EQUAL(2, MiInPageCounters.Reads - Reads);
        MiVerifyAll();
        FileSectionUnmap(BASE);
        ObDereferenceObject(Section);
        NtWorldClose(File);
        MiReleaseFiles(NULL);
    }
    ImageWorldFinish();
}

/* The first frame is there, the second is not; then there are two, for one page of eight. */
TEST(SectorSkip_takes_a_frame_more_and_gives_it_back)
{
    HANDLE File;
    PSECTION Section;
    PMI_IN_PAGE Block;
    PFN_NUMBER Frame;
    ULONG Available;
    PMMPTE Proto;
    KIRQL OldIrql;

    MmWorldNextUnforced(); /* the prototype's page is there, and frames count */
    ImageWorldStartOn(&IoWorldLarge);
    MakeLong(0x600);
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    Proto = MiSectionPrototype(Section->Segment->ControlArea, 3);
    CHECK(MiTryPinPrototype(Proto));
    Available = MiAvailablePages;
    MiFailFrameAllocation = 2;
    CHECK_EQUAL(STATUS_NO_MEMORY, MiBeginInPage(Proto, 8, &Block));
    CHECK_EQUAL(0, MiFailFrameAllocation);
    CHECK_EQUAL(Available, MiAvailablePages);
    MiFailInPageBlock = 1;
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, MiBeginInPage(Proto, 8, &Block));
    CHECK_EQUAL(Available, MiAvailablePages);
    MiFailFrameAllocation = 3;
    CHECK_EQUAL(STATUS_SUCCESS, MiBeginInPage(Proto, 8, &Block));
    CHECK_EQUAL(1, Block->Pages);
    CHECK_EQUAL(Available - 2, MiAvailablePages);
    MiVerifyAll(); /* while it is read */
    CHECK_EQUAL(STATUS_SUCCESS, MiFinishInPage(Block, &Frame));
    CHECK_EQUAL(Available - 1, MiAvailablePages);
    OldIrql = MiLockPfn();
    MiDereferenceFrame(Frame);
    MiUnlockPfn(OldIrql);
    MiUnpinPrototype(Proto);
    MiVerifyAll();
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(SectorSkip_a_read_that_fails_gives_all_frames_back)
{
    HANDLE File;
    PSECTION Section;
    ULONG Available;
    UCHAR Byte;

    ImageWorldStartOn(&IoWorldLarge);
    MakeLong(0x600);
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    CHECK_EQUAL(0, FileSectionRead(BASE + 0x300)); /* page tables, and the header */
    Available = MiAvailablePages;
    IoDisk.FailFrom = 1;
    CHECK(!NT_SUCCESS(MmCopyFromUser(&Byte, BASE + 5 * PAGE_SIZE, 1, NULL)));
    IoDisk.FailFrom = 0;
    CHECK_EQUAL(Available, MiAvailablePages);
    MiVerifyAll();
    CHECK_EQUAL(Contents[5 * PAGE_SIZE], FileSectionRead(BASE + 5 * PAGE_SIZE));
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}
