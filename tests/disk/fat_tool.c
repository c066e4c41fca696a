/* SPDX-License-Identifier: MIT */
/*
 * fat_tool.c - disk/fat over an image file, for comparison with mtools and fsck.fat.
 *
 *     fat_tool IMAGE SECTOR_BYTES [format] < commands    (an image behind an offset: IMAGE@BYTES)
 *
 *     tree                    every file: its path, size and a checksum; every directory
 *     put PATH BYTES SEED     create, or cut and write anew, with bytes that SEED makes
 *     append PATH BYTES SEED, size PATH BYTES, reserve PATH BYTES
 *     mkdir PATH, rm PATH, mv OLD<TAB>NEW, runs PATH, figures
 *     random SEED SECONDS     operations against a model in memory; prints how many
 *     power SECTORS           so many sectors more are written, the rest is lost
 *     fail REQUESTS           requests behind that many fail
 *     writes                  how many sectors were written so far
 *
 * Arguments are separated by tabs.  One line "status XXXXXXXX" follows each command; the volume is
 * flushed and dismounted at the end, unless a line "stop" ends the commands.
 */
#include "tests/disk/fat_tool.h"

#include "disk/volume/partition.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_DEPTH 40u

PFAT_VOLUME Volume;
PLAIN_DISK Disk;

void FillBytes(PUCHAR Buffer, ULONG Bytes, ULONG Seed)
{
    ULONG Index;

    for (Index = 0; Index < Bytes; Index++) {
        Seed = Seed * 1664525u + 1013904223u;
        Buffer[Index] = (UCHAR)(Seed >> 24);
    }
}

/* ---- tree ---- */

static void PrintFile(const char *Path, PFAT_FILE File)
{
    PUCHAR Buffer = malloc(File->Bytes + 1);
    ULONG Done = 0;
    NTSTATUS Status = FatRead(File, 0, File->Bytes, Buffer, &Done);

    if (File->Bytes == 0) {
        Status = STATUS_SUCCESS;
    }
    printf("file\t%s\t%u\t%08x\t%08x\n", Path, File->Bytes, DiskCrc32(0, Buffer, Done),
           (unsigned)Status);
    free(Buffer);
}

static NTSTATUS PrintTree(const char *Path, ULONG Depth)
{
    char Text[4096];
    char Name[FAT_NAME_BYTES];
    FAT_FILE Directory;
    FAT_FILE File;
    FAT_ENTRY Entry;
    ULONG Position = 0;
    NTSTATUS Status = FatOpen(Volume, Path, &Directory);

    while (NT_SUCCESS(Status)) {
        Status = FatEnumerate(&Directory, &Position, &Entry);
        if (!NT_SUCCESS(Status)) {
            break;
        }
        FatFormatName(&Entry, Name);
        snprintf(Text, sizeof(Text), "%s/%s", Path, Name);
        Status = FatOpen(Volume, Text, &File);
        if (!NT_SUCCESS(Status)) {
            printf("bad\t%s\t%08x\n", Text, (unsigned)Status);
            Status = STATUS_SUCCESS;
        } else if ((Entry.Attributes & FAT_ATTRIBUTE_DIRECTORY) == 0) {
            PrintFile(Text, &File);
        } else {
            printf("dir\t%s\n", Text);
            Status = Depth < MOST_DEPTH ? PrintTree(Text, Depth + 1) : STATUS_SUCCESS;
        }
    }
    return Status == STATUS_NO_MORE_FILES ? STATUS_SUCCESS : Status;
}

/* ---- commands ---- */

static NTSTATUS Put(const char *Path, ULONG Bytes, ULONG Seed, BOOLEAN Append)
{
    PUCHAR Buffer = malloc(Bytes + 1);
    FAT_FILE File;
    NTSTATUS Status = FatOpen(Volume, Path, &File);

    FillBytes(Buffer, Bytes, Seed);
    if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
        Status = FatCreate(Volume, Path, FAT_ATTRIBUTE_ARCHIVE, &File);
    } else if (NT_SUCCESS(Status) && !Append) {
        Status = FatSetSize(&File, 0);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatWrite(&File, Append ? File.Bytes : 0, Bytes, Buffer);
        FatClose(&File);
    }
    free(Buffer);
    return Status;
}

static NTSTATUS Resize(const char *Path, ULONG Bytes, BOOLEAN Reserve)
{
    FAT_FILE File;
    NTSTATUS Status = FatOpen(Volume, Path, &File);

    if (NT_SUCCESS(Status)) {
        Status = Reserve ? FatReserve(&File, Bytes) : FatSetSize(&File, Bytes);
        FatClose(&File);
    }
    return Status;
}

static NTSTATUS PrintRuns(const char *Path)
{
    static FAT_RUN Runs[4096];
    FAT_FILE File;
    ULONG Count = 0;
    ULONG Index;
    NTSTATUS Status = FatOpen(Volume, Path, &File);

    if (NT_SUCCESS(Status)) {
        Status = FatResolveRuns(&File, Runs, 4096, &Count);
    }
    for (Index = 0; NT_SUCCESS(Status) && Index < Count; Index++) {
        printf("run\t%" PRIu64 "\t%u\n", Runs[Index].Sector, Runs[Index].Sectors);
    }
    return Status;
}

