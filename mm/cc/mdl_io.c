/* SPDX-License-Identifier: MIT */
/*
 * mdl_io.c - CcMdlRead, CcPrepareMdlWrite: the file's pages lent out as memory descriptor lists.
 *
 * An MDL describes the part of the range that lies in one view.  The frames are locked, so that a
 * view that is reused does not take them away.  Pages to be written keep their views in use until
 * the end: setting them dirty then needs no memory, and cannot fail.  They are touched then once
 * more, since a flush in between may have taken them for clean while the device still wrote.
 *
 * Locking: none of its own.
 */
#include "arch/cpu.h"
#include "mm/cc/copy.h"
#include "mm/cc/dirty.h"
#include "mm/cc/read_ahead.h"
#include "mm/cc/vacb.h"
#include "mm/sysva/mdl.h"

#define CCP_MOST_TRIES 100u

static PMDL *CcipEndOf(PMDL *Chain)
{
    while (*Chain != NULL) {
        Chain = &(*Chain)->Next;
    }
    return Chain;
}

/* Write to each page, changing nothing: whoever owns it knows that it is modified. */
static NTSTATUS CcipTouchPages(PUCHAR Va, ULONG Bytes)
{
    NTSTATUS Status = STATUS_SUCCESS;
    PUCHAR Page;

    for (Page = PAGE_ALIGN(Va); NT_SUCCESS(Status) && Page < Va + Bytes; Page += PAGE_SIZE) {
        Status = KiGuardedTouch(Page);
    }
    return Status;
}

/* Read each page: one that is in memory need not be in this view yet. */
static NTSTATUS CcipReadPages(PUCHAR Va, ULONG Bytes)
{
    NTSTATUS Status = STATUS_SUCCESS;
    PUCHAR Page;
    UCHAR Byte;

    for (Page = PAGE_ALIGN(Va); NT_SUCCESS(Status) && Page < Va + Bytes; Page += PAGE_SIZE) {
        Status = KiGuardedCopy(&Byte, Page, sizeof(Byte));
    }
    return Status;
}

/*
 * A page that is flushed between the touch and the lock may not be written to again, and one that
 * is trimmed is not there: once more.
 */
static NTSTATUS CcipLockPages(PMDL Mdl, LOCK_OPERATION Operation)
{
    PUCHAR Va = MmGetMdlVirtualAddress(Mdl);
    ULONG Bytes = MmGetMdlByteCount(Mdl);
    NTSTATUS Status = STATUS_ACCESS_VIOLATION;
    ULONG Tries;

    for (Tries = 0; Status == STATUS_ACCESS_VIOLATION && Tries < CCP_MOST_TRIES; Tries++) {
        Status = Operation == IoReadAccess ? CcipReadPages(Va, Bytes) : CcipTouchPages(Va, Bytes);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Status = MiProbeAndLockPages(Mdl, KernelMode, Operation);
    }
    return Status;
}

/* => The view's part of the file at Offset, locked; the view is as it was. */
static NTSTATUS CcipLockPart(const VACB *Vacb, LONGLONG Offset, ULONG Bytes,
                             LOCK_OPERATION Operation, PMDL *Mdl)
{
    PUCHAR Va = CciViewAddress(Vacb, Offset);
    NTSTATUS Status = CciBringIn(Va, Bytes, TRUE);
    PMDL New;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    New = IoAllocateMdl(Va, Bytes, FALSE, FALSE, NULL);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = CcipLockPages(New, Operation);
    if (!NT_SUCCESS(Status)) {
        IoFreeMdl(New);
        return Status;
    }
    *Mdl = New;
    return STATUS_SUCCESS;
}

static void CcipFreeChain(PMDL Mdl)
{
    while (Mdl != NULL) {
        PMDL Next = Mdl->Next;

        MmUnlockPages(Mdl);
        IoFreeMdl(Mdl);
        Mdl = Next;
    }
}

/* ---- reading ---- */

static NTSTATUS CcipReadPart(PSHARED_CACHE_MAP Map, LONGLONG Offset, ULONG Bytes, PMDL *Mdl)
{
    PVACB Vacb;
    NTSTATUS Status = CciUseView(Map, Offset, TRUE, &Vacb);

    if (NT_SUCCESS(Status)) {
        Status = CcipLockPart(Vacb, Offset, Bytes, IoReadAccess, Mdl);
        CciReleaseView(Vacb);
    }
    return Status;
}

NTSTATUS CcTryMdlRead(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length, PMDL *MdlChain,
                      PULONG Bytes)
{
    PSHARED_CACHE_MAP Map = CciMapOf(FileObject);
    NTSTATUS Status = STATUS_SUCCESS;
    PMDL Chain = NULL;
    ULONG Done = 0;

    *MdlChain = NULL;
    *Bytes = 0;
    if (FileOffset < 0 || FileOffset >= Map->FileSize) {
        return Length == 0 ? STATUS_SUCCESS : STATUS_END_OF_FILE;
    }
    if (Length > Map->FileSize - FileOffset) {
        Length = (ULONG)(Map->FileSize - FileOffset);
    }
    CciNoteRead(FileObject, FileOffset, Length);
    while (NT_SUCCESS(Status) && Done < Length) {
        LONGLONG At = FileOffset + Done;
        ULONG Part = CciBytesInView(At, Length - Done);

        Status = CcipReadPart(Map, At, Part, CcipEndOf(&Chain));
        Done += Part;
    }
    if (!NT_SUCCESS(Status)) {
        CcipFreeChain(Chain);
        return Status;
    }
    *MdlChain = Chain;
    *Bytes = Done;
    return STATUS_SUCCESS;
}

