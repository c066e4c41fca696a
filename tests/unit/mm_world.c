/* SPDX-License-Identifier: MIT */
/*
 * mm_world.c - frame 1 is the machine's directory, the rest is free, or the firmware's.
 */
#include "tests/unit/mm_world.h"

#include "arch/mmu.h"
#include "mm/cc/cache_map.h"
#include "mm/pfn/pfn.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/system_ptes.h"
#include "nt/bugcodes.h"
#include "user_half.h"
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES          8u
#define FIRMWARE_FRAMES 16u

static LOADER_MEMORY_RUN Runs[4];
static LOADER_REGISTRY_VALUE Registry[VALUES];
static MM_BOOT Boot;
static ULONG_PTR RangeStart = MI_USUAL_RANGE_START;
static ULONG CodePages;
static BOOLEAN Unforced;

BOOLEAN MmWorldFault(ULONG_PTR Va, ULONG ErrorCode)
{
    const MM_FAULT What = {
        .Va = Va,
        .Irql = KeGetCurrentIrql(),
        .Write = (ErrorCode & HOST_FAULT_WRITE) != 0,
        .Present = (ErrorCode & HOST_FAULT_PRESENT) != 0,
    };
    MM_STOP Stop;

    if (!MmAccessFault(&What, &Stop)) {
        if (Stop.Guarded != STATUS_SUCCESS) {
            HostEndGuardedAccess(Stop.Guarded);
        }
        KeBugCheckEx(Stop.Code, Stop.Parameter[0], Stop.Parameter[1], Stop.Parameter[2],
                     Stop.Parameter[3]);
    }
    return TRUE;
}

/*
 * Paged pool is, unless an MDL locks it: then its frame has a second reference; or it contains
 * prototype PTEs that have frames, or are pinned: then it has more than one share.  A page of a
 * section has one for each view.
 */
static BOOLEAN IsPageable(ULONG_PTR Va)
{
    MMPTE Pte = {.Long = 0};
    const MMPFN *Pfn;

    if (MiReadPte(MiGetPdeAddress(Va)).Hard.Valid) {
        Pte = MiReadPte(MiGetPteAddress(Va));
    }
    Pfn = MI_PFN(Pte.Hard.PageFrameNumber);
    return !Pte.Hard.Valid ||
           (Pfn->u3.e2.ReferenceCount == 1 && (Pfn->u2.ShareCount == 1 || Pfn->u3.e1.PrototypePte));
}

void MmWorldNextRangeStart(ULONG_PTR Start)
{
    RangeStart = Start;
}

void MmWorldNextPageableCode(ULONG Pages)
{
    CodePages = Pages;
}

/* What the loader does with the kernel, in frames from First on. */
static void LoadCode(PFN_NUMBER First)
{
    ULONG i;

    for (i = 0; i < CodePages * (PAGE_SIZE / sizeof(ULONG)); i++) {
        PULONG Words = HostFrame(First + i / (PAGE_SIZE / sizeof(ULONG)));

        Words[i % (PAGE_SIZE / sizeof(ULONG))] = MM_WORLD_CODE + i * (ULONG)sizeof(ULONG);
    }
    for (i = 0; i < CodePages; i++) {
        HostMapPage(HOST_DIRECTORY_FRAME, MM_WORLD_CODE + i * PAGE_SIZE, First + i,
                    MM_PTE_BITS_VALID | MM_PTE_BITS_GLOBAL);
    }
}

/* What a bug check left behind in the machine before. */
static void ForgetLastMachine(void) NT_NO_LOCK_ANALYSIS
{
    MiLockedPages = 0;
    MiPeakLockedPages = 0;
    MiBringingPages = 0;
    CciCalls = NULL;
}

