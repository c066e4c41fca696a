/* SPDX-License-Identifier: MIT */
/*
 * test_prop_nt_files.c - random services on files by two processes beside a model.
 *
 * The model: paths, each with a file or none; files, each a line of bytes and whether it is to be
 * deleted; openings, each with access, sharing, a position and one or two handles (a second one is
 * a duplicate in the other process, and shares all of that).  Services are UserMode's, so that what
 * a handle was not granted is refused.  The model says each status, position and byte beforehand.
 */
#include "mm/space/process.h"
#include "tests/unit/nt_world.h"
#include "vm.h"

#include <stdio.h>
#include <string.h>

#define PATHS      5u
#define OPENINGS   8u
#define MOST_BYTES 8000u
#define NO_FILE    PATHS /* there are no more files than paths */

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
    ULONG Position;
    HANDLE Handle[2]; /* by process; or NULL */
} OPENING;

static const PCWSTR Paths[PATHS] = {u"\\??\\C:\\a", u"\\??\\C:\\dir\\a",
                                    u"\\??\\C:\\dir\\long name", u"\\??\\C:\\c.txt",
                                    u"\\??\\C:\\another long name.txt"};

static MODEL_FILE Files[PATHS];
static ULONG At[PATHS]; /* the file of a path, or NO_FILE */
static OPENING Openings[OPENINGS];
static uint64_t Random;
static PUCHAR User[2];
static ULONG Running; /* the process */

static ULONG Below(ULONG Limit)
{
    return TestRandom(&Random) % Limit;
}

static void Enter(ULONG Process)
{
    Running = Process;
    NtWorldEnter(Process);
}

/* ---- sharing ---- */

static ULONG Needs(ACCESS_MASK Access)
{
    return (Access & FILE_READ_DATA ? FILE_SHARE_READ : 0u) |
           (Access & FILE_WRITE_DATA ? FILE_SHARE_WRITE : 0u) |
           (Access & DELETE ? FILE_SHARE_DELETE : 0u);
}

