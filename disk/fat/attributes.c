/* SPDX-License-Identifier: MIT */
/*
 * attributes.c - the times and attributes in a file's entry.
 *
 *     13  tenths of creation          14  time, date of creation
 *     18  date of the last access     22  time, date of the last change
 *
 * One sector changes: a power cut leaves the old or the new ones.
 */
#include "disk/fat/fat_i.h"

#define FATP_SETTABLE                                                                              \
    (FAT_ATTRIBUTE_READ_ONLY | FAT_ATTRIBUTE_HIDDEN | FAT_ATTRIBUTE_SYSTEM | FAT_ATTRIBUTE_ARCHIVE)

void FatGetTimes(const UCHAR *Data, PFAT_TIMES Times)
{
    Times->CreationTenths = Data[13];
    Times->CreationTime = (USHORT)FatGet16(Data + 14);
    Times->CreationDate = (USHORT)FatGet16(Data + 16);
    Times->AccessDate = (USHORT)FatGet16(Data + 18);
    Times->WriteTime = (USHORT)FatGet16(Data + 22);
    Times->WriteDate = (USHORT)FatGet16(Data + 24);
}

NTSTATUS FatQueryTimes(PFAT_FILE File, PFAT_TIMES Times)
{
    PUCHAR Data;
    NTSTATUS Status;

    memset(Times, 0, sizeof(*Times));
    if (File->Root) {
        return STATUS_SUCCESS;
    }
    Status = FatReadSector(File->Volume, File->Location.Sector, &Data);
    if (NT_SUCCESS(Status)) {
        FatGetTimes(Data + File->Location.Offset, Times);
    }
    return Status;
}

static void FatpPutTimes(PUCHAR Data, const FAT_TIMES *Times)
{
    Data[13] = Times->CreationTenths;
    FatPut16(Data + 14, Times->CreationTime);
    FatPut16(Data + 16, Times->CreationDate);
    FatPut16(Data + 18, Times->AccessDate);
    FatPut16(Data + 22, Times->WriteTime);
    FatPut16(Data + 24, Times->WriteDate);
}

NTSTATUS FatSetTimes(PFAT_FILE File, const FAT_TIMES *Times, UCHAR Attributes)
{
    UCHAR New = (UCHAR)((File->Attributes & ~FATP_SETTABLE) | (Attributes & FATP_SETTABLE));
    PUCHAR Data;
    NTSTATUS Status;

    if (File->Root) {
        return STATUS_INVALID_PARAMETER;
    }
    Status = FatBeginChange(File->Volume);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = FatPermitDirectorySector(File->Volume, File->Location.Sector);
    if (NT_SUCCESS(Status)) {
        Status = FatReadSector(File->Volume, File->Location.Sector, &Data);
    }
    if (NT_SUCCESS(Status)) {
        Data += File->Location.Offset;
        Data[11] = New;
        FatpPutTimes(Data, Times);
        FatMarkSector(File->Volume, File->Location.Sector);
        Status = FatCommit(File->Volume);
    }
    if (!NT_SUCCESS(Status)) {
        FatAbandon(File->Volume);
        return Status;
    }
    File->Attributes = New;
    return STATUS_SUCCESS;
}
