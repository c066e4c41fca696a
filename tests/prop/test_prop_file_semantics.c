/* SPDX-License-Identifier: MIT */
/*
 * test_prop_file_semantics.c - files by services and by views, with the cache on, beside
 * file_model.h (figure R15): bytes, sizes, views, and what the machine does behind their backs.
 */
#include "cc.h"
#include "events.h"
#include "mm.h"
#include "mm/cc/cc_verify.h"
#include "mm/cc/lazy_writer.h"
#include "mm/inspect/page_out.h"
#include "mm/ke/thread.h"
#include "mm/section/cache_calls.h"
#include "mm/section/mapped_writer.h"
#include "mm/space/process.h"
#include "mm/ws/wsle.h"
#include "tests/prop/file_model.h"
#include "tests/unit/nt_world.h"
#include "vm.h"

#include <stdio.h>
#include <string.h>

static KTHREAD ReadAhead;
static UCHAR ReadAheadStack[HOST_STACK_BYTES] NT_ALIGNED(16);

/* ---- bytes ---- */

static BOOLEAN IsDirect(const OPENING *O)
{
    return (O->Options & FILE_NO_INTERMEDIATE_BUFFERING) != 0;
}

/* Most offsets and lengths that go past the cache are whole sectors, some are not. */
static ULONG Align(const OPENING *O, ULONG Number)
{
    return IsDirect(O) && FmBelow(8) != 0 ? ROUND_DOWN(Number + SECTOR - 1, SECTOR) : Number;
}

static BOOLEAN IsAligned(const OPENING *O, ULONG Offset, ULONG Bytes)
{
    return !IsDirect(O) || (Offset % SECTOR == 0 && Bytes % SECTOR == 0);
}

static ULONG SomeBytes(void)
{
    return FmBelow(6) == 0 ? FmBelow(30000) : FmBelow(1500);
}

static void FillUser(ULONG Bytes)
{
    UCHAR Byte = (UCHAR)TestRandom(&FmRandom);
    UCHAR Step = (UCHAR)(TestRandom(&FmRandom) | 1);
    ULONG Index;

    for (Index = 0; Index < Bytes; Index++) {
        FmUser[FmNow][Index] = Byte;
        Byte = (UCHAR)(Byte + Step + (Index & 0x100 ? 1 : 0));
    }
}

/* Where a write begins: given, where the opening is, or the end, asked for or by its rights. */
static ULONG WriteAt(const OPENING *O, PLARGE_INTEGER Start, PLARGE_INTEGER *Given)
{
    const MODEL_FILE *File = &FmFiles[O->File];
    ULONG Offset;

    *Given = Start;
    switch (FmBelow(5)) {
    case 0:
    case 1:
        *Given = NULL;
        Offset = O->Position;
        break;
    case 2:
        *Start = (LARGE_INTEGER){.LowPart = FILE_WRITE_TO_END_OF_FILE, .HighPart = -1};
        return File->Bytes;
    default:
        Offset = FmBelow(File->Bytes + (FmBelow(20) == 0 ? 90000 : 3000));
        Start->QuadPart = Offset = Align(O, Offset);
        break;
    }
    return (O->Access & WRITES) == FILE_APPEND_DATA ? File->Bytes : Offset;
}

static void Write(OPENING *O)
{
    MODEL_FILE *File = &FmFiles[O->File];
    LARGE_INTEGER Start;
    PLARGE_INTEGER Given;
    ULONG Offset = WriteAt(O, &Start, &Given);
    ULONG Bytes = Align(O, SomeBytes());
    BOOLEAN End = Given != NULL && Start.QuadPart < 0;
    NTSTATUS Expected = STATUS_SUCCESS;

    if (Offset + Bytes > MOST_BYTES) {
        return;
    }
    if ((O->Access & WRITES) == 0) {
        Expected = STATUS_ACCESS_DENIED;
    } else if (!IsAligned(O, End ? 0 : Offset, Bytes)) {
        Expected = STATUS_INVALID_PARAMETER;
    }
    FillUser(Bytes);
    CHECK_EQUAL(Expected,
                NtWriteFile(O->Handle, NULL, NULL, NULL, &Iosb, FmUser[FmNow], Bytes, Given, NULL));
    if (!NT_SUCCESS(Expected)) {
        return;
    }
    CHECK_EQUAL(Bytes, Iosb.Information);
    if (Bytes == 0) {
        return; /* nothing moves */
    }
    FmNoteChange(File, TRUE, O);
    O->Wrote = TRUE;
    FmLengthen(File, Offset + Bytes);
    memcpy(File->Data + Offset, FmUser[FmNow], Bytes);
    O->Position = Offset + Bytes;
}

