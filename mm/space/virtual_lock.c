/* SPDX-License-Identifier: MIT */
/*
 * virtual_lock.c - NtLockVirtualMemory and NtUnlockVirtualMemory.
 *
 * A locked page is valid and private, its working-set entry is LockedInWs (MAP_PROCESS),
 * LockedInMemory (MAP_SYSTEM) or both, its frame is LockCharged, and one page of resident
 * available is promised to it.  Pages are made resident by touching them, without the lock; then
 * the range is judged anew, since another thread may have changed it.
 */
#include "mm/pfn/commit.h"
#include "mm/space/shared_page.h"
#include "mm/space/user_range.h"
#include "mm/space/working_set_size.h"
#include "mm/ws/wsle.h"

/* What judging a range finds. */
typedef struct _MIP_FOUND {
    NTSTATUS Status;
    ULONG Missing; /* pages that are not valid */
    ULONG Held;    /* that have a lock */
    ULONG Locked;  /* that have a lock of this kind */
} MIP_FOUND;

/* => A guard page that stops being one, and the status for that. */
static NTSTATUS MipTakeGuard(PEPROCESS Process, PMMVAD Vad, ULONG_PTR Va, ULONG Protection)
{
    NTSTATUS Status = MiMakePageTable(Process, Va);

    if (NT_SUCCESS(Status)) {
        MiProtectUserPage(Process, Vad, MiGetPteAddress(Va), Protection & ~MM_GUARD_PAGE);
        Status = STATUS_GUARD_PAGE_VIOLATION;
    }
    return Status;
}

static NTSTATUS MipJudgePage(PEPROCESS Process, ULONG_PTR Va)
{
    PMMVAD Vad = MiFindVad(Process, (ULONG)(Va >> PAGE_SHIFT));
    ULONG Protection = Vad == NULL ? MI_NO_PROTECTION : MiQueryPageProtection(Vad, Va);

    if (Protection == MI_NO_PROTECTION || Protection == MM_NOACCESS) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (MiIsPhysicalView(Vad)) {
        return STATUS_CONFLICTING_ADDRESSES; /* nothing of it is in the working set */
    }
    return MiIsGuard(Protection) ? MipTakeGuard(Process, Vad, Va, Protection) : STATUS_SUCCESS;
}

static MIP_FOUND MipJudge(PEPROCESS Process, const MI_USER_RANGE *Range, ULONG Locks)
{
    MIP_FOUND Found = {STATUS_SUCCESS, 0, 0, 0};
    ULONG_PTR Va;

    (void)MiBringPageTables(Process, Range->Start, Range->End); /* nothing was looked at so far */
    if (Process->VmDeleted) {
        Found.Status = STATUS_PROCESS_IS_TERMINATING;
    }
    for (Va = Range->Start; Va < Range->End && Found.Status == STATUS_SUCCESS; Va += PAGE_SIZE) {
        Found.Status = MipJudgePage(Process, Va);
        if (MiHasPageTable(Va)) {
            MiUnshareUserPage(Process, MiGetPteAddress(Va));
        }
        if (!MiHasPageTable(Va) || !MiReadPte(MiGetPteAddress(Va)).Hard.Valid) {
            Found.Missing++;
        } else {
            ULONG Has = MiQueryUserPageLocks(Process, Va);

            Found.Held += Has != 0;
            Found.Locked += (Has & Locks) != 0;
        }
    }
    return Found;
}

/* => Not under the lock.  A page that cannot be touched will be judged again. */
static void MipTouch(const MI_USER_RANGE *Range)
{
    ULONG_PTR Va;
    UCHAR Byte;

    for (Va = Range->Start; Va < Range->End; Va += PAGE_SIZE) {
        if (!NT_SUCCESS(MmCopyFromUser(&Byte, (const void *)Va, 1, NULL))) {
            return;
        }
    }
}

/* => All pages are valid. */
static NTSTATUS MipLockAll(PEPROCESS Process, const MI_USER_RANGE *Range, ULONG New, ULONG Locks)
{
    ULONG_PTR Va;

    if (!MiChargeResidentAvailable(New)) {
        return STATUS_WORKING_SET_QUOTA;
    }
    for (Va = Range->Start; Va < Range->End; Va += PAGE_SIZE) {
        MiLockUserPage(Process, MiGetPteAddress(Va), Locks);
    }
    return STATUS_SUCCESS;
}

