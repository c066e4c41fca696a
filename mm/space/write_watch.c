/* SPDX-License-Identifier: MIT */
/*
 * write_watch.c - NtGetWriteWatch and NtResetWriteWatch.
 *
 * The processor does the watching: a page was written when its PTE is Dirty, or when somebody who
 * took Dirty away left a bit in the descriptor (MiNoteWrite).  Resetting clears both; the frame
 * remembers that it must be written to the paging file.  A page whose page table is out is not
 * valid: the bit says all.
 *
 * Addresses are collected in memory that stays, under the lock, and given to the caller without it,
 * in his own address space.
 */
#include "ex.h"
#include "mm/space/user_page.h"
#include "mm/space/user_range.h"

#define MIP_TAG      0x6157694Du /* 'MiWa' */
#define MIP_ON_STACK 64u         /* addresses: more need pool */

static BOOLEAN MipWasWritten(const MMVAD *Vad, ULONG_PTR Va)
{
    ULONG Page = (ULONG)(Va >> PAGE_SHIFT) - Vad->StartingVpn;
    MMPTE Pte;

    if (Vad->WatchBits[Page / 32] >> Page % 32 & 1) {
        return TRUE;
    }
    if (!MiIsPageTableResident(Va)) {
        return FALSE;
    }
    Pte = MiReadPte(MiGetPteAddress(Va));
    return Pte.Hard.Valid && Pte.Hard.Dirty;
}

static void MipReset(PMMVAD Vad, ULONG_PTR Va)
{
    ULONG Page = (ULONG)(Va >> PAGE_SHIFT) - Vad->StartingVpn;

    if (MiIsPageTableResident(Va)) {
        MiCleanUserPage(Vad, MiGetPteAddress(Va));
    }
    Vad->WatchBits[Page / 32] &= ~(1u << Page % 32);
}

/* => NULL: the range is not in a watched reservation. */
static PMMVAD MipFindWatched(PEPROCESS Process, const MI_USER_RANGE *Range)
{
    PMMVAD Vad = MiFindVadOfRange(Process, Range);

    return Vad != NULL && Vad->u.VadFlags.WriteWatch ? Vad : NULL;
}

/* What is wanted, and what is found. */
typedef struct _MIP_GET {
    MI_USER_RANGE Range;
    BOOLEAN Reset;
    PVOID *Found; /* nonpaged */
    ULONG Most;
    ULONG Count;
} MIP_GET, *PMIP_GET;

static NTSTATUS MipGet(PEPROCESS Process, PMIP_GET Get)
{
    PMMVAD Vad = MipFindWatched(Process, &Get->Range);
    ULONG_PTR Va;

    if (Vad == NULL) {
        return STATUS_INVALID_PARAMETER_3;
    }
    for (Va = Get->Range.Start; Va < Get->Range.End && Get->Count < Get->Most; Va += PAGE_SIZE) {
        if (MipWasWritten(Vad, Va)) {
            Get->Found[Get->Count++] = (PVOID)Va;
            if (Get->Reset) {
                MipReset(Vad, Va);
            }
        }
    }
    return STATUS_SUCCESS;
}

static NTSTATUS MipGetOf(HANDLE ProcessHandle, PMIP_GET Get)
{
    MI_TARGET Target;
    NTSTATUS Status = MiEnterTarget(ProcessHandle, PROCESS_VM_OPERATION, &Target);

    if (NT_SUCCESS(Status)) {
        Status = MipGet(Target.Process, Get);
        MiLeaveTarget(&Target);
    }
    return Status;
}

/* => Whether it is in the user half; a user's must be. */
static BOOLEAN MipIsUsers(const PVOID *Addresses)
{
    return ExGetPreviousMode() != KernelMode || (ULONG_PTR)Addresses < MM_SYSTEM_RANGE_START;
}

