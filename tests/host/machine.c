/* SPDX-License-Identifier: MIT */
/*
 * machine.c - power, frames and page tables: include/arch/mmu.h for a Linux process.
 *
 * The frames are one memory file.  The process sees all of them at an address of Linux' choice
 * (the host alias: physical memory), and single ones wherever the page tables put them (tlb.c).
 */
#define _GNU_SOURCE

#include "tests/host/machine_i.h"
#include "tests/unit/test.h"
#include "user_half.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES_LIMIT   0x40000u /* 1 GB: what Linux has left below 7F000000 is not much more */
#define SELF_MAP_INDEX (PTE_BASE >> PDI_SHIFT)
#define TABLE_BITS     (MM_PTE_BITS_VALID | MM_PTE_BITS_WRITE)

HOST_COUNTERS HostpCounters;

static PUCHAR Frames; /* the host alias; NULL: the power is off */
static int FramesFd = -1;
static ULONG FrameCount;
static PFN_NUMBER NextFreeFrame;
static PFN_NUMBER DirectoryFrame;

BOOLEAN HostpMachineIsOn(void)
{
    return Frames != NULL;
}

int HostpFramesFd(void)
{
    return FramesFd;
}

ULONG HostpFrameCount(void)
{
    return FrameCount;
}

const HOST_COUNTERS *HostCounters(void)
{
    return &HostpCounters;
}

/* ---- power ---- */

static void CreateFrames(ULONG Count)
{
    off_t Bytes = (off_t)Count * PAGE_SIZE;

    FramesFd = memfd_create("hyperspace-frames", MFD_CLOEXEC);
    if (FramesFd < 0 || ftruncate(FramesFd, Bytes) != 0) {
        HostpDie("cannot create the frames");
    }
    Frames = mmap(NULL, (size_t)Bytes, PROT_READ | PROT_WRITE, MAP_SHARED, FramesFd, 0);
    if (Frames == MAP_FAILED) {
        HostpDie("cannot map the frames");
    }
    FrameCount = Count;
}

static void CreateBootDirectory(void)
{
    MMPTE SelfMap = {.Long = TABLE_BITS};

    SelfMap.Hard.PageFrameNumber = HOST_DIRECTORY_FRAME;
    DirectoryFrame = HOST_DIRECTORY_FRAME;
    NextFreeFrame = HOST_FIRST_FREE_FRAME;
    MiWritePte((PMMPTE)HostFrame(HOST_DIRECTORY_FRAME) + SELF_MAP_INDEX, SelfMap);
}

/* A test may have left from anywhere: another stack, a caught bug check. */
static void DeleteAbandonedMachine(void)
{
    HostpBugCheckReset();
    HostpLandOnFirstStack();
    HostMachineDelete();
}

__attribute__((constructor(103))) static void RegisterCleanUp(void)
{
    TestOnFailure(DeleteAbandonedMachine);
}

void HostMachineCreate(ULONG Count, ULONG64 Seed)
{
    DeleteAbandonedMachine();
    HostpCpuReset();
    HostpForgetCore();
    HostpRequire(Count >= HOST_FIRST_FREE_FRAME && Count <= FRAMES_LIMIT, Count);
    CreateFrames(Count);
    CreateBootDirectory();
    memset(&HostpCounters, 0, sizeof(HostpCounters));
    HostpTlbReset(Seed);
    HostpTrapReset();
    HostpLockOrderReset();
    HostpConsoleReset();
    HostpScheduleCreate(Seed);
}

void HostMachineDelete(void)
{
    if (!HostpMachineIsOn()) {
        return;
    }
    HostpLandOnFirstStack();
    HostpTlbDropAll(HostTlbAll);
    HostpForgetFrames();
    HostpScheduleDelete();
    HostpForgetStacks();
    if (munmap(Frames, (size_t)FrameCount * PAGE_SIZE) != 0 || close(FramesFd) != 0) {
        HostpDie("cannot delete the frames");
    }
    Frames = NULL;
    FramesFd = -1;
    FrameCount = 0;
}

/* ---- frames and tables ---- */

PVOID HostFrame(PFN_NUMBER Frame)
{
    HostpRequire(Frame < FrameCount, Frame);
    return Frames + (SIZE_T)Frame * PAGE_SIZE;
}

PFN_NUMBER HostAllocateFrame(void)
{
    HostpRequire(NextFreeFrame < FrameCount, NextFreeFrame);
    return NextFreeFrame++;
}

PMMPTE HostFindPde(PFN_NUMBER Directory, ULONG_PTR Va)
{
    return (PMMPTE)HostFrame(Directory) + (Va >> PDI_SHIFT);
}

PMMPTE HostFindPte(PFN_NUMBER Directory, ULONG_PTR Va)
{
    MMPTE Pde = MiReadPte(HostFindPde(Directory, Va));

    if (!Pde.Hard.Valid || Pde.Hard.LargePage) {
        return NULL;
    }
    return (PMMPTE)HostFrame(Pde.Hard.PageFrameNumber) + (Va >> PTI_SHIFT) % PTE_PER_PAGE;
}

static void CreatePageTable(PFN_NUMBER Directory, ULONG_PTR Va)
{
    MMPTE Pde = {.Long = TABLE_BITS};

    Pde.Hard.Owner = Va < MM_SYSTEM_RANGE_START;
    Pde.Hard.PageFrameNumber = HostAllocateFrame();
    MiWritePte(HostFindPde(Directory, Va), Pde);
}

PMMPTE HostMapPage(PFN_NUMBER Directory, ULONG_PTR Va, PFN_NUMBER Frame, ULONG Bits)
{
    MMPTE Pte = {.Long = Bits};
    PMMPTE Entry;

    if (!MiReadPte(HostFindPde(Directory, Va)).Hard.Valid) {
        CreatePageTable(Directory, Va);
    }
    Entry = HostFindPte(Directory, Va);
    HostpRequire(Entry != NULL && Bits < PAGE_SIZE, Va);
    Pte.Hard.PageFrameNumber = Frame;
    MiWritePte(Entry, Pte);
    return Entry;
}

BOOLEAN HostDemandZero(ULONG_PTR Va, ULONG ErrorCode)
{
    MMPTE Bits = {.Long = TABLE_BITS};

    if ((ErrorCode & HOST_FAULT_PRESENT) != 0) {
        return FALSE;
    }
    Bits.Hard.Owner = Va < MM_SYSTEM_RANGE_START;
    HostMapPage(DirectoryFrame, Va, HostAllocateFrame(), Bits.Long);
    return TRUE;
}

/* ---- include/arch/mmu.h ---- */

void KeFlushSingleTb(ULONG_PTR Va)
{
    HostpCounters.SingleFlush++;
    HostpTlbDrop(Va);
}

void KeFlushEntireTb(void)
{
    HostpCounters.EntireFlush++;
    HostpTlbDropAll(HostTlbAll);
}

void KiSwapAddressSpace(PFN_NUMBER Frame)
{
    HostpRequire(KeGetCurrentIrql() == DISPATCH_LEVEL, KeGetCurrentIrql());
    HostpRequire(Frame < FrameCount, Frame);
    DirectoryFrame = Frame;
    HostpTlbDropAll(HostTlbNotGlobal);
}

PFN_NUMBER KiCurrentDirectoryFrame(void)
{
    return DirectoryFrame;
}
