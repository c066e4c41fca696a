/* SPDX-License-Identifier: MIT */
/*
 * cc_world_calls.c - what tests do with the files of cc_world.h.
 */
#include "tests/unit/cc_world.h"

#include <stdlib.h>
#include <string.h>

NTSTATUS CcWorldReadBytes(CC_WORLD_FILE *File, ULONG Offset, ULONG Bytes, PVOID Buffer)
{
    ULONG Copied;
    NTSTATUS Status = CcTryCopyRead(File->Object[0], Offset, Bytes, TRUE, Buffer, &Copied);

    CHECK(!NT_SUCCESS(Status) || Copied == Bytes || Offset + Copied == File->Bytes);
    return Status;
}

NTSTATUS CcWorldWriteBytes(CC_WORLD_FILE *File, ULONG Offset, ULONG Bytes, const void *Buffer)
{
    ULONG Copied;
    NTSTATUS Status = CcTryCopyWrite(File->Object[0], Offset, Bytes, TRUE, Buffer, &Copied);

    CHECK(!NT_SUCCESS(Status) || Copied == Bytes);
    return Status;
}

NTSTATUS CcWorldFill(CC_WORLD_FILE *File, ULONG Offset, ULONG Bytes, UCHAR Byte)
{
    PUCHAR Buffer = malloc(Bytes);
    NTSTATUS Status;

    CHECK(Buffer != NULL);
    memset(Buffer, Byte, Bytes);
    Status = CcWorldWriteBytes(File, Offset, Bytes, Buffer);
    free(Buffer);
    return Status;
}

BOOLEAN CcWorldDiskIs(CC_WORLD_FILE *File, ULONG Offset, ULONG Bytes, UCHAR Byte)
{
    for (; Bytes != 0 && File->Disk[Offset] == Byte; Offset++, Bytes--) {
        continue;
    }
    return Bytes == 0;
}

NTSTATUS CcWorldSetSize(CC_WORLD_FILE *File, ULONG Bytes)
{
    CC_FILE_SIZES Sizes = {.AllocationSize.QuadPart = Bytes,
                           .FileSize.QuadPart = Bytes,
                           .ValidDataLength.QuadPart = CC_NO_VALID_DATA_LENGTH};
    ULONG Old = File->Bytes;
    NTSTATUS Status;

    File->Bytes = Bytes > Old ? Bytes : Old;
    if (Bytes > Old) {
        memset(File->Disk + Old, 0, Bytes - Old);
    }
    Status = CcSetFileSizesEx(File->Object[0], &Sizes);
    File->Bytes = NT_SUCCESS(Status) || Status == STATUS_USER_MAPPED_FILE ? Bytes : Old;
    return Status;
}

NTSTATUS CcWorldFlushAll(CC_WORLD_FILE *File)
{
    IO_STATUS_BLOCK IoStatus;

    CcFlushCache(&File->Pointers, NULL, 0, &IoStatus);
    return IoStatus.Status;
}

ULONG CcWorldPagesInMemory(CC_WORLD_FILE *File)
{
    ULONG Count = 0;
    ULONG Page;

    for (Page = 0; Page < CC_WORLD_PAGES; Page++) {
        Count += File->Page[Page] != NULL;
    }
    return Count;
}
