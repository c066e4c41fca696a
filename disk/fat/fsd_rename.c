/* SPDX-License-Identifier: MIT */
/*
 * fsd_rename.c - another name or place for a file that is open.
 *
 * As NT has it, the target directory was opened by the I/O manager (SL_OPEN_TARGET_DIRECTORY) and
 * stands in Parameters.SetFile.FileObject, whose FileName is the new name.  Without it the name in
 * the information is a path from the root, or with no separator a name in the same directory.
 *
 * Refused with STATUS_ACCESS_DENIED: a paging file, the root, a directory with open files below it,
 * and replacing a file that is open, mapped, read-only or a directory.  A file that nobody has
 * open, but the cache has still, is replaced when the cache has let go of it.  File objects of it
 * that are closed, but not gone yet, find it deleted, as after the cleanup of one that was to be.
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

        if (Fcb == Directory || Fcb->Deleted || Fcb->Handles == 0) {
            continue; /* a file that nobody has open gets its path when it is opened */
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
    if (Fcb->Paging || Fcb->File.Root) {
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

/*
 * A file with a handle is never waited for: it may be one that is being renamed, by somebody who
 * waits for ours.
 *
 * => STATUS_RETRY: nobody has it open, but the cache or a section may have something of it, and is
 *    to let go of that first.  STATUS_SUCCESS: nobody has a page of it, nor can get one.
 */
static NTSTATUS FatpMayReplaceKnown(PFAT_REQUEST Request, PFAT_FCB Known)
{
    if (Known->Handles != 0 || Known->Paging) {
        return STATUS_ACCESS_DENIED;
    }
    if (Request->Held != Known) {
        Request->LetGo = TRUE;
        Request->Busy = Known;
        Known->References++;
        return STATUS_RETRY;
    }
    return !FatHasSection(Known) && NT_SUCCESS(FatMayDelete(Known)) ? STATUS_SUCCESS
                                                                    : STATUS_ACCESS_DENIED;
}

static NTSTATUS FatpReplace(PFAT_REQUEST Request, const char *Path)
{
    PFAT_VCB Vcb = Request->Vcb;
    PFAT_FCB Known;
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
    if (There.Attributes & (FAT_ATTRIBUTE_DIRECTORY | FAT_ATTRIBUTE_READ_ONLY)) {
        return STATUS_ACCESS_DENIED;
    }
    Known = FatFindFcb(Vcb, &There);
    Status = Known == NULL ? STATUS_SUCCESS : FatpMayReplaceKnown(Request, Known);
    if (NT_SUCCESS(Status)) {
        Status = FatPrepareReplace(Vcb->Volume, Request->Fcb->Path, Path);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return Known == NULL ? FatDelete(Vcb->Volume, Path) : FatDeleteOpenFile(Vcb, Known);
}

/*
 * Find the file again, under Path or its old one.  A rename that failed may happen all the same,
 * before the volume is changed again: until the file is found it keeps both paths.  It keeps its
 * clusters all the while, and its pages are read and written.
 *
 * => Path is the file's, or gone.
 */
static void FatpFollow(PFAT_VCB Vcb, PFAT_FCB Fcb, char *Path, BOOLEAN Renamed)
{
    Fcb->OtherPath = Renamed ? Fcb->Path : Path;
    Fcb->Path = Renamed ? Path : Fcb->Path;
    Fcb->Lost = TRUE;
    (void)FatUseFcb(Vcb, Fcb); /* or when it is used next */
}

NTSTATUS FatFsdRename(PFAT_REQUEST Request)
{
    PFAT_VCB Vcb = Request->Vcb;
    PFAT_FCB Fcb = Request->Fcb;
    char *Path;
    NTSTATUS Status = FatpMayRename(Vcb, Fcb);

    MI_ASSERT(Fcb->Handles != 0); /* so that no other rename waits for it */
    if (NT_SUCCESS(Status)) {
        Status = FatpNewPath(Request, &Path);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = FatpReplace(Request, Path);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Path, FAT_FSD_TAG);
        return Status;
    }
    Status = FatRename(Vcb->Volume, Fcb->Path, Path);
    FatpFollow(Vcb, Fcb, Path, NT_SUCCESS(Status));
    return Status;
}
