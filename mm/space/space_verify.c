/* SPDX-License-Identifier: MIT */
/*
 * space_verify.c - MiVerifyAddressSpaces.
 *
 * Each process is attached to in turn, under its lock: descriptors are walked by address, beside
 * them all directory entries of the user half and every entry of the page tables.  Those that are
 * out are brought in for that.
 */
#include "mm/space/physical_view.h"
#include "mm/space/space_verify.h"

#include "mi_assert.h"
#include "mm/pfn/pfn.h"
#include "mm/space/address_space.h"
#include "mm/space/shared_page.h"
#include "mm/space/view_page.h"
#include "mm/sysva/hyperspace.h"
#include "mm/sysva/session_space.h"
#include "mm/sysva/system_pages.h"
#include "mm/ws/wsle.h"
#include "nt/bugcodes.h"

#define MIP_OUT_OF_STEP 0x403u
#define MIP_TRIES       8u /* a machine that never stands still is judged without its sums */

/* What a walk over one user half adds up. */
typedef struct _MIP_SUMS {
    ULONG Vads;
    ULONG Commit;    /* of the descriptors */
    ULONG Tables;    /* that are there */
    ULONG Committed; /* page tables that are charged for */
    ULONG Valid;     /* PTEs */
    ULONG Locked;    /* of these */
    PMI_CLONE_SUMS Clones;
    PMI_VIEW_SUMS Views;
    SIZE_T Bytes;
} MIP_SUMS, *PMIP_SUMS;

static void MipRequire(BOOLEAN Holds, PMMPTE Pte, PFN_NUMBER Frame)
{
    if (!Holds) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MIP_OUT_OF_STEP, (ULONG_PTR)Pte, MiReadPte(Pte).Long,
                     Frame);
    }
}

/* ---- pages ---- */

static BOOLEAN MipRemembers(PFN_NUMBER Frame, PMMPTE Pte)
{
    return MiIsRamFrame(Frame) && MI_PFN(Frame)->PteAddress == Pte &&
           MI_PFN(Frame)->u4.PteFrame == MiTableFrame(Pte);
}

/* U1, U2. */
static void MipVerifyPrivate(PMMPTE Pte, MMPTE Entry, PMIP_SUMS Sums)
{
    PFN_NUMBER Frame = Entry.Hard.PageFrameNumber;
    const MMPFN *Pfn = MI_PFN(Frame);
    ULONG Protection;

    MipRequire(MipRemembers(Frame, Pte), Pte, Frame);
    Protection = MiSoftwareProtection(Pfn->OriginalPte);
    MipRequire(Pfn->u3.e1.PageLocation == ActiveAndValid && Pfn->u2.ShareCount == 1 &&
                   !MiIsInaccessible(Protection) && Entry.Hard.Owner && !Entry.Hard.Global &&
                   Entry.Hard.Write == MiIsWritable(Protection) &&
                   (Entry.Hard.Write || !Entry.Hard.Dirty) && !Entry.Hard.CopyOnWrite,
               Pte, Frame);
    Sums->Locked += Pfn->u3.e1.LockCharged;
}

/* U5 */
static void MipCountClone(ULONG Index, BOOLEAN Valid, PMIP_SUMS Sums)
{
    Sums->Clones->References++;
    Sums->Clones->ReferenceHash += MiCloneHash(Index);
    Sums->Clones->ValidHash += Valid ? MiCloneHash(Index) : 0;
}

