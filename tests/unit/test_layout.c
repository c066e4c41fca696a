/* SPDX-License-Identifier: MIT */
/*
 * test_layout.c - the layout by the documented rules, corrections, and the check's teeth.
 */
#include "mm/sysva/layout.h"

#include "mm/pfn/pfn.h"
#include "nt/bugcodes.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"
#include "user_half.h"

#include <string.h>

#define KB              1024u
#define MB              (1024u * KB)
#define PAGES_OF(RamMb) ((RamMb)*256u)

static LOADER_REGISTRY_VALUE Values[8];
static ULONG ValueCount;
static char LastName[LOADER_REGISTRY_NAME_BYTES];
static ULONG LastGiven;
static ULONG LastUsed;
static ULONG Complaints;
static ULONG_PTR RangeStart = MI_USUAL_RANGE_START; /* of the layouts to come */

static void Complain(PVOID Context, const char *Name, const char *Unit, ULONG Given, ULONG Used,
                     const char *Reason)
{
    CHECK(Context == Values);
    CHECK(Unit != NULL && Reason != NULL);
    strncpy(LastName, Name, sizeof(LastName) - 1);
    LastGiven = Given;
    LastUsed = Used;
    Complaints++;
}

static void Set(const char *Name, ULONG Dword)
{
    LOADER_REGISTRY_VALUE *Value = &Values[ValueCount++];

    memset(Value, 0, sizeof(*Value));
    strncpy(Value->Name, Name, sizeof(Value->Name) - 1);
    Value->Type = LOADER_REG_DWORD;
    Value->Dword = Dword;
}

static BOOLEAN High; /* as with /3GB */

static MI_LAYOUT Compute(ULONG RamMb, ULONG ScreenBytes)
{
    MI_LAYOUT_INPUT Input = {
        .RamPages = PAGES_OF(RamMb),
        .HighestFrame = PAGES_OF(RamMb) - 1,
        .FramebufferBytes = ScreenBytes,
        .RangeStart = RangeStart,
        .KernelStart = High ? LOADER_HIGH_BASE : LOADER_WINDOW_BASE,
        .Values = Values,
        .ValueCount = ValueCount,
        .Complain = Complain,
        .Context = Values,
    };
    MI_LAYOUT Layout = MiComputeLayout(&Input);

    MiVerifyLayout(&Layout);
    return Layout;
}

/* A layout with one value, or none. */
static MI_LAYOUT ComputeWith(ULONG RamMb, const char *Name, ULONG Dword)
{
    ValueCount = 0;
    Complaints = 0;
    if (Name != NULL) {
        Set(Name, Dword);
    }
    return Compute(RamMb, 16 * MB);
}

/* The same with /3GB. */
static MI_LAYOUT ComputeHigh(ULONG_PTR Border, ULONG RamMb, const char *Name, ULONG Dword)
{
    MI_LAYOUT Layout;

    RangeStart = Border;
    High = TRUE;
    Layout = ComputeWith(RamMb, Name, Dword);
    RangeStart = MI_USUAL_RANGE_START;
    High = FALSE;
    return Layout;
}

static void ExpectComplaint(const char *Name, ULONG Given, ULONG Used)
{
    CHECK_EQUAL(1, Complaints);
    CHECK_TEXT(Name, LastName);
    CHECK_EQUAL(Given, LastGiven);
    CHECK_EQUAL(Used, LastUsed);
}

TEST(ComputeLayout_follows_the_published_example_of_32_MB)
{
    MI_LAYOUT Layout = ComputeWith(32, NULL, 0);

    CHECK_EQUAL(256 * KB + 28 * 32 * KB, Layout.Region[MiRegionInitialPool].Bytes);
    CHECK_EQUAL(MB + 28 * 400 * KB, Layout.MaximumNonPagedPoolBytes);
    CHECK_EQUAL(24 * MB, Layout.Region[MiRegionPagedPool].Bytes);
    CHECK_EQUAL((128 + 4 * 64) * MB, Layout.Region[MiRegionSystemCache].Bytes);
    CHECK_EQUAL(4 * 32 * MB, Layout.Region[MiRegionSystemPtes].Bytes);
    CHECK_EQUAL(0, Layout.Region[MiRegionCacheExtension].Bytes);
    CHECK_EQUAL(20 * MB, Layout.SessionViewBytes);
    CHECK_EQUAL(4 * MB, Layout.SessionPoolBytes);
    CHECK_EQUAL(0, Complaints);
}

