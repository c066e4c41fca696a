/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd_copy.c - disk/fat/fsd_copy.c: data by the cache.
 */
#include "disk/fat/fsd_i.h"
#include "mm/cc/copy.h"
#include "mm/cc/dirty.h"
#include "mm/cc/lazy_writer.h"
#include "mm/ke/thread.h"
#include "tests/unit/file_cache_world.h"

#include <string.h>

static PFILE_OBJECT File;

static void Start(BOOLEAN Cached)
{
    FcWorldStart(&IoWorldFat16, TestSeed());
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", Cached, &File));
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

static ULONG Size(void)
{
    ULONG64 Bytes = 0;

    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(File, &Bytes));
    return (ULONG)Bytes;
}

/* What is in the file when no cache is asked. */
static BOOLEAN DiskHolds(ULONG Offset, ULONG Bytes, UCHAR Value)
{
    PFAT_FCB Fcb = File->FsContext;
    ULONG Done = 0;
    ULONG i = 0;

    FatForgetWritten(Fcb);
    CHECK_EQUAL(STATUS_SUCCESS, FatRead(&Fcb->File, Offset, Bytes, IoBuffer, &Done));
    while (i < Done && IoBuffer[i] == Value) {
        i++;
    }
    return Done == Bytes && i == Bytes;
}

TEST(Cached_write_is_read_from_memory_and_reaches_the_disk_lazily)
{
    ULONG Reads;

    Start(TRUE);
    Write(0, 10000, 0x11);
    CHECK_EQUAL(10000, Size());
    CHECK_EQUAL(3, CcTotalDirtyPages);
    CHECK_EQUAL(0, ((PFAT_FCB)File->FsContext)->File.Bytes); /* fsd_valid.c */
    Reads = FcWorldPageReads();
    CHECK(Holds(File, 0, 10000, 0x11));
    CHECK_EQUAL(Reads, FcWorldPageReads());
    CHECK_EQUAL(0xFFFF, ((PPRIVATE_CACHE_MAP)File->PrivateCacheMap)->ReadAheadMask);
    CHECK_EQUAL(3, CciLazyWriteRound());
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CHECK(DiskHolds(0, 10000, 0x11));
    CHECK_EQUAL(Reads, FcWorldPageReads());
    FcWorldTrim();
    CHECK(Holds(File, 0, 10000, 0x11));
    CHECK(FcWorldPageReads() >= Reads + 3);
    Finish();
}

TEST(Cached_data_is_the_same_for_all_who_have_the_file_open)
{
    PFILE_OBJECT Other;
    PFILE_OBJECT Direct;

    Start(TRUE);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\FILE", TRUE, &Other));
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", FALSE, &Direct));
    Write(100, 5000, 0x11);
    CHECK(Holds(Other, 100, 5000, 0x11));
    CHECK(Holds(Direct, 100, 5000, 0x11));
    CHECK(Holds(Direct, 0, 100, 0));
    memset(IoBuffer, 0x22, 50);
    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(Direct, 200, IoBuffer, 50));
    CHECK(Holds(File, 200, 50, 0x22));
    CHECK(Holds(Other, 250, 4850, 0x11));
    IoCloseFile(Direct);
    IoCloseFile(Other);
    Finish();
}

TEST(Cached_file_that_is_closed_is_written_later_and_opened_again_meanwhile)
{
    Start(TRUE);
    Write(0, 5000, 0x11);
    IoCloseFile(File);
    CHECK_EQUAL(2, CcTotalDirtyPages);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK(Holds(File, 0, 5000, 0x11));
    IoCloseFile(File);
    CHECK_EQUAL(2, CciLazyWriteRound());
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", FALSE, &File));
    CHECK(((PFAT_FCB)File->FsContext)->Section.SharedCacheMap == NULL);
    CHECK(DiskHolds(0, 5000, 0x11));
    Finish();
}

TEST(Cached_read_ends_with_the_file)
{
    ULONG Done;

    Start(TRUE);
    Write(0, 5000, 0x11);
    CHECK_EQUAL(STATUS_END_OF_FILE, IoReadFile(File, 5000, IoBuffer, 1, &Done));
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 4999, IoBuffer, 100, &Done));
    CHECK_EQUAL(1, Done);
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 4999, IoBuffer, 0, &Done));
    CHECK_EQUAL(0, Done);
    Finish();
}

TEST(Cached_write_through_is_on_the_disk_when_it_returns)
{
    Start(TRUE);
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, FILE_WRITE_THROUGH, &File));
    Write(10, 6000, 0x33);
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CHECK(DiskHolds(10, 6000, 0x33));
    Finish();
}

