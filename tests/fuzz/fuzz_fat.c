/* SPDX-License-Identifier: MIT */
/*
 * fuzz_fat.c - damaged FAT volumes: mounted or refused, read, changed and taken out of use.
 *
 * Byte 0 chooses the kind; the rest is a list of changes to a volume with a few files: which part
 * (boot sector, FAT, directory), offset and value.  Nothing crashes, no read is out of the volume,
 * each step costs bounded I/O, no memory is left.
 */
#include "disk/fat/fat.h"
#include "disk/volume/partition.h"
#include "tests/disk/plain_disk.h"
#include "tests/unit/seed_fat.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size);

#define MOST_REQUESTS 2000000u
#define MOST_VISITED  200u

static const SEED_FAT Seeds[3] = {{512, 1, 300}, {512, 1, 4200}, {512, 1, 65600}};
static PUCHAR Filled[3]; /* with files in it */
static PUCHAR Used[3];   /* a copy to damage, made equal again after each input */
static PUCHAR Image;
static PLAIN_DISK Disk;

static void Require(BOOLEAN Condition)
{
    if (!Condition) {
        __builtin_trap();
    }
}

static size_t BytesOf(ULONG Kind)
{
    return (size_t)SeedFatSectors(&Seeds[Kind]) * Seeds[Kind].SectorBytes;
}

static void Put(PFAT_VOLUME Volume, const char *Path, ULONG Bytes)
{
    static const UCHAR Zeros[3000];
    FAT_FILE File;

    Require(NT_SUCCESS(FatCreate(Volume, Path, 0, &File)) &&
            NT_SUCCESS(FatWrite(&File, 0, Bytes, Zeros)));
}

static void Fill(ULONG Kind)
{
    PFAT_VOLUME Volume;

    Filled[Kind] = calloc(1, BytesOf(Kind));
    SeedFat(&Seeds[Kind], Filled[Kind]);
    PlainDiskInitialize(&Disk, Filled[Kind], 512, SeedFatSectors(&Seeds[Kind]));
    Require(NT_SUCCESS(FatMount(&Disk.Device, &Volume)));
    Put(Volume, "/A.TXT", 3000);
    Put(Volume, "/a longer name.txt", 1500);
    Require(NT_SUCCESS(FatCreateDirectory(Volume, "/DIR")));
    Put(Volume, "/DIR/B.TXT", 600);
    Put(Volume, "/DIR/another long name of two parts", 600);
    Require(NT_SUCCESS(FatFlush(Volume)));
    FatDismount(Volume);
    Used[Kind] = malloc(BytesOf(Kind));
    memcpy(Used[Kind], Filled[Kind], BytesOf(Kind));
}

/* ---- damage ---- */

static void Damage(ULONG Kind, const uint8_t *Data, size_t Size)
{
    ULONG Sectors[4] = {0, SeedFatTable(&Seeds[Kind]), SeedFatData(&Seeds[Kind]),
                        SeedFatData(&Seeds[Kind])};

    if (Kind != 2) {
        Sectors[2] -= 8; /* the fixed root of 128 entries */
    }
    for (; Size >= 4; Data += 4, Size -= 4) {
        ULONG Offset = (Data[1] | (ULONG)Data[2] << 8) % (Data[0] % 4 == 3 ? 8192 : 512);

        Image[(size_t)Sectors[Data[0] % 4] * 512 + Offset] = Data[3];
    }
}

static void Restore(ULONG Kind)
{
    size_t Sectors = SeedFatData(&Seeds[Kind]) + 16;

    Sectors = Disk.HighestWritten > Sectors ? (size_t)Disk.HighestWritten : Sectors;
    memcpy(Image, Filled[Kind], Sectors * 512);
}

/* ---- use ---- */

static ULONG Visited;

