/* SPDX-License-Identifier: MIT */
/*
 * disk_contents.c - what is on each disk, kept for those who ask later.
 *
 * A table is read once, at the start: nobody but the owner of a disk changes it, and that is not
 * us.  What is damaged is said; nothing is repaired.
 *
 * Locking: the list grows at the start only.
 */
#include "disk/volume/disk_contents.h"

#include "disk_drivers.h"
#include "ex.h"

#define DISKP_TAG 0x74736944u /* 'Dist' */

static LIST_ENTRY DiskpContents = {&DiskpContents, &DiskpContents};

/* => FALSE: no memory. */
static BOOLEAN DiskpKeep(PDISK_DEVICE Disk, NTSTATUS Status, const DISK_PARTITION_TABLE *Table)
{
    ULONG Count = NT_SUCCESS(Status) ? Table->Count : 0;
    ULONG Bytes = FIELD_OFFSET(DISK_PARTITION_TABLE, Entries) + Count * sizeof(Table->Entries[0]);
    PDISK_CONTENTS Contents =
        ExAllocatePoolWithTag(PagedPool, FIELD_OFFSET(DISK_CONTENTS, Table) + Bytes, DISKP_TAG);

    if (Contents == NULL) {
        return FALSE;
    }
    Contents->Disk = Disk;
    Contents->Status = Status;
    memcpy(&Contents->Table, Table, Bytes);
    InsertTailList(&DiskpContents, &Contents->ListEntry);
    return TRUE;
}

ULONG DiskReadContents(void)
{
    PDISK_PARTITION_TABLE Table = ExAllocatePoolWithTag(PagedPool, sizeof(*Table), DISKP_TAG);
    PDISK_DEVICE Disk = NULL;
    ULONG Lost = 0;

    while ((Disk = DiskNextDevice(Disk)) != NULL) {
        NTSTATUS Status =
            Table != NULL ? DiskReadPartitionTable(Disk, Table) : STATUS_INSUFFICIENT_RESOURCES;

        Lost += Status == STATUS_INSUFFICIENT_RESOURCES || !DiskpKeep(Disk, Status, Table);
    }
    if (Table != NULL) {
        ExFreePoolWithTag(Table, DISKP_TAG);
    }
    return Lost;
}

void DiskForgetContents(void)
{
    InitializeListHead(&DiskpContents);
}

const DISK_CONTENTS *DiskNextContents(const DISK_CONTENTS *After)
{
    const LIST_ENTRY *Next = After != NULL ? After->ListEntry.Flink : DiskpContents.Flink;

    return Next != &DiskpContents ? CONTAINING_RECORD(Next, DISK_CONTENTS, ListEntry) : NULL;
}

/* ---- names of types ---- */

typedef struct _DISKP_GPT_TYPE {
    UCHAR Guid[16]; /* as on disk */
    const char *Name;
} DISKP_GPT_TYPE;

static const DISKP_GPT_TYPE DiskpGptTypes[] = {
    {{0x28, 0x73, 0x2A, 0xC1, 0x1F, 0xF8, 0xD2, 0x11, 0xBA, 0x4B, 0x00, 0xA0, 0xC9, 0x3E, 0xC9,
      0x3B},
     "EFI system"},
    {{0xA2, 0xA0, 0xD0, 0xEB, 0xE5, 0xB9, 0x33, 0x44, 0x87, 0xC0, 0x68, 0xB6, 0xB7, 0x26, 0x99,
      0xC7},
     "basic data"},
    {{0x16, 0xE3, 0xC9, 0xE3, 0x5C, 0x0B, 0xB8, 0x4D, 0x81, 0x7D, 0xF9, 0x2D, 0xF0, 0x02, 0x15,
      0xAE},
     "Microsoft reserved"},
    {{0xA4, 0xBB, 0x94, 0xDE, 0xD1, 0x06, 0x40, 0x4D, 0xA1, 0x6A, 0xBF, 0xD5, 0x01, 0x79, 0xD6,
      0xAC},
     "Windows recovery"},
    {{0xAF, 0x3D, 0xC6, 0x0F, 0x83, 0x84, 0x72, 0x47, 0x8E, 0x79, 0x3D, 0x69, 0xD8, 0x47, 0x7D,
      0xE4},
     "Linux data"},
};

typedef struct _DISKP_MBR_TYPE {
    UCHAR Type;
    const char *Name;
} DISKP_MBR_TYPE;

