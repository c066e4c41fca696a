/* SPDX-License-Identifier: MIT */
/*
 * storage_plan.c - files of many sizes with contents that anyone can compute.
 *
 * A byte is taken from a pattern of random bytes, at a place that depends on file, version and
 * position; each 512 bytes begin with a stamp that names all three, so that what landed in the
 * wrong place, in the wrong file or too late never looks right.
 *
 * Sizes: first those around the boundaries of sectors, clusters and requests, then random ones with
 * each power of two as likely as the next, until the budget is spent.
 *
 * Locking: none; a plan does not change once it is made.
 */
#include "mm/inspect/storage_plan.h"

#include "rtl.h"

#define MIP_APPENDED  10007u
#define MIP_STRETCHED 5001u
#define MIP_REPLACED  20000u
#define MIP_STAMP     8u
#define MIP_FOLDERS   4u

/* Which random number of a file. */
enum {
    MipSaltPattern,
    MipSaltBits,
    MipSaltSize,
    MipSaltName,
    MipSaltPiece
};

static const ULONG MipSizes[] = {
    0,     1,     511,   512,    513,     4095,    4096,    4097,     32767,
    65535, 65536, 65537, 131073, 1048576, 1048577, 3000001, 16777216, 0,
};

static const char *const MipFolders[] = {
    "\\storage",
    "\\storage\\Folder with a long name",
    "\\storage\\Gr\xC3\xB6\xC3\x9F\x65 \xE2\x82\xAC",
    "\\storage\\deep",
    "\\storage\\deep\\er",
};

/* Those that hold files. */
static const UCHAR MipPlaces[MIP_FOLDERS] = {0, 1, 2, 4};

/* Each bit of the result depends on each of the arguments'. */
static ULONG MipRandom(const MI_STORAGE_PLAN *Plan, ULONG Salt, ULONG Number)
{
    ULONG X = Plan->Seed + Salt * 0x9E3779B9u + Number * 0x85EBCA6Bu;

    X = (X ^ X >> 16) * 0x7FEB352Du;
    X = (X ^ X >> 15) * 0x846CA68Bu;
    return X ^ X >> 16;
}

static ULONG MipSize(const MI_STORAGE_PLAN *Plan, ULONG Number)
{
    ULONG Most = Plan->Budget / 4;
    ULONG Bits = 8 + MipRandom(Plan, MipSaltBits, Number) % 14;
    ULONG Bytes = Number < RTL_NUMBER_OF(MipSizes)
                      ? MipSizes[Number]
                      : MipRandom(Plan, MipSaltSize, Number) & ((1u << Bits) - 1);

    return Bytes <= Most ? Bytes : Most - 1;
}

void MiPlanStorage(PMI_STORAGE_PLAN Plan)
{
    ULONG i;

    for (i = 0; i < MI_STORAGE_PATTERN; i++) {
        Plan->Pattern[i] = (UCHAR)(MipRandom(Plan, MipSaltPattern, i / 4) >> i % 4 * 8);
    }
    Plan->Bytes = 0;
    for (i = 0;
         i < RTL_NUMBER_OF(MipSizes) || (Plan->Bytes < Plan->Budget && i < MI_STORAGE_MOST_FILES);
         i++) {
        Plan->Bytes += MipSize(Plan, i);
    }
    Plan->Files = i;
}

/* By number: each kind of change meets each kind of size and name. */
static MI_STORAGE_CHANGE MipChange(ULONG Number)
{
    static const UCHAR Changes[8] = {MiStorageKeep,   MiStorageRename,  MiStorageCut,
                                     MiStorageAppend, MiStorageStretch, MiStorageReplace,
                                     MiStorageDelete, MiStorageKeep};

    return (MI_STORAGE_CHANGE)Changes[Number % RTL_NUMBER_OF(Changes)];
}

void MiPlanStorageFile(const MI_STORAGE_PLAN *Plan, ULONG Number, PMI_STORAGE_FILE File)
{
    ULONG Bytes = MipSize(Plan, Number);

    *File = (MI_STORAGE_FILE){.Number = Number,
                              .Bytes = Bytes,
                              .Change = MipChange(Number),
                              .ChangeAt = Bytes,
                              .FinalBytes = Bytes};
    switch (File->Change) {
    case MiStorageCut:
        File->FinalBytes = Number % 16 == 10 ? 0 : Bytes / 7 * 5;
        File->ChangeAt = File->FinalBytes;
        break;
    case MiStorageAppend:
        File->ChangeBytes = MIP_APPENDED;
        File->FinalBytes = Bytes + MIP_APPENDED;
        break;
    case MiStorageStretch:
        File->ChangeBytes = MIP_STRETCHED;
        File->FinalBytes = Bytes + MIP_STRETCHED;
        break;
    case MiStorageReplace:
        File->ChangeAt = Bytes / 3;
        File->ChangeBytes =
            Bytes - File->ChangeAt < MIP_REPLACED ? Bytes - File->ChangeAt : MIP_REPLACED;
        break;
    case MiStorageDelete:
    case MiStorageRename:
    case MiStorageKeep:
        break;
    }
}