static void ReadFile(PFAT_FILE File)
{
    static UCHAR Buffer[4096];
    static FAT_RUN Runs[16];
    ULONG Done = 0;
    ULONG Count = 0;
    ULONG Index;

    if (NT_SUCCESS(FatRead(File, 0, sizeof(Buffer), Buffer, &Done))) {
        Require(Done <= sizeof(Buffer) && Done <= File->Bytes);
    }
    if (NT_SUCCESS(FatResolveRuns(File, Runs, 16, &Count))) {
        for (Index = 0; Index < Count; Index++) {
            Require(Runs[Index].Sector + Runs[Index].Sectors <= Disk.Device.Sectors);
        }
    }
}

static void Visit(PFAT_VOLUME Volume, const char *Path, ULONG Depth)
{
    char Name[FAT_NAME_BYTES];
    char Text[2048];
    FAT_FILE Directory;
    FAT_FILE File;
    FAT_ENTRY Entry;
    ULONG Position = 0;

    if (Depth > 3 || !NT_SUCCESS(FatOpen(Volume, Path, &Directory))) {
        return;
    }
    while (Visited < MOST_VISITED && NT_SUCCESS(FatEnumerate(&Directory, &Position, &Entry))) {
        Visited++;
        FatFormatName(&Entry, Name);
        if (strlen(Path) + strlen(Name) + 2 > sizeof(Text)) {
            continue;
        }
        strcpy(Text, Path);
        strcat(strcat(Text, "/"), Name);
        if (!NT_SUCCESS(FatOpen(Volume, Text, &File))) {
            continue;
        }
        if ((File.Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0) {
            Visit(Volume, Text, Depth + 1);
        } else {
            ReadFile(&File);
        }
    }
}

static void Change(PFAT_VOLUME Volume)
{
    static const UCHAR Bytes[2000];
    NTSTATUS Ignored = STATUS_SUCCESS;
    FAT_FILE File;

    if (NT_SUCCESS(FatCreate(Volume, "/DIR/new and long name.txt", 0, &File))) {
        Ignored |= FatWrite(&File, 100, sizeof(Bytes), Bytes);
        Ignored |= FatSetSize(&File, 700);
        FatClose(&File);
    }
    if (NT_SUCCESS(FatOpen(Volume, "/A.TXT", &File))) {
        Ignored |= FatWrite(&File, File.Bytes, sizeof(Bytes), Bytes);
        Ignored |= FatSetSize(&File, 10);
        FatClose(&File);
    }
    Ignored |= FatRename(Volume, "/DIR", "/a new name for the folder");
    Ignored |= FatDelete(Volume, "/a longer name.txt");
    Ignored |= FatDelete(Volume, "/DIR/B.TXT");
    Ignored |= FatCreateDirectory(Volume, "/DIR/X");
    Ignored |= FatFlush(Volume);
    (void)Ignored;
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    static const UCHAR Kinds[4] = {0, 0, 1, 2};
    ULONG Kind = Size == 0 ? 0 : Kinds[Data[0] % 4];
    PFAT_VOLUME Volume;

    if (Filled[Kind] == NULL) {
        Fill(Kind);
    }
    Image = Used[Kind];
    if (Size != 0) {
        Damage(Kind, Data + 1, Size - 1);
    }
    PlainDiskInitialize(&Disk, Image, 512, SeedFatSectors(&Seeds[Kind]));
    Require(NT_SUCCESS(DiskRestrictWrites(&Disk.Device)));
    if (NT_SUCCESS(FatMount(&Disk.Device, &Volume))) {
        Visited = 0;
        Visit(Volume, "", 0);
        if (Kind == 0) { /* changes need the whole FAT, which is long in the others */
            Change(Volume);
            Visit(Volume, "", 0);
        }
        FatDismount(Volume);
    }
    DiskDeleteWriteList(&Disk.Device);
    Require(PlainPoolBlocks == 0);
    Require(Disk.Reads + Disk.Writes < MOST_REQUESTS);
    Restore(Kind);
    return 0;
}
