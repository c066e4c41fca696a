/* SPDX-License-Identifier: MIT */
/*
 * test_prop_file_cuts.c - the power is cut behind each sector that a random run writes (R5).
 *
 * A run has one file, written by the cache, past it and through a view, cut, flushed, and written
 * lazily; and another one that is closed and flushed before.  It is done once to count the sectors
 * that it writes, then again for each number of them, with all later writes lost.  The volume is
 * mounted again: no file shares a cluster, has one that is free or leads nowhere; the other file is
 * as it was; the file is not shorter and not longer than any version of it since the last flush,
 * and each sector is that of one of these versions.  What the disk held before is never seen.
 */
#include "disk/fat/fsd_i.h"
#include "mm/cc/lazy_writer.h"
#include "tests/unit/file_cache_world.h"

#include <stdio.h>
#include <string.h>

#define MOST_BYTES 24000u
#define MOST_SEEN  64u
#define SECTOR     512u
#define OLD        0xEE /* what the disk held before; not written by the run */
#define OTHER      9000u

typedef struct _VERSION {
    ULONG Bytes;
    UCHAR Data[MOST_BYTES]; /* zero behind Bytes */
} VERSION;

static VERSION Seen[MOST_SEEN]; /* since the last flush, and at it */
static ULONG SeenCount;
static VERSION Now;
static PFILE_OBJECT Cached;
static PFILE_OBJECT Direct;
static BOOLEAN Mapped;
static uint64_t Random;

static ULONG Below(ULONG Limit)
{
    return TestRandom(&Random) % Limit;
}

static UCHAR NewByte(void)
{
    return (UCHAR)(1 + Below(OLD - 1));
}

static void See(void)
{
    CHECK(SeenCount < MOST_SEEN);
    Seen[SeenCount++] = Now;
}

/* ---- the run ---- */

static void DoWrite(PFILE_OBJECT Object)
{
    ULONG Offset = Below(3) == 0 ? Below(MOST_BYTES) : Below(Now.Bytes + 1);
    ULONG Bytes = 1 + Below(5000);
    UCHAR Value = NewByte();

    Bytes = Bytes < MOST_BYTES - Offset ? Bytes : MOST_BYTES - Offset;
    memset(IoBuffer, Value, Bytes);
    (void)NT_SUCCESS(IoWriteFile(Object, Offset, IoBuffer, Bytes));
    memset(Now.Data + Offset, Value, Bytes);
    Now.Bytes = Offset + Bytes > Now.Bytes ? Offset + Bytes : Now.Bytes;
    See();
}

static void DoSize(void)
{
    ULONG Bytes = Below(MOST_BYTES);

    if (Mapped) {
        return; /* a view would forbid to cut it */
    }
    (void)NT_SUCCESS(IoSetFileSize(Cached, Bytes));
    memset(Now.Data + Bytes, 0, MOST_BYTES - Bytes);
    Now.Bytes = Bytes;
    See();
}

static void DoView(void)
{
    ULONG Offset;

    if (Now.Bytes == 0) {
        return;
    }
    if (!Mapped) {
        FcWorldMap(Cached);
    } else if (Below(3) == 0) {
        FcWorldUnmap(Cached);
        Mapped = FALSE;
        return;
    }
    Mapped = TRUE;
    Offset = Below(Now.Bytes);
    Now.Data[Offset] = NewByte();
    (void)FcWorldPoke(Cached, Offset, Now.Data[Offset]);
    See();
}

/* => No power: what it says does not count. */
static void DoFlush(PFILE_OBJECT Object)
{
    if (NT_SUCCESS(IoFlushFile(Object)) && IoDisk.PowerLeft != 0) {
        SeenCount = 0;
        See();
    }
}

static void Step(void)
{
    switch (Below(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
        DoWrite(Cached);
        break;
    case 4:
        DoWrite(Direct);
        break;
    case 5:
    case 6:
        DoView();
        break;
    case 7:
        DoSize();
        break;
    case 8:
        DoFlush(Below(2) != 0 ? Cached : Direct);
        break;
    case 9:
        FcWorldTrim();
        break;
    default:
        (void)CciLazyWriteRound();
        break;
    }
}

static void Prepare(uint64_t Seed)
{
    PFAT_VCB Vcb;
    ULONG64 Data;

    Random = Seed | 1;
    SeenCount = 0;
    Mapped = FALSE;
    memset(&Now, 0, sizeof(Now));
    FcWorldStart(&IoWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &Cached));
    Vcb = ((PFAT_FCB)Cached->FsContext)->Vcb;
    Data = Vcb->Volume->DataSector * SECTOR;
    memset(IoDisk.Image + Data, OLD, (SIZE_T)(IoDisk.Device.Sectors * SECTOR - Data));
    IoWorldPut("\\other", OTHER, 3);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", FALSE, &Direct));
    CHECK_EQUAL(STATUS_SUCCESS, IoShutdownSystem()); /* flushes all files */
    See();
}

