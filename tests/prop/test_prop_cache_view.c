/* SPDX-License-Identifier: MIT */
/*
 * test_prop_cache_view.c - one file through the system cache over MiCacheViewCalls, through a view
 * of a process, through a view of MmMapViewInSystemSpace, and through reads without a cache, at
 * random, against an array of bytes.
 *
 * Pages are trimmed, written, and lose their frames in between; now and then a frame, a block of
 * pool, a working-set entry or an address cannot be had.
 */
#include "cc.h"
#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/inspect/page_out.h"
#include "mm/paging/in_page.h"
#include "mm/paging/modified_writer.h"
#include "mm/pfn/frame.h"
#include "mm/pool/pool_inject.h"
#include "mm/section/cache_calls.h"
#include "mm/section/mapped_writer.h"
#include "mm/section/system_view.h"
#include "mm/sysva/system_ptes.h"
#include "mm/ws/wsle.h"
#include "tests/unit/file_section_world.h"

#include <stdio.h>
#include <string.h>

#define BYTES  (100 * 1024u + 300)
#define MOST   9000u /* of one read or write */
#define VERIFY 64u

static HANDLE File;
static PSECTION Section;
static PUCHAR User;   /* a view of the running process */
static PUCHAR Kernel; /* of the system half */
static UCHAR Model[BYTES];
static uint64_t Seed;

static struct {
    ULONG Reads;
    ULONG Writes;
    ULONG Flushes;
    ULONG PageOuts;
    ULONG Refused;
} Count;

static ULONG Random(ULONG Below)
{
    return TestRandom(&Seed) % Below;
}

static BOOLEAN IsShort(NTSTATUS Status)
{
    BOOLEAN Short = Status == STATUS_NO_MEMORY || Status == STATUS_INSUFFICIENT_RESOURCES;

    Count.Refused += Short;
    return Short;
}

/* ---- the cache ---- */

/* What the cache's own views know of writes comes first, whoever flushes. */
static NTSTATUS Flush(PSECTION_OBJECT_POINTERS Pointers, PLARGE_INTEGER FileOffset, ULONG Bytes,
                      PIO_STATUS_BLOCK IoStatus)
{
    ULONG_PTR Va = MiLayout.Region[MiRegionSystemCache].Start;
    ULONG Seen;

    for (Seen = 0; Seen < MiSystemViewCounters.CacheViews; Va += MM_CACHE_VIEW_BYTES) {
        if (MiQuerySystemView(Va).ControlArea != NULL) {
            (void)MmSetAddressRangeModified((PVOID)Va, MM_CACHE_VIEW_BYTES);
            Seen++;
        }
    }
    return MmFlushSection(Pointers, FileOffset, Bytes, IoStatus);
}

static BOOLEAN NTAPI Acquire(PVOID Context, BOOLEAN Wait)
{
    (void)Context;
    (void)Wait;
    return TRUE;
}

static void NTAPI Release(PVOID Context)
{
    (void)Context;
}

static CACHE_MANAGER_CALLBACKS Callbacks = {Acquire, Release, Acquire, Release};

static PFILE_OBJECT Object(void)
{
    return NtWorldFile(File);
}

/* ---- accesses ---- */

static UCHAR Buffer[MOST];

static void CheckBytes(const char *How, ULONG Offset, ULONG Bytes)
{
    ULONG i;

    for (i = 0; i < Bytes; i++) {
        if (Buffer[i] != Model[Offset + i]) {
            TestFail(__FILE__, __LINE__, "%s: byte %u is %02x, not %02x", How, Offset + i,
                     Buffer[i], Model[Offset + i]);
        }
    }
    Count.Reads++;
}

static void Fill(ULONG Bytes)
{
    ULONG i;

    for (i = 0; i < Bytes; i++) {
        Buffer[i] = (UCHAR)TestRandom(&Seed);
    }
}

static void ReadCached(ULONG Offset, ULONG Bytes)
{
    ULONG Copied = 0;
    NTSTATUS Status = CcTryCopyRead(Object(), Offset, Bytes, TRUE, Buffer, &Copied);

    if (!IsShort(Status)) {
        CHECK_EQUAL(STATUS_SUCCESS, Status);
        CHECK_EQUAL(Bytes, Copied);
        CheckBytes("cached read", Offset, Bytes);
    }
}

static void WriteCached(ULONG Offset, ULONG Bytes)
{
    ULONG Copied = 0;
    NTSTATUS Status;

    Fill(Bytes);
    Status = CcTryCopyWrite(Object(), Offset, Bytes, TRUE, Buffer, &Copied);
    CHECK(NT_SUCCESS(Status) || IsShort(Status));
    memcpy(Model + Offset, Buffer, Copied);
    Count.Writes++;
}

static void ReadView(const char *How, const UCHAR *View, ULONG Offset, ULONG Bytes)
{
    CHECK_EQUAL(STATUS_SUCCESS, KiGuardedCopy(Buffer, View + Offset, Bytes));
    CheckBytes(How, Offset, Bytes);
}

static void WriteView(PUCHAR View, ULONG Offset, ULONG Bytes)
{
    Fill(Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, KiGuardedCopy(View + Offset, Buffer, Bytes));
    memcpy(Model + Offset, Buffer, Bytes);
    Count.Writes++;
}

