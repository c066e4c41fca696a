/* SPDX-License-Identifier: MIT */
/*
 * test_prop_cc.c - threads read, write, pin, resize, flush, purge and trim a cached file through
 * several file objects, while calls fail; a model of bytes says what must be found.
 *
 * Each thread owns a stripe of the file: a range of pages that it alone writes, so that it knows
 * what a read has to return; the border of two stripes lies inside a page.  The file's resource is
 * taken as a file system does: shared to copy, flush and pin, exclusive to change its length and to
 * purge.  A write that failed leaves old or new bytes where it was tried, and the model takes what
 * is found; nothing else may change.  What a successful flush of the whole file covers is on the
 * disk.
 */
#include "mm/pool/pool_inject.h"
#include "resource.h"
#include "tests/unit/cc_world.h"

#include <string.h>

#define THREADS    4u
#define STRIPE     (37u * PAGE_SIZE + 1234u)
#define BASE_BYTES (THREADS * STRIPE)
#define TAIL_BYTES (300u * PAGE_SIZE) /* what comes and goes behind the stripes */
#define MOST_BYTES (3u * PAGE_SIZE)

static CC_WORLD_FILE *File;
static ERESOURCE Lock;
static UCHAR Model[BASE_BYTES];
static UCHAR Buffers[THREADS][MOST_BYTES];
static UCHAR Found[THREADS][MOST_BYTES];
static ULONG64 Seeds[THREADS];
static ULONG Operations;

static ULONG Random(ULONG Thread, ULONG Below)
{
    return TestRandom(&Seeds[Thread]) % Below;
}

static void Acquire(BOOLEAN Exclusive)
{
    KeEnterCriticalRegion();
    CHECK(Exclusive ? ExAcquireResourceExclusiveLite(&Lock, TRUE)
                    : ExAcquireResourceSharedLite(&Lock, TRUE));
}

static void Release(void)
{
    ExReleaseResourceLite(&Lock);
    KeLeaveCriticalRegion();
}

static PFILE_OBJECT Object(ULONG Thread)
{
    return File->Object[Thread % CC_WORLD_OPENS];
}

/* A range of the thread's stripe. */
static ULONG Choose(ULONG Thread, PULONG Bytes)
{
    ULONG Offset = Random(Thread, STRIPE);

    *Bytes = 1 + Random(Thread, MOST_BYTES);
    *Bytes = *Bytes < STRIPE - Offset ? *Bytes : STRIPE - Offset;
    return Thread * STRIPE + Offset;
}

static void Read(ULONG Thread)
{
    ULONG Bytes;
    ULONG Offset = Choose(Thread, &Bytes);
    ULONG Copied;
    NTSTATUS Status;

    Acquire(FALSE);
    Status = CcTryCopyRead(Object(Thread), Offset, Bytes, Random(Thread, 4) != 0, Found[Thread],
                           &Copied);
    CHECK(Copied <= Bytes && (!NT_SUCCESS(Status) || Copied == Bytes));
    CHECK(memcmp(Found[Thread], Model + Offset, Copied) == 0);
    Release();
}

/* After a failure: what is there is old or new, byte by byte. */
static void TakeWhatIsThere(ULONG Thread, ULONG Offset, ULONG Bytes)
{
    ULONG Copied = 0;
    ULONG i;

    while (
        !NT_SUCCESS(CcTryCopyRead(Object(Thread), Offset, Bytes, TRUE, Found[Thread], &Copied))) {
        continue; /* a failure that was injected */
    }
    for (i = 0; i < Bytes; i++) {
        CHECK(Found[Thread][i] == Model[Offset + i] || Found[Thread][i] == Buffers[Thread][i]);
    }
    memcpy(Model + Offset, Found[Thread], Bytes);
}

static void Write(ULONG Thread)
{
    ULONG Bytes;
    ULONG Offset = Choose(Thread, &Bytes);
    ULONG Copied;
    NTSTATUS Status;

    memset(Buffers[Thread], (int)Random(Thread, 256), Bytes);
    Acquire(FALSE);
    Status = CcTryCopyWrite(Object(Thread), Offset, Bytes, Random(Thread, 4) != 0, Buffers[Thread],
                            &Copied);
    if (NT_SUCCESS(Status)) {
        memcpy(Model + Offset, Buffers[Thread], Bytes);
    } else {
        TakeWhatIsThere(Thread, Offset, Bytes);
    }
    Release();
}

static void Zero(ULONG Thread)
{
    ULONG Bytes;
    ULONG Offset = Choose(Thread, &Bytes);
    NTSTATUS Status;

    memset(Buffers[Thread], 0, Bytes);
    Acquire(FALSE);
    Status = CcTryZeroData(Object(Thread), Offset, Offset + Bytes, TRUE);
    if (NT_SUCCESS(Status)) {
        memset(Model + Offset, 0, Bytes);
    } else {
        TakeWhatIsThere(Thread, Offset, Bytes);
    }
    Release();
}

