/* SPDX-License-Identifier: MIT */
/*
 * test_boot_files.c - the paging files at the start: what is made, what is said, what is reported.
 */
#include "mm/paging/paging_file.h"
#include "mm_machine.h"

#include "disk/volume/boot_volume_i.h"
#include "ex.h"
#include "tests/unit/paging_world.h"

#include <string.h>

static union {
    LOADER_REGISTRY_VALUE Value;
    char Space[1024];
} Module;

static BOOLEAN Said(const char *Text)
{
    return strstr(HostConsoleText(), Text) != NULL;
}

/* Lines is a list of strings, Bytes with both zeros; NULL: the value is absent. */
static void CreateFiles(const char *Lines, ULONG Bytes)
{
    HostConsoleClear();
    MiForgetPagingFiles();
    if (Lines == NULL) {
        MmCreatePagingFiles(IoVolume, NULL, 0);
        return;
    }
    memset(&Module, 0, sizeof(Module));
    strcpy(Module.Value.Name, "PagingFiles");
    Module.Value.Type = LOADER_REG_MULTI_SZ;
    Module.Value.DataOffset = sizeof(Module.Value);
    Module.Value.DataBytes = Bytes;
    memcpy(Module.Space + sizeof(Module.Value), Lines, Bytes);
    MmCreatePagingFiles(IoVolume, &Module.Value, 1);
}

#define CREATE_FILES(Lines) CreateFiles(Lines, sizeof(Lines))

static void Finish(void)
{
    PagingWorldEmptyFiles();
    MiClosePagingFiles();
    IoWorldFinish();
}

TEST(The_start_makes_the_paging_files_of_the_settings_and_names_what_is_wrong)
{
    IoWorldStart(&IoWorldFat16, 1);
    CREATE_FILES("C:\\one.sys 1 2\0D:\\two.sys 1 2\0C:\\no\\three.sys 1 2\0C:\\four.sys 2 2\0"
                 "C:\\five.sys 99 99\0C:\\ONE.sys 1 1\0");
    CHECK_EQUAL(2, MmNumberOfPagingFiles);
    CHECK(Said(
        "Page file  C:\\one.sys: 1 MB, at most 2 MB, in 1 run from sector 75 of simulated; new\n"));
    CHECK(Said("system.reg: PagingFiles: \"D:\\two.sys 1 2\" is left out"));
    CHECK(Said(
        "Page file  C:\\no\\three.sys is not used: its folder does not exist (status c000003a)"));
    CHECK(Said("Page file  C:\\four.sys: 2 MB, at most 2 MB, in 1 run from sector"));
    CHECK(Said(
        "Page file  C:\\five.sys is not used: the volume has no room for it (status c000007f)"));
    CHECK(Said("Page file  C:\\ONE.sys is not used: it is in use already (status c0000043)"));
    HostConsoleClear();
    MiReportPaging();
    CHECK(Said(
        "paging file C:\\one.sys: 80 of 256 slots written and read back by 5 and 5 requests, 0 "
        "wrong"));
    CHECK(Said("paging file C:\\four.sys: 80 of 512 slots"));
    Finish();
}

TEST(The_start_sizes_a_paging_file_by_the_memory_and_the_volume_and_keeps_it)
{
    IoWorldStart(&IoWorldFat16, 1); /* 16 MB of RAM, a volume of 8400 KB */
    CreateFiles(NULL, 0);
    CHECK(Said("Page file  C:\\pagefile.sys: 7 MB, at most 7 MB, in 1 run from"));
    CHECK(Said("; new\n"));
    MiClosePagingFiles();
    CreateFiles(NULL, 0);
    CHECK(Said("Page file  C:\\pagefile.sys: 7 MB, at most 7 MB, in 1 run from"));
    CHECK(Said("; kept\n"));
    MiClosePagingFiles();
    CREATE_FILES("C:\\pagefile.sys 2 3\0");
    CHECK(Said("C:\\pagefile.sys: 2 MB, at most 3 MB") && Said("; shorter\n"));
    MiClosePagingFiles();
    CREATE_FILES("C:\\pagefile.sys 4 4\0");
    CHECK(Said("C:\\pagefile.sys: 4 MB, at most 4 MB") && Said("; longer\n"));
    Finish();
}

TEST(The_start_without_a_volume_or_with_none_wanted_says_so)
{
    IoWorldStart(&IoWorldFat16, 0);
    CREATE_FILES("");
    CHECK(Said("Page file  none: nothing can be paged out\n"));
    HostConsoleClear();
    MiForgetPagingFiles();
    MmCreatePagingFiles(NULL, NULL, 0);
    CHECK(Said("Page file  none, as there is no volume: nothing can be paged out\n"));
    HostConsoleClear();
    DiskForgetBootVolume();
    MiReportPaging();
    CHECK(
        Said("# paging files: none; a modified page has nowhere to go, it stays in memory\n"
             "# sections: pages are not sent to a paging file, there is none that can be used\n"));
    CHECK(Said("\n# pageable code: none; the kernel is resident\n"));
    Finish();
}

TEST(The_start_says_that_a_read_only_volume_takes_no_paging_file)
{
    IoWorldStart(&IoWorldFat16, 0);
    IoDisk.Device.ReadOnly = TRUE;
    CreateFiles(NULL, 0);
    CHECK(Said(
        "Page file  C:\\pagefile.sys is not used: nothing may be written to the volume (status "
        "c00000a2)\n"));
    IoDisk.Device.ReadOnly = FALSE;
    Finish();
}
