/* SPDX-License-Identifier: MIT */
/*
 * map_view.c - MmMapViewOfSection and MmUnmapViewOfSection.
 *
 * Mapping costs a descriptor and nothing else: no PTE is written before a page is touched.  All
 * that is read of the section object, which is pageable, is read before a lock is taken; the
 * control area, which is not, stays while the caller has the object.
 *
 * \Device\PhysicalMemory is mapped from a multiple of 64 KB on, which *SectionOffset says then; the
 * view reaches as far as it was asked to.  Its caller may say how to cache what is no RAM.
 *
 * An image is looked for a place at its preferred base first; elsewhere it needs an index of its
 * relocations, which is made without a lock, and then the whole is tried again.  Its parts say how
 * pages are protected, not the caller.
 */
#include "mm/section/image_segment.h"

#include "mi_assert.h"
#include "mm/pfn/commit_growth.h"
#include "mm/space/user_range.h"
#include "mm/space/virtual_free.h"

#define MIP_MOST_ZERO_BITS 21u

typedef struct _MIP_MAPPING {
    PSEGMENT Segment;
    PMI_IMAGE_SEGMENT Image; /* NULL: it is none */
    ULONG64 SectionBytes;    /* as the section was made */
    ULONG Granted;           /* a code: the section's protection */
    PVOID Base;              /* NULL: anywhere */
    ULONG_PTR Limit;         /* of addresses that are looked for */
    ULONG64 Offset;
    SIZE_T Bytes; /* 0: all that follow */
    SIZE_T CommitBytes;
    ULONG Type;
    ULONG Protection; /* a code */
    BOOLEAN Inherit;
    BOOLEAN NoChange;
    BOOLEAN Physical;  /* the section is \Device\PhysicalMemory */
    ULONG Pages;       /* of the view */
    ULONG_PTR Va;      /* where it is */
    ULONG CommitLimit; /* that a charge which was refused needs */
} MIP_MAPPING, *PMIP_MAPPING;

/* ---- arguments ---- */

/* => What addresses have to be below; 0: ZeroBits is wrong. */
static ULONG_PTR MipLimit(ULONG_PTR ZeroBits)
{
    if (ZeroBits == 0) {
        return MM_USER_PROBE_ADDRESS;
    }
    return ZeroBits > MIP_MOST_ZERO_BITS ? 0 : (ULONG_PTR)1 << (32 - ZeroBits);
}

static NTSTATUS MipCheckAddresses(const MI_VIEW_WANTED *Wanted)
{
    ULONG_PTR Base = (ULONG_PTR)Wanted->Base;

    if (Wanted->Bytes != 0 && Wanted->CommitBytes > Wanted->Bytes) {
        return STATUS_INVALID_PARAMETER_5;
    }
    if (Base > MM_HIGHEST_USER_ADDRESS ||
        (Base != 0 && Wanted->Bytes > MM_HIGHEST_USER_ADDRESS - Base + 1)) {
        return STATUS_INVALID_PARAMETER_3;
    }
    return Base % MM_ALLOCATION_GRANULARITY != 0 ? STATUS_MAPPED_ALIGNMENT : STATUS_SUCCESS;
}

NTSTATUS MiCheckViewArguments(const MI_VIEW_WANTED *Wanted)
{
    if (Wanted->Inherit != ViewShare && Wanted->Inherit != ViewUnmap) {
        return STATUS_INVALID_PARAMETER_8;
    }
    if ((Wanted->Type & ~(MEM_TOP_DOWN | MEM_RESERVE)) != 0) {
        return STATUS_INVALID_PARAMETER_9;
    }
    if (MipLimit(Wanted->ZeroBits) == 0) {
        return STATUS_INVALID_PARAMETER_4;
    }
    if (MiMakeProtection(Wanted->Protect) == MI_NO_PROTECTION ||
        (Wanted->Protect & PAGE_GUARD) != 0) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    return MipCheckAddresses(Wanted);
}

