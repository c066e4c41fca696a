/* SPDX-License-Identifier: MIT */
/*
 * test_prop_file_semantics.c - what two processes see of files by the services, with the cache on,
 * beside a model in memory (figure R15).
 *
 * The model: paths, each with a file or none; files, each a line of bytes, attributes, times that
 * are known, and whether it is to be deleted; openings, each of a process, with access, sharing and
 * a position, cached or not; views, each of a process, which outlive the opening that made them.
 * Services are UserMode's.  The model says each status, length, position and byte beforehand.
 *
 * What it leaves alone: a file with views does not lose its last handle when it is to be deleted,
 * and a file does not become read-only while it is to be deleted.
 */
#include "cc.h"
#include "events.h"
#include "mm.h"
#include "mm/cc/cc_verify.h"
#include "mm/cc/lazy_writer.h"
#include "mm/inspect/page_out.h"
#include "mm/ke/thread.h"
#include "mm/section/cache_calls.h"
#include "mm/section/mapped_writer.h"
#include "mm/space/process.h"
#include "mm/ws/wsle.h"
#include "tests/unit/nt_world.h"
#include "vm.h"

#include <stdio.h>
#include <string.h>

#define PATHS      6u
#define OPENINGS   10u
#define VIEWS      4u
#define MOST_BYTES 120000u
#define SECTOR     512u
#define NO_FILE    PATHS /* there are no more files than paths */
#define WRITES     (FILE_WRITE_DATA | FILE_APPEND_DATA)

typedef struct _MODEL_FILE {
    BOOLEAN Used;
    BOOLEAN DeletePending;
    ULONG Bytes;
    UCHAR Data[MOST_BYTES];
} MODEL_FILE;

typedef struct _OPENING {
    ULONG File; /* NO_FILE: not in use */
    ACCESS_MASK Access;
    ULONG Share;
    ULONG Options;
    ULONG Process;
    ULONG Position;
    HANDLE Handle;
} OPENING;

static const PCWSTR Paths[PATHS] = {
    u"\\??\\C:\\a",      u"\\??\\C:\\another long name.txt", u"\\??\\C:\\c.txt",
    u"\\??\\C:\\dir\\a", u"\\??\\C:\\dir\\long name",        u"\\??\\C:\\dir\\d.txt",
};

static MODEL_FILE Files[PATHS];
static ULONG At[PATHS]; /* the file of a path, or NO_FILE */
static OPENING Openings[OPENINGS];
static uint64_t Random;
static PUCHAR User[2];
static ULONG Now; /* the process */
static KTHREAD ReadAhead;
static UCHAR ReadAheadStack[HOST_STACK_BYTES] NT_ALIGNED(16);

static ULONG Below(ULONG Limit)
{
    return TestRandom(&Random) % Limit;
}

static void Enter(ULONG Process)
{
    Now = Process;
    NtWorldEnter(Process);
}

/* ---- sharing ---- */

static ULONG Needs(ACCESS_MASK Access)
{
    return (Access & FILE_READ_DATA ? FILE_SHARE_READ : 0u) |
           (Access & WRITES ? FILE_SHARE_WRITE : 0u) | (Access & DELETE ? FILE_SHARE_DELETE : 0u);
}

/* Who only looks at attributes is neither asked nor refused. */
static BOOLEAN Conflicts(ULONG File, ACCESS_MASK Access, ULONG Share)
{
    ULONG Index;

    for (Index = 0; Index < OPENINGS && Needs(Access) != 0; Index++) {
        const OPENING *O = &Openings[Index];

        if (O->File == File && Needs(O->Access) != 0 &&
            ((Needs(Access) & ~O->Share) != 0 || (Needs(O->Access) & ~Share) != 0)) {
            return TRUE;
        }
    }
    return FALSE;
}

static BOOLEAN IsOpen(ULONG File)
{
    ULONG Index;

    for (Index = 0; Index < OPENINGS && Openings[Index].File != File; Index++) {
    }
    return Index < OPENINGS;
}

