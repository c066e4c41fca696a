/* SPDX-License-Identifier: MIT */
/*
 * fuzz_fat.c - damaged FAT volumes: mounted or refused, read, changed and taken out of use.
 *
 * Byte 0 chooses the volume; the rest is a list of changes to it, of four bytes each: a byte of
 * the boot sector, an entry of the FAT, a field of a directory entry, a first cluster and a size,
 * a long name part, a rename record with good checksums.  Nothing crashes, no read is out of the
 * volume, the I/O is bounded, nothing is written but what is permitted, no memory is left.
 */
#include "disk/fat/fat_i.h"
#include "disk/volume/partition.h"
#include "tests/disk/plain_disk.h"
#include "tests/unit/seed_fat.h"
#include "tests/unit/seed_partition.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size);

#define MOST_REQUESTS 40000u
#define MOST_VISITED  60u
#define SEEDS         6u
#define FAT32_SEED    5u

static const SEED_FAT Seeds[SEEDS] = {{512, 1, 150},  {512, 4, 100},   {4096, 1, 100},
                                      {512, 1, 4200}, {4096, 1, 4200}, {512, 1, 65600}};
static PUCHAR Filled[SEEDS]; /* with files in it */
static PUCHAR Used[SEEDS];   /* a copy to damage, made equal again after each input */
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
    FatClose(&File);
}