static const DISKP_MBR_TYPE DiskpMbrTypes[] = {
    {0x01, "FAT12"},      {0x04, "FAT16"},      {0x06, "FAT16"}, {0x07, "NTFS or exFAT"},
    {0x0B, "FAT32"},      {0x0C, "FAT32"},      {0x0E, "FAT16"}, {0x82, "Linux swap"},
    {0x83, "Linux data"}, {0xEF, "EFI system"},
};

/* Three of its five groups tell it from others well enough for a line. */
static void DiskpFormatGuid(const UCHAR *Guid, char *Text)
{
    RtlStringCbPrintfA(Text, DISK_TYPE_BYTES, "type %08X-%04X-%04X-...", DiskGet32(Guid),
                       DiskGet32(Guid + 4) & 0xFFFF, DiskGet32(Guid + 4) >> 16);
}

void DiskFormatType(LOADER_PARTITION_STYLE Style, const DISK_PARTITION_ENTRY *Entry, char *Text)
{
    ULONG i;

    if (Style == LoaderPartitionMbr) {
        RtlStringCbPrintfA(Text, DISK_TYPE_BYTES, "type %02X", Entry->MbrType);
        for (i = 0; i < RTL_NUMBER_OF(DiskpMbrTypes); i++) {
            if (DiskpMbrTypes[i].Type == Entry->MbrType) {
                RtlStringCbPrintfA(Text, DISK_TYPE_BYTES, "type %02X, %s", Entry->MbrType,
                                   DiskpMbrTypes[i].Name);
            }
        }
        return;
    }
    DiskpFormatGuid(Entry->TypeGuid, Text);
    for (i = 0; i < RTL_NUMBER_OF(DiskpGptTypes); i++) {
        if (memcmp(DiskpGptTypes[i].Guid, Entry->TypeGuid, 16) == 0) {
            RtlStringCbPrintfA(Text, DISK_TYPE_BYTES, "%s", DiskpGptTypes[i].Name);
        }
    }
}

/* ---- printing ---- */

static const char *DiskpStyleName(LOADER_PARTITION_STYLE Style)
{
    switch (Style) {
    case LoaderPartitionMbr:
        return "MBR";
    case LoaderPartitionGpt:
        return "GPT";
    case LoaderPartitionNone:
        break;
    }
    return "no partition table";
}

/* The disk's damage, one line for each; nothing is repaired. */
static void DiskpPrintDamage(RTL_PRINT_SINK *Sink, PVOID Context, const DISK_PARTITION_TABLE *Table)
{
    if (Table->PrimaryDamaged) {
        RtlFormat(Sink, Context,
                  "           the primary GPT is damaged; its backup is used, not repaired\n");
    }
    if (Table->BackupDamaged) {
        RtlFormat(Sink, Context, "           the backup GPT is damaged; it is not repaired\n");
    }
    if (Table->HeadersDiffer) {
        RtlFormat(Sink, Context,
                  "           the two GPTs differ; the primary one is used, none is repaired\n");
    }
}

void DiskPrintContents(RTL_PRINT_SINK *Sink, PVOID Context, const DISK_CONTENTS *Contents,
                       ULONG Marked, const char *Mark)
{
    const DISK_PARTITION_TABLE *Table = &Contents->Table;
    ULONG SectorBytes = Contents->Disk->SectorBytes;
    char Type[DISK_TYPE_BYTES];
    ULONG i;

    if (!NT_SUCCESS(Contents->Status)) {
        RtlFormat(Sink, Context, "Volumes    %s: its partition table %s, status %08x\n",
                  Contents->Disk->Name,
                  Contents->Status == STATUS_DISK_CORRUPT_ERROR ? "is damaged" : "cannot be read",
                  (ULONG)Contents->Status);
        return;
    }
    RtlFormat(Sink, Context, "Volumes    %s: %s, %u partition%s%s\n", Contents->Disk->Name,
              DiskpStyleName(Table->Style), Table->Count, Table->Count == 1 ? "" : "s",
              Marked == 0 ? Mark : "");
    DiskpPrintDamage(Sink, Context, Table);
    for (i = 0; i < Table->Count; i++) {
        const DISK_PARTITION_ENTRY *Entry = &Table->Entries[i];

        DiskFormatType(Table->Style, Entry, Type);
        RtlFormat(Sink, Context, "           %3u  sector %llu, %llu sectors (%llu MB), %s%s\n",
                  Entry->Number, (unsigned long long)Entry->Start,
                  (unsigned long long)Entry->Sectors,
                  (unsigned long long)(Entry->Sectors * SectorBytes >> 20), Type,
                  Marked == Entry->Number ? Mark : "");
    }
}