TEST(ComputeLayout_reaches_the_documented_maxima_with_1_GB)
{
    MI_LAYOUT Layout = ComputeWith(1024, NULL, 0);

    CHECK_EQUAL(256 * KB + 1020 * 32 * KB, Layout.Region[MiRegionInitialPool].Bytes);
    CHECK_EQUAL(128 * MB, Layout.MaximumNonPagedPoolBytes);
    CHECK_EQUAL(192 * MB, Layout.Region[MiRegionPagedPool].Bytes);
    CHECK_EQUAL(512 * MB, Layout.Region[MiRegionSystemCache].Bytes);
    CHECK_EQUAL(0xC1000000, Layout.Region[MiRegionSystemCache].Start);
    CHECK_EQUAL(0xED000000, Layout.Region[MiRegionSystemPtes].Start);
}

TEST(ComputeLayout_sizes_the_database_by_the_highest_frame)
{
    MI_LAYOUT Layout = ComputeWith(4096, NULL, 0);

    CHECK_EQUAL(0x81000000, Layout.Region[MiRegionPfnDatabase].Start);
    CHECK_EQUAL(24 * MB, Layout.Region[MiRegionPfnDatabase].Bytes);
    CHECK_EQUAL(0x82800000, Layout.Region[MiRegionInitialPool].Start);
    CHECK_EQUAL(256 * KB + 4092 * 32 * KB, Layout.Region[MiRegionInitialPool].Bytes);
    CHECK_EQUAL(64 * KB, Layout.Region[MiRegionPoolExpansion].Bytes);
}

TEST(ComputeLayout_gives_a_large_cache_its_extension)
{
    MI_LAYOUT Layout = ComputeWith(256, "LargeSystemCache", 1);

    CHECK_EQUAL(512 * MB, Layout.Region[MiRegionSystemCache].Bytes);
    CHECK_EQUAL(0xA2000000, Layout.Region[MiRegionCacheExtension].Start);
    CHECK_EQUAL(448 * MB, Layout.Region[MiRegionCacheExtension].Bytes);
    ComputeWith(256, "LargeSystemCache", 7);
    ExpectComplaint("LargeSystemCache", 7, 1);
}

TEST(ComputeLayout_puts_the_kernel_above_C0000000_with_3GB)
{
    MI_LAYOUT Layout = ComputeHigh(0xC0000000, 256, NULL, 0);

    CHECK_EQUAL(0xD0000000, Layout.Region[MiRegionKernel].Start);
    CHECK_EQUAL(0xD1000000, Layout.Region[MiRegionPfnDatabase].Start);
    CHECK_EQUAL(0xC1000000, Layout.Region[MiRegionSystemCache].Start);
    CHECK_EQUAL(240 * MB, Layout.Region[MiRegionSystemCache].Bytes);
    CHECK_EQUAL(0xDF000000, Layout.Region[MiRegionSession].Start);
    CHECK_EQUAL(0xE1000000, Layout.Region[MiRegionPagedPool].Start);
    CHECK_EQUAL(0, Layout.Region[MiRegionCacheExtension].Bytes);
}

