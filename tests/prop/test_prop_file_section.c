/* SPDX-License-Identifier: MIT */
/*
 * test_prop_file_section.c - two processes that map, write and flush views of one file at random,
 * against an array of bytes.
 *
 * The file grows, its sections come and go, pages are trimmed, written and reused in between; now
 * and then the disk fails, or a frame or a block of pool cannot be had.  A view's reads agree with
 * the array always; the file itself does after a flush, and at the end.
 */
#include "mm/fault/fault.h"
#include "mm/inspect/page_out.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pool/pool_inject.h"
#include "mm/section/file_write.h"
#include "mm/section/mapped_writer.h"
#include "tests/unit/file_section_world.h"
#include "vm.h"

#include <stdio.h>
#include <string.h>

#define PAGES     96u /* that the file may grow to */
#define PROCESSES 2u
#define VIEWS     3u
#define VERIFY    50u

typedef struct _MODEL_VIEW {
    PUCHAR Base; /* NULL: none */
    ULONG First; /* page of the file */
    ULONG Bytes;
    BOOLEAN Writes;
} MODEL_VIEW;

static UCHAR Model[PAGES * PAGE_SIZE];
static ULONG Length; /* of the file */
static HANDLE File;  /* the first process' */
static PFILE_OBJECT Object;
static PSECTION Section; /* NULL: let go of */
static MODEL_VIEW Views[PROCESSES][VIEWS];
static ULONG Now;
static uint64_t Seed;

static struct {
    ULONG Maps;
    ULONG Refused;
    ULONG Flushes;
    ULONG Failed; /* flushes */
    ULONG InPageErrors;
    ULONG Grown;
    ULONG PageOuts;
} Count;

static ULONG Random(ULONG Below)
{
    return TestRandom(&Seed) % Below;
}

static BOOLEAN IsShort(NTSTATUS Status)
{
    Count.Refused += !NT_SUCCESS(Status);
    return Status == STATUS_NO_MEMORY || Status == STATUS_INSUFFICIENT_RESOURCES ||
           Status == STATUS_COMMITMENT_LIMIT;
}

/* The handle is the first process'. */
static NTSTATUS TryOpen(ULONG Bytes, PSECTION *Opened)
{
    NTSTATUS Status;

    NtWorldEnter(0);
    Status = FileSectionTryOpen(File, Bytes, PAGE_READWRITE, Opened);
    NtWorldEnter(Now);
    return Status;
}

static ULONG SizeOfFile(void)
{
    ULONG64 Bytes = 0;

    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(Object, &Bytes));
    return (ULONG)Bytes;
}

/* ---- sections ---- */

static BOOLEAN OpenSection(void)
{
    NTSTATUS Status;

    if (Section != NULL) {
        return TRUE;
    }
    Status = TryOpen(0, &Section);
    if (NT_SUCCESS(Status)) {
        return TRUE;
    }
    CHECK(IsShort(Status) || IoDisk.FailFrom != 0);
    Section = NULL;
    return FALSE;
}

static void LetGo(void)
{
    if (Section != NULL) {
        ObDereferenceObject(Section);
        Section = NULL;
    }
}

static void Map(void)
{
    MODEL_VIEW *View = &Views[Now][Random(VIEWS)];
    LARGE_INTEGER Offset;
    SIZE_T Bytes = 0;
    PVOID Base = NULL;
    NTSTATUS Status;

    if (View->Base != NULL || !OpenSection()) {
        return;
    }
    View->First = Random((ULONG)(Section->SizeOfSection + 65535) / 65536) * 16;
    View->Writes = Random(4) != 0;
    Offset.QuadPart = (LONGLONG)View->First * PAGE_SIZE;
    Status = MmMapViewOfSection(Section, PsGetCurrentProcess(), &Base, 0, 0, &Offset, &Bytes,
                                ViewShare, 0, View->Writes ? PAGE_READWRITE : PAGE_READONLY);
    if (!NT_SUCCESS(Status)) {
        CHECK(IsShort(Status));
        return;
    }
    Count.Maps++;
    View->Base = Base;
    View->Bytes = (ULONG)(Section->SizeOfSection - (ULONG64)Offset.QuadPart);
}

