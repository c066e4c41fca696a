/* SPDX-License-Identifier: MIT */
/*
 * fsd_information.c - IRP_MJ_QUERY_INFORMATION and IRP_MJ_SET_INFORMATION.
 *
 *     class                          query   set
 *     FileBasicInformation           yes     attributes (0: stay), times (0: stays; -1: stays, and
 *                                            what this opening does leaves it alone from now on)
 *     FileStandardInformation        yes
 *     FileInternalInformation        yes
 *     FileEaInformation              0
 *     FileNameInformation            yes, as it was opened
 *     FilePositionInformation        yes     yes
 *     FileNetworkOpenInformation     yes
 *     FileEndOfFileInformation               yes
 *     FileAllocationInformation              below the end it cuts the file; else it is a hint
 *     FileValidDataLengthInformation         STATUS_INVALID_PARAMETER: FAT keeps none
 *     FileDispositionInformation             yes
 *     FileRenameInformation                  fsd_rename.c
 *
 * A time that is left alone says nothing of the archive attribute: who writes sets it all the same.
 *
 * Source: learn.microsoft.com/windows-hardware/drivers/ddi/wdm, ns-wdm-_file_basic_information.
 *
 * Others are STATUS_INVALID_INFO_CLASS.  The system buffer holds the information.
 *
 * Locking: the file's resources, shared to query and exclusive to set; the volume's mutex.
 */
#include "disk/fat/fsd_i.h"

static ULONG FatpNtAttributes(UCHAR Attributes)
{
    ULONG Shown =
        Attributes & (FAT_ATTRIBUTE_READ_ONLY | FAT_ATTRIBUTE_HIDDEN | FAT_ATTRIBUTE_SYSTEM |
                      FAT_ATTRIBUTE_DIRECTORY | FAT_ATTRIBUTE_ARCHIVE); /* the same bits */

    return Shown != 0 ? Shown : FILE_ATTRIBUTE_NORMAL;
}

static LONGLONG FatpAllocation(const FAT_FILE *File)
{
    return (LONGLONG)((ULONG64)File->Clusters * File->Volume->ClusterBytes);
}

/* ---- query ---- */

static NTSTATUS FatpQueryBasic(PFAT_REQUEST Request, PFILE_BASIC_INFORMATION Basic)
{
    FAT_TIMES Times;
    NTSTATUS Status = FatQueryTimes(&Request->Fcb->File, &Times);

    if (NT_SUCCESS(Status)) {
        Basic->CreationTime =
            FatTimeOf(Times.CreationDate, Times.CreationTime, Times.CreationTenths);
        Basic->LastAccessTime = FatTimeOf(Times.AccessDate, 0, 0);
        Basic->LastWriteTime = FatTimeOf(Times.WriteDate, Times.WriteTime, 0);
        Basic->FileAttributes = FatpNtAttributes(Request->Fcb->File.Attributes);
        Request->Information = sizeof(*Basic);
    }
    return Status;
}

static NTSTATUS FatpQueryStandard(PFAT_REQUEST Request, PFILE_STANDARD_INFORMATION Standard)
{
    PFAT_FCB Fcb = Request->Fcb;

    Standard->NumberOfLinks = 1;
    Standard->DeletePending = Fcb->DeletePending;
    Standard->Directory = FatIsDirectory(Fcb);
    if (!Standard->Directory) {
        Standard->AllocationSize.QuadPart = FatpAllocation(&Fcb->File);
        Standard->EndOfFile.QuadPart = FatBytesOf(Fcb);
    }
    Request->Information = sizeof(*Standard);
    return STATUS_SUCCESS;
}

static NTSTATUS FatpQueryNetworkOpen(PFAT_REQUEST Request, PFILE_NETWORK_OPEN_INFORMATION Open)
{
    FILE_STANDARD_INFORMATION Standard = {.NumberOfLinks = 0};
    FILE_BASIC_INFORMATION Basic = {.FileAttributes = 0};
    NTSTATUS Status = FatpQueryBasic(Request, &Basic);

    (void)FatpQueryStandard(Request, &Standard);
    *Open = (FILE_NETWORK_OPEN_INFORMATION){
        .CreationTime = Basic.CreationTime,
        .LastAccessTime = Basic.LastAccessTime,
        .LastWriteTime = Basic.LastWriteTime,
        .AllocationSize = Standard.AllocationSize,
        .EndOfFile = Standard.EndOfFile,
        .FileAttributes = Basic.FileAttributes,
    };
    Request->Information = sizeof(*Open);
    return Status;
}

