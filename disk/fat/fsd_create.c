/* SPDX-License-Identifier: MIT */
/*
 * fsd_create.c - IRP_MJ_CREATE: opening, creating, overwriting.
 *
 *     disposition          the file is there            it is not
 *     FILE_SUPERSEDE       emptied   (SUPERSEDED)       made  (CREATED)
 *     FILE_OPEN            opened    (OPENED)           STATUS_OBJECT_NAME_NOT_FOUND
 *     FILE_CREATE          STATUS_OBJECT_NAME_COLLISION made  (CREATED)
 *     FILE_OPEN_IF         opened    (OPENED)           made  (CREATED)
 *     FILE_OVERWRITE       emptied   (OVERWRITTEN)      STATUS_OBJECT_NAME_NOT_FOUND
 *     FILE_OVERWRITE_IF    emptied   (OVERWRITTEN)      made  (CREATED)
 *
 * All memory is there before the disk changes.  A failure behind a change (emptied, but its
 * attributes not set) leaves what a power cut there would.
 *
 * Source: learn.microsoft.com/windows-hardware/drivers/ifs/irp-mj-create; ntifs' ZwCreateFile.
 *
 * A file that is open already, or that the cache has still, is emptied with its resources
 * exclusive.  They come before the volume's mutex: the request gives up what it has, gets them, and
 * begins anew (fsd_request.c).
 *
 * Locking: the volume's mutex.
 */
#include "disk/fat/fsd_i.h"

/* What is wanted, and what there is. */
typedef struct _FATP_OPEN {
    PFAT_REQUEST Request;
    ACCESS_MASK Access;
    ULONG Options;
    ULONG Disposition;
    BOOLEAN Paging;
    BOOLEAN MustBeDirectory;
    BOOLEAN Target;   /* the directory of the name, for a rename */
    UCHAR Attributes; /* of a new file */
    char *Path;       /* in Fcb, when that is new */
    PFAT_FCB Fcb;     /* new, or the one that is open already */
    PFAT_CCB Ccb;
    BOOLEAN New; /* Fcb is */
} FATP_OPEN;

static BOOLEAN FatpWantsDirectory(const FATP_OPEN *Open)
{
    return Open->MustBeDirectory || (Open->Options & FILE_DIRECTORY_FILE) != 0;
}

static BOOLEAN FatpEmpties(const FATP_OPEN *Open)
{
    return Open->Disposition == FILE_SUPERSEDE || Open->Disposition == FILE_OVERWRITE ||
           Open->Disposition == FILE_OVERWRITE_IF;
}

/* ---- what is asked for ---- */

/* Cut trailing separators: "\folder\" must be a directory. */
static void FatpTrimPath(FATP_OPEN *Open)
{
    SIZE_T Length = strlen(Open->Path);

    while (Length > 1 && (Open->Path[Length - 1] == '\\' || Open->Path[Length - 1] == '/')) {
        Open->Path[--Length] = '\0';
        Open->MustBeDirectory = TRUE;
    }
}

/* The last name goes; it becomes the file object's. */
static void FatpCutToDirectory(FATP_OPEN *Open)
{
    PUNICODE_STRING Name = &Open->Request->FileObject->FileName;
    ULONG Units = Name->Length / sizeof(WCHAR);
    ULONG First = Units;
    SIZE_T Length = strlen(Open->Path);

    while (First > 0 && Name->Buffer[First - 1] != u'\\') {
        First--;
    }
    memmove(Name->Buffer, Name->Buffer + First, (Units - First) * sizeof(WCHAR));
    Name->Length = (USHORT)((Units - First) * sizeof(WCHAR));
    while (Length > 0 && Open->Path[Length - 1] != '\\' && Open->Path[Length - 1] != '/') {
        Length--;
    }
    Open->Path[Length > 1 ? Length - 1 : Length] = '\0';
    Open->MustBeDirectory = TRUE;
}

