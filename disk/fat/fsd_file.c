/* SPDX-License-Identifier: MIT */
/*
 * fsd_file.c - the files that are open: their FCBs, paths, cleanup and close.
 *
 *     an FCB           Handles   References   File
 *     being opened     0         0            being opened; in no list
 *     open             1 -       Handles -    open
 *     cleaned up       0         1 -          open, or void (Deleted)
 *     gone             0         0            -
 *
 * What an open file is, is where its entry stands: two names of one file (long and short, other
 * case) have one FCB.
 *
 * Invariants, for FCBs in a VCB's list:
 *   C1  Handles <= References, References != 0
 *   C2  no two of them that are not Deleted have their entry in one place
 *
 * Locking: the volume's mutex.
 */
#include "disk/fat/fsd_i.h"

/* ---- FCBs ---- */

PFAT_FCB FatFindFcb(PFAT_VCB Vcb, const FAT_FILE *File)
{
    PLIST_ENTRY Link;

    for (Link = Vcb->Fcbs.Flink; Link != &Vcb->Fcbs; Link = Link->Flink) {
        PFAT_FCB Fcb = CONTAINING_RECORD(Link, FAT_FCB, Link);

        if (Fcb->Deleted || Fcb->Lost || Fcb->File.Root != File->Root) {
            continue;
        }
        if (File->Root || (Fcb->File.Location.Sector == File->Location.Sector &&
                           Fcb->File.Location.Offset == File->Location.Offset)) {
            return Fcb;
        }
    }
    return NULL;
}

PFAT_FCB FatCreateFcb(const char *Path)
{
    SIZE_T Bytes = strlen(Path) + 1;
    PFAT_FCB Fcb = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Fcb), FAT_FSD_TAG);

    if (Fcb == NULL) {
        return NULL;
    }
    memset(Fcb, 0, sizeof(*Fcb));
    Fcb->Path = ExAllocatePoolWithTag(NonPagedPool, Bytes, FAT_FSD_TAG);
    if (Fcb->Path == NULL) {
        ExFreePoolWithTag(Fcb, FAT_FSD_TAG);
        return NULL;
    }
    memcpy(Fcb->Path, Path, Bytes);
    return Fcb;
}

void FatDeleteFcb(PFAT_FCB Fcb)
{
    if (Fcb->File.Volume != NULL) {
        FatClose(&Fcb->File);
    }
    if (Fcb->Runs != NULL) {
        ExFreePoolWithTag(Fcb->Runs, FAT_FSD_TAG);
    }
    ExFreePoolWithTag(Fcb->Path, FAT_FSD_TAG);
    ExFreePoolWithTag(Fcb, FAT_FSD_TAG);
}

NTSTATUS FatUseFcb(PFAT_VCB Vcb, PFAT_FCB Fcb)
{
    NTSTATUS Status;

    if (Fcb->Deleted) {
        return STATUS_FILE_CLOSED;
    }
    if (!Fcb->Lost) {
        return STATUS_SUCCESS;
    }
    Status = FatOpen(Vcb->Volume, Fcb->Path, &Fcb->File);
    if (NT_SUCCESS(Status)) {
        Fcb->Lost = FALSE;
    } else {
        memset(&Fcb->File, 0, sizeof(Fcb->File));
    }
    return Status;
}

/* ---- paths ---- */

NTSTATUS FatMakePath(const FAT_FCB *Above, PCUNICODE_STRING Name, char **Path)
{
    SIZE_T Parent = Above != NULL ? strlen(Above->Path) : 0;
    SIZE_T Prefix = Parent != 0 && Above->Path[Parent - 1] != '\\' ? Parent + 1 : Parent;
    ULONG Bytes;
    char *Text;
    NTSTATUS Status = RtlUnicodeToUTF8N(NULL, 0, &Bytes, Name->Buffer, Name->Length);

    if (Status != STATUS_SUCCESS) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    Text = ExAllocatePoolWithTag(NonPagedPool, Prefix + Bytes + 1, FAT_FSD_TAG);
    if (Text == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (Parent != 0) {
        memcpy(Text, Above->Path, Parent);
        Text[Prefix - 1] = '\\';
    }
    (void)RtlUnicodeToUTF8N(Text + Prefix, Bytes, &Bytes, Name->Buffer, Name->Length);
    Text[Prefix + Bytes] = '\0';
    if (strlen(Text + Prefix) != Bytes) {
        ExFreePoolWithTag(Text, FAT_FSD_TAG);
        return STATUS_OBJECT_NAME_INVALID; /* a zero inside */
    }
    *Path = Text;
    return STATUS_SUCCESS;
}

/* ---- cleanup and close ---- */

/* The last handle of a file that is to be deleted is gone. */
static NTSTATUS FatpDeleteFile(PFAT_VCB Vcb, PFAT_FCB Fcb)
{
    NTSTATUS Status = FatUseFcb(Vcb, Fcb);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    FatClose(&Fcb->File);
    Status = FatDelete(Vcb->Volume, Fcb->Path);
    Fcb->Deleted = NT_SUCCESS(Status);
    Fcb->Lost = !Fcb->Deleted;
    Fcb->DeletePending = FALSE;
    return Status;
}

NTSTATUS FatFsdCleanup(PFAT_REQUEST Request)
{
    PFAT_FCB Fcb = Request->Fcb;

    MI_ASSERT(Fcb->Handles != 0 && Fcb->Handles <= Fcb->References);
    IoRemoveShareAccess(Request->FileObject, &Fcb->Share);
    Request->FileObject->Flags |= FO_CLEANUP_COMPLETE;
    if (Request->Ccb->DeleteOnClose) {
        Fcb->DeletePending = TRUE;
    }
    Fcb->Handles--;
    if (Fcb->Handles == 0 && Fcb->DeletePending) {
        return FatpDeleteFile(Request->Vcb, Fcb);
    }
    return STATUS_SUCCESS;
}

NTSTATUS FatFsdClose(PFAT_REQUEST Request)
{
    PFAT_FCB Fcb = Request->Fcb;

    if (Request->Ccb->Pattern.Buffer != NULL) {
        ExFreePoolWithTag(Request->Ccb->Pattern.Buffer, FAT_FSD_TAG);
    }
    ExFreePoolWithTag(Request->Ccb, FAT_FSD_TAG);
    Request->FileObject->FsContext = NULL;
    Request->FileObject->FsContext2 = NULL;
    Request->FileObject->SectionObjectPointer = NULL;
    MI_ASSERT(Fcb->References > Fcb->Handles);
    Fcb->References--;
    if (Fcb->References == 0) {
        RemoveEntryList(&Fcb->Link);
        FatDeleteFcb(Fcb);
    }
    return STATUS_SUCCESS;
}