/* Nothing is reset before it is clear where to store what was written. */
static NTSTATUS MipGetInto(HANDLE ProcessHandle, PMIP_GET Get, PVOID *Addresses)
{
    BOOLEAN IsUsers = MipIsUsers(Addresses);
    NTSTATUS Status = STATUS_SUCCESS;

    if (IsUsers) {
        Status = MmProbeForWrite(Addresses, Get->Most * sizeof(PVOID), sizeof(PVOID));
    }
    if (NT_SUCCESS(Status)) {
        Status = MipGetOf(ProcessHandle, Get);
    }
    if (NT_SUCCESS(Status) && IsUsers) {
        Status = MmCopyToUser(Addresses, Get->Found, Get->Count * sizeof(PVOID), NULL);
    } else if (NT_SUCCESS(Status)) {
        memcpy(Addresses, Get->Found, Get->Count * sizeof(PVOID));
    }
    return Status;
}

static NTSTATUS MipGetWithMemory(HANDLE ProcessHandle, PMIP_GET Get, PVOID *Addresses)
{
    PVOID Few[MIP_ON_STACK];
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;

    if (Get->Most <= MIP_ON_STACK) {
        Get->Found = Few;
        return MipGetInto(ProcessHandle, Get, Addresses);
    }
    Get->Found = ExAllocatePoolWithTag(NonPagedPool, Get->Most * sizeof(PVOID), MIP_TAG);
    if (Get->Found != NULL) {
        Status = MipGetInto(ProcessHandle, Get, Addresses);
        ExFreePoolWithTag(Get->Found, MIP_TAG);
    }
    return Status;
}

NTSTATUS NTAPI NtGetWriteWatch(HANDLE ProcessHandle, ULONG Flags, PVOID BaseAddress,
                               SIZE_T RegionSize, PVOID *Addresses, PSIZE_T Entries,
                               PULONG Granularity)
{
    MIP_GET Get = {.Reset = (Flags & WRITE_WATCH_FLAG_RESET) != 0, .Count = 0};
    NTSTATUS Status;

    if ((Flags & ~WRITE_WATCH_FLAG_RESET) != 0) {
        return STATUS_INVALID_PARAMETER_2;
    }
    if (RegionSize == 0) {
        return STATUS_INVALID_PARAMETER_4;
    }
    if (*Entries == 0) {
        return STATUS_INVALID_PARAMETER_6;
    }
    Status = MiMakeUserRange(BaseAddress, RegionSize, STATUS_INVALID_PARAMETER_3,
                             STATUS_INVALID_PARAMETER_3, &Get.Range);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Get.Most = MiRangePages(&Get.Range);
    Get.Most = *Entries < Get.Most ? (ULONG)*Entries : Get.Most;
    Status = MipGetWithMemory(ProcessHandle, &Get, Addresses);
    if (NT_SUCCESS(Status)) {
        *Entries = Get.Count;
        *Granularity = PAGE_SIZE;
    }
    return Status;
}

static NTSTATUS MipResetRange(PEPROCESS Process, const MI_USER_RANGE *Range)
{
    PMMVAD Vad = MipFindWatched(Process, Range);
    ULONG_PTR Va;

    if (Vad == NULL) {
        return STATUS_INVALID_PARAMETER_1;
    }
    for (Va = Range->Start; Va < Range->End; Va += PAGE_SIZE) {
        MipReset(Vad, Va);
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI NtResetWriteWatch(HANDLE ProcessHandle, PVOID BaseAddress, SIZE_T RegionSize)
{
    MI_USER_RANGE Range;
    MI_TARGET Target;
    NTSTATUS Status = MiMakeUserRange(BaseAddress, RegionSize, STATUS_INVALID_PARAMETER_2,
                                      STATUS_INVALID_PARAMETER_2, &Range);

    if (NT_SUCCESS(Status) && RegionSize == 0) {
        Status = STATUS_INVALID_PARAMETER_2;
    }
    if (NT_SUCCESS(Status)) {
        Status = MiEnterTarget(ProcessHandle, PROCESS_VM_OPERATION, &Target);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MipResetRange(Target.Process, &Range);
    MiLeaveTarget(&Target);
    return Status;
}