static NTSTATUS FatpParse(FATP_OPEN *Open)
{
    PFAT_REQUEST Request = Open->Request;
    PIO_STACK_LOCATION Stack = Request->Stack;
    PFILE_OBJECT Related = Request->FileObject->RelatedFileObject;
    NTSTATUS Status;

    Open->Access = Stack->Parameters.Create.SecurityContext->DesiredAccess;
    Open->Options = Stack->Parameters.Create.Options & FILE_VALID_OPTION_FLAGS;
    Open->Disposition = Stack->Parameters.Create.Options >> 24;
    Open->Paging = (Stack->Flags & SL_OPEN_PAGING_FILE) != 0;
    Open->Attributes =
        (UCHAR)((Stack->Parameters.Create.FileAttributes & 0x7) | FAT_ATTRIBUTE_ARCHIVE);
    if (Open->Disposition > FILE_MAXIMUM_DISPOSITION) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Open->Options & FILE_OPEN_BY_FILE_ID) {
        return STATUS_NOT_SUPPORTED;
    }
    if (Request->FileObject->FileName.Length == 0 && Related == NULL) {
        return STATUS_NOT_SUPPORTED; /* the volume itself */
    }
    Status = FatMakePath(Related != NULL ? Related->FsContext : NULL,
                         &Request->FileObject->FileName, &Open->Path);
    if (NT_SUCCESS(Status)) {
        FatpTrimPath(Open);
        Open->Target = (Stack->Flags & SL_OPEN_TARGET_DIRECTORY) != 0;
        if (Open->Target) {
            FatpCutToDirectory(Open);
        }
    }
    return Status;
}

/* ---- may it be opened so? ---- */

static NTSTATUS FatpCheckKind(const FATP_OPEN *Open, const FAT_FILE *File)
{
    if ((File->Attributes & FAT_ATTRIBUTE_DIRECTORY) == 0) {
        return FatpWantsDirectory(Open) ? STATUS_NOT_A_DIRECTORY : STATUS_SUCCESS;
    }
    if ((Open->Options & FILE_NON_DIRECTORY_FILE) || Open->Paging) {
        return STATUS_FILE_IS_A_DIRECTORY;
    }
    if ((Open->Options & FILE_DELETE_ON_CLOSE) && File->Root) {
        return STATUS_CANNOT_DELETE;
    }
    return FatpEmpties(Open) ? STATUS_OBJECT_NAME_COLLISION : STATUS_SUCCESS;
}

static NTSTATUS FatpCheckAttributes(const FATP_OPEN *Open, const FAT_FILE *File)
{
    const UCHAR Kept = FAT_ATTRIBUTE_HIDDEN | FAT_ATTRIBUTE_SYSTEM;

    if ((File->Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0) {
        return STATUS_SUCCESS;
    }
    if (File->Attributes & FAT_ATTRIBUTE_READ_ONLY) {
        if ((Open->Access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) || FatpEmpties(Open)) {
            return STATUS_ACCESS_DENIED;
        }
        if (Open->Options & FILE_DELETE_ON_CLOSE) {
            return STATUS_CANNOT_DELETE;
        }
    }
    if (FatpEmpties(Open) && (File->Attributes & Kept & ~Open->Attributes) != 0) {
        return STATUS_ACCESS_DENIED;
    }
    return STATUS_SUCCESS;
}

/* What the opening does by itself, whatever access it asks for. */
static ACCESS_MASK FatpImpliedAccess(const FATP_OPEN *Open)
{
    if (!FatpEmpties(Open)) {
        return 0;
    }
    return Open->Disposition == FILE_SUPERSEDE ? DELETE : FILE_WRITE_DATA;
}

/* The check leaves in the file object what it was asked about: that is the opening's own access. */
static NTSTATUS FatpCheckSharing(const FATP_OPEN *Open, PFAT_FCB Fcb)
{
    USHORT Share = Open->Request->Stack->Parameters.Create.ShareAccess;
    ACCESS_MASK Implied = FatpImpliedAccess(Open);
    NTSTATUS Status = STATUS_SUCCESS;

    if (Fcb->Paging || Open->Paging) {
        return STATUS_SHARING_VIOLATION;
    }
    if (Implied != 0) {
        Status = IoCheckShareAccess(Open->Access | Implied, Share, Open->Request->FileObject,
                                    &Fcb->Share, FALSE);
    }
    return NT_SUCCESS(Status) ? IoCheckShareAccess(Open->Access, Share, Open->Request->FileObject,
                                                   &Fcb->Share, FALSE)
                              : Status;
}

/* => Fcb is that of a file that is open, or in use by a section alone. */
static NTSTATUS FatpCheckSections(const FATP_OPEN *Open, PFAT_FCB Fcb)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (Open->Options & FILE_DELETE_ON_CLOSE) {
        Status = FatMayDelete(Fcb);
    }
    if (NT_SUCCESS(Status) && (Open->Access & (FILE_WRITE_DATA | FILE_APPEND_DATA))) {
        Status = FatMayWrite(Fcb);
    }
    return Status;
}

