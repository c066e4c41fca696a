/* SPDX-License-Identifier: MIT */
/*
 * storage_run.c - writes a plan's files through the I/O manager, reads them back, changes them.
 *
 * Every call is counted by its status and timed.  A file on which one failed is doubtful from then
 * on: nobody can say what it has to be.  All others have to be as planned to the last byte,
 * whatever happened around them.
 *
 *     from        to          when
 *     absent      good        it was created and written, all calls succeeded
 *     absent      doubtful    one of them failed
 *     good        absent      it was deleted
 *     good        doubtful    a change failed
 *
 * When the device has gone nothing succeeds any more: after MIP_IN_A_ROW failures the run ends.
 *
 * Locking: none; one thread.
 */
#include "storage_run.h"

#include "arch/cpu.h"
#include "ex.h"
#include "mm.h"
#include "mm/inspect/storage_pages.h"
#include "mm/inspect/storage_plan.h"
#include "report.h"
#include "rtl.h"

#define MIP_TAG           0x72745353u /* 'SStr' */
#define MIP_PIECE         131072u     /* bytes that one call moves at most */
#define MIP_IN_A_ROW      40u
#define MIP_LIMIT_SECONDS 30u /* for one call, however it ends */
#define MIP_DEFAULT_MB    64u
#define MIP_MOST_MB       1024u
#define MIP_STATUSES      16u

typedef enum _MIP_STATE {
    MipAbsent,
    MipGood,
    MipDoubtful
} MIP_STATE;

typedef struct _MIP_RUN {
    MI_STORAGE_PLAN Plan;
    PDEVICE_OBJECT Volume;
    BOOLEAN Errors;  /* failures are expected */
    BOOLEAN Changed; /* files are as after their changes */
    PUCHAR Piece;    /* MIP_PIECE bytes, twice: what moves, what it has to be */
    PUCHAR Expected;
    PUCHAR States;   /* MIP_STATE by file */
    ULONG64 Start;   /* of the call that is being made */
    ULONG64 Longest; /* cycles of one */
    ULONG Failures;
    ULONG InARow;       /* failures since the last success */
    BOOLEAN Gone;       /* there were too many of them: the rest is not tried */
    ULONG Unexplained;  /* failures with a status that names none of the device's */
    ULONG Written;      /* files from 0 on whose turn to be written, */
    ULONG ChangedFiles; /* or to be changed, has come */
    ULONG Wrong;        /* files, and names, that are not as they have to be */
    ULONG Files;        /* that were looked at */
    ULONG64 Bytes;      /* written or read and compared */
    ULONG StatusCount;
    struct {
        NTSTATUS Status;
        ULONG Count;
    } Statuses[MIP_STATUSES];
    char Path[MI_STORAGE_NAME_BYTES];
    char NewPath[MI_STORAGE_NAME_BYTES];
    IO_DIRECTORY_ENTRY Entry;
} MIP_RUN, *PMIP_RUN;

/* ---- counting ---- */

static void MipBegin(PMIP_RUN Run)
{
    Run->Start = KeReadCycleCounter();
}

/* What a device can answer, and what follows from a folder or file that could not be made. */
static BOOLEAN MipExplained(NTSTATUS Status)
{
    static const NTSTATUS Known[] = {
        STATUS_IO_DEVICE_ERROR,
        STATUS_IO_TIMEOUT,
        STATUS_NO_SUCH_DEVICE,
        STATUS_DEVICE_NOT_CONNECTED,
        STATUS_CRC_ERROR,
        STATUS_OBJECT_PATH_NOT_FOUND,
        STATUS_OBJECT_NAME_NOT_FOUND,
        STATUS_OBJECT_NAME_COLLISION,
    };
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Known); i++) {
        if (Status == Known[i]) {
            return TRUE;
        }
    }
    return FALSE;
}

static void MipCountStatus(PMIP_RUN Run, NTSTATUS Status)
{
    ULONG i;

    for (i = 0; i < Run->StatusCount && Run->Statuses[i].Status != Status; i++) {
    }
    if (i < MIP_STATUSES) {
        Run->Statuses[i].Status = Status;
        Run->Statuses[i].Count++;
        Run->StatusCount = i == Run->StatusCount ? i + 1 : Run->StatusCount;
    }
}