static void Unmap(void)
{
    MODEL_VIEW *View = &Views[Now][Random(VIEWS)];

    if (View->Base != NULL) {
        FileSectionUnmap(View->Base);
        View->Base = NULL;
    }
}

/* A longer section makes the file longer; what is new is zero. */
static void Grow(void)
{
    ULONG Bytes = Length + 1 + Random(8 * PAGE_SIZE);
    PSECTION Longer = NULL;
    NTSTATUS Status;

    if (Bytes > sizeof(Model)) {
        return;
    }
    Status = TryOpen(Bytes, &Longer);
    IoDisk.FailFrom = 0;
    if (!NT_SUCCESS(Status)) {
        Count.Refused++;
        CHECK(SizeOfFile() >= Length);
        Length = SizeOfFile(); /* it may have grown before the section was refused */
        return;
    }
    Length = Bytes;
    ObDereferenceObject(Longer);
    LetGo(); /* the next one has the new size */
    Count.Grown++;
}

/* ---- bytes ---- */

static MODEL_VIEW *AnyView(void)
{
    MODEL_VIEW *View = &Views[Now][Random(VIEWS)];

    return View->Base != NULL ? View : NULL;
}

/* => Whether the access was made. */
static BOOLEAN Judge(NTSTATUS Status)
{
    Count.InPageErrors += Status == STATUS_IN_PAGE_ERROR;
    CHECK(NT_SUCCESS(Status) || Status == STATUS_IN_PAGE_ERROR);
    return NT_SUCCESS(Status);
}

static void Write(void)
{
    MODEL_VIEW *View = AnyView();
    UCHAR Data[64];
    ULONG At;
    ULONG Bytes;
    ULONG i;

    if (View == NULL || !View->Writes) {
        return;
    }
    At = Random(View->Bytes);
    Bytes = 1 + Random(sizeof(Data));
    Bytes = Bytes < PAGE_SIZE - At % PAGE_SIZE ? Bytes : PAGE_SIZE - At % PAGE_SIZE;
    Bytes = Bytes < View->Bytes - At ? Bytes : View->Bytes - At;
    for (i = 0; i < Bytes; i++) {
        Data[i] = (UCHAR)Random(256);
    }
    if (Judge(MmCopyToUser(View->Base + At, Data, Bytes, NULL))) {
        memcpy(Model + View->First * PAGE_SIZE + At, Data, Bytes);
    }
}

static void Read(void)
{
    MODEL_VIEW *View = AnyView();
    UCHAR Data[64];
    ULONG At;
    ULONG Bytes;

    if (View == NULL) {
        return;
    }
    At = Random(View->Bytes);
    Bytes = 1 + Random(sizeof(Data));
    Bytes = Bytes < View->Bytes - At ? Bytes : View->Bytes - At;
    if (Judge(MmCopyFromUser(Data, View->Base + At, Bytes, NULL))) {
        CHECK(memcmp(Data, Model + View->First * PAGE_SIZE + At, Bytes) == 0);
    }
}

/* Not cached: what views have written is written first. */
static void ReadBytes(void)
{
    ULONG At = Random(Length);
    ULONG Bytes = 1 + Random(3000);
    ULONG Done = 0;
    NTSTATUS Status;

    Bytes = Bytes < Length - At ? Bytes : Length - At;
    Status = IoReadFile(Object, At, IoBuffer, Bytes, &Done);
    if (NT_SUCCESS(Status)) {
        CHECK_EQUAL(Bytes, Done);
        CHECK(memcmp(IoBuffer, Model + At, Bytes) == 0);
    }
}

/* ---- what the system does ---- */

static void FlushAll(void)
{
    IO_STATUS_BLOCK Status;

    Count.Flushes++;
    Count.Failed += !NT_SUCCESS(MmFlushSection(Object->SectionObjectPointer, NULL, 0, &Status));
}

