/* SPDX-License-Identifier: MIT */
/*
 * file_section_world.c - see file_section_world.h.
 */
#include "tests/unit/file_section_world.h"

#include "cc.h"
#include "mm/inspect/page_out.h"
#include "mm/ke/thread.h"
#include "mm/paging/modified_writer.h"
#include "mm/section/cache_calls.h"
#include "mm/section/mapped_writer.h"
#include "mm/ws/wsle.h"
#include "vm.h"

/* Without FileSectionStartCached no cache manager runs: sections are all that files have. */
void FileSectionStartOn(const SEED_FAT *Fat)
{
    NtWorldStartOn(Fat);
}

void FileSectionStart(void)
{
    FileSectionStartOn(&IoWorldFat12);
}

void FileSectionFinish(void)
{
    MiVerifyAll();
    MiReleaseFiles(NULL);
    NtWorldFinish();
}

void FileSectionStartCached(void)
{
    static char Stack[2 * HOST_STACK_BYTES];
    static KTHREAD Worker;

    MmWorldNextUnforced();
    FileSectionStartOn(&IoWorldFat16);
    CHECK_EQUAL(STATUS_SUCCESS, CcInitializeCacheManager(&MiCacheViewCalls, 4096));
    CHECK_EQUAL(STATUS_SUCCESS, KeCreateWorkerThread(&Worker, DelayedWorkQueue,
                                                     Stack + HOST_STACK_BYTES, HOST_STACK_BYTES));
    CHECK_EQUAL(STATUS_SUCCESS, CcStartLazyWriter());
}

void FileSectionFinishCached(void)
{
    CcStopLazyWriter();
    FileSectionFinish();
}

HANDLE FileSectionMakeFile(PCWSTR Path, ULONG Bytes, UCHAR First)
{
    HANDLE File =
        NtWorldOpen(Path, (IO_ALL_ACCESS | FILE_EXECUTE) & ~FILE_APPEND_DATA, FILE_OVERWRITE_IF,
                    FILE_NON_DIRECTORY_FILE | FILE_NO_INTERMEDIATE_BUFFERING);
    ULONG i;

    CHECK(Bytes <= IO_WORLD_BYTES);
    for (i = 0; i < Bytes; i++) {
        IoBuffer[i] = IoWorldByte(i, First);
    }
    if (Bytes != 0) {
        CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(NtWorldFile(File), 0, IoBuffer, Bytes));
    }
    return File;
}

NTSTATUS FileSectionTryOpen(HANDLE File, LONGLONG Bytes, ULONG Protect, PSECTION *Section)
{
    LARGE_INTEGER Size = {.QuadPart = Bytes};

    return MmCreateSection((PVOID *)Section, SECTION_ALL_ACCESS, NULL, &Size, Protect, SEC_COMMIT,
                           File, NULL);
}

PSECTION FileSectionOpen(HANDLE File, LONGLONG Bytes, ULONG Protect)
{
    PSECTION Section = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, FileSectionTryOpen(File, Bytes, Protect, &Section));
    return Section;
}

PUCHAR FileSectionMap(PSECTION Section, ULONG Protect)
{
    PVOID Base = NULL;
    SIZE_T Bytes = 0;

    CHECK_EQUAL(STATUS_SUCCESS, MmMapViewOfSection(Section, PsGetCurrentProcess(), &Base, 0, 0,
                                                   NULL, &Bytes, ViewShare, 0, Protect));
    return Base;
}

void FileSectionUnmap(PUCHAR View)
{
    CHECK_EQUAL(STATUS_SUCCESS, MmUnmapViewOfSection(PsGetCurrentProcess(), View));
}

UCHAR FileSectionRead(const UCHAR *Va)
{
    UCHAR Value = 0;

    CHECK_EQUAL(STATUS_SUCCESS, MmCopyFromUser(&Value, Va, 1, NULL));
    return Value;
}

void FileSectionWrite(PUCHAR Va, UCHAR Value)
{
    CHECK_EQUAL(STATUS_SUCCESS, MmCopyToUser(Va, &Value, 1, NULL));
}

void FileSectionTrim(void)
{
    PEPROCESS Process = PsGetCurrentProcess();

    MiLockAddressSpace(Process);
    (void)MiTrimWorkingSet(&Process->Vm, Process->Vm.WorkingSetSize, 0);
    MiUnlockAddressSpace(Process);
}

void FileSectionPageOut(void)
{
    FileSectionTrim();
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushMappedPages());
    (void)MiReuseStandbyFrames();
}

UCHAR FileSectionByBytes(HANDLE File, ULONG Offset)
{
    UCHAR *Byte = IoBuffer + IO_WORLD_BYTES - 1;
    ULONG Done = 0;

    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(NtWorldFile(File), Offset, Byte, 1, &Done));
    return *Byte;
}