/* The call that MipBegin announced has returned.  => Returns whether it succeeded. */
static BOOLEAN MipEnd(PMIP_RUN Run, NTSTATUS Status)
{
    ULONG64 Cycles = KeReadCycleCounter() - Run->Start;

    Run->Longest = Cycles > Run->Longest ? Cycles : Run->Longest;
    if (NT_SUCCESS(Status)) {
        Run->InARow = 0;
        return TRUE;
    }
    Run->Failures++;
    Run->InARow++;
    Run->Unexplained += !MipExplained(Status);
    Run->Gone = Run->Gone || Run->InARow >= MIP_IN_A_ROW;
    MipCountStatus(Run, Status);
    return FALSE;
}

/* ---- one file ---- */

/* Past the cache: what a call says is what the device said. */
static BOOLEAN MipOpen(PMIP_RUN Run, PCSTR Path, ACCESS_MASK Access, ULONG Disposition,
                       ULONG Options, PFILE_OBJECT *File)
{
    if ((Options & FILE_DIRECTORY_FILE) == 0) {
        Options |= FILE_NO_INTERMEDIATE_BUFFERING;
    }
    MipBegin(Run);
    return MipEnd(Run, IoOpenFile(Run->Volume, Path, Access, Disposition, Options, File));
}

/* Write what the plan has there, in pieces of many sizes. */
static BOOLEAN MipWrite(PMIP_RUN Run, PFILE_OBJECT File, ULONG Number, ULONG Version, ULONG Offset,
                        ULONG Bytes)
{
    ULONG End = Offset + Bytes;

    while (Offset < End) {
        ULONG Piece = MiStoragePiece(&Run->Plan, Number, Offset, Version, MIP_PIECE);

        Piece = Piece < End - Offset ? Piece : End - Offset;
        MiStorageContents(&Run->Plan, Number, Version, Offset, Run->Piece, Piece);
        MipBegin(Run);
        if (!MipEnd(Run, IoWriteFile(File, Offset, Run->Piece, Piece))) {
            return FALSE;
        }
        Run->Bytes += Piece;
        Offset += Piece;
    }
    return TRUE;
}

static BOOLEAN MipCreateFile(PMIP_RUN Run, const MI_STORAGE_FILE *Planned)
{
    PFILE_OBJECT File;
    BOOLEAN Good;

    MiStoragePath(&Run->Plan, Planned->Number, FALSE, Run->Path);
    if (!MipOpen(Run, Run->Path, FILE_GENERIC_WRITE, FILE_CREATE, FILE_NON_DIRECTORY_FILE, &File)) {
        return FALSE;
    }
    Good = MipWrite(Run, File, Planned->Number, 0, 0, Planned->Bytes);
    IoCloseFile(File);
    return Good;
}

/* => FALSE: a byte is not as it has to be.  A read that fails shows nothing. */
static BOOLEAN MipCompare(PMIP_RUN Run, PFILE_OBJECT File, const MI_STORAGE_FILE *Planned,
                          ULONG Bytes)
{
    ULONG Offset = 0;
    ULONG Done;

    while (Offset < Bytes) {
        ULONG Piece = MiStoragePiece(&Run->Plan, Planned->Number, Offset, 2, MIP_PIECE);

        Piece = Piece < Bytes - Offset ? Piece : Bytes - Offset;
        memset(Run->Piece, 0xA5, Piece);
        MipBegin(Run);
        if (!MipEnd(Run, IoReadFile(File, Offset, Run->Piece, Piece, &Done))) {
            return TRUE;
        }
        MiStorageExpected(&Run->Plan, Planned, Run->Changed, Offset, Run->Expected, Piece);
        if (Done != Piece || memcmp(Run->Piece, Run->Expected, Piece) != 0) {
            return FALSE;
        }
        Run->Bytes += Piece;
        Offset += Piece;
    }
    return TRUE;
}

/* => FALSE: it is not as it has to be, or not there. */
static BOOLEAN MipReadFile(PMIP_RUN Run, const MI_STORAGE_FILE *Planned)
{
    ULONG Bytes = Run->Changed ? Planned->FinalBytes : Planned->Bytes;
    BOOLEAN Renamed = Run->Changed && Planned->Change == MiStorageRename;
    PFILE_OBJECT File;
    NTSTATUS Status;
    ULONG64 Size;
    BOOLEAN Good = TRUE;

    MiStoragePath(&Run->Plan, Planned->Number, Renamed, Run->Path);
    MipBegin(Run);
    Status = IoOpenFile(Run->Volume, Run->Path, FILE_GENERIC_READ, FILE_OPEN,
                        FILE_NON_DIRECTORY_FILE | FILE_NO_INTERMEDIATE_BUFFERING, &File);
    if (!MipEnd(Run, Status)) { /* an error of the device shows nothing about the file */
        return Status == STATUS_IO_DEVICE_ERROR || Status == STATUS_IO_TIMEOUT ||
               Status == STATUS_NO_SUCH_DEVICE || Status == STATUS_DEVICE_NOT_CONNECTED;
    }
    MipBegin(Run);
    if (MipEnd(Run, IoQueryFileSize(File, &Size))) {
        Good = Size == Bytes && MipCompare(Run, File, Planned, Bytes);
    }
    IoCloseFile(File);
    Run->Files++;
    return Good;
}