/* Only a view of a file's data, which can grow, may lead out of the section. */
static NTSTATUS MipCheckReserve(const SECTION *Section, const MI_VIEW_WANTED *Wanted)
{
    const CONTROL_AREA *Area = Section->Segment->ControlArea;
    ULONG Protection;

    if ((Wanted->Type & MEM_RESERVE) == 0) {
        return STATUS_SUCCESS;
    }
    Protection = MiMakeProtection(Wanted->Protect);
    return Area->u.Flags.File && !Area->u.Flags.Image && Section->BasedAddress == 0 &&
                   MiIsWritable(Protection) && !MiIsCopyOnWrite(Protection)
               ? STATUS_SUCCESS
               : STATUS_INVALID_PARAMETER_9;
}

/* What only physical memory can be asked for. */
static NTSTATUS MipCheckOrdinary(const MI_VIEW_WANTED *Wanted)
{
    if ((Wanted->Protect & (PAGE_NOCACHE | PAGE_WRITECOMBINE)) != 0) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    return Wanted->Offset % MM_ALLOCATION_GRANULARITY != 0 ? STATUS_MAPPED_ALIGNMENT
                                                           : STATUS_SUCCESS;
}

/* ---- what the section allows ---- */

static NTSTATUS MipCheckProtection(PMIP_MAPPING Mapping, ULONG Protect)
{
    ULONG Cache = Mapping->Granted & MM_NOCACHE;

    Mapping->Protection = MiMakeProtection(Protect);
    if (Mapping->Protection == MM_NOACCESS && Mapping->Image == NULL) {
        return STATUS_SUCCESS;
    }
    if (Mapping->Image != NULL) {
        Mapping->Protection = MiMakeProtection(PAGE_EXECUTE_WRITECOPY);
        return STATUS_SUCCESS;
    }
    Mapping->Protection |= Cache;
    return MiIsProtectionCompatible(Mapping->Granted, Mapping->Protection)
               ? STATUS_SUCCESS
               : STATUS_SECTION_PROTECTION;
}

/* From a multiple of 64 KB on. */
static NTSTATUS MipPreparePhysical(PMIP_MAPPING Mapping, ULONG Protect)
{
    ULONG Before = (ULONG)(Mapping->Offset % MM_ALLOCATION_GRANULARITY);

    if (MiIsCopyOnWrite(Mapping->Protection) || (Protect & PAGE_NOACCESS) != 0) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    if (Mapping->Bytes > MM_HIGHEST_USER_ADDRESS) {
        return STATUS_INVALID_VIEW_SIZE;
    }
    Mapping->Offset -= Before;
    Mapping->Bytes += Mapping->Bytes != 0 ? Before : 0;
    Mapping->CommitBytes = 0; /* all of it is there */
    return STATUS_SUCCESS;
}

/* => Bytes and Pages are set. */
static NTSTATUS MipCheckPart(PMIP_MAPPING Mapping)
{
    ULONG64 Left;

    if (Mapping->Offset >= Mapping->SectionBytes) {
        return STATUS_INVALID_VIEW_SIZE;
    }
    Left = Mapping->SectionBytes - Mapping->Offset;
    if ((Mapping->Bytes > Left && (Mapping->Type & MEM_RESERVE) == 0) ||
        (Mapping->Bytes == 0 && Left > MM_HIGHEST_USER_ADDRESS)) {
        return STATUS_INVALID_VIEW_SIZE;
    }
    if (Mapping->Bytes == 0) {
        Mapping->Bytes = (SIZE_T)Left;
    }
    Mapping->Pages = (ULONG)(((ULONG64)Mapping->Bytes + PAGE_SIZE - 1) >> PAGE_SHIFT);
    return Mapping->CommitBytes > Mapping->Bytes ? STATUS_INVALID_PARAMETER_5 : STATUS_SUCCESS;
}