static void Read(OPENING *O)
{
    const MODEL_FILE *File = &FmFiles[O->File];
    BOOLEAN Here = FmBelow(3) == 0;
    ULONG Offset = Here ? O->Position : Align(O, FmBelow(File->Bytes + 100));
    ULONG Bytes = Align(O, SomeBytes());
    LARGE_INTEGER Start = {.QuadPart = Offset};
    ULONG Left = Offset < File->Bytes ? File->Bytes - Offset : 0;
    NTSTATUS Expected = Left != 0 || Bytes == 0 ? STATUS_SUCCESS : STATUS_END_OF_FILE;

    if ((O->Access & FILE_READ_DATA) == 0) {
        Expected = STATUS_ACCESS_DENIED;
    } else if (!IsAligned(O, Offset, Bytes)) {
        Expected = STATUS_INVALID_PARAMETER;
    }
    CHECK_EQUAL(Expected, NtReadFile(O->Handle, NULL, NULL, NULL, &Iosb, FmUser[FmNow], Bytes,
                                     Here ? NULL : &Start, NULL));
    if (NT_SUCCESS(Expected)) {
        Left = Left < Bytes ? Left : Bytes;
        CHECK_EQUAL(Left, Iosb.Information);
        CHECK(memcmp(FmUser[FmNow], File->Data + Offset, Left) == 0);
        O->Position = Bytes != 0 ? Offset + Left : O->Position;
    }
}

static void Flush(OPENING *O)
{
    CHECK_EQUAL(O->Access & WRITES ? STATUS_SUCCESS : STATUS_ACCESS_DENIED,
                NtFlushBuffersFile(O->Handle, &Iosb));
}

/* ---- sizes and positions ---- */

/* => Whether some view has pages that a file of Bytes has not. */
static BOOLEAN IsMappedBehind(ULONG File, ULONG Bytes)
{
    ULONG Index;

    for (Index = 0; Index < VIEWS; Index++) {
        if (FmViews[Index].File == File && FmViews[Index].Bytes > ROUND_UP(Bytes, PAGE_SIZE)) {
            return TRUE;
        }
    }
    return FALSE;
}

static void SetEnd(OPENING *O)
{
    MODEL_FILE *File = &FmFiles[O->File];
    ULONG Bytes = FmBelow(4) == 0 ? FmBelow(MOST_BYTES) : FmBelow(File->Bytes + 5000) % MOST_BYTES;
    BOOLEAN Allocation = FmBelow(4) == 0;
    BOOLEAN Cuts = Bytes < File->Bytes;
    BOOLEAN Changes = Cuts || (!Allocation && Bytes != File->Bytes);
    NTSTATUS Status;

    *(PLARGE_INTEGER)(PVOID)FmUser[FmNow] = (LARGE_INTEGER){.QuadPart = Bytes};
    Status = FmSet(O, 8, Allocation ? FileAllocationInformation : FileEndOfFileInformation);
    if ((O->Access & FILE_WRITE_DATA) == 0) {
        CHECK_EQUAL(STATUS_ACCESS_DENIED, Status);
        return;
    }
    if (Cuts && Status == STATUS_USER_MAPPED_FILE) {
        CHECK(FmIsMapped(O->File)); /* a section may be longer than its views */
        return;
    }
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    CHECK(!Cuts || !IsMappedBehind(O->File, Bytes));
    FmNoteChange(File, Changes, O);
    O->Sized |= Changes;
    if (Cuts) {
        File->Bytes = Bytes;
    } else if (!Allocation) {
        FmLengthen(File, Bytes);
    }
}

static void SetPosition(OPENING *O)
{
    ULONG Position = Align(O, FmBelow(FmFiles[O->File].Bytes + 1000));
    NTSTATUS Expected = IsAligned(O, Position, 0) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;

    if ((O->Access & (FILE_READ_DATA | FILE_WRITE_DATA)) == 0) {
        Expected = STATUS_ACCESS_DENIED;
    }
    *(PLARGE_INTEGER)(PVOID)FmUser[FmNow] = (LARGE_INTEGER){.QuadPart = Position};
    CHECK_EQUAL(Expected, FmSet(O, 8, FilePositionInformation));
    O->Position = NT_SUCCESS(Expected) ? Position : O->Position;
}