/* ---- the changes ---- */

/* Also an empty file has a new time. */
static NTSTATUS FatpEmpty(const FATP_OPEN *Open, PFAT_FCB Fcb)
{
    FAT_TIMES Times = {.CreationTenths = 0};
    NTSTATUS Status = FatChangeSize(Fcb, 0);

    if (NT_SUCCESS(Status)) {
        Status = FatTouch(&Fcb->File);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatQueryTimes(&Fcb->File, &Times);
    }
    return NT_SUCCESS(Status) ? FatSetTimes(&Fcb->File, &Times, Open->Attributes) : Status;
}

/*
 * The same when it is open already: then nobody may use its sizes.
 *
 * => STATUS_RETRY: its resources are needed, nothing has changed.
 */
static NTSTATUS FatpEmptyKnown(const FATP_OPEN *Open, PFAT_FCB Fcb)
{
    NTSTATUS Status;

    if (Open->Request->Held != Fcb) {
        Open->Request->Busy = Fcb;
        Fcb->References++;
        return STATUS_RETRY;
    }
    Status = FatMayCut(Fcb, 0);
    return NT_SUCCESS(Status) ? FatpEmpty(Open, Fcb) : Status;
}

/* Runs, before anything changes, for those who want the data. */
static NTSTATUS FatpMakePagesFor(const FATP_OPEN *Open)
{
    const ACCESS_MASK Writes = FILE_WRITE_DATA | FILE_APPEND_DATA;
    const ACCESS_MASK Data = FILE_READ_DATA | FILE_EXECUTE | Writes;

    if (Open->Paging || (Open->Access & Data) == 0 || FatIsDirectory(Open->Fcb)) {
        return STATUS_SUCCESS;
    }
    return FatMakePages(Open->Fcb, (Open->Access & Writes) != 0);
}

/* A paging file is as long as was asked for, contents whatever they are. */
static NTSTATUS FatpMakePagingFile(const FATP_OPEN *Open, PFAT_FCB Fcb)
{
    LONGLONG Bytes = Open->Request->Irp->Overlay.AllocationSize.QuadPart;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Bytes < 0 || Bytes > 0xFFFFFFFFLL) {
        return STATUS_DISK_FULL;
    }
    if ((ULONG)Bytes > Fcb->File.Bytes) {
        Status = FatReserve(&Fcb->File, (ULONG)Bytes);
    }
    return NT_SUCCESS(Status) ? FatPinRuns(Fcb) : Status;
}

/* Is there something of the name already? */
static NTSTATUS FatpLookInTarget(const FATP_OPEN *Open)
{
    PCUNICODE_STRING Name = &Open->Request->FileObject->FileName;
    FAT_ENTRY Entry;
    NTSTATUS Status =
        FatFindName(&Open->Fcb->File, Name->Buffer, Name->Length / sizeof(WCHAR), &Entry);

    Open->Request->Information = NT_SUCCESS(Status) ? FILE_EXISTS : FILE_DOES_NOT_EXIST;
    return Status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_SUCCESS : Status;
}

/* That there is one says more than what it is, and whom it is shared with. */
static NTSTATUS FatpMayBeThere(const FATP_OPEN *Open)
{
    if (Open->Fcb->DeletePending) {
        return STATUS_DELETE_PENDING;
    }
    return Open->Disposition == FILE_CREATE ? STATUS_OBJECT_NAME_COLLISION : STATUS_SUCCESS;
}