TEST(ComputeLayout_fits_4_GB_of_RAM_with_3GB)
{
    MI_LAYOUT Layout = ComputeHigh(0xC0000000, 4096, "NonPagedPoolSize", 256 * MB);

    CHECK_EQUAL(24 * MB, Layout.Region[MiRegionPfnDatabase].Bytes);
    CHECK_EQUAL(128 * MB, Layout.MaximumNonPagedPoolBytes);
    CHECK_EQUAL(128 * MB - 64 * KB, Layout.Region[MiRegionInitialPool].Bytes);
    CHECK_EQUAL(56 * MB, Layout.Region[MiRegionDrivers].Bytes);
    CHECK_EQUAL(0xDE000000, Layout.Region[MiRegionSystemViews].Start);
    ExpectComplaint("NonPagedPoolSize", 256 * MB, 128 * MB - 64 * KB);
}

TEST(ComputeLayout_gives_system_ptes_what_USERVA_leaves)
{
    MI_LAYOUT Layout = ComputeHigh(0xA0000000, 1024, NULL, 0);

    CHECK_EQUAL(0xBE000000, Layout.Region[MiRegionSession].Start);
    CHECK_EQUAL(0xA0000000, Layout.Region[MiRegionSystemPtes].Start);
    CHECK_EQUAL(480 * MB, Layout.Region[MiRegionSystemPtes].Bytes);
    Layout = ComputeHigh(0xA0000000, 256, "LargeSystemCache", 1);
    CHECK_EQUAL(240 * MB, Layout.Region[MiRegionSystemCache].Bytes);
    CHECK_EQUAL(0xA0000000, Layout.Region[MiRegionCacheExtension].Start);
    CHECK_EQUAL(480 * MB, Layout.Region[MiRegionCacheExtension].Bytes);
}

TEST(ComputeLayout_moves_system_ptes_that_are_many)
{
    MI_LAYOUT Layout = ComputeWith(256, "SystemPages", 0xFFFFFFFF);

    CHECK_EQUAL(0xA2000000, Layout.Region[MiRegionSystemPtes].Start);
    CHECK_EQUAL(448 * MB, Layout.Region[MiRegionSystemPtes].Bytes);
    CHECK_EQUAL(0, Complaints);
    Layout = ComputeWith(256, "SystemPages", 20000);
    CHECK_EQUAL(80 * MB, Layout.Region[MiRegionSystemPtes].Bytes);
    ComputeWith(256, "SystemPages", 200000);
    ExpectComplaint("SystemPages", 200000, 448 * 256);
    ComputeWith(256, "SystemPages", 10);
    ExpectComplaint("SystemPages", 10, 4096);
}

TEST(ComputeLayout_corrects_pool_sizes_and_names_them)
{
    MI_LAYOUT Layout = ComputeWith(64, "NonPagedPoolSize", 2 * MB);

    CHECK_EQUAL(2 * MB, Layout.Region[MiRegionInitialPool].Bytes);
    CHECK_EQUAL(0, Complaints);
    ComputeWith(64, "NonPagedPoolSize", 63 * MB);
    ExpectComplaint("NonPagedPoolSize", 63 * MB, PAGES_OF(64) / 5 * 4 * PAGE_SIZE);
    ComputeWith(64, "NonPagedPoolSize", 1);
    ExpectComplaint("NonPagedPoolSize", 1, 256 * KB);
    ComputeWith(2048, "NonPagedPoolSize", 0xFFFFFFFF);
    ExpectComplaint("NonPagedPoolSize", 0xFFFFFFFF, 256 * MB - 64 * KB);
    Layout = ComputeWith(64, "PagedPoolSize", 5 * MB);
    CHECK_EQUAL(8 * MB, Layout.Region[MiRegionPagedPool].Bytes);
    CHECK_EQUAL(0, Complaints);
    ComputeWith(64, "PagedPoolSize", 0x20000000);
    CHECK_EQUAL(1, Complaints);
    CHECK_TEXT("PagedPoolSize", LastName);
    Layout = ComputeWith(64, "PagedPoolSize", 0xFFFFFFFF);
    CHECK_EQUAL(0, Complaints);
    CHECK(Layout.Region[MiRegionPagedPool].Bytes >= 400 * MB);
}

