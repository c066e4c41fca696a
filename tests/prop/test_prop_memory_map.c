/* SPDX-License-Identifier: MIT */
/*
 * test_prop_memory_map.c - run lists against a model that knows every page by itself.
 *
 * The model is an array with one type a page; it covers two windows, one at address 0 and one
 * across the 4 GB border.  It is filled descriptor by descriptor, so it shares no idea with the
 * sweep.  A last test throws bytes without any sense at the builder.
 */
#include "efi/memory_map.h"
#include "tests/unit/run_picture.h"
#include "tests/unit/test.h"

#include <string.h>

#define WINDOW      48
#define DESCRIPTORS 12
#define CAPACITY    (4 * DESCRIPTORS)

typedef struct _DESCRIPTOR {
    ULONG Type;
    ULONG Pad;
    ULONG64 PhysicalStart;
    ULONG64 VirtualStart;
    ULONG64 NumberOfPages;
    ULONG64 Attribute;
} DESCRIPTOR;

static const ULONG64 WindowBase[2] = {0, BL_HIGH_PAGE - WINDOW / 2};

/* A letter of run_picture.h for each page of both windows. */
static char Model[2][PICTURE_PAGES + 1];
static LOADER_MEMORY_RUN Runs[CAPACITY];
static ULONG Count;

/* EFI types 0-14, and the letters again from free to strictest. */
static const char LetterOfEfi[] = "PttttPPFBANIIPP";
static const char Strictness[] = ".FtANPIB";

static void ModelDescribe(ULONG Window, ULONG Page, char Letter)
{
    if (strchr(Strictness, Letter) > strchr(Strictness, Model[Window][Page])) {
        Model[Window][Page] = Letter;
    }
}

static void ModelRaiseHighRam(void)
{
    ULONG Page;

    for (Page = WINDOW / 2; Page < WINDOW; Page++) {
        if (Model[1][Page] == 'F' || Model[1][Page] == 't') {
            Model[1][Page] = 'h';
        }
    }
}

static void RandomMap(uint64_t *State, DESCRIPTOR *Map, ULONG Descriptors)
{
    ULONG Index;

    memset(Model, 0, sizeof(Model));
    memset(Model[0], '.', WINDOW);
    memset(Model[1], '.', WINDOW);
    memset(Map, 0, Descriptors * sizeof(*Map));
    for (Index = 0; Index < Descriptors; Index++) {
        ULONG Window = TestRandom(State) % 2;
        ULONG Page = TestRandom(State) % WINDOW;
        ULONG End = Page + TestRandom(State) % (WINDOW - Page + 1);

        Map[Index].Type = TestRandom(State) % (sizeof(LetterOfEfi) - 1);
        Map[Index].PhysicalStart = (WindowBase[Window] + Page) << PAGE_SHIFT;
        Map[Index].NumberOfPages = End - Page;
        for (; Page < End; Page++) {
            ModelDescribe(Window, Page, LetterOfEfi[Map[Index].Type]);
        }
    }
    ModelRaiseHighRam();
}

/* Runs and model show the same pages, and the runs keep M1-M5. */
static void CheckAgainstModel(void)
{
    char Picture[PICTURE_PAGES + 1];
    ULONG Window;
    SIZE_T Length;

    CHECK(BlVerifyMemoryRuns(Runs, Count));
    for (Window = 0; Window < 2; Window++) {
        DrawRuns(Picture, WindowBase[Window], Runs, Count);
        for (Length = strlen(Picture); Length < WINDOW; Length++) {
            Picture[Length] = '.';
        }
        Picture[Length] = 0;
        CHECK_TEXT(Model[Window], Picture);
    }
}

static void CheckClaim(uint64_t *State)
{
    ULONG Window = TestRandom(State) % 2;
    ULONG Page = TestRandom(State) % WINDOW;
    ULONG Pages = 1 + TestRandom(State) % 6;
    BOOLEAN Ram = Page + Pages <= WINDOW;
    NTSTATUS Status;
    ULONG Index;

    for (Index = Page; Index < Page + Pages && Index < WINDOW; Index++) {
        Ram = Ram && (Model[Window][Index] == 'F' || Model[Window][Index] == 't');
    }
    Status =
        BlClaimRange(Runs, CAPACITY, &Count, WindowBase[Window] + Page, Pages, LoaderSystemCode);
    CHECK_EQUAL(Ram ? STATUS_SUCCESS : STATUS_CONFLICTING_ADDRESSES, Status);
    if (Ram) {
        memset(&Model[Window][Page], 'K', Pages);
    }
    CheckAgainstModel();
}