/* ---- opening ---- */

static BOOLEAN Empties(ULONG Disposition)
{
    return Disposition == FILE_SUPERSEDE || Disposition == FILE_OVERWRITE ||
           Disposition == FILE_OVERWRITE_IF;
}

static ULONG MakeFile(ULONG Path)
{
    ULONG File = 0;

    while (Files[File].Used) {
        File++;
    }
    memset(&Files[File], 0, sizeof(Files[File]));
    Files[File].Used = TRUE;
    At[Path] = File;
    return File;
}

static NTSTATUS ExpectThere(ULONG File, const NT_OPEN *How)
{
    ULONG Share = ~How->Refuse & 7u;
    ACCESS_MASK Implied = How->Disposition == FILE_SUPERSEDE ? DELETE : FILE_WRITE_DATA;

    if (Files[File].DeletePending) {
        return STATUS_DELETE_PENDING;
    }
    if (How->Disposition == FILE_CREATE) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    Implied = Empties(How->Disposition) ? Implied : 0;
    return Conflicts(File, How->Access | Implied, Share) ? STATUS_SHARING_VIOLATION
                                                         : STATUS_SUCCESS;
}

static NTSTATUS Expect(ULONG Path, const NT_OPEN *How)
{
    if ((How->Options & FILE_DELETE_ON_CLOSE) && (How->Access & DELETE) == 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((How->Options & FILE_NO_INTERMEDIATE_BUFFERING) && (How->Access & FILE_APPEND_DATA)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (At[Path] != NO_FILE) {
        return ExpectThere(At[Path], How);
    }
    return How->Disposition == FILE_OPEN || How->Disposition == FILE_OVERWRITE
               ? STATUS_OBJECT_NAME_NOT_FOUND
               : STATUS_SUCCESS;
}

/* => What IoStatusBlock says of an opening that succeeds. */
static ULONG ExpectInformation(ULONG Path, ULONG Disposition)
{
    if (At[Path] == NO_FILE) {
        return FILE_CREATED;
    }
    if (!Empties(Disposition)) {
        return FILE_OPENED;
    }
    return Disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED : FILE_OVERWRITTEN;
}

static NT_OPEN MakeUp(ULONG Path)
{
    static const ACCESS_MASK Rights[] = {FILE_READ_DATA, FILE_WRITE_DATA, FILE_APPEND_DATA, DELETE};
    NT_OPEN How = {.Path = Paths[Path], .Disposition = Below(FILE_MAXIMUM_DISPOSITION + 1)};
    ULONG Index;

    How.Access = Below(2) == 0 ? FILE_READ_DATA | FILE_WRITE_DATA : 0;
    for (Index = 0; Index < RTL_NUMBER_OF(Rights); Index++) {
        How.Access |= Below(3) == 0 ? Rights[Index] : 0;
    }
    if (Empties(How.Disposition) && Below(2) == 0) {
        How.Disposition = FILE_OPEN_IF;
    }
    How.Refuse = Below(3) == 0 ? Below(8) : 0;
    How.Options |= Below(4) == 0 ? FILE_NO_INTERMEDIATE_BUFFERING : 0;
    How.Options |= Below(8) == 0 ? FILE_WRITE_THROUGH : 0;
    How.Options |= Below(10) == 0 ? FILE_DELETE_ON_CLOSE : 0;
    How.Options |= Below(2) == 0 ? FILE_NON_DIRECTORY_FILE : 0;
    return How;
}

static void Open(OPENING *O)
{
    ULONG Path = Below(PATHS);
    NT_OPEN How = MakeUp(Path);
    NTSTATUS Expected = Expect(Path, &How);
    ULONG Information = ExpectInformation(Path, How.Disposition);
    HANDLE Handle = NULL;

    CHECK_EQUAL(Expected, NtWorldTry(&How, &Handle));
    if (!NT_SUCCESS(Expected)) {
        return;
    }
    CHECK_EQUAL(Information, Iosb.Information);
    memset(O, 0, sizeof(*O));
    O->File = At[Path] != NO_FILE ? At[Path] : MakeFile(Path);
    if (Empties(How.Disposition)) {
        Files[O->File].Bytes = 0;
    }
    O->Access = How.Access;
    O->Share = ~How.Refuse & 7u;
    O->Options = How.Options;
    O->Process = Now;
    O->Handle = Handle;
}

static void Close(OPENING *O)
{
    ULONG File = O->File;
    ULONG Path;

    NtWorldClose(O->Handle);
    O->File = NO_FILE;
    Files[File].DeletePending |= (O->Options & FILE_DELETE_ON_CLOSE) != 0;
    if (Files[File].DeletePending && !IsOpen(File)) {
        Files[File].Used = FALSE;
        for (Path = 0; Path < PATHS; Path++) {
            At[Path] = At[Path] == File ? NO_FILE : At[Path];
        }
    }
}

/* ---- bytes ---- */

static BOOLEAN IsDirect(const OPENING *O)
{
    return (O->Options & FILE_NO_INTERMEDIATE_BUFFERING) != 0;
}

/* Most offsets and lengths that go past the cache are whole sectors, some are not. */
static ULONG Align(const OPENING *O, ULONG Number)
{
    return IsDirect(O) && Below(8) != 0 ? ROUND_DOWN(Number + SECTOR - 1, SECTOR) : Number;
}

static BOOLEAN IsAligned(const OPENING *O, ULONG Offset, ULONG Bytes)
{
    return !IsDirect(O) || (Offset % SECTOR == 0 && Bytes % SECTOR == 0);
}

static ULONG SomeBytes(void)
{
    return Below(6) == 0 ? Below(30000) : Below(1500);
}

static void Lengthen(MODEL_FILE *File, ULONG Bytes)
{
    if (Bytes > File->Bytes) {
        memset(File->Data + File->Bytes, 0, Bytes - File->Bytes);
        File->Bytes = Bytes;
    }
}

static void FillUser(ULONG Bytes)
{
    UCHAR Byte = (UCHAR)TestRandom(&Random);
    UCHAR Step = (UCHAR)(TestRandom(&Random) | 1);
    ULONG Index;

    for (Index = 0; Index < Bytes; Index++) {
        User[Now][Index] = Byte;
        Byte = (UCHAR)(Byte + Step + (Index & 0x100 ? 1 : 0));
    }
}

/* Where a write begins: given, where the opening is, or the end, asked for or by its rights. */
static ULONG WriteAt(const OPENING *O, PLARGE_INTEGER Start, PLARGE_INTEGER *Given)
{
    const MODEL_FILE *File = &Files[O->File];
    ULONG Offset;

    *Given = Start;
    switch (Below(5)) {
    case 0:
    case 1:
        *Given = NULL;
        Offset = O->Position;
        break;
    case 2:
        *Start = (LARGE_INTEGER){.LowPart = FILE_WRITE_TO_END_OF_FILE, .HighPart = -1};
        return File->Bytes;
    default:
        Offset = Below(File->Bytes + (Below(20) == 0 ? 90000 : 3000));
        Start->QuadPart = Offset = Align(O, Offset);
        break;
    }
    return (O->Access & WRITES) == FILE_APPEND_DATA ? File->Bytes : Offset;
}

static void Write(OPENING *O)
{
    MODEL_FILE *File = &Files[O->File];
    LARGE_INTEGER Start;
    PLARGE_INTEGER Given;
    ULONG Offset = WriteAt(O, &Start, &Given);
    ULONG Bytes = Align(O, 1 + SomeBytes());
    BOOLEAN End = Given != NULL && Start.QuadPart < 0;
    NTSTATUS Expected = STATUS_SUCCESS;

    if (Offset + Bytes > MOST_BYTES) {
        return;
    }
    if ((O->Access & WRITES) == 0) {
        Expected = STATUS_ACCESS_DENIED;
    } else if (!IsAligned(O, End ? 0 : Offset, Bytes)) {
        Expected = STATUS_INVALID_PARAMETER;
    }
    FillUser(Bytes);
    CHECK_EQUAL(Expected,
                NtWriteFile(O->Handle, NULL, NULL, NULL, &Iosb, User[Now], Bytes, Given, NULL));
    if (!NT_SUCCESS(Expected)) {
        return;
    }
    CHECK_EQUAL(Bytes, Iosb.Information);
    Lengthen(File, Offset + Bytes);
    memcpy(File->Data + Offset, User[Now], Bytes);
    O->Position = Offset + Bytes;
}

static void Read(OPENING *O)
{
    const MODEL_FILE *File = &Files[O->File];
    BOOLEAN Here = Below(3) == 0;
    ULONG Offset = Here ? O->Position : Align(O, Below(File->Bytes + 100));
    ULONG Bytes = Align(O, 1 + SomeBytes());
    LARGE_INTEGER Start = {.QuadPart = Offset};
    ULONG Left = Offset < File->Bytes ? File->Bytes - Offset : 0;
    NTSTATUS Expected = Left != 0 ? STATUS_SUCCESS : STATUS_END_OF_FILE;

    if ((O->Access & FILE_READ_DATA) == 0) {
        Expected = STATUS_ACCESS_DENIED;
    } else if (!IsAligned(O, Offset, Bytes)) {
        Expected = STATUS_INVALID_PARAMETER;
    }
    CHECK_EQUAL(Expected, NtReadFile(O->Handle, NULL, NULL, NULL, &Iosb, User[Now], Bytes,
                                     Here ? NULL : &Start, NULL));
    if (NT_SUCCESS(Expected)) {
        Left = Left < Bytes ? Left : Bytes;
        CHECK_EQUAL(Left, Iosb.Information);
        CHECK(memcmp(User[Now], File->Data + Offset, Left) == 0);
        O->Position = Offset + Left;
    }
}

static void Flush(OPENING *O)
{
    CHECK_EQUAL(O->Access & WRITES ? STATUS_SUCCESS : STATUS_ACCESS_DENIED,
                NtFlushBuffersFile(O->Handle, &Iosb));
}

/* ---- the machine ---- */

/* All that may leave memory does. */
static void Forget(void)
{
    PEPROCESS Process = PsGetCurrentProcess();
    BOOLEAN Trimmed = MmTrimAllSystemPageableMemory(FALSE);
    NTSTATUS Status;

    (void)Trimmed; /* FALSE: another thread is at it */
    MiLockAddressSpace(Process);
    (void)MiTrimWorkingSet(&Process->Vm, Process->Vm.WorkingSetSize, 0);
    MiUnlockAddressSpace(Process);
    Status = MiFlushMappedPages();
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    (void)MiReuseStandbyFrames();
}

static void Disturb(void)
{
    KeSetPreviousMode(KernelMode);
    if (Below(2) == 0) {
        Forget();
    } else {
        (void)CciLazyWriteRound();
    }
    KeSetPreviousMode(UserMode);
}

/* ---- the run ---- */

static void Step(void)
{
    static void (*const Steps[])(OPENING *) = {Write, Write, Write, Read, Read, Read, Flush};
    OPENING *O = &Openings[Below(OPENINGS)];

    if (Below(40) == 0) {
        Disturb();
    }
    if (O->File == NO_FILE) {
        Enter(Below(2));
        Open(O);
        return;
    }
    Enter(O->Process);
    if (Below(7) == 0) {
        Close(O);
    } else {
        Steps[Below(RTL_NUMBER_OF(Steps))](O);
    }
}

static void CloseAll(void)
{
    ULONG Index;

    for (Index = 0; Index < OPENINGS; Index++) {
        if (Openings[Index].File != NO_FILE) {
            Enter(Openings[Index].Process);
            Close(&Openings[Index]);
        }
    }
}

/* All is closed: each path leads to what the model has there. */
static void Compare(ULONG Options)
{
    ULONG Path;

    CHECK_EQUAL(0, NtWorldHandles());
    for (Path = 0; Path < PATHS; Path++) {
        HANDLE Handle = NULL;
        NTSTATUS Status = NtWorldTryOpen(Paths[Path], FILE_READ_DATA, FILE_OPEN, Options, &Handle);

        if (At[Path] == NO_FILE) {
            CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, Status);
            continue;
        }
        CHECK_EQUAL(STATUS_SUCCESS, Status);
        CHECK_EQUAL(Files[At[Path]].Bytes, NtWorldSize(Handle));
        if (Files[At[Path]].Bytes != 0) {
            CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 0, IO_WORLD_BYTES));
            CHECK_EQUAL(Files[At[Path]].Bytes, Iosb.Information);
            CHECK(memcmp(IoBuffer, Files[At[Path]].Data, Files[At[Path]].Bytes) == 0);
        }
        NtWorldClose(Handle);
    }
}

