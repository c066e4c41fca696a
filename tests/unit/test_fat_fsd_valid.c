/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd_valid.c - disk/fat/fsd_valid.c: files that are longer in memory than their entry
 * says.  The free clusters of the disk hold old bytes, which nobody may see.
 */
#include "disk/fat/fsd_i.h"
#include "mm/cc/dirty.h"
#include "mm/cc/lazy_writer.h"
#include "tests/unit/file_cache_world.h"

#include <string.h>

#define OLD 0xEE /* what the disk held before */

static PFILE_OBJECT File;

static PFAT_VOLUME Volume(void)
{
    return ((PFAT_FCB)File->FsContext)->Vcb->Volume;
}

static void Start(void)
{
    ULONG64 Data;

    FcWorldStart(&IoWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    Data = Volume()->DataSector * 512;
    memset(IoDisk.Image + Data, OLD, (SIZE_T)(IoDisk.Device.Sectors * 512 - Data));
}

static void Finish(void)
{
    IoCloseFile(File);
    FcWorldFinish();
}

static void Write(ULONG Offset, ULONG Bytes, UCHAR Value)
{
    memset(IoBuffer, Value, Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(File, Offset, IoBuffer, Bytes));
}

static BOOLEAN Holds(PFILE_OBJECT From, ULONG Offset, ULONG Bytes, UCHAR Value)
{
    ULONG Done = 0;
    ULONG i = 0;

    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(From, Offset, IoBuffer, Bytes, &Done));
    while (i < Done && IoBuffer[i] == Value) {
        i++;
    }
    return Done == Bytes && i == Bytes;
}

static ULONG SizeOf(PFILE_OBJECT Object)
{
    ULONG64 Bytes = 0;

    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(Object, &Bytes));
    return (ULONG)Bytes;
}

/* What the entry on the disk says. */
static ULONG EntryBytes(void)
{
    FAT_FILE Found;

    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(Volume(), "\\file", &Found));
    return Found.Bytes;
}

static ULONG ClustersOnDisk(void)
{
    FAT_FILE Found;

    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(Volume(), "\\file", &Found));
    return Found.Clusters;
}

static void WriteAllLazily(void)
{
    while (CcTotalDirtyPages != 0) {
        CHECK(CciLazyWriteRound() != 0);
    }
}

/* The power goes now, and comes back: what the disk has is mounted. */
static void CutPower(void)
{
    IoDisk.PowerLeft = 0;
    IoCloseFile(File);
    (void)IoDismountVolume(IoVolume); /* into the void */
    IoDisk.PowerLeft = HOST_DISK_ALWAYS;
    CHECK_EQUAL(STATUS_SUCCESS,
                IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume1", &IoVolume));
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
}

TEST(New_file_that_is_written_bit_by_bit_costs_its_data_and_little_more)
{
    const ULONG Bytes = 0x100000;
    ULONG At;

    Start();
    IoDisk.Written = 0;
    for (At = 0; At < Bytes; At += PAGE_SIZE) {
        Write(At, PAGE_SIZE, (UCHAR)(At >> PAGE_SHIFT));
    }
    CHECK_EQUAL(Bytes, SizeOf(File));
    IoCloseFile(File);
    WriteAllLazily();
    CHECK(IoDisk.Written >= Bytes / 512);
    CHECK(IoDisk.Written < 2500); /* each by itself, with zeroes before: 5384 */
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK_EQUAL(Bytes, EntryBytes());
    CHECK_EQUAL(Bytes / 1024, ClustersOnDisk());
    CHECK(Holds(File, 77 * PAGE_SIZE, PAGE_SIZE, 77));
    Finish();
}

TEST(Entry_follows_what_the_lazy_writer_has_written)
{
    Start();
    Write(0, 10000, 0x11);
    CHECK_EQUAL(10000, SizeOf(File));
    CHECK_EQUAL(0, EntryBytes());
    CHECK_EQUAL(3, CciLazyWriteRound());
    CHECK_EQUAL(10000, EntryBytes());
    Write(10000, 5000, 0x22);
    CHECK_EQUAL(10000, EntryBytes());
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK_EQUAL(10000, EntryBytes());
    CHECK_EQUAL(15000, SizeOf(File));
    WriteAllLazily();
    CHECK_EQUAL(15000, EntryBytes());
    Finish();
}

TEST(Flushed_file_is_there_when_the_power_goes_and_its_volume_is_clean)
{
    Start();
    Write(0, 10000, 0x11);
    Write(10000, 10000, 0x22); /* the second time it gets clusters to grow */
    CHECK(ClustersOnDisk() > 20);
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
    CHECK_EQUAL(20, ClustersOnDisk());
    Write(20000, 500, 0x33);
    CutPower();
    CHECK_EQUAL(20000, SizeOf(File));
    CHECK(Holds(File, 0, 10000, 0x11));
    CHECK(Holds(File, 10000, 10000, 0x22));
    Finish();
}

TEST(File_that_was_not_flushed_shows_no_old_bytes_when_the_power_goes)
{
    ULONG At;

    for (At = 0; At < 100; At += 7) {
        ULONG i;
        ULONG Done = 0;

        Start();
        IoDisk.PowerLeft = At;
        memset(IoBuffer, 0x11, 30000);
        (void)NT_SUCCESS(IoWriteFile(File, 0, IoBuffer, 30000));
        (void)NT_SUCCESS(IoWriteFile(File, 30000, IoBuffer, 10000));
        (void)CciLazyWriteRound();
        CutPower();
        if (SizeOf(File) != 0) {
            CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 0, IoBuffer, 40000, &Done));
        }
        for (i = 0; i < Done; i++) {
            CHECK_EQUAL(0x11, IoBuffer[i]);
        }
        Finish();
    }
}