TEST(Cached_file_that_grows_has_zeroes_where_nothing_was_written)
{
    Start(TRUE);
    Write(0, 5000, 0x11);
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 4500));
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 9000)); /* the page still has 0x11 behind */
    CHECK(Holds(File, 4500, 4500, 0));
    CHECK(Holds(File, 0, 4500, 0x11));
    Write(20000, 10, 0x22);
    CHECK(Holds(File, 9000, 11000, 0));
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
    CHECK(DiskHolds(4500, 15500, 0));
    CHECK(DiskHolds(20000, 10, 0x22));
    Finish();
}

TEST(Cached_write_that_cannot_be_copied_leaves_the_file_as_long_as_it_was)
{
    Start(TRUE);
    Write(0, 5000, 0x11);
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
    FcWorldTrim();
    memset(IoBuffer, 0x22, 8000);
    IoDisk.FailOneIn[DiskRead] = 1;
    IoDisk.MayFail = 2; /* the page that is written to in part: with the other one, and alone */
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, IoWriteFile(File, 4000, IoBuffer, 8000));
    CHECK_EQUAL(0, IoDisk.MayFail);
    IoDisk.FailOneIn[DiskRead] = 0;
    CHECK_EQUAL(5000, Size());
    CHECK(Holds(File, 0, 4000, 0x11));
    Write(4000, 8000, 0x22);
    CHECK(Holds(File, 0, 4000, 0x11));
    CHECK(Holds(File, 4000, 8000, 0x22));
    Finish();
}

TEST(Cached_write_to_a_full_disk_changes_nothing)
{
    PFILE_OBJECT Large;

    Start(TRUE);
    Write(0, 5000, 0x11);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\large", FALSE, &Large));
    while (NT_SUCCESS(IoSetFileSize(Large, ((PFAT_FCB)Large->FsContext)->File.Bytes + 0x80000))) {
        continue;
    }
    memset(IoBuffer, 0x22, 5000);
    CHECK_EQUAL(STATUS_DISK_FULL, IoWriteFile(File, 0x100000, IoBuffer, 5000));
    CHECK_EQUAL(5000, Size());
    CHECK(Holds(File, 0, 5000, 0x11));
    CHECK_EQUAL(STATUS_DISK_FULL, IoWriteFile(File, 0xFFFFFFF0, IoBuffer, 5000));
    IoCloseFile(Large);
    Finish();
}

TEST(Cached_file_is_not_written_on_a_disk_that_refuses)
{
    Start(TRUE);
    Write(0, 100, 0x11);
    IoDisk.Device.ReadOnly = TRUE;
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, IoWriteFile(File, 0, IoBuffer, 10));
    IoDisk.Device.ReadOnly = FALSE;
    CHECK(Holds(File, 0, 100, 0x11));
    Finish();
}

/* ---- writers that wait ---- */

static ULONG Completed;
static IO_STATUS_BLOCK Iosb;

static NTSTATUS NTAPI Done(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    (void)Device;
    (void)Context;
    Iosb = Irp->IoStatus;
    Completed++;
    return STATUS_SUCCESS;
}

static KTHREAD Worker;
static UCHAR WorkerStack[HOST_STACK_BYTES] NT_ALIGNED(16);

/* A request that nobody waits for. */
static NTSTATUS Send(UCHAR Minor, ULONG Major, ULONG Offset, ULONG Bytes, PIRP *Sent)
{
    LARGE_INTEGER Start = {.QuadPart = Offset};
    PDEVICE_OBJECT Device = IoGetRelatedDeviceObject(File);
    PIRP Irp = IoBuildAsynchronousFsdRequest(Major, Device, Minor == 0 ? IoBuffer : NULL, Bytes,
                                             &Start, NULL);
    PIO_STACK_LOCATION Next;

    CHECK(Irp != NULL);
    *Sent = Irp;
    Next = IoGetNextIrpStackLocation(Irp);
    Next->MinorFunction = Minor;
    Next->FileObject = File;
    IoSetCompletionRoutine(Irp, Done, NULL, TRUE, TRUE, TRUE);
    return IoCallDriver(Device, Irp);
}

