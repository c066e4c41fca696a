/* SPDX-License-Identifier: MIT */
/*
 * test_prop_fat_fsd.c - random requests to the FAT driver beside a model of bytes.
 *
 * The model: eight paths, each a file's contents or nothing, and up to three openings of each.
 * While every operation is under way, so are a few page requests to a paging file, whose pages the
 * model knows too, and to the files themselves: what such a request reads or writes counts from
 * when it began.  At the end, and now and then between, all is closed, the volume is mounted
 * again and everything is compared.
 */
#include "disk/fat/fsd_i.h"
#include "tests/unit/io_world.h"
#include "tests/unit/page_request.h"

#include <stdio.h>
#include <string.h>

#define FILES      8u
#define OPENINGS   3u
#define MOST_BYTES 20000u
#define PAGES      24u
#define IN_FLIGHT  4u

typedef struct _MODEL_FILE {
    BOOLEAN Exists;
    ULONG Bytes;
    UCHAR Data[MOST_BYTES];
    PFILE_OBJECT Open[OPENINGS];
} MODEL_FILE;

static const char *const Paths[FILES] = {
    "\\a.txt",      "\\A long name of a file",  "\\b",          "\\UPPER.DAT",
    "\\dir\\a.txt", "\\dir\\another long name", "\\dir\\c.bin", "\\dir\\x",
};

static MODEL_FILE Model[FILES];
static uint64_t Random;

static ULONG Below(ULONG Limit)
{
    return TestRandom(&Random) % Limit;
}

/* ---- paging beside ---- */

typedef struct _PAGE_REQUEST {
    PUCHAR Buffer;
    PMDL Mdl;
    KEVENT Done;
    IO_STATUS_BLOCK Iosb;
    BOOLEAN Busy;
    BOOLEAN Reads;
    ULONG Page;
    UCHAR Value;
} PAGE_REQUEST;

static PFILE_OBJECT PagingFile;
static PAGE_REQUEST Request[IN_FLIGHT];
static UCHAR PageValue[PAGES];

static void StartPaging(void)
{
    ULONG Index;

    memset(PageValue, 0, sizeof(PageValue));
    CHECK_EQUAL(STATUS_SUCCESS,
                IoOpenPagingFile(IoVolume, "\\pagefile.sys", PAGES * PAGE_SIZE, &PagingFile));
    for (Index = 0; Index < IN_FLIGHT; Index++) {
        PAGE_REQUEST *R = &Request[Index];

        memset(R, 0, sizeof(*R));
        R->Buffer = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, IO_WORLD_TAG);
        CHECK(R->Buffer != NULL);
        R->Mdl = IoAllocateMdl(R->Buffer, PAGE_SIZE, FALSE, FALSE, NULL);
        CHECK(R->Mdl != NULL);
        MmBuildMdlForNonPagedPool(R->Mdl);
        KeInitializeEvent(&R->Done, NotificationEvent, FALSE);
    }
}

static void EndPage(PAGE_REQUEST *R)
{
    KeWaitForSingleObject(&R->Done, WrPageIn, KernelMode, FALSE, NULL);
    KeClearEvent(&R->Done);
    CHECK_EQUAL(STATUS_SUCCESS, R->Iosb.Status);
    CHECK_EQUAL(PAGE_SIZE, R->Iosb.Information);
    if (R->Reads && R->Value != 0) { /* 0: never written */
        CHECK(R->Buffer[0] == R->Value && R->Buffer[PAGE_SIZE - 1] == R->Value);
    }
    R->Busy = FALSE;
}

static BOOLEAN IsPageBusy(ULONG Page)
{
    ULONG Index;

    for (Index = 0; Index < IN_FLIGHT; Index++) {
        if (Request[Index].Busy && Request[Index].Page == Page) {
            return TRUE;
        }
    }
    return FALSE;
}

static void BeginPage(PAGE_REQUEST *R)
{
    LARGE_INTEGER Offset;

    R->Page = Below(PAGES);
    if (IsPageBusy(R->Page)) {
        return;
    }
    R->Reads = Below(2) == 0;
    R->Busy = TRUE;
    Offset.QuadPart = (LONGLONG)R->Page * PAGE_SIZE;
    if (R->Reads) {
        R->Value = PageValue[R->Page];
        (void)IoPageRead(PagingFile, R->Mdl, &Offset, &R->Done, &R->Iosb);
    } else {
        R->Value = PageValue[R->Page] = (UCHAR)(1 + Below(255));
        memset(R->Buffer, R->Value, PAGE_SIZE);
        (void)IoSynchronousPageWrite(PagingFile, R->Mdl, &Offset, &R->Done, &R->Iosb);
    }
}