const char *MiStorageFolder(ULONG Index)
{
    return Index < RTL_NUMBER_OF(MipFolders) ? MipFolders[Index] : NULL;
}

void MiStoragePath(const MI_STORAGE_PLAN *Plan, ULONG Number, BOOLEAN Renamed, char *Path)
{
    static const char Letters[] = "abcdefghijklmnopqrstuvwxyz";
    const char *Folder = MipFolders[MipPlaces[(Number + (Renamed != 0)) % MIP_FOLDERS]];
    ULONG Length = MipRandom(Plan, MipSaltName, Number) % 200;
    SIZE_T Used;

    if (Renamed) {
        (void)RtlStringCbPrintfA(Path, MI_STORAGE_NAME_BYTES, "%s\\renamed %u.new", Folder, Number);
    } else if (Number % 3 == 0) {
        (void)RtlStringCbPrintfA(Path, MI_STORAGE_NAME_BYTES, "%s\\F%05u.DAT", Folder, Number);
    } else if (Number % 3 == 1) {
        (void)RtlStringCbPrintfA(Path, MI_STORAGE_NAME_BYTES, "%s\\File %u of the storage run.data",
                                 Folder, Number);
    } else {
        (void)RtlStringCbPrintfA(Path, MI_STORAGE_NAME_BYTES, "%s\\%u", Folder, Number);
        for (Used = strlen(Path); Length > 0; Length--) {
            Path[Used++] = Letters[(Number + Length) % 26];
        }
        Path[Used] = 0;
    }
}

/* Put the part of a sector's stamp that lies in the buffer there. */
static void MipStamp(ULONG Number, ULONG Version, ULONG Sector, ULONG Offset, PUCHAR Buffer,
                     ULONG Bytes)
{
    const ULONG Stamp[2] = {Number | Version << 24, Sector};
    const UCHAR *From = (const UCHAR *)Stamp;
    ULONG At = Sector * MI_STORAGE_SECTOR_BYTES;
    ULONG i;

    for (i = 0; i < MIP_STAMP; i++) {
        if (At + i >= Offset && At + i - Offset < Bytes) {
            Buffer[At + i - Offset] = From[i];
        }
    }
}

void MiStorageContents(const MI_STORAGE_PLAN *Plan, ULONG Number, ULONG Version, ULONG Offset,
                       PUCHAR Buffer, ULONG Bytes)
{
    ULONG From = Offset + Number * 4099 + Version * 257;
    ULONG Done = 0;
    ULONG Sector;

    while (Done < Bytes) {
        ULONG At = (From + Done) % MI_STORAGE_PATTERN;
        ULONG Part =
            MI_STORAGE_PATTERN - At < Bytes - Done ? MI_STORAGE_PATTERN - At : Bytes - Done;

        memcpy(Buffer + Done, Plan->Pattern + At, Part);
        Done += Part;
    }
    for (Sector = Offset / MI_STORAGE_SECTOR_BYTES;
         Sector * MI_STORAGE_SECTOR_BYTES < Offset + Bytes; Sector++) {
        MipStamp(Number, Version, Sector, Offset, Buffer, Bytes);
    }
}

void MiStorageExpected(const MI_STORAGE_PLAN *Plan, const MI_STORAGE_FILE *File, BOOLEAN Changed,
                       ULONG Offset, PUCHAR Buffer, ULONG Bytes)
{
    ULONG First = File->ChangeAt > Offset ? File->ChangeAt : Offset;
    ULONG Last = File->ChangeAt + File->ChangeBytes < Offset + Bytes
                     ? File->ChangeAt + File->ChangeBytes
                     : Offset + Bytes;

    MiStorageContents(Plan, File->Number, 0, Offset, Buffer, Bytes);
    if (!Changed || First >= Last) {
        return;
    }
    if (File->Change == MiStorageStretch) {
        memset(Buffer + (First - Offset), 0, Last - First);
    } else {
        MiStorageContents(Plan, File->Number, 1, First, Buffer + (First - Offset), Last - First);
    }
}

ULONG MiStoragePiece(const MI_STORAGE_PLAN *Plan, ULONG Number, ULONG Offset, ULONG Salt,
                     ULONG Most)
{
    ULONG Random = MipRandom(Plan, MipSaltPiece + Salt, Number * 65599 + Offset);
    ULONG Piece = Random % 4 == 0 ? 1 + (Random >> 2) % Most : Most;

    return Piece;
}
