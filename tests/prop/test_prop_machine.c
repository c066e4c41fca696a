/* SPDX-License-Identifier: MIT */
/*
 * test_prop_machine.c - random page-table work with correct flushes, against a model without a TLB.
 *
 * The model is one row per page: which frame, which rights, which bits the processor must have
 * set, and one word per frame.  With a flush after each change that narrows a right or clears a
 * bit, the machine and the model must agree exactly: values, Accessed, Dirty, error codes.  The
 * TLB is the smallest, so that evictions fall everywhere.
 */
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#include <string.h>

#define FIRST_VA 0xD0000000u
#define STRIDE   0x00300000u /* pages in different tables and in the same */
#define PAGES    48u
#define FRAMES   24u /* fewer than pages: aliases */
#define MACHINE  256u

typedef struct _MODEL_PAGE {
    ULONG Frame; /* index into Frames */
    BOOLEAN Valid;
    BOOLEAN Write;
    BOOLEAN Accessed;
    BOOLEAN Dirty;
} MODEL_PAGE;

static MODEL_PAGE Pages[PAGES];
static PFN_NUMBER Frames[FRAMES];
static ULONG Values[FRAMES];
static uint64_t Random;
static ULONG FaultCode;
static BOOLEAN Faulted;

static ULONG Choose(ULONG Limit)
{
    return TestRandom(&Random) % Limit;
}

/* Every other page is the neighbour of the one before. */
static ULONG_PTR VaOf(ULONG Page)
{
    return FIRST_VA + Page / 2 * STRIDE + Page % 2 * PAGE_SIZE;
}

static void WriteModelPte(ULONG Index)
{
    const MODEL_PAGE *Page = &Pages[Index];
    MMPTE Pte = {.Long = 0};

    Pte.Hard.Valid = Page->Valid;
    Pte.Hard.Write = Page->Write;
    Pte.Hard.Accessed = Page->Accessed;
    Pte.Hard.Dirty = Page->Dirty;
    Pte.Hard.PageFrameNumber = Frames[Page->Frame];
    MiWritePte(MiGetPteAddress(VaOf(Index)), Pte);
}

static void CheckPage(ULONG Index)
{
    const MODEL_PAGE *Page = &Pages[Index];
    MMPTE Pte = MiReadPte(MiGetPteAddress(VaOf(Index)));

    CHECK_EQUAL(Page->Valid, Pte.Hard.Valid);
    CHECK_EQUAL(Page->Write, Pte.Hard.Write);
    CHECK_EQUAL(Page->Accessed, Pte.Hard.Accessed);
    CHECK_EQUAL(Page->Dirty, Pte.Hard.Dirty);
    CHECK_EQUAL(Frames[Page->Frame], Pte.Hard.PageFrameNumber);
}

/* ---- operations ---- */

static void FlushSome(ULONG Index)
{
    if (Choose(8) == 0) {
        KeFlushEntireTb();
    } else {
        KeFlushSingleTb(VaOf(Index));
    }
}

static void MapPage(ULONG Index)
{
    MODEL_PAGE *Page = &Pages[Index];
    BOOLEAN WasValid = Page->Valid;

    *Page = (MODEL_PAGE){.Frame = Choose(FRAMES), .Valid = TRUE, .Write = Choose(2) == 0};
    WriteModelPte(Index);
    if (WasValid) { /* from invalid to valid the contract wants no flush */
        FlushSome(Index);
    }
}

static void UnmapPage(ULONG Index)
{
    Pages[Index].Valid = FALSE;
    WriteModelPte(Index);
    FlushSome(Index);
}

static void ProtectPage(ULONG Index)
{
    BOOLEAN Narrows = Pages[Index].Write;

    Pages[Index].Write = !Narrows;
    WriteModelPte(Index);
    if (Narrows) {
        FlushSome(Index);
    }
}

static void ClearBits(ULONG Index)
{
    Pages[Index].Accessed = FALSE;
    Pages[Index].Dirty = FALSE;
    WriteModelPte(Index);
    FlushSome(Index);
}

