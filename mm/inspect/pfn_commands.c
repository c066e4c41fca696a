/* SPDX-License-Identifier: MIT */
/*
 * pfn_commands.c - !pfn and !memusage.
 *
 * !memusage counts the database's entries itself, so that its total is a finding: it must be the
 * number of physical pages, whatever the lists' counters say.  memory_usage.c prints its table.
 */
#include "mm/inspect/commands.h"

#include "mm/pfn/pfn_database.h"
#include "mm/pfn/pfn_inspect.h"

#define MIP_KB_PER_PAGE (PAGE_SIZE / 1024)

BOOLEAN MiCommandNeedsFrames(void)
{
    if (MiPfnDatabase == NULL) {
        MiFail("There is no page-frame database yet.");
        return FALSE;
    }
    return TRUE;
}

void MiCommandPfn(const char *Arguments)
{
    ULONG_PTR Frame;
    NTSTATUS Status = MiTakeArgument(&Arguments, &Frame);

    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("Which frame?  !pfn <frame>.");
    } else if (NT_SUCCESS(Status) && MiCommandNeedsFrames()) {
        MiDumpFrame(KiConsoleSink, NULL, (PFN_NUMBER)Frame);
    }
}

/* ---- !memusage ---- */

#define MIP_MODIFIED_NO_WRITE 1u /* flags 1 and 2: this list only */
#define MIP_MODIFIED_NO_VALID 2u
#define MIP_SUMMARY           8u /* without control areas */
#define MIP_ALL_FLAGS         (MIP_MODIFIED_NO_WRITE | MIP_MODIFIED_NO_VALID | MIP_SUMMARY)

static void MipPrintUsage(const char *Name, ULONG Pages)
{
    MiPrint("%18s: %7u (%8u kb)\n", Name, Pages, Pages * MIP_KB_PER_PAGE);
}

static const char *MipListName(MMLISTS State)
{
    return State == ActiveAndValid ? "Active/Valid" : MiPageStateName(State);
}

static void MipPrintAllStates(const MI_PAGE_SUMS *Sums)
{
    static const MMLISTS Order[MI_PAGE_STATES] = {
        ZeroedPageList,          FreePageList,   StandbyPageList, ModifiedPageList,
        ModifiedNoWritePageList, ActiveAndValid, TransitionPage,  BadPageList,
    };
    ULONG i;

    for (i = 0; i < MI_PAGE_STATES; i++) {
        MipPrintUsage(MipListName(Order[i]), Sums->States[Order[i]]);
    }
    MipPrintUsage("Unknown", Sums->Unknown);
    MipPrintUsage("TOTAL", Sums->Total);
}

/* What is behind "standby", one line: pages of each priority, and how many were reused. */
static void MipPrintStandby(void)
{
    MI_PFN_COUNTERS Counters;
    ULONG i;

    MiQueryPfnCounters(&Counters);
    MiPrint("  Standby by priority 0-7:");
    for (i = 0; i < MI_PRIORITIES; i++) {
        MiPrint(" %u", Counters.Standby[i]);
    }
    MiPrint("  repurposed: %u\n", Counters.Repurposed);
}

void MiCommandMemUsage(const char *Arguments)
{
    MI_PAGE_SUMS Sums;
    ULONG_PTR Flags;

    if (!MiTakeOptional(&Arguments, 0, &Flags) || !MiCommandNeedsFrames()) {
        return;
    }
    if ((Flags & ~(ULONG_PTR)MIP_ALL_FLAGS) != 0) {
        MiFail("Flags are 1 and 2 (modified no-write only) and 8 (summary only).");
        return;
    }
    MiCountPages(&Sums);
    if ((Flags & (MIP_MODIFIED_NO_WRITE | MIP_MODIFIED_NO_VALID)) != 0) {
        MipPrintUsage(MipListName(ModifiedNoWritePageList), Sums.States[ModifiedNoWritePageList]);
        return;
    }
    MipPrintAllStates(&Sums);
    if ((Flags & MIP_SUMMARY) == 0) {
        MipPrintStandby();
        MiPrintAreaUsage();
    }
}