static void PageOut(void)
{
    NTSTATUS Status;

    FileSectionTrim();
    Status = MiFlushMappedPages();
    Count.Failed += !NT_SUCCESS(Status);
    if (Random(2) == 0) {
        (void)MiReuseStandbyFrames();
    }
    MiDeleteUnusedSegments();
    Count.PageOuts++;
}

static void Operate(void)
{
    switch (Random(40)) {
    case 0:
    case 1:
        Map();
        break;
    case 2:
        Unmap();
        break;
    case 3:
        Grow();
        break;
    case 4:
        PageOut();
        break;
    case 5:
        FlushAll();
        break;
    case 6:
        LetGo();
        break;
    case 7:
        FileSectionTrim();
        break;
    case 8:
        Now = Random(PROCESSES);
        NtWorldEnter(Now);
        break;
    case 9:
        ReadBytes();
        break;
    default:
        if (Random(3) != 0) {
            Write();
        } else {
            Read();
        }
    }
}

/* One in some tries has a disk that fails for a moment, or no pool. */
static void Trouble(void)
{
    ULONG Kind = Random(12);

    if (Kind == 0) {
        IoDisk.FailAt[Random(2) == 0 ? DiskRead : DiskWrite] = 1 + Random(3);
    } else if (Kind == 1) {
        MiFailPoolAllocation(1 + Random(4));
    } else if (Kind == 2) {
        IoDisk.FailFrom = 1;
    }
    Operate();
    MiFailPoolAllocation(0);
    IoDisk.FailAt[DiskRead] = 0;
    IoDisk.FailAt[DiskWrite] = 0;
    IoDisk.FailFrom = 0;
}

static void End(void)
{
    ULONG Done = 0;
    ULONG At;

    for (Now = 0; Now < PROCESSES; Now++) {
        ULONG i;

        NtWorldEnter(Now);
        for (i = 0; i < VIEWS; i++) {
            if (Views[Now][i].Base != NULL) {
                FileSectionUnmap(Views[Now][i].Base);
                Views[Now][i].Base = NULL;
            }
        }
    }
    LetGo();
    NtWorldEnter(0);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushMappedPages());
    CHECK_EQUAL(0, MiMappedModifiedList.Total);
    MiReleaseFiles(NULL);
    CHECK_EQUAL(0, (ULONG_PTR)Object->SectionObjectPointer->DataSectionObject);
    for (At = 0; At < Length; At += Done) {
        CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(Object, At, IoBuffer, 65536, &Done));
        CHECK(Done != 0 && memcmp(IoBuffer, Model + At, Done) == 0);
    }
    NtWorldClose(File);
    FileSectionFinish();
}

static void Run(ULONG Rounds)
{
    ULONG i;

    FileSectionStart();
    memset(Model, 0, sizeof(Model));
    Length = 1 + Random(20 * PAGE_SIZE);
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", Length, 9);
    for (i = 0; i < Length; i++) {
        Model[i] = IoWorldByte(i, 9);
    }
    Object = NtWorldFile(File);
    Now = 0;
    for (i = 0; i < Rounds; i++) {
        Trouble();
        if (i % VERIFY == 0) {
            MiVerifyAll();
        }
    }
    End();
}

TEST(Random_views_of_a_file_agree_with_an_array_of_bytes)
{
    ULONG Rounds = TestRounds(8000);
    ULONG n;

    memset(&Count, 0, sizeof(Count));
    for (n = 0; n < 3; n++) {
        Seed = TestSeedNumber(n);
        TestUseSeed(Seed);
        Run(Rounds / 3);
    }
    CHECK(Count.Maps > 20 && Count.Grown > 10 && Count.PageOuts > 50);
    CHECK(Count.Failed != 0 && Count.InPageErrors != 0);
    printf("# %u operations over 3 seeds: %u views, %u times longer, %u flushes and %u page-outs "
           "of which %u failed, %u in-page errors, %u refused\n",
           Rounds, Count.Maps, Count.Grown, Count.Flushes, Count.PageOuts, Count.Failed,
           Count.InPageErrors, Count.Refused);
    printf("# figure R1 %u 0\n", Rounds);
}
