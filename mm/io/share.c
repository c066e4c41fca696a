/* SPDX-License-Identifier: MIT */
/*
 * share.c - who may open a file that is open already.
 *
 * SHARE_ACCESS counts the openings that read, write or delete, and those that let others do so.  An
 * opening that does none of these (to look at attributes) is not counted and never refused.
 *
 *     refused when it wants to         and not all openings share it
 *     or when it does not share        what some opening does
 *
 * Invariant: Readers, Writers, Deleters and the Shared counts are each at most OpenCount.
 *
 * Locking: the file system's.
 */
#include "mm/io/io_i.h"

static void IopNoteAccess(ACCESS_MASK Desired, ULONG Share, PFILE_OBJECT File)
{
    BOOLEAN Any;

    File->ReadAccess = (Desired & (FILE_READ_DATA | FILE_EXECUTE)) != 0;
    File->WriteAccess = (Desired & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    File->DeleteAccess = (Desired & DELETE) != 0;
    Any = File->ReadAccess || File->WriteAccess || File->DeleteAccess;
    File->SharedRead = Any && (Share & FILE_SHARE_READ) != 0;
    File->SharedWrite = Any && (Share & FILE_SHARE_WRITE) != 0;
    File->SharedDelete = Any && (Share & FILE_SHARE_DELETE) != 0;
}

static BOOLEAN IopIsCounted(const FILE_OBJECT *File)
{
    return File->ReadAccess || File->WriteAccess || File->DeleteAccess;
}

static void IopAddToShare(const FILE_OBJECT *File, PSHARE_ACCESS Share, ULONG Sign)
{
    Share->OpenCount += Sign;
    Share->Readers += Sign * File->ReadAccess;
    Share->Writers += Sign * File->WriteAccess;
    Share->Deleters += Sign * File->DeleteAccess;
    Share->SharedRead += Sign * File->SharedRead;
    Share->SharedWrite += Sign * File->SharedWrite;
    Share->SharedDelete += Sign * File->SharedDelete;
    MI_ASSERT(Share->Readers <= Share->OpenCount && Share->Writers <= Share->OpenCount &&
              Share->Deleters <= Share->OpenCount && Share->SharedRead <= Share->OpenCount &&
              Share->SharedWrite <= Share->OpenCount && Share->SharedDelete <= Share->OpenCount);
}

static BOOLEAN IopConflicts(const FILE_OBJECT *File, const SHARE_ACCESS *Share)
{
    return (File->ReadAccess && Share->SharedRead < Share->OpenCount) ||
           (File->WriteAccess && Share->SharedWrite < Share->OpenCount) ||
           (File->DeleteAccess && Share->SharedDelete < Share->OpenCount) ||
           (Share->Readers != 0 && !File->SharedRead) ||
           (Share->Writers != 0 && !File->SharedWrite) ||
           (Share->Deleters != 0 && !File->SharedDelete);
}

NTSTATUS NTAPI IoCheckShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                                  PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess,
                                  BOOLEAN Update)
{
    IopNoteAccess(DesiredAccess, DesiredShareAccess, FileObject);
    if (!IopIsCounted(FileObject)) {
        return STATUS_SUCCESS;
    }
    if (IopConflicts(FileObject, ShareAccess)) {
        return STATUS_SHARING_VIOLATION;
    }
    if (Update) {
        IopAddToShare(FileObject, ShareAccess, 1);
    }
    return STATUS_SUCCESS;
}

void NTAPI IoSetShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                            PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    memset(ShareAccess, 0, sizeof(*ShareAccess));
    IopNoteAccess(DesiredAccess, DesiredShareAccess, FileObject);
    IoUpdateShareAccess(FileObject, ShareAccess);
}

void NTAPI IoUpdateShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    if (IopIsCounted(FileObject)) {
        IopAddToShare(FileObject, ShareAccess, 1);
    }
}

void NTAPI IoRemoveShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    if (IopIsCounted(FileObject)) {
        IopAddToShare(FileObject, ShareAccess, (ULONG)-1);
    }
}
