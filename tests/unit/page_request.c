/* SPDX-License-Identifier: MIT */
/*
 * page_request.c - see page_request.h.
 */
#include "tests/unit/page_request.h"

#include "ex.h"
#include "tests/unit/io_world.h"

#include <string.h>

void PageIoCreate(PAGE_IO *P, ULONG Pages, UCHAR Fill)
{
    P->Buffer = ExAllocatePoolWithTag(NonPagedPool, Pages * PAGE_SIZE, IO_WORLD_TAG);
    CHECK(P->Buffer != NULL);
    memset(P->Buffer, Fill, Pages * PAGE_SIZE);
    P->Mdl = IoAllocateMdl(P->Buffer, Pages * PAGE_SIZE, FALSE, FALSE, NULL);
    CHECK(P->Mdl != NULL);
    MmBuildMdlForNonPagedPool(P->Mdl);
    KeInitializeEvent(&P->Done, NotificationEvent, FALSE);
    P->Iosb = (IO_STATUS_BLOCK){.Status = STATUS_PENDING};
}

void PageIoDelete(PAGE_IO *P)
{
    IoFreeMdl(P->Mdl);
    ExFreePoolWithTag(P->Buffer, IO_WORLD_TAG);
}

void PageIoStart(PAGE_IO *P, PFILE_OBJECT File, ULONG64 Offset, BOOLEAN Writes)
{
    LARGE_INTEGER Start = {.QuadPart = (LONGLONG)Offset};

    (void)(Writes ? IoSynchronousPageWrite(File, P->Mdl, &Start, &P->Done, &P->Iosb)
                  : IoPageRead(File, P->Mdl, &Start, &P->Done, &P->Iosb));
}

NTSTATUS PageIoWait(PAGE_IO *P)
{
    LARGE_INTEGER Minute = {.QuadPart = -600000000};

    CHECK_EQUAL(STATUS_SUCCESS,
                KeWaitForSingleObject(&P->Done, WrPageIn, KernelMode, FALSE, &Minute));
    KeClearEvent(&P->Done);
    return P->Iosb.Status;
}

NTSTATUS PageIoRead(PAGE_IO *P, PFILE_OBJECT File, ULONG64 Offset)
{
    PageIoStart(P, File, Offset, FALSE);
    return PageIoWait(P);
}

NTSTATUS PageIoWrite(PAGE_IO *P, PFILE_OBJECT File, ULONG64 Offset)
{
    PageIoStart(P, File, Offset, TRUE);
    return PageIoWait(P);
}
