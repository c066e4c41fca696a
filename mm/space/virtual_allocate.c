/* SPDX-License-Identifier: MIT */
/*
 * virtual_allocate.c - NtAllocateVirtualMemory: reserving, committing, MEM_RESET.
 *
 * Pages that are reserved and committed at once cost a descriptor and nothing else: no PTE says
 * more than MemCommit does.  So does committing all of a reservation in which nothing is committed,
 * with the protection that it was reserved with.  Everything else is written into PTEs.
 *
 * Each step prepares what can fail (charges, descriptor, page tables) and then commits.  One that
 * the commit limit refuses begins again when a paging file has become longer.
 */
#include "mm/pfn/commit_growth.h"
#include "mm/space/user_page.h"
#include "mm/space/user_range.h"
#include "mm/space/view_range.h"

#define MIP_TYPES                                                                                  \
    (MEM_COMMIT | MEM_RESERVE | MEM_RESET | MEM_TOP_DOWN | MEM_WRITE_WATCH | MEM_PHYSICAL)
#define MIP_MOST_ZERO_BITS 21u

typedef struct _MIP_REQUEST {
    PVOID Base;          /* NULL: anywhere */
    SIZE_T Bytes;        /* as asked for */
    ULONG Type;          /* MEM_*; with MEM_RESERVE also where Base NULL implies it */
    ULONG Protection;    /* its code */
    ULONG_PTR Limit;     /* of addresses that are looked for */
    MI_USER_RANGE Range; /* of pages; with Base NULL its size only, until it is found */
    ULONG CommitLimit;   /* that a charge which was refused needs */
} MIP_REQUEST, *PMIP_REQUEST;

/* ---- arguments ---- */

static NTSTATUS MipCheckType(PMIP_REQUEST Request)
{
    ULONG Type = Request->Type;

    if ((Type & ~MIP_TYPES) != 0 || (Type & (MEM_COMMIT | MEM_RESERVE | MEM_RESET)) == 0 ||
        ((Type & MEM_RESET) != 0 && Type != MEM_RESET) ||
        ((Type & (MEM_WRITE_WATCH | MEM_PHYSICAL)) != 0 && (Type & MEM_RESERVE) == 0) ||
        ((Type & MEM_PHYSICAL) != 0 && (Type & ~(MEM_RESERVE | MEM_TOP_DOWN)) != MEM_PHYSICAL)) {
        return STATUS_INVALID_PARAMETER_5;
    }
    if (Request->Base == NULL && (Type & MEM_COMMIT) != 0) {
        Request->Type |= MEM_RESERVE;
    }
    return (Type & MEM_PHYSICAL) != 0 ? STATUS_NOT_SUPPORTED : STATUS_SUCCESS;
}

static NTSTATUS MipCheckProtect(PMIP_REQUEST Request, ULONG Protect)
{
    const ULONG CopyOnWrite = PAGE_WRITECOPY | PAGE_EXECUTE_WRITECOPY; /* of views only */

    Request->Protection = MiMakeProtection(Protect);
    return Request->Protection == MI_NO_PROTECTION || (Protect & CopyOnWrite) != 0
               ? STATUS_INVALID_PAGE_PROTECTION
               : STATUS_SUCCESS;
}

/* A reservation begins at a multiple of 64 KB; MEM_RESET forgets whole pages only. */
static NTSTATUS MipCheckRange(PMIP_REQUEST Request)
{
    NTSTATUS Status = MiMakeUserRange(Request->Base, Request->Bytes, STATUS_INVALID_PARAMETER_2,
                                      STATUS_INVALID_PARAMETER_4, &Request->Range);

    if (!NT_SUCCESS(Status) || Request->Bytes == 0) {
        return NT_SUCCESS(Status) ? STATUS_INVALID_PARAMETER_4 : Status;
    }
    if (Request->Base != NULL && (Request->Type & MEM_RESERVE) != 0) {
        Request->Range.Start =
            ROUND_DOWN(Request->Range.Start, (ULONG_PTR)MM_ALLOCATION_GRANULARITY);
        if (Request->Range.Start < MM_LOWEST_USER_ADDRESS) {
            return STATUS_INVALID_PARAMETER_2;
        }
        if (MiTouchesSharedData(Request->Range.Start, Request->Range.End)) {
            return STATUS_CONFLICTING_ADDRESSES;
        }
    }
    return STATUS_SUCCESS;
}

static NTSTATUS MipCheckRequest(PMIP_REQUEST Request, ULONG_PTR ZeroBits, ULONG Protect)
{
    NTSTATUS Status = MipCheckType(Request);

    if (ZeroBits > MIP_MOST_ZERO_BITS) {
        return STATUS_INVALID_PARAMETER_3;
    }
    Request->Limit = MM_USER_PROBE_ADDRESS;
    if (ZeroBits != 0) {
        Request->Limit = (ULONG_PTR)1 << (32 - ZeroBits);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipCheckProtect(Request, Protect);
    }
    return NT_SUCCESS(Status) ? MipCheckRange(Request) : Status;
}

/* ---- reserve ---- */

static NTSTATUS MipPlace(PEPROCESS Process, PMIP_REQUEST Request)
{
    ULONG Pages = MiRangePages(&Request->Range);
    PMMVAD Vad;
    NTSTATUS Status;

    if (Request->Base != NULL && Request->Range.End > Process->HighestUserAddress) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    if (Request->Base != NULL) {
        Vad = MiFindVadFrom(Process, (ULONG)(Request->Range.Start >> PAGE_SHIFT));
        return Vad != NULL && MiVadStart(Vad) <= Request->Range.End ? STATUS_CONFLICTING_ADDRESSES
                                                                    : STATUS_SUCCESS;
    }
    Status = MiFindFreeRange(Process, Pages, Request->Limit, (Request->Type & MEM_TOP_DOWN) != 0,
                             &Request->Range.Start);
    if (NT_SUCCESS(Status)) {
        Request->Range.End = Request->Range.Start + ((ULONG_PTR)Pages << PAGE_SHIFT) - 1;
    }
    return Status;
}

