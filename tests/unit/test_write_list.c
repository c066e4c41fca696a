/* SPDX-License-Identifier: MIT */
/*
 * test_write_list.c - writes that were permitted, those that were not, and whose the sectors are.
 */
#include "disk/volume/partition.h"
#include "ex.h"
#include "ke.h"
#include "mm/pool/pool_inject.h"
#include "nt/bugcodes.h"
#include "tests/host/disk.h"
#include "tests/unit/mm_world.h"

#include <string.h>

#define SECTORS 4096u
#define TAG     0x6B736944u /* 'Disk' */

static HOST_DISK Disk;
static DISK_PARTITION Partition; /* from sector 1000 on, 500 of them */
static PUCHAR Buffer;            /* of 128 sectors */
static const int Alice, Bob;

static void Start(void)
{
    MmWorldStart(2048);
    HostDiskCreate(&Disk, 512, SECTORS, 0);
    DiskInitializePartition(&Partition, &Disk.Device, 1000, 500, 1);
    Buffer = ExAllocatePoolWithTag(NonPagedPool, 128 * 512, TAG);
    CHECK(Buffer != NULL);
    memset(Buffer, 0x11, 128 * 512);
    CHECK_EQUAL(STATUS_SUCCESS, DiskRestrictWrites(&Disk.Device));
}

static void Finish(void)
{
    DiskDeleteWriteList(&Disk.Device);
    ExFreePoolWithTag(Buffer, TAG);
    HostDiskDelete(&Disk);
    MmWorldFinish();
}

static void Permit(const void *Owner, ULONG64 Sector, ULONG64 Sectors)
{
    CHECK_EQUAL(STATUS_SUCCESS, DiskPermitWritesFor(&Disk.Device, Owner, Sector, Sectors));
}

static void Forbid(const void *Owner, ULONG64 Sector, ULONG64 Sectors)
{
    DiskForbidWritesFor(&Disk.Device, Owner, Sector, Sectors);
}

/* ---- one write ---- */

typedef struct _WRITE {
    PDISK_DEVICE Device;
    ULONG64 Sector;
    ULONG Sectors;
} WRITE;

static void Write(PVOID Context)
{
    const WRITE *What = Context;

    CHECK_EQUAL(STATUS_SUCCESS,
                DiskTransfer(What->Device, DiskWrite, What->Sector, What->Sectors, Buffer));
}

/* => Which sector of the disk stopped it; -1: none. */
static LONG64 Stopped(PDISK_DEVICE Device, ULONG64 Sector, ULONG Sectors)
{
    WRITE What = {Device, Sector, Sectors};
    ULONG64 Before = Disk.Written;
    HOST_BUGCHECK BugCheck;

    if (!HostCatchBugCheck(Write, &What, &BugCheck)) {
        CHECK_EQUAL(Sectors, Disk.Written - Before);
        return -1;
    }
    CHECK_EQUAL(FAT_FILE_SYSTEM, BugCheck.Code);
    CHECK_EQUAL((ULONG_PTR)&Disk.Device, BugCheck.Parameter[0]);
    CHECK_EQUAL(Sectors, BugCheck.Parameter[3]);
    CHECK_EQUAL(Before, Disk.Written); /* not one of its sectors */
    return (LONG64)(BugCheck.Parameter[1] | (ULONG64)BugCheck.Parameter[2] << 32);
}

/* ---- tests ---- */

TEST(WriteList_unrestricted_disk_takes_every_write)
{
    Start();
    DiskDeleteWriteList(&Disk.Device);
    CHECK_EQUAL(-1, Stopped(&Disk.Device, 0, 10));
    CHECK_EQUAL(STATUS_SUCCESS, DiskPermitWritesFor(&Disk.Device, &Alice, 0, 10));
    CHECK_EQUAL(STATUS_SUCCESS, DiskPermitWritesFor(&Disk.Device, &Bob, 0, 10));
    DiskForbidWritesFor(&Disk.Device, &Alice, 3, 1);
    CHECK_EQUAL(-1, Stopped(&Disk.Device, 0, 10));
    Finish();
}