static BOOLEAN MipDeletePath(PMIP_RUN Run, PCSTR Path)
{
    MipBegin(Run);
    return MipEnd(Run, IoDeleteFile(Run->Volume, Path));
}

static BOOLEAN MipChangeOpened(PMIP_RUN Run, PFILE_OBJECT File, const MI_STORAGE_FILE *Planned)
{
    switch (Planned->Change) {
    case MiStorageRename:
        MiStoragePath(&Run->Plan, Planned->Number, TRUE, Run->NewPath);
        MipBegin(Run);
        return MipEnd(Run, IoRenameFile(File, Run->NewPath, FALSE));
    case MiStorageCut:
    case MiStorageStretch:
        MipBegin(Run);
        return MipEnd(Run, IoSetFileSize(File, Planned->FinalBytes));
    case MiStorageAppend:
    case MiStorageReplace:
        return MipWrite(Run, File, Planned->Number, 1, Planned->ChangeAt, Planned->ChangeBytes);
    case MiStorageDelete:
    case MiStorageKeep:
        break;
    }
    return TRUE;
}

static BOOLEAN MipChangeFile(PMIP_RUN Run, const MI_STORAGE_FILE *Planned)
{
    ACCESS_MASK Access =
        Planned->Change == MiStorageRename ? DELETE : FILE_GENERIC_READ | FILE_GENERIC_WRITE;
    PFILE_OBJECT File;
    BOOLEAN Good;

    if (Planned->Change == MiStorageKeep) {
        return TRUE;
    }
    MiStoragePath(&Run->Plan, Planned->Number, FALSE, Run->Path);
    if (Planned->Change == MiStorageDelete) {
        return MipDeletePath(Run, Run->Path);
    }
    if (!MipOpen(Run, Run->Path, Access, FILE_OPEN, FILE_NON_DIRECTORY_FILE, &File)) {
        return FALSE;
    }
    Good = MipChangeOpened(Run, File, Planned);
    IoCloseFile(File);
    return Good;
}

/* ---- all files ---- */

/* A part of the run ends: nothing failed that must not, and nothing is wrong. */
static BOOLEAN MipPassed(const MIP_RUN *Run, ULONG FailuresBefore)
{
    return Run->Wrong == 0 &&
           (Run->Errors ? Run->Unexplained == 0 : Run->Failures == FailuresBefore);
}

static void MipMakeFolders(PMIP_RUN Run)
{
    PFILE_OBJECT Folder;
    PCSTR Path;
    ULONG i;

    for (i = 0; (Path = MiStorageFolder(i)) != NULL; i++) {
        if (MipOpen(Run, Path, FILE_LIST_DIRECTORY, FILE_CREATE, FILE_DIRECTORY_FILE, &Folder)) {
            IoCloseFile(Folder);
        }
    }
}

static NT_PAGED void MipWriteFiles(PMIP_RUN Run)
{
    ULONG Before = Run->Failures;
    MI_STORAGE_FILE File;
    ULONG i;

    PAGED_CODE();
    Run->Bytes = 0;
    Run->Files = 0;
    MipMakeFolders(Run);
    for (i = 0; i < Run->Plan.Files && !Run->Gone; i++) {
        MiPlanStorageFile(&Run->Plan, i, &File);
        Run->States[i] = MipCreateFile(Run, &File) ? MipGood : MipDoubtful;
        Run->Files += Run->States[i] == MipGood;
    }
    Run->Written = i;
    KiReport(MipPassed(Run, Before) &&
                 (Run->Errors || (Run->Files == Run->Plan.Files && Run->Bytes == Run->Plan.Bytes)),
             "storage: %u of %u files written, %llu bytes; %u calls failed", Run->Files,
             Run->Plan.Files, (unsigned long long)Run->Bytes, Run->Failures - Before);
}