/* Gaps that become zero in the cache, and one that does so on the disk. */
static void CheckGap(ULONG From, ULONG To)
{
    PFILE_OBJECT Direct;
    UCHAR Byte = 1;

    Start();
    Write(0, From, 0x11);
    Write(To, 100, 0x22);
    CHECK(Holds(File, From, To - From < 60000 ? To - From : 60000, 0));
    FcWorldMap(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPeek(File, From, &Byte));
    CHECK_EQUAL(0, Byte);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPeek(File, To - 1, &Byte));
    CHECK_EQUAL(0, Byte);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPeek(File, To + 100, &Byte)); /* behind the end */
    CHECK_EQUAL(0, Byte);
    FcWorldUnmap(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", FALSE, &Direct));
    CHECK(Holds(Direct, From, 3000, 0));
    CHECK(Holds(Direct, To - 3000, 3000, 0));
    CHECK(Holds(Direct, To, 100, 0x22));
    CHECK_EQUAL(To + 100, EntryBytes()); /* it was asked past the cache */
    FcWorldTrim();
    CHECK(Holds(File, From, 3000, 0));
    IoCloseFile(Direct);
    Finish();
}

TEST(Bytes_that_nobody_wrote_are_zero_however_they_are_read)
{
    CheckGap(100, 20000);
    CheckGap(4096, 9000);
    CheckGap(5000, 200000);
}

TEST(Page_that_was_never_written_is_read_as_zeroes_without_the_disk)
{
    PFAT_FCB Fcb;
    ULONG Reads;

    Start();
    Fcb = File->FsContext;
    Write(0, 100, 0x11);
    ExAcquireFastMutex(&Fcb->Vcb->Mutex);
    CHECK_EQUAL(STATUS_SUCCESS, FatLengthen(Fcb, 3 * PAGE_SIZE)); /* and nobody copies */
    ExReleaseFastMutex(&Fcb->Vcb->Mutex);
    FatFinishCache(Fcb, -1);
    Reads = FatCountPageReads(Fcb);
    CHECK(Holds(File, PAGE_SIZE, 2 * PAGE_SIZE, 0));
    CHECK_EQUAL(Reads, FatCountPageReads(Fcb));
    Finish();
}

TEST(Cut_and_longer_again_there_are_zeroes)
{
    Start();
    Write(0, 20000, 0x11);
    (void)CciLazyWriteRound();
    Write(20000, 10000, 0x22);
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 25000));
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 3000));
    Write(12000, 10, 0x33);
    CHECK(Holds(File, 3000, 9000, 0));
    FcWorldTrim();
    CHECK(Holds(File, 3000, 9000, 0));
    CHECK(Holds(File, 0, 3000, 0x11));
    Finish();
}

/* ---- room ---- */

TEST(Clusters_that_a_file_keeps_to_grow_are_there_for_others)
{
    PFILE_OBJECT Large;
    FAT_FIGURES Figures;
    ULONG Bytes = 0;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\large", FALSE, &Large));
    Write(0, 5000, 0x11);
    Write(5000, 5000, 0x11);
    CHECK(ClustersOnDisk() > 10);
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(Volume(), &Figures));
    Bytes = (Figures.FreeClusters + ClustersOnDisk() - 10) * 1024;
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(Large, Bytes)); /* all that there is */
    CHECK_EQUAL(10, ClustersOnDisk());
    memset(IoBuffer, 0x22, 5000);
    CHECK_EQUAL(STATUS_DISK_FULL, IoWriteFile(File, 10000, IoBuffer, 5000));
    CHECK_EQUAL(10000, SizeOf(File));
    CHECK(Holds(File, 0, 10000, 0x11));
    Write(10000, 240, 0x11); /* the rest of its last cluster */
    IoCloseFile(Large);
    Finish();
}

TEST(Last_handle_gives_clusters_back)
{
    Start();
    Write(0, 5000, 0x11);
    Write(5000, 5000, 0x11);
    CHECK(ClustersOnDisk() > 10);
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK_EQUAL(10, ClustersOnDisk());
    CHECK(Holds(File, 0, 10000, 0x11));
    Finish();
}

TEST(Flush_that_the_disk_refuses_is_done_by_the_next_one)
{
    ULONG Fails;

    for (Fails = 1; Fails < 6; Fails++) {
        Start();
        Write(0, 5000, 0x11);
        Write(5000, 5000, 0x11);
        IoDisk.FailAt[DiskWrite] = Fails;
        if (!NT_SUCCESS(IoFlushFile(File))) {
            CHECK_EQUAL(10000, SizeOf(File));
            CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
        }
        IoDisk.FailAt[DiskWrite] = 0;
        CHECK_EQUAL(10000, EntryBytes());
        CHECK(Holds(File, 0, 10000, 0x11));
        CutPower();
        CHECK(Holds(File, 0, 10000, 0x11));
        Finish();
    }
}

/* ---- what FAT has not ---- */

TEST(Valid_data_length_cannot_be_set)
{
    FILE_VALID_DATA_LENGTH_INFORMATION Valid = {.ValidDataLength.QuadPart = 100};

    Start();
    Write(0, 5000, 0x11);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                IoSetInformation(File, FileValidDataLengthInformation, sizeof(Valid), &Valid));
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH,
                IoSetInformation(File, FileValidDataLengthInformation, 4, &Valid));
    CHECK_EQUAL(5000, SizeOf(File));
    CHECK(Holds(File, 0, 5000, 0x11));
    Finish();
}