/* => The page cannot be used as wanted: the handler repairs that, as the model would. */
static BOOLEAN RepairPage(ULONG_PTR Va, ULONG ErrorCode)
{
    ULONG Index;

    Faulted = TRUE;
    FaultCode = ErrorCode;
    for (Index = 0; VaOf(Index) != ROUND_DOWN(Va, PAGE_SIZE); Index++) {
        CHECK(Index < PAGES - 1);
    }
    if (!Pages[Index].Valid) {
        Pages[Index].Valid = TRUE;
        Pages[Index].Accessed = Pages[Index].Dirty = FALSE;
    }
    if ((ErrorCode & HOST_FAULT_WRITE) != 0) {
        Pages[Index].Write = TRUE;
    }
    WriteModelPte(Index);
    return TRUE;
}

static ULONG ExpectedCode(const MODEL_PAGE *Page, BOOLEAN Write)
{
    return (Page->Valid ? HOST_FAULT_PRESENT : 0) | (Write ? HOST_FAULT_WRITE : 0);
}

static void Access(ULONG Index, BOOLEAN Write)
{
    volatile ULONG *Word = (volatile ULONG *)VaOf(Index);
    MODEL_PAGE *Page = &Pages[Index];
    BOOLEAN MustFault = !Page->Valid || (Write && !Page->Write);
    ULONG Code = ExpectedCode(Page, Write);

    Faulted = FALSE;
    if (Write) {
        Values[Page->Frame] = TestRandom(&Random);
        *Word = Values[Page->Frame];
        Page->Dirty = TRUE;
    } else {
        CHECK_EQUAL(Values[Page->Frame], *Word);
    }
    Page->Accessed = TRUE;
    CHECK_EQUAL(MustFault, Faulted);
    CHECK(!MustFault || FaultCode == Code);
}

static void Operate(void)
{
    ULONG Index = Choose(PAGES);

    switch (Choose(10)) {
    case 0:
        MapPage(Index);
        break;
    case 1:
        UnmapPage(Index);
        break;
    case 2:
        ProtectPage(Index);
        break;
    case 3:
        ClearBits(Index);
        break;
    case 4:
    case 5:
    case 6:
        Access(Index, TRUE);
        break;
    default:
        Access(Index, FALSE);
        break;
    }
    CheckPage(Index);
}

/* ---- the property ---- */

static void Start(void)
{
    ULONG Index;

    HostMachineCreate(MACHINE, TestSeed());
    HostSetTlbSize(HOST_TLB_MINIMUM);
    HostSetFaultHandler(RepairPage);
    Random = TestSeed();
    memset(Pages, 0, sizeof(Pages));
    memset(Values, 0, sizeof(Values));
    for (Index = 0; Index < FRAMES; Index++) {
        Frames[Index] = HostAllocateFrame();
    }
    for (Index = 0; Index < PAGES; Index++) {
        Pages[Index].Frame = Choose(FRAMES);
        HostMapPage(HOST_DIRECTORY_FRAME, VaOf(Index), Frames[Pages[Index].Frame], 0);
    }
}

static void CheckEverything(void)
{
    ULONG_PTR Stale;
    ULONG Index;

    HostVerifyTlb();
    CHECK(!HostFindStaleTranslation(&Stale));
    for (Index = 0; Index < PAGES; Index++) {
        CheckPage(Index);
    }
    for (Index = 0; Index < FRAMES; Index++) {
        CHECK_EQUAL(Values[Index], *(ULONG *)HostFrame(Frames[Index]));
    }
}

TEST(Prop_machine_agrees_with_a_model_without_a_TLB)
{
    uint64_t Rounds = TestRounds(20000);
    uint64_t Round;

    Start();
    for (Round = 0; Round < Rounds; Round++) {
        Operate();
        if (Round % 256 == 0) {
            CheckEverything();
        }
    }
    CheckEverything();
    CHECK(HostCounters()->Evictions > Rounds / 10);
    HostMachineDelete();
}
