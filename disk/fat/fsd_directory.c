/* SPDX-License-Identifier: MIT */
/*
 * fsd_directory.c - IRP_MJ_DIRECTORY_CONTROL: the entries of a directory, as many as fit.
 *
 * The first query of an opening fixes its pattern; "." and ".." come first where the directory is
 * not the root.  Entries that come or go between two queries are seen or not, the others once.
 *
 *     nothing matches at all        STATUS_NO_SUCH_FILE
 *     nothing is left               STATUS_NO_MORE_FILES
 *     the first does not fit        STATUS_BUFFER_OVERFLOW, its name is cut; it counts as given
 *
 * Locking: the volume's mutex.
 */
#include "disk/fat/fsd_i.h"

/* What is to be written for each entry. */
typedef struct _FATP_FORM {
    FILE_INFORMATION_CLASS Class;
    ULONG NameAt; /* offset of the name */
} FATP_FORM;

static const FATP_FORM FatpForms[] = {
    {FileDirectoryInformation, offsetof(FILE_DIRECTORY_INFORMATION, FileName)},
    {FileFullDirectoryInformation, offsetof(FILE_BOTH_DIR_INFORMATION, ShortNameLength)},
    {FileBothDirectoryInformation, offsetof(FILE_BOTH_DIR_INFORMATION, FileName)},
    {FileNamesInformation, offsetof(FILE_NAMES_INFORMATION, FileName)},
};

static const FATP_FORM *FatpFindForm(FILE_INFORMATION_CLASS Class)
{
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(FatpForms); Index++) {
        if (FatpForms[Index].Class == Class) {
            return &FatpForms[Index];
        }
    }
    return NULL;
}

/* ---- the next entry that matches ---- */

/* "." or "..": a name, and the directory's own attributes. */
static void FatpMakeDots(ULONG Dots, PFAT_ENTRY Entry)
{
    memset(Entry, 0, sizeof(*Entry));
    Entry->Attributes = FAT_ATTRIBUTE_DIRECTORY;
    Entry->Units = Dots + 1;
    Entry->Name[0] = u'.';
    Entry->Name[1] = Dots != 0 ? u'.' : 0;
    memset(Entry->ShortName, ' ', sizeof(Entry->ShortName));
    memset(Entry->ShortName, '.', Entry->Units);
}

static NTSTATUS FatpNextOfAll(PFAT_REQUEST Request, PFAT_ENTRY Entry)
{
    PFAT_CCB Ccb = Request->Ccb;

    if (Ccb->Dots < 2 && !Request->Fcb->File.Root) {
        FatpMakeDots(Ccb->Dots++, Entry);
        return STATUS_SUCCESS;
    }
    return FatEnumerate(&Request->Fcb->File, &Ccb->Position, Entry);
}

static BOOLEAN FatpMatches(const FAT_CCB *Ccb, const FAT_ENTRY *Entry)
{
    WCHAR Short[13];

    return Ccb->Pattern.Buffer == NULL ||
           FatMatchesPattern(Ccb->Pattern.Buffer, Ccb->Pattern.Length / 2u, Entry->Name,
                             Entry->Units) ||
           FatMatchesPattern(Ccb->Pattern.Buffer, Ccb->Pattern.Length / 2u, Short,
                             FatDecodeShortName(Entry->ShortName, 0, Short));
}

/* A file that is open may be longer than its entry says. */
static void FatpShowSize(PFAT_VCB Vcb, PFAT_ENTRY Entry)
{
    const FAT_FILE File = {.Location = Entry->Location};
    const FAT_FCB *Fcb = FatFindFcb(Vcb, &File);

    if (Fcb != NULL && !FatIsDirectory(Fcb)) {
        Entry->Bytes = FatBytesOf(Fcb);
    }
}

static NTSTATUS FatpNext(PFAT_REQUEST Request, PFAT_ENTRY Entry)
{
    NTSTATUS Status;

    do {
        Status = FatpNextOfAll(Request, Entry);
    } while (NT_SUCCESS(Status) && !FatpMatches(Request->Ccb, Entry));
    if (NT_SUCCESS(Status) && (Entry->Attributes & FAT_ATTRIBUTE_DIRECTORY) == 0) {
        FatpShowSize(Request->Vcb, Entry);
    }
    return Status;
}

/* ---- writing it ---- */

static void FatpWriteTimes(const FAT_TIMES *Times, PFILE_BOTH_DIR_INFORMATION Both)
{
    Both->CreationTime = FatTimeOf(Times->CreationDate, Times->CreationTime, Times->CreationTenths);
    Both->LastAccessTime = FatTimeOf(Times->AccessDate, 0, 0);
    Both->LastWriteTime = FatTimeOf(Times->WriteDate, Times->WriteTime, 0);
}

static void FatpWriteEntry(const FATP_FORM *Form, const FAT_ENTRY *Entry, PUCHAR To)
{
    PFILE_BOTH_DIR_INFORMATION Both = (PVOID)To;

    if (Form->Class == FileNamesInformation) {
        ((PFILE_NAMES_INFORMATION)(PVOID)To)->FileNameLength = 2 * Entry->Units;
        return;
    }
    FatpWriteTimes(&Entry->Times, Both); /* the same place in all three, as what follows */
    Both->EndOfFile.QuadPart = Entry->Attributes & FAT_ATTRIBUTE_DIRECTORY ? 0 : Entry->Bytes;
    Both->AllocationSize.QuadPart = Both->EndOfFile.QuadPart;
    Both->FileAttributes =
        Entry->Attributes & 0x37u ? Entry->Attributes & 0x37u : FILE_ATTRIBUTE_NORMAL;
    Both->FileNameLength = 2 * Entry->Units;
    if (Form->Class == FileBothDirectoryInformation) {
        WCHAR Short[13];
        ULONG Units = FatDecodeShortName(Entry->ShortName, 0, Short);

        if (!FatSameName(Short, Units, Entry->Name, Entry->Units)) {
            Both->ShortNameLength = (CCHAR)(2 * Units);
            memcpy(Both->ShortName, Short, 2 * Units);
        }
    }
}

