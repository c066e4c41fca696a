/* SPDX-License-Identifier: MIT */
/*
 * file_model.c - see file_model.h: opening and closing, names.
 */
#include "tests/prop/file_model.h"

#include "mm.h"
#include "mm_section.h"
#include "rtl.h"
#include "vm.h"

#include <string.h>

const PCWSTR FmPaths[PATHS] = {
    u"\\??\\C:\\a",      u"\\??\\C:\\another long name.txt", u"\\??\\C:\\c.txt",
    u"\\??\\C:\\dir\\a", u"\\??\\C:\\dir\\long name",        u"\\??\\C:\\dir\\d.txt",
};

MODEL_FILE FmFiles[FILES];
ULONG FmAt[PATHS];
OPENING FmOpenings[OPENINGS];
VIEW FmViews[VIEWS];
uint64_t FmRandom;
PUCHAR FmUser[2];
ULONG FmNow;

void FmReset(void)
{
    ULONG Index;

    memset(FmFiles, 0, sizeof(FmFiles));
    for (Index = 0; Index < PATHS; Index++) {
        FmAt[Index] = NO_FILE;
    }
    for (Index = 0; Index < OPENINGS; Index++) {
        FmOpenings[Index].File = NO_FILE;
    }
    for (Index = 0; Index < VIEWS; Index++) {
        FmViews[Index].File = NO_FILE;
    }
}

ULONG FmBelow(ULONG Limit)
{
    return TestRandom(&FmRandom) % Limit;
}

void FmEnter(ULONG Process)
{
    FmNow = Process;
    NtWorldEnter(Process);
}

void FmLengthen(MODEL_FILE *File, ULONG Bytes)
{
    if (Bytes > File->Bytes) {
        memset(File->Data + File->Bytes, 0, Bytes - File->Bytes);
        File->Bytes = Bytes;
    }
}

NTSTATUS FmSet(const OPENING *O, ULONG Bytes, FILE_INFORMATION_CLASS Class)
{
    return NtSetInformationFile(O->Handle, &Iosb, FmUser[FmNow], Bytes, Class);
}

/* ---- sharing ---- */

static ULONG Needs(ACCESS_MASK Access)
{
    return (Access & FILE_READ_DATA ? FILE_SHARE_READ : 0u) |
           (Access & WRITES ? FILE_SHARE_WRITE : 0u) | (Access & DELETE ? FILE_SHARE_DELETE : 0u);
}

/* Who only looks at attributes is neither asked nor refused. */
static BOOLEAN Conflicts(ULONG File, ACCESS_MASK Access, ULONG Share)
{
    ULONG Index;

    for (Index = 0; Index < OPENINGS && Needs(Access) != 0; Index++) {
        const OPENING *O = &FmOpenings[Index];

        if (O->File == File && Needs(O->Access) != 0 &&
            ((Needs(Access) & ~O->Share) != 0 || (Needs(O->Access) & ~Share) != 0)) {
            return TRUE;
        }
    }
    return FALSE;
}

BOOLEAN FmIsOpen(ULONG File)
{
    ULONG Index;

    for (Index = 0; Index < OPENINGS && FmOpenings[Index].File != File; Index++) {
    }
    return Index < OPENINGS;
}

BOOLEAN FmIsMapped(ULONG File)
{
    ULONG Index;

    for (Index = 0; Index < VIEWS && FmViews[Index].File != File; Index++) {
    }
    return Index < VIEWS;
}

/* ---- opening ---- */

static BOOLEAN Empties(ULONG Disposition)
{
    return Disposition == FILE_SUPERSEDE || Disposition == FILE_OVERWRITE ||
           Disposition == FILE_OVERWRITE_IF;
}

static ULONG MakeFile(ULONG Path)
{
    ULONG File = 0;

    while (FmFiles[File].Used) {
        File++;
    }
    memset(&FmFiles[File], 0, sizeof(FmFiles[File]));
    FmFiles[File].Used = TRUE;
    FmAt[Path] = File;
    return File;
}

static NTSTATUS ExpectByAttributes(ULONG Attributes, const NT_OPEN *How)
{
    if (Attributes & FILE_ATTRIBUTE_READONLY) {
        if ((How->Access & WRITES) || Empties(How->Disposition)) {
            return STATUS_ACCESS_DENIED;
        }
        if (How->Options & FILE_DELETE_ON_CLOSE) {
            return STATUS_CANNOT_DELETE;
        }
    }
    Attributes &= FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM;
    return Empties(How->Disposition) && (Attributes & ~How->Attributes) != 0 ? STATUS_ACCESS_DENIED
                                                                             : STATUS_SUCCESS;
}