/* U4; that the frame and its block know each other is T2. */
static void MipVerifyShared(PMMPTE Pte, MMPTE Entry, PMIP_SUMS Sums)
{
    PFN_NUMBER Frame = Entry.Hard.PageFrameNumber;
    const MMPFN *Pfn = MI_PFN(Frame);
    ULONG Protection = MiSoftwareProtection(Pfn->OriginalPte);

    MipRequire(MiReadPte(Pfn->PteAddress).Hard.Valid &&
                   MiReadPte(Pfn->PteAddress).Hard.PageFrameNumber == Frame &&
                   Pfn->u3.e1.PageLocation == ActiveAndValid && !MiIsInaccessible(Protection) &&
                   Entry.Hard.Owner && !Entry.Hard.Global && !Entry.Hard.Write &&
                   !Entry.Hard.Dirty && Entry.Hard.CopyOnWrite == MiIsWritable(Protection),
               Pte, Frame);
    MipCountClone(MiCloneIndexOf(Pfn->PteAddress), TRUE, Sums);
}

/* X1, X3; that the frame and its prototype PTE know each other is R1. */
static void MipVerifyMapped(PEPROCESS Process, PMMPTE Pte, MMPTE Entry, PMIP_SUMS Sums)
{
    ULONG_PTR Va = MiGetVaMappedByPte(Pte);
    PFN_NUMBER Frame = Entry.Hard.PageFrameNumber;
    ULONG Protection = MiQueryWsleProtection(&Process->Vm, Va, Frame);
    BOOLEAN Copy = MiIsCopyOnWrite(Protection);
    PMMVAD Vad = MiFindVad(Process, (ULONG)(Va >> PAGE_SHIFT));

    MipRequire(MiIsView(Vad) && MI_PFN(Frame)->PteAddress == MiViewPrototype(Vad, Va) &&
                   MI_PFN(Frame)->u3.e1.PageLocation == ActiveAndValid &&
                   !MiIsInaccessible(Protection) && Entry.Hard.Owner && !Entry.Hard.Global &&
                   Entry.Hard.Write == (MiIsWritable(Protection) && !Copy) &&
                   (Entry.Hard.Write || !Entry.Hard.Dirty) && Entry.Hard.CopyOnWrite == Copy,
               Pte, Frame);
    Sums->Locked += MiQueryWsleLocks(&Process->Vm, Va, Frame) != 0;
    Sums->Views->Mapped++;
    Sums->Views->FrameHash += MiCloneHash(Frame);
}

/* As many entries of the working set as valid PTEs: each has one. */
static void MipVerifyValid(PEPROCESS Process, PMMPTE Pte, MMPTE Entry, PMIP_SUMS Sums)
{
    PFN_NUMBER Frame = Entry.Hard.PageFrameNumber;

    MipRequire(MiIsRamFrame(Frame), Pte, Frame);
    MipRequire(MiFindWsle(&Process->Vm, MiGetVaMappedByPte(Pte), Frame) != MI_NO_WSLE, Pte, Frame);
    Sums->Valid++;
    if (MiIsViewPte(Entry)) {
        MipVerifyMapped(Process, Pte, Entry, Sums);
    } else if (MI_PFN(Frame)->u3.e1.PrototypePte) {
        MipVerifyShared(Pte, Entry, Sums);
    } else {
        MipVerifyPrivate(Pte, Entry, Sums);
    }
}

/* U1 */
static void MipVerifyTransition(PMMPTE Pte, MMPTE Entry)
{
    PFN_NUMBER Frame = Entry.Hard.PageFrameNumber;
    const MMPFN *Pfn = MI_PFN(Frame);

    MipRequire(MipRemembers(Frame, Pte), Pte, Frame);
    MipRequire(Pfn->u3.e1.PageLocation != ActiveAndValid && !Pfn->u3.e1.LockCharged &&
                   MiSoftwareProtection(Pfn->OriginalPte) == MiSoftwareProtection(Entry),
               Pte, Frame);
}

static void MipVerifyNamed(const MMVAD *Vad, PMMPTE Pte, MMPTE Entry)
{
    ULONG_PTR Va = MiGetVaMappedByPte(Pte);

    MipRequire(MiIsView(Vad), Pte, 0);
    MipRequire(MiIsLookupPte(Entry) ||
                   MiPrototypeAddress(Entry) == (ULONG_PTR)MiViewPrototype(Vad, Va),
               Pte, 0);
}

