/* SPDX-License-Identifier: MIT */
/*
 * handoff.c - leaving the firmware: the last memory map, ExitBootServices, the switch.
 *
 * The memory runs are built twice.  BlPrepareHandoff does it while failing is still possible, and
 * checks that the memory suffices.  BlHandOff does it again from the very map that ExitBootServices
 * accepted.  Between the two only the firmware's own bookkeeping changes, for which the buffers
 * have room.
 */
#include "efi/firmware.h"

#include "arch/cpuid.h"
#include "efi/switch.h"

/* The specification: after a refusal the map has changed, so fetch it and try again.  Firmware
 * is known that needs several rounds. */
#define BLP_EXIT_TRIES 128

/* Descriptors that the map may grow by after it was measured: our own allocations, and timers. */
#define BLP_SPARE_DESCRIPTORS 32

/* Usable memory below which the kernel is not started: page frames, pools and the boot's data. */
#define BLP_LEAST_MEGABYTES 16

/* How long they stand on the screen. */
#define BLP_LAST_WORDS_SECONDS 10

static UINTN BlpMapBytes;
static UINTN BlpMapKey;
static UINTN BlpDescriptorBytes;

static EFI_STATUS BlpFetchMap(void)
{
    UINT32 Version;

    BlpMapBytes = BlContext.EfiMapCapacity;
    return BlContext.Boot->GetMemoryMap(&BlpMapBytes, BlContext.EfiMap, &BlpMapKey,
                                        &BlpDescriptorBytes, &Version);
}

static NTSTATUS BlpClaimAllocations(PULONG Count)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG i;

    for (i = 0; i < BlContext.AllocationCount && NT_SUCCESS(Status); i++) {
        BL_ALLOCATION *Ours = &BlContext.Allocations[i];

        if (Ours->Type != LoaderFirmwareTemporary) {
            Status = BlClaimRange(BlContext.Runs, BL_RUN_CAPACITY, Count, Ours->Base >> PAGE_SHIFT,
                                  Ours->Pages, Ours->Type);
        }
    }
    return Status;
}

/* From the map just fetched to LOADER_BLOCK.MemoryRuns. */
static NTSTATUS BlpBuildRuns(void)
{
    LOADER_BLOCK *Block = BlContext.Block;
    ULONG Count = 0;
    NTSTATUS Status;

    Status = BlBuildMemoryRuns(BlContext.EfiMap, BlpMapBytes, BlpDescriptorBytes, BlContext.Runs,
                               BL_RUN_CAPACITY, &Count);
    if (NT_SUCCESS(Status)) {
        Status = BlpClaimAllocations(&Count);
    }
    if (NT_SUCCESS(Status)) {
        Status = BlReserveLowMemory(BlContext.Runs, BL_RUN_CAPACITY, &Count);
    }
    if (NT_SUCCESS(Status)) {
        Status = BlLimitMemory(BlContext.Runs, BL_RUN_CAPACITY, &Count, Block->Options.MaxMemoryMb,
                               Block->Options.BurnMemoryMb);
    }
    Block->MemoryRunCount = NT_SUCCESS(Status) ? Count : 0;
    return Status;
}

static BOOLEAN BlpAllocateMap(void)
{
    UINTN Bytes = 0;
    UINTN Key;
    UINT32 Version;

    BlContext.Boot->GetMemoryMap(&Bytes, NULL, &Key, &BlpDescriptorBytes, &Version);
    if (BlpDescriptorBytes == 0) {
        return BlFail("the firmware gives no memory map");
    }
    BlContext.EfiMapCapacity =
        ROUND_UP(Bytes + BLP_SPARE_DESCRIPTORS * BlpDescriptorBytes, (UINTN)PAGE_SIZE);
    BlContext.EfiMap = BlAllocatePages((ULONG)(BlContext.EfiMapCapacity >> PAGE_SHIFT),
                                       LoaderFirmwareTemporary, FALSE);
    return BlContext.EfiMap != NULL;
}

static BOOLEAN BlpEnoughMemory(void)
{
    ULONG64 Pages =
        BlCountPages(BlContext.Runs, BlContext.Block->MemoryRunCount, LoaderFree) +
        BlCountPages(BlContext.Runs, BlContext.Block->MemoryRunCount, LoaderFirmwareTemporary);

    if (Pages < BLP_LEAST_MEGABYTES * 256) {
        return BlFail("too little memory: %u KB are usable below 4 GB, %u KB are needed",
                      (ULONG)Pages * 4, BLP_LEAST_MEGABYTES * 1024);
    }
    return TRUE;
}