static void DoPaging(void)
{
    PAGE_REQUEST *R = &Request[Below(IN_FLIGHT)];

    if (R->Busy) {
        EndPage(R);
    }
    BeginPage(R);
}

static void EndPaging(void)
{
    ULONG Index;

    for (Index = 0; Index < IN_FLIGHT; Index++) {
        if (Request[Index].Busy) {
            EndPage(&Request[Index]);
        }
        IoFreeMdl(Request[Index].Mdl);
        ExFreePoolWithTag(Request[Index].Buffer, IO_WORLD_TAG);
    }
    IoCloseFile(PagingFile);
}

/* ---- pages of the files ---- */

#define FILE_PAGES 3u /* of a request */

typedef struct _FILE_REQUEST {
    PAGE_IO Io;
    PFILE_OBJECT Object; /* NULL: none is under way */
    BOOLEAN Reads;
    NTSTATUS Expected;
    ULONG Moved;                            /* bytes of the file */
    UCHAR Contents[FILE_PAGES * PAGE_SIZE]; /* what a read finds */
} FILE_REQUEST;

static FILE_REQUEST FileRequest[IN_FLIGHT];
static ULONG FilePagesMoved;

static void StartFilePaging(void)
{
    ULONG Index;

    for (Index = 0; Index < IN_FLIGHT; Index++) {
        PageIoCreate(&FileRequest[Index].Io, FILE_PAGES, 0);
        FileRequest[Index].Object = NULL;
    }
}

static void EndFilePage(FILE_REQUEST *R)
{
    CHECK_EQUAL(R->Expected, PageIoWait(&R->Io));
    CHECK_EQUAL(R->Moved, R->Io.Iosb.Information);
    if (R->Reads && NT_SUCCESS(R->Expected)) {
        CHECK(memcmp(R->Io.Buffer, R->Contents, sizeof(R->Contents)) == 0);
    }
    FilePagesMoved += R->Moved != 0;
    R->Object = NULL;
}

/* NULL: of all files. */
static void EndFilePages(PFILE_OBJECT Object)
{
    ULONG Index;

    for (Index = 0; Index < IN_FLIGHT; Index++) {
        FILE_REQUEST *R = &FileRequest[Index];

        if (R->Object != NULL && (Object == NULL || R->Object->FsContext == Object->FsContext)) {
            EndFilePage(R);
        }
    }
}

static void EndFilePaging(void)
{
    ULONG Index;

    EndFilePages(NULL);
    for (Index = 0; Index < IN_FLIGHT; Index++) {
        PageIoDelete(&FileRequest[Index].Io);
    }
}

/* A page that one request writes is not read or written by another: they have no order. */
static void BeginFilePage(FILE_REQUEST *R, MODEL_FILE *File, PFILE_OBJECT Object)
{
    ULONG Offset = Below(MOST_BYTES / PAGE_SIZE + 1) * PAGE_SIZE;
    ULONG Index;

    EndFilePages(Object);
    R->Object = Object;
    R->Reads = Below(2) == 0;
    R->Expected = Offset < File->Bytes ? STATUS_SUCCESS : STATUS_END_OF_FILE;
    R->Moved = Offset < File->Bytes ? File->Bytes - Offset : 0;
    R->Moved = R->Moved < FILE_PAGES * PAGE_SIZE ? R->Moved : FILE_PAGES * PAGE_SIZE;
    memset(R->Contents, 0, sizeof(R->Contents));
    memcpy(R->Contents, File->Data + Offset, R->Moved);
    for (Index = 0; Index < FILE_PAGES * PAGE_SIZE; Index++) { /* rubbish behind the end, too */
        R->Io.Buffer[Index] = (UCHAR)TestRandom(&Random);
    }
    if (!R->Reads) {
        memcpy(File->Data + Offset, R->Io.Buffer, R->Moved);
    }
    PageIoStart(&R->Io, Object, Offset, !R->Reads);
}

static void DoFilePage(MODEL_FILE *File, PFILE_OBJECT Object)
{
    FILE_REQUEST *R = &FileRequest[Below(IN_FLIGHT)];

    if (R->Object != NULL) {
        EndFilePage(R);
    }
    BeginFilePage(R, File, Object);
}