static NTSTATUS FatpOpenFound(FATP_OPEN *Open)
{
    PFAT_REQUEST Request = Open->Request;
    NTSTATUS Status = FatpMayBeThere(Open);

    if (NT_SUCCESS(Status)) {
        Status = FatpCheckKind(Open, &Open->Fcb->File);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpCheckAttributes(Open, &Open->Fcb->File);
    }
    if (NT_SUCCESS(Status) && !Open->New) {
        Status = FatpCheckSharing(Open, Open->Fcb);
    }
    if (NT_SUCCESS(Status) && !Open->New && !FatIsDirectory(Open->Fcb)) {
        Status = FatpCheckSections(Open, Open->Fcb);
    }
    Request->Information = FILE_OPENED;
    if (NT_SUCCESS(Status) && Open->Target) {
        Status = FatpLookInTarget(Open);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpMakePagesFor(Open);
    }
    if (NT_SUCCESS(Status) && FatpEmpties(Open)) {
        Status = Open->New ? FatpEmpty(Open, Open->Fcb) : FatpEmptyKnown(Open, Open->Fcb);
        Request->Information =
            Open->Disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED : FILE_OVERWRITTEN;
    }
    return Status;
}

/* Nothing is made in a directory that is to be deleted: it would keep it from going. */
static NTSTATUS FatpMayMakeThere(const FATP_OPEN *Open)
{
    PFAT_VCB Vcb = Open->Request->Vcb;
    PLIST_ENTRY Link;
    FAT_PATH Path;

    for (Link = Vcb->Fcbs.Flink; Link != &Vcb->Fcbs; Link = Link->Flink) {
        const FAT_FCB *Fcb = CONTAINING_RECORD(Link, FAT_FCB, Link);
        NTSTATUS Status;

        if (!Fcb->DeletePending || Fcb->Deleted || !FatIsDirectory(Fcb)) {
            continue;
        }
        Status = FatWalkPath(Vcb->Volume, Open->Path, Fcb->File.FirstCluster, &Path);
        if (!NT_SUCCESS(Status)) {
            return Status == STATUS_ACCESS_DENIED ? STATUS_DELETE_PENDING : Status;
        }
    }
    return STATUS_SUCCESS;
}

static NTSTATUS FatpMakeFile(FATP_OPEN *Open)
{
    PFAT_VOLUME Volume = Open->Request->Vcb->Volume;
    NTSTATUS Status;

    if (Open->Disposition == FILE_OPEN || Open->Disposition == FILE_OVERWRITE) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    if (Open->MustBeDirectory && (Open->Options & FILE_DIRECTORY_FILE) == 0) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    Open->Request->Information = FILE_CREATED;
    Status = FatpMayMakeThere(Open);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if ((Open->Options & FILE_DIRECTORY_FILE) == 0) {
        Open->Fcb->Temporary = (Open->Request->Stack->Parameters.Create.FileAttributes &
                                FILE_ATTRIBUTE_TEMPORARY) != 0;
        if ((Open->Options & FILE_DELETE_ON_CLOSE) &&
            (Open->Attributes & FAT_ATTRIBUTE_READ_ONLY)) {
            return STATUS_CANNOT_DELETE;
        }
        Status = FatpMakePagesFor(Open);
        return NT_SUCCESS(Status)
                   ? FatCreate(Volume, Open->Path, Open->Attributes, &Open->Fcb->File)
                   : Status;
    }
    Status = FatCreateDirectory(Volume, Open->Path);
    return NT_SUCCESS(Status) ? FatOpen(Volume, Open->Path, &Open->Fcb->File) : Status;
}

/* ---- the request ---- */

static BOOLEAN FatpIsNowhere(NTSTATUS Status)
{
    return Status == STATUS_FILE_CLOSED || Status == STATUS_OBJECT_NAME_NOT_FOUND ||
           Status == STATUS_OBJECT_PATH_NOT_FOUND;
}

/*
 * Those whose place is not known any more might be what is opened, also when only a section or the
 * cache has them.  => Why one cannot be looked for: then nothing can be opened (C2 of fsd_file.c).
 */
static NTSTATUS FatpFindLostFcbs(PFAT_VCB Vcb)
{
    PLIST_ENTRY Link;

    for (Link = Vcb->Fcbs.Flink; Link != &Vcb->Fcbs; Link = Link->Flink) {
        PFAT_FCB Fcb = CONTAINING_RECORD(Link, FAT_FCB, Link);

        if (Fcb->Lost) {
            NTSTATUS Status = FatUseFcb(Vcb, Fcb);

            if (!NT_SUCCESS(Status) && !FatpIsNowhere(Status)) {
                return Status;
            }
        }
    }
    return STATUS_SUCCESS;
}