/* Copy the switch and its parameters to their page. */
static BL_SWITCH *BlpPlaceSwitch(void)
{
    PUCHAR Page = BlContext.SwitchPage;
    BL_SWITCH *Switch = (BL_SWITCH *)(PVOID)(Page + PAGE_SIZE - sizeof(BL_SWITCH));

    memcpy(Page, BlSwitchStart, (UINTN)BlSwitchEnd - (UINTN)BlSwitchStart);
    Switch->Cr3 = BlContext.Block->PageDirectoryPhysical;
    Switch->Cr4 = BlKernelCr4();
    Switch->EntryVa = BlContext.Elf.EntryVa;
    Switch->BlockVa = BlContext.BlockVa;
    Switch->HasEfer = BlProcessorHasEfer();
    return Switch;
}

static void BlpRecordOldMode(void)
{
    LOADER_BLOCK *Block = BlContext.Block;
    UINTN Cr0;
    UINTN Cr4;
    ULONG Low = 0;
    ULONG High = 0;

    __asm__ volatile("mov %%cr0, %0" : "=r"(Cr0));
    __asm__ volatile("mov %%cr4, %0" : "=r"(Cr4));
    if (BlProcessorHasEfer()) {
        __asm__ volatile("rdmsr" : "=a"(Low), "=d"(High) : "c"(MSR_EFER));
    }
    Block->OldCr0 = (ULONG)Cr0;
    Block->OldCr4 = (ULONG)Cr4;
    Block->OldEfer = Low;
    if (sizeof(UINTN) == 8 && (Cr4 & CR4_LA57)) {
        Block->FirmwareFlags |= LOADER_FIRMWARE_LA57;
    }
}

BOOLEAN BlPrepareHandoff(void)
{
    NTSTATUS Status;

    if (!BlpAllocateMap()) {
        return FALSE;
    }
    if (EFI_ERROR(BlpFetchMap())) {
        return BlFail("the firmware's memory map does not fit into %u KB",
                      (ULONG)(BlContext.EfiMapCapacity / 1024));
    }
    Status = BlpBuildRuns();
    if (!NT_SUCCESS(Status)) {
        return BlFail("the firmware's memory map makes no sense (status %08x)", (ULONG)Status);
    }
    return BlpEnoughMemory();
}

/*
 * After the first call of ExitBootServices, whatever it returned, only memory services may be used:
 * timers may be off, drivers may have let go.  So the machine cannot be given back; it is reset, by
 * a runtime service.  The words are worth a try all the same, since most firmware still prints.
 */
static NT_NORETURN void BlpGiveUp(EFI_STATUS Status, ULONG Tries)
{
    ULONG64 Start;

    BlFail("the firmware does not let go of the machine (status %llx, %u tries); it restarts",
           (unsigned long long)Status, Tries);
    Start = BlReadTsc();
    while (BlReadTsc() - Start < BlContext.Block->TscHz * BLP_LAST_WORDS_SECONDS) {
        __asm__ volatile("pause");
    }
    BlContext.System->RuntimeServices->ResetSystem(EfiResetCold, Status, 0, NULL);
    for (;;) {
        __asm__ volatile("hlt");
    }
}

void BlHandOff(void)
{
    BL_SWITCH *Switch = BlpPlaceSwitch();
    BL_SWITCH_ROUTINE *Routine = (BL_SWITCH_ROUTINE *)(UINTN)BlContext.SwitchPage;
    EFI_STATUS Status;
    ULONG Tries = 0;

    BlpRecordOldMode();
    BlTrace("  leaving the firmware\n");
    do {
        Status = BlpFetchMap();
        if (!EFI_ERROR(Status)) {
            Status = BlContext.Boot->ExitBootServices(BlContext.Image, BlpMapKey);
        }
        Tries++;
    } while (EFI_ERROR(Status) && Tries < BLP_EXIT_TRIES);
    if (EFI_ERROR(Status)) {
        BlpGiveUp(Status, Tries);
    }
    __asm__ volatile("cli");
    BlContext.Block->ExitBootTries = Tries;
    /* A failure here leaves no runs: the kernel, which has a console, refuses such a block. */
    (void)BlpBuildRuns();
    Routine(Switch, BlContext.SwitchPage);
    __builtin_unreachable();
}
