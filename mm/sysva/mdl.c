/* SPDX-License-Identifier: MIT */
/*
 * mdl.c - memory descriptor lists: making them, locking and unlocking what they describe.
 *
 *     flags while ...                     set by                     cleared by
 *     PAGES_LOCKED                        MmProbeAndLockPages        MmUnlockPages
 *                                         MmAllocatePagesForMdl      MmFreePagesFromMdl
 *     WRITE_OPERATION                     MmProbeAndLockPages        MmUnlockPages
 *     IO_SPACE: a frame is no RAM         whoever fills the frames   MmUnlockPages
 *     SOURCE_IS_NONPAGED_POOL             MmBuildMdlForNonPagedPool  -
 *     PARTIAL, PARENT_MAPPED_SYSTEM_VA    IoBuildPartialMdl          -
 *     MAPPED_TO_SYSTEM_VA                 mdl_map.c                  mdl_map.c
 *
 * A page of the user half is touched first, and locked if it is still there then: a touch for
 * writing breaks copy-on-write, and the page's PTE is dirty, so that whoever watches writes knows.
 * From then on the reference keeps the frame, whatever becomes of the page: trimmed, it is in
 * transition on no list; deleted, it is free with the last reference.
 *
 * A locked frame of RAM has one reference (pfn_reference.h) for each MDL that locks it; frames that
 * are no RAM have none.  MiPfnLock is let go after each batch of pages, so that it is never held
 * for long; what a failure leaves half done is undone by the same walk that unlocks.
 *
 * Invariant: MiLockedPages is the number of references that PAGES_LOCKED MDLs hold.
 *
 * Locking: the MDL is its owner's; MiPfnLock for the frames and MiLockedPages.
 */
#include "mm/sysva/mdl.h"

#include "arch/cpu.h"
#include "io_objects.h"
#include "mi_assert.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/address.h"
#include "nt/bugcodes.h"
#include "ps.h"
#include "rtl.h"
#include "user_half.h"

#define MIP_BATCH 64u /* pages between two breaths of MiPfnLock */

#define MIP_IN_USE                                                                                 \
    (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL |      \
     MDL_IO_SPACE)

ULONG MiLockedPages;
ULONG MiPeakLockedPages;
ULONG MiBringingPages;
static MI_MAKE_RESIDENT *MipMakeResident; /* (I) */

void MiSetMakeResidentRoutine(MI_MAKE_RESIDENT *Routine)
{
    MipMakeResident = Routine;
}

void MiFlawedMdl(const MDL *Mdl)
{
    KeBugCheckEx(MEMORY_MANAGEMENT, MI_FLAWED_MDL, (ULONG_PTR)Mdl, (USHORT)Mdl->MdlFlags, 0);
}

void MiRaiseUnhandled(NTSTATUS Status, PVOID Address)
{
    KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (ULONG_PTR)Status, (ULONG_PTR)Address, 0, 0);
}

/* ---- making and freeing ---- */

SIZE_T NTAPI MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
    return sizeof(MDL) + ADDRESS_AND_SIZE_TO_SPAN_PAGES(Base, Length) * sizeof(PFN_NUMBER);
}

/* A primary buffer's MDL is the request's; a secondary one's goes behind those it has. */
static void MipGiveMdlToIrp(PMDL Mdl, BOOLEAN SecondaryBuffer, PIRP Irp)
{
    PMDL *Link = &Irp->MdlAddress;

    while (SecondaryBuffer && *Link != NULL) {
        Link = &(*Link)->Next;
    }
    *Link = Mdl;
}

PMDL NTAPI IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer,
                         BOOLEAN ChargeQuota, PIRP Irp)
{
    PMDL Mdl;

    (void)ChargeQuota;
    if (Length > MI_MAXIMUM_MDL_PAGES * PAGE_SIZE ||
        ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, Length) > MI_MAXIMUM_MDL_PAGES) {
        return NULL;
    }
    Mdl = MiAllocateMdlMemory(MmSizeOfMdl(VirtualAddress, Length));
    if (Mdl != NULL) {
        MmInitializeMdl(Mdl, VirtualAddress, Length);
        if (Irp != NULL) {
            MipGiveMdlToIrp(Mdl, SecondaryBuffer, Irp);
        }
    }
    return Mdl;
}

void NTAPI IoFreeMdl(PMDL Mdl)
{
    if (Mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED) {
        MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
    }
    if ((Mdl->MdlFlags & MDL_PAGES_LOCKED) ||
        (Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL)) == MDL_MAPPED_TO_SYSTEM_VA) {
        MiFlawedMdl(Mdl);
    }
    MiFreeMdlMemory(Mdl);
}