/* A pinned byte is read and written in place. */
static void Pin(ULONG Thread)
{
    ULONG Bytes;
    ULONG Offset = Choose(Thread, &Bytes);
    PVOID Buffer = NULL;
    PVOID Bcb = NULL;
    NTSTATUS Status;

    Bytes = CciBytesInView(Offset, Bytes);
    Acquire(FALSE);
    Status = CcTryPinRead(Object(Thread), Offset, Bytes,
                          Random(Thread, 4) == 0 ? 0 : PIN_WAIT | PIN_EXCLUSIVE, &Bcb, &Buffer);
    if (NT_SUCCESS(Status)) {
        ULONG Copied;

        if (NT_SUCCESS(CciCopyGuarded(Found[Thread], Buffer, Bytes, &Copied))) {
            UCHAR Value = (UCHAR)Random(Thread, 256);

            CHECK(memcmp(Found[Thread], Model + Offset, Bytes) == 0);
            if (NT_SUCCESS(CciCopyGuarded(Buffer, &Value, 1, &Copied))) {
                Model[Offset] = Value;
                CcSetDirtyPinnedData(Bcb, NULL);
            }
        }
        CcUnpinData(Bcb);
    }
    Release();
}

/* A device writes to the file's pages. */
static void WriteByMdl(ULONG Thread)
{
    ULONG Bytes;
    ULONG Offset = Choose(Thread, &Bytes);
    PMDL Chain;

    Bytes = CciBytesInView(Offset, Bytes);
    Acquire(FALSE);
    if (NT_SUCCESS(CcTryPrepareMdlWrite(Object(Thread), Offset, Bytes, &Chain))) {
        PUCHAR Data = MmMapLockedPagesSpecifyCache(Chain, KernelMode, MmCached, NULL, FALSE,
                                                   NormalPagePriority);
        UCHAR Value = (UCHAR)Random(Thread, 256);

        HostYield();
        memset(Data, Value, Bytes);
        memset(Model + Offset, Value, Bytes);
        HostYield();
        (void)!NT_SUCCESS(CcTryMdlWriteComplete(Object(Thread), Offset, Chain)); /* dirty then */
    } else {
        memcpy(Buffers[Thread], Model + Offset, Bytes); /* nothing was written */
        TakeWhatIsThere(Thread, Offset, Bytes);
    }
    Release();
}

static void ReadByMdl(ULONG Thread)
{
    ULONG Bytes;
    ULONG Offset = Choose(Thread, &Bytes);
    ULONG Described;
    PMDL Chain;

    Bytes = CciBytesInView(Offset, Bytes);
    Acquire(FALSE);
    if (NT_SUCCESS(CcTryMdlRead(Object(Thread), Offset, Bytes, &Chain, &Described))) {
        PUCHAR Data = MmMapLockedPagesSpecifyCache(Chain, KernelMode, MmCached, NULL, FALSE,
                                                   NormalPagePriority);

        CHECK_EQUAL(Bytes, Described);
        CHECK(memcmp(Data, Model + Offset, Bytes) == 0);
        CcMdlReadComplete(Object(Thread), Chain);
    }
    Release();
}

static void Flush(ULONG Thread)
{
    ULONG Bytes;
    LARGE_INTEGER Offset = {.QuadPart = Choose(Thread, &Bytes)};
    IO_STATUS_BLOCK IoStatus;
    BOOLEAN All = Random(Thread, 3) == 0;

    Acquire(All);
    CcFlushCache(&File->Pointers, All ? NULL : &Offset, Bytes, &IoStatus);
    if (NT_SUCCESS(IoStatus.Status) && All) {
        CHECK(memcmp(File->Disk, Model, BASE_BYTES) == 0);
    } else if (NT_SUCCESS(IoStatus.Status)) {
        CHECK(memcmp(File->Disk + Offset.QuadPart, Model + Offset.QuadPart, Bytes) == 0);
    }
    Release();
}

/* Everything dirty was flushed before, so that the purge loses nothing. */
static void Purge(ULONG Thread)
{
    ULONG Bytes;
    LARGE_INTEGER Offset = {.QuadPart = Choose(Thread, &Bytes)};
    IO_STATUS_BLOCK IoStatus;

    Acquire(TRUE);
    CcFlushCache(&File->Pointers, NULL, 0, &IoStatus);
    if (NT_SUCCESS(IoStatus.Status)) {
        (void)CcPurgeCacheSection(&File->Pointers, &Offset, Bytes, FALSE);
    }
    Release();
}