/* => Under the lock, which is let go of for a while. */
static NTSTATUS MipLock(PEPROCESS Process, const MI_USER_RANGE *Range, ULONG Locks)
{
    ULONG Most = Process->Vm.MinimumWorkingSetSize - MI_LEAST_UNLOCKED_PAGES;
    MIP_FOUND Found = MipJudge(Process, Range, Locks);
    NTSTATUS Status;

    while (Found.Status == STATUS_SUCCESS && Found.Missing != 0) {
        if (MiRangePages(Range) > Most) {
            return STATUS_WORKING_SET_QUOTA;
        }
        MiUnlockAddressSpace(Process);
        MipTouch(Range);
        MiLockAddressSpace(Process);
        Found = MipJudge(Process, Range, Locks);
    }
    if (Found.Status != STATUS_SUCCESS) {
        return Found.Status;
    }
    if (MiRangePages(Range) > Most ||
        Process->Vm.LockedPages + MiRangePages(Range) - Found.Held > Most) {
        return STATUS_WORKING_SET_QUOTA;
    }
    Status = MipLockAll(Process, Range, MiRangePages(Range) - Found.Held, Locks);
    return NT_SUCCESS(Status) && Found.Locked != 0 ? STATUS_WAS_LOCKED : Status;
}

static BOOLEAN MipAreLocked(PEPROCESS Process, const MI_USER_RANGE *Range, ULONG Locks)
{
    ULONG_PTR Va;

    for (Va = Range->Start; Va < Range->End; Va += PAGE_SIZE) {
        if ((MiQueryUserPageLocks(Process, Va) & Locks) != Locks) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Documented: to unlock what is not locked takes it out of the working set. */
static void MipTrimUnlocked(PEPROCESS Process, const MI_USER_RANGE *Range)
{
    ULONG_PTR Va = Range->Start;

    while (Va < Range->End) {
        ULONG_PTR Next = ROUND_DOWN(Va, MM_LARGE_PAGE) + MM_LARGE_PAGE;

        if (MiIsPageTableResident(Va)) { /* else no page of it is valid */
            MMPTE Pte = MiReadPte(MiGetPteAddress(Va));

            if (Pte.Hard.Valid && !MiIsPhysicalPte(Pte) && MiQueryUserPageLocks(Process, Va) == 0) {
                (void)MiTrimUserPage(&Process->Vm, Va); /* FALSE: an MDL has it */
            }
            Next = Va + PAGE_SIZE;
        }
        Va = Next;
    }
}

static NTSTATUS MipUnlock(PEPROCESS Process, const MI_USER_RANGE *Range, ULONG Locks)
{
    ULONG_PTR Va;

    if (!MipAreLocked(Process, Range, Locks)) {
        MipTrimUnlocked(Process, Range);
        return STATUS_NOT_LOCKED;
    }
    for (Va = Range->Start; Va < Range->End; Va += PAGE_SIZE) {
        MiUnlockUserPage(Process, MiGetPteAddress(Va), Locks);
    }
    return STATUS_SUCCESS;
}

typedef NTSTATUS MIP_ROUTINE(PEPROCESS Process, const MI_USER_RANGE *Range, ULONG Locks);

NT_C_ASSERT(MAP_PROCESS << 1 == MI_LOCK_IN_WORKING_SET && MAP_SYSTEM << 1 == MI_LOCK_IN_MEMORY);

static NTSTATUS MipRun(MIP_ROUTINE *Routine, HANDLE ProcessHandle, PVOID *BaseAddress,
                       PSIZE_T RegionSize, ULONG MapType)
{
    MI_USER_RANGE Range;
    MI_TARGET Target;
    NTSTATUS Status;

    if (MapType == 0 || (MapType & ~(MAP_PROCESS | MAP_SYSTEM)) != 0) {
        return STATUS_INVALID_PARAMETER_4;
    }
    Status = MiMakeUserRange(*BaseAddress, *RegionSize, STATUS_INVALID_PARAMETER_2,
                             STATUS_INVALID_PARAMETER_3, &Range);
    if (NT_SUCCESS(Status) && *RegionSize == 0) {
        Status = STATUS_INVALID_PARAMETER_3;
    }
    if (NT_SUCCESS(Status)) {
        Status = MiEnterTarget(ProcessHandle, PROCESS_VM_OPERATION, &Target);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = Routine(Target.Process, &Range, MapType << 1);
    MiLeaveTarget(&Target);
    if (NT_SUCCESS(Status)) {
        *BaseAddress = (PVOID)Range.Start;
        *RegionSize = MiRangeBytes(&Range);
    }
    return Status;
}

NTSTATUS NTAPI NtLockVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize,
                                   ULONG MapType)
{
    return MipRun(MipLock, ProcessHandle, BaseAddress, RegionSize, MapType);
}

NTSTATUS NTAPI NtUnlockVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize,
                                     ULONG MapType)
{
    return MipRun(MipUnlock, ProcessHandle, BaseAddress, RegionSize, MapType);
}
