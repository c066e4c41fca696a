/* SPDX-License-Identifier: MIT */
/*
 * test_paging_settings.c - mm/paging/settings.c and size.c: what PagingFiles asks for, and what a
 * file gets when the system decides.
 */
#include "mm/paging/paging_file.h"
#include "rtl.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#define MB MI_PAGES_IN_MB

static MI_PAGING_FILE_SETTING Settings[MAX_PAGE_FILES];

/* One value, and its strings behind it. */
static union {
    LOADER_REGISTRY_VALUE Value;
    char Space[4096];
} Module;

/* Lines is a list of strings as C has it: "one\0two\0", with the last zero of its own. */
static ULONG Read(const char *Lines, ULONG Bytes)
{
    memset(&Module, 0, sizeof(Module));
    memset(Settings, 0xCC, sizeof(Settings));
    HostConsoleClear();
    strcpy(Module.Value.Name, "PagingFiles");
    Module.Value.Type = LOADER_REG_MULTI_SZ;
    Module.Value.DataOffset = sizeof(Module.Value);
    Module.Value.DataBytes = Bytes;
    memcpy(Module.Space + sizeof(Module.Value), Lines, Bytes);
    return MiReadPagingSettings(&Module.Value, 1, Settings);
}

#define READ(Lines) Read(Lines, sizeof(Lines))

static void CheckSetting(ULONG Index, const char *Name, ULONG Minimum, ULONG Maximum)
{
    CHECK_TEXT(Name, Settings[Index].Name);
    CHECK_EQUAL(Minimum * MB, Settings[Index].MinimumPages);
    CHECK_EQUAL(Maximum * MB, Settings[Index].MaximumPages);
}

TEST(PagingFiles_absent_means_one_file_sized_by_the_system)
{
    CHECK_EQUAL(1, MiReadPagingSettings(NULL, 0, Settings));
    CheckSetting(0, "C:\\pagefile.sys", 0, 0);
    CHECK_TEXT("\\pagefile.sys", MiPagingFilePath(&Settings[0]));
}

TEST(PagingFiles_empty_means_none)
{
    CHECK_EQUAL(0, READ(""));
    CHECK_TEXT("", HostConsoleText());
}

TEST(PagingFiles_lists_paths_with_sizes)
{
    CHECK_EQUAL(5, READ("C:\\pagefile.sys 64 128\0c:\\a folder\\page file.sys  2   4095 \0"
                        "?:\\one.sys 0 0\0\\??\\C:\\two.sys 0x10 32\0C:\\three.sys\0"));
    CheckSetting(0, "C:\\pagefile.sys", 64, 128);
    CheckSetting(1, "C:\\a folder\\page file.sys", 2, 4095);
    CheckSetting(2, "C:\\one.sys", 0, 0);
    CheckSetting(3, "C:\\two.sys", 16, 32);
    CheckSetting(4, "C:\\three.sys", 0, 0);
    CHECK_TEXT("", HostConsoleText());
}

static void CheckLeftOut(const char *Line, const char *Problem)
{
    char Lines[512] = {0};
    char Sentence[512];
    ULONG Bytes = (ULONG)strlen(Line) + 1;

    memcpy(Lines, Line, Bytes);
    memcpy(Lines + Bytes, "C:\\good.sys 1 2", 16);
    CHECK_EQUAL(1, Read(Lines, Bytes + 17));
    CheckSetting(0, "C:\\good.sys", 1, 2);
    snprintf(Sentence, sizeof(Sentence), "system.reg: PagingFiles: \"%s\" is left out: %s.\n", Line,
             Problem);
    CHECK_TEXT(Sentence, HostConsoleText());
}