/* The file, there or made; in an FCB of its own, or the one that it has. */
static NTSTATUS FatpOpenOrMake(FATP_OPEN *Open)
{
    PFAT_VCB Vcb = Open->Request->Vcb;
    PFAT_FCB Known;
    NTSTATUS Status = FatpFindLostFcbs(Vcb);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = FatOpen(Vcb->Volume, Open->Path, &Open->Fcb->File);
    if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
        memset(&Open->Fcb->File, 0, sizeof(Open->Fcb->File));
        return Open->Target ? STATUS_OBJECT_PATH_NOT_FOUND : FatpMakeFile(Open);
    }
    if (!NT_SUCCESS(Status)) {
        memset(&Open->Fcb->File, 0, sizeof(Open->Fcb->File));
        return Status;
    }
    Known = FatFindFcb(Vcb, &Open->Fcb->File);
    if (Known != NULL) {
        if (Known->Handles == 0) { /* a directory above it may have been renamed since */
            char *Old = Known->Path;

            Known->Path = Open->Fcb->Path;
            Open->Fcb->Path = Old;
        }
        FatDeleteFcb(Open->Fcb);
        Open->Fcb = Known;
        Open->Path = Known->Path;
        Open->New = FALSE;
    }
    return FatpOpenFound(Open);
}

/* Nothing can fail any more. */
static void FatpFinishOpen(FATP_OPEN *Open)
{
    PFILE_OBJECT FileObject = Open->Request->FileObject;
    PFAT_FCB Fcb = Open->Fcb;
    ULONG Share = Open->Request->Stack->Parameters.Create.ShareAccess;

    if (Open->New) {
        InsertTailList(&Open->Request->Vcb->Fcbs, &Fcb->Link);
        IoSetShareAccess(Open->Access, Share, FileObject, &Fcb->Share);
    } else {
        IoUpdateShareAccess(FileObject, &Fcb->Share);
    }
    Fcb->References++;
    Fcb->Handles++;
    Fcb->File.Growing = FatGrowPages;
    FatKeepPages(Fcb);
    (void)NT_SUCCESS(FatTellTime(Fcb)); /* else a later request tells it */
    Open->Ccb->DeleteOnClose = (Open->Options & FILE_DELETE_ON_CLOSE) != 0;
    FileObject->FsContext = Fcb;
    FileObject->FsContext2 = Open->Ccb;
    FileObject->SectionObjectPointer = &Fcb->Section;
    FileObject->Flags |= FO_FILE_OPEN;
    if ((FileObject->Flags & FO_NO_INTERMEDIATE_BUFFERING) == 0 && !FatIsDirectory(Fcb)) {
        FileObject->Flags |= FO_CACHE_SUPPORTED;
    }
    FileObject->Flags |= Fcb->Temporary ? FO_TEMPORARY_FILE : 0;
}

static NTSTATUS FatpAllocate(FATP_OPEN *Open)
{
    Open->Ccb = ExAllocatePoolWithTag(NonPagedPool, sizeof(FAT_CCB), FAT_FSD_TAG);
    if (Open->Ccb == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Open->Ccb, 0, sizeof(FAT_CCB));
    Open->Fcb = FatCreateFcb(Open->Request->Vcb, Open->Path);
    Open->New = Open->Fcb != NULL;
    return Open->New ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS FatFsdCreate(PFAT_REQUEST Request)
{
    FATP_OPEN Open = {.Request = Request};
    NTSTATUS Status = FatpParse(&Open);
    char *Path = Open.Path;

    if (NT_SUCCESS(Status)) {
        Status = FatpAllocate(&Open);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpOpenOrMake(&Open);
    }
    if (NT_SUCCESS(Status) && Open.Paging) {
        Status = FatpMakePagingFile(&Open, Open.Fcb);
    }
    if (NT_SUCCESS(Status)) {
        FatpFinishOpen(&Open);
        Open.Ccb = NULL;
    } else if (Open.New) {
        FatDeleteFcb(Open.Fcb);
    }
    if (Open.Ccb != NULL) {
        ExFreePoolWithTag(Open.Ccb, FAT_FSD_TAG);
    }
    if (Path != NULL) {
        ExFreePoolWithTag(Path, FAT_FSD_TAG);
    }
    Request->Information = NT_SUCCESS(Status) ? Request->Information : 0;
    return Status;
}