void MmWorldPowerOn(ULONG Frames)
{
    const ULONG Tables = CodePages != 0; /* the first free frame becomes it */
    const ULONG Code = HOST_FIRST_FREE_FRAME + Tables + FIRMWARE_FRAMES;
    const ULONG First = Code + CodePages;

    HostMachineCreate(Frames, TestSeed());
    ForgetLastMachine();
    HostSetFaultHandler(MmWorldFault);
    MiBringingPages = 0; /* an earlier test may have ended while it brought some */
    Runs[0] = (LOADER_MEMORY_RUN){HOST_DIRECTORY_FRAME, 1 + Tables, LoaderPageTables, 0};
    Runs[1] = (LOADER_MEMORY_RUN){HOST_FIRST_FREE_FRAME + Tables, FIRMWARE_FRAMES,
                                  LoaderFirmwareTemporary, 0};
    Runs[2] = (LOADER_MEMORY_RUN){First, Frames - First, LoaderFree, 0};
    Runs[3] = (LOADER_MEMORY_RUN){Code, CodePages, LoaderSystemCode, 0};
    LoadCode(Code);
    memset(Registry, 0, sizeof(Registry));
    Boot = (MM_BOOT){
        .Runs = Runs,
        .RunCount = RTL_NUMBER_OF(Runs) - (CodePages == 0),
        .Values = Registry,
        .FramebufferBytes = MI_FRAMEBUFFER_LIMIT, /* the process has its own memory there */
        .RangeStart = RangeStart,
        .KernelStart = RangeStart == MI_USUAL_RANGE_START ? LOADER_WINDOW_BASE : LOADER_HIGH_BASE,
        .PageableCode = MM_WORLD_CODE,
        .PageableCodePages = CodePages,
        .GlobalPages = TRUE,
        .WriteCombining = TRUE,
    };
    RangeStart = MI_USUAL_RANGE_START;
    CodePages = 0;
}

const MM_BOOT *MmWorldBoot(void)
{
    return &Boot;
}

void MmWorldNextUnforced(void)
{
    Unforced = TRUE;
}

/* HYPERSPACE_FORCE_IRQL=1: each machine trims whenever IRQL rises (figure R13). */
static void ForceIrqlChecking(void)
{
    ULONG i = Boot.ValueCount;

    if (getenv("HYPERSPACE_FORCE_IRQL") != NULL && !Unforced && i < VALUES) {
        strcpy(Registry[i].Name, "VerifyDriverLevel");
        Registry[i].Type = LOADER_REG_DWORD;
        Registry[i].Dword = 2;
        Boot.ValueCount = i + 1;
    }
}

static void AddPageable(MI_REGION Region)
{
    const MI_RANGE *Range = &MiLayout.Region[Region];

    HostAddPageable(Range->Start, Range->Start + Range->Bytes);
}

void MmWorldStartWith(ULONG Frames, const MM_VALUE *Values, ULONG Count)
{
    ULONG i;

    MmWorldPowerOn(Frames);
    CHECK(Count <= VALUES);
    for (i = 0; i < Count; i++) {
        strncpy(Registry[i].Name, Values[i].Name, LOADER_REGISTRY_NAME_BYTES - 1);
        Registry[i].Type = LOADER_REG_DWORD;
        Registry[i].Dword = Values[i].Number;
    }
    Boot.ValueCount = Count;
    ForceIrqlChecking();
    Unforced = FALSE;
    MmInitSystem(&Boot);
    HostSetPageable(MiLayout.Region[MiRegionPagedPool].Start,
                    MiLayout.Region[MiRegionPagedPool].Start +
                        MiLayout.Region[MiRegionPagedPool].Bytes,
                    IsPageable);
    AddPageable(MiRegionSystemViews);
    AddPageable(MiRegionSystemCache);
    AddPageable(MiRegionCacheExtension);
}

void MmWorldStart(ULONG Frames)
{
    MmWorldStartWith(Frames, NULL, 0);
}

void MmWorldFinish(void)
{
    ULONG_PTR Stale;

    MiVerifyAll();
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    MiFlushSystemPtes();
    CHECK(!HostFindStaleTranslation(&Stale));
    HostMachineDelete();
    printf("# figure R13 1 0\n"); /* a finding would have been a bug check */
}
