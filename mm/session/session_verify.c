/* SPDX-License-Identifier: MIT */
/*
 * session_verify.c - MiVerifySessions.
 *
 *   Z3  the session's working set has an entry for each valid page of its paged pool and views, and
 *       no other
 *   Z4  CommittedPages are the pages that its paged pool handed out; NonPageablePages the page
 *       tables and the first pages of the working-set list
 *
 * Z1 is checked with the address spaces, Z2 here.
 */
#include "mm/session/session.h"

#include "mi_assert.h"
#include "mm/pool/paged_page.h"
#include "nt/bugcodes.h"

#define MIP_OUT_OF_STEP 0x403u
#define MIP_LIST_PAGES  2u

/* => How many frames have the table as theirs. */
static ULONG MipCountFrames(PFN_NUMBER Table) NT_HOLDS(MiPfnLock)
{
    ULONG Frames = 0;
    PFN_NUMBER Frame;

    for (Frame = 0; Frame <= MiHighestFrame; Frame++) {
        Frames += MiIsRamFrame(Frame) && MI_PFN(Frame)->PteAddress != NULL &&
                  MI_PFN(Frame)->u4.PteFrame == Table;
    }
    return Frames;
}

/* Z2.  => Whether there is a table. */
static BOOLEAN MipVerifyTable(const MM_SESSION_SPACE *Session, ULONG Index)
{
    MMPTE Pde = MiReadPte(&Session->PageTables[Index]);
    PFN_NUMBER Frame = Pde.Hard.PageFrameNumber;
    PMMPTE At = MiGetPdeAddress(MiLayout.Region[MiRegionSession].Start + Index * MM_LARGE_PAGE);
    KIRQL OldIrql;

    if (!Pde.Hard.Valid) {
        MI_ASSERT(Pde.Long == 0);
        return FALSE;
    }
    OldIrql = MiLockPfn();
    if (!MiIsRamFrame(Frame) || MI_PFN(Frame)->PteAddress != At ||
        MI_PFN(Frame)->u4.PteFrame != Session->Directory ||
        MI_PFN(Frame)->u2.ShareCount != 1 + MipCountFrames(Frame)) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MIP_OUT_OF_STEP, (ULONG_PTR)At, Pde.Long, Frame);
    }
    MiUnlockPfn(OldIrql);
    return TRUE;
}

/* Z3, Z4.  => The leader's address space runs. */
static void MipVerifyContents(PMI_SESSION Session)
{
    const MI_RANGE Range = MiSessionRange(MiSessionPool);
    ULONG Tables = 0;
    ULONG Index;
    ULONG Valid;

    for (Index = 0; Index < MI_SESSION_TABLES; Index++) {
        Tables += MipVerifyTable(&Session->Space, Index);
    }
    MiFillSessionTables();
    MiVerifySessionPool(Session->Space.Pool);
    ExAcquireFastMutex(&Session->WorkingSetMutex);
    MiVerifyWorkingSet(&Session->Vm);
    Valid =
        MiVerifyPagedPages(MiGetPteAddress(Range.Start), Range.Bytes >> PAGE_SHIFT, MM_READWRITE);
    MI_ASSERT(Valid == Session->Space.ResidentPool && Valid <= Session->Space.PeakResidentPool);
    MI_ASSERT(Valid + Session->ViewCounters.Resident == Session->Vm.WorkingSetSize); /* Z3 */
    MiVerifySessionViews(&Session->Views);
    MI_ASSERT(Session->Space.NonPageablePages == Tables + MIP_LIST_PAGES &&
              Session->Space.CommittedPages == Session->Space.Pool->Region.UsedPages); /* Z4 */
    ExReleaseFastMutex(&Session->WorkingSetMutex);
}

void MiVerifySessions(void)
{
    PLIST_ENTRY Entry;

    ExAcquireFastMutex(&MiSessionMutex);
    for (Entry = MiSessions.Flink; Entry != &MiSessions; Entry = Entry->Flink) {
        PMI_SESSION Session = CONTAINING_RECORD(Entry, MI_SESSION, Links);
        KAPC_STATE ApcState;

        MI_ASSERT(Entry->Flink->Blink == Entry && Session->Space.ReferenceCount != 0);
        KeStackAttachProcess(Session->Space.Leader, &ApcState);
        MipVerifyContents(Session);
        KeUnstackDetachProcess(&ApcState);
    }
    ExReleaseFastMutex(&MiSessionMutex);
}

/* At any IRQL, as what it is compared with: nothing changes meanwhile. */
ULONG MiCountSessionCharges(void)
{
    ULONG Pages = 0;
    PLIST_ENTRY Entry;

    if (MiSessions.Flink == NULL) {
        return 0; /* before the start */
    }
    for (Entry = MiSessions.Flink; Entry != &MiSessions; Entry = Entry->Flink) {
        const MI_SESSION *Session = CONTAINING_RECORD(Entry, MI_SESSION, Links);

        Pages +=
            Session->Space.CommittedPages + Session->Space.NonPageablePages + Session->Vm.ListPages;
    }
    return Pages;
}