TEST(ComputeLayout_obeys_the_limits)
{
    MI_LAYOUT Layout = ComputeWith(512, "NonPagedPoolLimit", 30);

    CHECK_EQUAL(32 * MB, Layout.MaximumNonPagedPoolBytes);
    Layout = ComputeWith(512, "PagedPoolLimit", 50);
    CHECK_EQUAL(52 * MB, Layout.Region[MiRegionPagedPool].Bytes);
    Layout = ComputeWith(512, "SystemCacheLimit", 100);
    CHECK_EQUAL(100 * MB, Layout.Region[MiRegionSystemCache].Bytes);
    Layout = ComputeWith(512, "SystemPtesLimit", 17);
    CHECK_EQUAL(20 * MB, Layout.Region[MiRegionSystemPtes].Bytes);
    Layout = ComputeWith(512, "SessionSpaceLimit", 16);
    CHECK_EQUAL(12 * MB, Layout.SessionViewBytes);
    ComputeWith(512, "SystemCacheLimit", 4000);
    ExpectComplaint("SystemCacheLimit", 4000, 2048);
    ComputeWith(512, "SessionViewSize", 100);
    ExpectComplaint("SessionViewSize", 100, 24);
}

TEST(ComputeLayout_gives_views_of_sections_what_SystemViewSize_says)
{
    MI_LAYOUT Layout = ComputeWith(64, "SystemViewSize", 48);

    CHECK_EQUAL(0, Complaints);
    CHECK_EQUAL(48 * MB, Layout.Region[MiRegionSystemViews].Bytes);
    CHECK_EQUAL(0x9F000000, Layout.Region[MiRegionSystemViews].Start);
    CHECK_EQUAL(0x9F000000,
                Layout.Region[MiRegionDrivers].Start + Layout.Region[MiRegionDrivers].Bytes);
    Layout = ComputeWith(64, "SystemViewSize", 5);
    CHECK_EQUAL(8 * MB, Layout.Region[MiRegionSystemViews].Bytes); /* whole page tables */
    Layout = ComputeWith(64, "SystemViewSize", 2048);
    ExpectComplaint("SystemViewSize", 2048, 504);
    CHECK_EQUAL(16 * MB, Layout.Region[MiRegionDrivers].Bytes);
}

TEST(ComputeLayout_ignores_values_of_another_type)
{
    MI_LAYOUT Plain = ComputeWith(64, NULL, 0);
    MI_LAYOUT Layout;

    ValueCount = 0;
    Set("PagedPoolSize", 8 * MB);
    Values[0].Type = LOADER_REG_SZ;
    Layout = Compute(64, 16 * MB);
    CHECK_EQUAL(0, memcmp(&Plain, &Layout, sizeof(Layout)));
}

static char Text[2048];

static void Sink(PVOID Context, const char *Piece, SIZE_T Bytes)
{
    (void)Context;
    strncat(Text, Piece, Bytes);
}

TEST(PrintLayout_prints_the_map_by_address)
{
    MI_LAYOUT Layout = ComputeWith(64, NULL, 0);

    Text[0] = 0;
    MiPrintLayout(&Layout, Sink, NULL);
    CHECK_TEXT("80000000 - 80FFFFFF      16 MB  kernel\n"
               "81000000 - 8105FFFF     384 KB  page-frame database\n"
               "81400000 - 8161FFFF    2176 KB  nonpaged pool, initial\n"
               "81800000 - A0FFFFFF     504 MB  drivers\n"
               "A1000000 - A1FFFFFF      16 MB  views of sections\n"
               "BE000000 - BFFFFFFF      32 MB  session space\n"
               "C0000000 - C03FFFFF       4 MB  page tables\n"
               "C0400000 - C07FFFFF       4 MB  hyperspace\n"
               "C0C00000 - C0FFFFFF       4 MB  system working-set lists\n"
               "C1000000 - E0FFFFFF     512 MB  system cache\n"
               "E1000000 - E43FFFFF      52 MB  paged pool\n"
               "E4400000 - F43FFFFF     256 MB  system PTEs\n"
               "FD1B0000 - FE7FFFFF   22848 KB  nonpaged pool, expansion\n"
               "FE800000 - FF7FFFFF      16 MB  framebuffer\n"
               "FFBE0000 - FFBFFFFF     128 KB  crash dump\n"
               "FFC00000 - FFFFFFFF       4 MB  HAL\n",
               Text);
}