/* A part of a mapped buffer is mapped too: MAPPED_TO_SYSTEM_VA says so to
 * MmGetSystemAddressForMdlSafe, PARENT_MAPPED_SYSTEM_VA that the mapping is not its own. */
static void MipInheritMapping(const MDL *Source, PMDL Target, ULONG Offset)
{
    if (Source->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) {
        Target->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
    } else if (Source->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        Target->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA | MDL_PARENT_MAPPED_SYSTEM_VA;
    } else {
        return;
    }
    Target->MappedSystemVa = (PUCHAR)Source->MappedSystemVa + Offset;
}

void NTAPI IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length)
{
    ULONG_PTR Begin = (ULONG_PTR)MmGetMdlVirtualAddress(SourceMdl);
    ULONG Offset = (ULONG)((ULONG_PTR)VirtualAddress - Begin);
    SHORT Kept = TargetMdl->MdlFlags & (MDL_ALLOCATED_FIXED_SIZE | MDL_ALLOCATED_MUST_SUCCEED);
    CSHORT Size = TargetMdl->Size;
    ULONG FirstPage;
    ULONG Pages;

    if (Offset > SourceMdl->ByteCount || Length > SourceMdl->ByteCount - Offset ||
        (TargetMdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_PARTIAL_HAS_BEEN_MAPPED))) {
        MiFlawedMdl(TargetMdl);
    }
    Length = Length != 0 ? Length : SourceMdl->ByteCount - Offset;
    Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, Length);
    if ((USHORT)Size < sizeof(MDL) + Pages * sizeof(PFN_NUMBER)) {
        MiFlawedMdl(TargetMdl);
    }
    MmInitializeMdl(TargetMdl, VirtualAddress, Length);
    TargetMdl->Size = Size;
    TargetMdl->Process = SourceMdl->Process;
    TargetMdl->MdlFlags =
        (CSHORT)(Kept | MDL_PARTIAL | (SourceMdl->MdlFlags & (MDL_IO_SPACE | MDL_IO_PAGE_READ)));
    MipInheritMapping(SourceMdl, TargetMdl, Offset);
    FirstPage = (SourceMdl->ByteOffset + Offset) >> PAGE_SHIFT;
    memcpy(MmGetMdlPfnArray(TargetMdl), MmGetMdlPfnArray(SourceMdl) + FirstPage,
           Pages * sizeof(PFN_NUMBER));
}

void NTAPI MmBuildMdlForNonPagedPool(PMDL Mdl)
{
    PPFN_NUMBER Frames = MmGetMdlPfnArray(Mdl);
    ULONG_PTR Va = (ULONG_PTR)Mdl->StartVa;
    ULONG Pages = MiMdlPages(Mdl);
    ULONG i;

    if (Mdl->MdlFlags & MIP_IN_USE) {
        MiFlawedMdl(Mdl);
    }
    for (i = 0; i < Pages; i++) {
        MMPTE Pte = MiReadMapping(Va + i * PAGE_SIZE);

        if (!Pte.Hard.Valid) {
            KeBugCheckEx(MEMORY_MANAGEMENT, MI_MDL_NOT_RESIDENT, (ULONG_PTR)Mdl, Va + i * PAGE_SIZE,
                         0);
        }
        Frames[i] = Pte.Hard.PageFrameNumber;
        if (!MiIsRamFrame(Frames[i])) {
            Mdl->MdlFlags |= MDL_IO_SPACE;
        }
    }
    Mdl->Process = NULL;
    Mdl->MappedSystemVa = MmGetMdlVirtualAddress(Mdl);
    Mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

/* ---- unlocking ---- */

/* A page whose PTE remembers nothing else (OriginalPte is zero) is never written anywhere. */
static inline void MipNoteWritten(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    PMMPFN Pfn = MI_PFN(Frame);

    if (Pfn->PteAddress != NULL && Pfn->OriginalPte.Long != 0) {
        MiSetFrameModified(Frame, TRUE);
    }
}

/* The first Count pages, which Mdl locks. */
static inline void MipUnlock(const MDL *Mdl, ULONG Count) NT_NOT_HOLDING(MiPfnLock)
{
    const PFN_NUMBER *Frames = MmGetMdlPfnArray(Mdl);
    ULONG Flags = (USHORT)Mdl->MdlFlags;
    KIRQL OldIrql = MiLockPfn();
    ULONG Ram = 0;
    ULONG i;

    for (i = 0; i < Count; i++) {
        if ((Flags & MDL_IO_SPACE) && !MiIsRamFrame(Frames[i])) {
            continue;
        }
        if (Flags & MDL_WRITE_OPERATION) {
            MipNoteWritten(Frames[i]);
        }
        if (!MiDereferenceHeldFrame(Frames[i])) {
            MiDereferenceFrame(Frames[i]);
        }
        Ram++;
        if (Ram % MIP_BATCH == 0) {
            MiUnlockPfn(OldIrql);
            OldIrql = MiLockPfn();
        }
    }
    MiLockedPages -= Ram;
    MiUnlockPfn(OldIrql);
}

void NTAPI MmUnlockPages(PMDL Mdl)
{
    if (!(Mdl->MdlFlags & MDL_PAGES_LOCKED) || (Mdl->StartVa == NULL && Mdl->ByteCount != 0)) {
        KeBugCheckEx(PROCESS_HAS_LOCKED_PAGES, 1, (ULONG_PTR)Mdl, MiMdlPages(Mdl), 0);
    }
    MiEndMdlMapping(Mdl);
    MipUnlock(Mdl, MiMdlPages(Mdl));
    if (Mdl->Process != NULL) {
        MiCountLockedPages(Mdl->Process, -(LONG)MiMdlPages(Mdl));
        Mdl->Process = NULL;
    }
    Mdl->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION | MDL_IO_SPACE);
}

