/* SPDX-License-Identifier: MIT */
/*
 * vm.h - the virtual memory services of a process, as ntifs.h declares them.
 *
 * ProcessHandle is NtCurrentProcess(), or a handle of the running process (NtOpenProcess), for
 * UserMode with the access that a service names; if it is not, the service returns what
 * ObReferenceObjectByHandle does: STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH,
 * STATUS_ACCESS_DENIED.  The pointers to arguments and results are trusted in both modes; addresses
 * inside the process are not.  Results are written on success only, and what they say holds for
 * whole pages.
 *
 *     PROCESS_VM_OPERATION        NtAllocate, NtFree, NtProtect, NtLock, NtUnlock, NtGetWriteWatch,
 *                                 NtResetWriteWatch
 *     PROCESS_QUERY_INFORMATION   NtQueryVirtualMemory
 *     PROCESS_VM_READ             NtReadVirtualMemory
 *     PROCESS_VM_WRITE, PROCESS_VM_OPERATION   NtWriteVirtualMemory
 *
 * A service that needs memory which cannot be had returns one of these, and changes nothing:
 *
 *     STATUS_COMMITMENT_LIMIT         RAM and paging files together cannot back it
 *     STATUS_PAGEFILE_QUOTA           the process may not commit so much
 *     STATUS_QUOTA_EXCEEDED           nor have so many descriptors
 *     STATUS_INSUFFICIENT_RESOURCES   no nonpaged pool for a descriptor
 *     STATUS_NO_MEMORY                no addresses; no frame for a page table
 *
 * STATUS_PROCESS_IS_TERMINATING: the process was ended.  => PASSIVE_LEVEL or APC_LEVEL.
 */
#ifndef VM_H
#define VM_H

#include "nt/status.h"
#include "nt/types.h"
#include "user_half.h"

#define NtCurrentProcess()        ((HANDLE)(LONG_PTR)-1)

#define MM_LOWEST_USER_ADDRESS    0x00010000u
#define MM_SHARED_USER_DATA_VA    0x7FFE0000u /* KUSER_SHARED_DATA's 64 KB: nobody else's */
#define MM_ALLOCATION_GRANULARITY 0x10000u

#define PAGE_NOACCESS             0x01u
#define PAGE_READONLY             0x02u
#define PAGE_READWRITE            0x04u
#define PAGE_WRITECOPY            0x08u
#define PAGE_EXECUTE              0x10u
#define PAGE_EXECUTE_READ         0x20u
#define PAGE_EXECUTE_READWRITE    0x40u
#define PAGE_EXECUTE_WRITECOPY    0x80u
#define PAGE_GUARD                0x100u
#define PAGE_NOCACHE              0x200u
#define PAGE_WRITECOMBINE         0x400u

#define MEM_COMMIT                0x00001000u
#define MEM_RESERVE               0x00002000u
#define MEM_DECOMMIT              0x00004000u
#define MEM_RELEASE               0x00008000u
#define MEM_FREE                  0x00010000u
#define MEM_PRIVATE               0x00020000u
#define MEM_MAPPED                0x00040000u
#define MEM_RESET                 0x00080000u
#define MEM_TOP_DOWN              0x00100000u
#define MEM_IMAGE                 0x01000000u
#define MEM_WRITE_WATCH           0x00200000u
#define MEM_PHYSICAL              0x00400000u

#define MAP_PROCESS               1u
#define MAP_SYSTEM                2u

#define WRITE_WATCH_FLAG_RESET    1u

/*
 * Reserve addresses, commit pages, or both; or say that the contents of pages do not matter any
 * more (MEM_RESET, which keeps them committed).  *BaseAddress NULL: anywhere, the lowest free place
 * (MEM_TOP_DOWN: the highest) below 2^(32 - ZeroBits); MEM_COMMIT then reserves too.
 *
 *     STATUS_INVALID_PARAMETER_2      *BaseAddress is not in the user half
 *     STATUS_INVALID_PARAMETER_3      ZeroBits is above 21
 *     STATUS_INVALID_PARAMETER_4      *RegionSize is 0, or leads out of the user half
 *     STATUS_INVALID_PARAMETER_5      AllocationType makes no sense
 *     STATUS_INVALID_PAGE_PROTECTION  Protect makes none, or is a copy-on-write one
 *     STATUS_CONFLICTING_ADDRESSES    reserve: some of it is in use, or above what a process has
 *                                     that is not large-address-aware; else: not all is reserved by
 *                                     one call
 *     STATUS_NOT_SUPPORTED            MEM_PHYSICAL, which is not there yet
 *     STATUS_ALREADY_COMMITTED        a view of a section whose pages are all committed
 *     STATUS_SECTION_PROTECTION       a view was mapped with less than Protect
 */
