/* SPDX-License-Identifier: MIT */
/*
 * in_page.c - reading pages back.
 *
 *     state of a page   its PTE               its frame
 *     in the file       slot, protection;     none
 *                       of a file: subsection
 *     being read        transition            in transition, ReadInProgress, one reference (the
 *                                             read's); OriginalPte is what the PTE was
 *     read              transition            the one that faulted: a reference, its reader's;
 *                                             a neighbour: on standby, or a reference, too
 *     failed            as before             none: freed
 *
 * A page that is deleted while it is read loses its PTE at once; the frame is freed with the read.
 *
 * Invariants (MiVerifyInPage):
 *   N1  a frame is ReadInProgress while, and only while, a block that is in use names it; u1.Event
 *       is that block's Done then
 *   N2  a block is in use while it has references: one of the reader's until Done is set, or until
 *       he gives the neighbours back, one of each thread that waits.  MipBlockFree is set while a
 *       block is free
 *   N3  no PTE becomes valid before Done is set: then the whole page has been read, and, from a
 *       paging file, its checksum is the one of when it was written
 *
 * What a file has no bytes for is zero: the file system says so of a page that its end cuts, this
 * file of the pages behind, and of what lies behind the end of a part of an image.
 *
 * A part of an image may begin inside a sector, where sectors are larger than the image's alignment
 * (sector_skip.h): then one frame more is read, and the contents are moved.
 *
 * Who reads needs no memory and no lock once it has begun, so blocks come free; who waits for one,
 * or for Done, holds no lock, but for that of an address space whose page table it is.
 *
 * Locking: MiPfnLock for blocks and frames; the owner's mutex while a read is begun.
 */
#include "mm/paging/in_page.h"

#include "mi_assert.h"
#include "mm/paging/paging_file.h"
#include "mm/paging/sector_skip.h"
#include "mm/paging/slots.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/memory_events.h"
#include "mm/pfn/page_color.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/prototype_pte.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/system_pages.h"
#include "report.h"
#include "rtl.h"

/* Where a PTE says that its page is. */
typedef struct _MIP_PLACE {
    PFILE_OBJECT Object;
    ULONG File;
    ULONG Slot;
    LARGE_INTEGER Offset;
    ULONG64 Bytes; /* from there on that are the page's, and its neighbours' */
    ULONG Skip;    /* how far that is inside a sector */
} MIP_PLACE, *PMIP_PLACE;

/* The PTEs of a read. */
typedef struct _MIP_CLUSTER {
    PMMPTE First;
    ULONG Pages;
    ULONG Wanted; /* which of them faulted */
} MIP_CLUSTER;

MI_IN_PAGE_COUNTERS MiInPageCounters;
ULONG MiFailInPageBlock;

static MI_IN_PAGE MipBlocks[MI_IN_PAGE_BLOCKS];
static LIST_ENTRY MipFreeBlocks NT_GUARDED_BY(MiPfnLock);
static KEVENT MipBlockFree;

/* ---- blocks ---- */

void MiInitializeInPage(void)
{
    KIRQL OldIrql;
    ULONG i;

    KeInitializeEvent(&MipBlockFree, NotificationEvent, TRUE);
    OldIrql = MiLockPfn();
    InitializeListHead(&MipFreeBlocks);
    for (i = 0; i < MI_IN_PAGE_BLOCKS; i++) {
        KeInitializeEvent(&MipBlocks[i].Done, NotificationEvent, FALSE);
        KeInitializeEvent(&MipBlocks[i].Transferred, NotificationEvent, FALSE);
        MipBlocks[i].References = 0;
        InsertTailList(&MipFreeBlocks, &MipBlocks[i].Link);
    }
    MiInPageCounters = (MI_IN_PAGE_COUNTERS){0};
    MiUnlockPfn(OldIrql);
}

