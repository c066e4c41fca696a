/* SPDX-License-Identifier: MIT */
/*
 * test_prop_paged_pool.c - pageable system memory against a plain model.
 *
 * That is blocks of paged pool of any size, and the sections of an image, while all of it is
 * trimmed, written by a slow disk whose writes fail now and then, purged, and read back.
 *
 * Reads do not fail: for the kernel that is the end, and has tests of its own.  Every byte is
 * compared when it is looked at; every few operations everything is verified.
 *
 *     world 0   a disk that completes at once
 *           1   a slow one
 *           2   a slow one that fails and tears writes
 *           3   the same, and all is trimmed before each raise of IRQL
 */
#include "ex.h"
#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/inspect/page_out.h"
#include "mm/paging/modified_writer.h"
#include "mm/pool/pool.h"
#include "mm/pool/system_image.h"
#include "mm/pool/trim_system.h"
#include "mm/sysva/system_pages.h"
#include "mm/sysva/system_ptes.h"
#include "tests/unit/paging_world.h"
#include "verify.h"

#include <string.h>

#define KINDS       4u
#define WORLDS      8u
#define OPERATIONS  1500u /* of a world */
#define VERIFY      100u  /* operations between two */
#define FILE_MB     4u
#define BLOCKS      48u
#define MOST_BYTES  0x6000u
#define TAG         0x646F4D50u /* 'PMod' */
#define CODE_PAGES  6u
#define DATA_PAGES  4u
#define FAIL_ONE_IN 5u
#define MOST_FAILED 100u /* a world: each costs slots for good */

typedef struct _MODEL_BLOCK {
    PUCHAR Va; /* NULL: not allocated */
    ULONG Bytes;
    UCHAR Value; /* the byte at Va + n is Value + n / 7 */
} MODEL_BLOCK;

static MODEL_BLOCK Blocks[BLOCKS];
static uint64_t Random;
static ULONG_PTR ImageBase;
static MI_IMAGE_SECTION Sections[2]; /* PAGECODE, PAGEDATA */
static MI_SYSTEM_IMAGE Image;
static UCHAR DataValue;
static PVOID Handles[2];
static ULONG Locks[2];
static ULONG Refused; /* flushes that a failing disk did not complete */

static UCHAR ByteAt(UCHAR Value, ULONG Index)
{
    return (UCHAR)(Value + Index / 7);
}

static void Fill(PUCHAR Va, ULONG Bytes, UCHAR Value)
{
    ULONG i;

    for (i = 0; i < Bytes; i++) {
        Va[i] = ByteAt(Value, i);
    }
}

static void Compare(const UCHAR *Va, ULONG Bytes, UCHAR Value)
{
    ULONG i;

    for (i = 0; i < Bytes; i++) {
        if (Va[i] != ByteAt(Value, i)) {
            TestFail(__FILE__, __LINE__, "byte %u of %u at %p is %02x, not %02x", i, Bytes,
                     (const void *)Va, Va[i], ByteAt(Value, i));
        }
    }
}

/* ---- the image ---- */

static void LoadImage(void)
{
    PMMPTE First = MiReserveSystemPtes(CODE_PAGES + DATA_PAGES);

    ImageBase = MiGetVaMappedByPte(First);
    CHECK_EQUAL(STATUS_SUCCESS,
                MiCreateSystemPages(First, CODE_PAGES + DATA_PAGES,
                                    MiMakeKernelTemplate(MiKernelReadWrite, MiCached)));
    DataValue = 3;
    Fill((PUCHAR)ImageBase, CODE_PAGES * PAGE_SIZE, 1);
    Fill((PUCHAR)ImageBase + CODE_PAGES * PAGE_SIZE, DATA_PAGES * PAGE_SIZE, DataValue);
    Sections[0] = (MI_IMAGE_SECTION){
        .Name = "PAGE", .Start = ImageBase, .Pages = CODE_PAGES, .Protection = MM_EXECUTE_READ};
    Sections[1] = (MI_IMAGE_SECTION){.Name = "PAGEDATA",
                                     .Start = ImageBase + CODE_PAGES * PAGE_SIZE,
                                     .Pages = DATA_PAGES,
                                     .Protection = MM_READWRITE};
    Image = (MI_SYSTEM_IMAGE){.Name = "model",
                              .Base = ImageBase,
                              .Pages = CODE_PAGES + DATA_PAGES,
                              .SectionCount = 2,
                              .Sections = Sections};
    MiInsertSystemImage(&Image);
}

static void UnloadImage(void)
{
    ULONG i;

    for (i = 0; i < 2; i++) {
        while (Locks[i] != 0) {
            MmUnlockPagableImageSection(Handles[i]);
            Locks[i]--;
        }
    }
    MiRemoveSystemImage(&Image);
    MiReleaseSystemPtes(MiGetPteAddress(ImageBase), CODE_PAGES + DATA_PAGES);
}

