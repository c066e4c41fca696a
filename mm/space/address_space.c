/* SPDX-License-Identifier: MIT */
/*
 * address_space.c - making and deleting page directories, and keeping their system halves alike.
 *
 * Five frames are an address space's own: the page directory, the page table of hyperspace, the
 * page behind MmWorkingSetList, the first entries of the working set, and the page of VadBitMap,
 * which has two where the user half is larger than 2 GB.  They are never paged out.
 *
 *     C0000000   entry 300   the directory itself: the self-map shows the tables of who runs
 *     C0400000   entry 301   hyperspace
 *     80000000 and up, the others: the system half, the same everywhere
 *
 * A new page table of the system half is stored in every directory before anybody can use it
 * (MiSetSystemPdeRoutine), and never goes.  So there is no stale entry that a fault would have to
 * repair, and kernel stacks and nonpaged pool, for which no fault may happen, can grow at any time.
 * The price is a few instructions for each process when 4 MB of system space get their first page.
 * Session space, which is some processes' only, is repaired by faults (mm/sysva/session_space.c).
 *
 * Invariants (MiVerifyAddressSpaces):
 *   H1  each directory's system half but its own two entries, and those of session space (Z1), is
 *       that of the running one
 *   H2  entry 300 of each is its own frame; entry 301 its own hyperspace
 *
 * Locking: MiPfnLock for MipAddressSpaces, and for reading the system half while a new directory
 * joins.
 */
#include "mm/space/address_space.h"

#include "mi_assert.h"
#include "mm/pfn/commit_growth.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/page_color.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/page_table.h"
#include "mm/space/prototype_pte.h"
#include "mm/space/user_page.h"
#include "mm/space/virtual_free.h"
#include "mm/sysva/hyperspace.h"
#include "mm/sysva/session_space.h"
#include "mm/sysva/system_pages.h"
#include "mm/ws/expansion.h"
#include "mm/ws/wsle.h"
#include "nt/bugcodes.h"

#define MIP_TABLES_AT_EXIT 0x3453u         /* subcode of 0x1A */
#define MIP_PAGE_UNITS     (8 * PAGE_SIZE) /* of 64 KB, that a page of the bitmap has bits for */

typedef enum _MIP_FRAME {
    MipDirectory,
    MipHyperspace,
    MipWorkingSetList,
    MipEntries,
    MipVadBitMap,
    MipVadBitMapBehind2Gb, /* only where there are user addresses */
    MipOwnFrames
} MIP_FRAME;

/* Where an address space sees its frames; the first two are page tables, and seen as such. */
static const ULONG_PTR MipPlaces[MipOwnFrames] = {
    [MipWorkingSetList] = MI_WORKING_SET_LIST_VA,
    [MipEntries] = MI_WSLE_START,
    [MipVadBitMap] = MI_VAD_BITMAP_VA,
    [MipVadBitMapBehind2Gb] = MI_VAD_BITMAP_VA + PAGE_SIZE,
};

NT_C_ASSERT(MI_USUAL_RANGE_START / MM_ALLOCATION_GRANULARITY == MIP_PAGE_UNITS);

static LIST_ENTRY MipAddressSpaces NT_GUARDED_BY(MiPfnLock);

/* Units of 64 KB below the end of the user half. */
static ULONG MipUnits(const EPROCESS *Process)
{
    return (ULONG)(Process->HighestUserAddress / MM_ALLOCATION_GRANULARITY) + 2;
}

static ULONG MipFramesOf(const EPROCESS *Process)
{
    return MipUnits(Process) > MIP_PAGE_UNITS ? MipOwnFrames : MipVadBitMapBehind2Gb;
}

/* The entry of an address in its page table. */
static ULONG MipIndex(ULONG_PTR Va)
{
    return (ULONG)(Va >> PTI_SHIFT) % PTE_PER_PAGE;
}

static PFN_NUMBER MipDirectoryFrame(const EPROCESS *Process)
{
    return (PFN_NUMBER)(Process->Pcb.DirectoryTableBase[0] >> PAGE_SHIFT);
}

/* ---- the system half ---- */

static void MipAddSystemPde(ULONG_PTR Va, MMPTE Pde) NT_HOLDS(MiPfnLock)
{
    PLIST_ENTRY Entry;

    for (Entry = MipAddressSpaces.Flink; Entry != &MipAddressSpaces; Entry = Entry->Flink) {
        PEPROCESS Process = CONTAINING_RECORD(Entry, EPROCESS, MmProcessLinks);
        KIRQL OldIrql;
        PMMPTE Directory = MiMapFrameInHyperspace(MipDirectoryFrame(Process), &OldIrql);

        MiWritePte(Directory + MiTableIndex(Va), Pde);
        MiUnmapFrameInHyperspace(Directory, OldIrql);
    }
}

