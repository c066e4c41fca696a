/* SPDX-License-Identifier: MIT */
/*
 * layout.c - the documented map of the system half, and how its sizes follow from RAM.
 *
 *     80000000  boot window, kernel image                      fixed (loader.h)
 *     81000000  page-frame database                            one MMPFN a frame
 *               initial nonpaged pool                          NonPagedPoolSize
 *               drivers                                        16 MB or more
 *               views of sections                              SystemViewSize; up to A2000000
 *     A2000000  more system cache, or more system PTEs         up to 448 MB
 *     BE000000  session space (session_space.h)                32 MB
 *     C0000000  page tables
 *     C0400000  hyperspace, the process' working-set list
 *     C0C00000  working-set lists of the system
 *     C1000000  system cache                                   up to 512 MB
 *     E1000000  paged pool                                     PagedPoolSize
 *               system PTEs                                    SystemPages
 *               nonpaged pool, expansion                       up to the framebuffer, or FFBE0000
 *               framebuffer                                    ends at FF800000
 *     FFBE0000  crash dump
 *     FFC00000  HAL
 *
 * Sizes without a value in system.reg (RAM in MB; the first three lines are documented):
 *
 *     nonpaged pool, initial   256 KB + (RAM - 4) * 32 KB
 *     nonpaged pool, maximum   1 MB + (RAM - 4) * 400 KB, at most 128 MB, at least 16 pages more
 *                              than the initial part
 *     paged pool               twice that maximum, at most 192 MB
 *     system cache             128 MB + (RAM - 16) / 4 * 64 MB, at most 512 MB; with
 *                              LargeSystemCache at most 960 MB, if paged pool is no larger than
 *                              192 MB
 *     system PTEs              four for each frame of RAM, at least 4,096, as far as there is room
 *
 * With /3GB the system half begins at C0000000, or where /USERVA says.  What lies at 80000000 moves
 * into the upper half of the system cache, and everything fits up to 4 GB of RAM:
 *
 *     ........  more system PTEs, or more system cache         from /USERVA's border to BE000000
 *     BE000000  session space                                  if the border is not above it
 *     C1000000  system cache                                   up to 240 MB
 *     D0000000  boot window, kernel image, as at 80000000
 *     D1000000  page-frame database, initial nonpaged pool, drivers (52 MB or more), views of
 *               sections, which end at DF000000
 *     DF000000  session space, unless it is at BE000000
 *
 * and nonpaged pool is 128 MB at most, as documented.
 *
 * When the last three regions do not fit behind E1000000, the paged pool shrinks first, then the
 * expansion.  System PTEs that ask for more than is left there (SystemPages) lie at A2000000.
 *
 * Invariants (MiVerifyLayout):
 *   Y1  regions are whole pages, in the system half, and do not overlap
 *   Y2  the regions that are fixed lie where they are documented; views of sections end where the
 *       regions begin that the diagrams show behind them
 *   Y3  regions that share no page table with others begin and end at 4 MB
 *   Y4  both parts of nonpaged pool together are its maximum; the expansion has 16 pages or more
 *   Y5  paged pool, system PTEs and system cache exist; session views and pool fit in the session
 */
#include "mm/sysva/layout.h"

#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/pfn/pfn.h"

#define KB                    1024u
#define MB                    (1024u * 1024u)
#define MIP_TABLE             MM_LARGE_PAGE /* bytes that one page table maps */
#define MIP_KERNEL_BYTES      (LOADER_KERNEL_END - LOADER_WINDOW_BASE)

#define MIP_EXTENSION_START   0xA2000000u
#define MIP_VIEW_BYTES        (16 * MB) /* NT's default */
#define MIP_LEAST_DRIVERS     (16 * MB)
#define MIP_SESSION_START     0xBE000000u
#define MIP_HIGH_SESSION      (MIP_PAGED_START - MIP_SESSION_BYTES)
#define MIP_SESSION_BYTES     (32 * MB)
#define MIP_SESSION_IMAGE     (4 * MB) /* of the session, at least: its structures, images */
#define MIP_HYPERSPACE        0xC0400000u
#define MIP_WORKING_SET_START 0xC0C00000u
#define MIP_CACHE_START       0xC1000000u
#define MIP_PAGED_START       0xE1000000u
#define MIP_DUMP_START        0xFFBE0000u