static BOOLEAN Conflicts(ULONG File, ACCESS_MASK Access, ULONG Share)
{
    ULONG Index;

    for (Index = 0; Index < OPENINGS; Index++) {
        const OPENING *O = &Openings[Index];

        if (O->File == File &&
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

static ULONG MakeFile(ULONG Path)
{
    ULONG File = 0;

    while (Files[File].Used) {
        File++;
    }
    Files[File].Used = TRUE;
    Files[File].DeletePending = FALSE;
    Files[File].Bytes = 0;
    At[Path] = File;
    return File;
}

static NTSTATUS Expect(ULONG Path, ACCESS_MASK Access, ULONG Share, ULONG Disposition)
{
    ULONG File = At[Path];

    if (File == NO_FILE) {
        return Disposition == FILE_OPEN ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
    }
    if (Files[File].DeletePending) {
        return STATUS_DELETE_PENDING;
    }
    if (Disposition == FILE_CREATE) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    Access |= Disposition == FILE_OVERWRITE_IF ? FILE_WRITE_DATA : 0; /* emptying is writing */
    return Conflicts(File, Access, Share) ? STATUS_SHARING_VIOLATION : STATUS_SUCCESS;
}

static void Open(OPENING *O)
{
    static const ULONG Dispositions[] = {FILE_OPEN, FILE_CREATE, FILE_OPEN_IF, FILE_OVERWRITE_IF};
    static const ACCESS_MASK Rights[] = {FILE_READ_DATA, FILE_WRITE_DATA, DELETE};
    ULONG Path = Below(PATHS);
    ULONG Disposition = Dispositions[Below(RTL_NUMBER_OF(Dispositions))];
    ACCESS_MASK Access = Rights[Below(3)] | Rights[Below(3)] | Rights[Below(3)];
    ULONG Share = Below(3) == 0 ? Below(8) : 7;
    NTSTATUS Expected = Expect(Path, Access, Share, Disposition);
    HANDLE Handle = NULL;
    const NT_OPEN How = {
        .Path = Paths[Path], .Access = Access, .Disposition = Disposition, .Refuse = ~Share & 7u};

    CHECK_EQUAL(Expected, NtWorldTry(&How, &Handle));
    if (!NT_SUCCESS(Expected)) {
        return;
    }
    memset(O, 0, sizeof(*O));
    O->File = At[Path] != NO_FILE ? At[Path] : MakeFile(Path);
    if (Disposition == FILE_OVERWRITE_IF) {
        Files[O->File].Bytes = 0;
    }
    O->Access = Access;
    O->Share = Share;
    O->Handle[Running] = Handle;
}

static void Duplicate(OPENING *O)
{
    OBJECT_HANDLE_INFORMATION Information;
    HANDLE Target = NULL;
    PVOID File = NULL;

    if (O->Handle[1 - Running] != NULL) {
        return;
    }
    KeSetPreviousMode(KernelMode);
    CHECK_EQUAL(STATUS_SUCCESS, ObReferenceObjectByHandle(O->Handle[Running], 0, IoFileObjectType,
                                                          KernelMode, &File, &Information));
    Enter(1 - Running);
    CHECK_EQUAL(STATUS_SUCCESS, ObOpenObjectByPointer(File, 0, NULL, Information.GrantedAccess,
                                                      IoFileObjectType, KernelMode, &Target));
    ObDereferenceObject(File);
    KeSetPreviousMode(UserMode);
    O->Handle[Running] = Target;
}

static void Close(OPENING *O, ULONG Process)
{
    ULONG File = O->File;
    ULONG Path;

    Enter(Process);
    NtWorldClose(O->Handle[Process]);
    O->Handle[Process] = NULL;
    if (O->Handle[1 - Process] != NULL) {
        return;
    }
    O->File = NO_FILE;
    if (Files[File].DeletePending && !IsOpen(File)) {
        Files[File].Used = FALSE;
        for (Path = 0; Path < PATHS; Path++) {
            At[Path] = At[Path] == File ? NO_FILE : At[Path];
        }
    }
}

/* ---- bytes ---- */

static void Write(OPENING *O)
{
    MODEL_FILE *File = &Files[O->File];
    BOOLEAN Here = Below(2) == 0;
    ULONG Offset = Here ? O->Position : Below(File->Bytes + 700);
    ULONG Bytes = 1 + Below(900);
    LARGE_INTEGER Start = {.QuadPart = Offset};
    NTSTATUS Expected = O->Access & FILE_WRITE_DATA ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
    ULONG Index;

    if (Offset + Bytes > MOST_BYTES) {
        return;
    }
    for (Index = 0; Index < Bytes; Index++) {
        User[Running][Index] = (UCHAR)TestRandom(&Random);
    }
    CHECK_EQUAL(Expected, NtWriteFile(O->Handle[Running], NULL, NULL, NULL, &Iosb, User[Running],
                                      Bytes, Here ? NULL : &Start, NULL));
    if (!NT_SUCCESS(Expected)) {
        return;
    }
    CHECK_EQUAL(Bytes, Iosb.Information);
    if (Offset > File->Bytes) {
        memset(File->Data + File->Bytes, 0, Offset - File->Bytes);
    }
    memcpy(File->Data + Offset, User[Running], Bytes);
    File->Bytes = Offset + Bytes > File->Bytes ? Offset + Bytes : File->Bytes;
    O->Position = Offset + Bytes;
}

static void Read(OPENING *O)
{
    const MODEL_FILE *File = &Files[O->File];
    BOOLEAN Here = Below(2) == 0;
    ULONG Offset = Here ? O->Position : Below(File->Bytes + 100);
    ULONG Bytes = 1 + Below(2000);
    LARGE_INTEGER Start = {.QuadPart = Offset};
    ULONG Left = Offset < File->Bytes ? File->Bytes - Offset : 0;
    NTSTATUS Expected = Left != 0 ? STATUS_SUCCESS : STATUS_END_OF_FILE;

    Expected = O->Access & FILE_READ_DATA ? Expected : STATUS_ACCESS_DENIED;
    CHECK_EQUAL(Expected, NtReadFile(O->Handle[Running], NULL, NULL, NULL, &Iosb, User[Running],
                                     Bytes, Here ? NULL : &Start, NULL));
    if (NT_SUCCESS(Expected)) {
        Left = Left < Bytes ? Left : Bytes;
        CHECK_EQUAL(Left, Iosb.Information);
        CHECK(memcmp(User[Running], File->Data + Offset, Left) == 0);
        O->Position = Offset + Left;
    }
}

static void SetEnd(OPENING *O)
{
    MODEL_FILE *File = &Files[O->File];
    ULONG Bytes = Below(MOST_BYTES);
    NTSTATUS Expected = O->Access & FILE_WRITE_DATA ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;

    *(PLARGE_INTEGER)(PVOID)User[Running] = (LARGE_INTEGER){.QuadPart = Bytes};
    CHECK_EQUAL(Expected, NtSetInformationFile(O->Handle[Running], &Iosb, User[Running], 8,
                                               FileEndOfFileInformation));
    if (NT_SUCCESS(Expected)) {
        if (Bytes > File->Bytes) {
            memset(File->Data + File->Bytes, 0, Bytes - File->Bytes);
        }
        File->Bytes = Bytes;
    }
}

static void SeeSize(OPENING *O)
{
    PFILE_STANDARD_INFORMATION Standard = (PFILE_STANDARD_INFORMATION)(PVOID)User[Running];

    CHECK_EQUAL(STATUS_SUCCESS, NtQueryInformationFile(O->Handle[Running], &Iosb, Standard,
                                                       sizeof(*Standard), FileStandardInformation));
    CHECK_EQUAL(Files[O->File].Bytes, Standard->EndOfFile.QuadPart);
    CHECK_EQUAL(Files[O->File].DeletePending, Standard->DeletePending);
    if (O->Access & (FILE_READ_DATA | FILE_WRITE_DATA)) {
        CHECK_EQUAL(STATUS_SUCCESS, NtQueryInformationFile(O->Handle[Running], &Iosb, User[Running],
                                                           8, FilePositionInformation));
        CHECK_EQUAL(O->Position, ((PLARGE_INTEGER)(PVOID)User[Running])->QuadPart);
    }
}

/* ---- names ---- */

static void Dispose(OPENING *O)
{
    BOOLEAN Delete = Below(2) != 0;
    NTSTATUS Expected = O->Access & DELETE ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;

    User[Running][0] = Delete;
    CHECK_EQUAL(Expected, NtSetInformationFile(O->Handle[Running], &Iosb, User[Running], 1,
                                               FileDispositionInformation));
    if (NT_SUCCESS(Expected)) {
        Files[O->File].DeletePending = Delete;
    }
}

static NTSTATUS ExpectRename(const OPENING *O, ULONG Path, BOOLEAN Replace)
{
    if ((O->Access & DELETE) == 0) {
        return STATUS_ACCESS_DENIED;
    }
    if (Files[O->File].DeletePending) {
        return STATUS_DELETE_PENDING;
    }
    if (At[Path] == NO_FILE) {
        return STATUS_SUCCESS;
    }
    if (!Replace) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    return IsOpen(At[Path]) ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

static void Rename(OPENING *O)
{
    PFILE_RENAME_INFORMATION Rename = (PFILE_RENAME_INFORMATION)(PVOID)User[Running];
    ULONG Path = Below(PATHS);
    BOOLEAN Replace = Below(2) != 0;
    NTSTATUS Expected = ExpectRename(O, Path, Replace);
    ULONG Units = 0;
    ULONG Index;

    if (At[Path] == O->File) {
        return;
    }
    while (Paths[Path][Units] != 0) {
        Units++;
    }
    memset(Rename, 0, sizeof(*Rename));
    Rename->ReplaceIfExists = Replace;
    Rename->FileNameLength = 2 * Units;
    memcpy(Rename->FileName, Paths[Path], 2 * Units);
    CHECK_EQUAL(Expected,
                NtSetInformationFile(O->Handle[Running], &Iosb, Rename,
                                     (ULONG)sizeof(*Rename) + 2 * Units, FileRenameInformation));
    if (!NT_SUCCESS(Expected)) {
        return;
    }
    if (At[Path] != NO_FILE) {
        Files[At[Path]].Used = FALSE;
    }
    for (Index = 0; Index < PATHS; Index++) {
        At[Index] = At[Index] == O->File ? NO_FILE : At[Index];
    }
    At[Path] = O->File;
}

/* ---- the run ---- */

static void Step(void)
{
    static void (*const Steps[])(OPENING *) = {Write,   Write,  Write,     Read,    Read,  Read,
                                               SeeSize, SetEnd, Duplicate, Dispose, Rename};
    OPENING *O = &Openings[Below(OPENINGS)];

    Enter(Below(2));
    if (O->File == NO_FILE) {
        Open(O);
        return;
    }
    if (O->Handle[Running] == NULL) {
        Enter(1 - Running);
    }
    if (Below(5) == 0) {
        Close(O, Running);
    } else {
        Steps[Below(RTL_NUMBER_OF(Steps))](O);
    }
}

static void CloseAll(void)
{
    ULONG Index;

    for (Index = 0; Index < OPENINGS; Index++) {
        ULONG Process;

        for (Process = 0; Process < 2; Process++) {
            if (Openings[Index].File != NO_FILE && Openings[Index].Handle[Process] != NULL) {
                Close(&Openings[Index], Process);
            }
        }
    }
}

/* All is closed: each path leads to what the model has there. */
static void Compare(void)
{
    ULONG Path;

    CHECK_EQUAL(0, NtWorldFiles());
    KeSetPreviousMode(KernelMode);
    for (Path = 0; Path < PATHS; Path++) {
        HANDLE Handle = NULL;
        NTSTATUS Status = NtWorldTryOpen(Paths[Path], FILE_READ_DATA, FILE_OPEN, 0, &Handle);

        if (At[Path] == NO_FILE) {
            CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, Status);
            continue;
        }
        CHECK_EQUAL(STATUS_SUCCESS, Status);
        CHECK_EQUAL(Files[At[Path]].Bytes, NtWorldSize(Handle));
        if (Files[At[Path]].Bytes != 0) {
            CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 0, MOST_BYTES));
            CHECK_EQUAL(Files[At[Path]].Bytes, Iosb.Information);
            CHECK(memcmp(IoBuffer, Files[At[Path]].Data, Files[At[Path]].Bytes) == 0);
        }
        NtWorldClose(Handle);
    }
    KeSetPreviousMode(UserMode);
}

static void Start(void)
{
    SIZE_T Bytes = NT_WORLD_BYTES;
    PVOID Base = NULL;
    ULONG Index;

    NtWorldStart();
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

TEST(Prop_file_services_agree_with_a_model_of_files_positions_and_sharing)
{
    uint64_t Seed = TestSeed();
    ULONG Round;
    ULONG Index;

    Random = Seed;
    Start();
    KeSetPreviousMode(UserMode);
    for (Round = 0; Round < 12; Round++) {
        for (Index = 0; Index < 400; Index++) {
            Step();
        }
        CloseAll();
        Compare();
    }
    KeSetPreviousMode(KernelMode);
    Enter(0);
    NtWorldFinish();
}