/* ---- operations ---- */

static void DoOpen(ULONG Index, ULONG Slot)
{
    static const ULONG Dispositions[] = {FILE_OPEN,    FILE_OPEN,        FILE_OPEN_IF,
                                         FILE_OPEN_IF, FILE_OVERWRITE,   FILE_SUPERSEDE,
                                         FILE_CREATE,  FILE_OVERWRITE_IF};
    ULONG Disposition = Dispositions[Below(RTL_NUMBER_OF(Dispositions))];
    MODEL_FILE *File = &Model[Index];
    NTSTATUS Expected = STATUS_SUCCESS;

    if (File->Exists && Disposition == FILE_CREATE) {
        Expected = STATUS_OBJECT_NAME_COLLISION;
    } else if (!File->Exists && (Disposition == FILE_OPEN || Disposition == FILE_OVERWRITE)) {
        Expected = STATUS_OBJECT_NAME_NOT_FOUND;
    }
    CHECK_EQUAL(Expected,
                IoWorldOpen(Paths[Index], Disposition, FILE_NON_DIRECTORY_FILE, &File->Open[Slot]));
    if (!NT_SUCCESS(Expected)) {
        File->Open[Slot] = NULL;
        return;
    }
    if (!File->Exists || (Disposition != FILE_OPEN && Disposition != FILE_OPEN_IF)) {
        File->Bytes = 0;
    }
    File->Exists = TRUE;
}

static void DoWrite(MODEL_FILE *File, PFILE_OBJECT Object)
{
    ULONG Offset = Below(File->Bytes + 3000);
    ULONG Bytes = Below(4) == 0 ? Below(6000) : Below(600);
    ULONG Index;

    if (Offset + Bytes > MOST_BYTES) {
        return;
    }
    for (Index = 0; Index < Bytes; Index++) {
        IoBuffer[Index] = (UCHAR)TestRandom(&Random);
    }
    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(Object, Offset, IoBuffer, Bytes));
    if (Bytes == 0) {
        return;
    }
    if (Offset > File->Bytes) {
        memset(File->Data + File->Bytes, 0, Offset - File->Bytes);
    }
    memcpy(File->Data + Offset, IoBuffer, Bytes);
    File->Bytes = Offset + Bytes > File->Bytes ? Offset + Bytes : File->Bytes;
}

static void DoRead(MODEL_FILE *File, PFILE_OBJECT Object)
{
    ULONG Offset = Below(File->Bytes + 100);
    ULONG Bytes = 1 + Below(5000);
    ULONG Expected = Offset < File->Bytes ? File->Bytes - Offset : 0;
    ULONG Done = 0;
    NTSTATUS Status;

    EndFilePages(Object); /* a read does not wait for them */
    Status = IoReadFile(Object, Offset, IoBuffer, Bytes, &Done);

    Expected = Expected < Bytes ? Expected : Bytes;
    CHECK_EQUAL(Expected == 0 ? STATUS_END_OF_FILE : STATUS_SUCCESS, Status);
    CHECK_EQUAL(Expected, Done);
    CHECK(memcmp(IoBuffer, File->Data + Offset, Expected) == 0);
}

static void DoSetSize(MODEL_FILE *File, PFILE_OBJECT Object)
{
    ULONG Bytes = Below(3) == 0 ? 0 : Below(MOST_BYTES);

    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(Object, Bytes));
    if (Bytes > File->Bytes) {
        memset(File->Data + File->Bytes, 0, Bytes - File->Bytes);
    }
    File->Bytes = Bytes;
}

static BOOLEAN IsOpen(const MODEL_FILE *File)
{
    return File->Open[0] != NULL || File->Open[1] != NULL || File->Open[2] != NULL;
}

static void DoRename(ULONG Index, PFILE_OBJECT Object)
{
    ULONG To = Below(FILES);
    BOOLEAN Replace = Below(2) == 0;
    NTSTATUS Expected = STATUS_SUCCESS;
    MODEL_FILE *From = &Model[Index];

    if (To != Index && Model[To].Exists) {
        Expected = !Replace             ? STATUS_OBJECT_NAME_COLLISION
                   : IsOpen(&Model[To]) ? STATUS_ACCESS_DENIED
                                        : STATUS_SUCCESS;
    }
    CHECK_EQUAL(Expected, IoRenameFile(Object, Paths[To], Replace));
    if (NT_SUCCESS(Expected) && To != Index) {
        Model[To] = *From;
        memset(From, 0, sizeof(*From));
    }
}