/* => NULL: none is free. */
static PMI_IN_PAGE MipTakeBlock(void) NT_HOLDS(MiPfnLock)
{
    PMI_IN_PAGE Block;

    if (MiFailInPageBlock != 0 && --MiFailInPageBlock == 0) {
        return NULL;
    }
    if (IsListEmpty(&MipFreeBlocks)) {
        return NULL;
    }
    Block = CONTAINING_RECORD(RemoveHeadList(&MipFreeBlocks), MI_IN_PAGE, Link);
    if (IsListEmpty(&MipFreeBlocks)) {
        KeClearEvent(&MipBlockFree);
    }
    MI_ASSERT(Block->References == 0);
    Block->References = 1;
    KeClearEvent(&Block->Done);
    KeClearEvent(&Block->Transferred);
    MiInPageCounters.InUse++;
    if (MiInPageCounters.PeakInUse < MiInPageCounters.InUse) {
        MiInPageCounters.PeakInUse = MiInPageCounters.InUse;
    }
    return Block;
}

static void MipReleaseBlock(PMI_IN_PAGE Block) NT_HOLDS(MiPfnLock)
{
    MI_ASSERT(Block->References != 0);
    if (--Block->References == 0) {
        InsertTailList(&MipFreeBlocks, &Block->Link);
        KeSetEvent(&MipBlockFree, IO_NO_INCREMENT, FALSE); /* N2 holds again */
        MiInPageCounters.InUse--;
    }
}

void MiWaitForInPage(void)
{
    __atomic_add_fetch(&MiInPageCounters.Waits, 1, __ATOMIC_RELAXED);
    (void)KeWaitForSingleObject(&MipBlockFree, WrPageIn, KernelMode, FALSE, NULL);
}

/* ---- what is read ---- */

static MIP_PLACE MipPlaceOf(PMMPTE Pte)
{
    MMPTE Entry = MiReadPte(Pte);
    MIP_PLACE Place = {.File = MI_IN_PAGE_MAPPED, .Bytes = ~0ull};

    if (MiIsSubsectionPte(Entry)) {
        Place.Object = MiFindFilePage(Entry, Pte, &Place.Offset);
        Place.Bytes = MiFindFileBytes(Entry, Pte);
        Place.Skip = MiFindSectorSkip(Place.Object, &Place.Offset);
        return Place;
    }
    Place.File = MiPteFile(Entry);
    Place.Slot = MiPteSlot(Entry);
    Place.Object = MmPagingFile[Place.File]->File;
    Place.Offset.QuadPart = (LONGLONG)Place.Slot * PAGE_SIZE;
    return Place;
}

/* => Whether its pages are read with a frame more. */
static BOOLEAN MipIsInsideSector(PMMPTE Pte)
{
    return MiIsSubsectionPte(MiReadPte(Pte)) && MipPlaceOf(Pte).Skip != 0;
}

static BOOLEAN MipNamesSlot(PMMPTE Pte, ULONG File, ULONG Slot)
{
    MMPTE Entry = MiReadPte(Pte);

    return MiPteKind(Entry) == MiPtePagefile && MiPteFile(Entry) == File &&
           MiPteSlot(Entry) == Slot;
}

/* Of a file's page: its prototype PTEs have no numbers, and the same contents. */
static MIP_CLUSTER MipChooseMapped(PMMPTE Pte, ULONG Most)
{
    MIP_CLUSTER Cluster = {.First = Pte, .Pages = 1};
    MMPTE Entry = MiReadPte(Pte);
    PMMPTE Start;
    PMMPTE End;

    MiFindFileRun(Entry, Pte, &Start, &End);
    while (Cluster.Pages < Most && Pte + Cluster.Pages < End &&
           MiReadPte(Pte + Cluster.Pages).Long == Entry.Long) {
        Cluster.Pages++;
    }
    while (Cluster.Pages < Most && Cluster.First > Start &&
           MiReadPte(Cluster.First - 1).Long == Entry.Long) {
        Cluster.First--;
        Cluster.Pages++;
        Cluster.Wanted++;
    }
    return Cluster;
}