#define MIP_CACHE_BYTES       (MIP_PAGED_START - MIP_CACHE_START)
#define MIP_LARGE_CACHE       (960 * MB)
#define MIP_LARGE_CACHE_PAGED (192 * MB)
#define MIP_LEAST_CACHE       (64 * MB)
#define MIP_LEAST_POOL        (256 * KB)
#define MIP_MOST_POOL         (256 * MB) /* architectural limit of XP and 2003 */
#define MIP_USUAL_POOL        (128 * MB) /* and the limit with /3GB */
#define MIP_LEAST_EXPANSION   (16 * PAGE_SIZE)
#define MIP_MOST_PAGED        0x20000000u
#define MIP_LEAST_PTES        4096u
#define MIP_AS_MUCH_AS_FITS   0xFFFFFFFFu
#define MIP_LIMIT_MB          2048u

NT_C_ASSERT(MIP_CACHE_BYTES + (MIP_SESSION_START - MIP_EXTENSION_START) == MIP_LARGE_CACHE);

MI_LAYOUT MiLayout;

/* ---- values of system.reg ---- */

ULONG MiRegistryNumber(const LOADER_REGISTRY_VALUE *Values, ULONG Count, const char *Name)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        if (Values[i].Type == LOADER_REG_DWORD &&
            RtlCompareText(Values[i].Name, Name, LOADER_REGISTRY_NAME_BYTES) == 0) {
            return Values[i].Dword;
        }
    }
    return 0;
}

static ULONG MipValue(const MI_LAYOUT_INPUT *Input, const char *Name)
{
    return MiRegistryNumber(Input->Values, Input->ValueCount, Name);
}

static void MipComplain(const MI_LAYOUT_INPUT *Input, const char *Name, const char *Unit,
                        ULONG Given, ULONG Used, const char *Reason)
{
    if (Input->Complain != NULL) {
        Input->Complain(Input->Context, Name, Unit, Given, Used, Reason);
    }
}

/* => Returns Given within [Least, Most]. */
static ULONG MipClamp(const MI_LAYOUT_INPUT *Input, const char *Name, const char *Unit, ULONG Given,
                      ULONG Least, ULONG Most)
{
    if (Given < Least) {
        MipComplain(Input, Name, Unit, Given, Least, "the system cannot run with less");
        return Least;
    }
    if (Given > Most) {
        MipComplain(Input, Name, Unit, Given, Most, "this machine has no room for more");
        return Most;
    }
    return Given;
}

static ULONG MipMinimum(ULONG A, ULONG B)
{
    return A < B ? A : B;
}

static ULONG MipMaximum(ULONG A, ULONG B)
{
    return A > B ? A : B;
}

/* A ...Limit value, rounded to whole page tables as documented.  => Bytes; all ones: no limit. */
static ULONG MipLimit(const MI_LAYOUT_INPUT *Input, const char *Name, ULONG LeastMb)
{
    ULONG Given = MipValue(Input, Name);
    ULONG Used;

    if (Given == 0) {
        return MIP_AS_MUCH_AS_FITS;
    }
    Used = MipClamp(Input, Name, "MB", Given, LeastMb, MIP_LIMIT_MB);
    return ROUND_UP(Used * MB, MIP_TABLE);
}

/* ---- what /3GB changes ---- */

static BOOLEAN MipIsHigh(const MI_LAYOUT_INPUT *Input)
{
    return Input->KernelStart != LOADER_WINDOW_BASE;
}

static ULONG_PTR MipSessionStart(const MI_LAYOUT_INPUT *Input)
{
    return Input->RangeStart > MIP_SESSION_START ? MIP_HIGH_SESSION : MIP_SESSION_START;
}

/* What cache or system PTEs may have beside their own.  => 0 bytes: nothing. */
static MI_RANGE MipExtension(const MI_LAYOUT_INPUT *Input)
{
    ULONG_PTR Start = MipIsHigh(Input) ? Input->RangeStart : MIP_EXTENSION_START;
    MI_RANGE Range = {Start, Start < MIP_SESSION_START ? (ULONG)(MIP_SESSION_START - Start) : 0};

    return Range;
}

/* Of the cache, where it is documented to be. */
static ULONG MipCacheBytes(const MI_LAYOUT_INPUT *Input)
{
    return MipIsHigh(Input) ? (ULONG)(Input->KernelStart - MIP_CACHE_START) : MIP_CACHE_BYTES;
}

/* ---- sizes ---- */