static void Verify(PVOID Layout)
{
    MiVerifyLayout(Layout);
}

static void ExpectRefusal(MI_LAYOUT Layout)
{
    HostExpectBugCheck(MEMORY_MANAGEMENT, Verify, &Layout);
}

TEST(VerifyLayout_refuses_what_breaks_a_rule)
{
    MI_LAYOUT Good = ComputeWith(64, NULL, 0);
    MI_LAYOUT Bad;

    HostMachineCreate(16, TestSeed());
    Bad = Good;
    Bad.Region[MiRegionSystemPtes].Start -= MM_LARGE_PAGE; /* Y1: into the paged pool */
    ExpectRefusal(Bad);
    Bad = Good;
    Bad.Region[MiRegionSystemPtes].Start = Bad.Region[MiRegionPagedPool].Start; /* Y1 */
    ExpectRefusal(Bad);
    Bad = Good;
    Bad.Region[MiRegionSystemCache].Start += MM_LARGE_PAGE; /* Y2 */
    ExpectRefusal(Bad);
    Bad = Good;
    Bad.Region[MiRegionSystemViews].Bytes -= MM_LARGE_PAGE; /* Y2 */
    ExpectRefusal(Bad);
    Bad = Good;
    Bad.Region[MiRegionPagedPool].Bytes -= PAGE_SIZE; /* Y3 */
    ExpectRefusal(Bad);
    Bad = Good;
    Bad.MaximumNonPagedPoolBytes += PAGE_SIZE; /* Y4 */
    ExpectRefusal(Bad);
    Bad = Good;
    Bad.Region[MiRegionSystemPtes].Bytes = 0; /* Y5 */
    ExpectRefusal(Bad);
    HostMachineDelete();
}

static const char *const Names[] = {
    "PagedPoolSize",    "NonPagedPoolSize", "SystemPages",       "LargeSystemCache",
    "SessionViewSize",  "SessionPoolSize",  "NonPagedPoolLimit", "PagedPoolLimit",
    "SystemCacheLimit", "SystemPtesLimit",  "SessionSpaceLimit", "SystemViewSize",
};

static ULONG RandomDword(uint64_t *Random)
{
    static const ULONG Ends[] = {0, 1, 0xFFFFFFFF, 0x20000000, 0x20000001, 0x7FFFFFFF, 2048};

    if (TestRandom(Random) % 2) {
        return Ends[TestRandom(Random) % RTL_NUMBER_OF(Ends)];
    }
    return TestRandom(Random) >> (TestRandom(Random) % 32);
}

TEST(ComputeLayout_is_sound_for_any_memory_and_any_values)
{
    uint64_t Random = TestSeed();
    uint64_t Rounds = TestRounds(200000);
    uint64_t i;

    for (i = 0; i < Rounds; i++) {
        ULONG RamMb = 4 + TestRandom(&Random) % (TestRandom(&Random) % 2 ? 4093 : 64);
        ULONG n = TestRandom(&Random) % 6;

        for (ValueCount = 0; ValueCount < n;) {
            Set(Names[TestRandom(&Random) % RTL_NUMBER_OF(Names)], RandomDword(&Random));
        }
        High = TestRandom(&Random) % 2;
        if (High) {
            RangeStart += TestRandom(&Random) % 257 * MM_LARGE_PAGE;
        }
        Compute(RamMb, TestRandom(&Random) % (MI_FRAMEBUFFER_LIMIT + 1));
        RangeStart = MI_USUAL_RANGE_START;
    }
    High = FALSE;
}