NT_MUST_CHECK NTSTATUS NTAPI NtAllocateVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress,
                                                     ULONG_PTR ZeroBits, PSIZE_T RegionSize,
                                                     ULONG AllocationType, ULONG Protect);

/*
 * Decommit pages, or release a whole reservation.  *RegionSize 0, with its base: all of it.
 *
 *     STATUS_INVALID_PARAMETER_2      *BaseAddress is not in the user half
 *     STATUS_INVALID_PARAMETER_3      *RegionSize leads out of it
 *     STATUS_INVALID_PARAMETER_4      FreeType is neither MEM_DECOMMIT nor MEM_RELEASE
 *     STATUS_MEMORY_NOT_ALLOCATED     nothing is reserved there
 *     STATUS_UNABLE_TO_FREE_VM        it leads out of the reservation; or a part is to be released
 *     STATUS_FREE_VM_NOT_AT_BASE      *RegionSize is 0 and *BaseAddress not the base
 *     STATUS_UNABLE_TO_DELETE_SECTION it is a view of a section
 */
NT_MUST_CHECK NTSTATUS NTAPI NtFreeVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress,
                                                 PSIZE_T RegionSize, ULONG FreeType);

/*
 * Change the protection of committed pages; *OldProtect is that of the first one before.
 *
 *     STATUS_INVALID_PARAMETER_2, _3  as above; _3 also for no bytes
 *     STATUS_INVALID_PAGE_PROTECTION  as NtAllocateVirtualMemory
 *     STATUS_CONFLICTING_ADDRESSES    not all lies in one reservation
 *     STATUS_NOT_COMMITTED            a page is not committed
 *     STATUS_SECTION_PROTECTION       a view of a section was mapped with less
 */
NT_MUST_CHECK NTSTATUS NTAPI NtProtectVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress,
                                                    PSIZE_T RegionSize, ULONG NewProtect,
                                                    PULONG OldProtect);

typedef enum _MEMORY_INFORMATION_CLASS {
    MemoryBasicInformation
} MEMORY_INFORMATION_CLASS;

/* A range of pages that are alike. */
typedef struct _MEMORY_BASIC_INFORMATION {
    PVOID BaseAddress;       /* the page that was asked about */
    PVOID AllocationBase;    /* of the reservation; NULL: free */
    ULONG AllocationProtect; /* as it was reserved */
    SIZE_T RegionSize;       /* from BaseAddress */
    ULONG State;             /* MEM_COMMIT, MEM_RESERVE, MEM_FREE */
    ULONG Protect;           /* of committed pages; free ones: PAGE_NOACCESS */
    ULONG Type;              /* MEM_PRIVATE, MEM_MAPPED, MEM_IMAGE; free ones: 0 */
} MEMORY_BASIC_INFORMATION, *PMEMORY_BASIC_INFORMATION;

#if defined(__i386__)
NT_C_ASSERT(sizeof(MEMORY_BASIC_INFORMATION) == 28);
#endif

/*
 *     STATUS_INVALID_INFO_CLASS       another class
 *     STATUS_INFO_LENGTH_MISMATCH     MemoryInformationLength is below the structure's
 *     STATUS_INVALID_PARAMETER        BaseAddress is not in the user half
 *
 * => ReturnLength may be NULL.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtQueryVirtualMemory(HANDLE ProcessHandle, PVOID BaseAddress,
                                                  MEMORY_INFORMATION_CLASS MemoryInformationClass,
                                                  PVOID MemoryInformation,
                                                  SIZE_T MemoryInformationLength,
                                                  PSIZE_T ReturnLength);

/*
 * Make pages resident and keep them so: in the working set (MAP_PROCESS), in memory (MAP_SYSTEM).
 * Each is a lock of its own, without a count: one unlock undoes all locks of its kind.  Freeing a
 * page, or taking all access to it away, unlocks it.
 *
 *     STATUS_WAS_LOCKED               (success) a page had such a lock before
 *     STATUS_INVALID_PARAMETER_2, _3  as NtProtectVirtualMemory
 *     STATUS_INVALID_PARAMETER_4      MapType is not MAP_PROCESS, MAP_SYSTEM or both
 *     STATUS_ACCESS_VIOLATION         a page is not committed, or has no access
 *     STATUS_GUARD_PAGE_VIOLATION     a guard page was met, and is none any more
 *     STATUS_WORKING_SET_QUOTA        the minimum working set less 8 pages cannot hold so many
 *     STATUS_NOT_LOCKED               unlock: a page lacks such a lock; none was unlocked, and as
 *                                     documented those without any left the working set
 */
