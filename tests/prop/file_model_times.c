/* SPDX-License-Identifier: MIT */
/*
 * file_model_times.c - see file_model.h: times, attributes, and what directories list.
 *
 * FAT keeps the creation by 10 ms, the last write by 2 s, the last access by the day.
 */
#include "ke.h"
#include "rtl.h"
#include "tests/prop/file_model.h"

#include <string.h>

#define MILLISECOND 10000ll
#define MADE_UNIT   (10 * MILLISECOND)
#define WRITE_UNIT  (2000 * MILLISECOND)
#define ACCESS_UNIT (86400000 * MILLISECOND)
#define SOME_YEAR   126200000000000000ll /* 2000, about */

static LONGLONG Floor(LONGLONG Time, LONGLONG Unit)
{
    return Time - Time % Unit;
}

LONGLONG FmTime(void)
{
    LARGE_INTEGER Now;

    KeQuerySystemTime(&Now);
    return Now.QuadPart;
}

void FmPassTime(void)
{
    LONGLONG Now = FmTime() < SOME_YEAR ? SOME_YEAR : FmTime();

    KeInitializeSystemTime(Now + FmBelow(FmBelow(10) == 0 ? 40000000 : 5000) * MILLISECOND);
}

void FmNoteMade(MODEL_FILE *File, LONGLONG From)
{
    File->MadeFrom = Floor(From, MADE_UNIT);
    File->MadeTo = FmTime();
    File->Write.Since = From;
    File->Access.Since = From;
    File->MustTell = TRUE;
}

static void NoteTime(MODEL_TIME *Time, BOOLEAN Keeps)
{
    Time->Since = Keeps || Time->Since != 0 ? Time->Since : FmTime();
}

void FmNoteChange(MODEL_FILE *File, BOOLEAN Must, const OPENING *By)
{
    const BOOLEAN KeepsWrite = By != NULL && By->KeepsWrite;

    File->MustTell |= Must && !KeepsWrite;
    File->MustArchive |= Must;
    File->MayArchive = TRUE;
    NoteTime(&File->Write, KeepsWrite);
    NoteTime(&File->Access, By != NULL && By->KeepsAccess);
}

/* ---- what is shown ---- */

static BOOLEAN IsSince(const MODEL_TIME *Time, LONGLONG Shown, LONGLONG Unit)
{
    return Time->Since != 0 && Shown >= Floor(Time->Since, Unit) && Shown <= FmTime();
}

static BOOLEAN IsTime(const MODEL_TIME *Time, LONGLONG Shown, LONGLONG Unit)
{
    return Shown == Time->Settled || IsSince(Time, Shown, Unit);
}

static BOOLEAN IsWhole(LONGLONG Shown, LONGLONG Unit)
{
    return Shown % Unit == 0;
}

static void CheckShown(const MODEL_FILE *File, const FILE_BASIC_INFORMATION *Shown)
{
    const BOOLEAN Archive = (Shown->FileAttributes & FILE_ATTRIBUTE_ARCHIVE) != 0;

    CHECK_EQUAL(File->Attributes, Shown->FileAttributes & HELD);
    CHECK(Archive == File->Archive || (Archive && File->MayArchive));
    CHECK(Shown->CreationTime.QuadPart >= File->MadeFrom &&
          Shown->CreationTime.QuadPart <= File->MadeTo);
    CHECK(IsWhole(Shown->CreationTime.QuadPart, MADE_UNIT));
    CHECK(IsWhole(Shown->LastWriteTime.QuadPart, WRITE_UNIT));
    CHECK(IsWhole(Shown->LastAccessTime.QuadPart, ACCESS_UNIT));
    CHECK(IsTime(&File->Write, Shown->LastWriteTime.QuadPart, WRITE_UNIT));
    CHECK(IsTime(&File->Access, Shown->LastAccessTime.QuadPart, ACCESS_UNIT));
}

void FmCheckTimes(ULONG File, const FILE_BASIC_INFORMATION *Basic)
{
    CheckShown(&FmFiles[File], Basic);
}

void FmSettle(ULONG File, const FILE_BASIC_INFORMATION *Basic)
{
    MODEL_FILE *F = &FmFiles[File];

    CheckShown(F, Basic);
    CHECK(!F->MustTell || IsSince(&F->Write, Basic->LastWriteTime.QuadPart, WRITE_UNIT));
    CHECK(!F->MustArchive || (Basic->FileAttributes & FILE_ATTRIBUTE_ARCHIVE) != 0);
    F->MustTell = FALSE;
    F->MustArchive = FALSE;
    F->MayArchive = FALSE;
    F->Write = (MODEL_TIME){.Settled = Basic->LastWriteTime.QuadPart};
    F->Access = (MODEL_TIME){.Settled = Basic->LastAccessTime.QuadPart};
    F->Archive = (Basic->FileAttributes & FILE_ATTRIBUTE_ARCHIVE) != 0;
}

