/* SPDX-License-Identifier: MIT */
/*
 * fat_random.c - random file operations against a model: a list of paths with their contents.
 *
 * The model knows what each call must return, disk space apart: when the volume says that it is
 * full the model changes nothing.
 */
#include "tests/disk/fat_tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILES      40u
#define FOLDERS    6u
#define MOST_BYTES 200000u

/* A path, and what is there. */
typedef struct _MODEL {
    char Path[200];
    BOOLEAN Exists;
    ULONG Bytes;
    PUCHAR Data; /* MOST_BYTES of them */
} MODEL;

static MODEL Model[FILES];
static BOOLEAN FolderExists[FOLDERS];
static ULONG State;
static ULONG64 Operations;

static ULONG Random(ULONG Below)
{
    State = State * 1664525u + 1013904223u;
    return (ULONG)((ULONG64)(State >> 8) * Below >> 24);
}

static void Require(BOOLEAN Condition, const char *What, ULONG Index, NTSTATUS Status)
{
    if (!Condition) {
        printf("differs\t%s\t%s\t%08x\t%llu operations\n", What, Model[Index].Path,
               (unsigned)Status, (unsigned long long)Operations);
        exit(1);
    }
}

static void FolderName(ULONG Folder, char *Text, size_t Bytes)
{
    snprintf(Text, Bytes, Folder % 2 ? "/A folder with a long name %u" : "/DIR%u", Folder);
}

/* Short, long, long with blanks, beyond ASCII; some in folders. */
static void NameFile(ULONG Index)
{
    static const char *const Forms[] = {"FILE%u.TXT", "a longer name, number %u.data",
                                        "Mixed%u.Txt", "\xC3\xA4\xE2\x82\xAC\xD1\x8F number %u",
                                        "same beginning of all names and so on %u.txt"};
    char Folder[64] = "";
    char Name[128];

    if (Index % 3 != 0) {
        FolderName(Index % FOLDERS, Folder, sizeof(Folder));
    }
    snprintf(Name, sizeof(Name), Forms[Index % 5], Index);
    snprintf(Model[Index].Path, sizeof(Model[Index].Path), "%s/%s", Folder, Name);
}

static BOOLEAN InFolder(ULONG Index)
{
    return Index % 3 == 0 || FolderExists[Index % FOLDERS];
}

/* ---- operations ---- */

static void OpenOrMissing(ULONG Index, PFAT_FILE File, PBOOLEAN Open)
{
    NTSTATUS Status = FatOpen(Volume, Model[Index].Path, File);

    *Open = Model[Index].Exists;
    if (Model[Index].Exists) {
        Require(Status == STATUS_SUCCESS && File->Bytes == Model[Index].Bytes, "open", Index,
                Status);
    } else {
        Require(Status ==
                    (InFolder(Index) ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND),
                "open of none", Index, Status);
    }
}

static void Create(ULONG Index)
{
    FAT_FILE File;
    NTSTATUS Status = FatCreate(Volume, Model[Index].Path, FAT_ATTRIBUTE_ARCHIVE, &File);

    if (!InFolder(Index)) {
        Require(Status == STATUS_OBJECT_PATH_NOT_FOUND, "create nowhere", Index, Status);
    } else if (Model[Index].Exists) {
        Require(Status == STATUS_OBJECT_NAME_COLLISION, "create twice", Index, Status);
    } else if (Status != STATUS_DISK_FULL) {
        Require(Status == STATUS_SUCCESS, "create", Index, Status);
        Model[Index].Exists = TRUE;
        Model[Index].Bytes = 0;
    }
}

static void Write(ULONG Index)
{
    static UCHAR Buffer[MOST_BYTES];
    ULONG Offset = Random(3) == 0 ? Random(MOST_BYTES) : Random(Model[Index].Bytes + 1);
    ULONG Bytes = Random(Random(4) == 0 ? MOST_BYTES - Offset : 3000);
    ULONG Written;
    FAT_FILE File;
    BOOLEAN Open;
    NTSTATUS Status;

    OpenOrMissing(Index, &File, &Open);
    if (!Open) {
        return;
    }
    Bytes = Bytes < MOST_BYTES - Offset ? Bytes : MOST_BYTES - Offset;
    FillBytes(Buffer, Bytes, State);
    Status = FatWrite(&File, Offset, Bytes, Buffer);
    Written = File.Bytes;
    FatClose(&File);
    if (Status == STATUS_DISK_FULL) {
        return;
    }
    Require(Status == STATUS_SUCCESS, "write", Index, Status);
    if (Bytes != 0) {
        if (Offset > Model[Index].Bytes) {
            memset(Model[Index].Data + Model[Index].Bytes, 0, Offset - Model[Index].Bytes);
        }
        memcpy(Model[Index].Data + Offset, Buffer, Bytes);
        if (Offset + Bytes > Model[Index].Bytes) {
            Model[Index].Bytes = Offset + Bytes;
        }
    }
    Require(Written == Model[Index].Bytes, "size after write", Index, Status);
}