void NTAPI CcMdlRead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                     PMDL *MdlChain, PIO_STATUS_BLOCK IoStatus)
{
    ULONG Bytes;
    NTSTATUS Status = CcTryMdlRead(FileObject, FileOffset->QuadPart, Length, MdlChain, &Bytes);

    if (!NT_SUCCESS(Status) && Status != STATUS_END_OF_FILE) {
        CciRaise(Status);
    }
    IoStatus->Status = Status;
    IoStatus->Information = Bytes;
}

void NTAPI CcMdlReadComplete(PFILE_OBJECT FileObject, PMDL MdlChain)
{
    (void)FileObject;
    CcipFreeChain(MdlChain);
}

/* ---- writing ---- */

/* => The view is in use from now on. */
static NTSTATUS CcipPreparePart(PSHARED_CACHE_MAP Map, LONGLONG Offset, ULONG Bytes, PMDL *Mdl)
{
    PVACB Vacb;
    NTSTATUS Status = CciUseView(Map, Offset, TRUE, &Vacb);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CciMakeEmptyPages(Map, Offset, CciViewAddress(Vacb, Offset), Bytes);
    if (NT_SUCCESS(Status)) {
        Status = CcipLockPart(Vacb, Offset, Bytes, IoWriteAccess, Mdl);
    }
    if (!NT_SUCCESS(Status)) {
        CciSetDirty(Map, Offset, Bytes); /* pages that were made are not the file's */
        CciReleaseView(Vacb);
    }
    return Status;
}

/* The parts of a chain that begins at Offset are dirty, and their views not in use any more. */
static LONGLONG CcipReleaseParts(PSHARED_CACHE_MAP Map, LONGLONG Offset, PMDL Chain)
{
    for (; Chain != NULL; Chain = Chain->Next) {
        PVACB Vacb = NULL;
        NTSTATUS Status = CciUseView(Map, Offset, FALSE, &Vacb);

        MI_ASSERT(NT_SUCCESS(Status)); /* it is in use */
        Status = CcipTouchPages(CciViewAddress(Vacb, Offset), MmGetMdlByteCount(Chain));
        MI_ASSERT(NT_SUCCESS(Status)); /* the pages are in memory: they are locked */
        CciSetDirty(Map, Offset, MmGetMdlByteCount(Chain));
        CciReleaseView(Vacb);
        CciReleaseView(Vacb);
        Offset += MmGetMdlByteCount(Chain);
    }
    return Offset;
}

NTSTATUS CcTryPrepareMdlWrite(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length,
                              PMDL *MdlChain)
{
    PSHARED_CACHE_MAP Map = CciMapOf(FileObject);
    NTSTATUS Status = STATUS_SUCCESS;
    PMDL Chain = NULL;
    ULONG Done = 0;

    *MdlChain = NULL;
    if (!CciIsInFile(Map, FileOffset, Length)) {
        return STATUS_INVALID_PARAMETER;
    }
    while (NT_SUCCESS(Status) && Done < Length) {
        LONGLONG At = FileOffset + Done;
        ULONG Part = CciBytesInView(At, Length - Done);

        Status = CcipPreparePart(Map, At, Part, CcipEndOf(&Chain));
        Done += Part;
    }
    if (!NT_SUCCESS(Status)) {
        (void)CcipReleaseParts(Map, FileOffset, Chain);
        CcipFreeChain(Chain);
        return Status;
    }
    *MdlChain = Chain;
    return STATUS_SUCCESS;
}

void NTAPI CcPrepareMdlWrite(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                             PMDL *MdlChain, PIO_STATUS_BLOCK IoStatus)
{
    NTSTATUS Status = CcTryPrepareMdlWrite(FileObject, FileOffset->QuadPart, Length, MdlChain);

    if (!NT_SUCCESS(Status)) {
        CciRaise(Status);
    }
    IoStatus->Status = Status;
    IoStatus->Information = Length;
}

NTSTATUS CcTryMdlWriteComplete(PFILE_OBJECT FileObject, LONGLONG FileOffset, PMDL MdlChain)
{
    PSHARED_CACHE_MAP Map = CciMapOf(FileObject);
    CC_WRITE Write = {.Offset = FileOffset, .MostPages = 0xFFFFFFFFu};

    Write.End = CcipReleaseParts(Map, FileOffset, MdlChain);
    CciNoteWritten(Map, Write.End);
    CcipFreeChain(MdlChain);
    return (FileObject->Flags & FO_WRITE_THROUGH) != 0 ? CciWriteDirty(Map, &Write)
                                                       : STATUS_SUCCESS;
}

void NTAPI CcMdlWriteComplete(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, PMDL MdlChain)
{
    NTSTATUS Status = CcTryMdlWriteComplete(FileObject, FileOffset->QuadPart, MdlChain);

    if (!NT_SUCCESS(Status)) {
        CciRaise(Status);
    }
}