/* Where it is to be, if the caller says so. */
static NTSTATUS MipCheckBase(PMIP_MAPPING Mapping)
{
    ULONG_PTR Base = (ULONG_PTR)Mapping->Base;

    if (Base == 0) {
        return Mapping->Pages > MM_HIGHEST_USER_ADDRESS >> PAGE_SHIFT ? STATUS_INVALID_VIEW_SIZE
                                                                      : STATUS_SUCCESS;
    }
    if (Base < MM_LOWEST_USER_ADDRESS || Mapping->Bytes > MM_HIGHEST_USER_ADDRESS - Base + 1) {
        return STATUS_INVALID_PARAMETER_3;
    }
    if (Base + (Mapping->Bytes - 1) >= Mapping->Limit && Mapping->Limit != MM_USER_PROBE_ADDRESS) {
        return STATUS_INVALID_PARAMETER_4;
    }
    return MiTouchesSharedData(Base, Base + Mapping->Bytes - 1) ? STATUS_CONFLICTING_ADDRESSES
                                                                : STATUS_SUCCESS;
}

/* ---- mapping ---- */

/* => Under the lock. */
static BOOLEAN MipIsFree(PEPROCESS Process, ULONG_PTR Va, ULONG Pages)
{
    ULONG_PTR Last = Va + (((ULONG_PTR)Pages << PAGE_SHIFT) - 1);
    PMMVAD Vad;

    if (Last < Va || Last > Process->HighestUserAddress) {
        return FALSE;
    }
    Vad = MiFindVadFrom(Process, (ULONG)(Va >> PAGE_SHIFT));
    return Vad == NULL || MiVadStart(Vad) > Last;
}

static NTSTATUS MipPlace(PEPROCESS Process, PMIP_MAPPING Mapping)
{
    if (Mapping->Base == NULL) {
        return MiFindFreeRange(Process, Mapping->Pages, Mapping->Limit,
                               (Mapping->Type & MEM_TOP_DOWN) != 0, &Mapping->Va);
    }
    Mapping->Va = (ULONG_PTR)Mapping->Base;
    return MipIsFree(Process, Mapping->Va, Mapping->Pages) ? STATUS_SUCCESS
                                                           : STATUS_CONFLICTING_ADDRESSES;
}

/* Where the image wants the view to be. */
static ULONG_PTR MipPreferred(const MIP_MAPPING *Mapping)
{
    return Mapping->Image->Image.ImageBase + (ULONG_PTR)Mapping->Offset;
}

static BOOLEAN MipIsPreferredFree(PEPROCESS Process, const MIP_MAPPING *Mapping)
{
    ULONG_PTR Va = MipPreferred(Mapping);
    ULONG_PTR Last = Va + (((ULONG_PTR)Mapping->Pages << PAGE_SHIFT) - 1);

    return Va >= MM_LOWEST_USER_ADDRESS && Last < Mapping->Limit &&
           !MiTouchesSharedData(Va, Last) && MipIsFree(Process, Va, Mapping->Pages);
}

/* => STATUS_RETRY: after MiPrepareImageMove. */
static NTSTATUS MipPlaceImage(PEPROCESS Process, PMIP_MAPPING Mapping)
{
    NTSTATUS Status;

    if (Mapping->Base == NULL && MipIsPreferredFree(Process, Mapping)) {
        Mapping->Va = MipPreferred(Mapping);
        return STATUS_SUCCESS;
    }
    Status = MipPlace(Process, Mapping);
    return NT_SUCCESS(Status) && Mapping->Va != MipPreferred(Mapping) &&
                   !MiCanMoveImage(Mapping->Segment->ControlArea)
               ? STATUS_RETRY
               : Status;
}

/* => The pages that the process is charged for beforehand. */
static ULONG MipCharge(const MIP_MAPPING *Mapping)
{
    if (Mapping->Image == NULL) {
        return MiIsCopyOnWrite(Mapping->Protection) ? Mapping->Pages : 0;
    }
    return MiCountImageCharge(Mapping->Segment->ControlArea, (ULONG)(Mapping->Offset >> PAGE_SHIFT),
                              Mapping->Pages, (ULONG)(Mapping->Va - MipPreferred(Mapping)));
}