void MiForgetAddressSpaces(void) NT_NO_LOCK_ANALYSIS
{
    InitializeListHead(&MipAddressSpaces);
    MiSetSystemPdeRoutine(NULL, MI_NO_FRAME);
    MiTablesOut = (MI_TABLES_OUT){0};
    MiPageTableCounters = (MI_PAGE_TABLE_COUNTERS){0};
    MiPrototypeSlots = (MI_PROTOTYPE_SLOTS){0};
}

void MiWalkDirectoriesLocked(MI_DIRECTORY_ROUTINE *Routine, PVOID Context)
{
    BOOLEAN GoOn = TRUE;
    PLIST_ENTRY Entry;

    for (Entry = MipAddressSpaces.Flink; GoOn && Entry != &MipAddressSpaces; Entry = Entry->Flink) {
        PEPROCESS Process = CONTAINING_RECORD(Entry, EPROCESS, MmProcessLinks);
        KIRQL OldIrql;
        PMMPTE Directory = MiMapFrameInHyperspace(MipDirectoryFrame(Process), &OldIrql);

        GoOn = Routine(Process, Directory, Context);
        MiUnmapFrameInHyperspace(Directory, OldIrql);
    }
}

void MiWalkDirectories(MI_DIRECTORY_ROUTINE *Routine, PVOID Context)
{
    KIRQL OldIrql = MiLockPfn();

    MiWalkDirectoriesLocked(Routine, Context);
    MiUnlockPfn(OldIrql);
}

/* ---- frames ---- */