static NT_PAGED void MipReadFiles(PMIP_RUN Run, PCSTR When)
{
    ULONG Before = Run->Failures;
    MI_STORAGE_FILE File;
    ULONG Due = 0;
    ULONG i;

    PAGED_CODE();
    Run->Bytes = 0;
    Run->Files = 0;
    for (i = 0; i < Run->Plan.Files && !Run->Gone; i++) {
        MiPlanStorageFile(&Run->Plan, i, &File);
        if (Run->States[i] == MipGood) {
            Due++;
            if (!MipReadFile(Run, &File)) {
                Run->Wrong++;
                KiPrint("# storage: file %u is not as it has to be: %s\n", i, Run->Path);
            }
        }
    }
    KiReport(MipPassed(Run, Before) && (Run->Errors || Run->Files == Due),
             "storage: %u of %u files read %s, %llu bytes, %u wrong; %u calls failed", Run->Files,
             Due, When, (unsigned long long)Run->Bytes, Run->Wrong, Run->Failures - Before);
}

static NT_PAGED void MipChangeFiles(PMIP_RUN Run)
{
    ULONG Counts[MiStorageKeep + 1] = {0};
    ULONG Before = Run->Failures;
    MI_STORAGE_FILE File;
    ULONG i;

    PAGED_CODE();
    for (i = 0; i < Run->Plan.Files && !Run->Gone; i++) {
        MiPlanStorageFile(&Run->Plan, i, &File);
        if (Run->States[i] != MipGood) {
            continue;
        }
        if (!MipChangeFile(Run, &File)) {
            Run->States[i] = MipDoubtful;
            continue;
        }
        Counts[File.Change]++;
        Run->States[i] = File.Change == MiStorageDelete ? MipAbsent : MipGood;
    }
    Run->ChangedFiles = i;
    KiReport(MipPassed(Run, Before),
             "storage: %u files deleted, %u renamed, %u cut, %u appended to, %u stretched, "
             "%u written over; %u calls failed",
             Counts[MiStorageDelete], Counts[MiStorageRename], Counts[MiStorageCut],
             Counts[MiStorageAppend], Counts[MiStorageStretch], Counts[MiStorageReplace],
             Run->Failures - Before);
    Run->Changed = TRUE;
}

/* Enumerate a folder.  => Returns the number of names. */
static ULONG MipCountNames(PMIP_RUN Run, PCSTR Path)
{
    PFILE_OBJECT Folder;
    NTSTATUS Status;
    ULONG Count = 0;

    if (!MipOpen(Run, Path, FILE_LIST_DIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE, &Folder)) {
        return 0;
    }
    while (Count <= MI_STORAGE_MOST_FILES) {
        MipBegin(Run);
        Status = IoNextDirectoryEntry(Folder, Count == 0, &Run->Entry);
        if (Status == STATUS_NO_MORE_FILES || !MipEnd(Run, Status)) {
            break;
        }
        Count++;
    }
    IoCloseFile(Folder);
    return Count;
}

/* Flush through the root directory, then list everything: names must be there, and no others. */
static NT_PAGED void MipFlushAndList(PMIP_RUN Run)
{
    ULONG Before = Run->Failures;
    ULONG Due = 0;
    ULONG Found = 0;
    ULONG Doubtful = 0;
    PFILE_OBJECT Root;
    PCSTR Path;
    ULONG i;

    PAGED_CODE();
    if (MipOpen(Run, "\\", FILE_LIST_DIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE, &Root)) {
        MipBegin(Run);
        (void)MipEnd(Run, IoFlushFile(Root));
        IoCloseFile(Root);
    }
    for (i = 0; (Path = MiStorageFolder(i)) != NULL; i++) {
        Found += MipCountNames(Run, Path);
        Due += i != 0; /* the first one's own name is the root's */
    }
    for (i = 0; i < Run->Plan.Files; i++) {
        Due += Run->States[i] == MipGood;
        Doubtful += Run->States[i] == MipDoubtful;
    }
    KiReport(MipPassed(Run, Before) && (Run->Errors || Found == Due),
             "storage: flushed; %u names listed of %u, %u in doubt; %u calls failed", Found, Due,
             Doubtful, Run->Failures - Before);
}

/* ---- the run ---- */