/* The neighbours behind the page first: who reads upwards has them ahead. */
static MIP_CLUSTER MipChooseSlots(PMMPTE Pte, ULONG Most)
{
    PMMPTE Start = (PMMPTE)ROUND_DOWN((ULONG_PTR)Pte, (ULONG_PTR)PAGE_SIZE);
    PMMPTE End = Start + PTE_PER_PAGE;
    MIP_CLUSTER Cluster = {.First = Pte, .Pages = 1};
    MMPTE Entry = MiReadPte(Pte);
    ULONG File = MiPteFile(Entry);
    ULONG Slot = MiPteSlot(Entry);

    while (Cluster.Pages < Most && Pte + Cluster.Pages < End &&
           MipNamesSlot(Pte + Cluster.Pages, File, Slot + Cluster.Pages)) {
        Cluster.Pages++;
    }
    while (Cluster.Pages < Most && Cluster.First > Start &&
           MipNamesSlot(Cluster.First - 1, File, Slot - Cluster.Wanted - 1)) {
        Cluster.First--;
        Cluster.Pages++;
        Cluster.Wanted++;
    }
    return Cluster;
}

static MIP_CLUSTER MipChooseCluster(PMMPTE Pte, ULONG Most)
{
    return MiIsSubsectionPte(MiReadPte(Pte)) ? MipChooseMapped(Pte, Most)
                                             : MipChooseSlots(Pte, Most);
}

/* => How many frames were taken, up to Pages. */
static ULONG MipTakeFrames(ULONG Pages, PPFN_NUMBER Frames) NT_NOT_HOLDING(MiPfnLock)
{
    ULONG Taken = 0;

    while (Taken < Pages &&
           NT_SUCCESS(MiAllocateFrame(MiFrameAny, MiNextPageColor(), &Frames[Taken]))) {
        Taken++;
    }
    return Taken;
}

/* From "in the file" to "being read". */
static void MipBeginPage(PMI_IN_PAGE Block, PMMPTE Pte, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    MMPTE Entry = MiReadPte(Pte);
    PMMPFN Pfn = MI_PFN(Frame);
    BOOLEAN Held;

    MiSetFramePte(Frame, Pte, Entry, MiTableFrame(Pte));
    if (MiIsSectionPrototype(Pte)) {
        Pfn->u3.e1.PrototypePte = 1;
        MiEndPrototypePlace(Entry); /* OriginalPte has it now */
    }
    Held = MiReferenceHeldFrame(Frame);
    MI_ASSERT(Held);
    MiDecrementShareCount(Frame);
    Pfn->u3.e1.ReadInProgress = 1;
    Pfn->u1.Event = &Block->Done; /* N1 */
    MiWritePte(Pte, MiMakeTransitionPte(Frame, MiSoftwareProtection(Entry)));
}

static void MipDescribe(PMI_IN_PAGE Block, const MIP_CLUSTER *Cluster, const PFN_NUMBER *Frames)
{
    MIP_PLACE Place = MipPlaceOf(Cluster->First);
    ULONG i;

    Block->First = Cluster->First;
    Block->Object = Place.Object;
    Block->File = Place.File;
    Block->Slot = Place.Slot;
    Block->Pages = Cluster->Pages;
    Block->Wanted = Cluster->Wanted;
    Block->Failed = 0;
    Block->Status = STATUS_SUCCESS;
    Block->Offset = Place.Offset;
    Block->FileBytes = Place.Bytes;
    Block->Skip = Place.Skip;
    Block->Offset.QuadPart -= Place.Skip;
    MmInitializeMdl(&Block->Mdl, NULL, (Block->Pages + (Place.Skip != 0)) * PAGE_SIZE);
    Block->Mdl.MdlFlags = MDL_PAGES_LOCKED | MDL_IO_PAGE_READ;
    if (Place.Skip != 0) {
        Block->Frames[Block->Pages] = Frames[Block->Pages];
    }
    for (i = 0; i < Block->Pages; i++) {
        Block->Frames[i] = Frames[i];
        if (Block->File != MI_IN_PAGE_MAPPED) {
            Block->Checksum[i] = MiSlotChecksum(Block->File, Block->Slot + i);
        }
    }
}