static void Start(void)
{
    SIZE_T Bytes = NT_WORLD_BYTES;
    PVOID Base = NULL;
    ULONG Index;

    MmWorldNextUnforced();
    NtWorldStartOn(&IoWorldFat16);
    CHECK_EQUAL(STATUS_SUCCESS, CcInitializeCacheManager(&MiCacheViewCalls, 4096));
    CHECK_EQUAL(STATUS_SUCCESS,
                KeCreateWorkerThread(&ReadAhead, DelayedWorkQueue,
                                     ReadAheadStack + HOST_STACK_BYTES, HOST_STACK_BYTES));
    NtWorldClose(NtWorldOpen(u"\\??\\C:\\dir", FILE_READ_DATA, FILE_CREATE, FILE_DIRECTORY_FILE));
    User[0] = NtUser;
    NtWorldEnter(1);
    CHECK_EQUAL(STATUS_SUCCESS, NtAllocateVirtualMemory(NtCurrentProcess(), &Base, 0, &Bytes,
                                                        MEM_COMMIT, PAGE_READWRITE));
    User[1] = Base;
    memset(Files, 0, sizeof(Files));
    for (Index = 0; Index < PATHS; Index++) {
        At[Index] = NO_FILE;
    }
    for (Index = 0; Index < OPENINGS; Index++) {
        Openings[Index].File = NO_FILE;
    }
}

static void Run(uint64_t Seed, ULONG Operations)
{
    ULONG Index;

    TestUseSeed(Seed);
    Random = Seed;
    Start();
    KeSetPreviousMode(UserMode);
    for (Index = 0; Index < Operations; Index++) {
        TestSetStep(Index + 1);
        Step();
        if (Below(400) == 0 || Index + 1 == Operations) {
            CloseAll();
            KeSetPreviousMode(KernelMode);
            Compare(0);
            CciVerifyCache();
            IoWorldRemount();
            Compare(FILE_NO_INTERMEDIATE_BUFFERING);
            KeSetPreviousMode(UserMode);
        }
    }
    KeSetPreviousMode(KernelMode);
    Enter(0);
    NtWorldFinish();
}

TEST(Prop_file_semantics_by_services_agree_with_a_model_in_memory)
{
    const ULONG Seeds = 4;
    const ULONG Operations = (ULONG)TestRounds(4000);
    ULONG n;

    for (n = 0; n < Seeds; n++) {
        Run(TestSeedNumber(n), Operations);
    }
    TestSetStep(0);
    TestCountOperations((uint64_t)Operations * Seeds, Seeds);
    printf("# figure R15 %u 0\n", Operations * Seeds);
}
