/* SPDX-License-Identifier: MIT */
/*
 * kmain.c - the order in which the kernel comes to life.
 *
 * The table below is that order.  A step may use what the steps above it provide, which each line
 * names.  No step can fail silently: what cannot be done is either fatal (a bug check) or said on
 * the console.
 */
#include "arch/cpu.h"
#include "arch/cpuid.h"
#include "arch/x86/acpi.h"
#include "arch/x86/apic.h"
#include "arch/x86/bugcheck.h"
#include "arch/x86/console.h"
#include "arch/x86/kernel.h"
#include "arch/x86/keyboard.h"
#include "arch/x86/mmu.h"
#include "arch/x86/power.h"
#include "arch/x86/print.h"
#include "arch/x86/stacks.h"
#include "arch/x86/symbols.h"
#include "arch/x86/time.h"
#include "ke.h"
#include "mm_machine.h"
#include "rtl.h"

const LOADER_BLOCK *KiLoaderBlock;

static void KipPageTables(void)
{
    KiInitializePageTables(KiLoaderBlock);
}

static void KipSymbols(void)
{
    const LOADER_MODULE *Module = &KiLoaderBlock->Modules[LoaderModuleSymbols];

    KiInitializeSymbols((const char *)Module->Va, Module->Bytes);
}

static void KipConsole(void)
{
    const LOADER_MODULE *Font = &KiLoaderBlock->Modules[LoaderModuleFont];
    const char *Reason;
    volatile void *Pixels = HalMapFramebuffer(&KiLoaderBlock->Framebuffer, &Reason);

    HalInitializePower(NULL, RtlFindText(KiLoaderBlock->Options.Run, "shutdown") != NULL);
    HalInitializeConsole(KiLoaderBlock, Pixels, (const void *)Font->Va, Font->Bytes);
    if (Reason != NULL) {
        KiPrint("No text on the screen: %s.\n", Reason);
    }
}

static BOOLEAN KipKnowsBlock(const LOADER_BLOCK *Block)
{
    return Block->Signature == LOADER_BLOCK_SIGNATURE && Block->Version == LOADER_BLOCK_VERSION &&
           Block->Bytes == sizeof(LOADER_BLOCK);
}

/*
 * The loader and the kernel come from one build.  Of a block of another shape only the head, which
 * never changes, is taken over: enough to reach the serial port and to stop in KipCheckBlock.
 */
static const LOADER_BLOCK *KipUsableBlock(const LOADER_BLOCK *Block)
{
    static LOADER_BLOCK Foreign;

    if (KipKnowsBlock(Block)) {
        return Block;
    }
    Foreign.Signature = Block->Signature;
    Foreign.Version = Block->Version;
    Foreign.Bytes = Block->Bytes;
    return &Foreign;
}

static void KipCheckBlock(void)
{
    const LOADER_BLOCK *Block = KiLoaderBlock;

    if (!KipKnowsBlock(Block) || Block->MemoryRunCount == 0) {
        KeBugCheckEx(PHASE0_INITIALIZATION_FAILED, Block->Signature, Block->Version, Block->Bytes,
                     Block->MemoryRunCount);
    }
}

/* Power-off and reset wait, and may be needed before the clocks are calibrated. */
static void KipEstimatedClock(void)
{
    HalClocks.TscHz = KiLoaderBlock->TscHz;
}

static void KipAcpi(void)
{
    HalInitializeAcpi(KiLoaderBlock->RsdpPhysical);
    HalInitializePower(&HalAcpi, RtlFindText(KiLoaderBlock->Options.Run, "shutdown") != NULL);
}

static void KipInterrupts(void)
{
    if (!HalInitializeApic()) {
        KeBugCheckEx(PHASE0_INITIALIZATION_FAILED, (ULONG)HalAcpi.LocalApicPhysical,
                     (ULONG)(HalAcpi.LocalApicPhysical >> 32), 0, 0);
    }
    (void)HalMaskIoApics(&HalAcpi);
}

static void KipClocks(void)
{
    HalCalibrateClocks(&HalAcpi, KiLoaderBlock->TscHz);
    HalStartClock();
}

static void KipThreads(void)
{
    KeInitializeThreads(KiIdleStackTop, KERNEL_STACK_BYTES);
}

static void KipEnable(void)
{
    KfLowerIrql(PASSIVE_LEVEL);
    __asm__ volatile("sti");
}

static void KipMemoryManager(void)
{
    static MM_BOOT Boot; /* stays */
    const LOADER_BLOCK *Block = KiLoaderBlock;

    Boot = (MM_BOOT){
        .Runs = (const LOADER_MEMORY_RUN *)Block->MemoryRunsVa,
        .RunCount = Block->MemoryRunCount,
        .Values = (const LOADER_REGISTRY_VALUE *)Block->Modules[LoaderModuleSystemReg].Va,
        .ValueCount = Block->RegistryValueCount,
        .FramebufferBytes = HalFramebufferBytes(),
        .GlobalPages = (KiReadCr4() & CR4_PGE) != 0,
        .WriteCombining = (ArchCpuid(1, 0).Edx & CPUID_1_EDX_PAT) != 0,
    };
    MmInitSystem(&Boot);
}

static void KipKeyboard(void)
{
    HalInitializeKeyboard(HalAcpi.Has8042);
}

typedef struct _KIP_STEP {
    void (*Routine)(void);
    const char *Provides;
} KIP_STEP;

static const KIP_STEP KipSteps[] = {
    {KipPageTables, "our page tables, guards, PCR page, write protection"},
    {KiInitializeDescriptorTables, "GDT, IDT, TSSs: traps are caught from here on"},
    {KipSymbols, "names for addresses"},
    {KipConsole, "KiPrint on serial port and screen"},
    {KipCheckBlock, "a LOADER_BLOCK that can be trusted"},
    {KipEstimatedClock, "KeStallExecutionProcessor, roughly"},
    {KiDescribeBuild, "version and build"},
    {KiDescribeFirmware, "firmware"},
    {KiDescribeProcessor, "processor and features in use"},
    {KiDescribeMemory, "memory map"},
    {KiDescribeSwitch, "mode switch"},
    {KipAcpi, "ACPI facts"},
    {KipInterrupts, "local APIC; 8259s and I/O APICs silenced"},
    {KipClocks, "calibrated counters, the clock interrupt"},
    {KipThreads, "this code is a thread; an idle thread"},
    {KipEnable, "PASSIVE_LEVEL, interrupts on"},
    {KipMemoryManager, "page frames, system PTEs, kernel stacks, pools"},
    {MmStartSystemThreads, "zeroed pages, work items"},
    {KipKeyboard, "input from a PS/2 keyboard"},
    {KiProtectInitializedData, "a read-only IDT"},
    {KiDescribeDevices, "what was found of timers, interrupts, input"},
};

void KiSystemStartup(const LOADER_BLOCK *Block)
{
    ULONG i;

    KiLoaderBlock = KipUsableBlock(Block);
    for (i = 0; i < RTL_NUMBER_OF(KipSteps); i++) {
        KipSteps[i].Routine();
    }
    KiRun(KiLoaderBlock->Options.Run);
}