/* => Pages that the section has of the view. */
static ULONG MipPresent(const MIP_MAPPING *Mapping)
{
    ULONG64 Pages = (Mapping->SectionBytes - Mapping->Offset + PAGE_SIZE - 1) >> PAGE_SHIFT;

    return Pages < Mapping->Pages ? (ULONG)Pages : Mapping->Pages;
}

static void MipFillPrototypes(PMMVAD_VIEW View, const MIP_MAPPING *Mapping)
{
    ULONG Run;

    View->FirstPrototypePte = MiSectionRun(View->ControlArea, View->FirstPage, &Run);
    if (Mapping->Image != NULL) {
        Run = Mapping->Pages; /* an image's lie in one array */
        View->Delta = (ULONG)(Mapping->Va - MipPreferred(Mapping));
    }
    Run = Run < Mapping->Pages ? Run : Mapping->Pages;
    View->LastContiguousPte = View->FirstPrototypePte + (Run - 1);
    View->Present = View->Core.u.VadFlags.Extendable ? MipPresent(Mapping) : Mapping->Pages;
    if (Mapping->Segment->Committed.Buffer != NULL) {
        View->Committed = &Mapping->Segment->Committed;
    }
}

static void MipFillView(PEPROCESS Process, PMMVAD Vad, const MIP_MAPPING *Mapping)
{
    PMMVAD_VIEW View = (PMMVAD_VIEW)(PVOID)Vad;

    View->ControlArea = Mapping->Segment->ControlArea;
    View->FirstPage = (ULONG)(Mapping->Offset >> PAGE_SHIFT);
    View->Process = Process;
    if (!Mapping->Physical) {
        MipFillPrototypes(View, Mapping);
    }
    MiReferenceView(View);
}

/* CommitSize.  => Under the lock.  What is committed stays so. */
static NTSTATUS MipCommit(PMIP_MAPPING Mapping)
{
    ULONG Pages = (ULONG)((Mapping->CommitBytes + PAGE_SIZE - 1) >> PAGE_SHIFT);

    return Pages == 0 || Mapping->Segment->Committed.Buffer == NULL
               ? STATUS_SUCCESS
               : MiCommitSegment(Mapping->Segment, (ULONG)(Mapping->Offset >> PAGE_SHIFT), Pages,
                                 &Mapping->CommitLimit);
}

/*
 * Pages that are copied when they are written to are charged at once.  Those that CommitSize
 * commits are last, as they stay so: a view that they are refused to has not been seen by anybody.
 */
static NTSTATUS MipInsertView(PEPROCESS Process, PMIP_MAPPING Mapping)
{
    ULONG Charge = MipCharge(Mapping);
    MMVAD_FLAGS Flags = {
        .CommitCharge = Charge,
        .Inherit = Mapping->Inherit,
        .NoChange = Mapping->NoChange,
        .Extendable = (Mapping->Type & MEM_RESERVE) != 0,
        .ImageMap = Mapping->Image != NULL,
        .PhysicalMapping = Mapping->Physical,
        .Protection = Mapping->Protection,
    };
    NTSTATUS Status = MiChargeProcessCommit(Process, Charge);
    PMMVAD Vad;

    if (!NT_SUCCESS(Status)) {
        Mapping->CommitLimit = Process->CommitLimitNeeded;
        return Status;
    }
    Status = MiCreateVad(Process, Mapping->Va, Mapping->Pages, Flags, &Vad);
    if (!NT_SUCCESS(Status)) {
        Mapping->CommitLimit = Process->CommitLimitNeeded;
        goto ReturnCharge;
    }
    Status = MipCommit(Mapping);
    if (!NT_SUCCESS(Status)) {
        goto DeleteVad;
    }
    MipFillView(Process, Vad, Mapping);
    return STATUS_SUCCESS;
DeleteVad:
    Vad->u.VadFlags.CommitCharge = 0;
    MiDeleteVad(Process, Vad);
ReturnCharge:
    MiReturnProcessCommit(Process, Charge);
    return Status;
}

