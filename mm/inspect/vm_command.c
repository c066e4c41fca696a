/* SPDX-License-Identifier: MIT */
/*
 * vm_command.c - !vm and !sysptes.
 *
 * Lines of !vm bear the documented names.  Those for which nothing exists yet (drivers) are not
 * printed: a zero would be a claim.
 */
#include "mm/inspect/commands.h"

#include "boot_volume.h"
#include "mm/balance/balance_set.h"
#include "mm/balance/swapper.h"
#include "mm/fault/fault.h"
#include "mm/paging/in_page.h"
#include "mm/paging/modified_writer.h"
#include "mm/paging/paging_file.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pool/pool.h"
#include "mm/pool/pool_block.h"
#include "mm/pool/pool_pages.h"
#include "mm/section/file_write.h"
#include "mm/section/system_view.h"
#include "mm/pool/special_pool.h"
#include "mm/space/page_table.h"
#include "mm/space/process.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/system_ptes.h"
#include "mm/ws/expansion.h"
#include "mm/ws/wsle.h"

#define MIP_KB_PER_PAGE   (PAGE_SIZE / 1024)

#define MIP_NO_PROCESSES  0x01u
#define MIP_THREAD_STACKS 0x02u
#define MIP_TERMINALS     0x04u
#define MIP_PAGEFILE_LOG  0x08u
#define MIP_OWNER_STACKS  0x10u
#define MIP_KERNEL_VA     0x20u
#define MIP_ALL_FLAGS     0x3Fu

static void MipPrintPages(const char *Name, ULONG Pages)
{
    MiPrint("  %-20s %8u (%9u Kb)", Name, Pages, Pages * MIP_KB_PER_PAGE);
}

static void MipPrintLine(const char *Name, ULONG Pages)
{
    MipPrintPages(Name, Pages);
    MiPrint("\n");
}

BOOLEAN MiCommandNeedsSystemPtes(void)
{
    MI_SYSTEM_PTE_COUNTERS Counters;

    MiQuerySystemPtes(&Counters);
    if (Counters.Total == 0) {
        MiFail("There are no system PTEs yet.");
    }
    return Counters.Total != 0;
}

/* => MiLockPfn is not needed for one word. */
static ULONG MipLockedPages(void) NT_NO_LOCK_ANALYSIS
{
    return MiLockedPages;
}

static void MipPrintPagingFiles(void)
{
    ULONG i;

    for (i = 0; i < MmNumberOfPagingFiles; i++) {
        const MMPAGING_FILE *File = MmPagingFile[i];

        MiPrint("  Page File: %s\n"
                "    Current: %9u Kb  Free Space: %9u Kb\n"
                "    Minimum: %9u Kb  Maximum:    %9u Kb\n",
                File->PageFileName, File->Size * MIP_KB_PER_PAGE, File->FreeSpace * MIP_KB_PER_PAGE,
                File->MinimumSize * MIP_KB_PER_PAGE, File->MaximumSize * MIP_KB_PER_PAGE);
    }
    if (MmNumberOfPagingFiles == 0) {
        MiPrint("  Page File: none\n");
    }
    if (DiskBootVolumeReason() != NULL) {
        MiPrint(
            "  ************ NO BOOT VOLUME: page files lie in RAM, save none of it, and are lost"
            " ************\n");
    }
}

static void MipPrintFrames(const MI_PFN_COUNTERS *Counters)
{
    const ULONG *States = Counters->States;

    MipPrintLine("Physical Memory:", Counters->PhysicalPages);
    MipPrintPagingFiles();
    MipPrintPages("Available Pages:", Counters->AvailablePages);
    MiPrint("  zeroed %u + free %u + standby %u\n", States[ZeroedPageList], States[FreePageList],
            States[StandbyPageList]);
    MipPrintLine("ResAvail Pages:", Counters->Commit.ResidentAvailable);
    MipPrintLine("Locked IO Pages:", MipLockedPages());
    MipPrintLine("Modified Pages:", States[ModifiedPageList]);
    MipPrintLine("Modified No Write:", States[ModifiedNoWritePageList]);
}

static void MipPrintPtes(void)
{
    MI_SYSTEM_PTE_COUNTERS Counters;
    PMI_POOL_REGION Expansion = MiPoolRegion(MiNonPagedExpansion);

    MiQuerySystemPtes(&Counters);
    if (Counters.Total != 0) {
        MipPrintLine("Free System PTEs:", Counters.Free);
    }
    if (Expansion->Pages != 0) {
        MipPrintLine("Free NP PTEs:", Expansion->Pages - Expansion->UsedPages);
    }
}

/* Big blocks belong to no pool in particular: they are counted with pool 0. */
static void MipPrintPagedPools(ULONG UsedPages)
{
    ULONG Others = 0;
    ULONG Index;

    for (Index = 1; Index < MiNumberOfPagedPools; Index++) {
        Others += MiFindPool(PagedPool, Index)->Pages;
    }
    for (Index = 0; Index < MiNumberOfPagedPools; Index++) {
        char Name[sizeof("PagedPool 4294967295 Usage:")];

        RtlStringCbPrintfA(Name, sizeof(Name), "PagedPool %u Usage:", Index);
        MipPrintLine(Name, Index == 0 ? UsedPages - Others : MiFindPool(PagedPool, Index)->Pages);
    }
}

