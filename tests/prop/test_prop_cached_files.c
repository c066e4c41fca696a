/* SPDX-License-Identifier: MIT */
/*
 * test_prop_cached_files.c - files read and written by the cache, past it, and through views, on a
 * disk that fails and loses its power, beside a model of bytes.
 *
 * Each file has up to four openings, two cached and two not, and now and then a user's view.  After
 * an operation that failed a file may be as it was, or as it should be, byte by byte in the range
 * that was written, and long as before or after; all ways to read it agree on which, and the model
 * follows.
 *
 * When the power goes, later writes are lost without a word: nothing that an operation says from
 * then on counts.  The volume is mounted again; each file is as long as some version of it since it
 * was flushed last, or between two, and each sector is as it was in some of them.
 */
#include "disk/fat/fsd_i.h"
#include "mm/cc/cc_verify.h"
#include "mm/cc/copy.h"
#include "mm/cc/lazy_writer.h"
#include "tests/unit/file_cache_world.h"

#include <stdlib.h>
#include <string.h>

#define FILES      3u
#define OPENINGS   4u /* the first two are cached */
#define CACHED     2u
#define MOST_BYTES 40000u
#define MOST_SEEN  400u /* versions since a flush */
#define SECTOR     512u

typedef struct _VERSION {
    ULONG Bytes;
    UCHAR Data[MOST_BYTES]; /* zero behind Bytes */
} VERSION;

typedef struct _MODEL_FILE {
    BOOLEAN Exists;
    PFILE_OBJECT Open[OPENINGS];
    BOOLEAN Mapped; /* by Open[0] */
    VERSION Now;
    VERSION *Seen; /* since the last flush, and at it */
    ULONG SeenCount;
    BOOLEAN SeenLost; /* there were too many */
} MODEL_FILE;

static const char *const Paths[FILES] = {"\\a", "\\long name b", "\\c.txt"};

static MODEL_FILE Model[FILES];
static uint64_t Random;
static BOOLEAN Failing; /* requests to the disk fail now and then */
static ULONG Failures;  /* operations that failed */

static ULONG Below(ULONG Limit)
{
    return TestRandom(&Random) % Limit;
}

static BOOLEAN IsOpen(const MODEL_FILE *File)
{
    return File->Open[0] != NULL || File->Open[1] != NULL || File->Open[2] != NULL ||
           File->Open[3] != NULL;
}

/* ---- failures ---- */

/* Some write was lost, or the next one will be. */
static BOOLEAN IsDark(void)
{
    return IoDisk.PowerLeft == 0;
}

static void LetFail(void)
{
    if (Failing && Below(3) == 0) {
        IoDisk.FailOneIn[DiskRead] = IoDisk.FailOneIn[DiskWrite] = 2 + Below(8);
        IoDisk.MayFail = 1 + Below(2);
    }
}

static void LetWork(void)
{
    IoDisk.FailOneIn[DiskRead] = IoDisk.FailOneIn[DiskWrite] = 0;
    IoDisk.MayFail = 0;
}

/* ---- versions ---- */

static void See(MODEL_FILE *File)
{
    if (File->SeenCount < MOST_SEEN) {
        File->Seen[File->SeenCount++] = File->Now;
    } else {
        File->SeenLost = TRUE;
    }
}

/* It is on the disk. */
static void Flushed(MODEL_FILE *File)
{
    File->SeenCount = 0;
    File->SeenLost = FALSE;
    See(File);
}

/* ---- comparing ---- */

/* => IoBuffer has what the opening reads. */
static ULONG ReadAll(PFILE_OBJECT Object)
{
    ULONG64 Bytes = 0;
    ULONG Done = 0;
    NTSTATUS Status = IoQueryFileSize(Object, &Bytes);

    if (NT_SUCCESS(Status) && Bytes != 0) {
        Status = IoReadFile(Object, 0, IoBuffer, MOST_BYTES + 1, &Done);
    }
    CHECK(IsDark() || (NT_SUCCESS(Status) && Done == Bytes && Bytes <= MOST_BYTES));
    return Done;
}

static void CompareView(MODEL_FILE *File)
{
    ULONG i;

    for (i = 0; File->Mapped && i < File->Now.Bytes && !IsDark(); i += 1 + Below(700)) {
        UCHAR Byte = 0;

        CHECK_EQUAL(STATUS_SUCCESS, FcWorldPeek(File->Open[0], i, &Byte));
        CHECK_EQUAL(File->Now.Data[i], Byte);
    }
}