TEST(Random_maps_and_claims_agree_with_a_model_of_single_pages)
{
    uint64_t State = TestSeed();
    uint64_t Rounds = TestRounds(5000);
    DESCRIPTOR Map[DESCRIPTORS];

    while (Rounds-- != 0) {
        ULONG Descriptors = 1 + TestRandom(&State) % DESCRIPTORS;
        ULONG Claim;

        RandomMap(&State, Map, Descriptors);
        CHECK_EQUAL(STATUS_SUCCESS, BlBuildMemoryRuns(Map, Descriptors * sizeof(*Map), sizeof(*Map),
                                                      Runs, 2 * Descriptors, &Count));
        CheckAgainstModel();
        for (Claim = 0; Claim < 4; Claim++) {
            CheckClaim(&State);
        }
    }
}

/* One window of megabytes: the model withholds its letters from the right. */
static ULONG ModelLimit(ULONG MaxMemoryMb, ULONG BurnMemoryMb)
{
    ULONG Page;
    ULONG Withheld = 0;

    for (Page = WINDOW; Page-- != 0;) {
        if (Model[0][Page] != 'F' && Model[0][Page] != 't') {
            continue;
        }
        if (MaxMemoryMb != 0 && Page >= MaxMemoryMb) {
            Model[0][Page] = 'x';
        } else if (BurnMemoryMb != 0) {
            Model[0][Page] = 'x';
            BurnMemoryMb--;
        }
        Withheld += Model[0][Page] == 'x';
    }
    return Withheld;
}

TEST(Random_limits_agree_with_a_model_of_single_megabytes)
{
    uint64_t State = TestSeed();
    uint64_t Rounds = TestRounds(5000);
    DESCRIPTOR Map[DESCRIPTORS];

    while (Rounds-- != 0) {
        ULONG MaxMemoryMb = TestRandom(&State) % (WINDOW + 4);
        ULONG BurnMemoryMb = TestRandom(&State) % WINDOW;
        ULONG Index;

        RandomMap(&State, Map, DESCRIPTORS);
        CHECK_EQUAL(STATUS_SUCCESS,
                    BlBuildMemoryRuns(Map, sizeof(Map), sizeof(*Map), Runs, CAPACITY, &Count));
        while (Count != 0 && BL_HIGH_PAGE - WINDOW <= Runs[Count - 1].BasePage) {
            Count--; /* the window at 4 GB */
        }
        for (Index = 0; Index < Count; Index++) {
            Runs[Index].BasePage *= 256;
            Runs[Index].PageCount *= 256;
        }
        CHECK_EQUAL(STATUS_SUCCESS,
                    BlLimitMemory(Runs, CAPACITY, &Count, MaxMemoryMb, BurnMemoryMb));
        CHECK(BlVerifyMemoryRuns(Runs, Count));
        CHECK_EQUAL(256 * ModelLimit(MaxMemoryMb, BurnMemoryMb),
                    BlCountPages(Runs, Count, LoaderMaxMemory));
        for (Index = 0; Index < Count; Index++) {
            Runs[Index].BasePage /= 256;
            Runs[Index].PageCount /= 256;
        }
        memset(Model[1], '.', WINDOW);
        CheckAgainstModel();
    }
}

/* Fields that are mostly small, so that ranges meet, and now and then all bits. */
static ULONG64 HostileNumber(uint64_t *State)
{
    ULONG64 Number = TestRandom(State) | (ULONG64)TestRandom(State) << 32;

    return Number >> (TestRandom(State) % 64);
}

TEST(Hostile_maps_give_valid_runs_or_a_status)
{
    uint64_t State = TestSeed();
    uint64_t Rounds = TestRounds(100000);
    UCHAR Map[DESCRIPTORS * 64];

    while (Rounds-- != 0) {
        SIZE_T Stride = 36 + TestRandom(&State) % 28;
        SIZE_T Descriptors = TestRandom(&State) % (DESCRIPTORS + 1);
        SIZE_T Bytes = Stride * Descriptors + (TestRandom(&State) % 16 == 0);
        ULONG Capacity = TestRandom(&State) % (2 * DESCRIPTORS + 1);
        NTSTATUS Status;
        SIZE_T Offset;

        for (Offset = 0; Offset < sizeof(Map); Offset += 8) {
            ULONG64 Number = HostileNumber(&State);

            memcpy(Map + Offset, &Number, 8);
        }
        Count = 0xCCCC;
        Status = BlBuildMemoryRuns(Map, Bytes, Stride, Runs, Capacity, &Count);
        if (Status == STATUS_SUCCESS) {
            CHECK(Count <= Capacity && Count <= 2 * Descriptors);
            CHECK(BlVerifyMemoryRuns(Runs, Count));
            continue;
        }
        CHECK_EQUAL(0xCCCC, Count);
        CHECK(Status == STATUS_INVALID_PARAMETER
                  ? Stride < 40 || Descriptors == 0 || Bytes % Stride != 0
                  : Status == STATUS_BUFFER_TOO_SMALL && Capacity < 2 * Descriptors);
    }
}
