/* SPDX-License-Identifier: MIT */
/*
 * virtual_query.c - NtQueryVirtualMemory: what a page is, and how many after it are the same.
 */
#include "mm/space/user_page.h"
#include "mm/space/user_range.h"

/* Up to the next descriptor, or the end of the user half: also where nobody may reserve. */
static void MipDescribeFree(PEPROCESS Process, ULONG_PTR Va, PMEMORY_BASIC_INFORMATION Information)
{
    PMMVAD Next = MiFindVadFrom(Process, (ULONG)(Va >> PAGE_SHIFT));
    ULONG_PTR End = Next == NULL ? Process->HighestUserAddress + 1 : MiVadStart(Next);

    Information->State = MEM_FREE;
    Information->Protect = PAGE_NOACCESS;
    Information->RegionSize = End - Va;
}

/* Page tables are brought in one by one: most regions end in the first.  => FALSE: begin anew. */
static BOOLEAN MipBringTable(PEPROCESS Process, ULONG_PTR Va)
{
    return !MiIsPageTableOut(Va) || MiBringPageTables(Process, Va, Va);
}

/* => The first page behind Va that is not as Protection says; 0: begin anew. */
static ULONG_PTR MipFindOther(PEPROCESS Process, const MMVAD *Vad, ULONG_PTR Va, ULONG Protection)
{
    ULONG_PTR End = ((ULONG_PTR)Vad->EndingVpn + 1) << PAGE_SHIFT;
    BOOLEAN Alike = !MiIsView(Vad) || MiIsPlainView(Vad);

    while (Va < End) {
        ULONG_PTR Next = Alike ? MiSkipMissingTable(Va) : Va; /* all of a missing table is alike */

        if (!MipBringTable(Process, Va)) {
            return 0;
        }
        if (MiQueryPageProtection(Vad, Va) != Protection) {
            return Va;
        }
        Va = Next == Va ? Va + PAGE_SIZE : Next;
    }
    return End;
}

static ULONG MipType(const MMVAD *Vad)
{
    if (!MiIsView(Vad)) {
        return MEM_PRIVATE;
    }
    return Vad->u.VadFlags.ImageMap ? MEM_IMAGE : MEM_MAPPED;
}

/* => FALSE: begin anew. */
static BOOLEAN MipDescribeUsed(PEPROCESS Process, const MMVAD *Vad, ULONG_PTR Va,
                               PMEMORY_BASIC_INFORMATION Information)
{
    ULONG Protection;
    ULONG_PTR Other;

    if (!MipBringTable(Process, Va)) {
        return FALSE;
    }
    Protection = MiQueryPageProtection(Vad, Va);
    Other = MipFindOther(Process, Vad, Va, Protection);
    if (Other == 0) {
        return FALSE;
    }
    Information->AllocationBase = (PVOID)MiVadStart(Vad);
    Information->AllocationProtect = MiProtectOf(Vad->u.VadFlags.Protection);
    Information->RegionSize = Other - Va;
    Information->State = Protection == MI_NO_PROTECTION ? MEM_RESERVE : MEM_COMMIT;
    Information->Protect = Protection == MI_NO_PROTECTION ? 0 : MiProtectOf(Protection);
    Information->Type = MipType(Vad);
    return TRUE;
}

/* => FALSE: begin anew: memory was waited for, without the lock. */
static BOOLEAN MipDescribe(PEPROCESS Process, ULONG_PTR Va, PMEMORY_BASIC_INFORMATION Information)
{
    PMMVAD Vad = MiFindVad(Process, (ULONG)(Va >> PAGE_SHIFT));

    if (Vad != NULL) {
        return MipDescribeUsed(Process, Vad, Va, Information);
    }
    MipDescribeFree(Process, Va, Information);
    return TRUE;
}

NTSTATUS NTAPI NtQueryVirtualMemory(HANDLE ProcessHandle, PVOID BaseAddress,
                                    MEMORY_INFORMATION_CLASS MemoryInformationClass,
                                    PVOID MemoryInformation, SIZE_T MemoryInformationLength,
                                    PSIZE_T ReturnLength)
{
    ULONG_PTR Va = (ULONG_PTR)PAGE_ALIGN(BaseAddress);
    MEMORY_BASIC_INFORMATION Information = {.BaseAddress = (PVOID)Va};
    MI_TARGET Target;
    NTSTATUS Status;

    if (MemoryInformationClass != MemoryBasicInformation) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (MemoryInformationLength < sizeof(Information)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    Status = MiEnterTarget(ProcessHandle, PROCESS_QUERY_INFORMATION, &Target);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Va > Target.Process->HighestUserAddress) {
        MiLeaveTarget(&Target);
        return STATUS_INVALID_PARAMETER;
    }
    while (!MipDescribe(Target.Process, Va, &Information)) {
    }
    MiLeaveTarget(&Target);
    *(PMEMORY_BASIC_INFORMATION)MemoryInformation = Information;
    if (ReturnLength != NULL) {
        *ReturnLength = sizeof(Information);
    }
    return STATUS_SUCCESS;
}