/* => Returns whether a frame stands behind the entry. */
static BOOLEAN MipVerifyEntry(PEPROCESS Process, PMMPTE Pte, PMIP_SUMS Sums)
{
    MMPTE Entry = MiReadPte(Pte);
    PMMVAD Vad = MiFindVad(Process, (ULONG)(MiGetVaMappedByPte(Pte) >> PAGE_SHIFT));

    MipRequire(Vad != NULL && MiIsPhysicalView(Vad) == MiIsPhysicalPte(Entry), Pte, 0);
    if (MiIsPhysicalPte(Entry)) {
        MipRequire(MiIsPhysicalPteRight(Vad, Pte), Pte, Entry.Hard.PageFrameNumber); /* Y1 */
        return TRUE;
    }
    switch (MiPteKind(Entry)) {
    case MiPteValid:
        MipVerifyValid(Process, Pte, Entry, Sums);
        return TRUE;
    case MiPteTransition:
        MipVerifyTransition(Pte, Entry);
        return TRUE;
    case MiPteDemandZero:
        MipRequire(MiSoftwareProtection(Entry) != MM_DECOMMIT || Vad->u.VadFlags.MemCommit, Pte, 0);
        return FALSE;
    case MiPtePagefile:
        return FALSE;
    case MiPtePrototype:
        if (MiIsViewPte(Entry)) {
            MipVerifyNamed(Vad, Pte, Entry);
        } else {
            MipCountClone(MiCloneIndex(Entry), FALSE, Sums);
        }
        return FALSE;
    case MiPteZero:
    case MiPteLarge:
    case MiPteSubsection:
    case MiPteList:
        break;
    }
    MipRequire(FALSE, Pte, Entry.Hard.PageFrameNumber);
    return FALSE;
}

/* G1, G2 */
static void MipVerifyTable(PEPROCESS Process, ULONG Table, PMIP_SUMS Sums)
{
    PMMPTE Pde = MiGetPdeAddress((ULONG_PTR)Table << PDI_SHIFT);
    PMMPTE First = MiGetPteAddress((ULONG_PTR)Table << PDI_SHIFT);
    PFN_NUMBER Frame = MiReadPte(Pde).Hard.PageFrameNumber;
    ULONG Used = 0;
    ULONG Frames = 0;
    ULONG i;

    for (i = 0; i < PTE_PER_PAGE; i++) {
        if (MiReadPte(First + i).Long != 0) {
            Used++;
            Frames += MipVerifyEntry(Process, First + i, Sums);
        }
    }
    MI_ASSERT(Used != 0 && Used == MmWorkingSetList->UsedPageTableEntries[Table]);
    MI_ASSERT(MiIsPageTableCommitted(Table)); /* G3 */
    MipRequire(MipRemembers(Frame, Pde) && MI_PFN(Frame)->u2.ShareCount == 1 + Frames, Pde, Frame);
    MipRequire(MiFindWsle(&Process->Vm, MiGetVaMappedByPte(Pde), Frame) != MI_NO_WSLE, Pde, Frame);
    Sums->Tables++;
}

/* ---- descriptors ---- */

/* => Pages that CommitCharge should count. */
static ULONG MipCountCharged(const MMVAD *Vad)
{
    ULONG Charged = 0;
    ULONG Vpn;

    for (Vpn = Vad->StartingVpn; Vpn <= Vad->EndingVpn; Vpn++) {
        ULONG_PTR Va = (ULONG_PTR)Vpn << PAGE_SHIFT;
        MMPTE Pte = {.Long = 0};

        if (MiHasPageTable(Va)) {
            Pte = MiReadPte(MiGetPteAddress(Va));
        }
        if (MiIsView(Vad)) {
            Charged += MiIsViewPageCharged(Vad, Va, Pte, MiGivenViewProtection(Vad, Va, Pte));
        } else if (Vad->u.VadFlags.MemCommit || Pte.Long != 0) {
            Charged += MiPageProtection(Vad, Va, Pte) != MI_NO_PROTECTION;
        }
    }
    return Charged;
}

