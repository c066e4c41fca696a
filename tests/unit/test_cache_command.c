/* SPDX-License-Identifier: MIT */
/*
 * test_cache_command.c - !filecache and !defwrites, and the cache in !fileobj.
 */
#include "mm/cc/dirty.h"
#include "mm/cc/lazy_writer.h"
#include "tests/unit/command_bench.h"
#include "tests/unit/file_cache_world.h"

#include <string.h>

static PFILE_OBJECT File;

static void Start(void)
{
    FcWorldStart(&IoWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\some file", TRUE, &File));
}

static void Finish(void)
{
    IoCloseFile(File);
    FcWorldFinish();
}

static void Write(ULONG Bytes)
{
    memset(IoBuffer, 0x11, Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(File, 0, IoBuffer, Bytes));
}

TEST(Filecache_command_shows_what_is_cached_of_each_file)
{
    const char *Shown;
    ULONG Done;

    Start();
    Shown = Command("!filecache");
    CHECK_SHOWS(" 0 show something (peak 0), 0 in use\n", Shown);
    CHECK_SHOWS("\n0 files\n", Shown);
    Write(6 * PAGE_SIZE);
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 0, IoBuffer, PAGE_SIZE, &Done));
    Shown = Command("!filecache");
    CHECK_SHOWS(" 1 show something (peak 1), 0 in use\n", Shown);
    CHECK_SHOWS("Control   Valid Resident  Dirty Locked  Name\n", Shown);
    CHECK_SHOWS("     24       24     24      0  \\some file\n", Shown);
    CHECK_SHOWS("\n1 files\n", Shown);
    CHECK_EQUAL(6, CciLazyWriteRound());
    Shown = Command("!filecache 1");
    CHECK_SHOWS("     24       24      0      0  \\some file\n", Shown);
    CHECK_SHOWS("  from 0, 0 in use\n", Shown);
    FcWorldTrim();
    CHECK_SHOWS("      0        0      0      0  \\some file\n", Command("!filecache"));
    Finish();
}

static void NTAPI Post(PVOID Context1, PVOID Context2)
{
    (void)Context1;
    (void)Context2;
}

TEST(Defwrites_command_shows_who_waits)
{
    const char *Shown;

    Start();
    Write(20 * PAGE_SIZE);
    Shown = Command("!defwrites");
    CHECK_SHOWS("CcTotalDirtyPages:           20 (      80 Kb)\n", Shown);
    CHECK_SHOWS("Write throttles not engaged\n", Shown);
    CcSetSystemDirtyPageThreshold(16);
    CcDeferWrite(File, Post, NULL, NULL, 0x5000, FALSE);
    Shown = Command("!defwrites");
    CHECK_SHOWS("CcDirtyPageThreshold:        16 (      64 Kb)\n", Shown);
    CHECK_SHOWS("Write throttles engaged: 1 writers wait\n", Shown);
    CHECK_SHOWS(
        Text("  File: %08X  Bytes: 5000  the request is pending\n", (unsigned)(ULONG_PTR)File),
        Shown);
    CHECK(CciLazyWriteRound() != 0);
    CHECK_SHOWS("not engaged", Command("!defwrites"));
    Finish();
}

TEST(Fileobj_command_shows_the_cache)
{
    const char *Shown;

    Start();
    Write(10);
    Shown = Command("!fileobj %x", (unsigned)(ULONG_PTR)File);
    CHECK_SHOWS(Text("Cache Data:\n  Section Object Pointers: %08X\n",
                     (unsigned)(ULONG_PTR)File->SectionObjectPointer),
                Shown);
    CHECK_SHOWS(Text("Shared Cache Map: %08X  Private Cache Map: %08X\n",
                     (unsigned)(ULONG_PTR)File->SectionObjectPointer->SharedCacheMap,
                     (unsigned)(ULONG_PTR)File->PrivateCacheMap),
                Shown);
    Finish();
}

TEST(Commands_of_a_cache_that_was_not_started_say_so)
{
    PopulatedStart();
    CHECK_SHOWS("The system cache was not started.\n", Command("!filecache"));
    CHECK_SHOWS("The system cache was not started.\n", Command("!defwrites"));
    PopulatedFinish();
}
