/* SPDX-License-Identifier: MIT */
/*
 * fsd_file.c - the files that are open: their FCBs, paths, cleanup and close.
 *
 *     an FCB           Handles   References   File
 *     being opened     0         0            being opened; in no list
 *     open             1 -       Handles -    open
 *     cleaned up       0         1 -          open (for the cache, sections), or void (Deleted);
 *                                             open without a name (Deleted, Orphan)
 *     gone             0         0            -
 *
 * What an open file is, is where its entry stands: two names of one file (long and short, other
 * case) have one FCB.
 *
 * With the last handle of a file that is to be deleted its name goes, read-only or not: that was
 * asked when the deletion was.  Views of it that are left (made after that) stay what they are, to
 * their owners alone: as an Orphan it keeps its clusters, and pages go to and from them, until
 * the last reference is gone.  A power cut meanwhile leaves them lost.
 *
 * Invariants, for FCBs in a VCB's list:
 *   C1  Handles <= References, References != 0
 *   C2  no two of them that are not Deleted have their entry in one place
 *
 * Locking: the volume's mutex.
 */
#include "disk/fat/fsd_i.h"
#include "report.h"

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

static void FatpInitializeHeader(PFAT_FCB Fcb)
{
    Fcb->Header.NodeTypeCode = FAT_NODE_TYPE_FILE;
    Fcb->Header.NodeByteSize = sizeof(*Fcb);
    Fcb->Header.IsFastIoPossible = FastIoIsQuestionable; /* fsd_fast.c */
    Fcb->Header.Resource = &Fcb->Resource;
    Fcb->Header.PagingIoResource = &Fcb->PagingIoResource;
    (void)ExInitializeResourceLite(&Fcb->Resource);
    (void)ExInitializeResourceLite(&Fcb->PagingIoResource);
}

PFAT_FCB FatCreateFcb(PFAT_VCB Vcb, const char *Path)
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
    Fcb->Vcb = Vcb;
    FatpInitializeHeader(Fcb);
    FatInitializePages(&Fcb->Pages);
    return Fcb;
}

static void FatpFreePath(char **Path)
{
    if (*Path != NULL) {
        ExFreePoolWithTag(*Path, FAT_FSD_TAG);
        *Path = NULL;
    }
}

void FatDeleteFcb(PFAT_FCB Fcb)
{
    MI_ASSERT(Fcb->Pages.UnderWay == 0 && Fcb->Pages.HeldTo == 0);
    FatForgetWritten(Fcb);
    if (Fcb->File.Volume != NULL) {
        FatClose(&Fcb->File);
    }
    if (Fcb->Pages.Map.Runs != NULL) {
        ExFreePoolWithTag(Fcb->Pages.Map.Runs, FAT_FSD_TAG);
    }
    (void)ExDeleteResourceLite(&Fcb->Resource);
    (void)ExDeleteResourceLite(&Fcb->PagingIoResource);
    FatpFreePath(&Fcb->OtherPath);
    FatpFreePath(&Fcb->Path);
    ExFreePoolWithTag(Fcb, FAT_FSD_TAG);
}

/* => No page of it is left. */
static void FatpEndOrphan(PFAT_FCB Fcb)
{
    NTSTATUS Status;

    if (Fcb->Orphan == 0) {
        return;
    }
    FatCutPages(Fcb, 0, STATUS_FILE_DELETED);
    FatForgetWritten(Fcb);
    FatClose(&Fcb->File);
    Fcb->File.Volume = NULL;
    Fcb->Vcb->Orphans--;
    Status = FatFreeLost(Fcb->Vcb->Volume, Fcb->Orphan);
    if (!NT_SUCCESS(Status)) {
        KiPrint("*** %s: deleted, but its clusters are not free, status %08X\n", Fcb->Path,
                (ULONG)Status);
    }
}

void FatDereferenceFcb(PFAT_FCB Fcb)
{
    MI_ASSERT(Fcb->References > Fcb->Handles);
    Fcb->References--;
    if (Fcb->References == 0) {
        FatEndLag(Fcb);
        FatpEndOrphan(Fcb);
        RemoveEntryList(&Fcb->Link);
        FatDeleteFcb(Fcb);
    }
}

/* What was found is what it was, under another name; or its pages begin anew. */
static void FatpTakeFile(PFAT_FCB Fcb, PFAT_FILE Found)
{
    const FAT_FILE *Was = &Fcb->File;

    if (Was->Volume != NULL && Was->FirstCluster == Found->FirstCluster &&
        Was->Clusters == Found->Clusters && !Was->Stale) {
        Found->Permitted = Was->Permitted;
    } else {
        Fcb->Lags = FALSE;
        FatCutPages(Fcb, 0, STATUS_END_OF_FILE);
        FatPermitPages(Fcb, STATUS_ACCESS_DENIED);
        if (Was->Volume != NULL) {
            FatClose(&Fcb->File);
        }
    }
    Found->Growing = FatGrowPages;
    Found->Keeps = Was->Keeps;
    Fcb->File = *Found;
    Fcb->Lost = FALSE;
}