typedef struct _MIP_SIZES {
    ULONG RamMb; /* at least 4: what the rules begin with */
    ULONG InitialPool;
    ULONG MaximumPool;
    ULONG Expansion;
    ULONG Paged;
    ULONG SystemPtes; /* bytes of addresses */
    ULONG Cache;
} MIP_SIZES, *PMIP_SIZES;

static void MipSizeNonPagedPool(const MI_LAYOUT_INPUT *Input, PMIP_SIZES Sizes)
{
    ULONG Limit = MipMinimum(MipLimit(Input, "NonPagedPoolLimit", 1),
                             MipIsHigh(Input) ? MIP_USUAL_POOL : MIP_MOST_POOL);
    ULONG Given = MipValue(Input, "NonPagedPoolSize");
    ULONG Beyond = Sizes->RamMb - 4;
    ULONG Most = MipMinimum(Limit - MIP_LEAST_EXPANSION,
                            ROUND_DOWN(Input->RamPages / 5 * 4 * PAGE_SIZE, PAGE_SIZE));

    if (Input->RamPages / 5 * 4 > Limit / PAGE_SIZE) {
        Most = Limit - MIP_LEAST_EXPANSION; /* 80 % of RAM, were it counted in bytes, may wrap */
    }
    Most = MipMaximum(Most, MIP_LEAST_POOL);
    if (Given != 0) {
        Given = MipClamp(Input, "NonPagedPoolSize", "bytes", Given, MIP_LEAST_POOL, Most);
    } else {
        Given = MipMinimum(MIP_LEAST_POOL + Beyond * 32 * KB, Most);
    }
    Sizes->InitialPool = ROUND_UP(Given, PAGE_SIZE);
    Sizes->MaximumPool =
        MipMinimum(Limit, MipMinimum(MB + MipMinimum(Beyond, 512) * 400 * KB, MIP_USUAL_POOL));
    Sizes->MaximumPool = MipMaximum(Sizes->MaximumPool, Sizes->InitialPool + MIP_LEAST_EXPANSION);
    Sizes->Expansion = Sizes->MaximumPool - Sizes->InitialPool;
}

static void MipSizePagedPool(const MI_LAYOUT_INPUT *Input, ULONG Room, PMIP_SIZES Sizes)
{
    ULONG Given = MipValue(Input, "PagedPoolSize");
    ULONG Usual =
        MipMinimum(2 * MipMinimum(Sizes->MaximumPool, MIP_USUAL_POOL), MIP_LARGE_CACHE_PAGED);
    ULONG Used = Given == 0 ? Usual : Given;

    if (Given != 0 && Given != MIP_AS_MUCH_AS_FITS) {
        Used =
            MipClamp(Input, "PagedPoolSize", "bytes", Given, 1, MipMinimum(Room, MIP_MOST_PAGED));
    }
    Used = MipMinimum(Used, MipMinimum(Room, MipLimit(Input, "PagedPoolLimit", 4)));
    Sizes->Paged = ROUND_UP(Used, MIP_TABLE);
}

static void MipSizeCache(const MI_LAYOUT_INPUT *Input, PMIP_SIZES Sizes)
{
    ULONG Steps = Sizes->RamMb < 16 ? 0 : MipMinimum((Sizes->RamMb - 16) / 4, 16);
    ULONG Large = MipValue(Input, "LargeSystemCache");
    ULONG Most = MipCacheBytes(Input);

    if (Large > 1) {
        MipComplain(Input, "LargeSystemCache", "", Large, 1, "it is 0 or 1");
    }
    if (Large != 0 && Sizes->Paged <= MIP_LARGE_CACHE_PAGED) {
        Most = MipMinimum(Most + MipExtension(Input).Bytes, MIP_LARGE_CACHE);
    }
    Sizes->Cache = MipMinimum(128 * MB + Steps * 64 * MB, Most);
    Sizes->Cache =
        MipMinimum(Sizes->Cache, MipLimit(Input, "SystemCacheLimit", MIP_LEAST_CACHE / MB));
}

/*
 * => Room: bytes behind the paged pool; Elsewhere: those of the extension, 0 when it has the cache.
 *    What /USERVA leaves to the system is there for system PTEs, as documented.
 */