static void UseImage(void)
{
    ULONG Which = TestRandom(&Random) % 2;

    switch (TestRandom(&Random) % 5) {
    case 0:
        Compare((PUCHAR)ImageBase, CODE_PAGES * PAGE_SIZE, 1);
        break;
    case 1:
        Compare((PUCHAR)Sections[1].Start, DATA_PAGES * PAGE_SIZE, DataValue);
        break;
    case 2:
        DataValue = (UCHAR)TestRandom(&Random);
        Fill((PUCHAR)Sections[1].Start, DATA_PAGES * PAGE_SIZE, DataValue);
        break;
    case 3:
        Handles[Which] = MmLockPagableDataSection((PVOID)Sections[Which].Start);
        Locks[Which]++;
        break;
    default:
        if (Locks[Which] != 0) {
            MmUnlockPagableImageSection(Handles[Which]);
            Locks[Which]--;
        }
    }
}

/* ---- paged pool ---- */

static void UsePool(void)
{
    MODEL_BLOCK *Block = &Blocks[TestRandom(&Random) % BLOCKS];

    if (Block->Va == NULL) {
        Block->Bytes = 1 + TestRandom(&Random) % (TestRandom(&Random) % 2 ? 500 : MOST_BYTES);
        Block->Va = ExAllocatePoolWithTag(PagedPool, Block->Bytes, TAG);
        CHECK(Block->Va != NULL);
        Block->Value = (UCHAR)TestRandom(&Random);
        Fill(Block->Va, Block->Bytes, Block->Value);
        return;
    }
    Compare(Block->Va, Block->Bytes, Block->Value);
    switch (TestRandom(&Random) % 4) {
    case 0:
        Block->Value = (UCHAR)TestRandom(&Random);
        Fill(Block->Va, Block->Bytes, Block->Value);
        break;
    case 1:
        ExFreePoolWithTag(Block->Va, TAG);
        Block->Va = NULL;
        break;
    default:
        break;
    }
}

/* ---- out ---- */

static void SendAway(void)
{
    CHECK(MmTrimAllSystemPageableMemory(TestRandom(&Random) % 4 == 0));
    if (TestRandom(&Random) % 2 == 0) {
        Refused += !NT_SUCCESS(MiFlushModifiedPages());
    }
    if (TestRandom(&Random) % 2 == 0) {
        (void)MiReuseStandbyFrames();
    }
}

static void DoOne(ULONG Step)
{
    ULONG Action = TestRandom(&Random) % 16;

    TestSetStep(Step);
    if (Action < 9) {
        UsePool();
    } else if (Action < 13) {
        UseImage();
    } else {
        SendAway();
    }
    if (Step % VERIFY == 0) {
        MiVerifyAll();
    }
}

static void RunWorld(ULONG Number)
{
    ULONG Kind = Number % KINDS;
    uint64_t Seed = TestSeedNumber(Number);
    ULONG64 Operations = TestRounds(OPERATIONS);
    ULONG64 i;

    TestUseSeed(Seed);
    MmWorldNextUnforced(); /* world 3 does it itself */
    PagingWorldStartWith(Kind == 0 ? 0 : Seed | 1, FILE_MB, FILE_MB);
    Random = Seed;
    LoadImage();
    if (Kind >= 2) {
        IoDisk.FailOneIn[DiskWrite] = FAIL_ONE_IN;
        IoDisk.MayFail = MOST_FAILED;
        IoDisk.Tear = TRUE;
    }
    MiSetForcedTrims(Kind == 3);
    for (i = 1; i <= Operations; i++) {
        DoOne((ULONG)i);
    }
    TestSetStep(0);
    MiSetForcedTrims(FALSE);
    IoDisk.MayFail = 0;
    UnloadImage();
    for (i = 0; i < BLOCKS; i++) {
        if (Blocks[i].Va != NULL) {
            Compare(Blocks[i].Va, Blocks[i].Bytes, Blocks[i].Value);
            ExFreePoolWithTag(Blocks[i].Va, TAG);
            Blocks[i].Va = NULL;
        }
    }
    PagingWorldFinish();
    TestCountOperations(Operations, 1);
}

TEST(Prop_paged_pool_and_pageable_code_are_as_a_plain_model)
{
    ULONG Read = MiFaultCounters.PagesRead;
    ULONG i;

    Refused = 0;
    memset(Blocks, 0, sizeof(Blocks));
    memset(Locks, 0, sizeof(Locks));
    for (i = 0; i < WORLDS; i++) {
        RunWorld(i);
    }
    CHECK(MiFaultCounters.PagesRead > Read + 1000); /* or nothing went away */
}