static NTSTATUS PrintFigures(void)
{
    FAT_FIGURES Figures;
    NTSTATUS Status = FatQueryVolume(Volume, &Figures);

    if (NT_SUCCESS(Status)) {
        printf("figures\t%u\t%u\t%u\t%u\t%u\t%08x\t%u\t%u\n", Figures.Kind, Figures.SectorBytes,
               Figures.ClusterBytes, Figures.Clusters, Figures.FreeClusters, Figures.Serial,
               Figures.WasDirty, Figures.CrossLinked);
    }
    return Status;
}

static NTSTATUS Act(char **Word, unsigned Words)
{
    ULONG A = Words > 2 ? (ULONG)strtoul(Word[2], NULL, 0) : 0;
    ULONG B = Words > 3 ? (ULONG)strtoul(Word[3], NULL, 0) : 0;
    const char *Path = Words > 1 ? Word[1] : "";

    if (strcmp(Word[0], "tree") == 0) {
        return PrintTree("", 0);
    } else if (strcmp(Word[0], "put") == 0) {
        return Put(Path, A, B, FALSE);
    } else if (strcmp(Word[0], "append") == 0) {
        return Put(Path, A, B, TRUE);
    } else if (strcmp(Word[0], "size") == 0) {
        return Resize(Path, A, FALSE);
    } else if (strcmp(Word[0], "reserve") == 0) {
        return Resize(Path, A, TRUE);
    } else if (strcmp(Word[0], "mkdir") == 0) {
        return FatCreateDirectory(Volume, Path);
    } else if (strcmp(Word[0], "rm") == 0) {
        return FatDelete(Volume, Path);
    } else if (strcmp(Word[0], "mv") == 0 && Words > 2) {
        return FatRename(Volume, Path, Word[2]);
    } else if (strcmp(Word[0], "runs") == 0) {
        return PrintRuns(Path);
    } else if (strcmp(Word[0], "figures") == 0) {
        return PrintFigures();
    } else if (strcmp(Word[0], "random") == 0) {
        return RandomOperations((ULONG)strtoul(Path, NULL, 0), A);
    } else if (strcmp(Word[0], "power") == 0) {
        Disk.PowerLeft = (ULONG)strtoul(Path, NULL, 0);
    } else if (strcmp(Word[0], "fail") == 0) {
        Disk.FailFrom = (ULONG)strtoul(Path, NULL, 0) + 1;
    } else if (strcmp(Word[0], "writes") == 0) {
        printf("writes\t%" PRIu64 "\n", Disk.SectorsWritten);
    } else {
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

static BOOLEAN RunCommands(void)
{
    static char Line[8192];
    char *Word[4];

    while (fgets(Line, sizeof(Line), stdin) != NULL) {
        unsigned Words = 0;
        char *Rest = Line;

        Line[strcspn(Line, "\n")] = '\0';
        while (Words < 4 && (Word[Words] = strsep(&Rest, "\t")) != NULL) {
            Words++;
        }
        if (strcmp(Word[0], "stop") == 0) {
            return FALSE;
        }
        printf("status %08x\n", (unsigned)Act(Word, Words));
    }
    return TRUE;
}

static void OpenImage(char *Name, ULONG SectorBytes)
{
    char *At = strchr(Name, '@');
    size_t Offset = At == NULL ? 0 : strtoul(At + 1, NULL, 0);
    struct stat Facts;
    PUCHAR Image;
    int Handle;

    if (At != NULL) {
        *At = '\0';
    }
    Handle = open(Name, O_RDWR);
    if (Handle < 0 || fstat(Handle, &Facts) != 0) {
        perror(Name);
        exit(2);
    }
    Image = mmap(NULL, (size_t)Facts.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, Handle, 0);
    if (Image == MAP_FAILED) {
        perror(Name);
        exit(2);
    }
    PlainDiskInitialize(&Disk, Image + Offset, SectorBytes,
                        ((ULONG64)Facts.st_size - Offset) / SectorBytes);
}

int main(int Count, char **Arguments)
{
    NTSTATUS Status;

    if (Count != 3 && (Count != 4 || strcmp(Arguments[3], "format") != 0)) {
        fprintf(stderr, "fat_tool IMAGE SECTOR_BYTES [format]\n");
        return 2;
    }
    OpenImage(Arguments[1], (ULONG)strtoul(Arguments[2], NULL, 0));
    if (Count == 4) {
        printf("format %08x\n", (unsigned)FatFormat(&Disk.Device, 0x464F524D, "FORMATTED  "));
    }
    Status = DiskRestrictWrites(&Disk.Device);
    Status = NT_SUCCESS(Status) ? FatMount(&Disk.Device, &Volume) : Status;
    printf("mount %08x\n", (unsigned)Status);
    if (NT_SUCCESS(Status)) {
        if (RunCommands()) {
            printf("flush %08x\n", (unsigned)FatFlush(Volume));
        }
        FatDismount(Volume);
    }
    DiskDeleteWriteList(&Disk.Device);
    printf("blocks %d\n", PlainPoolBlocks);
    return 0;
}