static void MipPrintPools(void)
{
    MI_POOL_FIGURES NonPaged;
    MI_POOL_FIGURES Paged;
    MI_SPECIAL_POOL_COUNTERS Special;

    MiQueryPoolFigures(NonPagedPool, &NonPaged);
    MiQueryPoolFigures(PagedPool, &Paged);
    MipPrintLine("NonPagedPool Usage:", NonPaged.UsedPages);
    MipPrintLine("NonPagedPool Max:", NonPaged.MaximumPages);
    MipPrintPagedPools(Paged.UsedPages);
    MipPrintLine("PagedPool Usage:", Paged.UsedPages);
    MipPrintLine("PagedPool Maximum:", Paged.MaximumPages);
    MiQuerySpecialPool(&Special);
    if (Special.MaximumPages != 0) {
        MipPrintLine("Special Pool:",
                     Special.UsedPages[NonPagedPool] + Special.UsedPages[PagedPool]);
        MiPrint("  %u allocations, %u went to ordinary pool\n", Special.Allocations,
                Special.Fallbacks);
    }
}

static void MipPrintCommit(const MI_COMMIT *Commit)
{
    MipPrintLine("Shared Commit:", MiSharedCommit);
    MipPrintPages("Committed pages:", Commit->Committed);
    MiPrint("  peak %u, refused %u times\n", Commit->Peak, Commit->Refused);
    MipPrintPages("Commit limit:", Commit->Limit);
    MiPrint("  may rise to %u\n", Commit->MaximumLimit);
    MiPrint("  Page files grew: %u times, by %u pages; failed to %u times\n",
            MiGrowthFigures.Extensions, MiGrowthFigures.Pages, MiGrowthFigures.Failures);
}

static void MipPrintFaults(void)
{
    const MI_FAULT_COUNTERS *Faults = &MiFaultCounters;

    MiPrint("  Page faults: %u; demand zero %u, transition %u, collided %u, in-page errors %u\n",
            Faults->Faults, Faults->DemandZero, Faults->Transition, Faults->Collided,
            Faults->InPageErrors);
    MiPrint(
        "  Page reads: %u of %u pages; %u waited for their turn, %u pages came back different\n",
        Faults->PagingFileReads, Faults->PagesRead, MiInPageCounters.Waits,
        MiInPageCounters.WrongChecksums);
    MiPrint("  Mapped file reads: %u of %u pages; writes: %u of %u pages\n",
            Faults->MappedFileReads, Faults->MappedPagesRead, MiFileWriteFigures.Writes,
            MiFileWriteFigures.Pages);
    if (MiFileWriteFigures.FailedWrites != 0) {
        MiPrint("  ************ %u writes to files failed (%08x) ************\n",
                MiFileWriteFigures.FailedWrites, (ULONG)MiFileWriteFigures.LastStatus);
    }
}

static void MipPrintPageWrites(void)
{
    const MI_WRITER_FIGURES *Writer = &MiWriterFigures;

    MiPrint("  Page writes: %u of %u pages, %u of them for nothing; %u slots taken back\n",
            Writer->Writes, Writer->PagesWritten + Writer->PagesDropped, Writer->PagesDropped,
            Writer->Reclaimed);
    if (Writer->FailedWrites + Writer->BadSlots + Writer->NoSlots != 0) {
        MiPrint("  ************ %u page writes failed (%08x), %u slots are bad, %u times none was"
                " free ************\n",
                Writer->FailedWrites, (ULONG)Writer->LastStatus, Writer->BadSlots, Writer->NoSlots);
    }
}

static void MipPrintPageTables(void)
{
    const MI_PAGE_TABLE_COUNTERS *Tables = &MiPageTableCounters;

    MiPrint("  Page tables: %u made, %u trimmed, %u written, %u back, of them %u read\n",
            Tables->Made, Tables->Trimmed, MiWriterFigures.TablesWritten, Tables->Restored,
            Tables->Reads);
}

static void MipPrintBalance(void)
{
    const MI_BALANCE_COUNTERS *Balance = &MiBalanceCounters;

    MiPrint("  Balance set: %u seconds, %u alarms; %u pages left in %u rounds, %u passes\n",
            Balance->Seconds, Balance->Alarms, Balance->Trimmed, Balance->Trims, Balance->Passes);
}

static void MipPrintStacks(void)
{
    MI_KERNEL_STACK_COUNTERS Stacks;

    MiQueryKernelStacks(&Stacks);
    MiPrint("  Kernel stacks: %u in use, %u kept ready, peak %u; %u Kb each\n", Stacks.InUse,
            Stacks.Cached, Stacks.Peak, MI_KERNEL_STACK_PAGES * MIP_KB_PER_PAGE);
    MiPrint("  Taken out %u times, back %u times; %u pages were read\n", MiSwapCounters.Outswaps,
            MiSwapCounters.Inswaps, MiSwapCounters.Reads);
}