void FmSeeAttributes(OPENING *O)
{
    PFILE_BASIC_INFORMATION Basic = (PVOID)FmUser[FmNow];
    BOOLEAN May = (O->Access & FILE_READ_ATTRIBUTES) != 0;

    CHECK_EQUAL(
        May ? STATUS_SUCCESS : STATUS_ACCESS_DENIED,
        NtQueryInformationFile(O->Handle, &Iosb, Basic, sizeof(*Basic), FileBasicInformation));
    if (May) {
        CheckShown(&FmFiles[O->File], Basic);
    }
}

/* ---- setting them ---- */

/* Told: in the time.  Cached: and it will when it is closed, if it has not yet. */
static BOOLEAN OthersWrote(const OPENING *O, BOOLEAN Told, BOOLEAN Cached)
{
    ULONG Index;

    for (Index = 0; Index < OPENINGS; Index++) {
        const OPENING *Other = &FmOpenings[Index];

        if (Other != O && Other->File == O->File && (Other->Wrote || (Other->Sized && !Cached)) &&
            (!Told || !Other->KeepsWrite) &&
            (!Cached || (Other->Options & FILE_NO_INTERMEDIATE_BUFFERING) == 0)) {
            return TRUE;
        }
    }
    return FALSE;
}

#define LEFT_ALONE (-1ll)

/* What others have written may become the time later; views' changes too. */
static void SettleTime(MODEL_TIME *Time, LONGLONG Set, LONGLONG Unit, BOOLEAN Others)
{
    if (Set != LEFT_ALONE) {
        Time->Settled = Floor(Set, Unit);
        Time->Since = Others ? Time->Since : 0;
    }
}

/* => The time is told by the file as it is now, or by others. */
static void NoteSetWrite(OPENING *O, LONGLONG Set, BOOLEAN Others)
{
    MODEL_FILE *File = &FmFiles[O->File];

    O->Wrote = FALSE;
    O->Sized = FALSE;
    O->KeepsWrite = Set == LEFT_ALONE;
    SettleTime(&File->Write, Set, WRITE_UNIT, Others);
    File->MustTell = File->MustTell && OthersWrote(O, TRUE, TRUE);
}

static void NoteSet(OPENING *O, const FILE_BASIC_INFORMATION *Set)
{
    MODEL_FILE *File = &FmFiles[O->File];
    BOOLEAN Others = FmIsMapped(O->File);

    if (Set->FileAttributes != 0) {
        File->Attributes = Set->FileAttributes & HELD;
        File->Archive = (Set->FileAttributes & FILE_ATTRIBUTE_ARCHIVE) != 0;
        File->MustArchive = FALSE;
        File->MayArchive = Others || O->Wrote || O->Sized || OthersWrote(O, FALSE, FALSE);
    }
    if (Set->CreationTime.QuadPart != 0 && Set->CreationTime.QuadPart != LEFT_ALONE) {
        File->MadeFrom = File->MadeTo = Floor(Set->CreationTime.QuadPart, MADE_UNIT);
    }
    if (Set->LastAccessTime.QuadPart != 0) {
        O->KeepsAccess = Set->LastAccessTime.QuadPart == LEFT_ALONE;
        SettleTime(&File->Access, Set->LastAccessTime.QuadPart, ACCESS_UNIT,
                   File->Access.Since != 0);
    }
    if (Set->LastWriteTime.QuadPart != 0) {
        NoteSetWrite(O, Set->LastWriteTime.QuadPart, Others || OthersWrote(O, TRUE, FALSE));
    }
}

static LARGE_INTEGER SomeTime(void)
{
    LONGLONG Time = FmBelow(6) == 0 ? LEFT_ALONE
                    : FmBelow(3) == 0
                        ? SOME_YEAR + (LONGLONG)FmBelow(400000000) * 1000 * MILLISECOND
                        : 0;

    return (LARGE_INTEGER){.QuadPart = Time + (Time > 0 ? FmBelow(2000) * MILLISECOND : 0)};
}

