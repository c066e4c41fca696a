/* SPDX-License-Identifier: MIT */
/*
 * test_user_regions.c - !address -f: -o: and -summary (user_summary.c): regions of the user half.
 */
#include "tests/unit/command_bench.h"
#include "tests/unit/section_world.h"

#include <string.h>

#define AT 0x20000000u

/*
 *     20000000  committed, read-write     20003000  committed, guard
 *     20004000  reserved                  20010000  free
 */
static PSECTION Section;
static ULONG_PTR View;

static void Begin(void)
{
    PVOID Base = (PVOID)AT;
    SIZE_T Bytes = 0x10000;
    ULONG Old;

    SpaceStart();
    CHECK_EQUAL(STATUS_SUCCESS, NtAllocateVirtualMemory(NtCurrentProcess(), &Base, 0, &Bytes,
                                                        MEM_RESERVE, PAGE_READWRITE));
    Bytes = 0x4000;
    CHECK_EQUAL(STATUS_SUCCESS, NtAllocateVirtualMemory(NtCurrentProcess(), &Base, 0, &Bytes,
                                                        MEM_COMMIT, PAGE_READWRITE));
    Base = (PVOID)(AT + 0x3000);
    Bytes = PAGE_SIZE;
    CHECK_EQUAL(STATUS_SUCCESS, NtProtectVirtualMemory(NtCurrentProcess(), &Base, &Bytes,
                                                       PAGE_READONLY | PAGE_GUARD, &Old));
    Section = SectionMake(20, SEC_COMMIT, PAGE_READWRITE);
    View = SectionMap(Section, PAGE_READONLY);
}

static void End(void)
{
    SectionUnmap(View);
    ObDereferenceObject(Section);
    SpaceFinish();
}

TEST(Address_lists_the_regions_that_pass_all_filters)
{
    const char *Shown;

    Begin();
    Shown = Command("!address -f:VAR,MEM_COMMIT");
    CHECK_SHOWS("20000000 20003000     3000 MEM_PRIVATE MEM_COMMIT  "
                "PAGE_READWRITE                    VAR\n",
                Shown);
    CHECK_SHOWS("20003000 20004000     1000 MEM_PRIVATE MEM_COMMIT  "
                "PAGE_READONLY|PAGE_GUARD          VAR\n",
                Shown);
    CHECK(strstr(Shown, "MEM_RESERVE") == NULL && strstr(Shown, "MEM_FREE") == NULL);
    CHECK(strstr(Shown, "FileMap") == NULL);
    Shown = Command("!address -f:mem_reserve"); /* in whatever case */
    CHECK_SHOWS("20004000 20010000     c000 MEM_PRIVATE MEM_RESERVE ", Shown);
    CHECK_EQUAL(2, LineCount(Shown));
    Shown = Command("!address -f:FileMap,Free"); /* one or the other */
    CHECK_SHOWS(
        Text("%8x %8x    14000 MEM_MAPPED  MEM_COMMIT  PAGE_READONLY                     FileMap\n",
             (ULONG)View, (ULONG)View + 0x14000),
        Shown);
    CHECK_SHOWS("20010000 ", Shown);
    CHECK_SHOWS("MEM_FREE    PAGE_NOACCESS                     Free\n", Shown);
    CHECK_EQUAL(2, LineCount(Command("!address -f:PAGE_GUARD")));
    End();
}

TEST(Address_prints_regions_for_other_programs)
{
    Begin();
    CHECK_TEXT("\"BaseAddress\",\"EndAddress+1\",\"RegionSize\",\"Type\",\"State\",\"Protect\","
               "\"Usage\"\n\"0x20003000\",\"0x20004000\",\"0x1000\",\"MEM_PRIVATE\","
               "\"MEM_COMMIT\",\"PAGE_READONLY|PAGE_GUARD\",\"VAR\"\n",
               Command("!address -f:PAGE_GUARD -o:csv"));
    CHECK_SHOWS("0x20004000\t0x20010000\t0xc000\tMEM_PRIVATE\tMEM_RESERVE\t\tVAR\n",
                Command("!address -o:tsv -f:MEM_RESERVE"));
    CHECK_TEXT("0x20003000\n", Command("!address -f:PAGE_GUARD -o:1"));
    End();
}

TEST(Address_says_what_options_there_are)
{
    Begin();
    CHECK_SHOWS("\"Heap\" is no filter", Command("!address -f:Heap"));
    CHECK_SHOWS("\"\" is no filter", Command("!address -f:VAR,"));
    CHECK_SHOWS("Options are", Command("!address -f:"));
    CHECK_SHOWS("Options are", Command("!address -o:xml"));
    CHECK_SHOWS("Options are", Command("!address -summary 5"));
    CHECK_SHOWS("Options are", Command("!address -"));
    End();
}

TEST(Address_sums_regions_by_usage_type_state_and_protection)
{
    const char *Shown;

    Begin();
    Shown = Command("!address -summary");
    CHECK_SHOWS("--- Usage Summary", Shown);
    CHECK_SHOWS("--- Type Summary", Shown);
    CHECK_SHOWS("MEM_PRIVATE                                    3      10000 (  64.000 kB)   "
                "44.44%    0.00%\n",
                Shown);
    CHECK_SHOWS("MEM_MAPPED                                     1      14000 (  80.000 kB)   "
                "55.55%    0.00%\n",
                Shown);
    CHECK_SHOWS("MEM_RESERVE                                    1       c000 (  48.000 kB)   "
                "33.33%    0.00%\n",
                Shown);
    CHECK_SHOWS("PAGE_READONLY         |PAGE_GUARD              1       1000 (   4.000 kB)", Shown);
    CHECK_SHOWS("(   1.999 GB)            99.99%\n", Shown);
    CHECK_SHOWS("VAR                                    20004000      c000 (  48.000 kB)\n", Shown);
    Shown = Command("!address -summary -f:MEM_MAPPED");
    CHECK(strstr(Shown, "MEM_PRIVATE") == NULL);
    CHECK_SHOWS("55.55%", Shown);
    End();
}
