/* SPDX-License-Identifier: MIT */
/*
 * zero_on_disk.c - zeroes for a file object that is not cached: written past the cache.
 *
 * One page of zeroes, named again and again by a list of frames, is written as often as it takes.
 * The writes are page requests, so the file does not become longer, and they take none of the
 * file system's locks of the file, which the caller has.
 *
 * Locking: none.
 */
#include "ex.h"
#include "mm/cc/copy.h"
#include "mm/sysva/mdl.h"
#include "rtl.h"

#define CC_TAG_ZERO   0x657A6343u /* 'Ccze' */
#define CC_ZERO_PAGES 16u         /* of a write: 64 KB */

typedef struct _CC_ZERO_WRITE {
    MDL Header;
    PFN_NUMBER Frames[CC_ZERO_PAGES]; /* all the same one */
} CC_ZERO_WRITE, *PCC_ZERO_WRITE;

static NTSTATUS CcipWriteZeroes(PFILE_OBJECT FileObject, PCC_ZERO_WRITE Write, LONGLONG At,
                                ULONG Bytes)
{
    LARGE_INTEGER Offset = {.QuadPart = At};
    IO_STATUS_BLOCK IoStatus = {.Information = 0};
    NTSTATUS Status;
    KEVENT Done;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    MmInitializeMdl(&Write->Header, NULL, Bytes);
    Write->Header.MdlFlags |= MDL_PAGES_LOCKED;
    Status =
        CciCalls->IoSynchronousPageWrite(FileObject, &Write->Header, &Offset, &Done, &IoStatus);
    if (NT_SUCCESS(Status)) {
        (void)KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
        Status = IoStatus.Status;
    }
    MiEndMdlMapping(&Write->Header);
    return Status;
}

static NTSTATUS CcipZeroRange(PFILE_OBJECT FileObject, PVOID Zeroes, LONGLONG Start, LONGLONG End)
{
    NTSTATUS Status = STATUS_SUCCESS;
    CC_ZERO_WRITE Write;
    ULONG i;

    for (i = 0; i < CC_ZERO_PAGES; i++) {
        Write.Frames[i] = (PFN_NUMBER)(MmGetPhysicalAddress(Zeroes).QuadPart >> PAGE_SHIFT);
    }
    while (NT_SUCCESS(Status) && Start < End) {
        LONGLONG Rest = End - Start;
        ULONG Bytes = Rest < CC_ZERO_PAGES * PAGE_SIZE ? (ULONG)Rest : CC_ZERO_PAGES * PAGE_SIZE;

        Status = CcipWriteZeroes(FileObject, &Write, Start, Bytes);
        Start += Bytes;
    }
    return Status;
}

NTSTATUS CciZeroOnDisk(PFILE_OBJECT FileObject, LONGLONG Start, LONGLONG End, BOOLEAN Wait)
{
    LONGLONG InSector = (LONGLONG)CciCalls->SectorBytes(FileObject) - 1;
    NTSTATUS Status;
    PVOID Zeroes;

    if (Start < 0 || End < Start || ((Start | End) & InSector) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!Wait) {
        return STATUS_CANT_WAIT;
    }
    Zeroes = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, CC_TAG_ZERO);
    if (Zeroes == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Zeroes, 0, PAGE_SIZE);
    Status = CcipZeroRange(FileObject, Zeroes, Start, End);
    ExFreePoolWithTag(Zeroes, CC_TAG_ZERO);
    return Status;
}