static NTSTATUS MipBegin(const MIP_CLUSTER *Cluster, const PFN_NUMBER *Frames, PMI_IN_PAGE *Begun)
    NT_NOT_HOLDING(MiPfnLock)
{
    KIRQL OldIrql = MiLockPfn();
    PMI_IN_PAGE Block = MipTakeBlock();
    ULONG i;

    if (Block != NULL) {
        MipDescribe(Block, Cluster, Frames);
        for (i = 0; i < Block->Pages; i++) {
            MipBeginPage(Block, Cluster->First + i, Frames[i]);
        }
        MiInPageCounters.Reads++;
        MiInPageCounters.Pages += Block->Pages;
        *Begun = Block;
    }
    MiUnlockPfn(OldIrql);
    return Block != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS MiBeginInPage(PMMPTE Pte, ULONG Most, PMI_IN_PAGE *Begun)
{
    PFN_NUMBER Frames[MI_IN_PAGE_PAGES + 1];
    ULONG More = MipIsInsideSector(Pte);
    MIP_CLUSTER Cluster;
    NTSTATUS Status;
    ULONG Taken;

    MI_ASSERT(Most != 0 && Most <= MI_IN_PAGE_PAGES);
    MI_ASSERT(MiPrototypePteKind(MiReadPte(Pte)) == MiPtePagefile ||
              MiIsSubsectionPte(MiReadPte(Pte)));
    Cluster = MipChooseCluster(Pte, MiMemoryConditionHolds(MiLowMemory) ? 1 : Most);
    Taken = MipTakeFrames(Cluster.Pages + More, Frames);
    Status = STATUS_NO_MEMORY;
    if (Taken > More) {
        if (Taken < Cluster.Pages + More) {
            Cluster = MipChooseCluster(Pte, Taken - More);
        }
        Status = MipBegin(&Cluster, Frames, Begun);
    }
    while (!NT_SUCCESS(Status) && Taken != 0) {
        MiFreeFrame(Frames[--Taken]);
    }
    return Status;
}

/* ---- the read ---- */

/* => Status, or, of a file, what its end makes of it. */
static NTSTATUS MipJudgeTransfer(PMI_IN_PAGE Block, NTSTATUS Status)
{
    if (Block->File == MI_IN_PAGE_MAPPED) {
        if (Status == STATUS_END_OF_FILE) {
            IoZeroMdl(&Block->Mdl, 0);
            return STATUS_SUCCESS;
        }
        if (NT_SUCCESS(Status) && Block->FileBytes < Block->Pages * PAGE_SIZE) {
            IoZeroMdl(&Block->Mdl, (ULONG)Block->FileBytes);
        }
        return Status;
    }
    return NT_SUCCESS(Status) && Block->Iosb.Information != Block->Pages * PAGE_SIZE
               ? STATUS_END_OF_FILE
               : Status;
}

static NTSTATUS MipTransfer(PMI_IN_PAGE Block)
{
    NTSTATUS Status =
        IoPageRead(Block->Object, &Block->Mdl, &Block->Offset, &Block->Transferred, &Block->Iosb);

    if (NT_SUCCESS(Status)) {
        (void)KeWaitForSingleObject(&Block->Transferred, WrPageIn, KernelMode, FALSE, NULL);
        Status = Block->Iosb.Status;
    }
    MiEndMdlMapping(&Block->Mdl);
    if (Block->Skip != 0) {
        MiMovePagesDown(Block->Frames, Block->Pages, Block->Skip);
    }
    Status = MipJudgeTransfer(Block, Status);
    if (Block->Skip != 0) {
        MiFreeFrame(Block->Frames[Block->Pages]);
    }
    return Status;
}

/* => Bits: the pages whose contents are not those that were written. */
static ULONG MipCompare(const MI_IN_PAGE *Block)
{
    ULONG Different = 0;
    ULONG i;

    if (Block->File == MI_IN_PAGE_MAPPED) {
        return 0; /* a file has none */
    }
    for (i = 0; i < Block->Pages; i++) {
        Different |= (ULONG)(MiPageChecksum(Block->Frames[i]) != Block->Checksum[i]) << i;
    }
    return Different;
}

/* => Keep: the reference stays, for the reader. */
static void MipEndPage(const MI_IN_PAGE *Block, ULONG Index, BOOLEAN Bad, BOOLEAN Keep)
    NT_HOLDS(MiPfnLock)
{
    PFN_NUMBER Frame = Block->Frames[Index];
    PMMPFN Pfn = MI_PFN(Frame);

    MI_ASSERT(Pfn->u3.e1.ReadInProgress && Pfn->u1.Event == &Block->Done); /* N1 */
    Pfn->u3.e1.ReadInProgress = 0;
    Pfn->u1.Event = NULL;
    if (Bad) {
        MiForgetPage(Frame);
    }
    if (!Keep) {
        MiDereferenceFrame(Frame);
    }
}

/*
 * Decide what became of the pages.
 *
 * => Bad: bits.  Again: they may be good when they are read one by one.
 * => Returns the bits of those that have failed: not of pages that were deleted meanwhile, whose
 *    slots may be others' by now.
 */
static ULONG MipEnd(PMI_IN_PAGE Block, ULONG Bad, NTSTATUS Status, BOOLEAN Again)
    NT_NOT_HOLDING(MiPfnLock)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG i;

    for (i = 0; i < Block->Pages; i++) {
        BOOLEAN IsBad = (Bad >> i & 1) != 0 && MI_PFN(Block->Frames[i])->PteAddress != NULL;

        Bad &= ~((ULONG)!IsBad << i);
        Block->Kept &= ~((ULONG)IsBad << i);
        MipEndPage(Block, i, IsBad, !IsBad && (i == Block->Wanted || (Block->Kept >> i & 1) != 0));
    }
    Block->Failed = Again ? 0 : Bad;
    Block->Status = Status;
    MiInPageCounters.Failed += Bad != 0;
    KeSetEvent(&Block->Done, IO_NO_INCREMENT, FALSE);
    MiUnlockPfn(OldIrql);
    return Bad;
}