NTSTATUS FatUseFcb(PFAT_VCB Vcb, PFAT_FCB Fcb)
{
    FAT_FILE Found;
    NTSTATUS Status;

    if (Fcb->Deleted) {
        return STATUS_FILE_CLOSED;
    }
    if (!Fcb->Lost) {
        return STATUS_SUCCESS;
    }
    Status = FatOpen(Vcb->Volume, Fcb->Path, &Found);
    if (Status == STATUS_OBJECT_NAME_NOT_FOUND && Fcb->OtherPath != NULL) {
        Status = FatOpen(Vcb->Volume, Fcb->OtherPath, &Found);
        if (NT_SUCCESS(Status)) {
            char *Void = Fcb->Path;

            Fcb->Path = Fcb->OtherPath;
            Fcb->OtherPath = Void;
        }
    }
    if (NT_SUCCESS(Status) && FatFindFcb(Vcb, &Found) != NULL) { /* C2: another file by its name */
        FatClose(&Found);
        Fcb->Deleted = TRUE;
        return STATUS_FILE_CLOSED;
    }
    if (NT_SUCCESS(Status)) {
        FatpTakeFile(Fcb, &Found);
        FatpFreePath(&Fcb->OtherPath);
    }
    return Status;
}

/* ---- paths ---- */

NTSTATUS FatMakePath(const FAT_FCB *Above, PCUNICODE_STRING Name, char **Path)
{
    SIZE_T Parent = Above != NULL ? strlen(Above->Path) : 0;
    BOOLEAN Slash = Parent != 0 && Name->Length != 0 && Above->Path[Parent - 1] != '\\';
    SIZE_T Prefix = Parent + Slash; /* no name: the same file again */
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
    }
    if (Slash) {
        Text[Parent] = '\\';
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

NTSTATUS FatDeleteOpenFile(PFAT_VCB Vcb, PFAT_FCB Fcb)
{
    NTSTATUS Status = FatUseFcb(Vcb, Fcb);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    FatCutPages(Fcb, 0, STATUS_FILE_DELETED);
    FatPermitPages(Fcb, STATUS_FILE_DELETED);
    FatClose(&Fcb->File);
    Status = FatDeleteGranted(Vcb->Volume, Fcb->Path);
    Fcb->Deleted = NT_SUCCESS(Status);
    Fcb->Lost = !Fcb->Deleted;
    Fcb->DeletePending = FALSE;
    return Status;
}

/* What failed may have taken the name all the same.  => STATUS_SUCCESS: it did. */
static NTSTATUS FatpJudgeUnlink(PFAT_VCB Vcb, PFAT_FCB Fcb, ULONG FirstCluster, NTSTATUS Status)
{
    Fcb->Lost = TRUE;
    if (FatUseFcb(Vcb, Fcb) != STATUS_OBJECT_NAME_NOT_FOUND) {
        Fcb->Orphan = 0;
        return Status;
    }
    Fcb->Lost = FALSE;
    Fcb->Orphan = FirstCluster;
    return STATUS_SUCCESS;
}

/* The name goes; whoever has it mapped reads and writes it as before. */
static NTSTATUS FatpMakeOrphan(PFAT_VCB Vcb, PFAT_FCB Fcb)
{
    NTSTATUS Status = FatUseFcb(Vcb, Fcb);
    ULONG FirstCluster = Fcb->File.FirstCluster;

    Fcb->DeletePending = FALSE;
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = FatUnlinkGranted(Vcb->Volume, Fcb->Path, &Fcb->Orphan);
    if (!NT_SUCCESS(Status)) {
        Status = FatpJudgeUnlink(Vcb, Fcb, FirstCluster, Status);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Vcb->Orphans += Fcb->Orphan != 0;
    Fcb->Deleted = TRUE;
    return STATUS_SUCCESS;
}

/* The time of what this one has written; with the last one no clusters are kept to grow. */
static NTSTATUS FatpFinishWrites(PFAT_REQUEST Request)
{
    PFAT_FCB Fcb = Request->Fcb;
    NTSTATUS Status = STATUS_SUCCESS;

    if (!NT_SUCCESS(FatUseFcb(Request->Vcb, Fcb))) {
        return STATUS_SUCCESS;
    }
    if (Request->Ccb->Modified) {
        Status = FatTouch(&Fcb->File);
    }
    if (NT_SUCCESS(Status) && Fcb->Handles == 0) {
        Fcb->Grown = FALSE;
        Status = FatReturnClusters(Fcb);
    }
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
        return !FatIsDirectory(Fcb) && !NT_SUCCESS(FatMayDelete(Fcb))
                   ? FatpMakeOrphan(Request->Vcb, Fcb)
                   : FatDeleteOpenFile(Request->Vcb, Fcb);
    }
    return FatpFinishWrites(Request);
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
    FatDereferenceFcb(Fcb);
    return STATUS_SUCCESS;
}