TEST(Cached_write_that_nobody_waits_for_is_pending_while_too_much_is_dirty)
{
    PIRP Irp;

    Start(TRUE);
    CHECK(NT_SUCCESS(KeCreateWorkerThread(&Worker, CriticalWorkQueue,
                                          WorkerStack + HOST_STACK_BYTES, HOST_STACK_BYTES)));
    File->Flags &= ~(ULONG)FO_SYNCHRONOUS_IO;
    Completed = 0;
    Write(0, 20 * PAGE_SIZE, 0x11);
    CcSetSystemDirtyPageThreshold(16);
    memset(IoBuffer, 0x22, 5000);
    CHECK_EQUAL(STATUS_PENDING, Send(0, IRP_MJ_WRITE, 0, 5000, &Irp));
    CHECK_EQUAL(0, Completed);
    CHECK_EQUAL(1, CcDirtyCounters.Deferred);
    (void)CciLazyWriteRound();
    while (Completed == 0) {
        LARGE_INTEGER Wait = {.QuadPart = -10000};

        KeDelayExecutionThread(KernelMode, FALSE, &Wait);
        (void)CciLazyWriteRound();
    }
    CHECK_EQUAL(STATUS_SUCCESS, Iosb.Status);
    CHECK_EQUAL(5000, Iosb.Information);
    CHECK(Holds(File, 5000, 1000, 0x11));
    CHECK(Holds(File, 0, 5000, 0x22));
    Finish();
}

/* ---- the pages themselves ---- */

static PMDL Chain;

static NTSTATUS NTAPI TakeChain(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    (void)Device;
    (void)Context;
    Iosb = Irp->IoStatus;
    Chain = Irp->MdlAddress;
    Irp->MdlAddress = NULL;
    return STATUS_SUCCESS;
}

static NTSTATUS SendMdl(UCHAR Minor, ULONG Major, PMDL Mdl, ULONG Bytes)
{
    LARGE_INTEGER Start = {.QuadPart = 100};
    PDEVICE_OBJECT Device = IoGetRelatedDeviceObject(File);
    PIRP Irp = IoBuildAsynchronousFsdRequest(Major, Device, NULL, 0, &Start, NULL);
    PIO_STACK_LOCATION Next;

    CHECK(Irp != NULL);
    Irp->MdlAddress = Mdl;
    Next = IoGetNextIrpStackLocation(Irp);
    Next->Parameters.Read.Length = Bytes;
    Next->MinorFunction = Minor;
    Next->FileObject = File;
    IoSetCompletionRoutine(Irp, TakeChain, NULL, TRUE, TRUE, TRUE);
    return IoCallDriver(Device, Irp);
}

TEST(Cached_pages_are_lent_out_as_mdls)
{
    Start(TRUE);
    Write(0, 6000, 0x11);
    Chain = NULL;
    CHECK_EQUAL(STATUS_SUCCESS, SendMdl(IRP_MN_MDL, IRP_MJ_READ, NULL, 5000));
    CHECK_EQUAL(5000, Iosb.Information);
    CHECK(Chain != NULL && Chain->Next == NULL);
    CHECK_EQUAL(5000, Chain->ByteCount);
    CHECK_EQUAL(0x11, *(PUCHAR)MmGetSystemAddressForMdlSafe(Chain, NormalPagePriority));
    CHECK_EQUAL(STATUS_SUCCESS, SendMdl(IRP_MN_COMPLETE_MDL, IRP_MJ_READ, Chain, 5000));
    CHECK(Chain == NULL);
    CHECK_EQUAL(STATUS_INVALID_DEVICE_REQUEST, SendMdl(IRP_MN_MDL, IRP_MJ_WRITE, NULL, 5000));
    Finish();
    Start(FALSE);
    CHECK_EQUAL(STATUS_INVALID_DEVICE_REQUEST, SendMdl(IRP_MN_MDL, IRP_MJ_READ, NULL, 5000));
    Finish();
}

/* The rest of the last page is written through before the file is longer, and not only then. */
TEST(Cached_write_through_behind_the_end_leaves_zeroes_between_on_the_disk)
{
    PFILE_OBJECT Through;

    Start(TRUE);
    Write(0, 20000, 0x55);
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 512)); /* the disk keeps what was behind */
    FcWorldTrim();
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, FILE_WRITE_THROUGH, &Through));
    memset(IoBuffer, 0x22, 100);
    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(Through, 9000, IoBuffer, 100));
    FcWorldTrim();
    CHECK(Holds(File, 0, 512, 0x55));
    CHECK(Holds(File, 512, 9000 - 512, 0));
    CHECK(Holds(File, 9000, 100, 0x22));
    CHECK(DiskHolds(512, 9000 - 512, 0));
    IoCloseFile(Through);
    Finish();
}