static void MipSizeSystemPtes(const MI_LAYOUT_INPUT *Input, ULONG Room, ULONG Elsewhere,
                              PMIP_SIZES Sizes)
{
    ULONG Limit = MipLimit(Input, "SystemPtesLimit", MIP_LEAST_PTES * PAGE_SIZE / MB);
    ULONG Given = MipValue(Input, "SystemPages");
    ULONG Most = MipMinimum(MipMaximum(Room, Elsewhere), Limit);
    ULONG Used = Most / PAGE_SIZE;

    if (Given == 0) {
        Used = MipMinimum(MipMaximum(4 * Input->RamPages, MIP_LEAST_PTES),
                          (MipIsHigh(Input) ? Most : MipMinimum(Room, Limit)) / PAGE_SIZE);
    } else if (Given != MIP_AS_MUCH_AS_FITS) {
        Used = MipClamp(Input, "SystemPages", "entries", Given, MIP_LEAST_PTES, Used);
    }
    Sizes->SystemPtes = ROUND_UP(Used * PAGE_SIZE, MIP_TABLE);
}

/* ---- the map ---- */

static void MipPlace(PMI_LAYOUT Layout, MI_REGION Region, ULONG_PTR Start, ULONG Bytes)
{
    Layout->Region[Region].Start = Start;
    Layout->Region[Region].Bytes = Bytes;
}

static void MipPlaceFixed(const MI_LAYOUT_INPUT *Input, PMI_LAYOUT Layout)
{
    ULONG Screen = ROUND_UP(Input->FramebufferBytes, MIP_TABLE);

    MI_ASSERT(Input->FramebufferBytes <= MI_FRAMEBUFFER_LIMIT);
    MipPlace(Layout, MiRegionKernel, Input->KernelStart, MIP_KERNEL_BYTES);
    MipPlace(Layout, MiRegionSession, MipSessionStart(Input), MIP_SESSION_BYTES);
    MipPlace(Layout, MiRegionPageTables, PTE_BASE, PTE_TOP - PTE_BASE + 1);
    MipPlace(Layout, MiRegionHyperspace, MIP_HYPERSPACE, MIP_TABLE);
    MipPlace(Layout, MiRegionSystemWorkingSet, MIP_WORKING_SET_START, MIP_TABLE);
    MipPlace(Layout, MiRegionFramebuffer, MI_FRAMEBUFFER_END - Screen, Screen);
    MipPlace(Layout, MiRegionCrashDump, MIP_DUMP_START, LOADER_HAL_BASE - MIP_DUMP_START);
    MipPlace(Layout, MiRegionHal, LOADER_HAL_BASE, 0u - LOADER_HAL_BASE);
}

/* => Bytes of views of sections; Room: for them and drivers. */
static ULONG MipSizeSystemViews(const MI_LAYOUT_INPUT *Input, ULONG Room)
{
    ULONG Given = MipValue(Input, "SystemViewSize");
    ULONG Most = ROUND_DOWN(Room - MIP_LEAST_DRIVERS, MIP_TABLE);

    if (Given == 0) {
        return MIP_VIEW_BYTES;
    }
    Given = MipClamp(Input, "SystemViewSize", "MB", Given, 1, Most / MB);
    return ROUND_UP(Given * MB, MIP_TABLE);
}

static void MipPlaceLow(const MI_LAYOUT_INPUT *Input, const MIP_SIZES *Sizes, PMI_LAYOUT Layout)
{
    ULONG Pfns = ROUND_UP((Input->HighestFrame + 1) * (ULONG)sizeof(MMPFN), PAGE_SIZE);
    ULONG_PTR Database = Input->KernelStart + MIP_KERNEL_BYTES;
    ULONG_PTR Pool = ROUND_UP(Database + Pfns, MIP_TABLE);
    ULONG_PTR Drivers = ROUND_UP(Pool + Sizes->InitialPool, MIP_TABLE);
    ULONG_PTR Top = MipIsHigh(Input) ? MIP_HIGH_SESSION : MIP_EXTENSION_START;
    ULONG Views = MipSizeSystemViews(Input, (ULONG)(Top - Drivers));
    ULONG_PTR End = Top - Views;

    MipPlace(Layout, MiRegionPfnDatabase, Database, Pfns);
    MipPlace(Layout, MiRegionInitialPool, Pool, Sizes->InitialPool);
    MipPlace(Layout, MiRegionDrivers, Drivers, (ULONG)(End - Drivers));
    MipPlace(Layout, MiRegionSystemViews, End, Views);
}