static void DoDelete(ULONG Index)
{
    MODEL_FILE *File = &Model[Index];
    NTSTATUS Expected = !File->Exists  ? STATUS_OBJECT_NAME_NOT_FOUND
                        : IsOpen(File) ? STATUS_SHARING_VIOLATION /* they read and write */
                                       : STATUS_SUCCESS;

    CHECK_EQUAL(Expected, IoDeleteFile(IoVolume, Paths[Index]));
    if (NT_SUCCESS(Expected)) {
        memset(File, 0, sizeof(*File));
    }
}

static void DoClose(MODEL_FILE *File, ULONG Slot)
{
    EndFilePages(File->Open[Slot]);
    IoCloseFile(File->Open[Slot]);
    File->Open[Slot] = NULL;
}

static void DoSomething(void)
{
    ULONG Index = Below(FILES);
    ULONG Slot = Below(OPENINGS);
    MODEL_FILE *File = &Model[Index];
    PFILE_OBJECT Object = File->Open[Slot];

    if (Object == NULL) {
        if (Below(8) == 0) {
            DoDelete(Index);
        } else {
            DoOpen(Index, Slot);
        }
        return;
    }
    switch (Below(13)) {
    case 0:
    case 1:
    case 2:
        DoWrite(File, Object);
        break;
    case 3:
    case 4:
        DoRead(File, Object);
        break;
    case 5:
        DoSetSize(File, Object);
        break;
    case 6:
        DoRename(Index, Object);
        break;
    case 7:
        CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(Object));
        break;
    case 8:
    case 9:
    case 10:
    case 11:
        DoFilePage(File, Object);
        break;
    default:
        DoClose(File, Slot);
        break;
    }
}

/* ---- comparing everything ---- */

static void CloseAll(void)
{
    ULONG Index;
    ULONG Slot;

    for (Index = 0; Index < FILES; Index++) {
        for (Slot = 0; Slot < OPENINGS; Slot++) {
            if (Model[Index].Open[Slot] != NULL) {
                DoClose(&Model[Index], Slot);
            }
        }
    }
}

static void CompareAll(void)
{
    ULONG Index;

    for (Index = 0; Index < FILES; Index++) {
        PFILE_OBJECT Object;
        ULONG Done = 0;
        NTSTATUS Status = IoWorldOpen(Paths[Index], FILE_OPEN, 0, &Object);

        CHECK_EQUAL(Model[Index].Exists ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND, Status);
        if (!Model[Index].Exists) {
            continue;
        }
        if (Model[Index].Bytes != 0) {
            CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(Object, 0, IoBuffer, IO_WORLD_BYTES, &Done));
        }
        CHECK_EQUAL(Model[Index].Bytes, Done);
        CHECK(memcmp(IoBuffer, Model[Index].Data, Done) == 0);
        IoCloseFile(Object);
    }
}

static void Run(const SEED_FAT *Fat, uint64_t Seed, ULONG Operations)
{
    PFILE_OBJECT Directory;
    ULONG Index;

    Random = Seed | 1;
    memset(Model, 0, sizeof(Model));
    IoWorldStart(Fat, Below(2) == 0 ? 0 : Seed);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\dir", FILE_CREATE, FILE_DIRECTORY_FILE, &Directory));
    IoCloseFile(Directory);
    StartPaging();
    StartFilePaging();
    for (Index = 0; Index < Operations; Index++) {
        DoPaging();
        DoSomething();
        if (Below(400) == 0) {
            EndPaging();
            EndFilePages(NULL);
            CloseAll();
            IoWorldRemount();
            CompareAll();
            StartPaging(); /* what its pages held is not looked at: values begin anew */
        }
    }
    EndPaging();
    EndFilePaging();
    CloseAll();
    IoWorldRemount();
    CompareAll();
    IoWorldFinish();
}

TEST(Prop_fat_driver_agrees_with_a_model_of_bytes)
{
    const ULONG Operations = (ULONG)TestRounds(15000);

    FilePagesMoved = 0;
    Run(&IoWorldFat12, TestSeedNumber(0), Operations);
    Run(&IoWorldFat16, TestSeedNumber(1), Operations);
    Run(&IoWorldLarge, TestSeedNumber(2), Operations);
    CHECK(FilePagesMoved > Operations / 20);
    TestCountOperations(3 * (uint64_t)Operations, 3);
}
