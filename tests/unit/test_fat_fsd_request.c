/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd_request.c - requests that need the resources of another file:
 * disk/fat/fsd_request.c.
 */
#include "disk/fat/fsd_i.h"
#include "mm/cc/cache_map.h"
#include "mm/cc/dirty.h"
#include "tests/unit/file_cache_world.h"

#include <string.h>

static PFILE_OBJECT File;

static PFILE_OBJECT Make(PCSTR Path, ULONG Bytes, UCHAR Value)
{
    PFILE_OBJECT Made;

    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen(Path, TRUE, &Made));
    memset(IoBuffer, Value, Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(Made, 0, IoBuffer, Bytes));
    return Made;
}

static BOOLEAN Holds(PCSTR Path, ULONG Bytes, UCHAR Value)
{
    PFILE_OBJECT Found;
    ULONG Done = 0;
    ULONG i = 0;

    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen(Path, FILE_OPEN, 0, &Found));
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(Found, 0, IoBuffer, Bytes + 1, &Done));
    while (i < Done && IoBuffer[i] == Value) {
        i++;
    }
    IoCloseFile(Found);
    return Done == Bytes && i == Bytes;
}

TEST(Rename_replaces_a_closed_file_that_the_cache_has_still)
{
    FcWorldStart(&IoWorldFat16, TestSeed());
    IoCloseFile(Make("\\old", 9000, 0x11));
    CHECK(CcTotalDirtyPages != 0);
    File = Make("\\new", 5000, 0x22);
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, IoRenameFile(File, "\\old", FALSE));
    CHECK_EQUAL(STATUS_SUCCESS, IoRenameFile(File, "\\old", TRUE));
    CHECK(Holds("\\old", 5000, 0x22));
    IoCloseFile(File);
    IoWorldRemount();
    CHECK(Holds("\\old", 5000, 0x22));
    FcWorldFinish();
}

TEST(Rename_does_not_replace_a_file_that_is_open_or_mapped)
{
    PFILE_OBJECT Old;

    FcWorldStart(&IoWorldFat16, TestSeed());
    Old = Make("\\old", 9000, 0x11);
    File = Make("\\new", 5000, 0x22);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoRenameFile(File, "\\old", TRUE));
    ObReferenceObject(Old);
    FcWorldMap(Old);
    IoCloseFile(Old);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoRenameFile(File, "\\old", TRUE));
    CHECK(Holds("\\old", 9000, 0x11));
    FcWorldUnmap(Old);
    ObDereferenceObject(Old);
    CHECK_EQUAL(STATUS_SUCCESS, IoRenameFile(File, "\\old", TRUE));
    IoCloseFile(File);
    FcWorldFinish();
}

static FAT_SECTION_CALLS Calls;

static BOOLEAN NTAPI IsMappedImage(PSECTION_OBJECT_POINTERS Section, MMFLUSH_TYPE Type)
{
    (void)Section;
    return Type != MmFlushForDelete;
}

TEST(Rename_does_not_replace_a_closed_file_whose_image_is_mapped)
{
    PFILE_OBJECT Old;

    FcWorldStart(&IoWorldFat16, TestSeed());
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\old", FALSE, &Old)); /* the cache has nothing */
    ObReferenceObject(Old);
    IoCloseFile(Old);
    File = Make("\\new", 5000, 0x22);
    Calls = FatSectionCalls;
    FatSectionCalls.FlushImageSection = IsMappedImage;
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoRenameFile(File, "\\old", TRUE));
    FatSectionCalls = Calls;
    CHECK_EQUAL(STATUS_SUCCESS, IoRenameFile(File, "\\old", TRUE));
    ObDereferenceObject(Old);
    IoCloseFile(File);
    FcWorldFinish();
}