static NTSTATUS ExpectThere(ULONG File, const NT_OPEN *How)
{
    const BOOLEAN Empty = Empties(How->Disposition);
    ACCESS_MASK Implied = How->Disposition == FILE_SUPERSEDE ? DELETE : FILE_WRITE_DATA;
    NTSTATUS Status;

    if (FmFiles[File].DeletePending) {
        return STATUS_DELETE_PENDING;
    }
    if (How->Disposition == FILE_CREATE) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    Status = ExpectByAttributes(FmFiles[File].Attributes, How);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Conflicts(File, How->Access | (Empty ? Implied : 0), ~How->Refuse & 7u)) {
        return STATUS_SHARING_VIOLATION;
    }
    if ((How->Options & FILE_DELETE_ON_CLOSE) && FmIsMapped(File)) {
        return STATUS_CANNOT_DELETE;
    }
    return Empty && FmIsMapped(File) ? STATUS_USER_MAPPED_FILE : STATUS_SUCCESS;
}

static NTSTATUS Expect(ULONG Path, const NT_OPEN *How)
{
    if ((How->Options & FILE_DELETE_ON_CLOSE) && (How->Access & DELETE) == 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((How->Options & FILE_NO_INTERMEDIATE_BUFFERING) && (How->Access & FILE_APPEND_DATA)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (FmAt[Path] != NO_FILE) {
        return ExpectThere(FmAt[Path], How);
    }
    if (How->Disposition == FILE_OPEN || How->Disposition == FILE_OVERWRITE) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    return (How->Options & FILE_DELETE_ON_CLOSE) && (How->Attributes & FILE_ATTRIBUTE_READONLY)
               ? STATUS_CANNOT_DELETE
               : STATUS_SUCCESS;
}

/* => What IoStatusBlock says of an opening that succeeds. */
static ULONG ExpectInformation(ULONG Path, ULONG Disposition)
{
    if (FmAt[Path] == NO_FILE) {
        return FILE_CREATED;
    }
    if (!Empties(Disposition)) {
        return FILE_OPENED;
    }
    return Disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED : FILE_OVERWRITTEN;
}

static NT_OPEN MakeUp(ULONG Path)
{
    static const ACCESS_MASK Rights[] = {FILE_READ_DATA,       FILE_WRITE_DATA,
                                         FILE_APPEND_DATA,     DELETE,
                                         FILE_READ_ATTRIBUTES, FILE_WRITE_ATTRIBUTES};
    NT_OPEN How = {.Path = FmPaths[Path], .Disposition = FmBelow(FILE_MAXIMUM_DISPOSITION + 1)};
    ULONG Index;

    How.Access = FmBelow(2) == 0 ? FILE_READ_DATA | FILE_WRITE_DATA : 0;
    for (Index = 0; Index < RTL_NUMBER_OF(Rights); Index++) {
        How.Access |= FmBelow(3) == 0 ? Rights[Index] : 0;
    }
    if (Empties(How.Disposition) && FmBelow(2) == 0) {
        How.Disposition = FILE_OPEN_IF;
    }
    How.Attributes = FmBelow(6) == 0 ? FmBelow(8) : FILE_ATTRIBUTE_NORMAL;
    How.Refuse = FmBelow(3) == 0 ? FmBelow(8) : 0;
    How.Options |= FmBelow(4) == 0 ? FILE_NO_INTERMEDIATE_BUFFERING : 0;
    How.Options |= FmBelow(8) == 0 ? FILE_WRITE_THROUGH : 0;
    How.Options |= FmBelow(10) == 0 ? FILE_DELETE_ON_CLOSE : 0;
    How.Options |= FmBelow(2) == 0 ? FILE_NON_DIRECTORY_FILE : 0;
    return How;
}

void FmOpen(OPENING *O)
{
    ULONG Path = FmBelow(PATHS);
    NT_OPEN How = MakeUp(Path);
    NTSTATUS Expected = Expect(Path, &How);
    ULONG Information = ExpectInformation(Path, How.Disposition);
    LONGLONG Now = FmTime();
    HANDLE Handle = NULL;

    CHECK_EQUAL(Expected, NtWorldTry(&How, &Handle));
    if (!NT_SUCCESS(Expected)) {
        return;
    }
    CHECK_EQUAL(Information, Iosb.Information);
    memset(O, 0, sizeof(*O));
    O->File = FmAt[Path] != NO_FILE ? FmAt[Path] : MakeFile(Path);
    if (Information == FILE_CREATED) {
        FmNoteMade(&FmFiles[O->File], Now);
    } else if (Information != FILE_OPENED) {
        FmNoteChange(&FmFiles[O->File], TRUE, NULL);
    }
    if (Information != FILE_OPENED) {
        FmFiles[O->File].Bytes = 0;
        FmFiles[O->File].Attributes = How.Attributes & HELD;
        FmFiles[O->File].Archive = TRUE;
    }
    O->Access = How.Access;
    O->Share = ~How.Refuse & 7u;
    O->Options = How.Options;
    O->Process = FmNow;
    O->Handle = Handle;
}

static void Move(ULONG File, ULONG Path)
{
    ULONG Index;

    for (Index = 0; Index < PATHS; Index++) {
        FmAt[Index] = FmAt[Index] == File ? NO_FILE : FmAt[Index];
    }
    if (Path != NO_FILE) {
        FmAt[Path] = File;
    }
}

/* With the last handle the path goes, with the last view the rest. */
static void Vanish(ULONG File)
{
    if (FmFiles[File].DeletePending && !FmIsOpen(File)) {
        FmFiles[File].Used = FmIsMapped(File);
        Move(File, NO_FILE);
    }
}

void FmUnmap(VIEW *View)
{
    ULONG File = View->File;

    FmEnter(View->Process);
    CHECK_EQUAL(STATUS_SUCCESS, NtUnmapViewOfSection(NtCurrentProcess(), View->Base));
    View->File = NO_FILE;
    Vanish(File);
}

void FmUnmapFile(ULONG File)
{
    ULONG Index;

    for (Index = 0; Index < VIEWS; Index++) {
        if (FmViews[Index].File == File) {
            FmUnmap(&FmViews[Index]);
        }
    }
}

void FmClose(OPENING *O)
{
    ULONG File = O->File;

    FmEnter(O->Process);
    NtWorldClose(O->Handle);
    if (O->Second != NULL) {
        O->Handle = O->Second;
        O->Second = NULL;
        return;
    }
    O->File = NO_FILE;
    FmFiles[File].DeletePending |= (O->Options & FILE_DELETE_ON_CLOSE) != 0;
    Vanish(File);
}

void FmDuplicate(OPENING *O)
{
    HANDLE First = O->Handle;

    if (O->Second == NULL) {
        CHECK_EQUAL(STATUS_SUCCESS,
                    NtDuplicateObject(NtCurrentProcess(), O->Handle, NtCurrentProcess(), &O->Second,
                                      0, 0, DUPLICATE_SAME_ACCESS));
    }
    O->Handle = O->Second;
    O->Second = First;
}

/* ---- names ---- */

static BOOLEAN IsReadOnly(ULONG File)
{
    return (FmFiles[File].Attributes & FILE_ATTRIBUTE_READONLY) != 0;
}

static NTSTATUS ExpectDelete(ULONG File)
{
    return IsReadOnly(File) || FmIsMapped(File) ? STATUS_CANNOT_DELETE : STATUS_SUCCESS;
}

void FmDispose(OPENING *O)
{
    BOOLEAN Delete = FmBelow(2) != 0;
    NTSTATUS Expected = Delete ? ExpectDelete(O->File) : STATUS_SUCCESS;

    Expected = O->Access & DELETE ? Expected : STATUS_ACCESS_DENIED;
    FmUser[FmNow][0] = Delete;
    CHECK_EQUAL(Expected, FmSet(O, 1, FileDispositionInformation));
    if (NT_SUCCESS(Expected)) {
        FmFiles[O->File].DeletePending = Delete;
    }
}

ULONG FmReplaced;

static NTSTATUS ExpectRename(const OPENING *O, ULONG Path, BOOLEAN Replace)
{
    if ((O->Access & DELETE) == 0) {
        return STATUS_ACCESS_DENIED;
    }
    if (FmFiles[O->File].DeletePending) {
        return STATUS_DELETE_PENDING;
    }
    if (FmAt[Path] == NO_FILE || FmAt[Path] == O->File) {
        return STATUS_SUCCESS;
    }
    if (!Replace) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    return FmIsOpen(FmAt[Path]) || FmIsMapped(FmAt[Path]) || IsReadOnly(FmAt[Path])
               ? STATUS_ACCESS_DENIED
               : STATUS_SUCCESS;
}

void FmRename(OPENING *O)
{
    PFILE_RENAME_INFORMATION Rename = (PVOID)FmUser[FmNow];
    ULONG Path = FmBelow(PATHS);
    BOOLEAN Replace = FmBelow(2) != 0;
    BOOLEAN Replaces = FmAt[Path] != NO_FILE && FmAt[Path] != O->File;
    NTSTATUS Expected = ExpectRename(O, Path, Replace);
    ULONG Units = 0;

    while (FmPaths[Path][Units] != 0) {
        Units++;
    }
    memset(Rename, 0, sizeof(*Rename));
    Rename->ReplaceIfExists = Replace;
    Rename->FileNameLength = 2 * Units;
    memcpy(Rename->FileName, FmPaths[Path], 2 * Units);
    CHECK_EQUAL(Expected, FmSet(O, (ULONG)sizeof(*Rename) + 2 * Units, FileRenameInformation));
    if (!NT_SUCCESS(Expected)) {
        return;
    }
    FmReplaced += Replaces;
    if (FmAt[Path] != NO_FILE && FmAt[Path] != O->File) {
        FmFiles[FmAt[Path]].Used = FALSE;
    }
    Move(O->File, Path);
}

void FmDeleteByName(void)
{
    ULONG Path = FmBelow(PATHS);
    NT_OPEN How = {.Path = FmPaths[Path], .Access = DELETE, .Disposition = FILE_OPEN};
    NTSTATUS Expected = Expect(Path, &How);
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;

    Expected = NT_SUCCESS(Expected) ? ExpectDelete(FmAt[Path]) : Expected;
    RtlInitUnicodeString(&Name, FmPaths[Path]);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    CHECK_EQUAL(Expected, NtDeleteFile(&Attributes));
    if (NT_SUCCESS(Expected)) {
        FmFiles[FmAt[Path]].DeletePending = TRUE;
        Vanish(FmAt[Path]);
    }
}