/* Flushed first: what is on the disk counts. */
static void ReadDisk(ULONG Offset, ULONG Bytes)
{
    IO_STATUS_BLOCK Done;
    ULONG Copied = 0;

    CcFlushCache(Object()->SectionObjectPointer, NULL, 0, &Done);
    CHECK_EQUAL(STATUS_SUCCESS, Done.Status);
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(Object(), Offset, IoBuffer, Bytes, &Copied));
    CHECK_EQUAL(Bytes, Copied);
    memcpy(Buffer, IoBuffer, Bytes);
    CheckBytes("read of the disk", Offset, Bytes);
    Count.Flushes++;
}

static void Access(void)
{
    ULONG Offset = Random(BYTES);
    ULONG Bytes = 1 + Random(MOST);

    Bytes = Bytes < BYTES - Offset ? Bytes : BYTES - Offset;
    switch (Random(7)) {
    case 0:
        ReadCached(Offset, Bytes);
        break;
    case 1:
    case 2:
        WriteCached(Offset, Bytes);
        break;
    case 3:
        ReadView("process' view", User, Offset, Bytes);
        break;
    case 4:
        WriteView(User, Offset, Bytes);
        break;
    case 5:
        ReadView("system view", Kernel, Offset, Bytes);
        break;
    default:
        WriteView(Kernel, Offset, Bytes);
        break;
    }
}

/* ---- memory becomes short ---- */

static void PageOut(void)
{
    if (Random(2) == 0) {
        CHECK(MmTrimAllSystemPageableMemory(FALSE));
    }
    if (Random(2) == 0) {
        FileSectionTrim();
    }
    if (Random(2) == 0) {
        CHECK_EQUAL(STATUS_SUCCESS, MiFlushMappedPages());
    }
    (void)MiReuseStandbyFrames();
    Count.PageOuts++;
}

static void Arm(void)
{
    ULONG Nth = 1 + Random(4);

    switch (Random(16)) {
    case 0:
        MiFailFrameAllocation = Nth;
        break;
    case 1:
        MiFailWsleReservation = Nth;
        break;
    case 2:
        MiFailInPageBlock = Nth;
        break;
    case 3:
        MiFailPoolAllocation(Nth);
        break;
    case 4:
        MiFailSystemPteReservation = 1;
        break;
    default:
        break;
    }
}

static void Disarm(void)
{
    MiFailFrameAllocation = 0;
    MiFailWsleReservation = 0;
    MiFailInPageBlock = 0;
    MiFailPoolAllocation(0);
    MiFailSystemPteReservation = 0;
}

/* ---- the walk ---- */

static void Cache(void)
{
    CC_FILE_SIZES Sizes = {.AllocationSize.QuadPart = BYTES,
                           .FileSize.QuadPart = BYTES,
                           .ValidDataLength.QuadPart = CC_NO_VALID_DATA_LENGTH};

    CHECK_EQUAL(STATUS_SUCCESS, CcTryInitializeCacheMap(Object(), &Sizes, FALSE, &Callbacks, File));
}

static void Step(void)
{
    switch (Random(16)) {
    case 0:
        PageOut();
        break;
    case 1:
        ReadDisk(Random(BYTES - MOST), MOST);
        break;
    case 2:
        (void)CcUninitializeCacheMap(Object(), NULL, NULL); /* and its views go */
        Cache();
        break;
    default:
        Arm();
        Access();
        Disarm();
        break;
    }
}

static void Begin(void)
{
    static MM_CACHE_VIEW_CALLS Calls;
    SIZE_T Mapped = 0;
    ULONG i;

    NtWorldStart();
    Calls = MiCacheViewCalls;
    Calls.MmFlushSection = Flush;
    CHECK_EQUAL(STATUS_SUCCESS, CcInitializeCacheManager(&Calls, 4096));
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", BYTES, 3);
    for (i = 0; i < BYTES; i++) {
        Model[i] = IoWorldByte(i, 3);
    }
    Cache();
    Section = FileSectionOpen(File, 0, PAGE_READWRITE);
    User = FileSectionMap(Section, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS, MmMapViewInSystemSpace(Section, (PVOID *)&Kernel, &Mapped));
}

static void Finish(void)
{
    ReadDisk(0, MOST);
    ReadDisk(BYTES - MOST, MOST);
    (void)CcUninitializeCacheMap(Object(), NULL, NULL);
    CHECK_EQUAL(STATUS_SUCCESS, MmUnmapViewInSystemSpace(Kernel));
    FileSectionUnmap(User);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    CHECK_EQUAL(0, MiSystemViewCounters.Resident);
    FileSectionFinish();
}

TEST(Cache_over_sections_agrees_with_an_array_of_bytes)
{
    const uint64_t Steps = TestRounds(1500);
    uint64_t i;

    TestUseSeed(TestSeedNumber(0));
    Seed = TestSeed();
    Begin();
    for (i = 0; i < Steps; i++) {
        TestSetStep(i);
        Step();
        if (i % VERIFY == 0) {
            MiVerifyAll();
        }
    }
    Finish();
    TestCountOperations(Steps, 1);
    printf("# %u reads, %u writes, %u flushes, %u times paged out, %u refused\n", Count.Reads,
           Count.Writes, Count.Flushes, Count.PageOuts, Count.Refused);
    CHECK(Count.Reads > Steps / 5 && Count.Writes > Steps / 5 && Count.Flushes > Steps / 30 &&
          Count.PageOuts > Steps / 30);
}