/* The caller's buffer as it fills up. */
typedef struct _FATP_OUTPUT {
    const FATP_FORM *Form;
    ULONG Length;
    ULONG Used; /* behind the last name */
    ULONG Last; /* where the last entry begins */
    ULONG Count;
} FATP_OUTPUT;

/* => FALSE: it does not fit, and is not the first. */
static BOOLEAN FatpPutEntry(PFAT_REQUEST Request, FATP_OUTPUT *Output, const FAT_ENTRY *Entry,
                            NTSTATUS *Status)
{
    ULONG At = ROUND_UP(Output->Used, 8u);
    ULONG Bytes = 2 * Entry->Units;
    ULONG Room;

    if (At + Output->Form->NameAt > Output->Length) {
        return FALSE;
    }
    Room = Output->Length - At - Output->Form->NameAt;
    if (Room < Bytes) {
        if (Output->Count != 0) {
            return FALSE;
        }
        Bytes = ROUND_DOWN(Room, 2u);
        *Status = STATUS_BUFFER_OVERFLOW;
    }
    memset(Request->Buffer + At, 0, Output->Form->NameAt);
    FatpWriteEntry(Output->Form, Entry, Request->Buffer + At);
    memcpy(Request->Buffer + At + Output->Form->NameAt, Entry->Name, Bytes);
    if (Output->Count != 0) {
        *(PULONG)(PVOID)(Request->Buffer + Output->Last) = At - Output->Last;
    }
    Output->Last = At;
    Output->Used = At + Output->Form->NameAt + Bytes;
    Output->Count++;
    return TRUE;
}

/* ---- the request ---- */

/* The pattern of the first query holds until the opening ends. */
static NTSTATUS FatpTakePattern(PFAT_REQUEST Request)
{
    PCUNICODE_STRING Name = Request->Stack->Parameters.QueryDirectory.FileName;
    PFAT_CCB Ccb = Request->Ccb;

    if (Ccb->Started || Name == NULL || Name->Length == 0) {
        return STATUS_SUCCESS;
    }
    Ccb->Pattern.Buffer = ExAllocatePoolWithTag(NonPagedPool, Name->Length, FAT_FSD_TAG);
    if (Ccb->Pattern.Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memcpy(Ccb->Pattern.Buffer, Name->Buffer, Name->Length);
    Ccb->Pattern.Length = Ccb->Pattern.MaximumLength = Name->Length;
    return STATUS_SUCCESS;
}

/* => An entry that did not fit comes again. */
static NTSTATUS FatpFillOutput(PFAT_REQUEST Request, FATP_OUTPUT *Output)
{
    BOOLEAN Single = (Request->Stack->Flags & SL_RETURN_SINGLE_ENTRY) != 0;
    NTSTATUS Result = STATUS_SUCCESS;
    FAT_ENTRY Entry;

    while (Result == STATUS_SUCCESS && !(Single && Output->Count != 0)) {
        ULONG Position = Request->Ccb->Position;
        ULONG Dots = Request->Ccb->Dots;
        NTSTATUS Status = FatpNext(Request, &Entry);

        if (!NT_SUCCESS(Status)) {
            return Output->Count != 0 && Status == STATUS_NO_MORE_FILES ? STATUS_SUCCESS : Status;
        }
        if (!FatpPutEntry(Request, Output, &Entry, &Result)) {
            Request->Ccb->Position = Position;
            Request->Ccb->Dots = Dots;
            return Output->Count != 0 ? STATUS_SUCCESS : STATUS_INFO_LENGTH_MISMATCH;
        }
    }
    return Result;
}

NTSTATUS FatFsdQueryDirectory(PFAT_REQUEST Request)
{
    FATP_OUTPUT Output = {.Length = Request->Stack->Parameters.QueryDirectory.Length};
    PFAT_CCB Ccb = Request->Ccb;
    BOOLEAN First = !Ccb->Started;
    NTSTATUS Status;

    Output.Form = FatpFindForm(Request->Stack->Parameters.QueryDirectory.FileInformationClass);
    if (Request->Stack->MinorFunction != IRP_MN_QUERY_DIRECTORY) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (Output.Form == NULL) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (Request->Buffer == NULL || (Request->Stack->Flags & SL_INDEX_SPECIFIED)) {
        return STATUS_INVALID_PARAMETER;
    }
    Status = FatUseFcb(Request->Vcb, Request->Fcb);
    if (NT_SUCCESS(Status) && !FatIsDirectory(Request->Fcb)) {
        Status = STATUS_INVALID_PARAMETER;
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpTakePattern(Request);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Request->Stack->Flags & SL_RESTART_SCAN) {
        Ccb->Position = 0;
        Ccb->Dots = 0;
    }
    Ccb->Started = TRUE;
    Status = FatpFillOutput(Request, &Output);
    Request->Information = Output.Used;
    return First && Status == STATUS_NO_MORE_FILES ? STATUS_NO_SUCH_FILE : Status;
}