static void Resize(ULONG Thread)
{
    ULONG Bytes = BASE_BYTES + Random(Thread, TAIL_BYTES);

    Acquire(TRUE);
    (void)CcWorldSetSize(File, Bytes);
    Release();
}

/* While nobody copies: what was modified is known to be dirty, or is being written. */
static void CheckNothingIsLost(void)
{
    KIRQL OldIrql = CciLock();
    ULONG Page;

    for (Page = 0; Page < CC_WORLD_PAGES; Page++) {
        if (File->Modified[Page]) {
            const CC_SLOT *Slot =
                CciFindSlot(File->Pointers.SharedCacheMap, Page / MM_CACHE_VIEW_PAGES);

            CHECK(Slot != NULL);
            CHECK((((Slot->Dirty | Slot->Writing) >> (Page % MM_CACHE_VIEW_PAGES)) & 1) != 0);
        }
    }
    CciUnlock(OldIrql);
}

static void Trim(ULONG Thread)
{
    (void)Thread;
    Acquire(TRUE);
    CheckNothingIsLost();
    CcWorldTrim(File);
    Release();
}

static void Fail(ULONG Thread)
{
    CC_WORLD_CALL Call = (CC_WORLD_CALL)Random(Thread, CcWorldCalls);

    CcWorldFail[Call] = (CC_WORLD_FAILURE){1 + Random(Thread, 5), 1 + Random(Thread, 3)};
    if (Random(Thread, 4) == 0) {
        MiFailPoolAllocation(1 + Random(Thread, 10));
    }
}

static void Round(ULONG Thread)
{
    (void)Thread;
    (void)CciLazyWriteRound();
}

/* The file object stays with the thread: nobody else uses it meanwhile. */
static void Reopen(ULONG Thread)
{
    Acquire(FALSE);
    (void)CcUninitializeCacheMap(Object(Thread), NULL, NULL);
    while (!NT_SUCCESS(CcWorldCache(File, Thread % CC_WORLD_OPENS))) {
        continue;
    }
    Release();
}

static void (*const Routines[])(ULONG Thread) = {
    Read,  Read,   Read, Write, Write, Write, Zero,   Pin,        Pin,      Flush,
    Purge, Resize, Trim, Fail,  Round, Round, Reopen, WriteByMdl, ReadByMdl};

static void Work(PVOID Context)
{
    ULONG Thread = (ULONG)(ULONG_PTR)Context;
    ULONG64 Rounds = TestRounds(150);

    for (; Rounds != 0; Rounds--) {
        Routines[Random(Thread, RTL_NUMBER_OF(Routines))](Thread);
        Operations++;
        if (Random(Thread, 16) == 0) {
            CciVerifyCache();
        }
        HostYield();
    }
}

static void Run(ULONG64 Seed)
{
    ULONG i;

    TestUseSeed(Seed);
    CcWorldStart();
    HostStartClock();
    CHECK_EQUAL(STATUS_SUCCESS, ExInitializeResourceLite(&Lock));
    File = CcWorldOpen(0, BASE_BYTES);
    for (i = 0; i < BASE_BYTES; i++) {
        Model[i] = CcWorldByte(i);
    }
    for (i = 0; i < THREADS; i++) {
        Seeds[i] = TestSeed() * 31 + i + 1;
        CHECK_EQUAL(STATUS_SUCCESS, CcWorldCache(File, i));
        File->Object[i]->Flags |= FO_RANDOM_ACCESS | (i == 2 ? FO_WRITE_THROUGH : 0);
        (void)HostThreadCreate(Work, (PVOID)(ULONG_PTR)i);
    }
    CcWorldYields = TRUE;
    HostSetPreemption(20);
    HostRunThreads();
    HostSetPreemption(0);
    CcWorldYields = FALSE;
    MiFailPoolAllocation(0);
    memset(CcWorldFail, 0, sizeof(CcWorldFail));
    while (CcTotalDirtyPages != 0) {
        CHECK(CciLazyWriteRound() != 0); /* without a flush of what nobody knows to be dirty */
    }
    CHECK(memcmp(File->Disk, Model, BASE_BYTES) == 0);
    for (i = 0; i < THREADS; i++) {
        CcWorldClose(File, i);
    }
    (void)ExDeleteResourceLite(&Lock);
    CcWorldFinish();
}

TEST(Prop_cc_agrees_with_a_model_of_bytes_whatever_fails)
{
    ULONG64 First = TestSeed();
    ULONG i;

    Operations = 0;
    for (i = 0; i < 6; i++) {
        Run(i == 0 ? First : TestSeedNumber(i));
    }
    TestCountOperations(Operations, 6);
}
