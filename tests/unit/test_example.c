/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/inspect/example.c: what it makes is what the commands show.
 */
#include "example.h"

#include "mm/pfn/frame.h"
#include "mm/session/session.h"
#include "mm/space/space_verify.h"
#include "tests/unit/command_bench.h"
#include "tests/unit/file_section_world.h"
#include "verify.h"

#include <stdlib.h>
#include <string.h>

#define FILE_BYTES 300000u

/* The address that stands behind a word of what example prints. */
static unsigned AddressBehind(const char *Word)
{
    const char *Found = strstr(Command("example"), Word);

    CHECK(Found != NULL);
    return (unsigned)strtoul(Found + strlen(Word), NULL, 16);
}

static void Start(void)
{
    PFILE_OBJECT File;

    FileSectionStartCached();
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\hyperspace.elf", FILE_CREATE, 0, &File));
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, FILE_BYTES));
    IoCloseFile(File);
}

TEST(Example_has_something_for_each_command)
{
    const char *Shown;

    Start();
    Shown = Command("example");
    CHECK(strstr(Shown, "status") == NULL);
    CHECK_SHOWS("To look at: processes writer ", Shown);
    Shown = Command(".process %x", AddressBehind("writer "));
    Shown = Command("!vad");
    CHECK_SHOWS("     17  Private  ReadWrite\n", Shown);
    CHECK_SHOWS("Mapped   ReadWrite  Pagefile section, shared commit 10\n", Shown);
    CHECK_SHOWS("Mapped   ReadOnly  \\hyperspace.elf\n", Shown);
    CHECK_EQUAL(1 + 8 + 16 + 64, NumberBehind(Command("!process -1 1"), "WorkingSetSize"));
    CHECK_SHOWS("with 3 entries in use", Command("!handle"));
    Shown = Command("!address -f:MEM_COMMIT");
    CHECK_SHOWS("PAGE_READWRITE|PAGE_GUARD", Shown);
    Command(".process %x", AddressBehind("reader "));
    CHECK_SHOWS("16  Mapped   WriteCopy", Command("!vad"));
    CHECK_SHOWS("\\hyperspace.elf\n1 files\n", Command("!filecache"));
    CHECK_SHOWS("3 control areas", Command("!ca"));
    CHECK_SHOWS("Valid Sessions: 0\n", Command("!session"));
    CHECK_SHOWS("PagedPool 1 allocations, 16384 bytes", Command("!sprocess 0"));
    MiVerifyAll();
    Command("example end");
    FileSectionFinishCached();
}

TEST(Example_ends_also_when_somebody_looks_at_it)
{
    ULONG Processes;

    Start();
    Processes = MiCountProcessCharges();
    Command(".process %x", AddressBehind("writer "));
    CHECK(AddressBehind("writer ") == Number(PsGetCurrentProcess()));
    CHECK_SHOWS("have ended", Command("example end"));
    CHECK(strstr(Command("!process 0 0"), "writer") == NULL);
    CHECK_SHOWS("have ended", Command("example end"));
    CHECK_EQUAL(Processes, MiCountProcessCharges());
    CHECK_EQUAL(0, MiCountSessionCharges());
    CHECK_SHOWS("To look at", Command("example"));
    CHECK_SHOWS("example, or example end", Command("example x"));
    Command("example end");
    FileSectionFinishCached();
}

TEST(Example_says_which_parts_cannot_be_made)
{
    const char *Shown;

    FileSectionStartCached();
    Shown = Command("example");
    CHECK_SHOWS("example: a view of C:\\hyperspace.elf: status C0000034\n", Shown);
    CHECK_SHOWS("example: C:\\hyperspace.elf, cached: status C0000034\n", Shown);
    CHECK_SHOWS("To look at: processes writer ", Shown);
    Command("example end");
    MiFailFrameAllocation = 2;
    CHECK_SHOWS("example: its processes cannot be made, status C00", Command("example"));
    MiFailFrameAllocation = 0;
    CHECK_EQUAL(0, MiCountSessionCharges());
    FileSectionFinishCached();
}
