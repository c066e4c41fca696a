/* SPDX-License-Identifier: MIT */
/*
 * write_watch.c - NtGetWriteWatch and NtResetWriteWatch.
 *
 * The processor does the watching: a page was written when its PTE is Dirty, or when somebody who
 * took Dirty away left a bit in the descriptor (MiNoteWrite).  Resetting clears both; the frame
 * remembers that it must be written to the paging file.  A page whose page table is out is not
 * valid: the bit says all.
 */
#include "mm/space/user_page.h"
#include "mm/space/user_range.h"

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

static NTSTATUS MipGet(PEPROCESS Process, const MI_USER_RANGE *Range, BOOLEAN Reset,
                       PVOID *Addresses, PSIZE_T Entries)
{
    PMMVAD Vad = MipFindWatched(Process, Range);
    SIZE_T Found = 0;
    ULONG_PTR Va;

    if (Vad == NULL) {
        return STATUS_INVALID_PARAMETER_3;
    }
    for (Va = Range->Start; Va < Range->End && Found < *Entries; Va += PAGE_SIZE) {
        if (MipWasWritten(Vad, Va)) {
            Addresses[Found++] = (PVOID)Va;
            if (Reset) {
                MipReset(Vad, Va);
            }
        }
    }
    *Entries = Found;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI NtGetWriteWatch(HANDLE ProcessHandle, ULONG Flags, PVOID BaseAddress,
                               SIZE_T RegionSize, PVOID *Addresses, PSIZE_T Entries,
                               PULONG Granularity)
{
    MI_USER_RANGE Range;
    MI_TARGET Target;
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
                             STATUS_INVALID_PARAMETER_3, &Range);
    if (NT_SUCCESS(Status)) {
        Status = MiEnterTarget(ProcessHandle, PROCESS_VM_OPERATION, &Target);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status =
        MipGet(Target.Process, &Range, (Flags & WRITE_WATCH_FLAG_RESET) != 0, Addresses, Entries);
    MiLeaveTarget(&Target);
    if (NT_SUCCESS(Status)) {
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