/* As much as fits; STATUS_BUFFER_OVERFLOW says that there is more. */
static NTSTATUS FatpQueryName(PFAT_REQUEST Request, PFILE_NAME_INFORMATION Name, ULONG Length)
{
    const ULONG Head = offsetof(FILE_NAME_INFORMATION, FileName);
    const char *Path = Request->Fcb->Path;
    ULONG Bytes;
    ULONG Copied;

    (void)RtlUTF8ToUnicodeN(NULL, 0, &Bytes, Path, (ULONG)strlen(Path));
    Name->FileNameLength = Bytes;
    (void)RtlUTF8ToUnicodeN(Name->FileName, Length - Head, &Copied, Path, (ULONG)strlen(Path));
    Request->Information = Head + Copied;
    return Copied == Bytes ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

/* The least that the buffer must hold; 0: no such class. */
static ULONG FatpQueryBytes(FILE_INFORMATION_CLASS Class)
{
    switch ((ULONG)Class) {
    case FileBasicInformation:
        return sizeof(FILE_BASIC_INFORMATION);
    case FileStandardInformation:
        return sizeof(FILE_STANDARD_INFORMATION);
    case FileInternalInformation:
        return sizeof(LARGE_INTEGER);
    case FileEaInformation:
        return sizeof(ULONG);
    case FileNameInformation:
        return sizeof(FILE_NAME_INFORMATION);
    case FilePositionInformation:
        return sizeof(FILE_POSITION_INFORMATION);
    case FileNetworkOpenInformation:
        return sizeof(FILE_NETWORK_OPEN_INFORMATION);
    default:
        return 0;
    }
}

static NTSTATUS FatpQueryClass(PFAT_REQUEST Request, FILE_INFORMATION_CLASS Class, PVOID Buffer)
{
    switch ((ULONG)Class) {
    case FileBasicInformation:
        return FatpQueryBasic(Request, Buffer);
    case FileStandardInformation:
        return FatpQueryStandard(Request, Buffer);
    case FileInternalInformation: /* where the entry stands is what the file is */
        ((PLARGE_INTEGER)Buffer)->QuadPart =
            (LONGLONG)(Request->Fcb->File.Location.Sector * Request->Vcb->Disk->SectorBytes +
                       Request->Fcb->File.Location.Offset);
        Request->Information = sizeof(LARGE_INTEGER);
        return STATUS_SUCCESS;
    case FileEaInformation:
        *(PULONG)Buffer = 0;
        Request->Information = sizeof(ULONG);
        return STATUS_SUCCESS;
    case FileNameInformation:
        return FatpQueryName(Request, Buffer, Request->Stack->Parameters.QueryFile.Length);
    case FilePositionInformation:
        ((PFILE_POSITION_INFORMATION)Buffer)->CurrentByteOffset =
            Request->FileObject->CurrentByteOffset;
        Request->Information = sizeof(FILE_POSITION_INFORMATION);
        return STATUS_SUCCESS;
    default:
        return FatpQueryNetworkOpen(Request, Buffer);
    }
}

NTSTATUS FatQueryFast(PFAT_REQUEST Request, FILE_INFORMATION_CLASS Class, PVOID Buffer)
{
    return Class == FileBasicInformation ? FatpQueryBasic(Request, Buffer)
                                         : FatpQueryStandard(Request, Buffer);
}

NTSTATUS FatFsdQueryInformation(PFAT_REQUEST Request)
{
    FILE_INFORMATION_CLASS Class = Request->Stack->Parameters.QueryFile.FileInformationClass;
    ULONG Bytes = FatpQueryBytes(Class);
    NTSTATUS Status;

    if (Bytes == 0) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (Request->Stack->Parameters.QueryFile.Length < Bytes) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    Status = FatUseFcb(Request->Vcb, Request->Fcb);
    if (NT_SUCCESS(Status) && !FatIsDirectory(Request->Fcb)) {
        Status = FatRefresh(&Request->Fcb->File);
    }
    return NT_SUCCESS(Status)
               ? FatpQueryClass(Request, Class, Request->Irp->AssociatedIrp.SystemBuffer)
               : Status;
}

/* ---- set ---- */

/* => 0 and -1 leave it.  FALSE: FAT has no such date. */
static BOOLEAN FatpTakeTime(LARGE_INTEGER Time, PUSHORT Date, PUSHORT DosTime, PUCHAR Hundredths)
{
    return Time.QuadPart == 0 || Time.QuadPart == -1 ||
           FatDosTimeOf(Time, Date, DosTime, Hundredths);
}

/* With -1 nothing that this opening does changes a time any more, until the user sets it. */
static void FatpKeepTime(PFAT_REQUEST Request, LARGE_INTEGER Time, UCHAR Which)
{
    if (Time.QuadPart != 0) {
        Request->Ccb->Keeps &= (UCHAR)~Which;
        Request->Ccb->Keeps |= Time.QuadPart == -1 ? Which : 0;
    }
}

static void FatpKeepTimes(PFAT_REQUEST Request, const FILE_BASIC_INFORMATION *Basic)
{
    LARGE_INTEGER Time;

    FatpKeepTime(Request, Basic->LastAccessTime, FAT_KEEP_ACCESS);
    FatpKeepTime(Request, Basic->LastWriteTime, FAT_KEEP_WRITE);
    if (Basic->LastWriteTime.QuadPart != 0) {
        /* what this opening has written, and what waits in memory, does not change it any more */
        Request->Ccb->Modified = FALSE;
        FatNoteCopied(Request->Fcb, TRUE);
        (void)FatTakeViewTime(Request->Fcb, &Time);
    }
}

static NTSTATUS FatpSetBasic(PFAT_REQUEST Request, const FILE_BASIC_INFORMATION *Basic)
{
    PFAT_FILE File = &Request->Fcb->File;
    UCHAR Attributes = File->Attributes;
    FAT_TIMES Times = {.CreationTenths = 0};
    USHORT Time;
    UCHAR Rest;
    NTSTATUS Status;

    if (File->Root) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Request->Ccb->Modified) {
        Attributes |= FAT_ATTRIBUTE_ARCHIVE; /* its time may not tell, that does */
    }
    if (Basic->FileAttributes != 0) {
        Attributes = (UCHAR)Basic->FileAttributes;
        if (((Attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) && !FatIsDirectory(Request->Fcb)) {
            return STATUS_INVALID_PARAMETER;
        }
    }
    Status = FatQueryTimes(File, &Times);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (!FatpTakeTime(Basic->CreationTime, &Times.CreationDate, &Times.CreationTime,
                      &Times.CreationTenths) ||
        !FatpTakeTime(Basic->LastAccessTime, &Times.AccessDate, &Time, &Rest) ||
        !FatpTakeTime(Basic->LastWriteTime, &Times.WriteDate, &Times.WriteTime, &Rest)) {
        return STATUS_INVALID_PARAMETER;
    }
    Status = FatSetTimes(File, &Times, Attributes);
    if (NT_SUCCESS(Status)) {
        FatpKeepTimes(Request, Basic);
    }
    return Status;
}

static NTSTATUS FatpSetEnd(PFAT_REQUEST Request, LONGLONG Bytes)
{
    PFAT_FCB Fcb = Request->Fcb;
    BOOLEAN Changes = Bytes != FatBytesOf(Fcb);
    NTSTATUS Status = STATUS_SUCCESS;

    if (FatIsDirectory(Fcb)) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (Fcb->Paging) {
        return STATUS_ACCESS_DENIED;
    }
    if (Bytes < 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Bytes > 0xFFFFFFFFLL) {
        return STATUS_DISK_FULL;
    }
    if (Bytes < FatBytesOf(Fcb)) {
        Status = FatMayCut(Fcb, (ULONG)Bytes);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatChangeSize(Fcb, (ULONG)Bytes);
    }
    if (NT_SUCCESS(Status) && Changes) {
        Request->FileObject->Flags |= FO_FILE_SIZE_CHANGED;
        Request->Ccb->Modified |= Fcb->Lags; /* else its entry tells by now */
    }
    return Status;
}

static NTSTATUS FatpSetAllocation(PFAT_REQUEST Request, LONGLONG Bytes)
{
    if (FatIsDirectory(Request->Fcb) || Bytes < 0 || Bytes < FatBytesOf(Request->Fcb)) {
        return FatpSetEnd(Request, Bytes);
    }
    return Bytes > 0xFFFFFFFFLL ? STATUS_DISK_FULL : STATUS_SUCCESS;
}

static NTSTATUS FatpSetDisposition(PFAT_REQUEST Request, BOOLEAN Delete)
{
    PFAT_FCB Fcb = Request->Fcb;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Delete) {
        if (Fcb->File.Root || Fcb->Paging || (Fcb->File.Attributes & FAT_ATTRIBUTE_READ_ONLY)) {
            return STATUS_CANNOT_DELETE;
        }
        Status = FatIsDirectory(Fcb) ? FatIsDirectoryEmpty(&Fcb->File) : FatMayDelete(Fcb);
    }
    if (NT_SUCCESS(Status)) {
        Fcb->DeletePending = Delete;
        Request->FileObject->DeletePending = Delete;
    }
    return Status;
}