static void MipVerifyView(const MMVAD *Vad, PMIP_SUMS Sums)
{
    const MMVAD_VIEW *View = MiViewOf(Vad);

    MI_ASSERT(!Vad->u.VadFlags.MemCommit && !Vad->u.VadFlags.WriteWatch);
    MI_ASSERT(MiIsPhysicalView(Vad) == (View->FirstPrototypePte == NULL));
    MI_ASSERT(View->LastContiguousPte <= View->FirstPrototypePte + (MiVadPages(Vad) - 1));
    Sums->Views->Views++;
    Sums->Views->AreaHash += MiViewHash(View->ControlArea);
}

/* D1; the committed pages are those that its entries say. */
static void MipVerifyVad(PEPROCESS Process, PMMVAD Vad, PMIP_SUMS Sums)
{
    PMMVAD Next = MiNextVad(Vad);
    ULONG_PTR Va = MiVadStart(Vad);
    ULONG Committed = MipCountCharged(Vad);

    MI_ASSERT(Va % MM_ALLOCATION_GRANULARITY == 0 && Va >= MM_LOWEST_USER_ADDRESS);
    MI_ASSERT(Vad->EndingVpn >= Vad->StartingVpn &&
              Vad->EndingVpn <= Process->HighestUserAddress >> PAGE_SHIFT);
    MI_ASSERT(!MiTouchesSharedData(Va, Va + ((ULONG_PTR)MiVadPages(Vad) << PAGE_SHIFT) - 1));
    MI_ASSERT(Next == NULL || Next->StartingVpn > Vad->EndingVpn);
    MI_ASSERT(RtlAreBitsSet(&Process->VadBitMap, Vad->StartingVpn / 16,
                            Vad->EndingVpn / 16 - Vad->StartingVpn / 16 + 1)); /* D2 */
    MI_ASSERT(Committed == Vad->u.VadFlags.CommitCharge);
    MI_ASSERT((Vad->WatchBits != NULL) == Vad->u.VadFlags.WriteWatch);
    if (MiIsView(Vad)) {
        MipVerifyView(Vad, Sums);
    }
    Sums->Vads++;
    Sums->Commit += Committed;
    Sums->Bytes += (SIZE_T)MiVadPages(Vad) << PAGE_SHIFT;
}

/* D2: what is set belongs to somebody.  Three ends belong to nobody. */
static ULONG MipCountUnits(PEPROCESS Process)
{
    ULONG Units = 3;
    PMMVAD Vad;

    for (Vad = MiVadOf(RtlAvlFirstNode(&Process->VadRoot)); Vad != NULL; Vad = MiNextVad(Vad)) {
        Units += Vad->EndingVpn / 16 - Vad->StartingVpn / 16 + 1;
    }
    return Units;
}

/* D3 */
static BOOLEAN MipIsTableWanted(PEPROCESS Process, ULONG Table)
{
    PMMVAD Vad = MiFindVadFrom(Process, Table * PTE_PER_PAGE);

    return Vad != NULL && Vad->StartingVpn < (Table + 1) * PTE_PER_PAGE;
}

static void MipVerifyTables(PEPROCESS Process, PMIP_SUMS Sums)
{
    ULONG Table;

    for (Table = 0; Table < MI_USER_PAGE_TABLES; Table++) {
        MI_ASSERT(MiIsPageTableCommitted(Table) == MipIsTableWanted(Process, Table));
        Sums->Committed += MiIsPageTableCommitted(Table);
        if (MiHasPageTable((ULONG_PTR)Table << PDI_SHIFT)) {
            MipVerifyTable(Process, Table, Sums);
        } else {
            MI_ASSERT(MmWorkingSetList->UsedPageTableEntries[Table] == 0);
        }
    }
}