static void CloseAll(void)
{
    if (Mapped) {
        FcWorldUnmap(Cached);
        Mapped = FALSE;
    }
    IoCloseFile(Cached);
    IoCloseFile(Direct);
}

/* Steps with the power to write so many sectors.  => How many it wrote. */
static ULONG Run(uint64_t Seed, ULONG Steps, ULONG Power)
{
    ULONG Index;

    Prepare(Seed);
    IoDisk.Written = 0;
    IoDisk.PowerLeft = Power;
    for (Index = 0; Index < Steps && IoDisk.PowerLeft != 0; Index++) {
        TestSetStep(Index + 1);
        Step();
    }
    return (ULONG)IoDisk.Written;
}

/* ---- afterwards ---- */

static void CheckVolume(PFAT_VOLUME Volume)
{
    FAT_CENSUS Census;

    CHECK_EQUAL(STATUS_SUCCESS, FatTakeCensus(Volume, TRUE, &Census));
    CHECK(!Census.Shared && !Census.Dangling && !Census.Damaged);
    FatForgetCensus(&Census);
}

static void CheckSize(ULONG Bytes)
{
    ULONG Least = MOST_BYTES;
    ULONG Most = 0;
    ULONG i;

    for (i = 0; i < SeenCount; i++) {
        Least = Seen[i].Bytes < Least ? Seen[i].Bytes : Least;
        Most = Seen[i].Bytes > Most ? Seen[i].Bytes : Most;
    }
    CHECK(Bytes >= Least && Bytes <= Most);
}

/* IoBuffer has Bytes. */
static void CheckSectors(ULONG Bytes)
{
    ULONG At;

    for (At = 0; At < Bytes; At += SECTOR) {
        ULONG Part = Bytes - At < SECTOR ? Bytes - At : SECTOR;
        ULONG i = 0;

        while (i < SeenCount && memcmp(Seen[i].Data + At, IoBuffer + At, Part) != 0) {
            i++;
        }
        CHECK(i < SeenCount);
    }
}

static void CheckFile(void)
{
    PFILE_OBJECT Object;
    ULONG64 Bytes = 0;
    ULONG Done = 0;

    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &Object));
    CheckVolume(((PFAT_FCB)Object->FsContext)->Vcb->Volume);
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(Object, &Bytes));
    CheckSize((ULONG)Bytes);
    if (Bytes != 0) {
        CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(Object, 0, IoBuffer, MOST_BYTES, &Done));
    }
    CHECK_EQUAL(Bytes, Done);
    CheckSectors(Done);
    IoCloseFile(Object);
    CHECK(IoWorldHolds("\\other", OTHER, 3));
}

static void CutAt(uint64_t Seed, ULONG Steps, ULONG Power)
{
    (void)Run(Seed, Steps, Power);
    IoDisk.PowerLeft = 0;
    CloseAll();
    if (!NT_SUCCESS(IoDismountVolume(IoVolume))) { /* what was lost looks damaged: told once */
        CHECK_EQUAL(STATUS_SUCCESS, IoDismountVolume(IoVolume));
    }
    IoDisk.PowerLeft = HOST_DISK_ALWAYS;
    CHECK_EQUAL(STATUS_SUCCESS,
                IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume1", &IoVolume));
    CheckFile();
    FcWorldFinish();
}

#define STEPS 14u
#define CUTS  300u

TEST(Prop_file_is_whole_wherever_the_power_is_cut)
{
    const ULONG Cuts = (ULONG)TestRounds(CUTS);
    ULONG Number;
    ULONG Cut = 0;

    for (Number = 0; Cut < Cuts; Number++) {
        uint64_t Seed = TestSeedNumber(Number);
        ULONG Sectors = Run(Seed, STEPS, HOST_DISK_ALWAYS);
        ULONG Stride = Sectors / 20 + 1; /* effort makes more of them, on more runs */
        ULONG Power;

        CloseAll();
        FcWorldFinish();
        for (Power = Below(Stride); Power <= Sectors && Cut < Cuts; Power += Stride) {
            CutAt(Seed, STEPS, Power);
            Cut++;
        }
    }
    TestCountOperations((uint64_t)Cut * STEPS, Number);
    printf("# figure R5 %u 0\n", (unsigned)Cut);
}
