/* SPDX-License-Identifier: MIT */
/*
 * image_read.c - bytes of an image's file, for who makes its segment: read as pages are, past all
 * that the file's data section knows, into one page of nonpaged pool at a time.
 */
#include "ex.h"
#include "io.h"
#include "mm/section/image_segment.h"

/* One page of a file. */
typedef struct _MIP_PAGE {
    KEVENT Done;
    IO_STATUS_BLOCK Iosb;
    MDL Mdl; /* of the page, whose frame follows it */
    PFN_NUMBER Frame;
    UCHAR *Contents;
} MIP_PAGE, *PMIP_PAGE;

NT_C_ASSERT(offsetof(MIP_PAGE, Frame) == offsetof(MIP_PAGE, Mdl) + sizeof(MDL));

static NTSTATUS MipReadPage(PFILE_OBJECT File, ULONG64 Page, PMIP_PAGE Into)
{
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)(Page << PAGE_SHIFT)};
    NTSTATUS Status;

    KeInitializeEvent(&Into->Done, NotificationEvent, FALSE);
    MmInitializeMdl(&Into->Mdl, Into->Contents, PAGE_SIZE);
    MmBuildMdlForNonPagedPool(&Into->Mdl);
    Status = IoPageRead(File, &Into->Mdl, &Offset, &Into->Done, &Into->Iosb);
    if (NT_SUCCESS(Status)) {
        (void)KeWaitForSingleObject(&Into->Done, WrPageIn, KernelMode, FALSE, NULL);
        Status = Into->Iosb.Status;
    }
    return Status;
}

NTSTATUS MiReadImageFile(PFILE_OBJECT File, ULONG64 Offset, PVOID Buffer, ULONG Bytes)
{
    NTSTATUS Status = STATUS_SUCCESS;
    UCHAR *To = Buffer;
    MIP_PAGE Page;

    Page.Contents = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, MI_IMAGE_TAG);
    if (Page.Contents == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    while (Bytes != 0 && NT_SUCCESS(Status)) {
        ULONG Skip = (ULONG)(Offset % PAGE_SIZE);
        ULONG Count = PAGE_SIZE - Skip < Bytes ? PAGE_SIZE - Skip : Bytes;

        Status = MipReadPage(File, Offset >> PAGE_SHIFT, &Page);
        if (NT_SUCCESS(Status)) {
            memcpy(To, Page.Contents + Skip, Count);
        }
        To += Count;
        Offset += Count;
        Bytes -= Count;
    }
    ExFreePoolWithTag(Page.Contents, MI_IMAGE_TAG);
    return Status;
}

/* => Of a subsection's bytes from Start up to End, those that the file has. */
static NTSTATUS MipReadPart(const SUBSECTION *Subsection, ULONG Start, ULONG End, PVOID Buffer)
{
    ULONG Has = (Subsection->NumberOfFullSectors << MI_SECTOR_SHIFT) + Subsection->SectorEndOffset;

    End = End < Has ? End : Has;
    return Start < End
               ? MiReadImageFile(Subsection->ControlArea->FilePointer,
                                 ((ULONG64)Subsection->StartingSector << MI_SECTOR_SHIFT) + Start,
                                 Buffer, End - Start)
               : STATUS_SUCCESS;
}

NTSTATUS MiReadImage(PCONTROL_AREA Area, ULONG Rva, PVOID Buffer, ULONG Bytes)
{
    const SUBSECTION *Subsection;
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG64 End = (ULONG64)Rva + Bytes;
    ULONG64 Base = 0;

    memset(Buffer, 0, Bytes);
    for (Subsection = MiFirstSubsection(Area); Subsection != NULL && NT_SUCCESS(Status);
         Subsection = Subsection->NextSubsection) {
        ULONG64 Next = Base + ((ULONG64)Subsection->PtesInSubsection << PAGE_SHIFT);
        ULONG64 From = Rva > Base ? Rva : Base;
        ULONG64 To = End < Next ? End : Next;

        if (From < To) {
            Status = MipReadPart(Subsection, (ULONG)(From - Base), (ULONG)(To - Base),
                                 (PUCHAR)Buffer + (From - Rva));
        }
        Base = Next;
    }
    return Status;
}