static void MipVerifyVads(PEPROCESS Process, PMIP_SUMS Sums)
{
    ULONG Count;
    PMMVAD Vad;

    MI_ASSERT(RtlAvlVerify(&Process->VadRoot, &Count) && Count == Process->NumberOfVads);
    for (Vad = MiVadOf(RtlAvlFirstNode(&Process->VadRoot)); Vad != NULL; Vad = MiNextVad(Vad)) {
        MipVerifyVad(Process, Vad, Sums);
    }
    MI_ASSERT(RtlNumberOfSetBits(&Process->VadBitMap) == MipCountUnits(Process));
    MI_ASSERT(Process->VadBitMapHint <= 1 ||
              RtlAreBitsSet(&Process->VadBitMap, 0, Process->VadBitMapHint));
}

/* ---- processes ---- */

/* => FALSE also when its session has ended. */
static BOOLEAN MipIsLeader(const EPROCESS *Process)
{
    return Process->SessionLeader && Process->Pcb.Session != NULL;
}

/* => Page tables of session space that count as the process' own: a leader's. */
static ULONG MipCountSessionTables(const EPROCESS *Process)
{
    ULONG Tables = 0;
    ULONG Index;

    for (Index = 0; MipIsLeader(Process) && Index < MI_SESSION_TABLES; Index++) {
        Tables += MiReadPte(&Process->Pcb.Session->PageTables[Index]).Hard.Valid;
    }
    return Tables;
}

/* => Attached.  H2: the frames that are the address space's own know it. */
static void MipVerifyOwnFrames(PEPROCESS Process)
{
    PMMPTE List = MiGetPteAddress(MI_WORKING_SET_LIST_VA);
    PFN_NUMBER Directory = KiCurrentDirectoryFrame();

    MI_ASSERT(Process->Pcb.DirectoryTableBase[0] == Directory << PAGE_SHIFT);
    MI_ASSERT(MiTableFrame(MiGetPdeAddress(0)) == Directory);
    MI_ASSERT(MiTableFrame(List) << PAGE_SHIFT == Process->Pcb.DirectoryTableBase[1]);
    MipRequire(MipRemembers(MiReadPte(List).Hard.PageFrameNumber, List), List,
               MiReadPte(List).Hard.PageFrameNumber);
    if (Process != PsInitialSystemProcess) { /* G3; the loader made that one's directory */
        MI_ASSERT(MI_PFN(Directory)->u2.ShareCount ==
                  3 + Process->PageTables + MipCountSessionTables(Process));
    }
}

static void MipVerifyProcess(PEPROCESS Process, PMI_CLONE_SUMS Clones, PMI_VIEW_SUMS Views)
{
    MIP_SUMS Sums = {.Clones = Clones, .Views = Views};
    KAPC_STATE ApcState;

    KeStackAttachProcess(&Process->Pcb, &ApcState);
    MiLockAddressSpace(Process);
    (void)MiBringPageTables(Process, 0, Process->HighestUserAddress);
    MipVerifyVads(Process, &Sums);
    MipVerifyTables(Process, &Sums);
    MipVerifyOwnFrames(Process);
    MiVerifyWorkingSet(&Process->Vm);
    if (MipIsLeader(Process)) {
        MiAddSessionViews(Views);
    }
    MI_ASSERT(Sums.Tables == Process->PageTables);
    MI_ASSERT(Sums.Tables + Sums.Valid == Process->Vm.WorkingSetSize);
    MI_ASSERT(Sums.Committed == Process->CommittedPageTables);
    MI_ASSERT(Sums.Locked == Process->Vm.LockedPages && Sums.Bytes == Process->VirtualSize);
    MI_ASSERT(Process->CommitCharge == Sums.Commit + Sums.Committed &&
              Process->CommitCharge == Process->QuotaUsage[PsPageFile]);
    MI_ASSERT(!Process->VmDeleted || Sums.Vads == 0);
    MiUnlockAddressSpace(Process);
    KeUnstackDetachProcess(&ApcState);
}