static NTSTATUS MipReserve(PEPROCESS Process, PMIP_REQUEST Request)
{
    BOOLEAN Commit = (Request->Type & MEM_COMMIT) != 0;
    NTSTATUS Status = MipPlace(Process, Request);
    ULONG Pages = MiRangePages(&Request->Range);
    MMVAD_FLAGS Flags = {
        .CommitCharge = Commit ? Pages : 0,
        .MemCommit = Commit,
        .PrivateMemory = 1,
        .WriteWatch = (Request->Type & MEM_WRITE_WATCH) != 0,
        .Protection = Request->Protection,
    };
    PMMVAD Vad;

    if (NT_SUCCESS(Status) && Commit) {
        Status = MiChargeProcessCommit(Process, Pages);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MiCreateVad(Process, Request->Range.Start, Pages, Flags, &Vad);
    if (!NT_SUCCESS(Status) && Commit) {
        MiReturnProcessCommit(Process, Pages);
    }
    return Status;
}

/* ---- commit ---- */

/* => The page tables are there, and what is new was charged. */
static void MipCommitPages(PEPROCESS Process, PMMVAD Vad, const MIP_REQUEST *Request)
{
    ULONG_PTR Va;

    for (Va = Request->Range.Start; Va < Request->Range.End; Va += PAGE_SIZE) {
        if (MiQueryPageProtection(Vad, Va) != Request->Protection) {
            MiProtectUserPage(Process, Vad, MiGetPteAddress(Va), Request->Protection);
        }
    }
    MiDeleteEmptyPageTables(Process, Request->Range.Start, Request->Range.End);
}

static NTSTATUS MipCommit(PEPROCESS Process, PMIP_REQUEST Request)
{
    PMMVAD Vad = MiFindVadWithTables(Process, &Request->Range);
    NTSTATUS Status;
    ULONG New;

    if (Vad == NULL) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    if (MiIsView(Vad)) {
        return MiCommitView(Process, Vad, &Request->Range, Request->Protection);
    }
    New = MiRangePages(&Request->Range) - MiCountCommittedPages(Vad, &Request->Range);
    Status = MiChargeProcessCommit(Process, New);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (New == MiVadPages(Vad) && !Vad->u.VadFlags.MemCommit &&
        Vad->u.VadFlags.Protection == Request->Protection) {
        Vad->u.VadFlags.MemCommit = 1;
    } else {
        Status = MiMakePageTables(Process, Request->Range.Start, Request->Range.End);
        if (!NT_SUCCESS(Status)) {
            MiReturnProcessCommit(Process, New);
            return Status;
        }
        MipCommitPages(Process, Vad, Request);
    }
    Vad->u.VadFlags.CommitCharge += New;
    return STATUS_SUCCESS;
}

/* ---- reset ---- */

static NTSTATUS MipReset(PEPROCESS Process, const MIP_REQUEST *Request)
{
    PMMVAD Vad = MiFindVadWithTables(Process, &Request->Range);
    ULONG_PTR Va = ROUND_UP((ULONG_PTR)Request->Base, (ULONG_PTR)PAGE_SIZE);
    ULONG_PTR End = ROUND_DOWN((ULONG_PTR)Request->Base + Request->Bytes, (ULONG_PTR)PAGE_SIZE);

    if (Vad == NULL) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    while (Va < End) {
        ULONG_PTR Next = MiSkipMissingTable(Va);

        if (Next == Va) {
            MiResetUserPage(Vad, MiGetPteAddress(Va));
            Next += PAGE_SIZE;
        }
        Va = Next;
    }
    return STATUS_SUCCESS;
}

/* ---- the service ---- */

static NTSTATUS MipAllocate(HANDLE ProcessHandle, PMIP_REQUEST Request)
{
    MI_TARGET Target;
    NTSTATUS Status = MiEnterTarget(ProcessHandle, PROCESS_VM_OPERATION, &Target);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if ((Request->Type & MEM_RESET) != 0) {
        Status = MipReset(Target.Process, Request);
    } else if ((Request->Type & MEM_RESERVE) != 0) {
        Status = MipReserve(Target.Process, Request);
    } else {
        Status = MipCommit(Target.Process, Request);
    }
    Request->CommitLimit = Target.Process->CommitLimitNeeded;
    MiLeaveTarget(&Target);
    return Status;
}

NTSTATUS NTAPI NtAllocateVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, ULONG_PTR ZeroBits,
                                       PSIZE_T RegionSize, ULONG AllocationType, ULONG Protect)
{
    MIP_REQUEST Request = {.Base = *BaseAddress, .Bytes = *RegionSize, .Type = AllocationType};
    NTSTATUS Status = MipCheckRequest(&Request, ZeroBits, Protect);
    ULONG Rises;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    do {
        Rises = MiQueryCommitRises();
        Status = MipAllocate(ProcessHandle, &Request);
    } while (Status == STATUS_COMMITMENT_LIMIT && MiWaitForCommitment(Request.CommitLimit, Rises));
    if (NT_SUCCESS(Status)) {
        *BaseAddress = (PVOID)Request.Range.Start;
        *RegionSize = MiRangeBytes(&Request.Range);
    }
    return Status;
}