static void MipLeave(PMI_IN_PAGE Block) NT_NOT_HOLDING(MiPfnLock)
{
    KIRQL OldIrql = MiLockPfn();

    MipReleaseBlock(Block);
    MiUnlockPfn(OldIrql);
}

static void MipNameDifferent(const MI_IN_PAGE *Block, ULONG Different)
{
    ULONG i;

    for (i = 0; i < Block->Pages; i++) {
        if (Different >> i & 1) {
            PMMPTE Pte = Block->First + i;
            BOOLEAN Shared = MiIsSectionPrototype(Pte);

            MiInPageCounters.WrongChecksums++;
            KiPrint("%s: slot 0x%x came back different, %s 0x%x was not read.\n",
                    MmPagingFile[Block->File]->PageFileName, Block->Slot + i,
                    Shared ? "the page of prototype PTE" : "page",
                    (ULONG)(Shared ? (ULONG_PTR)Pte : MiGetVaMappedByPte(Pte)));
        }
    }
}

void MiReleaseInPage(PMI_IN_PAGE Kept)
{
    ULONG i;

    for (i = 0; i < Kept->Pages; i++) {
        if (Kept->Kept >> i & 1) {
            MiDereferenceFrame(Kept->Frames[i]);
        }
    }
    MipReleaseBlock(Kept);
}

/* The caller is done with the block, but for the pages that he keeps by it.  => NULL: none. */
static PMI_IN_PAGE MipLeaveOrKeep(PMI_IN_PAGE Block, BOOLEAN Failed) NT_NOT_HOLDING(MiPfnLock)
{
    KIRQL OldIrql;

    if (Block->Kept != 0 && !Failed) {
        return Block;
    }
    OldIrql = MiLockPfn();
    MiReleaseInPage(Block);
    MiUnlockPfn(OldIrql);
    return NULL;
}