/* Every way to read it finds what the model has. */
static void Compare(MODEL_FILE *File)
{
    ULONG Slot;

    for (Slot = 0; Slot < OPENINGS && !IsDark(); Slot++) {
        if (File->Open[Slot] != NULL) {
            ULONG Bytes = ReadAll(File->Open[Slot]);

            CHECK(IsDark() || (Bytes == File->Now.Bytes &&
                               memcmp(IoBuffer, File->Now.Data, File->Now.Bytes) == 0));
        }
    }
    CompareView(File);
}

/* An operation that should have made Next of the file failed, or wrote [From, To) in part. */
static void Follow(MODEL_FILE *File, PFILE_OBJECT Object, const VERSION *Next, ULONG From, ULONG To)
{
    static VERSION Found;
    ULONG i;

    Failures++;
    LetWork();
    memset(&Found, 0, sizeof(Found));
    Found.Bytes = ReadAll(Object);
    memcpy(Found.Data, IoBuffer, Found.Bytes);
    if (IsDark()) {
        See(File);
        return;
    }
    CHECK(Found.Bytes == File->Now.Bytes || Found.Bytes == Next->Bytes);
    for (i = 0; i < Found.Bytes; i++) {
        BOOLEAN Zero = i >= File->Now.Bytes && Found.Data[i] == 0; /* longer, and no data yet */
        BOOLEAN New = i >= From && i < To && Found.Data[i] == Next->Data[i];

        CHECK((i < File->Now.Bytes && Found.Data[i] == File->Now.Data[i]) || New || Zero);
    }
    See(File);
    File->Now = *Next; /* what is on the disk may be of either */
    See(File);
    File->Now = Found;
    See(File);
    Compare(File);
}

/* ---- operations ---- */

static VERSION Next;

static void End(MODEL_FILE *File, PFILE_OBJECT Object, NTSTATUS Status, ULONG From, ULONG To)
{
    if (IsDark()) {
        File->Now = Next;
        See(File);
        return;
    }
    if (!NT_SUCCESS(Status)) {
        CHECK(Failing || (Status == STATUS_USER_MAPPED_FILE && File->Mapped)); /* to cut it */
        Follow(File, Object, &Next, From, To);
        return;
    }
    LetWork();
    File->Now = Next;
    See(File);
}

static void DoWrite(MODEL_FILE *File, PFILE_OBJECT Object)
{
    ULONG Offset = Below(File->Now.Bytes + 5000);
    ULONG Bytes = 1 + (Below(3) == 0 ? Below(12000) : Below(900));
    NTSTATUS Status;
    ULONG i;

    if (Offset + Bytes > MOST_BYTES) {
        return;
    }
    Next = File->Now;
    for (i = 0; i < Bytes; i++) {
        Next.Data[Offset + i] = IoBuffer[i] = (UCHAR)TestRandom(&Random);
    }
    Next.Bytes = Offset + Bytes > Next.Bytes ? Offset + Bytes : Next.Bytes;
    LetFail();
    Status = IoWriteFile(Object, Offset, IoBuffer, Bytes);
    End(File, Object, Status, Offset, Offset + Bytes);
}

static void DoSetSize(MODEL_FILE *File, PFILE_OBJECT Object)
{
    NTSTATUS Status;

    Next = File->Now;
    Next.Bytes = Below(4) == 0 ? 0 : Below(MOST_BYTES);
    if (Next.Bytes < File->Now.Bytes) {
        memset(Next.Data + Next.Bytes, 0, File->Now.Bytes - Next.Bytes);
    }
    LetFail();
    Status = IoSetFileSize(Object, Next.Bytes);
    End(File, Object, Status, 0, 0);
}

static void DoFlush(MODEL_FILE *File, PFILE_OBJECT Object)
{
    NTSTATUS Status;

    LetFail();
    Status = IoFlushFile(Object);
    LetWork();
    if (IsDark()) {
        return;
    }
    CHECK(NT_SUCCESS(Status) || Failing);
    if (NT_SUCCESS(Status)) {
        Flushed(File);
    }
}

static void DoRead(MODEL_FILE *File, PFILE_OBJECT Object)
{
    ULONG Offset = Below(File->Now.Bytes + 10);
    ULONG Bytes = 1 + Below(9000);
    ULONG Expected = Offset < File->Now.Bytes ? File->Now.Bytes - Offset : 0;
    ULONG Done = 0;
    NTSTATUS Status;

    Expected = Expected < Bytes ? Expected : Bytes;
    LetFail();
    Status = IoReadFile(Object, Offset, IoBuffer, Bytes, &Done);
    LetWork();
    if (IsDark()) {
        return;
    }
    if (Failing && !NT_SUCCESS(Status) && Expected != 0) {
        Failures++;
        return;
    }
    CHECK_EQUAL(Expected == 0 ? STATUS_END_OF_FILE : STATUS_SUCCESS, Status);
    CHECK_EQUAL(Expected, Done);
    CHECK(memcmp(IoBuffer, File->Now.Data + Offset, Expected) == 0);
}