NT_MUST_CHECK NTSTATUS NTAPI NtLockVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress,
                                                 PSIZE_T RegionSize, ULONG MapType);
NT_MUST_CHECK NTSTATUS NTAPI NtUnlockVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress,
                                                   PSIZE_T RegionSize, ULONG MapType);

/*
 * Copy between a process' memory and Buffer, which is the caller's: the user half of the current
 * process; for KernelMode the system's, too.
 *
 *     STATUS_ACCESS_VIOLATION         either range leads out of its half
 *     STATUS_PARTIAL_COPY             a page could not be accessed; what comes before it was copied
 *
 * => *Number... (may be NULL) is written always: bytes copied.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtReadVirtualMemory(HANDLE ProcessHandle, const void *BaseAddress,
                                                 PVOID Buffer, SIZE_T NumberOfBytesToRead,
                                                 PSIZE_T NumberOfBytesRead);
NT_MUST_CHECK NTSTATUS NTAPI NtWriteVirtualMemory(HANDLE ProcessHandle, PVOID BaseAddress,
                                                  const void *Buffer, SIZE_T NumberOfBytesToWrite,
                                                  PSIZE_T NumberOfBytesWritten);

/*
 * Which pages of a reservation made with MEM_WRITE_WATCH were written since it was made or reset?
 * Up to *Entries addresses are stored, lowest first; with WRITE_WATCH_FLAG_RESET those that were
 * stored are reset.
 *
 *     STATUS_INVALID_PARAMETER_1      no such reservation holds all of the range (reset)
 *     STATUS_INVALID_PARAMETER_2      Flags (get); the range (reset)
 *     STATUS_INVALID_PARAMETER_3      no such reservation (get)
 *     STATUS_INVALID_PARAMETER_4      RegionSize is 0
 *     STATUS_INVALID_PARAMETER_6      *Entries is 0
 *     STATUS_ACCESS_VIOLATION and other statuses of an access; STATUS_DATATYPE_MISALIGNMENT:
 *                                     Addresses has no room in the caller's user half (get)
 *     STATUS_INSUFFICIENT_RESOURCES   no nonpaged pool for more than 64 addresses (get)
 */
NT_MUST_CHECK NTSTATUS NTAPI NtGetWriteWatch(HANDLE ProcessHandle, ULONG Flags, PVOID BaseAddress,
                                             SIZE_T RegionSize, PVOID *Addresses, PSIZE_T Entries,
                                             PULONG Granularity);
NT_MUST_CHECK NTSTATUS NTAPI NtResetWriteWatch(HANDLE ProcessHandle, PVOID BaseAddress,
                                               SIZE_T RegionSize);

/*
 * Is a range of the user half readable (writable)?  A writable one is made so, page by page; its
 * contents stay.
 *
 *     STATUS_DATATYPE_MISALIGNMENT    Address is not a multiple of Alignment
 *     STATUS_ACCESS_VIOLATION         the range leads out of the user half; a page cannot be
 *                                     accessed so; or another status of such an access
 *
 * => Length 0 is always right.  Alignment 1, 2, 4, 8 or 16.  IRQL <= APC_LEVEL.  As documented,
 *    ProbeForRead looks at the addresses only; the access itself may still fail.
 */
NT_MUST_CHECK NTSTATUS MmProbeForRead(const volatile void *Address, SIZE_T Length, ULONG Alignment);
NT_MUST_CHECK NTSTATUS MmProbeForWrite(volatile void *Address, SIZE_T Length, ULONG Alignment);

/* The same for drivers: they raise, hence for now stop the machine: 0x1E, P1 the status. */
void NTAPI ProbeForRead(const volatile void *Address, SIZE_T Length, ULONG Alignment);
void NTAPI ProbeForWrite(volatile void *Address, SIZE_T Length, ULONG Alignment);

/*
 * Copy from or to the user half of the current address space.
 *
 * => The other side is the system's and good.  IRQL <= APC_LEVEL.
 * => STATUS_ACCESS_VIOLATION, or another status of the access that failed; *Copied (may be NULL)
 *    is written always.
 */
NT_MUST_CHECK NTSTATUS MmCopyFromUser(PVOID To, const void *From, SIZE_T Bytes, PSIZE_T Copied);
NT_MUST_CHECK NTSTATUS MmCopyToUser(PVOID To, const void *From, SIZE_T Bytes, PSIZE_T Copied);

#endif