static NT_PAGED void MipPrintFigures(PMIP_RUN Run, const ULONG64 *RequestsBefore,
                                     ULONG64 FailuresBefore)
{
    PDISK_DEVICE Disk = IoGetDiskDevice(Run->Volume);
    ULONG Milliseconds = (ULONG)(Run->Longest / (KeQueryCycleFrequency() / 1000 + 1));
    ULONG i;

    PAGED_CODE();
    for (i = 0; i < Run->Plan.Files; i++) {
        if (Run->States[i] == MipDoubtful) {
            KiPrint("# storage: doubtful %u\n", i);
        }
    }
    KiPrint("# storage: reached %u %u\n", Run->Written, Run->ChangedFiles);
    for (i = 0; i < Run->StatusCount; i++) {
        KiPrint("# storage: status %08x %u times\n", (ULONG)Run->Statuses[i].Status,
                Run->Statuses[i].Count);
    }
    KiPrint("# storage: %llu reads, %llu writes, %llu flushes, %llu failed requests\n",
            (unsigned long long)(Disk->RequestCounts[DiskRead] - RequestsBefore[DiskRead]),
            (unsigned long long)(Disk->RequestCounts[DiskWrite] - RequestsBefore[DiskWrite]),
            (unsigned long long)(Disk->RequestCounts[DiskFlush] - RequestsBefore[DiskFlush]),
            (unsigned long long)(Disk->Failures - FailuresBefore));
    KiReport(Milliseconds < MIP_LIMIT_SECONDS * 1000,
             "storage: no call took longer than %u ms; seed %u%s", Milliseconds, Run->Plan.Seed,
             Run->Gone ? "; the rest was not tried, nothing works any more" : "");
}

static NT_PAGED void MipRunPlan(PMIP_RUN Run)
{
    PDISK_DEVICE Disk = IoGetDiskDevice(Run->Volume);
    ULONG64 Requests[RTL_NUMBER_OF(Disk->RequestCounts)];
    ULONG64 Failures = Disk->Failures;

    PAGED_CODE();
    memcpy(Requests, Disk->RequestCounts, sizeof(Requests));
    MiPlanStorage(&Run->Plan);
    MipWriteFiles(Run);
    MipReadFiles(Run, "back");
    MipChangeFiles(Run);
    MipFlushAndList(Run);
    MipReadFiles(Run, "again");
    if (!Run->Errors) {
        MiRunStoragePages(Run->Volume);
    }
    MipPrintFigures(Run, Requests, Failures);
}

/* => FALSE: the options make no sense. */
static NT_PAGED BOOLEAN MipParse(PMIP_RUN Run, PCSTR Options)
{
    ULONG64 Values[2] = {MIP_DEFAULT_MB, 1};
    PCSTR End = Options + strlen(Options);
    ULONG Count = 0;

    PAGED_CODE();
    while (Options != End) {
        if (*Options++ != ':') {
            return FALSE;
        }
        if (Count == 0 && !Run->Errors && strncmp(Options, "errors", 6) == 0) {
            Run->Errors = TRUE;
            Options += 6;
        } else if (Count == RTL_NUMBER_OF(Values) ||
                   !NT_SUCCESS(RtlParseNumber(&Options, End, &Values[Count++]))) {
            return FALSE;
        }
    }
    if (Values[0] == 0 || Values[0] > MIP_MOST_MB) {
        return FALSE;
    }
    Run->Plan.Budget = (ULONG)Values[0] << 20;
    Run->Plan.Seed = (ULONG)Values[1];
    return TRUE;
}

void MiRunStorage(PDEVICE_OBJECT Volume, PCSTR Options)
{
    const SIZE_T Bytes =
        sizeof(MIP_RUN) + 2 * MIP_PIECE + MI_STORAGE_PATTERN + MI_STORAGE_MOST_FILES;
    PMIP_RUN Run;

    if (Volume == NULL) {
        KiReport(FALSE, "storage: there is no volume");
        return;
    }
    Run = ExAllocatePoolWithTag(NonPagedPool, Bytes, MIP_TAG);
    if (Run == NULL) {
        KiReport(FALSE, "storage: no memory for the run");
        return;
    }
    memset(Run, 0, Bytes);
    Run->Volume = Volume;
    Run->Piece = (PUCHAR)(Run + 1);
    Run->Expected = Run->Piece + MIP_PIECE;
    Run->Plan.Pattern = Run->Expected + MIP_PIECE;
    Run->States = Run->Plan.Pattern + MI_STORAGE_PATTERN;
    if (MipParse(Run, Options)) {
        MipRunPlan(Run);
    } else {
        KiReport(FALSE, "storage: \"%s\" is not [:errors][:<MB>[:<seed>]]", Options);
    }
    ExFreePoolWithTag(Run, MIP_TAG);
}