static void DoView(MODEL_FILE *File)
{
    ULONG Offset;

    if (File->Open[0] == NULL || File->Now.Bytes == 0) {
        return;
    }
    if (!File->Mapped) {
        FcWorldMap(File->Open[0]);
        File->Mapped = TRUE;
    } else if (Below(3) == 0) {
        FcWorldUnmap(File->Open[0]);
        File->Mapped = FALSE;
    } else {
        Offset = Below(File->Now.Bytes);
        File->Now.Data[Offset] = (UCHAR)TestRandom(&Random);
        CHECK(NT_SUCCESS(FcWorldPoke(File->Open[0], Offset, File->Now.Data[Offset])));
        See(File);
    }
}

static void DoClose(MODEL_FILE *File, ULONG Slot)
{
    if (Slot == 0 && File->Mapped) {
        FcWorldUnmap(File->Open[0]);
        File->Mapped = FALSE;
    }
    IoCloseFile(File->Open[Slot]);
    File->Open[Slot] = NULL;
}

static void DoOpen(ULONG Index, ULONG Slot)
{
    MODEL_FILE *File = &Model[Index];

    if (!NT_SUCCESS(FcWorldOpen(Paths[Index], Slot < CACHED, &File->Open[Slot]))) {
        CHECK(IsDark());
        File->Open[Slot] = NULL;
        return;
    }
    if (!File->Exists) {
        memset(&File->Now, 0, sizeof(File->Now));
        File->Exists = TRUE;
        See(File);
    }
}

/* A file that is overwritten is empty, whoever has it open. */
static void DoOverwrite(ULONG Index, ULONG Slot)
{
    MODEL_FILE *File = &Model[Index];
    NTSTATUS Status;

    if (!File->Exists) {
        return;
    }
    Status = IoWorldOpen(Paths[Index], FILE_OVERWRITE,
                         Slot < CACHED ? 0 : FILE_NO_INTERMEDIATE_BUFFERING, &File->Open[Slot]);
    CHECK(IsDark() || Status == (File->Mapped ? STATUS_USER_MAPPED_FILE : STATUS_SUCCESS));
    if (!NT_SUCCESS(Status)) {
        File->Open[Slot] = NULL;
        return;
    }
    memset(&File->Now, 0, sizeof(File->Now));
    See(File);
}

/* Replaced by a rename, when nobody has it open; the cache may have it still. */
static void DoReplace(ULONG Index, PFILE_OBJECT Object)
{
    ULONG To = Below(FILES);
    MODEL_FILE *From = &Model[Index];
    MODEL_FILE *Target = &Model[To];
    VERSION *Seen = Target->Seen;

    if (To == Index || IsOpen(Target) || IoDisk.PowerLeft != HOST_DISK_ALWAYS) {
        return;
    }
    CHECK_EQUAL(STATUS_SUCCESS, IoRenameFile(Object, Paths[To], TRUE));
    *Target = *From;
    memset(From, 0, sizeof(*From));
    From->Seen = Seen;
}

static void DoOpenFile(ULONG Index, ULONG Slot, PFILE_OBJECT Object)
{
    MODEL_FILE *File = &Model[Index];

    switch (Below(14)) {
    case 0:
    case 1:
    case 2:
    case 3:
        DoWrite(File, Object);
        break;
    case 4:
    case 5:
        DoRead(File, Object);
        break;
    case 6:
        DoSetSize(File, Object);
        break;
    case 7:
        DoFlush(File, Object);
        break;
    case 8:
    case 9:
        DoView(File);
        break;
    case 10:
        Compare(File);
        break;
    case 11:
        DoReplace(Index, Object);
        break;
    default:
        DoClose(File, Slot);
        break;
    }
}

static void DoSomething(void)
{
    ULONG Index = Below(FILES);
    ULONG Slot = Below(OPENINGS);
    PFILE_OBJECT Object = Model[Index].Open[Slot];

    switch (Below(12)) {
    case 0:
        FcWorldTrim();
        return;
    case 1:
        LetFail();
        (void)CciLazyWriteRound();
        LetWork();
        return;
    default:
        break;
    }
    if (Object != NULL) {
        DoOpenFile(Index, Slot, Object);
    } else if (Below(6) == 0) {
        DoOverwrite(Index, Slot);
    } else {
        DoOpen(Index, Slot);
    }
}

/* ---- the runs ---- */

static void CloseAll(void)
{
    ULONG Index;
    ULONG Slot;

    for (Index = 0; Index < FILES; Index++) {
        for (Slot = 0; Slot < OPENINGS; Slot++) {
            if (Model[Index].Open[Slot] != NULL) {
                DoClose(&Model[Index], Slot);
            }
        }
    }
}