TEST(WriteList_disk_that_must_have_one_and_has_none_takes_no_write)
{
    Start();
    DiskDeleteWriteList(&Disk.Device);
    Disk.Device.Restricted = TRUE;
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, DiskTransfer(&Disk.Device, DiskWrite, 0, 1, Buffer));
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED,
                DiskTransfer(&Partition.Device, DiskWrite, 0, 1, Buffer));
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, DiskPermitWritesFor(&Partition.Device, &Alice, 0, 1));
    CHECK_EQUAL(0, Disk.Written);
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(&Disk.Device, DiskRead, 0, 1, Buffer));
    CHECK_EQUAL(STATUS_SUCCESS, DiskRestrictWrites(&Disk.Device));
    Permit(&Alice, 0, 1);
    CHECK_EQUAL(-1, Stopped(&Disk.Device, 0, 1));
    Finish();
}

TEST(WriteList_restricted_disk_stops_at_the_first_sector_that_nobody_may_write)
{
    Start();
    CHECK_EQUAL(5, Stopped(&Disk.Device, 5, 1));
    CHECK(strstr(HostConsoleText(), "simulated: a write of 1 sectors at 5 was not permitted") !=
          NULL);
    Permit(&Alice, 10, 10);
    CHECK_EQUAL(-1, Stopped(&Disk.Device, 10, 10));
    CHECK_EQUAL(-1, Stopped(&Disk.Device, 19, 1));
    CHECK_EQUAL(9, Stopped(&Disk.Device, 9, 2));
    CHECK_EQUAL(20, Stopped(&Disk.Device, 19, 2));
    CHECK_EQUAL(20, Stopped(&Disk.Device, 20, 1));
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(&Disk.Device, DiskRead, 0, 30, Buffer));
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(&Disk.Device, DiskFlush, 0, 0, NULL));
    CHECK_EQUAL(STATUS_SUCCESS, DiskRestrictWrites(&Disk.Device)); /* again: nothing changes */
    CHECK_EQUAL(-1, Stopped(&Disk.Device, 10, 10));
    Finish();
}

TEST(WriteList_write_may_span_neighbouring_pieces_but_no_gap)
{
    Start();
    Permit(&Alice, 10, 10);
    Permit(&Bob, 20, 5);
    Permit(&Alice, 26, 10);
    CHECK_EQUAL(-1, Stopped(&Disk.Device, 12, 13));
    CHECK_EQUAL(25, Stopped(&Disk.Device, 12, 20));
    Permit(&Bob, 25, 1);
    CHECK_EQUAL(-1, Stopped(&Disk.Device, 10, 26));
    Finish();
}

TEST(WriteList_sector_has_one_owner)
{
    Start();
    Permit(&Alice, 10, 10);
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, DiskPermitWritesFor(&Disk.Device, &Bob, 5, 6));
    CHECK_EQUAL(5, Stopped(&Disk.Device, 5, 1)); /* nothing has changed */
    Permit(&Alice, 5, 30);                       /* her own are no obstacle */
    CHECK_EQUAL(-1, Stopped(&Disk.Device, 5, 30));
    Forbid(&Bob, 0, SECTORS); /* not his */
    CHECK_EQUAL(-1, Stopped(&Disk.Device, 5, 30));
    DiskHandOverWrites(&Disk.Device, &Alice, &Bob);
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, DiskPermitWritesFor(&Disk.Device, &Alice, 5, 1));
    Forbid(&Bob, 0, SECTORS);
    CHECK_EQUAL(5, Stopped(&Disk.Device, 5, 30));
    Finish();
}

TEST(WriteList_forbids_the_beginning_the_end_and_the_whole)
{
    Start();
    Permit(&Alice, 100, 50);
    Forbid(&Alice, 90, 15); /* 100 to 104 */
    CHECK_EQUAL(104, Stopped(&Disk.Device, 104, 2));
    Forbid(&Alice, 140, 20); /* 140 to 149 */
    CHECK_EQUAL(140, Stopped(&Disk.Device, 139, 2));
    CHECK_EQUAL(-1, Stopped(&Disk.Device, 105, 35));
    Forbid(&Alice, 105, 35);
    CHECK_EQUAL(139, Stopped(&Disk.Device, 139, 1));
    CHECK_EQUAL(105, Stopped(&Disk.Device, 105, 1));
    Permit(&Alice, 105, 35);
    Forbid(&Alice, 110, 0); /* nothing */
    CHECK_EQUAL(-1, Stopped(&Disk.Device, 105, 35));
    Finish();
}

static void ForbidMiddle(PVOID Context)
{
    (void)Context;
    Forbid(&Alice, 120, 1);
}

TEST(WriteList_forbidding_the_middle_of_a_piece_is_a_bug)
{
    Start();
    Permit(&Alice, 100, 50);
    HostExpectBugCheck(MEMORY_MANAGEMENT, ForbidMiddle, NULL);
    Finish();
}