/* ---- locking ---- */

static inline void MipCountLocked(ULONG Ram) NT_HOLDS(MiPfnLock)
{
    MiLockedPages += Ram;
    if (MiLockedPages > MiPeakLockedPages) {
        MiPeakLockedPages = MiLockedPages;
    }
}

/* => Whether it is on a list of frames without contents: a view of physical memory shows it. */
static BOOLEAN MipIsUnowned(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    MMLISTS List = (MMLISTS)MI_PFN(Frame)->u3.e1.PageLocation;

    return List == ZeroedPageList || List == FreePageList || List == BadPageList;
}

/* A frame that is no RAM, or nobody has a reference to, or has all that there can be. */
static __attribute__((noinline)) NTSTATUS MipLockOddFrame(PMDL Mdl, MMPTE Pte, PULONG Ram)
    NT_HOLDS(MiPfnLock)
{
    PFN_NUMBER Frame = Pte.Hard.PageFrameNumber;
    NTSTATUS Status;

    if (!MiIsRamFrame(Frame)) {
        Mdl->MdlFlags |= MDL_IO_SPACE;
        return STATUS_SUCCESS;
    }
    if (Pte.Hard.Prototype && MipIsUnowned(Frame)) {
        return STATUS_INVALID_PARAMETER; /* there is nothing that a reference could keep */
    }
    Status = MiReferenceFrame(Frame);
    *Ram += NT_SUCCESS(Status) ? 1 : 0;
    return Status;
}

/*
 * Lock the pages from number First on, whose PTEs must have the bits of Rights.
 *
 * => Returns the number of the first page that is not locked; below MiMdlPages *Status says why:
 *    STATUS_ACCESS_VIOLATION when the page is not there, or may not be written.
 */
static inline ULONG MipLock(PMDL Mdl, ULONG First, ULONG Rights, NTSTATUS *Status)
    NT_NOT_HOLDING(MiPfnLock)
{
    PPFN_NUMBER Frames = MmGetMdlPfnArray(Mdl);
    ULONG_PTR Va = (ULONG_PTR)Mdl->StartVa;
    ULONG Pages = MiMdlPages(Mdl);
    KIRQL OldIrql = MiLockPfn();
    ULONG Ram = 0;
    ULONG i;

    for (i = First; i < Pages; i++) {
        MMPTE Pte = MiReadMapping(Va + i * PAGE_SIZE);
        PFN_NUMBER Frame = Pte.Hard.PageFrameNumber;

        if ((Pte.Long & Rights) != Rights) {
            *Status = STATUS_ACCESS_VIOLATION;
            break;
        }
        if (Frame <= MiHighestFrame && MiReferenceHeldFrame(Frame)) {
            Ram++;
        } else {
            *Status = MipLockOddFrame(Mdl, Pte, &Ram);
            if (!NT_SUCCESS(*Status)) {
                break;
            }
        }
        Frames[i] = Frame;
        if ((i + 1) % MIP_BATCH == 0) {
            MiUnlockPfn(OldIrql);
            OldIrql = MiLockPfn();
        }
    }
    MipCountLocked(Ram);
    MiUnlockPfn(OldIrql);
    return i;
}

/* The page may come when it is asked for.  => STATUS_SUCCESS: try again. */
static NTSTATUS MipBringIn(ULONG_PTR Va, ULONG Rights) NT_NOT_HOLDING(MiPfnLock)
{
    UCHAR Byte;

    if (Va >= MM_SYSTEM_RANGE_START) {
        return MipMakeResident != NULL && !MiReadMapping(Va).Hard.Valid
                   ? MipMakeResident(Va, (Rights & MM_PTE_BITS_WRITE) != 0)
                   : STATUS_ACCESS_VIOLATION;
    }
    return (Rights & MM_PTE_BITS_WRITE) != 0 ? KiGuardedTouch((PVOID)Va)
                                             : KiGuardedCopy(&Byte, (const void *)Va, 1);
}