static void Start(uint64_t Seed)
{
    ULONG Index;

    Random = Seed | 1;
    for (Index = 0; Index < FILES; Index++) {
        VERSION *Seen = Model[Index].Seen;

        memset(&Model[Index], 0, sizeof(Model[Index]));
        Model[Index].Seen = Seen != NULL ? Seen : malloc(MOST_SEEN * sizeof(VERSION));
        CHECK(Model[Index].Seen != NULL);
    }
    Failing = FALSE;
    FcWorldStart(&IoWorldFat16, Below(2) == 0 ? 0 : Seed);
}

static void CompareAll(void)
{
    ULONG Index;

    for (Index = 0; Index < FILES; Index++) {
        if (Model[Index].Exists) {
            DoOpen(Index, Below(OPENINGS));
            Compare(&Model[Index]);
        }
    }
    CloseAll();
}

static void Run(uint64_t Seed, ULONG Operations, BOOLEAN Fails)
{
    ULONG Index;

    Start(Seed);
    Failing = Fails;
    for (Index = 0; Index < Operations; Index++) {
        DoSomething();
        if (Below(50) == 0) {
            CciVerifyCache();
        }
        if (Below(300) == 0) {
            CloseAll();
            IoWorldRemount();
            CompareAll();
        }
    }
    CloseAll();
    IoWorldRemount();
    CompareAll();
    FcWorldFinish();
}

TEST(Prop_cached_direct_and_mapped_files_agree)
{
    const ULONG Operations = (ULONG)TestRounds(6000);

    Failures = 0;
    Run(TestSeedNumber(0), Operations, FALSE);
    TestCountOperations((uint64_t)Operations, 1);
}

TEST(Prop_cached_files_agree_whatever_the_disk_refuses)
{
    const ULONG Operations = (ULONG)TestRounds(6000);

    Failures = 0;
    Run(TestSeedNumber(1), Operations, TRUE);
    CHECK(Failures > Operations / 100);
    TestCountOperations((uint64_t)Operations, 1);
}

/* ---- the power goes ---- */

static BOOLEAN IsSectorOf(const VERSION *Version, const UCHAR *Found, ULONG Start, ULONG Bytes)
{
    return memcmp(Version->Data + Start, Found + Start, Bytes) == 0;
}

/* IoBuffer has Bytes that a file came back with. */
static void CheckPromise(const MODEL_FILE *File, ULONG Bytes)
{
    ULONG Least = MOST_BYTES;
    ULONG Most = 0;
    ULONG Start;
    ULONG i;

    for (i = 0; i < File->SeenCount; i++) {
        Least = File->Seen[i].Bytes < Least ? File->Seen[i].Bytes : Least;
        Most = File->Seen[i].Bytes > Most ? File->Seen[i].Bytes : Most;
    }
    CHECK(Bytes >= Least && Bytes <= Most); /* as far as the data has come */
    for (Start = 0; Start < Bytes; Start += SECTOR) {
        ULONG Part = Bytes - Start < SECTOR ? Bytes - Start : SECTOR;

        for (i = 0; i < File->SeenCount && !IsSectorOf(&File->Seen[i], IoBuffer, Start, Part);
             i++) {
            continue;
        }
        CHECK(i < File->SeenCount);
    }
}

static void CutPower(uint64_t Seed)
{
    ULONG Operations = 40 + (ULONG)(Seed % 160);
    ULONG Index;

    Start(Seed);
    for (Index = 0; Index < Operations && !IsDark(); Index++) {
        if (Index == Operations / 2) {
            IoDisk.PowerLeft = 1 + Below(300);
        }
        DoSomething();
    }
    IoDisk.PowerLeft = 0;
    CloseAll();
    (void)IoDismountVolume(IoVolume); /* its writes are lost, too */
    IoDisk.PowerLeft = HOST_DISK_ALWAYS;
    CHECK_EQUAL(STATUS_SUCCESS,
                IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume1", &IoVolume));
    for (Index = 0; Index < FILES; Index++) {
        PFILE_OBJECT Object;

        if (!Model[Index].Exists || Model[Index].SeenLost ||
            !NT_SUCCESS(IoWorldOpen(Paths[Index], FILE_OPEN, 0, &Object))) {
            continue; /* a file that was just made may be gone */
        }
        CheckPromise(&Model[Index], ReadAll(Object));
        IoCloseFile(Object);
    }
    FcWorldFinish();
}

TEST(Prop_cached_files_keep_what_was_flushed_when_the_power_goes)
{
    const ULONG Rounds = (ULONG)TestRounds(40);
    ULONG Round;

    for (Round = 0; Round < Rounds; Round++) {
        CutPower(TestSeedNumber(10 + Round));
    }
    TestCountOperations((uint64_t)Rounds * 100, Rounds);
}