static void Fill(ULONG Kind)
{
    PFAT_VOLUME Volume;

    Filled[Kind] = calloc(1, BytesOf(Kind));
    SeedFat(&Seeds[Kind], Filled[Kind]);
    PlainDiskInitialize(&Disk, Filled[Kind], Seeds[Kind].SectorBytes, SeedFatSectors(&Seeds[Kind]));
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

static ULONG BitsOf(ULONG Seed)
{
    return Seeds[Seed].Clusters < 4085 ? 12 : Seed == FAT32_SEED ? 32 : 16;
}

static PUCHAR SectorAt(ULONG Seed, ULONG Sector)
{
    return Image + (size_t)Sector * Seeds[Seed].SectorBytes;
}

/* An entry, and its copy in the second FAT when Both. */
static void DamageTable(ULONG Seed, ULONG Cluster, ULONG Choice, ULONG Number)
{
    const ULONG Values[8] = {
        0,          1,          Cluster + 1, Cluster,
        0x0FFFFFF7, 0x0FFFFFFF, Number % 64, Seeds[Seed].Clusters + Number % 4};
    ULONG Data =
        SeedFatData(&Seeds[Seed]) - (Seed == FAT32_SEED ? 0 : 128 * 32 / Seeds[Seed].SectorBytes);
    ULONG Table = SeedFatTable(&Seeds[Seed]);
    ULONG Copy = (Data - Table) / 2;
    ULONG Value = Values[Choice % 8];
    ULONG Fat;

    for (Fat = 0; Fat < (Choice & 0x80 ? 1u : 2u); Fat++) {
        PUCHAR At = SectorAt(Seed, Table + Fat * Copy) + Cluster * BitsOf(Seed) / 8;

        if (BitsOf(Seed) == 12) {
            ULONG Shift = Cluster % 2 * 4;
            ULONG Word = (At[0] | (ULONG)At[1] << 8) & ~(0xFFFu << Shift);

            Word |= (Value & 0xFFF) << Shift;
            At[0] = (UCHAR)Word;
            At[1] = (UCHAR)(Word >> 8);
        } else {
            SeedPut32(At, Value); /* FAT16: the next entry's too */
        }
    }
}

static PUCHAR EntryAt(ULONG Seed, ULONG Place, ULONG Index)
{
    ULONG Data = SeedFatData(&Seeds[Seed]);
    ULONG Root = Data - (Seed == FAT32_SEED ? 0 : 128 * 32 / Seeds[Seed].SectorBytes);

    return Place == 0 ? SectorAt(Seed, Root) + Index % 16 * 32
                      : SectorAt(Seed, Data) + Index % 512 * 32;
}

/* What a power cut in a rename leaves, or somebody who knows how. */
static void MakeRecord(ULONG Seed, ULONG Index, ULONG New, ULONG Old)
{
    PUCHAR Entry = EntryAt(Seed, 0, New);
    PUCHAR Record = EntryAt(Seed, 0, Index);

    if (Entry == Record) {
        return;
    }
    memset(Record, 0, 32);
    memcpy(Record, "\xE5RENAME", 7);
    Record[7] = Entry[0] != 0xE5 ? Entry[0] : 'X';
    Entry[0] = Old & 0x80 ? Entry[0] : 0xE5;
    Record[16] = (UCHAR)(New % 16);
    Record[18] = (UCHAR)(Old % 16);
    SeedPut32(Record + 24, DiskCrc32(0, Entry + 1, 31));
    SeedPut32(Record + 28, DiskCrc32(0, Record, 28));
}

static void DamageOnce(ULONG Seed, const uint8_t *Data)
{
    PUCHAR Entry = EntryAt(Seed, Data[0] & 8, Data[1]);

    switch (Data[0] % 8) {
    case 0:
        Image[(Data[1] | (ULONG)Data[2] << 8) % 512] = Data[3];
        break;
    case 1:
    case 2:
        DamageTable(Seed, 1 + Data[1] % 64u, Data[2], Data[3]);
        break;
    case 3:
        Entry[Data[2] % 32] = Data[3];
        break;
    case 4: /* a first cluster and a size */
        Entry[26] = Data[2];
        SeedPut32(Entry + 28, Data[3] & 0x80 ? 0xFFFFFFFFu : Data[3] * 100u);
        break;
    case 5: /* a long name part in order: its checksum is the next entry's */
        Entry[0] = Data[2];
        Entry[11] = 0x0F;
        Entry[13] = Data[3] & 0x80 ? Data[3] : FatShortChecksum(Entry + 32);
        break;
    case 6:
        MakeRecord(Seed, Data[1], Data[2], Data[3]);
        break;
    default:
        SectorAt(Seed, SeedFatData(&Seeds[Seed]))[(Data[1] | (ULONG)Data[2] << 8) % 16384] =
            Data[3];
        break;
    }
}

static void Damage(ULONG Seed, const uint8_t *Data, size_t Size)
{
    for (; Size >= 4; Data += 4, Size -= 4) {
        DamageOnce(Seed, Data);
    }
}

static void Restore(ULONG Seed)
{
    size_t Bytes = (size_t)SeedFatData(&Seeds[Seed]) * Seeds[Seed].SectorBytes + 32768;
    size_t Written = (size_t)Disk.HighestWritten * Seeds[Seed].SectorBytes;

    memcpy(Image, Filled[Seed], Written > Bytes ? Written : Bytes);
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
    /* the larger ones are slow: the whole FAT is read before a change */
    static const UCHAR Choice[16] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 4, 0, FAT32_SEED};
    ULONG Seed = Size == 0 ? 0 : Choice[Data[0] % 16];
    PFAT_VOLUME Volume;

    if (Filled[Seed] == NULL) {
        Fill(Seed);
    }
    Image = Used[Seed];
    if (Size != 0) {
        Damage(Seed, Data + 1, Size - 1);
    }
    PlainDiskInitialize(&Disk, Image, Seeds[Seed].SectorBytes, SeedFatSectors(&Seeds[Seed]));
    Require(NT_SUCCESS(DiskRestrictWrites(&Disk.Device)));
    if (NT_SUCCESS(FatMount(&Disk.Device, &Volume))) {
        Visited = 0;
        Visit(Volume, "", 0);
        if (Seed != FAT32_SEED && (Seeds[Seed].Clusters < 4085 || (Data[0] & 0xF0) == 0)) {
            Change(Volume);
            Visit(Volume, "", 0);
        }
        FatDismount(Volume);
    }
    DiskDeleteWriteList(&Disk.Device);
    Require(PlainPoolBlocks == 0);
    Require(Disk.Reads + Disk.Writes < MOST_REQUESTS);
    Restore(Seed);
    return 0;
}
