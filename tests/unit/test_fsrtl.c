/* SPDX-License-Identifier: MIT */
/*
 * test_fsrtl.c - mm/io/fsrtl.c: which of a file's resources are taken for whom.
 */
#include "fsrtl.h"
#include "mm/ke/thread.h"
#include "tests/unit/io_world.h"

static PFILE_OBJECT File;
static PFSRTL_COMMON_FCB_HEADER Header;

static void Start(void)
{
    IoWorldStart(&IoWorldFat16, 0);
    IoWorldPut("\\file", 10000, 5);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
    Header = File->FsContext;
}

static void Finish(void)
{
    CHECK_EQUAL(0, Header->Resource->ActiveCount + Header->PagingIoResource->ActiveCount);
    IoCloseFile(File);
    IoWorldFinish();
}

TEST(FsRtl_file_is_exclusive_while_a_section_is_made)
{
    ULONG64 Bytes;

    Start();
    FsRtlAcquireFileExclusive(File);
    CHECK(ExIsResourceAcquiredExclusiveLite(Header->Resource));
    CHECK_EQUAL(0, Header->PagingIoResource->ActiveCount);
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(File, &Bytes)); /* who makes it asks for that */
    CHECK_EQUAL(10000, Bytes);
    FsRtlReleaseFile(File);
    Finish();
}

TEST(FsRtl_page_writer_takes_what_the_flags_say)
{
    LARGE_INTEGER End = {.QuadPart = 8192};
    PERESOURCE Taken;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, FsRtlAcquireFileForModWriteEx(File, &End, &Taken));
    CHECK(Taken == Header->PagingIoResource);
    CHECK(!ExIsResourceAcquiredExclusiveLite(Taken));
    CHECK_EQUAL(1, ExIsResourceAcquiredSharedLite(Taken));
    FsRtlReleaseFileForModWrite(File, Taken);
    Header->Flags = FSRTL_FLAG_ACQUIRE_MAIN_RSRC_SH;
    CHECK_EQUAL(STATUS_SUCCESS, FsRtlAcquireFileForModWriteEx(File, &End, &Taken));
    CHECK(Taken == Header->Resource && !ExIsResourceAcquiredExclusiveLite(Taken));
    FsRtlReleaseFileForModWrite(File, Taken);
    Header->Flags = FSRTL_FLAG_ACQUIRE_MAIN_RSRC_EX;
    CHECK_EQUAL(STATUS_SUCCESS, FsRtlAcquireFileForModWriteEx(File, &End, &Taken));
    CHECK(Taken == Header->Resource && ExIsResourceAcquiredExclusiveLite(Taken));
    FsRtlReleaseFileForModWrite(File, Taken);
    Header->Flags = 0;
    Header->ValidDataLength.QuadPart = 4096; /* the write makes more valid */
    CHECK_EQUAL(STATUS_SUCCESS, FsRtlAcquireFileForModWriteEx(File, &End, &Taken));
    CHECK(Taken == Header->Resource && ExIsResourceAcquiredExclusiveLite(Taken));
    FsRtlReleaseFileForModWrite(File, Taken);
    Finish();
}

static void AskInVain(PVOID Context)
{
    LARGE_INTEGER End = {.QuadPart = 8192};
    PERESOURCE Taken = Context;

    CHECK_EQUAL(STATUS_CANT_WAIT, FsRtlAcquireFileForModWriteEx(File, &End, &Taken));
    CHECK(Taken == Context);
    CHECK_EQUAL(0, KeGetCurrentThread()->KernelApcDisable);
}

TEST(FsRtl_page_writer_does_not_wait_for_a_file)
{
    Start();
    KeEnterCriticalRegion();
    CHECK(ExAcquireResourceExclusiveLite(Header->PagingIoResource, TRUE));
    KeWaitForSingleObject(HostKernelThread(HostThreadCreate(AskInVain, NULL)), Executive,
                          KernelMode, FALSE, NULL);
    ExReleaseResourceLite(Header->PagingIoResource);
    KeLeaveCriticalRegion();
    Finish();
}

TEST(FsRtl_flush_takes_both_as_the_caller_has_them)
{
    Start();
    FsRtlAcquireFileForCcFlush(File);
    CHECK_EQUAL(1, ExIsResourceAcquiredSharedLite(Header->Resource));
    CHECK_EQUAL(1, ExIsResourceAcquiredSharedLite(Header->PagingIoResource));
    CHECK(!ExIsResourceAcquiredExclusiveLite(Header->Resource));
    FsRtlReleaseFileForCcFlush(File);
    FsRtlAcquireFileExclusive(File);
    FsRtlAcquireFileForCcFlush(File);
    CHECK(ExIsResourceAcquiredExclusiveLite(Header->Resource));
    FsRtlReleaseFileForCcFlush(File);
    FsRtlReleaseFile(File);
    Finish();
}

TEST(FsRtl_file_without_a_header_has_nothing_to_take)
{
    FILE_OBJECT Bare = {.Type = IO_TYPE_FILE};
    LARGE_INTEGER End = {.QuadPart = 1};
    PERESOURCE Taken;

    Start();
    FsRtlAcquireFileExclusive(&Bare);
    FsRtlReleaseFile(&Bare);
    FsRtlAcquireFileForCcFlush(&Bare);
    FsRtlReleaseFileForCcFlush(&Bare);
    CHECK_EQUAL(STATUS_SUCCESS, FsRtlAcquireFileForModWriteEx(&Bare, &End, &Taken));
    CHECK(Taken == NULL);
    FsRtlReleaseFileForModWrite(&Bare, Taken);
    CHECK_EQUAL(0, KeGetCurrentThread()->KernelApcDisable);
    Finish();
}
