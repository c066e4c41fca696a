/* SPDX-License-Identifier: MIT */
/*
 * fsd_rename.c - another name or place for a file that is open.
 *
 * As NT has it, the target directory was opened by the I/O manager (SL_OPEN_TARGET_DIRECTORY) and
 * stands in Parameters.SetFile.FileObject, whose FileName is the new name.  Without it the name in
 * the information is a path from the root, or with no separator a name in the same directory.
 *
 * Refused with STATUS_ACCESS_DENIED: a paging file, the root, a directory with open files below it,
 * and replacing a file that is open, read-only or a directory.
 *
 * A replaced file is deleted before the other is renamed, when there is room for all that follows:
 * a power cut or an I/O error between leaves neither under the new name, and the other under its
 * old one.
 *
 * Locking: the volume's mutex.
 */
#include "disk/fat/fsd_i.h"

/* A directory may not move while something below it is open by a path that leads through it. */
static NTSTATUS FatpCheckBelow(PFAT_VCB Vcb, const FAT_FCB *Directory)
{
    PLIST_ENTRY Link;

    for (Link = Vcb->Fcbs.Flink; Link != &Vcb->Fcbs; Link = Link->Flink) {
        const FAT_FCB *Fcb = CONTAINING_RECORD(Link, FAT_FCB, Link);
        FAT_PATH Path;
        NTSTATUS Status;

        if (Fcb == Directory || Fcb->Deleted) {
            continue;
        }
        Status = FatWalkPath(Vcb->Volume, Fcb->Path, Directory->File.FirstCluster, &Path);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
    return STATUS_SUCCESS;
}

static NTSTATUS FatpMayRename(PFAT_VCB Vcb, const FAT_FCB *Fcb)
{
    if (Fcb->Runs != NULL || Fcb->File.Root) {
        return STATUS_ACCESS_DENIED;
    }
    if (Fcb->DeletePending) {
        return STATUS_DELETE_PENDING;
    }
    return FatIsDirectory(Fcb) ? FatpCheckBelow(Vcb, Fcb) : STATUS_SUCCESS;
}

/* ---- the new path ---- */

/* => From the root; the caller frees it. */
static NTSTATUS FatpNewPath(PFAT_REQUEST Request, char **Path)
{
    PFILE_RENAME_INFORMATION Rename = Request->Irp->AssociatedIrp.SystemBuffer;
    PFILE_OBJECT Target = Request->Stack->Parameters.SetFile.FileObject;
    ULONG Room = Request->Stack->Parameters.SetFile.Length -
                 (ULONG)offsetof(FILE_RENAME_INFORMATION, FileName);
    UNICODE_STRING Name = {.Buffer = Rename->FileName};
    FAT_FCB Parent = {.References = 0};
    SIZE_T Length = strlen(Request->Fcb->Path);
    NTSTATUS Status;

    if (Rename->FileNameLength == 0 || Rename->FileNameLength > Room ||
        Rename->FileNameLength > 0xFFF0 || Rename->RootDirectory != NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    Name.Length = (USHORT)Rename->FileNameLength;
    if (Target != NULL) {
        return FatMakePath(Target->FsContext, &Target->FileName, Path);
    }
    if (Name.Buffer[0] == u'\\') {
        return FatMakePath(NULL, &Name, Path);
    }
    Parent.Path = ExAllocatePoolWithTag(NonPagedPool, Length + 1, FAT_FSD_TAG);
    if (Parent.Path == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memcpy(Parent.Path, Request->Fcb->Path, Length + 1);
    while (Length > 0 && Parent.Path[Length - 1] != '\\' && Parent.Path[Length - 1] != '/') {
        Length--;
    }
    Parent.Path[Length] = '\0';
    Status = FatMakePath(&Parent, &Name, Path);
    ExFreePoolWithTag(Parent.Path, FAT_FSD_TAG);
    return Status;
}

/* ---- what stands there already ---- */

static NTSTATUS FatpReplace(PFAT_REQUEST Request, const char *Path)
{
    PFAT_VCB Vcb = Request->Vcb;
    FAT_FILE There;
    NTSTATUS Status = FatOpen(Vcb->Volume, Path, &There);

    if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
        return STATUS_SUCCESS;
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (There.Root) {
        return STATUS_ACCESS_DENIED;
    }
    if (There.Location.Sector == Request->Fcb->File.Location.Sector &&
        There.Location.Offset == Request->Fcb->File.Location.Offset) {
        return STATUS_SUCCESS; /* itself, in other letters */
    }
    if (!Request->Stack->Parameters.SetFile.ReplaceIfExists) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    if ((There.Attributes & (FAT_ATTRIBUTE_DIRECTORY | FAT_ATTRIBUTE_READ_ONLY)) ||
        FatFindFcb(Vcb, &There) != NULL) {
        return STATUS_ACCESS_DENIED;
    }
    Status = FatPrepareReplace(Vcb->Volume, Request->Fcb->Path, Path);
    return NT_SUCCESS(Status) ? FatDelete(Vcb->Volume, Path) : Status;
}

/*
 * Find the file again, under its old path or Path.  A rename that failed may have taken the old
 * entry away: the new name then comes before the volume is changed again.
 *
 * => Returns the path that is not the file's.
 */
static char *FatpFollow(PFAT_VCB Vcb, PFAT_FCB Fcb, char *Path, BOOLEAN Renamed)
{
    char *Old = Fcb->Path;

    FatClose(&Fcb->File);
    Fcb->Lost = TRUE;
    if (!Renamed && FatUseFcb(Vcb, Fcb) != STATUS_OBJECT_NAME_NOT_FOUND) {
        return Path;
    }
    Fcb->Path = Path;
    (void)FatUseFcb(Vcb, Fcb); /* or when it is used next */
    return Old;
}

NTSTATUS FatFsdRename(PFAT_REQUEST Request)
{
    PFAT_VCB Vcb = Request->Vcb;
    PFAT_FCB Fcb = Request->Fcb;
    char *Path;
    NTSTATUS Status = FatpMayRename(Vcb, Fcb);

    if (NT_SUCCESS(Status)) {
        Status = FatpNewPath(Request, &Path);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = FatpReplace(Request, Path);
    if (NT_SUCCESS(Status)) {
        Status = FatRename(Vcb->Volume, Fcb->Path, Path);
        Path = FatpFollow(Vcb, Fcb, Path, NT_SUCCESS(Status));
    }
    ExFreePoolWithTag(Path, FAT_FSD_TAG);
    return Status;
}