static NTSTATUS MipFinish(PMI_IN_PAGE Block, PPFN_NUMBER Frame, PMI_IN_PAGE *Kept)
{
    PFN_NUMBER Wanted = Block->Frames[Block->Wanted];
    NTSTATUS Status = MipTransfer(Block);
    BOOLEAN Again = !NT_SUCCESS(Status) && Block->Pages > 1;
    ULONG Bad = (1u << Block->Pages) - 1;
    BOOLEAN Came = NT_SUCCESS(Status);
    BOOLEAN Failed;

    if (Came) {
        Bad = MipCompare(Block);
        Status = Bad != 0 ? STATUS_CRC_ERROR : STATUS_SUCCESS;
    }
    Bad = MipEnd(Block, Bad, Status, Again);
    Failed = (Bad >> Block->Wanted & 1) != 0;
    if (Came) {
        MipNameDifferent(Block, Bad);
    }
    *Kept = MipLeaveOrKeep(Block, Failed);
    if (Failed) {
        return Again ? STATUS_RETRY : Status;
    }
    *Frame = Wanted;
    return STATUS_SUCCESS;
}

NTSTATUS MiFinishInPage(PMI_IN_PAGE Block, PPFN_NUMBER Frame)
{
    PMI_IN_PAGE Kept;

    Block->Kept = 0;
    return MipFinish(Block, Frame, &Kept);
}

NTSTATUS MiFinishInPageAndKeep(PMI_IN_PAGE Block, PPFN_NUMBER Frame, PMI_IN_PAGE *Kept)
{
    ULONG Neighbours = ((1u << Block->Pages) - 1) & ~(1u << Block->Wanted);

    Block->Kept = Block->File == MI_IN_PAGE_MAPPED ? Neighbours : 0;
    return MipFinish(Block, Frame, Kept);
}

/* ---- those who come later ---- */

PMI_IN_PAGE MiJoinInPage(PFN_NUMBER Frame)
{
    PMI_IN_PAGE Block;

    MI_ASSERT(MI_PFN(Frame)->u3.e1.ReadInProgress);
    Block = CONTAINING_RECORD(MI_PFN(Frame)->u1.Event, MI_IN_PAGE, Done);
    Block->References++;
    return Block;
}

NTSTATUS MiWaitInPage(PMI_IN_PAGE Block, PFN_NUMBER Frame)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG i;

    (void)KeWaitForSingleObject(&Block->Done, WrPageIn, KernelMode, FALSE, NULL);
    for (i = 0; i < Block->Pages; i++) {
        if (Block->Frames[i] == Frame && (Block->Failed >> i & 1) != 0) {
            Status = Block->Status;
        }
    }
    MipLeave(Block);
    return Status;
}

/* ---- verify ---- */

/* N1.  => Returns how many frames it reads: none once Done is set. */
static ULONG MipVerifyBlock(const MI_IN_PAGE *Block) NT_HOLDS(MiPfnLock)
{
    ULONG i;

    if (Block->References == 0 || Block->Done.Header.SignalState != 0) {
        return 0;
    }
    MI_ASSERT(Block->Pages != 0 && Block->Pages <= MI_IN_PAGE_PAGES);
    MI_ASSERT(Block->Wanted < Block->Pages);
    for (i = 0; i < Block->Pages; i++) {
        const MMPFN *Pfn = MI_PFN(Block->Frames[i]);

        MI_ASSERT(MiIsRamFrame(Block->Frames[i]) && Pfn->u3.e1.ReadInProgress);
        MI_ASSERT(Pfn->u1.Event == &Block->Done && Pfn->u3.e2.ReferenceCount != 0);
    }
    return Block->Pages;
}

void MiVerifyInPage(void)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Reading = 0;
    ULONG Used = 0;
    PFN_NUMBER Frame;
    ULONG i;

    for (i = 0; i < MI_IN_PAGE_BLOCKS; i++) {
        Used += MipBlocks[i].References != 0;
        Reading += MipVerifyBlock(&MipBlocks[i]);
    }
    MI_ASSERT(Used == MiInPageCounters.InUse); /* N2 */
    MI_ASSERT((MipBlockFree.Header.SignalState != 0) == (Used < MI_IN_PAGE_BLOCKS));
    for (Frame = 0; Frame <= MiHighestFrame; Frame++) {
        Reading -= MiIsRamFrame(Frame) && MI_PFN(Frame)->u3.e1.ReadInProgress;
    }
    MI_ASSERT(Reading == 0); /* N1: no other frame is being read */
    MiUnlockPfn(OldIrql);
}
