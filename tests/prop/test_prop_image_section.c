/* SPDX-License-Identifier: MIT */
/*
 * test_prop_image_section.c - sections of broken copies of the seed image: refused with a status,
 * or what the pure functions make of the file, at its base and elsewhere.
 */
#include "tests/unit/image_oracle.h"
#include "tests/unit/image_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST 0x10000u /* bytes of an image that are compared */

typedef struct _TALLY {
    ULONG Refused;
    ULONG Mapped;
    ULONG Moved;
} TALLY;

/* => All that can be read is as it should be. */
static void Compare(const UCHAR *View, const UCHAR *Contents, ULONG Bytes)
{
    UCHAR Page[PAGE_SIZE];
    ULONG Rva;

    for (Rva = 0; Rva < Bytes; Rva += PAGE_SIZE) {
        NTSTATUS Status = MmCopyFromUser(Page, View + Rva, PAGE_SIZE, NULL);
        MEMORY_BASIC_INFORMATION Found = ImageWorldQuery(View + Rva);

        CHECK_EQUAL(NT_SUCCESS(Status),
                    Found.State == MEM_COMMIT && Found.Protect != PAGE_NOACCESS);
        CHECK(!NT_SUCCESS(Status) || memcmp(Page, Contents + Rva, PAGE_SIZE) == 0);
    }
}

/* Wherever Base says, if it may be there. */
static BOOLEAN TryView(PSECTION Section, PUCHAR Wanted, const UCHAR *Plain)
{
    const MI_IMAGE *Image = &Section->Segment->Image->Image;
    PVOID Base = Wanted;
    NTSTATUS Status = ImageWorldTryMap(Section, &Base);
    ULONG Delta;

    if (!NT_SUCCESS(Status)) {
        CHECK(Status == STATUS_CONFLICTING_ADDRESSES || Status == STATUS_INVALID_IMAGE_FORMAT ||
              Status == STATUS_INVALID_PARAMETER_3 || Status == STATUS_INVALID_VIEW_SIZE ||
              Status == STATUS_NO_MEMORY);
        return FALSE;
    }
    Delta = (ULONG)(ULONG_PTR)Base - Image->ImageBase;
    CHECK(Image->Machine != IMAGE_FILE_MACHINE_I386 || (Delta == 0) == (Status == STATUS_SUCCESS));
    if (Image->ImageBytes <= LARGEST) {
        UCHAR *Contents = malloc(Image->ImageBytes);

        memcpy(Contents, Plain, Image->ImageBytes);
        if (Delta != 0 && Image->Directories[IMAGE_DIRECTORY_ENTRY_BASERELOC].Size != 0) {
            ImageWorldContents(Delta, Contents);
        }
        Compare(Base, Contents, Image->ImageBytes);
        free(Contents);
    }
    MiVerifyAll();
    FileSectionUnmap(Base);
    return TRUE;
}

static void TryImage(TALLY *Tally)
{
    static UCHAR Plain[LARGEST];
    HANDLE File = ImageWorldFile();
    PSECTION Section;
    NTSTATUS Status = ImageWorldTryOpen(File, &Section);

    if (NT_SUCCESS(Status)) {
        if (Section->Segment->Image->Image.ImageBytes <= LARGEST) {
            ImageWorldContents(0, Plain);
        }
        Tally->Mapped += TryView(Section, NULL, Plain);
        Tally->Moved += TryView(Section, (PUCHAR)0x12340000u, Plain);
        ObDereferenceObject(Section);
    } else {
        CHECK(Status == STATUS_INSUFFICIENT_RESOURCES || Status == STATUS_COMMITMENT_LIMIT ||
              (Status >= STATUS_INVALID_IMAGE_NE_FORMAT && Status <= STATUS_INVALID_IMAGE_WIN_16) ||
              Status == STATUS_INVALID_IMAGE_WIN_64 || Status == STATUS_INVALID_IMAGE_FORMAT);
        Tally->Refused++;
    }
    NtWorldClose(File);
    MiVerifyAll();
}

/* => On a disk with these sectors. */
static void BreakImages(const SEED_FAT *Fat)
{
    uint64_t State = TestSeed();
    uint64_t Rounds = TestRounds(150);
    TALLY Tally = {.Refused = 0};

    ImageWorldStartOn(Fat);
    while (Rounds-- != 0) {
        SeedImage(ImageFile);
        if (Rounds % 3 != 0) {
            ImageBreak(ImageFile, ImageFileBytes, TestRandom, &State);
        }
        TryImage(&Tally);
    }
    printf("# %u images refused, %u mapped, %u moved\n", (unsigned)Tally.Refused,
           (unsigned)Tally.Mapped, (unsigned)Tally.Moved);
    CHECK(Tally.Refused != 0 && Tally.Mapped != 0 && Tally.Moved != 0);
    ImageWorldFinish();
}

TEST(Prop_image_section_is_refused_or_what_the_file_says)
{
    BreakImages(&IoWorldFat12);
    BreakImages(&IoWorldLarge);
}