static NTSTATUS MipTryMap(PEPROCESS Process, PMIP_MAPPING Mapping)
{
    KAPC_STATE ApcState;
    NTSTATUS Status = STATUS_PROCESS_IS_TERMINATING;

    KeStackAttachProcess(&Process->Pcb, &ApcState);
    MiLockAddressSpace(Process);
    if (!Process->VmDeleted) {
        Status =
            Mapping->Image != NULL ? MipPlaceImage(Process, Mapping) : MipPlace(Process, Mapping);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipInsertView(Process, Mapping);
    }
    MiUnlockAddressSpace(Process);
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

static NTSTATUS MipMap(PEPROCESS Process, PMIP_MAPPING Mapping)
{
    NTSTATUS Status = MipTryMap(Process, Mapping);

    while (Status == STATUS_RETRY) {
        Status = MiPrepareImageMove(Mapping->Segment->ControlArea);
        if (NT_SUCCESS(Status)) {
            Status = MipTryMap(Process, Mapping);
        }
    }
    return Status;
}

/* Of a view that is there. */
static NTSTATUS MipSuccess(const MIP_MAPPING *Mapping)
{
    if (Mapping->Image == NULL) {
        return STATUS_SUCCESS;
    }
    if (Mapping->Image->OtherMachine) {
        return STATUS_IMAGE_MACHINE_TYPE_MISMATCH;
    }
    return Mapping->Va == MipPreferred(Mapping) ? STATUS_SUCCESS : STATUS_IMAGE_NOT_AT_BASE;
}

static NTSTATUS MipMapAndWait(PEPROCESS Process, PMIP_MAPPING Mapping)
{
    NTSTATUS Status;
    ULONG Rises;

    do {
        Rises = MiQueryCommitRises();
        Status = MipMap(Process, Mapping);
    } while (Status == STATUS_COMMITMENT_LIMIT && MiWaitForCommitment(Mapping->CommitLimit, Rises));
    return Status;
}

/* The object's protection; how pages are cached is the segment's. */
static ULONG MipGranted(const SECTION *Section)
{
    return MiMakeProtection(Section->InitialPageProtection) |
           (MiSoftwareProtection(Section->Segment->SegmentPteTemplate) & MM_NOCACHE);
}

/* => All that can be said before a lock is taken. */
static NTSTATUS MipCheck(const SECTION *Section, const MI_VIEW_WANTED *Wanted, PMIP_MAPPING Mapping)
{
    NTSTATUS Status = MiCheckViewArguments(Wanted);

    if (NT_SUCCESS(Status)) {
        Status = MipCheckReserve(Section, Wanted);
    }
    if (NT_SUCCESS(Status) && !Mapping->Physical) {
        Status = MipCheckOrdinary(Wanted);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipCheckProtection(Mapping, Wanted->Protect);
    }
    if (NT_SUCCESS(Status) && Mapping->Physical) {
        Status = MipPreparePhysical(Mapping, Wanted->Protect);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipCheckPart(Mapping);
    }
    if (NT_SUCCESS(Status)) {
        Status = MiBaseOfView(Section, Mapping->Offset, &Mapping->Base);
    }
    return NT_SUCCESS(Status) ? MipCheckBase(Mapping) : Status;
}

NTSTATUS NTAPI MmMapViewOfSection(PVOID SectionObject, PEPROCESS Process, PVOID *BaseAddress,
                                  ULONG_PTR ZeroBits, SIZE_T CommitSize,
                                  PLARGE_INTEGER SectionOffset, PSIZE_T ViewSize,
                                  SECTION_INHERIT InheritDisposition, ULONG AllocationType,
                                  ULONG Win32Protect)
{
    const SECTION *Section = SectionObject;
    ULONG64 Offset = SectionOffset == NULL ? 0 : (ULONG64)SectionOffset->QuadPart;
    const MI_VIEW_WANTED Wanted = {*BaseAddress, ZeroBits,           CommitSize,     Offset,
                                   *ViewSize,    InheritDisposition, AllocationType, Win32Protect};
    MIP_MAPPING Mapping = {
        .Segment = Section->Segment,
        .Image = Section->Segment->Image,
        .SectionBytes = Section->SizeOfSection,
        .Granted = MipGranted(Section),
        .Base = *BaseAddress,
        .Limit = MipLimit(ZeroBits),
        .Offset = Offset,
        .Bytes = *ViewSize,
        .CommitBytes = CommitSize,
        .Type = AllocationType,
        .Inherit = InheritDisposition == ViewShare,
        .NoChange = (Section->AllocationAttributes & SEC_NO_CHANGE) != 0,
        .Physical = MiIsPhysicalSection(Section),
    };
    NTSTATUS Status = MipCheck(Section, &Wanted, &Mapping);

    if (NT_SUCCESS(Status)) {
        Status = MipMapAndWait(Process, &Mapping);
    }
    if (NT_SUCCESS(Status) && (AllocationType & MEM_RESERVE) != 0 &&
        Section->SizeOfSection != Mapping.SectionBytes) {
        MiExtendViews(Section->Segment->ControlArea, /* which became longer meanwhile */
                      (ULONG)((Section->SizeOfSection + PAGE_SIZE - 1) >> PAGE_SHIFT));
    }
    if (NT_SUCCESS(Status)) {
        *BaseAddress = (PVOID)Mapping.Va;
        *ViewSize = (SIZE_T)Mapping.Pages << PAGE_SHIFT;
        if (Mapping.Physical && SectionOffset != NULL) {
            SectionOffset->QuadPart = (LONGLONG)Mapping.Offset;
        }
        Status = MipSuccess(&Mapping);
    }
    return Status;
}

/* ---- extending ---- */

void MiExtendViews(PCONTROL_AREA Area, ULONG Pages)
{
    KIRQL OldIrql = MiLockPfn();
    PLIST_ENTRY Entry;

    for (Entry = Area->Views.Flink; Entry != &Area->Views; Entry = Entry->Flink) {
        PMMVAD_VIEW View = CONTAINING_RECORD(Entry, MMVAD_VIEW, Link);
        ULONG Reach = MiVadPages(&View->Core);
        ULONG Present = Pages - View->FirstPage < Reach ? Pages - View->FirstPage : Reach;

        if (View->Core.u.VadFlags.Extendable && View->FirstPage < Pages &&
            View->Present < Present) {
            __atomic_store_n(&View->Present, Present, __ATOMIC_RELAXED);
        }
    }
    MiUnlockPfn(OldIrql);
}

/* ---- unmapping ---- */

/* => Under the lock, attached. */
static NTSTATUS MipUnmap(PEPROCESS Process, ULONG Vpn)
{
    PMMVAD Vad;

    do {
        if (Process->VmDeleted) {
            return STATUS_PROCESS_IS_TERMINATING;
        }
        Vad = MiFindVad(Process, Vpn);
        if (Vad == NULL || !MiIsView(Vad)) {
            return STATUS_NOT_MAPPED_VIEW;
        }
    } while (!MiBringPageTables(Process, MiVadStart(Vad),
                                (((ULONG_PTR)Vad->EndingVpn + 1) << PAGE_SHIFT) - 1));
    MiReleaseVad(Process, Vad);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI MmUnmapViewOfSection(PEPROCESS Process, PVOID BaseAddress)
{
    KAPC_STATE ApcState;
    NTSTATUS Status;

    if ((ULONG_PTR)BaseAddress > MM_HIGHEST_USER_ADDRESS) {
        return STATUS_NOT_MAPPED_VIEW;
    }
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    MiLockAddressSpace(Process);
    Status = MipUnmap(Process, (ULONG)((ULONG_PTR)BaseAddress >> PAGE_SHIFT));
    MiUnlockAddressSpace(Process);
    KeUnstackDetachProcess(&ApcState);
    MiDeleteUnusedSegments();
    return Status;
}
