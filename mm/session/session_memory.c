/* SPDX-License-Identifier: MIT */
/*
 * session_memory.c - what lies in session space besides views: the structures, and memory behind
 * the pages of its paged pool.
 *
 *     structures   + 0         MM_SESSION_SPACE: the page of nonpaged pool that it is, once more
 *                  + 1000      MMWSL
 *                  + 2000      working-set entries
 *                  + 200000    their hash table
 *
 * Nothing there is global: in another session the same address is something else.
 */
#include "mm/session/session.h"

#include "mm/pfn/commit.h"
#include "mm/pool/paged_page.h"
#include "mm/pool/pool_memory.h"
#include "mm/sysva/system_pages.h"

#define MIP_LIST       0x1000u
#define MIP_ENTRIES    0x2000u
#define MIP_HASH       0x200000u
#define MIP_LIST_PAGES 2u /* MMWSL and the first entries */

/* ---- structures ---- */

static ULONG_PTR MipStructures(void)
{
    return MiSessionRange(MiSessionStructures).Start;
}

static MI_LIST_PLACES MipPlaces(void)
{
    ULONG_PTR Start = MipStructures();

    return (MI_LIST_PLACES){Start + MIP_ENTRIES, Start + MIP_HASH, Start + MIP_HASH,
                            Start + MI_SESSION_STRUCTURES_BYTES};
}

static void MipInitializeList(PMI_SESSION Session)
{
    PMMWSL List = (PMMWSL)(MipStructures() + MIP_LIST);
    const MI_LIST_PLACES Places = MipPlaces();

    memset(List, 0, PAGE_SIZE);
    ExInitializeFastMutex(&Session->WorkingSetMutex);
    MiInitializeWorkingSetList(List, (PMMWSLE)Places.Entries, &Places);
    MiInitializeWorkingSet(&Session->Vm, List, &Session->WorkingSetMutex, MiTrimPagedPage);
    Session->Vm.SessionSpace = TRUE;
}

NTSTATUS MiCreateSessionStructures(PMI_SESSION Session)
{
    PMMPTE First = MiGetPteAddress(MipStructures());
    PFN_NUMBER Frame = MiReadPte(MiGetPteAddress((ULONG_PTR)Session)).Hard.PageFrameNumber;
    NTSTATUS Status =
        MiCreateSessionPageTables(&Session->Space, MipStructures(), MI_SESSION_STRUCTURES_BYTES);

    if (NT_SUCCESS(Status)) {
        Status = MiCreateSystemPages(First + 1, MIP_LIST_PAGES, MiMakeWindowPte(0));
    }
    if (NT_SUCCESS(Status)) {
        Session->Space.NonPageablePages += MIP_LIST_PAGES;
        MiWritePte(First, MiMakeWindowPte(Frame));
        MipInitializeList(Session);
    }
    return Status;
}

void MiDeleteSessionStructures(PMI_SESSION Session)
{
    PMMPTE First = MiGetPteAddress(MipStructures());

    MiFreeWorkingSetList(&Session->Vm);
    MiDeleteSystemPages(First + 1, MIP_LIST_PAGES);
    Session->Space.NonPageablePages -= MIP_LIST_PAGES;
    MiWritePte(First, MiMakeZeroPte());
    KeFlushSingleTb(MipStructures());
}

/* ---- paged pool ---- */

NTSTATUS MiCommitSessionPool(ULONG_PTR Va, ULONG Pages)
{
    PMM_SESSION_SPACE Session = MiCurrentSession();
    PMMPTE First = MiGetPteAddress(Va);
    NTSTATUS Status;
    ULONG i;

    if (!MiChargeCommitment(Pages)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = MiCreateSessionPageTables(Session, Va, Pages << PAGE_SHIFT);
    if (!NT_SUCCESS(Status)) {
        MiReturnCommitment(Pages);
        return Status;
    }
    for (i = 0; i < Pages; i++) {
        MiCreatePagedPage(First + i);
    }
    __atomic_add_fetch(&Session->CommittedPages, Pages, __ATOMIC_RELAXED);
    return STATUS_SUCCESS;
}

void MiDecommitSessionPool(ULONG_PTR Va, ULONG Pages)
{
    __atomic_sub_fetch(&MiCurrentSession()->CommittedPages, Pages, __ATOMIC_RELAXED);
    MiDecommitPagedPool(Va, Pages); /* in the session's working set */
}