static void Resize(ULONG Index)
{
    ULONG Bytes = Random(2) ? Random(MOST_BYTES) : Random(Model[Index].Bytes + 1);
    FAT_FILE File;
    BOOLEAN Open;
    NTSTATUS Status;

    OpenOrMissing(Index, &File, &Open);
    if (!Open) {
        return;
    }
    Status = FatSetSize(&File, Bytes);
    FatClose(&File);
    if (Status == STATUS_DISK_FULL) {
        return;
    }
    Require(Status == STATUS_SUCCESS, "size", Index, Status);
    if (Bytes > Model[Index].Bytes) {
        memset(Model[Index].Data + Model[Index].Bytes, 0, Bytes - Model[Index].Bytes);
    }
    Model[Index].Bytes = Bytes;
}

static void Read(ULONG Index)
{
    static UCHAR Buffer[MOST_BYTES];
    ULONG Offset = Random(3) == 0 ? 0 : Random(Model[Index].Bytes + 1);
    ULONG Bytes = Random(3) == 0 ? MOST_BYTES : Random(5000) + 1;
    ULONG Want = Model[Index].Bytes - Offset < Bytes ? Model[Index].Bytes - Offset : Bytes;
    ULONG Done = 0;
    FAT_FILE File;
    BOOLEAN Open;
    NTSTATUS Status;

    OpenOrMissing(Index, &File, &Open);
    if (!Open) {
        return;
    }
    Status = FatRead(&File, Offset, Bytes, Buffer, &Done);
    if (Want == 0) {
        Require(Status == STATUS_END_OF_FILE, "read at the end", Index, Status);
    } else {
        Require(Status == STATUS_SUCCESS && Done == Want, "read", Index, Status);
        Require(memcmp(Buffer, Model[Index].Data + Offset, Want) == 0, "contents", Index, Status);
    }
}

static void Delete(ULONG Index)
{
    NTSTATUS Status = FatDelete(Volume, Model[Index].Path);

    if (Model[Index].Exists) {
        Require(Status == STATUS_SUCCESS, "delete", Index, Status);
        Model[Index].Exists = FALSE;
    } else {
        Require(!NT_SUCCESS(Status), "delete of none", Index, Status);
    }
}

static void Rename(ULONG From, ULONG To)
{
    NTSTATUS Status = FatRename(Volume, Model[From].Path, Model[To].Path);

    if (!Model[From].Exists) {
        Require(!NT_SUCCESS(Status), "rename of none", From, Status);
    } else if (!InFolder(To)) {
        Require(Status == STATUS_OBJECT_PATH_NOT_FOUND, "rename to nowhere", From, Status);
    } else if (From != To && Model[To].Exists) {
        Require(Status == STATUS_OBJECT_NAME_COLLISION, "rename to another", From, Status);
    } else if (Status != STATUS_DISK_FULL) {
        Require(Status == STATUS_SUCCESS, "rename", From, Status);
        if (From != To) {
            PUCHAR Data = Model[To].Data;

            Model[To].Data = Model[From].Data;
            Model[From].Data = Data;
            Model[To].Bytes = Model[From].Bytes;
            Model[To].Exists = TRUE;
            Model[From].Exists = FALSE;
        }
    }
}

static void Folder(ULONG Index)
{
    char Path[64];
    ULONG Inside = 0;
    ULONG File;
    NTSTATUS Status;

    FolderName(Index, Path, sizeof(Path));
    for (File = 0; File < FILES; File++) {
        Inside += Model[File].Exists && File % 3 != 0 && File % FOLDERS == Index;
    }
    if (!FolderExists[Index]) {
        Status = FatCreateDirectory(Volume, Path);
        Require(Status == STATUS_SUCCESS || Status == STATUS_DISK_FULL, "mkdir", 0, Status);
        FolderExists[Index] = Status == STATUS_SUCCESS;
    } else if (Random(8) == 0) {
        Status = FatDelete(Volume, Path);
        Require(Status == (Inside != 0 ? STATUS_DIRECTORY_NOT_EMPTY : STATUS_SUCCESS), "rmdir", 0,
                Status);
        FolderExists[Index] = Inside != 0;
    }
}

static void Step(void)
{
    ULONG Index = Random(FILES);

    switch (Random(12)) {
    case 0:
    case 1:
    case 2:
        Create(Index);
        break;
    case 3:
    case 4:
    case 5:
        Write(Index);
        break;
    case 6:
        Resize(Index);
        break;
    case 7:
        Delete(Index);
        break;
    case 8:
        Rename(Index, Random(FILES));
        break;
    case 9:
        Folder(Random(FOLDERS));
        break;
    default:
        Read(Index);
        break;
    }
    Operations++;
}

NTSTATUS RandomOperations(ULONG Seed, ULONG Seconds)
{
    time_t End = time(NULL) + (time_t)Seconds;
    ULONG Index;

    State = Seed;
    for (Index = 0; Index < FILES; Index++) {
        NameFile(Index);
        Model[Index].Data = malloc(MOST_BYTES);
    }
    while (time(NULL) < End) {
        Step();
    }
    for (Index = 0; Index < FILES; Index++) {
        Read(Index);
    }
    printf("operations\t%llu\n", (unsigned long long)Operations);
    for (Index = 0; Index < FILES; Index++) {
        free(Model[Index].Data);
    }
    return STATUS_SUCCESS;
}
