/* SPDX-License-Identifier: MIT */
/*
 * file_cache_world.c - see file_cache_world.h.
 */
#include "tests/unit/file_cache_world.h"

#include "mm.h"
#include "mm/inspect/page_out.h"
#include "mm/ke/thread.h"
#include "mm/paging/in_page.h"
#include "mm/section/cache_calls.h"
#include "mm/section/mapped_writer.h"
#include "mm/space/process.h"
#include "mm/ws/wsle.h"
#include "verify.h"

#define WORLD_MAPS 8u

/* A user's view of a file: in Viewer. */
typedef struct _FC_MAP {
    PFILE_OBJECT File; /* NULL: not used */
    PSECTION Section;
    PUCHAR Base;
    ULONG Bytes;
} FC_MAP;

static PEPROCESS Viewer;
static FC_MAP Maps[WORLD_MAPS];
static KTHREAD ReadAhead;
static UCHAR ReadAheadStack[HOST_STACK_BYTES] NT_ALIGNED(16);

/* ---- users ---- */

static FC_MAP *FindMap(const FILE_OBJECT *File)
{
    ULONG i = 0;

    while (i < WORLD_MAPS && Maps[i].File != File) {
        i++;
    }
    CHECK(i < WORLD_MAPS);
    return &Maps[i];
}

static void MapAll(FC_MAP *Map)
{
    LARGE_INTEGER Bytes = {.QuadPart = 0};
    KAPC_STATE State;
    PVOID Base = NULL;
    SIZE_T ViewBytes = 0;

    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(Map->File, (PULONG64)&Bytes.QuadPart));
    CHECK_EQUAL(STATUS_SUCCESS,
                MmCreateSection((PVOID *)&Map->Section, SECTION_ALL_ACCESS, NULL, &Bytes,
                                PAGE_READWRITE, SEC_COMMIT, NULL, Map->File));
    KeStackAttachProcess(&Viewer->Pcb, &State);
    CHECK_EQUAL(STATUS_SUCCESS, MmMapViewOfSection(Map->Section, Viewer, &Base, 0, 0, NULL,
                                                   &ViewBytes, ViewShare, 0, PAGE_READWRITE));
    KeUnstackDetachProcess(&State);
    Map->Base = Base;
    Map->Bytes = (ULONG)ViewBytes;
}

static void UnmapAll(FC_MAP *Map)
{
    CHECK_EQUAL(STATUS_SUCCESS, MmUnmapViewOfSection(Viewer, Map->Base));
    ObDereferenceObject(Map->Section);
}

void FcWorldMap(PFILE_OBJECT File)
{
    FC_MAP *Map = FindMap(NULL);

    Map->File = File;
    MapAll(Map);
}

void FcWorldUnmap(PFILE_OBJECT File)
{
    FC_MAP *Map = FindMap(File);

    UnmapAll(Map);
    Map->File = NULL;
}

/* A file that has become longer is mapped again. */
static NTSTATUS Access(PFILE_OBJECT File, ULONG Offset, PUCHAR Byte, BOOLEAN Writes)
{
    FC_MAP *Map = FindMap(File);
    KAPC_STATE State;
    NTSTATUS Status;

    if (Offset >= Map->Bytes) {
        UnmapAll(Map);
        MapAll(Map);
    }
    CHECK(Offset < Map->Bytes);
    KeStackAttachProcess(&Viewer->Pcb, &State);
    Status = Writes ? MmCopyToUser(Map->Base + Offset, Byte, 1, NULL)
                    : MmCopyFromUser(Byte, Map->Base + Offset, 1, NULL);
    KeUnstackDetachProcess(&State);
    return Status;
}

NTSTATUS FcWorldPeek(PFILE_OBJECT File, ULONG Offset, PUCHAR Byte)
{
    return Access(File, Offset, Byte, FALSE);
}

NTSTATUS FcWorldPoke(PFILE_OBJECT File, ULONG Offset, UCHAR Byte)
{
    return Access(File, Offset, &Byte, TRUE);
}

/* ---- pages ---- */

static void TrimViewer(void)
{
    KAPC_STATE State;

    KeStackAttachProcess(&Viewer->Pcb, &State);
    MiLockAddressSpace(Viewer);
    (void)MiTrimWorkingSet(&Viewer->Vm, Viewer->Vm.WorkingSetSize, 0);
    MiUnlockAddressSpace(Viewer);
    KeUnstackDetachProcess(&State);
}

void FcWorldTrim(void)
{
    BOOLEAN Trimmed = MmTrimAllSystemPageableMemory(FALSE);
    NTSTATUS Status;

    (void)Trimmed; /* FALSE: another thread is at it */
    TrimViewer();
    Status = MiFlushMappedPages();
    (void)NT_SUCCESS(Status); /* else they stay */
    (void)MiReuseStandbyFrames();
}

ULONG FcWorldPageReads(void)
{
    return MiInPageCounters.Pages;
}

/* ---- the world ---- */

void FcWorldStart(const SEED_FAT *Fat, ULONG64 Seed)
{
    MmWorldNextUnforced();
    IoWorldStart(Fat, Seed);
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("viewer", &Viewer));
    CHECK_EQUAL(STATUS_SUCCESS, CcInitializeCacheManager(&MiCacheViewCalls, 4096));
    CHECK_EQUAL(STATUS_SUCCESS,
                KeCreateWorkerThread(&ReadAhead, DelayedWorkQueue,
                                     ReadAheadStack + HOST_STACK_BYTES, HOST_STACK_BYTES));
}

void FcWorldFinish(void)
{
    MiVerifyAll();
    PsTerminateProcess(Viewer);
    PsDereferenceProcess(Viewer);
    IoWorldFinish();
}

NTSTATUS FcWorldOpen(PCSTR Path, BOOLEAN Cached, PFILE_OBJECT *File)
{
    return IoWorldOpen(Path, FILE_OPEN_IF,
                       FILE_NON_DIRECTORY_FILE | (Cached ? 0 : FILE_NO_INTERMEDIATE_BUFFERING),
                       File);
}