/* Room behind E1000000 that the paged pool may have, after the others' least. */
static ULONG MipRoomForPagedPool(ULONG_PTR Top, PMIP_SIZES Sizes)
{
    ULONG Room = (ULONG)(Top - MIP_PAGED_START);
    ULONG Others = MIP_TABLE + MIP_LEAST_PTES * PAGE_SIZE + MIP_TABLE; /* paged, PTEs, rounding */

    if (Sizes->Expansion > Room - Others) {
        Sizes->Expansion = ROUND_DOWN(Room - Others, PAGE_SIZE);
        Sizes->MaximumPool = Sizes->InitialPool + Sizes->Expansion;
    }
    return ROUND_DOWN(Room - Sizes->Expansion - MIP_LEAST_PTES * PAGE_SIZE, MIP_TABLE);
}

static void MipPlaceHigh(const MI_LAYOUT_INPUT *Input, PMIP_SIZES Sizes, PMI_LAYOUT Layout)
{
    ULONG_PTR Top = Input->FramebufferBytes != 0 ? Layout->Region[MiRegionFramebuffer].Start
                                                 : (ULONG_PTR)MIP_DUMP_START;
    const MI_RANGE Extension = MipExtension(Input);
    ULONG_PTR Expansion;
    ULONG_PTR Ptes;
    ULONG Beyond;
    ULONG Room;

    MipSizePagedPool(Input, MipRoomForPagedPool(Top, Sizes), Sizes);
    MipSizeCache(Input, Sizes);
    Beyond = Sizes->Cache - MipMinimum(Sizes->Cache, MipCacheBytes(Input));
    Expansion = Top - Sizes->Expansion;
    Ptes = MIP_PAGED_START + Sizes->Paged;
    Room = ROUND_DOWN((ULONG)(Expansion - Ptes), MIP_TABLE);
    MipSizeSystemPtes(Input, Room, Beyond != 0 ? 0 : Extension.Bytes, Sizes);
    if (Sizes->SystemPtes > Room) {
        Ptes = Extension.Start;
    }
    MipPlace(Layout, MiRegionSystemCache, MIP_CACHE_START, Sizes->Cache - Beyond);
    MipPlace(Layout, MiRegionCacheExtension, Extension.Start, Beyond);
    MipPlace(Layout, MiRegionPagedPool, MIP_PAGED_START, Sizes->Paged);
    MipPlace(Layout, MiRegionSystemPtes, Ptes, Sizes->SystemPtes);
    MipPlace(Layout, MiRegionPoolExpansion, Expansion, Sizes->Expansion);
}

/* Views and pool share the session with its images. */
static void MipSizeSession(const MI_LAYOUT_INPUT *Input, PMI_LAYOUT Layout)
{
    ULONG Room = MIP_SESSION_BYTES - MIP_SESSION_IMAGE;
    ULONG Views = MipValue(Input, "SessionViewSize");
    ULONG Pool = MipValue(Input, "SessionPoolSize");

    Room = MipMinimum(Room, MipLimit(Input, "SessionSpaceLimit", 8));
    Pool = Pool == 0 ? 4 : MipClamp(Input, "SessionPoolSize", "MB", Pool, 1, Room / MB - 1);
    Pool = MipMinimum(Pool, Room / MB - 1);
    Views = Views == 0 ? MipMinimum(20, Room / MB - Pool)
                       : MipClamp(Input, "SessionViewSize", "MB", Views, 1, Room / MB - Pool);
    Layout->SessionViewBytes = Views * MB;
    Layout->SessionPoolBytes = Pool * MB;
}

MI_LAYOUT MiComputeLayout(const MI_LAYOUT_INPUT *Input)
{
    MI_LAYOUT Layout;
    MIP_SIZES Sizes;

    memset(&Layout, 0, sizeof(Layout));
    memset(&Sizes, 0, sizeof(Sizes));
    MI_ASSERT(Input->KernelStart == LOADER_WINDOW_BASE || Input->KernelStart == LOADER_HIGH_BASE);
    Layout.RangeStart = Input->RangeStart;
    Sizes.RamMb = MipMaximum(Input->RamPages / (MB / PAGE_SIZE), 4);
    MipPlaceFixed(Input, &Layout);
    MipSizeNonPagedPool(Input, &Sizes);
    MipPlaceLow(Input, &Sizes, &Layout);
    MipPlaceHigh(Input, &Sizes, &Layout);
    MipSizeSession(Input, &Layout);
    Layout.MaximumNonPagedPoolBytes = Sizes.MaximumPool;
    return Layout;
}