/* Resident in working sets; what no working set has is not counted. */
static void MipPrintWorkingSets(void)
{
    ULONG Pages;
    ULONG Count = MiCountWorkingSets(&Pages);

    MipPrintPages("Working sets:", Pages);
    MiPrint("  %u that can be trimmed\n", Count);
    MipPrintLine("System working set:", MiSystemCacheWorkingSet.WorkingSetSize);
    MipPrintPages("  views of sections:", MiSystemViewCounters.Resident);
    MiPrint("  %u views, and %u of the system cache\n", MiSystemViewCounters.Views,
            MiSystemViewCounters.CacheViews);
}

/* One line a process. */
static void MipPrintProcesses(void)
{
    PLIST_ENTRY Entry;

    ExAcquireFastMutex(&PspActiveProcessMutex);
    for (Entry = PsActiveProcessHead.Flink; Entry != &PsActiveProcessHead; Entry = Entry->Flink) {
        const EPROCESS *Process = CONTAINING_RECORD(Entry, EPROCESS, ActiveProcessLinks);

        MiPrint("    %04x %-15s %9u ( %9u Kb)  working set %9u Kb\n",
                (ULONG)(ULONG_PTR)Process->UniqueProcessId, Process->ImageFileName,
                Process->CommitCharge, Process->CommitCharge * MIP_KB_PER_PAGE,
                Process->Vm.WorkingSetSize * MIP_KB_PER_PAGE);
    }
    ExReleaseFastMutex(&PspActiveProcessMutex);
}

void MiCommandVm(const char *Arguments)
{
    MI_PFN_COUNTERS Counters;
    ULONG_PTR Flags;

    if (!MiTakeOptional(&Arguments, 0, &Flags) || !MiCommandNeedsFrames()) {
        return;
    }
    if ((Flags & ~(ULONG_PTR)MIP_ALL_FLAGS) != 0) {
        MiFail("Flags: 1 no processes, 2 stacks, 4 terminal server, 8 pagefile log,"
               " 10 owners, 20 kernel VA.");
        return;
    }
    MiQueryPfnCounters(&Counters);
    MipPrintFrames(&Counters);
    MipPrintPtes();
    if (MiPoolTags[0].Tag == MI_POOL_TAG_OVERFLOW) {
        MipPrintPools();
    }
    MipPrintCommit(&Counters.Commit);
    MipPrintFaults();
    MipPrintPageWrites();
    MipPrintPageTables();
    MipPrintBalance();
    if (PsInitialSystemProcess != NULL) {
        MipPrintWorkingSets();
        if ((Flags & MIP_NO_PROCESSES) == 0 && KeGetCurrentIrql() <= APC_LEVEL) {
            MipPrintProcesses();
        }
    }
    if ((Flags & MIP_THREAD_STACKS) != 0) {
        MipPrintStacks();
    }
    if ((Flags & MIP_TERMINALS) != 0) {
        MiPrintSessionUsage();
    }
    if ((Flags & (MIP_PAGEFILE_LOG | MIP_OWNER_STACKS)) != 0) {
        MiPrint("  No log of page writes, no owners' stacks (flags 8, 10)\n");
    }
    if ((Flags & MIP_KERNEL_VA) != 0) {
        MiPrintLayout(&MiLayout, KiConsoleSink, NULL);
    }
}

/* ---- !sysptes ---- */

#define MIP_PTE_FREE_RUNS 1u
#define MIP_PTE_OWNERS    4u /* of locked pages: nobody records them */
#define MIP_PTE_EXPANSION 8u

void MiCommandSysPtes(const char *Arguments)
{
    PMI_POOL_REGION Expansion = MiPoolRegion(MiNonPagedExpansion);
    ULONG_PTR Flags;

    if (!MiTakeOptional(&Arguments, 0, &Flags) || !MiCommandNeedsSystemPtes()) {
        return;
    }
    if ((Flags & ~(ULONG_PTR)(MIP_PTE_FREE_RUNS | MIP_PTE_OWNERS | MIP_PTE_EXPANSION)) != 0) {
        MiFail("Flags: 1 free runs, 4 owners of locked pages, 8 nonpaged pool's expansion.");
        return;
    }
    MiDumpSystemPtes(KiConsoleSink, NULL, (Flags & MIP_PTE_FREE_RUNS) != 0);
    if ((Flags & MIP_PTE_OWNERS) != 0) {
        MiPrint("  Who locked pages is not recorded yet (flag 4)\n");
    }
    if ((Flags & MIP_PTE_EXPANSION) != 0) {
        MiPrint("  Nonpaged pool expansion: %u PTEs, %u free\n", Expansion->Pages,
                Expansion->Pages - Expansion->UsedPages);
    }
}