TEST(Rename_that_cannot_be_done_leaves_what_the_cache_had_of_the_other_file)
{
    FcWorldStart(&IoWorldFat16, TestSeed());
    IoCloseFile(Make("\\old", 9000, 0x11));
    File = Make("\\new", 5000, 0x22);
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
    IoDisk.FailOneIn[DiskWrite] = 1;
    IoDisk.MayFail = 2; /* the other file's pages, and its first one alone */
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoRenameFile(File, "\\old", TRUE));
    CHECK_EQUAL(0, IoDisk.MayFail);
    IoDisk.FailOneIn[DiskWrite] = 0;
    CHECK(Holds("\\old", 9000, 0x11));
    IoCloseFile(File);
    FcWorldFinish();
}

TEST(Directory_above_a_closed_file_that_the_cache_has_still_is_renamed)
{
    PFILE_OBJECT Directory;

    FcWorldStart(&IoWorldFat16, TestSeed());
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\dir", FILE_CREATE, FILE_DIRECTORY_FILE, &Directory));
    File = Make("\\dir\\file", 9000, 0x11);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoRenameFile(Directory, "\\moved", FALSE));
    IoCloseFile(File);
    CHECK(CcTotalDirtyPages != 0);
    CHECK_EQUAL(STATUS_SUCCESS, IoRenameFile(Directory, "\\moved", FALSE));
    IoCloseFile(Directory);
    CHECK(Holds("\\moved\\file", 9000, 0x11));
    CHECK_EQUAL(STATUS_SUCCESS, IoDeleteFile(IoVolume, "\\moved\\file")); /* by its new path */
    FcWorldFinish();
}

TEST(Overwritten_file_is_empty_for_those_who_have_it_open)
{
    PFILE_OBJECT Other;
    ULONG Done;

    FcWorldStart(&IoWorldFat16, TestSeed());
    File = Make("\\file", 9000, 0x11);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OVERWRITE, 0, &Other));
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CHECK_EQUAL(STATUS_END_OF_FILE, IoReadFile(File, 0, IoBuffer, 1, &Done));
    IoCloseFile(Other);
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 1));
    FcWorldMap(File);
    CHECK_EQUAL(STATUS_USER_MAPPED_FILE, IoWorldOpen("\\file", FILE_OVERWRITE, 0, &Other));
    FcWorldUnmap(File);
    IoCloseFile(File);
    FcWorldFinish();
}

/* ---- two renames at once ---- */

/* A file that a thread gives another name. */
typedef struct _RENAMER {
    PFILE_OBJECT Object;
    PCSTR From;
    PCSTR To;
    NTSTATUS Status;
    ULONG Renamed;
    ULONG Refused;
    uint64_t Random;
    BOOLEAN Ended;
} RENAMER;

static void WaitForThread(ULONG Thread)
{
    CHECK_EQUAL(STATUS_SUCCESS, KeWaitForSingleObject(HostKernelThread(Thread), Executive,
                                                      KernelMode, FALSE, NULL));
}

static void Pause(void)
{
    LARGE_INTEGER Interval = {.QuadPart = -500000};

    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

static void RenameOnce(PVOID Context)
{
    RENAMER *R = Context;

    R->Status = IoRenameFile(R->Object, R->To, TRUE);
    R->Ended = TRUE;
}

/* The first waits for the other's file, which was closed when it looked, with its own one held. */
TEST(Renames_of_two_files_onto_each_other_do_not_wait_for_each_other)
{
    RENAMER First = {.To = "\\b"};
    RENAMER Second = {.To = "\\a"};
    PFILE_OBJECT Closed;
    PERESOURCE Resource;
    ULONG Threads[2];

    FcWorldStart(&IoWorldFat16, TestSeed());
    IoCloseFile(Make("\\b", 9000, 0x22));
    IoWorldRemount(); /* the cache has nothing of it: its handles alone protect it */
    First.Object = Make("\\a", 5000, 0x11);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\b", FALSE, &Closed));
    Resource = ((PFSRTL_COMMON_FCB_HEADER)Closed->FsContext)->Resource;
    ObReferenceObject(Closed);
    IoCloseFile(Closed);
    KeEnterCriticalRegion();
    CHECK(ExAcquireResourceSharedLite(Resource, TRUE)); /* as the cache's threads do */
    Threads[0] = HostThreadCreate(RenameOnce, &First);
    Pause();
    CHECK_EQUAL(1, ExGetExclusiveWaiterCount(Resource));
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\b", FALSE, &Second.Object));
    Threads[1] = HostThreadCreate(RenameOnce, &Second);
    Pause();
    CHECK_EQUAL(2, ExGetExclusiveWaiterCount(Resource));
    CHECK(!First.Ended && !Second.Ended);
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
    WaitForThread(Threads[0]);
    WaitForThread(Threads[1]);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, First.Status);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, Second.Status);
    IoCloseFile(First.Object);
    IoCloseFile(Second.Object);
    ObDereferenceObject(Closed);
    CHECK(Holds("\\a", 5000, 0x11));
    CHECK(Holds("\\b", 9000, 0x22));
    FcWorldFinish();
}