TEST(PagingFiles_names_each_line_that_makes_no_sense_and_takes_the_others)
{
    char Long[200] = "C:\\";

    memset(Long + 3, 'x', 125);
    CheckLeftOut("C:\\pagefile.sys 64", "there is one size, not two");
    CheckLeftOut("D:\\pagefile.sys 64 128", "there is no other volume than C:");
    CheckLeftOut("pagefile.sys 64 128", "its path does not begin like C:\\");
    CheckLeftOut("C:pagefile.sys 64 128", "its path does not begin like C:\\");
    CheckLeftOut("C:\\ 64 128", "its path does not begin like C:\\");
    CheckLeftOut("64 128", "there is one size, not two");
    CheckLeftOut("C:\\pagefile.sys 128 64", "its smallest size is above its largest");
    CheckLeftOut("C:\\pagefile.sys 0 64", "its smallest size is 0 MB");
    CheckLeftOut("C:\\pagefile.sys 64 4096", "a paging file has 4095 MB at most");
    CheckLeftOut("C:\\pagefile.sys 18446744073709551615 1", "a paging file has 4095 MB at most");
    CheckLeftOut(Long, "its path is too long");
    Long[127] = 0;
    CHECK_EQUAL(1, Read(Long, 129)); /* one less is not */
}

TEST(PagingFiles_of_more_than_16_lines_are_named_from_the_17th_on)
{
    char Lines[MAX_PAGE_FILES * 12 + 24];
    ULONG Bytes = 0;
    ULONG i;

    for (i = 0; i < MAX_PAGE_FILES + 1; i++) {
        Bytes += (ULONG)sprintf(Lines + Bytes, "C:\\%02u 1 2", (unsigned)i) + 1;
    }
    Lines[Bytes++] = 0;
    CHECK_EQUAL(MAX_PAGE_FILES, Read(Lines, Bytes));
    CheckSetting(15, "C:\\15", 1, 2);
    CHECK_TEXT("system.reg: PagingFiles: \"C:\\16 1 2\" is left out: there are 16 already.\n",
               HostConsoleText());
}

TEST(PagingFiles_cut_off_at_its_end_is_not_read_beyond)
{
    CHECK_EQUAL(1, Read("C:\\one 1 2\0C:\\two 1 2", 11 + 5)); /* no zero: no line */
    CHECK_EQUAL(0, Read("", 0));
}

/* ---- sizes ---- */

static ULONG Minimum;
static ULONG Maximum;

static NTSTATUS Size(ULONG RamMb, ULONG FileMb, ULONG VolumeMb, ULONG FreeMb)
{
    const MI_PAGING_ROOM Room = {
        .RamPages = RamMb * MB,
        .FilePages = FileMb * MB,
        .VolumeBytes = (ULONG64)VolumeMb << 20,
        .FreeBytes = (ULONG64)FreeMb << 20,
    };

    Minimum = Maximum = 0xCC;
    return MiSizePagingFile(&Room, &Minimum, &Maximum);
}

TEST(A_paging_file_is_RAM_and_a_quarter_and_grows_to_twice_that)
{
    CHECK_EQUAL(STATUS_SUCCESS, Size(64, 0, 8192, 8000));
    CHECK_EQUAL(80 * MB, Minimum);
    CHECK_EQUAL(160 * MB, Maximum);
    CHECK_EQUAL(STATUS_SUCCESS, Size(61, 0, 8192, 8000));
    CHECK_EQUAL(77 * MB, Minimum); /* 76.25 */
}

TEST(A_paging_file_leaves_a_sixteenth_of_the_volume_or_64_MB)
{
    CHECK_EQUAL(STATUS_SUCCESS, Size(256, 0, 512, 300));
    CHECK_EQUAL(268 * MB, Minimum); /* 300 - 512 / 16 */
    CHECK_EQUAL(268 * MB, Maximum);
    CHECK_EQUAL(STATUS_SUCCESS, Size(256, 100, 512, 200)); /* what the file has already counts */
    CHECK_EQUAL(268 * MB, Minimum);
    CHECK_EQUAL(STATUS_SUCCESS, Size(256, 0, 4096, 300));
    CHECK_EQUAL(236 * MB, Minimum);
}

TEST(A_paging_file_has_4095_MB_at_most)
{
    CHECK_EQUAL(STATUS_SUCCESS, Size(3500, 0, 65536, 60000));
    CHECK_EQUAL(4095 * MB, Minimum);
    CHECK_EQUAL(4095 * MB, Maximum);
}

TEST(A_volume_that_is_nearly_full_has_no_room_for_a_paging_file)
{
    CHECK_EQUAL(STATUS_SUCCESS, Size(64, 0, 160, 11));
    CHECK_EQUAL(1 * MB, Minimum);
    CHECK_EQUAL(STATUS_DISK_FULL, Size(64, 0, 160, 10));
    CHECK_EQUAL(0xCC, Minimum);
}
