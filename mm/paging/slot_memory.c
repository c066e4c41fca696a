/* SPDX-License-Identifier: MIT */
/*
 * slot_memory.c - the nonpaged memory of a paging file's slots.
 *
 *     Bitmap      a bit for each slot that the file may ever have
 *     BadSlots    the same
 *     Checksums   pages of 1024 checksums each, for the slots that it has: 4 bytes a slot
 *
 * So a file that grows needs pages of checksums and nothing else.
 */
#include "mm/paging/slot_memory.h"

#include "ex.h"
#include "mm/paging/slots.h"
#include "rtl.h"

/* The bit of a slot that is not there is set: nobody finds it. */
static NTSTATUS MipCreateBitmap(PRTL_BITMAP Bitmap, PFN_NUMBER Bits, UCHAR Fill)
{
    SIZE_T Bytes = ROUND_UP((SIZE_T)Bits, 32u) / 8;
    PULONG Buffer = ExAllocatePoolWithTag(NonPagedPool, Bytes, MI_SLOT_TAG);

    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Buffer, Fill, Bytes);
    RtlInitializeBitMap(Bitmap, Buffer, Bits);
    return STATUS_SUCCESS;
}

static NTSTATUS MipCreateDirectory(PMMPAGING_FILE File)
{
    SIZE_T Bytes = MiChecksumPages(File->MaximumSize) * sizeof(PULONG);

    File->Checksums = ExAllocatePoolWithTag(NonPagedPool, Bytes, MI_SLOT_TAG);
    if (File->Checksums == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(File->Checksums, 0, Bytes);
    return STATUS_SUCCESS;
}

NTSTATUS MiPrepareMoreSlots(PMMPAGING_FILE File, PFN_NUMBER NewSize)
{
    ULONG Pages = MiChecksumPages(NewSize);

    MI_ASSERT(NewSize <= File->MaximumSize);
    while (File->ChecksumPages < Pages) {
        PULONG Page = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, MI_SLOT_TAG);

        if (Page == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        File->Checksums[File->ChecksumPages++] = Page;
    }
    return STATUS_SUCCESS;
}

NTSTATUS MiCreateSlots(PMMPAGING_FILE File)
{
    NTSTATUS Status = MipCreateBitmap(&File->Bitmap, File->MaximumSize, 0xFF);

    if (NT_SUCCESS(Status)) {
        Status = MipCreateBitmap(&File->BadSlots, File->MaximumSize, 0);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipCreateDirectory(File);
    }
    if (NT_SUCCESS(Status)) {
        Status = MiPrepareMoreSlots(File, File->Size);
    }
    if (!NT_SUCCESS(Status)) {
        MiDeleteSlots(File);
        return Status;
    }
    RtlClearBits(&File->Bitmap, 1, (ULONG)File->Size - 1);
    File->FreeSpace = File->Size - 1;
    File->Hint = 1;
    return STATUS_SUCCESS;
}

static void MipFree(PVOID Memory)
{
    if (Memory != NULL) {
        ExFreePoolWithTag(Memory, MI_SLOT_TAG);
    }
}

void MiDeleteSlots(PMMPAGING_FILE File)
{
    MI_ASSERT(File->CurrentUsage == 0);
    while (File->ChecksumPages != 0) {
        MipFree(File->Checksums[--File->ChecksumPages]);
    }
    MipFree(File->Checksums);
    MipFree(File->BadSlots.Buffer);
    MipFree(File->Bitmap.Buffer);
    File->Checksums = NULL;
    File->BadSlots.Buffer = NULL;
    File->Bitmap.Buffer = NULL;
}