static void RenameAgain(RENAMER *R)
{
    NTSTATUS Status;

    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen(R->From, TRUE, &R->Object));
    CHECK_EQUAL(STATUS_SUCCESS,
                IoWriteFile(R->Object, TestRandom(&R->Random) % 9000, IoBuffer, 100));
    Status = IoRenameFile(R->Object, R->To, TRUE);
    if (NT_SUCCESS(Status)) {
        R->Renamed++;
    } else {
        CHECK_EQUAL(STATUS_ACCESS_DENIED, Status);
        R->Refused++;
    }
    IoCloseFile(R->Object);
    HostYield();
}

static void RenameForLong(PVOID Context)
{
    RENAMER *R = Context;
    ULONG Round;

    for (Round = 0; Round < 200; Round++) {
        RenameAgain(R);
    }
}

/* In a ring, of which each file is open for a while, and in the cache when it is not. */
TEST(Renames_by_threads_onto_each_others_files_all_end)
{
    static const PCSTR Names[] = {"\\a", "\\b", "\\c"};
    RENAMER Renamers[4];
    ULONG Threads[4];
    ULONG Renamed = 0;
    ULONG Refused = 0;
    ULONG i;

    FcWorldStart(&IoWorldFat16, TestSeed());
    HostSetPreemption(5);
    for (i = 0; i < 4; i++) {
        Renamers[i] = (RENAMER){.From = Names[i % 3],
                                .To = i < 3 ? Names[(i + 1) % 3] : "\\c",
                                .Random = TestSeedNumber(i) | 1};
        Threads[i] = HostThreadCreate(RenameForLong, &Renamers[i]);
    }
    for (i = 0; i < 4; i++) {
        WaitForThread(Threads[i]);
        Renamed += Renamers[i].Renamed;
        Refused += Renamers[i].Refused;
    }
    HostSetPreemption(0);
    CHECK(Renamed > 20 && Refused > 20);
    FcWorldFinish();
}

TEST(Request_of_a_function_that_the_driver_has_not_is_refused)
{
    PIRP Irp;
    LARGE_INTEGER Zero = {.QuadPart = 0};
    IO_STATUS_BLOCK Iosb;
    KEVENT Event;

    FcWorldStart(&IoWorldFat16, TestSeed());
    File = Make("\\file", 10, 0x11);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp = IoBuildSynchronousFsdRequest(IRP_MJ_LOCK_CONTROL, IoGetRelatedDeviceObject(File), NULL, 0,
                                       &Zero, &Event, &Iosb);
    CHECK(Irp != NULL);
    IoGetNextIrpStackLocation(Irp)->FileObject = File;
    CHECK_EQUAL(STATUS_INVALID_DEVICE_REQUEST, IoCallDriver(IoGetRelatedDeviceObject(File), Irp));
    IoCloseFile(File);
    FcWorldFinish();
}