/*
 * The slow way on: the page after the first Done may come when it is asked for; otherwise all is
 * undone.
 */
static __attribute__((noinline)) NTSTATUS MipLockRest(PMDL Mdl, ULONG Done, ULONG Rights,
                                                      NTSTATUS Status) NT_NOT_HOLDING(MiPfnLock)
{
    __atomic_add_fetch(&MiBringingPages, 1, __ATOMIC_RELAXED);
    while (!NT_SUCCESS(Status)) {
        if (Status == STATUS_ACCESS_VIOLATION) {
            Status = MipBringIn((ULONG_PTR)Mdl->StartVa + Done * PAGE_SIZE, Rights);
        }
        if (!NT_SUCCESS(Status)) {
            MipUnlock(Mdl, Done);
            Mdl->MdlFlags &= ~MDL_IO_SPACE;
            break;
        }
        Done = MipLock(Mdl, Done, Rights, &Status);
    }
    __atomic_sub_fetch(&MiBringingPages, 1, __ATOMIC_RELAXED);
    return Status;
}

/* => Returns whether the buffer lies in the system half and AccessMode may use that. */
static inline BOOLEAN MipIsSystemBuffer(const MDL *Mdl, KPROCESSOR_MODE AccessMode)
{
    ULONG_PTR First = (ULONG_PTR)Mdl->StartVa + Mdl->ByteOffset;

    return First >= MM_SYSTEM_RANGE_START && AccessMode == KernelMode &&
           Mdl->ByteCount <= 0u - First; /* does not pass the end of the address space */
}

/* => STATUS_ACCESS_VIOLATION also when the buffer is not all in the user half. */
static __attribute__((noinline)) NTSTATUS MipLockUserBuffer(PMDL Mdl, ULONG Rights)
    NT_NOT_HOLDING(MiPfnLock)
{
    ULONG_PTR First = (ULONG_PTR)Mdl->StartVa + Mdl->ByteOffset;
    PEPROCESS Process = IoGetCurrentProcess();
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Done;

    if (First >= MM_USER_PROBE_ADDRESS || Mdl->ByteCount > MM_USER_PROBE_ADDRESS - First ||
        Process == NULL || MiCountLockedPages == NULL) {
        return STATUS_ACCESS_VIOLATION;
    }
    if ((Rights & MM_PTE_BITS_WRITE) != 0) {
        Rights |= MM_PTE_BITS_DIRTY;
    }
    Done = MipLock(Mdl, 0, Rights, &Status);
    if (!NT_SUCCESS(Status)) {
        Status = MipLockRest(Mdl, Done, Rights, Status);
    }
    if (NT_SUCCESS(Status)) {
        Mdl->Process = Process;
        MiCountLockedPages(Process, (LONG)MiMdlPages(Mdl));
    }
    return Status;
}

static inline NTSTATUS MipLockSystemBuffer(PMDL Mdl, ULONG Rights) NT_NOT_HOLDING(MiPfnLock)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Done = MipLock(Mdl, 0, Rights, &Status);

    if (!NT_SUCCESS(Status)) {
        Status = MipLockRest(Mdl, Done, Rights, Status);
    }
    Mdl->Process = NULL;
    return Status;
}

static inline __attribute__((always_inline)) NTSTATUS
MipProbeAndLock(PMDL Mdl, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation)
    NT_NOT_HOLDING(MiPfnLock)
{
    ULONG Rights = MM_PTE_BITS_VALID | (Operation != IoReadAccess ? MM_PTE_BITS_WRITE : 0);
    NTSTATUS Status;

    if (Mdl->MdlFlags & MIP_IN_USE) {
        MiFlawedMdl(Mdl);
    }
    Status = MipIsSystemBuffer(Mdl, AccessMode) ? MipLockSystemBuffer(Mdl, Rights)
                                                : MipLockUserBuffer(Mdl, Rights);
    if (NT_SUCCESS(Status)) {
        Mdl->MdlFlags |=
            Operation != IoReadAccess ? MDL_PAGES_LOCKED | MDL_WRITE_OPERATION : MDL_PAGES_LOCKED;
    }
    return Status;
}

NTSTATUS MiProbeAndLockPages(PMDL Mdl, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation)
{
    return MipProbeAndLock(Mdl, AccessMode, Operation);
}

void NTAPI MmProbeAndLockPages(PMDL Mdl, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation)
{
    NTSTATUS Status = MipProbeAndLock(Mdl, AccessMode, Operation);

    if (!NT_SUCCESS(Status)) {
        MiRaiseUnhandled(Status, MmGetMdlVirtualAddress(Mdl));
    }
}