static ULONG FatpSetBytes(FILE_INFORMATION_CLASS Class)
{
    switch ((ULONG)Class) {
    case FileBasicInformation:
        return sizeof(FILE_BASIC_INFORMATION);
    case FilePositionInformation:
    case FileEndOfFileInformation:
    case FileAllocationInformation:
    case FileValidDataLengthInformation:
        return sizeof(LARGE_INTEGER); /* each is one */
    case FileDispositionInformation:
        return sizeof(FILE_DISPOSITION_INFORMATION);
    case FileRenameInformation:
        return sizeof(FILE_RENAME_INFORMATION);
    default:
        return 0;
    }
}

static NTSTATUS FatpSetClass(PFAT_REQUEST Request, FILE_INFORMATION_CLASS Class, PVOID Buffer)
{
    LONGLONG Number;

    switch ((ULONG)Class) {
    case FileBasicInformation:
        return FatpSetBasic(Request, Buffer);
    case FileDispositionInformation:
        return FatpSetDisposition(Request, ((PFILE_DISPOSITION_INFORMATION)Buffer)->DeleteFile);
    case FileRenameInformation:
        return FatFsdRename(Request);
    case FileValidDataLengthInformation:
        return STATUS_INVALID_PARAMETER;
    default:
        break;
    }
    Number = ((PLARGE_INTEGER)Buffer)->QuadPart;
    if (Class == FileEndOfFileInformation) {
        return FatpSetEnd(Request, Number);
    }
    if (Class == FileAllocationInformation) {
        return FatpSetAllocation(Request, Number);
    }
    if (Number < 0) {
        return STATUS_INVALID_PARAMETER;
    }
    Request->FileObject->CurrentByteOffset.QuadPart = Number;
    return STATUS_SUCCESS;
}

NTSTATUS FatFsdSetInformation(PFAT_REQUEST Request)
{
    FILE_INFORMATION_CLASS Class = Request->Stack->Parameters.SetFile.FileInformationClass;
    ULONG Bytes = FatpSetBytes(Class);
    NTSTATUS Status;

    if (Bytes == 0) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (Request->Stack->Parameters.SetFile.Length < Bytes) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    Status = FatUseFcb(Request->Vcb, Request->Fcb);
    if (NT_SUCCESS(Status) && !FatIsDirectory(Request->Fcb)) {
        Status = FatRefresh(&Request->Fcb->File);
    }
    return NT_SUCCESS(Status)
               ? FatpSetClass(Request, Class, Request->Irp->AssociatedIrp.SystemBuffer)
               : Status;
}
