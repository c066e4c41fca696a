/* SPDX-License-Identifier: MIT */
/*
 * test_prop_view_buffers.c - threads that map, unmap, read, write and cut two files, with buffers
 * that are views of the same or of the other file: page faults under a file's Resource, beside
 * those who want it.
 *
 * What is in the files is nobody's to say.  The test is that nobody waits for ever, that the locks
 * come in their order, and that each status is one of those that such a race may have.
 */
#include "mm/space/process.h"
#include "tests/unit/file_section_world.h"
#include "vm.h"

#include <stdio.h>

#define THREADS    4u
#define FILES      2u
#define MOST_BYTES 40000u

static const PCWSTR Paths[FILES] = {u"\\??\\C:\\first", u"\\??\\C:\\second"};

typedef struct _WORKER {
    PEPROCESS Process;
    HANDLE Files[FILES];
    PUCHAR Views[FILES]; /* NULL: not mapped */
    SIZE_T Bytes[FILES]; /* of the views */
    uint64_t Random;
    ULONG Rounds;
    ULONG Moved; /* transfers that succeeded */
    BOOLEAN Ended;
} WORKER;

static WORKER Workers[THREADS];

static ULONG Below(WORKER *W, ULONG Limit)
{
    return TestRandom(&W->Random) % Limit;
}

/* A view may end behind the file, or be cut below. */
static void CheckStatus(NTSTATUS Status)
{
    CHECK(Status == STATUS_SUCCESS || Status == STATUS_END_OF_FILE ||
          Status == STATUS_ACCESS_VIOLATION || Status == STATUS_IN_PAGE_ERROR ||
          Status == STATUS_USER_MAPPED_FILE || Status == STATUS_MAPPED_FILE_SIZE_ZERO);
}

static void Unmap(WORKER *W, ULONG File)
{
    if (W->Views[File] != NULL) {
        CHECK_EQUAL(STATUS_SUCCESS, NtUnmapViewOfSection(NtCurrentProcess(), W->Views[File]));
        W->Views[File] = NULL;
    }
}

static void Map(WORKER *W, ULONG File)
{
    HANDLE Section = NULL;
    PVOID Base = NULL;
    SIZE_T Bytes = 0;
    NTSTATUS Status = NtCreateSection(&Section, SECTION_ALL_ACCESS, NULL, NULL, PAGE_READWRITE,
                                      SEC_COMMIT, W->Files[File]);

    CheckStatus(Status);
    if (!NT_SUCCESS(Status)) {
        return;
    }
    CHECK_EQUAL(STATUS_SUCCESS, NtMapViewOfSection(Section, NtCurrentProcess(), &Base, 0, 0, NULL,
                                                   &Bytes, ViewUnmap, 0, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Section));
    W->Views[File] = Base;
    W->Bytes[File] = Bytes;
}

/* From a view to a file, or back; the same file's as often as not. */
static void Transfer(WORKER *W, BOOLEAN Writes)
{
    ULONG File = Below(W, FILES);
    ULONG Buffer = Below(W, FILES);
    LARGE_INTEGER Start = {.QuadPart = Below(W, MOST_BYTES / 2)};
    IO_STATUS_BLOCK Result;
    ULONG At;
    ULONG Bytes;
    NTSTATUS Status;

    if (W->Views[Buffer] == NULL) {
        return;
    }
    At = Below(W, (ULONG)W->Bytes[Buffer]);
    Bytes = 1 + Below(W, (ULONG)W->Bytes[Buffer] - At);
    Status = Writes ? NtWriteFile(W->Files[File], NULL, NULL, NULL, &Result, W->Views[Buffer] + At,
                                  Bytes, &Start, NULL)
                    : NtReadFile(W->Files[File], NULL, NULL, NULL, &Result, W->Views[Buffer] + At,
                                 Bytes, &Start, NULL);
    CheckStatus(Status);
    W->Moved += NT_SUCCESS(Status);
}

static void SetEnd(WORKER *W)
{
    FILE_END_OF_FILE_INFORMATION End = {.EndOfFile.QuadPart = Below(W, MOST_BYTES)};
    IO_STATUS_BLOCK Result;
    NTSTATUS Status;

    KeSetPreviousMode(KernelMode); /* End is the system's memory */
    Status = NtSetInformationFile(W->Files[Below(W, FILES)], &Result, &End, sizeof(End),
                                  FileEndOfFileInformation);
    KeSetPreviousMode(UserMode);
    CheckStatus(Status);
}

static void Step(WORKER *W)
{
    IO_STATUS_BLOCK Result;
    ULONG File = Below(W, FILES);

    switch (Below(W, 8)) {
    case 0:
        Unmap(W, File);
        Map(W, File);
        break;
    case 1:
        Unmap(W, File);
        break;
    case 2:
        SetEnd(W);
        break;
    case 3:
        CheckStatus(NtFlushBuffersFile(W->Files[File], &Result));
        break;
    default:
        Transfer(W, Below(W, 2) == 0);
        break;
    }
}

static void Work(PVOID Context)
{
    WORKER *W = Context;
    KAPC_STATE Home;
    ULONG Index;

    KeStackAttachProcess(&W->Process->Pcb, &Home);
    KeSetPreviousMode(UserMode);
    for (Index = 0; Index < W->Rounds; Index++) {
        Step(W);
    }
    for (Index = 0; Index < FILES; Index++) {
        Unmap(W, Index);
        CHECK_EQUAL(STATUS_SUCCESS, NtClose(W->Files[Index]));
    }
    KeSetPreviousMode(KernelMode);
    KeUnstackDetachProcess(&Home);
    W->Ended = TRUE;
}

static void StartWorker(WORKER *W, ULONG Number, ULONG Rounds)
{
    ULONG Index;

    *W = (WORKER){.Process = PsGetCurrentProcess(),
                  .Random = TestSeedNumber(400 + Number) | 1,
                  .Rounds = Rounds};
    for (Index = 0; Index < FILES; Index++) {
        W->Files[Index] =
            NtWorldOpen(Paths[Index], FILE_READ_DATA | FILE_WRITE_DATA, FILE_OPEN_IF, 0);
    }
    (void)HostThreadCreate(Work, W);
}

TEST(Prop_threads_read_and_write_files_with_views_of_them_as_buffers)
{
    const ULONG Rounds = (ULONG)TestRounds(150);
    LARGE_INTEGER Moment = {.QuadPart = -100000};
    ULONG Moved = 0;
    ULONG i;

    FileSectionStartCached();
    HostSetPreemption(20);
    for (i = 0; i < THREADS; i++) {
        StartWorker(&Workers[i], i, Rounds);
    }
    for (i = 0; i < THREADS; i++) {
        while (!Workers[i].Ended) {
            FileSectionTrim();
            KeDelayExecutionThread(KernelMode, FALSE, &Moment);
        }
        Moved += Workers[i].Moved;
    }
    HostSetPreemption(0);
    printf("# %u of %u steps moved data\n", Moved, Rounds * THREADS);
    CHECK(Moved > Rounds / 4);
    FileSectionFinishCached();
    TestCountOperations((uint64_t)Rounds * THREADS, 1);
}
