/* SPDX-License-Identifier: MIT */
/*
 * wsle_command.c - !wsle.
 *
 *     !wsle [flags]          the working-set list of the process that the monitor looks at
 *     !wsle <flags> <list>   the list at an address: C0503000, or C0C00000 for the system's
 *
 * Flags: 1 entries, 2 totals, 4 the free chain.
 */
#include "mm/inspect/commands.h"

#include "arch/mmu.h"
#include "mm/space/process.h"
#include "mm/ws/wsle.h"

#define MIP_ENTRIES 1u
#define MIP_TOTALS  2u
#define MIP_FREE    4u
#define MIP_FLAGS   7u

static void MipPrintHead(const MMSUPPORT *WorkingSet)
{
    const MMWSL *List = WorkingSet->VmWorkingSetList;

    MiPrint("Working Set @ %08x\n", (ULONG)(ULONG_PTR)List);
    MiPrint("    Quota:  %8x  FirstFree: %8x  FirstDynamic:    %8x\n",
            WorkingSet->MaximumWorkingSetSize, List->FirstFree, List->FirstDynamic);
    MiPrint("    LastEntry %6x  NextSlot:  %8x  LastInitialized  %8x\n", List->LastEntry,
            List->NextSlot, List->LastInitializedWsle);
    MiPrint("    NonDirect %6x  HashTable: %8x  HashTableSize:   %8x\n", List->NonDirectCount,
            List->HashTableSize == 0 ? 0 : (ULONG)(ULONG_PTR)List->HashTable, List->HashTableSize);
}

static void MipPrintEntries(const MMWSL *List)
{
    ULONG Index;

    MiPrint("\nVirtual Address           Age   Locked    ReferenceCount\n");
    for (Index = 0; Index <= List->LastEntry && !MiStopRequested(); Index++) {
        MMWSLE Entry = List->Wsle[Index];

        if (Entry.e1.Valid) {
            MMPTE Pte = MiReadPte(MiGetPteAddress(Entry.Long & MI_WSLE_VPN));

            MiPrint("        %08x %8u %8u %17u\n", Entry.Long, Entry.e1.Age,
                    (Entry.Long & MI_WSLE_LOCKED) != 0,
                    MI_PFN(Pte.Hard.PageFrameNumber)->u3.e2.ReferenceCount);
        }
    }
}

static void MipPrintTotals(const MMSUPPORT *WorkingSet)
{
    const MMWSL *List = WorkingSet->VmWorkingSetList;
    ULONG Ages[MI_OLDEST + 1] = {0};
    ULONG Direct = 0;
    ULONG Index;

    for (Index = 0; Index <= List->LastEntry; Index++) {
        MMWSLE Entry = List->Wsle[Index];

        if (Entry.e1.Valid) {
            Ages[Entry.e1.Age]++;
            Direct += Entry.e1.Direct;
        }
    }
    MiPrint("\nTotal: %u valid, %u locked, %u direct, %u hashed; %u pages of memory more\n",
            WorkingSet->WorkingSetSize, WorkingSet->LockedPages, Direct, List->NonDirectCount,
            WorkingSet->ListPages);
    MiPrint("Age 0: %u  1: %u  2: %u  3: %u\n", Ages[0], Ages[1], Ages[2], Ages[3]);
}

static void MipPrintFree(const MMWSL *List)
{
    ULONG Index = List->FirstFree;
    ULONG Count = 0;

    MiPrint("\nFree chain:");
    while (Index <= List->LastInitializedWsle && Count <= List->LastInitializedWsle &&
           !MiStopRequested()) {
        MiPrint("%s%6x", Count % 12 == 0 ? "\n   " : " ", Index);
        Index = List->Wsle[Index].Long >> MI_WSLE_NEXT_SHIFT;
        Count++;
    }
    MiPrint("\n%u free entries\n", Count);
}

/* => Under its mutex. */
static void MipShow(const MMSUPPORT *WorkingSet, ULONG_PTR Flags)
{
    MipPrintHead(WorkingSet);
    if ((Flags & MIP_ENTRIES) != 0) {
        MipPrintEntries(WorkingSet->VmWorkingSetList);
    }
    if ((Flags & MIP_TOTALS) != 0) {
        MipPrintTotals(WorkingSet);
    }
    if ((Flags & MIP_FREE) != 0) {
        MipPrintFree(WorkingSet->VmWorkingSetList);
    }
}

void MiCommandWsle(const char *Arguments)
{
    PMMSUPPORT WorkingSet;
    ULONG_PTR Address;
    ULONG_PTR Flags;

    if (!MiCommandNeedsProcesses() || !MiTakeOptional(&Arguments, 0, &Flags) ||
        !MiTakeOptional(&Arguments, MI_WORKING_SET_LIST_VA, &Address)) {
        return;
    }
    if ((Flags & ~(ULONG_PTR)MIP_FLAGS) != 0) {
        MiFail("Flags: 1 entries, 2 totals, 4 the free chain.");
        return;
    }
    if (Address != MI_WORKING_SET_LIST_VA && Address != MI_SYSTEM_WORKING_SET_LIST_VA) {
        MiFail("No working-set list is at %08X: a process' is at %08X, the system's at %08X.",
               (ULONG)Address, MI_WORKING_SET_LIST_VA, MI_SYSTEM_WORKING_SET_LIST_VA);
        return;
    }
    WorkingSet =
        Address == MI_WORKING_SET_LIST_VA ? &PsGetCurrentProcess()->Vm : &MiSystemCacheWorkingSet;
    ExAcquireFastMutex(WorkingSet->Mutex);
    MipShow(WorkingSet, Flags);
    ExReleaseFastMutex(WorkingSet->Mutex);
}
