/* SPDX-License-Identifier: MIT */
/*
 * process.h - EPROCESS: an address space, and what the process is charged for.
 *
 * Letters: (S) AddressCreationLock, (P) MiPfnLock, (L) PspActiveProcessMutex, (A) atomic, (I) fixed
 * after creation.
 */
#ifndef MM_SPACE_PROCESS_H
#define MM_SPACE_PROCESS_H

#include "mm/ke/process.h"
#include "mm/ob/handle.h"
#include "mm/ws/working_set.h"
#include "ps.h"
#include "rtl.h"
#include "vm.h"

#define MI_PROCESS_NAME_BYTES 16u
#define MI_PROCESS_TAG        0x636F7250u /* 'Proc', as on NT */

/* The documented default limits of a working set, in pages. */
#define MI_DEFAULT_MINIMUM_WORKING_SET 50u
#define MI_DEFAULT_MAXIMUM_WORKING_SET 345u

#define MI_NO_LIMIT                    0xFFFFFFFFu

/* QuotaUsage: bytes of pool, pages of the paging files. */
typedef enum _PS_QUOTA_TYPE {
    PsNonPagedPool,
    PsPagedPool,
    PsPageFile,
    PsQuotaTypes
} PS_QUOTA_TYPE;

typedef struct _EPROCESS {
    KPROCESS Pcb;                  /* must be first */
    LIST_ENTRY ActiveProcessLinks; /* (L) among all that were not deleted */
    LIST_ENTRY MmProcessLinks;     /* (P) among the address spaces, which share the system half */
    HANDLE UniqueProcessId;        /* (I) a multiple of 4 */
    char ImageFileName[MI_PROCESS_NAME_BYTES]; /* (I) */
    PHANDLE_TABLE ObjectTable;                 /* (I) its handles */
    BOOLEAN VmDeleted;                         /* (S) it was ended: the user half stays empty */
    BOOLEAN SessionLeader; /* (I) Pcb.Session is its own, and it has no reference to it */

    ULONG_PTR
    HighestUserAddress; /* (I) MmHighestUserAddress, or 7FFEFFFF: not large-address-aware */
    FAST_MUTEX AddressCreationLock; /* descriptors, page tables and PTEs of the user half */
    RTL_AVL_TREE VadRoot;           /* (S) by address; they do not overlap */
    struct _MMVAD *VadHint;         /* (S) found or made last; or NULL */
    RTL_BITMAP VadBitMap;           /* (S) a bit for each 64 KB that a VAD begins or lies in */
    ULONG VadBitMapHint;            /* (S) every bit below is set */
    ULONG NumberOfVads;             /* (S) */

    SIZE_T VirtualSize;        /* (S) bytes of addresses in use */
    SIZE_T PeakVirtualSize;    /* (S) */
    ULONG CommitCharge;        /* (S) pages: private ones, and page tables that VADs may need */
    ULONG CommitChargePeak;    /* (S) */
    ULONG CommitLimitNeeded;   /* (S) by the last charge that the commit limit refused */
    ULONG CommittedPageTables; /* (S) of these, page tables */
    ULONG StructurePages;      /* (I) directory and the like: charged to the system */
    ULONG PageTables;          /* (S) page tables of the user half, in memory or out */
    ULONG NumberOfLockedPages; /* (A) that MDLs lock, one for each time */
    MMSUPPORT Vm;              /* its working set; the mutex is AddressCreationLock */
    ULONG QuotaUsage[PsQuotaTypes]; /* (A) */
    ULONG QuotaPeak[PsQuotaTypes];  /* (A) */
    ULONG QuotaLimit[PsQuotaTypes]; /* (S) */
} EPROCESS;

extern LIST_ENTRY PsActiveProcessHead;   /* (L) */
extern FAST_MUTEX PspActiveProcessMutex; /* above every process' AddressCreationLock */

/* What a new process is to be. */
typedef struct _PS_NEW_PROCESS {
    const char *Name;
    ULONG Flags;                       /* PS_LARGE_ADDRESS_AWARE */
    struct _MM_SESSION_SPACE *Session; /* NULL: none; else the caller has a reference */
    BOOLEAN SessionLeader;
} PS_NEW_PROCESS;

/* As PsCreateProcessEx. */
NT_MUST_CHECK NTSTATUS PspCreateProcess(const PS_NEW_PROCESS *Wanted, PEPROCESS *New);

/*
 * Make the running address space that of PsInitialSystemProcess; from then on there are processes.
 *
 * => PASSIVE_LEVEL, once, after pools and hyperspace.  STATUS_NO_MEMORY,
 *    STATUS_INSUFFICIENT_RESOURCES.
 */
NT_MUST_CHECK NTSTATUS MiInitializeProcesses(void);

/* Before a machine's first MiInitializeProcesses there are none, whatever there was. */
void MiForgetProcesses(void);

static inline void MiLockAddressSpace(PEPROCESS Process)
{
    ExAcquireFastMutex(&Process->AddressCreationLock);
}

static inline void MiUnlockAddressSpace(PEPROCESS Process)
{
    ExReleaseFastMutex(&Process->AddressCreationLock);
}

/* Whom a service works on: referenced, attached to, its address space locked. */
typedef struct _MI_TARGET {
    PEPROCESS Process;
    KAPC_STATE ApcState;
} MI_TARGET, *PMI_TARGET;

/*
 * => What ObReferenceObjectByHandle says, STATUS_PROCESS_IS_TERMINATING: nothing to leave.
 */
NT_MUST_CHECK NTSTATUS MiReferenceTarget(HANDLE ProcessHandle, ACCESS_MASK Access,
                                         PEPROCESS *Process);
NT_MUST_CHECK NTSTATUS MiEnterTarget(HANDLE ProcessHandle, ACCESS_MASK Access, PMI_TARGET Target);
void MiLeaveTarget(PMI_TARGET Target);

/*
 * Charge Pages of private memory to the process and to commitment, and the reverse.
 *
 * => Under the address space's lock.
 * => STATUS_PAGEFILE_QUOTA, STATUS_COMMITMENT_LIMIT: nothing was charged.  A service that ends so
 *    lets go of all locks, and begins again if MiWaitForCommitment (mm/pfn/commit_growth.h) says,
 *    of CommitLimitNeeded, that another try is worth it.
 */
NT_MUST_CHECK NTSTATUS MiChargeProcessCommit(PEPROCESS Process, ULONG Pages);
void MiReturnProcessCommit(PEPROCESS Process, ULONG Pages);

/* Bytes of pool.  => STATUS_QUOTA_EXCEEDED: nothing was charged. */
NT_MUST_CHECK NTSTATUS MiChargeProcessPool(PEPROCESS Process, PS_QUOTA_TYPE Type, ULONG Bytes);
void MiReturnProcessPool(PEPROCESS Process, PS_QUOTA_TYPE Type, ULONG Bytes);

#endif
