/* SPDX-License-Identifier: MIT */
/*
 * file_volume.c - see file_model.h: the end of a run.
 *
 * What is saved for others is made from the model and from the disk: what our file system reads
 * back has no part in it, but in the times of the last write that nobody set: of these the model
 * knows the one that it was shown, and found right.
 */
#include "tests/prop/file_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void CompareBytes(HANDLE Handle, const MODEL_FILE *File)
{
    CHECK_EQUAL(File->Bytes, NtWorldSize(Handle));
    if (File->Bytes != 0) {
        CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 0, IO_WORLD_BYTES));
        CHECK_EQUAL(File->Bytes, Iosb.Information);
        CHECK(memcmp(IoBuffer, File->Data, File->Bytes) == 0);
    }
}

void FmCompare(ULONG Options, BOOLEAN Settle)
{
    ULONG Path;

    CHECK_EQUAL(0, NtWorldHandles());
    for (Path = 0; Path < PATHS; Path++) {
        FILE_BASIC_INFORMATION Basic;
        HANDLE Handle = NULL;
        NTSTATUS Status =
            NtWorldTryOpen(FmPaths[Path], FILE_READ_DATA, FILE_OPEN, Options, &Handle);

        if (FmAt[Path] == NO_FILE) {
            CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, Status);
            continue;
        }
        CHECK_EQUAL(STATUS_SUCCESS, Status);
        CompareBytes(Handle, &FmFiles[FmAt[Path]]);
        CHECK_EQUAL(STATUS_SUCCESS, NtQueryInformationFile(Handle, &Iosb, &Basic, sizeof(Basic),
                                                           FileBasicInformation));
        FmCheckTimes(FmAt[Path], &Basic);
        if (Settle) {
            FmSettle(FmAt[Path], &Basic);
        }
        NtWorldClose(Handle);
    }
}

/* ---- for others ---- */

/* => The path of Name in Folder. */
static void Join(char *Path, size_t Room, const char *Folder, const char *Name)
{
    CHECK(snprintf(Path, Room, "%s/%s", Folder, Name) < (int)Room);
}

static FILE *Create(const char *Folder, const char *Name)
{
    char Path[600];
    FILE *Out;

    Join(Path, sizeof(Path), Folder, Name);
    Out = fopen(Path, "wb");
    CHECK(Out != NULL);
    return Out;
}

static void Put(FILE *Out, const void *Data, size_t Bytes)
{
    CHECK(fwrite(Data, 1, Bytes, Out) == Bytes && fclose(Out) == 0);
}

/* What follows the volume's root, with the host's separators. */
static void HostName(PCWSTR Path, char *Name, size_t Room)
{
    const ULONG Root = 7; /* \??\C:\ */
    size_t Index = 0;

    for (Path += Root; *Path != 0 && Index + 1 < Room; Path++) {
        Name[Index++] = *Path == u'\\' ? '/' : (char)*Path;
    }
    Name[Index] = '\0';
}

static void MakeFolder(char *Path, size_t Room, const char *Folder, const char *Name)
{
    Join(Path, Room, Folder, Name);
    CHECK(mkdir(Path, 0777) == 0);
}

static void SaveFiles(const char *Folder)
{
    char Name[100];
    char Below[600];
    ULONG Path;

    MakeFolder(Below, sizeof(Below), Folder, "dir");
    for (Path = 0; Path < PATHS; Path++) {
        if (FmAt[Path] != NO_FILE) {
            HostName(FmPaths[Path], Name, sizeof(Name));
            Put(Create(Folder, Name), FmFiles[FmAt[Path]].Data, FmFiles[FmAt[Path]].Bytes);
        }
    }
}

/* A line for each file: the last write in seconds since 1970, the attributes, the name. */
static void SaveEntries(const char *Folder)
{
    const LONGLONG Second = 10000000;
    const LONGLONG Year1970 = 11644473600; /* seconds since 1601 */
    FILE *Out = Create(Folder, "entries");
    char Name[100];
    ULONG Path;

    for (Path = 0; Path < PATHS; Path++) {
        const MODEL_FILE *File = FmAt[Path] != NO_FILE ? &FmFiles[FmAt[Path]] : NULL;

        if (File != NULL) {
            HostName(FmPaths[Path], Name, sizeof(Name));
            CHECK(fprintf(Out, "%lld %x %s\n", (long long)(File->Write.Settled / Second - Year1970),
                          File->Attributes | (File->Archive ? FILE_ATTRIBUTE_ARCHIVE : 0),
                          Name) > 0);
        }
    }
    CHECK(fclose(Out) == 0);
}

BOOLEAN FmSaves(void)
{
    return getenv("HYPERSPACE_VOLUMES") != NULL;
}

void FmSave(void)
{
    static ULONG Number;
    const char *Volumes = getenv("HYPERSPACE_VOLUMES");
    char Name[20];
    char Folder[400];
    char Files[500];

    if (!FmSaves()) {
        return;
    }
    (void)snprintf(Name, sizeof(Name), "%u", Number++);
    MakeFolder(Folder, sizeof(Folder), Volumes, Name);
    Put(Create(Folder, "volume"), IoDisk.Image,
        (size_t)(IoDisk.Device.Sectors * IoDisk.Device.SectorBytes));
    SaveEntries(Folder);
    MakeFolder(Files, sizeof(Files), Folder, "files");
    SaveFiles(Files);
}