void FmSetAttributes(OPENING *O)
{
    PFILE_BASIC_INFORMATION Basic = (PVOID)FmUser[FmNow];
    FILE_BASIC_INFORMATION Set = {
        .CreationTime = SomeTime(), .LastAccessTime = SomeTime(), .LastWriteTime = SomeTime()};
    BOOLEAN May = (O->Access & FILE_WRITE_ATTRIBUTES) != 0;

    if (FmBelow(2) == 0) {
        Set.FileAttributes = (FmBelow(3) == 0 ? FmBelow(8) & HELD : 0) |
                             (FmBelow(2) == 0 ? FILE_ATTRIBUTE_ARCHIVE : FILE_ATTRIBUTE_NORMAL);
    }
    *Basic = Set;
    CHECK_EQUAL(May ? STATUS_SUCCESS : STATUS_ACCESS_DENIED,
                FmSet(O, sizeof(*Basic), FileBasicInformation));
    if (May) {
        NoteSet(O, &Set);
    }
}

/* ---- directories ---- */

static const PCWSTR Folders[2] = {u"\\??\\C:\\", u"\\??\\C:\\dir\\"};

static ULONG UnitsOf(PCWSTR Text)
{
    ULONG Units = 0;

    while (Text[Units] != 0) {
        Units++;
    }
    return Units;
}

static BOOLEAN BeginsWith(PCWSTR Text, PCWSTR Beginning)
{
    ULONG Index = 0;

    while (Beginning[Index] != 0 && Text[Index] == Beginning[Index]) {
        Index++;
    }
    return Beginning[Index] == 0;
}

/* => The path of a name in a folder; PATHS: it is none. */
static ULONG FindPath(PCWSTR Folder, const WCHAR *Name, ULONG Units)
{
    ULONG Prefix = UnitsOf(Folder);
    ULONG Path = 0;

    while (Path < PATHS &&
           (UnitsOf(FmPaths[Path]) != Prefix + Units || !BeginsWith(FmPaths[Path], Folder) ||
            memcmp(FmPaths[Path] + Prefix, Name, 2 * Units) != 0)) {
        Path++;
    }
    return Path;
}

static void CheckListed(PCWSTR Folder, const FILE_BOTH_DIR_INFORMATION *Entry, BOOLEAN *Listed)
{
    ULONG Path = FindPath(Folder, Entry->FileName, Entry->FileNameLength / 2);
    FILE_BASIC_INFORMATION Shown = {
        .CreationTime = Entry->CreationTime,
        .LastAccessTime = Entry->LastAccessTime,
        .LastWriteTime = Entry->LastWriteTime,
        .FileAttributes = Entry->FileAttributes,
    };

    if (Entry->FileAttributes & FILE_ATTRIBUTE_DIRECTORY) {
        CHECK_EQUAL(PATHS, Path); /* dir, or . and .. */
        return;
    }
    CHECK(Path < PATHS && FmAt[Path] != NO_FILE && !Listed[Path]);
    Listed[Path] = TRUE;
    CHECK_EQUAL(FmFiles[FmAt[Path]].Bytes, Entry->EndOfFile.QuadPart);
    CheckShown(&FmFiles[FmAt[Path]], &Shown);
}

static void CheckAllListed(PCWSTR Folder, const BOOLEAN *Listed)
{
    ULONG Prefix = UnitsOf(Folder);
    ULONG Path;

    for (Path = 0; Path < PATHS; Path++) {
        BOOLEAN Here = BeginsWith(FmPaths[Path], Folder);
        ULONG Index = Prefix;

        while (Here && FmPaths[Path][Index] != 0) {
            Here = FmPaths[Path][Index++] != u'\\';
        }
        CHECK_EQUAL(Here && FmAt[Path] != NO_FILE, Listed[Path]);
    }
}

void FmList(void)
{
    PCWSTR Folder = Folders[FmBelow(2)];
    BOOLEAN Single = FmBelow(3) == 0;
    ULONG Length = 200 + FmBelow(1000);
    BOOLEAN Listed[PATHS] = {FALSE};
    PUCHAR Buffer = FmUser[FmNow];
    NTSTATUS Status = STATUS_SUCCESS;
    HANDLE Handle = NtWorldOpen(Folder, FILE_LIST_DIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE);

    while (NT_SUCCESS(Status)) {
        ULONG At = 0;
        PFILE_BOTH_DIR_INFORMATION Entry;

        Status = NtQueryDirectoryFile(Handle, NULL, NULL, NULL, &Iosb, Buffer, Length,
                                      FileBothDirectoryInformation, Single, NULL, FALSE);
        if (NT_SUCCESS(Status)) {
            do {
                Entry = (PVOID)(Buffer + At);
                CheckListed(Folder, Entry, Listed);
                At += Entry->NextEntryOffset;
            } while (Entry->NextEntryOffset != 0);
        }
    }
    CHECK_EQUAL(STATUS_NO_MORE_FILES, Status);
    CheckAllListed(Folder, Listed);
    NtWorldClose(Handle);
}
