/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd.c - FAT as a file system driver: mounting, files and directories through requests.
 */
#include "disk/fat/fsd_i.h"
#include "tests/unit/io_world.h"

#include <string.h>

TEST(FatFsd_files_keep_their_contents_over_a_mount)
{
    static const SEED_FAT *const Kinds[] = {&IoWorldFat12, &IoWorldFat16, &IoWorldLarge};
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Kinds); Index++) {
        PFILE_OBJECT Folder;

        IoWorldStart(Kinds[Index], Index == 0 ? 0 : TestSeed() + Index);
        IoWorldPut("\\SHORT.TXT", 5000, 1);
        CHECK_EQUAL(STATUS_SUCCESS,
                    IoWorldOpen("/A long folder", FILE_CREATE, FILE_DIRECTORY_FILE, &Folder));
        IoCloseFile(Folder);
        IoWorldPut("/A long folder/a long file name.data", 12345, 2);
        IoWorldPut("/A long folder/empty", 0, 0);
        IoWorldRemount();
        CHECK(IoWorldHolds("\\short.txt", 5000, 1));
        CHECK(IoWorldHolds("/ALONGF~1/A LONG FILE NAME.DATA", 12345, 2));
        CHECK(IoWorldHolds("/A long folder/empty", 0, 0));
        CHECK(!IoWorldHolds("/A long folder/absent", 0, 0));
        IoWorldFinish();
    }
}

static NTSTATUS ReadStatus;
static ULONG ReadDone;

static void Read(PVOID Context)
{
    ReadStatus = IoReadFile(Context, 0, IoBuffer, 1, &ReadDone);
}

TEST(FatFsd_request_that_waited_for_the_cleanup_finds_the_file_closed)
{
    LARGE_INTEGER Time = {.QuadPart = -10000LL * 50};
    PFILE_OBJECT File;
    PFAT_FCB Fcb;

    IoWorldStart(&IoWorldFat16, 0);
    IoWorldPut("\\f", 10, 1);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\f", FILE_OPEN, 0, &File));
    Fcb = File->FsContext;
    KeEnterCriticalRegion();
    (void)ExAcquireResourceExclusiveLite(&Fcb->Resource, TRUE);
    ReadStatus = STATUS_PENDING;
    HostThreadCreate(Read, File);
    KeDelayExecutionThread(KernelMode, FALSE, &Time); /* the reader waits for the resource */
    CHECK_EQUAL(STATUS_PENDING, ReadStatus);
    IoReferenceFile(File);
    IoCloseFile(File);
    ExReleaseResourceLite(&Fcb->Resource);
    KeLeaveCriticalRegion();
    KeDelayExecutionThread(KernelMode, FALSE, &Time);
    CHECK_EQUAL(STATUS_FILE_CLOSED, ReadStatus);
    IoDereferenceFile(File);
    IoWorldFinish();
}