static void SeeSize(OPENING *O)
{
    PFILE_STANDARD_INFORMATION Standard = (PVOID)FmUser[FmNow];

    CHECK_EQUAL(STATUS_SUCCESS, NtQueryInformationFile(O->Handle, &Iosb, Standard,
                                                       sizeof(*Standard), FileStandardInformation));
    CHECK_EQUAL(FmFiles[O->File].Bytes, Standard->EndOfFile.QuadPart);
    CHECK(Standard->AllocationSize.QuadPart >= Standard->EndOfFile.QuadPart);
    CHECK_EQUAL(FmFiles[O->File].DeletePending, Standard->DeletePending);
    CHECK_EQUAL(FALSE, Standard->Directory);
    if (O->Access & (FILE_READ_DATA | FILE_WRITE_DATA)) {
        CHECK_EQUAL(STATUS_SUCCESS, NtQueryInformationFile(O->Handle, &Iosb, FmUser[FmNow], 8,
                                                           FilePositionInformation));
        CHECK_EQUAL(O->Position, ((PLARGE_INTEGER)(PVOID)FmUser[FmNow])->QuadPart);
    }
}

/* ---- views ---- */

static void Map(OPENING *O)
{
    const BOOLEAN Writable = FmBelow(2) == 0;
    const ULONG Protect = Writable ? PAGE_READWRITE : PAGE_READONLY;
    const ACCESS_MASK Needed = FILE_READ_DATA | (Writable ? FILE_WRITE_DATA : 0u);
    VIEW *View = &FmViews[FmBelow(VIEWS)];
    NTSTATUS Expected = FmFiles[O->File].Bytes != 0 ? STATUS_SUCCESS : STATUS_MAPPED_FILE_SIZE_ZERO;
    HANDLE Section = NULL;
    PVOID Base = NULL;
    SIZE_T Bytes = 0;

    if (View->File != NO_FILE) {
        FmUnmap(View);
        return;
    }
    Expected = (O->Access & Needed) == Needed ? Expected : STATUS_ACCESS_DENIED;
    CHECK_EQUAL(Expected, NtCreateSection(&Section, SECTION_ALL_ACCESS, NULL, NULL, Protect,
                                          SEC_COMMIT, O->Handle));
    if (!NT_SUCCESS(Expected)) {
        return;
    }
    CHECK_EQUAL(STATUS_SUCCESS, NtMapViewOfSection(Section, NtCurrentProcess(), &Base, 0, 0, NULL,
                                                   &Bytes, ViewUnmap, 0, Protect));
    NtWorldClose(Section);
    CHECK_EQUAL(ROUND_UP(FmFiles[O->File].Bytes, PAGE_SIZE), Bytes);
    *View = (VIEW){O->File, FmNow, Writable, (ULONG)Bytes, Base};
}

/* Bytes behind the file's end, in its last page, are nobody's. */
static void UseView(void)
{
    VIEW *View = &FmViews[FmBelow(VIEWS)];
    MODEL_FILE *File;
    ULONG Offset;
    ULONG Bytes;
    ULONG Last;

    if (View->File == NO_FILE || FmFiles[View->File].Bytes == 0) {
        return;
    }
    FmEnter(View->Process);
    File = &FmFiles[View->File];
    Last = ROUND_UP(File->Bytes, PAGE_SIZE);
    Last = Last < View->Bytes ? Last : View->Bytes;
    Offset = FmBelow(Last);
    Bytes = 1 + FmBelow(Last - Offset < 5000 ? Last - Offset : 5000);
    Last = Offset + Bytes < File->Bytes ? Offset + Bytes : File->Bytes;
    Last = Offset < Last ? Last : Offset;
    CHECK(memcmp(View->Base + Offset, File->Data + Offset, Last - Offset) == 0);
    if (View->Writable) {
        FmNoteChange(File, FALSE, NULL);
        FillUser(Bytes);
        memcpy(View->Base + Offset, FmUser[FmNow], Bytes);
        memcpy(File->Data + Offset, FmUser[FmNow], Last - Offset);
    }
}

/* ---- the machine ---- */

/* All that may leave memory does. */
static void Forget(void)
{
    PEPROCESS Process = PsGetCurrentProcess();
    BOOLEAN Trimmed = MmTrimAllSystemPageableMemory(FALSE);
    NTSTATUS Status;

    (void)Trimmed; /* FALSE: another thread is at it */
    MiLockAddressSpace(Process);
    (void)MiTrimWorkingSet(&Process->Vm, Process->Vm.WorkingSetSize, 0);
    MiUnlockAddressSpace(Process);
    Status = MiFlushMappedPages();
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    (void)MiReuseStandbyFrames();
}