/* And the promise of the minimum working set.  A paging file may become longer for it. */
static NTSTATUS MipChargeFrames(ULONG Count)
{
    if (!MiChargeCommitmentPatiently(Count)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (!MiChargeResidentAvailable(Count + MI_DEFAULT_MINIMUM_WORKING_SET)) {
        MiReturnCommitment(Count);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS MipAllocateFrames(PPFN_NUMBER Frames, ULONG Count)
{
    NTSTATUS Status = MipChargeFrames(Count);
    ULONG Made;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (Made = 0; Made < Count; Made++) {
        Status = MiAllocateFrame(MiFrameZeroed, MiNextPageColor(), &Frames[Made]);
        if (!NT_SUCCESS(Status)) {
            goto FreeFrames;
        }
    }
    return STATUS_SUCCESS;

FreeFrames:
    while (Made != 0) {
        MiFreeFrame(Frames[--Made]);
    }
    MiReturnSystemPages(Count);
    MiReturnResidentAvailable(MI_DEFAULT_MINIMUM_WORKING_SET);
    return Status;
}

/* Each frame's place, as the address space itself will see it. */
static void MipTieFrames(const PFN_NUMBER *Frames, ULONG Count) NT_HOLDS(MiPfnLock)
{
    const MMPTE Zero = MiMakeZeroPte();
    ULONG i;

    MiSetFramePte(Frames[MipDirectory], MiGetPdeAddress(PTE_BASE), Zero, Frames[MipDirectory]);
    MiSetFramePte(Frames[MipHyperspace], MiGetPdeAddress(MI_HYPERSPACE_START), Zero,
                  Frames[MipDirectory]);
    for (i = MipWorkingSetList; i < Count; i++) {
        MiSetFramePte(Frames[i], MiGetPteAddress(MipPlaces[i]), Zero, Frames[MipHyperspace]);
    }
}

/* Of the system half: shared by all, or by the processes of a session. */
static MMPTE MipSharedPde(const EPROCESS *Process, ULONG Index)
{
    const MM_SESSION_SPACE *Session = Process->Pcb.Session;
    ULONG Table = MiSessionTableIndex(Index);

    if (Table >= MI_SESSION_TABLES) {
        return MiReadPte((PMMPTE)PDE_BASE + Index);
    }
    return Session != NULL ? MiReadPte(&Session->PageTables[Table]) : MiMakeZeroPte();
}

static void MipFillDirectory(const EPROCESS *Process, const PFN_NUMBER *Frames) NT_HOLDS(MiPfnLock)
{
    const ULONG Count = MipFramesOf(Process);
    ULONG Index;
    KIRQL OldIrql;
    PMMPTE Entry = MiMapFrameInHyperspace(Frames[MipDirectory], &OldIrql);

    for (Index = MI_USER_PAGE_TABLES; Index < PTE_PER_PAGE; Index++) {
        MiWritePte(Entry + Index, MipSharedPde(Process, Index));
    }
    MiWritePte(Entry + MiTableIndex(PTE_BASE), MiMakeKernelPde(Frames[MipDirectory]));
    MiWritePte(Entry + MiTableIndex(MI_HYPERSPACE_START), MiMakeKernelPde(Frames[MipHyperspace]));
    MiUnmapFrameInHyperspace(Entry, OldIrql);

    Entry = MiMapFrameInHyperspace(Frames[MipHyperspace], &OldIrql);
    for (Index = MipWorkingSetList; Index < Count; Index++) {
        MiWritePte(Entry + MipIndex(MipPlaces[Index]), MiMakeWindowPte(Frames[Index]));
    }
    MiUnmapFrameInHyperspace(Entry, OldIrql);
}

static void MipFillWorkingSetList(const PFN_NUMBER *Frames)
{
    KIRQL OldIrql;
    KIRQL Dispatch;
    PMMWSL List = MiMapFrameInHyperspace(Frames[MipWorkingSetList], &OldIrql);
    PMMWSLE Entries = MiMapFrameInHyperspace(Frames[MipEntries], &Dispatch);

    MiInitializeWorkingSetList(List, Entries, &MiProcessListPlaces);
    MiUnmapFrameInHyperspace(Entries, Dispatch);
    MiUnmapFrameInHyperspace(List, OldIrql);
}

/* ---- where there is room ---- */

static void MipReserveUnit(const PFN_NUMBER *BitMap, ULONG Unit)
{
    KIRQL OldIrql;
    PULONG Bits = MiMapFrameInHyperspace(BitMap[Unit / MIP_PAGE_UNITS], &OldIrql);

    Bits[Unit % MIP_PAGE_UNITS / 32] |= 1u << Unit % 32;
    MiUnmapFrameInHyperspace(Bits, OldIrql);
}

/* => Bits are clear.  The first and last 64 KB, and KUSER_SHARED_DATA's, are never anybody's. */
static void MipReserveEnds(const EPROCESS *Process, const PFN_NUMBER *BitMap)
{
    MipReserveUnit(BitMap, 0);
    MipReserveUnit(BitMap, MM_SHARED_USER_DATA_VA / MM_ALLOCATION_GRANULARITY);
    MipReserveUnit(BitMap, MipUnits(Process) - 1);
}

/* ---- create, adopt, delete ---- */

static ULONG MipPoolQuota[PsQuotaTypes]; /* (I) bytes; 0: no limit */

void MiSetPoolQuotas(ULONG NonPagedBytes, ULONG PagedBytes)
{
    MipPoolQuota[PsNonPagedPool] = NonPagedBytes;
    MipPoolQuota[PsPagedPool] = PagedBytes;
}

static ULONG MipLimitOf(PS_QUOTA_TYPE Type)
{
    return MipPoolQuota[Type] == 0 ? MI_NO_LIMIT : MipPoolQuota[Type];
}

static void MipInitialize(PEPROCESS Process)
{
    ExInitializeFastMutex(&Process->AddressCreationLock);
    RtlInitializeBitMap(&Process->VadBitMap, (PULONG)(ULONG_PTR)MI_VAD_BITMAP_VA,
                        MipUnits(Process));
    Process->VadBitMapHint = 1;
    Process->VadRoot.Root = NULL;
    MiInitializeWorkingSet(&Process->Vm, MmWorkingSetList, &Process->AddressCreationLock,
                           MiTrimUserPage);
    Process->Vm.MinimumWorkingSetSize = MI_DEFAULT_MINIMUM_WORKING_SET;
    Process->Vm.MaximumWorkingSetSize = MI_DEFAULT_MAXIMUM_WORKING_SET;
    Process->QuotaLimit[PsNonPagedPool] = MipLimitOf(PsNonPagedPool);
    Process->QuotaLimit[PsPagedPool] = MipLimitOf(PsPagedPool);
    Process->QuotaLimit[PsPageFile] = MI_NO_LIMIT;
}

NTSTATUS MmCreateProcessAddressSpace(PEPROCESS Process)
{
    PFN_NUMBER Frames[MipOwnFrames];
    const ULONG Count = MipFramesOf(Process);
    NTSTATUS Status = MipAllocateFrames(Frames, Count);
    KIRQL OldIrql;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    MipInitialize(Process);
    Process->StructurePages = Count;
    Process->Pcb.DirectoryTableBase[0] = Frames[MipDirectory] << PAGE_SHIFT;
    Process->Pcb.DirectoryTableBase[1] = Frames[MipHyperspace] << PAGE_SHIFT;
    MipFillWorkingSetList(Frames);
    OldIrql = MiLockPfn();
    MipTieFrames(Frames, Count);
    MipFillDirectory(Process, Frames);
    MipReserveEnds(Process, Frames + MipVadBitMap);
    InsertTailList(&MipAddressSpaces, &Process->MmProcessLinks); /* H1 from here on */
    MiUnlockPfn(OldIrql);
    MiInsertExpansion(&Process->Vm);
    return STATUS_SUCCESS;
}

static void MipMapOwnFrame(ULONG_PTR Va, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    PMMPTE Pte = MiGetPteAddress(Va);

    MiSetFramePte(Frame, Pte, MiMakeZeroPte(), MiTableFrame(Pte));
    MiWritePte(Pte, MiMakeWindowPte(Frame));
}

NTSTATUS MiAdoptAddressSpace(PEPROCESS Process)
{
    PFN_NUMBER Frames[3];
    NTSTATUS Status = MipAllocateFrames(Frames, RTL_NUMBER_OF(Frames));
    KIRQL OldIrql;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Process->HighestUserAddress = MI_USUAL_HIGHEST_USER_ADDRESS;
    MipInitialize(Process);
    Process->StructurePages = 4; /* with the page table that MiCreateHyperspace charged */
    Process->Pcb.DirectoryTableBase[0] = KiCurrentDirectoryFrame() << PAGE_SHIFT;
    Process->Pcb.DirectoryTableBase[1] = MiTableFrame(MiGetPteAddress(MI_WORKING_SET_LIST_VA))
                                         << PAGE_SHIFT;
    OldIrql = MiLockPfn();
    MipMapOwnFrame(MI_WORKING_SET_LIST_VA, Frames[0]);
    MipMapOwnFrame(MI_VAD_BITMAP_VA, Frames[1]);
    MipMapOwnFrame(MI_WSLE_START, Frames[2]);
    MiInitializeWorkingSetList(MmWorkingSetList, (PMMWSLE)(ULONG_PTR)MI_WSLE_START,
                               &MiProcessListPlaces);
    MipReserveEnds(Process, &Frames[1]);
    InitializeListHead(&MipAddressSpaces);
    InsertTailList(&MipAddressSpaces, &Process->MmProcessLinks);
    MiUnlockPfn(OldIrql);
    MiSetSystemPdeRoutine(MipAddSystemPde, KiCurrentDirectoryFrame());
    MiInitializeUserPages();
    MiInitializeExpansion();
    MiInsertExpansion(&Process->Vm);
    MiInsertExpansion(&MiSystemCacheWorkingSet);
    return STATUS_SUCCESS;
}

void MiCleanProcessAddressSpace(PEPROCESS Process)
{
    while (Process->VadRoot.Root != NULL) {
        PMMVAD Vad = MiVadOf(RtlAvlFirstNode(&Process->VadRoot));

        /* It was ended: nobody changes its descriptors while memory is waited for. */
        (void)MiBringPageTables(Process, MiVadStart(Vad),
                                (((ULONG_PTR)Vad->EndingVpn + 1) << PAGE_SHIFT) - 1);
        MiReleaseVad(Process, Vad);
    }
    MiFreeWorkingSetList(&Process->Vm);
    if (Process->PageTables != 0 || Process->CommitCharge != 0) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MIP_TABLES_AT_EXIT, (ULONG_PTR)Process, Process->PageTables,
                     Process->CommitCharge);
    }
}

static PFN_NUMBER MipReadFrame(PFN_NUMBER Table, ULONG Index)
{
    KIRQL OldIrql;
    PMMPTE Entry = MiMapFrameInHyperspace(Table, &OldIrql);
    PFN_NUMBER Frame = MiReadPte(Entry + Index).Hard.PageFrameNumber;

    MiUnmapFrameInHyperspace(Entry, OldIrql);
    return Frame;
}

static void MipDeleteFrame(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    MiClearFramePte(Frame);
    MiDecrementShareCount(Frame);
}

void MmDeleteProcessAddressSpace(PEPROCESS Process)
{
    PFN_NUMBER Directory = MipDirectoryFrame(Process);
    PFN_NUMBER Hyperspace = (PFN_NUMBER)(Process->Pcb.DirectoryTableBase[1] >> PAGE_SHIFT);
    const ULONG Count = MipFramesOf(Process);
    KIRQL OldIrql;
    ULONG i;

    MiRemoveExpansion(&Process->Vm);
    MI_ASSERT(Process->Pcb.ThreadsInside == 0 && Directory != KiCurrentDirectoryFrame());
    OldIrql = MiLockPfn();
    RemoveEntryList(&Process->MmProcessLinks);
    for (i = MipWorkingSetList; i < Count; i++) {
        MipDeleteFrame(MipReadFrame(Hyperspace, MipIndex(MipPlaces[i])));
    }
    MipDeleteFrame(Hyperspace);
    MipDeleteFrame(Directory); /* last: the others gave their shares of it back */
    MiUnlockPfn(OldIrql);
    MiReturnSystemPages(Count);
    MiReturnResidentAvailable(Process->Vm.MinimumWorkingSetSize);
}