TEST(WriteList_partition_counts_from_its_own_start)
{
    Start();
    CHECK_EQUAL(1007, Stopped(&Partition.Device, 7, 2));
    CHECK_EQUAL(STATUS_SUCCESS, DiskPermitWrites(&Partition.Device, 7, 2));
    CHECK_EQUAL(-1, Stopped(&Partition.Device, 7, 2));
    CHECK_EQUAL(-1, Stopped(&Disk.Device, 1007, 2));
    CHECK_EQUAL(1009, Stopped(&Partition.Device, 7, 3));
    DiskForbidWrites(&Partition.Device, 0, 500);
    CHECK_EQUAL(1007, Stopped(&Partition.Device, 7, 2));
    Finish();
}

TEST(WriteList_out_of_memory_permits_nothing)
{
    ULONG Failing;

    Start();
    Permit(&Alice, 0, 1);
    for (Failing = 1; Failing < 40; Failing++) { /* beyond the first room */
        NTSTATUS Status;

        MiFailPoolAllocation(1);
        Status = DiskPermitWritesFor(&Disk.Device, &Alice, Failing * 10, 1);
        MiFailPoolAllocation(0);
        if (Status == STATUS_INSUFFICIENT_RESOURCES) {
            break;
        }
        CHECK_EQUAL(STATUS_SUCCESS, Status);
    }
    CHECK(Failing < 40);
    CHECK_EQUAL(Failing * 10, Stopped(&Disk.Device, Failing * 10, 1));
    CHECK_EQUAL(-1, Stopped(&Disk.Device, (Failing - 1) * 10, 1));
    Finish();
}

/* ---- beside a model ---- */

#define MODEL_SECTORS 200u
#define OWNERS        3u

/* What a call permitted and is not all taken back. */
typedef struct _PIECE {
    ULONG First;
    ULONG Count;
} PIECE;

static PUCHAR Owned; /* by sector: 0, or 1 + owner */

static BOOLEAN IsFree(ULONG First, ULONG Count)
{
    while (Count != 0 && Owned[First + Count - 1] == 0) {
        Count--;
    }
    return Count == 0;
}

static void CompareWrite(ULONG First, ULONG Count)
{
    LONG64 Expected = -1;
    ULONG Index;

    for (Index = Count; Index-- != 0;) {
        Expected = Owned[First + Index] == 0 ? (LONG64)(First + Index) : Expected;
    }
    CHECK_EQUAL(Expected, Stopped(&Disk.Device, First, Count));
}

TEST(WriteList_agrees_with_a_model)
{
    static UCHAR Sectors[MODEL_SECTORS];
    static PIECE Pieces[MODEL_SECTORS];
    static int Owners[OWNERS];
    uint64_t Seed = TestSeed();
    ULONG Count = 0;
    ULONG Round;

    Start();
    Owned = Sectors;
    memset(Sectors, 0, sizeof(Sectors));
    for (Round = 0; Round < TestRounds(3000); Round++) {
        ULONG Owner = TestRandom(&Seed) % OWNERS;
        ULONG First = TestRandom(&Seed) % MODEL_SECTORS;
        ULONG Length = 1 + TestRandom(&Seed) % 20;
        ULONG Which = Count != 0 ? TestRandom(&Seed) % Count : 0;
        PIECE *Piece = &Pieces[Which];

        Length = Length < MODEL_SECTORS - First ? Length : MODEL_SECTORS - First;
        if (TestRandom(&Seed) % 3 == 0 && IsFree(First, Length)) {
            Permit(&Owners[Owner], First, Length);
            memset(Sectors + First, 1 + (int)Owner, Length);
            Pieces[Count++] = (PIECE){First, Length};
        } else if (TestRandom(&Seed) % 2 == 0 && Count != 0) {
            ULONG Cut = 1 + TestRandom(&Seed) % Piece->Count;
            ULONG At = TestRandom(&Seed) % 2 ? Piece->First : Piece->First + Piece->Count - Cut;

            Forbid(&Owners[Sectors[At] - 1], At, Cut);
            memset(Sectors + At, 0, Cut);
            Piece->First += At == Piece->First ? Cut : 0;
            Piece->Count -= Cut;
            if (Piece->Count == 0) {
                *Piece = Pieces[--Count];
            }
        }
        CompareWrite(First, Length);
    }
    TestCountOperations(Round, 1);
    Finish();
}