static void Disturb(void)
{
    KeSetPreviousMode(KernelMode);
    if (FmBelow(2) == 0) {
        Forget();
    } else {
        (void)CciLazyWriteRound();
    }
    KeSetPreviousMode(UserMode);
}

/* ---- the run ---- */

static void Step(void)
{
    static void (*const Steps[])(OPENING *) = {
        Write,     Write,    Write,           Write,           Read,        Read,
        Read,      Read,     Flush,           SetEnd,          SetPosition, SeeSize,
        FmDispose, FmRename, FmSetAttributes, FmSeeAttributes, Map,         FmDuplicate};
    OPENING *O = &FmOpenings[FmBelow(OPENINGS)];

    if (FmBelow(40) == 0) {
        Disturb();
    }
    if (FmBelow(20) == 0) {
        FmPassTime();
    }
    if (FmBelow(12) == 0) {
        UseView();
        return;
    }
    FmEnter(O->File == NO_FILE ? FmBelow(2) : O->Process);
    if (FmBelow(60) == 0) {
        FmDeleteByName();
        return;
    }
    if (FmBelow(60) == 0) {
        FmList();
        return;
    }
    if (O->File == NO_FILE) {
        FmOpen(O);
        return;
    }
    if (FmBelow(7) == 0) {
        FmClose(O);
    } else {
        Steps[FmBelow(RTL_NUMBER_OF(Steps))](O);
    }
}

static void CloseAll(void)
{
    ULONG Index;

    for (Index = 0; Index < OPENINGS; Index++) {
        while (FmOpenings[Index].File != NO_FILE) {
            FmClose(&FmOpenings[Index]);
        }
    }
    for (Index = 0; Index < FILES; Index++) {
        FmUnmapFile(Index);
    }
}

static void Start(void)
{
    SIZE_T Bytes = NT_WORLD_BYTES;
    PVOID Base = NULL;

    MmWorldNextUnforced();
    NtWorldStartOn(&IoWorldFat16);
    CHECK_EQUAL(STATUS_SUCCESS, CcInitializeCacheManager(&MiCacheViewCalls, 4096));
    CHECK_EQUAL(STATUS_SUCCESS,
                KeCreateWorkerThread(&ReadAhead, DelayedWorkQueue,
                                     ReadAheadStack + HOST_STACK_BYTES, HOST_STACK_BYTES));
    NtWorldClose(NtWorldOpen(u"\\??\\C:\\dir", FILE_READ_DATA, FILE_CREATE, FILE_DIRECTORY_FILE));
    FmUser[0] = NtUser;
    NtWorldEnter(1);
    CHECK_EQUAL(STATUS_SUCCESS, NtAllocateVirtualMemory(NtCurrentProcess(), &Base, 0, &Bytes,
                                                        MEM_COMMIT, PAGE_READWRITE));
    FmUser[1] = Base;
    FmReset();
    FmPassTime();
}

static void Run(uint64_t Seed, ULONG Operations)
{
    ULONG Index;

    TestUseSeed(Seed);
    FmRandom = Seed;
    Start();
    KeSetPreviousMode(UserMode);
    for (Index = 0; Index < Operations; Index++) {
        TestSetStep(Index + 1);
        Step();
        if (FmBelow(400) == 0 || Index + 1 == Operations) {
            CloseAll();
            KeSetPreviousMode(KernelMode);
            FmCompare(0, FALSE);
            CciVerifyCache();
            IoWorldRemount();
            FmCompare(FILE_NO_INTERMEDIATE_BUFFERING, TRUE);
            KeSetPreviousMode(UserMode);
        }
    }
    KeSetPreviousMode(KernelMode);
    FmEnter(0);
    NtWorldEndProcesses();
    CHECK_EQUAL(STATUS_SUCCESS, IoDismountVolume(IoVolume));
    FmSave();
    CHECK_EQUAL(STATUS_SUCCESS,
                IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume1", &IoVolume));
    NtWorldFinish();
}

TEST(Prop_file_semantics_by_services_agree_with_a_model_in_memory)
{
    const ULONG Seeds = FmSaves() ? 8 : 4; /* others want many volumes, each left in its own way */
    const ULONG Operations = (ULONG)TestRounds(FmSaves() ? 2500 : 25000);
    ULONG n;

    for (n = 0; n < Seeds; n++) {
        Run(TestSeedNumber(n), Operations);
    }
    TestSetStep(0);
    TestCountOperations((uint64_t)Operations * Seeds, Seeds);
    printf("# %u files replaced by renames\n", FmReplaced);
    printf("# figure R15 %u 0\n", Operations * Seeds);
}