static ULONG_PTR MipFrameBase(MMPTE Entry)
{
    return Entry.Long & ~(ULONG_PTR)(PAGE_SIZE - 1);
}

/* Z1 */
static void MipVerifySessionPde(const EPROCESS *Process, MMPTE Pde, ULONG Table)
{
    const MM_SESSION_SPACE *Session = Process->Pcb.Session;

    MI_ASSERT(Pde.Long == 0 ||
              (Session != NULL && MipFrameBase(Pde) == MipFrameBase(Session->PageTables[Table])));
}

/* H1 */
static BOOLEAN MipVerifyDirectory(PEPROCESS Process, const MMPTE *Directory, PVOID Context)
{
    ULONG Index;

    (void)Context;
    for (Index = MI_USER_PAGE_TABLES; Index < PTE_PER_PAGE; Index++) {
        ULONG Mask = ~(MM_PTE_BITS_ACCESSED | MM_PTE_BITS_DIRTY); /* the processor's own */
        ULONG Mine = MiReadPte((PMMPTE)PDE_BASE + Index).Long;

        if (Index == MiTableIndex(PTE_BASE)) {
            MI_ASSERT(MipFrameBase(Directory[Index]) == Process->Pcb.DirectoryTableBase[0]);
        } else if (Index == MiTableIndex(MI_HYPERSPACE_START)) {
            MI_ASSERT(MipFrameBase(Directory[Index]) == Process->Pcb.DirectoryTableBase[1]);
        } else if (MiSessionTableIndex(Index) < MI_SESSION_TABLES) {
            MipVerifySessionPde(Process, Directory[Index], MiSessionTableIndex(Index));
        } else {
            MI_ASSERT((Directory[Index].Long & Mask) == (Mine & Mask));
        }
    }
    return TRUE;
}

static ULONG MipPrototypeChanges(void)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Changes = MiPrototypeChanges;

    MiUnlockPfn(OldIrql);
    return Changes;
}

/* => FALSE: pages were shared or left meanwhile, so that the sums were not judged. */
static BOOLEAN MipVerifyProcesses(void)
{
    ULONG Changes = MipPrototypeChanges();
    MI_CLONE_SUMS Named = {0};
    MI_CLONE_SUMS Blocks = {0};
    MI_VIEW_SUMS Views = {0};
    PLIST_ENTRY Entry;

    for (Entry = PsActiveProcessHead.Flink; Entry != &PsActiveProcessHead; Entry = Entry->Flink) {
        MipVerifyProcess(CONTAINING_RECORD(Entry, EPROCESS, ActiveProcessLinks), &Named, &Views);
    }
    MiVerifyCloneTable(&Blocks);
    MI_ASSERT(memcmp(&Named, &Blocks, sizeof(Named)) == 0 ||
              MipPrototypeChanges() != Changes); /* U5 */
    return MiVerifySections(&Views, Changes);
}

/* H2 is that entry 300 and 301 are the process' own. */
void MiVerifyAddressSpaces(void)
{
    ULONG Tries = MIP_TRIES;

    MiWalkDirectories(MipVerifyDirectory, NULL);
    ExAcquireFastMutex(&PspActiveProcessMutex);
    while (!MipVerifyProcesses() && --Tries != 0) {
        continue;
    }
    ExReleaseFastMutex(&PspActiveProcessMutex);
}

static BOOLEAN MipAddCharge(PEPROCESS Process, const MMPTE *Directory, PVOID Context)
{
    PULONG Sum = Context;

    (void)Directory;
    *Sum += Process->CommitCharge + Process->StructurePages + Process->Vm.ListPages;
    return TRUE;
}

ULONG MiCountProcessCharges(void)
{
    ULONG Sum = 0;

    MiWalkDirectories(MipAddCharge, &Sum);
    return Sum;
}
