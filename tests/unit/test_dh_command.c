/* SPDX-License-Identifier: MIT */
/*
 * test_dh_command.c - !dh: headers as WinDbg prints them, whatever they say.
 */
#include "nt/image.h"
#include "tests/unit/command_bench.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/seed_image.h"

#include <string.h>

static PUCHAR Image;

static void Begin(void)
{
    PopulatedStart();
    Image = ExAllocatePoolWithTag(NonPagedPool, 2 * PAGE_SIZE, TAG_A);
    memset(Image, 0, 2 * PAGE_SIZE);
    SeedImage(Image);
}

static void End(void)
{
    ExFreePoolWithTag(Image, TAG_A);
    PopulatedFinish();
}

TEST(Dh_prints_what_the_file_headers_say)
{
    const char *Shown;

    Begin();
    ((IMAGE_FILE_HEADER *)(void *)(Image + SEED_IMAGE_FILE))->TimeDateStamp = 0x41107EC3;
    Shown = Command("!dh -f %x", Number(Image));
    CHECK_SHOWS("File Type: EXECUTABLE IMAGE\nFILE HEADER VALUES\n     14C machine (i386)\n"
                "       5 number of sections\n41107EC3 time date stamp Wed Aug 04 06:14:27 2004\n",
                Shown);
    CHECK_SHOWS("      E0 size of optional header\n", Shown);
    CHECK_SHOWS("            Executable\n", Shown);
    CHECK_SHOWS("OPTIONAL HEADER VALUES\n     10B magic #\n", Shown);
    CHECK_SHOWS("    1010 address of entry point\n", Shown);
    CHECK_SHOWS("         ----- new -----\n00400000 image base\n    1000 section alignment\n"
                "     200 file alignment\n",
                Shown);
    CHECK_SHOWS("    6000 [      2C] address [size] of Base Relocation Directory\n", Shown);
    CHECK(strstr(Shown, "SECTION HEADER") == NULL);
    End();
}

TEST(Dh_prints_each_section)
{
    const char *Shown;

    Begin();
    Shown = Command("!dh -s %x", Number(Image));
    CHECK(strstr(Shown, "FILE HEADER") == NULL);
    CHECK_SHOWS("SECTION HEADER #1\n   .text name\n", Shown);
    CHECK_SHOWS("    1000 virtual address\n     400 size of raw data\n"
                "     400 file pointer to raw data\n",
                Shown);
    CHECK_SHOWS("            Code\n            Execute Read \n", Shown);
    CHECK_SHOWS("SECTION HEADER #5\n  .reloc name\n", Shown);
    CHECK_SHOWS("SECTION HEADER #1\n", Command("!dh %x", Number(Image)));
    CHECK_SHOWS("File Type: DLL\n",
                (((IMAGE_FILE_HEADER *)(void *)(Image + SEED_IMAGE_FILE))->Characteristics |=
                 IMAGE_FILE_DLL,
                 Command("!dh %x -f", Number(Image))));
    CHECK_SHOWS("FILE HEADER VALUES\n", Command("!dh -a %x", Number(Image)));
    Image[SEED_IMAGE_SECTION(SEED_IMAGE_TEXT)] = 0x1B; /* would change a terminal */
    CHECK_SHOWS("#1\n   .text name\n", Command("!dh -s %x", Number(Image)));
    End();
}

TEST(Dh_says_what_is_wrong)
{
    Begin();
    CHECK_SHOWS("address of an image is needed", Command("!dh"));
    CHECK_SHOWS("The options are", Command("!dh -x %x", Number(Image)));
    CHECK_SHOWS("The options are", Command("!dh - %x", Number(Image)));
    CHECK_SHOWS("is more than this command takes", Command("!dh %x 5", Number(Image)));
    CHECK_SHOWS("00000000 is not in memory.", Command("!dh 0"));
    CHECK_SHOWS("is not in memory.", Command("!dh fffffff0"));
    CHECK_SHOWS("No image begins at", Command("!dh %x", Number(Image) + 2));
    End();
}

/* Headers that lead out of what is mapped, and back to the front of the address space. */
TEST(Dh_follows_no_number_out_of_memory)
{
    static const ULONG Far[] = {0x0FFFFFFC, 0x10000000, 0x7FFFFFFF, 0xFFFFFFFF, 0x1FF0};
    PIMAGE_DOS_HEADER Dos;
    ULONG i;

    Begin();
    Dos = (PIMAGE_DOS_HEADER)(PVOID)Image;
    for (i = 0; i < RTL_NUMBER_OF(Far); i++) {
        Dos->e_lfanew = (LONG)Far[i];
        CHECK_SHOWS("No image begins at", Command("!dh %x", Number(Image)));
    }
    Dos->e_lfanew = SEED_IMAGE_NT;
    for (i = 0; i < SEED_IMAGE_TABLE + 0x40; i++) {
        UCHAR Was = Image[i];

        Image[i] = 0xFF;
        (void)Command("!dh %x", Number(Image));
        Image[i] = Was;
    }
    ((IMAGE_FILE_HEADER *)(void *)(Image + SEED_IMAGE_FILE))->NumberOfSections = 0xFFFF;
    CHECK_SHOWS("65535 sections are more than an image can have; the first 96:\n",
                Command("!dh -s %x", Number(Image)));
    End();
}
