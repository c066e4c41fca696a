/* SPDX-License-Identifier: MIT */
/*
 * mm.h - the memory manager's public calls for drivers: MDLs, mappings, contiguous memory.
 *
 * Names, prototypes, layouts and values are those of wdm.h and ntddk.h.  Source of behaviour:
 * learn.microsoft.com/windows-hardware/drivers/ddi/wdm, a page for each call.  Every mapping call
 * here works on the system half; what needs a user address space says so.
 *
 * An exception cannot be raised yet.  Calls that are documented to raise one stop the machine with
 * KMODE_EXCEPTION_NOT_HANDLED (0x1E) instead, P1 the status: what a driver without a handler sees.
 */
#ifndef MM_H
#define MM_H

#include "arch/cpu.h"
#include "nt/status.h"
#include "nt/types.h"

typedef SHORT CSHORT;

typedef enum _LOCK_OPERATION {
    IoReadAccess,  /* the device reads the buffer */
    IoWriteAccess, /* the device writes it */
    IoModifyAccess
} LOCK_OPERATION;

typedef enum _MEMORY_CACHING_TYPE {
    MmNonCached = 0,
    MmCached = 1,
    MmWriteCombined = 2,
    MmHardwareCoherentCached,
    MmNonCachedUnordered,
    MmUSWCCached,
    MmMaximumCacheType,
    MmNotMapped = -1
} MEMORY_CACHING_TYPE;

typedef enum _MM_PAGE_PRIORITY {
    LowPagePriority, /* fails while the system is fairly low on PTEs */
    NormalPagePriority = 16,
    HighPagePriority = 32 /* fails only when there are none */
} MM_PAGE_PRIORITY;

/* ---- memory descriptor lists ---- */

/*
 * Describes a buffer: its address, then the frame number of each page.  Locking: the owner's.
 */
typedef struct _MDL {
    struct _MDL *Next;         /* the I/O request's next MDL */
    CSHORT Size;               /* of header and frame numbers in bytes; unsigned 16 bits */
    CSHORT MdlFlags;           /* MDL_* */
    struct _EPROCESS *Process; /* whose the buffer is; NULL: the system's */
    PVOID MappedSystemVa;      /* with MDL_MAPPED_TO_SYSTEM_VA or MDL_SOURCE_IS_NONPAGED_POOL */
    PVOID StartVa;             /* the buffer's first page */
    ULONG ByteCount;
    ULONG ByteOffset; /* of the buffer in its first page */
} MDL, *PMDL;

typedef struct _IRP *PIRP;

#define MDL_MAPPED_TO_SYSTEM_VA     0x0001
#define MDL_PAGES_LOCKED            0x0002
#define MDL_SOURCE_IS_NONPAGED_POOL 0x0004
#define MDL_ALLOCATED_FIXED_SIZE    0x0008
#define MDL_PARTIAL                 0x0010
#define MDL_PARTIAL_HAS_BEEN_MAPPED 0x0020
#define MDL_IO_PAGE_READ            0x0040
#define MDL_WRITE_OPERATION         0x0080
#define MDL_PARENT_MAPPED_SYSTEM_VA 0x0100
#define MDL_FREE_EXTRA_PTES         0x0200
#define MDL_DESCRIBES_AWE           0x0400
#define MDL_IO_SPACE                0x0800
#define MDL_NETWORK_HEADER          0x1000
#define MDL_MAPPING_CAN_FAIL        0x2000
#define MDL_ALLOCATED_MUST_SUCCEED  0x4000

#if UINTPTR_MAX == 0xFFFFFFFFu
NT_C_ASSERT(sizeof(MDL) == 28);
NT_C_ASSERT(FIELD_OFFSET(MDL, Size) == 4);
NT_C_ASSERT(FIELD_OFFSET(MDL, MdlFlags) == 6);
NT_C_ASSERT(FIELD_OFFSET(MDL, Process) == 8);
NT_C_ASSERT(FIELD_OFFSET(MDL, MappedSystemVa) == 12);
NT_C_ASSERT(FIELD_OFFSET(MDL, StartVa) == 16);
NT_C_ASSERT(FIELD_OFFSET(MDL, ByteCount) == 20);
NT_C_ASSERT(FIELD_OFFSET(MDL, ByteOffset) == 24);
#endif

#define ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va, Bytes)                                                  \
    ((ULONG)((((ULONG_PTR)(Va) & (PAGE_SIZE - 1)) + (Bytes) + (PAGE_SIZE - 1)) >> PAGE_SHIFT))

#define MmGetMdlByteCount(Mdl)      ((Mdl)->ByteCount)
#define MmGetMdlByteOffset(Mdl)     ((Mdl)->ByteOffset)
#define MmGetMdlBaseVa(Mdl)         ((Mdl)->StartVa)
#define MmGetMdlPfnArray(Mdl)       ((PPFN_NUMBER)((Mdl) + 1))
#define MmGetMdlVirtualAddress(Mdl) ((PVOID)((PCHAR)((Mdl)->StartVa) + (Mdl)->ByteOffset))

/* Fill in the header for a buffer.  => The memory at Mdl is MmSizeOfMdl(BaseVa, Length) long. */
static inline void MmInitializeMdl(PMDL Mdl, PVOID BaseVa, SIZE_T Length)
{
    Mdl->Next = NULL;
    Mdl->Size =
        (CSHORT)(sizeof(MDL) + sizeof(PFN_NUMBER) * ADDRESS_AND_SIZE_TO_SPAN_PAGES(BaseVa, Length));
    Mdl->MdlFlags = 0;
    Mdl->StartVa = PAGE_ALIGN(BaseVa);
    Mdl->ByteOffset = BYTE_OFFSET(BaseVa);
    Mdl->ByteCount = (ULONG)Length;
}

/* An MDL of one's own is used again: its pages are not locked; a mapping of a part goes. */
#define MmPrepareMdlForReuse(Mdl)                                                                  \
    ((((Mdl)->MdlFlags & (MDL_PARTIAL_HAS_BEEN_MAPPED | MDL_MAPPED_TO_SYSTEM_VA)) ==               \
      (MDL_PARTIAL_HAS_BEEN_MAPPED | MDL_MAPPED_TO_SYSTEM_VA))                                     \
         ? MmUnmapLockedPages((Mdl)->MappedSystemVa, (Mdl))                                        \
         : (void)0)

/* Bytes of an MDL for a buffer.  => Any IRQL. */
SIZE_T NTAPI MmSizeOfMdl(PVOID Base, SIZE_T Length);

/*
 * Allocate an MDL for a buffer and initialise it.
 *
 * => IRQL <= DISPATCH_LEVEL.  ChargeQuota has no effect.  Irp, unless NULL, gets the MDL as its
 *    only one, or with SecondaryBuffer behind those that it has.
 * => NULL: no memory, or the buffer is longer than PAGE_SIZE * (65535 - sizeof(MDL)) / 4 bytes.
 */
PMDL NTAPI IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer,
                         BOOLEAN ChargeQuota, PIRP Irp);

/*
 * Free it; a mapping of a partial MDL's own goes with it.
 *
 * => IRQL <= DISPATCH_LEVEL.
 * => Bug check 0x1A, 61946 (P2 the MDL, P3 its flags): it still locks pages or has another mapping.
 */
void NTAPI IoFreeMdl(PMDL Mdl);

/*
 * Make Target describe Length bytes at VirtualAddress, a part of what Source describes; 0: as far
 * as Source goes.  Takes over the system mapping of Source and shares its frames.
 *
 * => IRQL <= DISPATCH_LEVEL.  Target is large enough, else bug check 0x1A, 61946.
 */
void NTAPI IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length);

/*
 * Fill in the frames of a buffer in nonpaged pool (or other nonpaged system memory).
 *
 * => IRQL <= DISPATCH_LEVEL.  Bug check 0x1A, 1240 (P2 the MDL) when a page is not resident.
 */
void NTAPI MmBuildMdlForNonPagedPool(PMDL Mdl);

/*
 * Make a buffer resident, check that it may be accessed, and lock its pages.
 *
 * => IRQL <= DISPATCH_LEVEL, for pageable buffers <= APC_LEVEL.
 * => Raises STATUS_ACCESS_VIOLATION: the buffer wraps, is not there, is not writable (for
 *    IoWriteAccess and IoModifyAccess), lies in the system half while AccessMode is UserMode, or
 *    not all in one half.  STATUS_GUARD_PAGE_VIOLATION; STATUS_IN_PAGE_ERROR: a page cannot be
 *    read.  STATUS_INSUFFICIENT_RESOURCES: a page is locked too often.  Nothing is locked then.
 * => A buffer in the user half is the running process', which must not end before the pages are
 *    unlocked: bug check 0x76, P1 0, P2 the process, P3 the pages that are locked.
 * => Bug check 0x1A, 61946: the MDL is locked, mapped, partial or describes nonpaged pool.
 */
void NTAPI MmProbeAndLockPages(PMDL Mdl, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation);

/*
 * Unmap the MDL's system mapping, if it has one, and unlock its pages.
 *
 * => IRQL <= DISPATCH_LEVEL.
 * => Bug check 0x76 (P1 1, P2 the MDL, P3 the pages that are locked): it does not lock any.
 */
void NTAPI MmUnlockPages(PMDL Mdl);

/*
 * Map the MDL's pages into system space.
 *
 * RAM that is mapped elsewhere keeps the cache attribute that it has there; CacheType counts for
 * device registers and for pages from MmAllocatePagesForMdl that nobody has mapped yet.
 *
 * => AccessMode KernelMode, IRQL <= DISPATCH_LEVEL; BaseAddress is not used.  UserMode raises
 *    STATUS_NOT_SUPPORTED.
 * => Returns the buffer's address.  NULL: no system PTEs are left for this Priority (with
 *    BugCheckOnFailure bug check 0x3F), or CacheType is not one of the first three.
 * => Bug check 0x1A: 1233 (P2 the MDL) when its pages are not locked; 61946 when it is mapped.
 */
PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDL Mdl, KPROCESSOR_MODE AccessMode,
                                         MEMORY_CACHING_TYPE CacheType, PVOID BaseAddress,
                                         ULONG BugCheckOnFailure, MM_PAGE_PRIORITY Priority);

/*
 * The older form: MmCached, and bug check 0x3F when it fails unless MDL_MAPPING_CAN_FAIL is set.
 *
 * => As above.
 */
PVOID NTAPI MmMapLockedPages(PMDL Mdl, KPROCESSOR_MODE AccessMode);

/*
 * => IRQL <= DISPATCH_LEVEL.
 * => Bug check 0xDA, P2 the MDL: 6 when it is not mapped, 5 when BaseAddress (P4) is not where
 *    it is mapped (P3), 4 when another frame (P4) than the MDL's first (P3) is mapped there.
 */
void NTAPI MmUnmapLockedPages(PVOID BaseAddress, PMDL Mdl);

#define MmGetSystemAddressForMdlSafe(Mdl, Priority)                                                \
    (((Mdl)->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))                   \
         ? (Mdl)->MappedSystemVa                                                                   \
         : MmMapLockedPagesSpecifyCache((Mdl), KernelMode, MmCached, NULL, FALSE, (Priority)))

/*
 * Allocate zeroed pages, not mapped anywhere, with their addresses in [LowAddress, HighAddress];
 * when that range has not enough, the one SkipBytes (if not 0) higher, and so on.
 *
 * => IRQL <= APC_LEVEL.
 * => Returns a locked MDL with StartVa NULL, whose ByteCount may be below TotalBytes.  NULL: not
 *    one page, or no memory for the MDL.  Freed by MmFreePagesFromMdl, then ExFreePool.
 */
PMDL NTAPI MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                 PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes);

/*
 * Free the pages; the MDL remains.
 *
 * => IRQL <= APC_LEVEL.  Bug check 0x1A, 61946: it is mapped, or has no such pages.
 */
void NTAPI MmFreePagesFromMdl(PMDL Mdl);

/* ---- mapping addresses reserved in advance, so that mapping cannot fail ---- */

/*
 * Reserve system PTEs for NumberOfBytes.
 *
 * => IRQL <= APC_LEVEL.  Bug check 0xDA, 100 (P3 the bytes): PoolTag or NumberOfBytes is 0.
 * => Returns a page-aligned address; NULL: no system PTEs.
 */
PVOID NTAPI MmAllocateMappingAddress(SIZE_T NumberOfBytes, ULONG PoolTag);

/*
 * => IRQL <= APC_LEVEL.
 * => Bug check 0xDA, P2 the address: 101 not a reserved mapping, 102 PoolTag (P3) is not its tag
 *    (P4), 103 something is still mapped (P3 at which page).
 */
void NTAPI MmFreeMappingAddress(PVOID BaseAddress, ULONG PoolTag);

/*
 * Map locked pages at a reserved address.
 *
 * => IRQL <= DISPATCH_LEVEL.
 * => Returns the buffer's address; NULL: the MDL has more pages than were reserved, or CacheType
 *    is not one of the first three.
 * => Bug check 0xDA, P2 the address: 104 not a reserved mapping, 105 PoolTag (P3, the right one
 *    P4), 106 something is mapped already.  0x1A, 1233 and 61946 as MmMapLockedPagesSpecifyCache.
 */
PVOID NTAPI MmMapLockedPagesWithReservedMapping(PVOID MappingAddress, ULONG PoolTag, PMDL Mdl,
                                                MEMORY_CACHING_TYPE CacheType);

/*
 * => IRQL <= DISPATCH_LEVEL.
 * => Bug check 0xDA, P2 the address: 107 not a reserved mapping, 108 PoolTag (P3, the right one
 *    P4), 109 the MDL (P3) is not mapped there.
 */
void NTAPI MmUnmapReservedMapping(PVOID BaseAddress, ULONG PoolTag, PMDL Mdl);

/* ---- device registers ---- */

/*
 * Map a range of physical addresses.  A cache attribute that RAM in the range has already wins.
 *
 * => IRQL <= DISPATCH_LEVEL.
 * => Returns the address; NULL: no system PTEs, NumberOfBytes is 0, the range passes 4 GB, or
 *    CacheType is not one of the first three.
 * => Bug check 0x1A, 1233 (P2 the frame): RAM that nobody uses.
 */
PVOID NTAPI MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
                         MEMORY_CACHING_TYPE CacheType);

/* => IRQL <= DISPATCH_LEVEL.  Bug check 0xDA, 400 (P2 the address, P3 the bytes): not so mapped. */
void NTAPI MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes);

/* ---- addresses ---- */

/* => Any IRQL.  Returns 0 when VirtualAddress is not mapped. */
PHYSICAL_ADDRESS NTAPI MmGetPhysicalAddress(PVOID VirtualAddress);

/* => Any IRQL.  Returns whether touching the byte would fault at this moment. */
BOOLEAN NTAPI MmIsAddressValid(PVOID VirtualAddress);

/*
 * Take every page of pageable system memory out of the system's working set: the next access to
 * each faults.  PurgeTransition: and forget what pages on standby hold, whoever's they are.
 *
 * => TRUE: done; pages that I/O has locked stay.  FALSE: IRQL is above APC_LEVEL, or the working
 *    set is in use.
 * => The export of NT 5.2 is spelled MmTrimAllSystemPagableMemory.
 */
BOOLEAN NTAPI MmTrimAllSystemPageableMemory(BOOLEAN PurgeTransition);
#define MmTrimAllSystemPagableMemory MmTrimAllSystemPageableMemory

/* ---- pageable code and data ---- */

/*
 * Put into a section of the image that may be paged out, when its code is below DISPATCH_LEVEL
 * only: it begins with PAGED_CODE().  What the routine calls inline comes along.
 */
#define NT_PAGED __attribute__((section("PAGE"), noinline))

/* Stop the machine when IRQL is too high for code that may have to be paged in. */
#define PAGED_CODE()                                                                               \
    (KeGetCurrentIrql() > APC_LEVEL ? MmPagedCodeAtRaisedIrql(__func__, __LINE__) : (void)0)
NT_NORETURN void MmPagedCodeAtRaisedIrql(const char *Routine, ULONG Line);

/*
 * Make the section of the kernel's or a driver's image in which an address lies resident until it
 * is unlocked as often as it was locked.  Waits for the disk; a page that cannot be read is bug
 * check 0x7A.
 *
 * => IRQL <= APC_LEVEL.  Returns the handle for the two calls below.
 * => Bug check 0x1A, 1234 (P2 the address, P3 1): it lies in no section of an image.
 */
PVOID NTAPI MmLockPagableDataSection(PVOID AddressWithinSection);
#define MmLockPagableCodeSection(Address) MmLockPagableDataSection(Address)

/*
 * The same once more, which costs no search.
 *
 * => IRQL <= APC_LEVEL.  Bug check 0x1A, 1234 (P2 the handle): there is no such handle.
 */
void NTAPI MmLockPagableSectionByHandle(PVOID ImageSectionHandle);

/*
 * Undo one lock.
 *
 * => IRQL <= APC_LEVEL.
 * => Bug check 0x1A, P2 the handle: 1010 the section is not locked, 1234 there is no such handle.
 */
void NTAPI MmUnlockPagableImageSection(PVOID ImageSectionHandle);

/*
 * Make all sections of an image pageable, whatever their names; one that is locked stays as it is.
 *
 * => IRQL <= APC_LEVEL.
 * => Returns where the image begins; NULL: the address lies in none.
 */
PVOID NTAPI MmPageEntireDriver(PVOID AddressWithinSection);

/*
 * Those sections are pageable again whose names say so; the others are resident, and stay.  Waits
 * for the disk.  An address in no image: nothing.
 *
 * => IRQL <= APC_LEVEL.
 */
void NTAPI MmResetDriverPaging(PVOID AddressWithinSection);

/* ---- memory that appears at run time ---- */

/*
 * Hand over RAM that was not there when the system started: it becomes free pages, the commit limit
 * rises.
 *
 * => PASSIVE_LEVEL.  Both are multiples of PAGE_SIZE.  On success *NumberOfBytes says how much was
 *    added: all of it.
 * => STATUS_INVALID_PARAMETER: not page aligned, no bytes, negative, or the range wraps.
 *    STATUS_INSUFFICIENT_RESOURCES: the page-frame database has no room for it; without PAE nothing
 *    from 4 GB up can be added.  STATUS_CONFLICTING_ADDRESSES: some of it is known already.  Then
 *    nothing has changed.
 */
NT_MUST_CHECK NTSTATUS NTAPI MmAddPhysicalMemory(PPHYSICAL_ADDRESS StartAddress,
                                                 PLARGE_INTEGER NumberOfBytes);

/* ---- memory that devices can use as it is ---- */

/*
 * Allocate physically contiguous, nonpaged, page-aligned memory, contents undefined.
 *
 * => IRQL <= DISPATCH_LEVEL.  BoundaryAddressMultiple: 0 or a power of two of at least a page
 *    that the memory does not cross.
 * => NULL: no such memory, no system PTEs, or a parameter that makes no sense.
 */
PVOID NTAPI MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes,
                                                   PHYSICAL_ADDRESS LowestAcceptableAddress,
                                                   PHYSICAL_ADDRESS HighestAcceptableAddress,
                                                   PHYSICAL_ADDRESS BoundaryAddressMultiple,
                                                   MEMORY_CACHING_TYPE CacheType);

/*
 * The same from address 0 up, without a boundary, cached.
 *
 * => The highest addresses that will do are taken: low memory is left to those who ask for it.
 */
PVOID NTAPI MmAllocateContiguousMemory(SIZE_T NumberOfBytes,
                                       PHYSICAL_ADDRESS HighestAcceptableAddress);

/*
 * => IRQL <= DISPATCH_LEVEL.
 * => Bug check 0xC2, 60 (P2 the address): not the start of such memory.  The longer form also
 *    when NumberOfBytes (P3) has another number of pages (P4).
 */
void NTAPI MmFreeContiguousMemory(PVOID BaseAddress);
void NTAPI MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
                                              MEMORY_CACHING_TYPE CacheType);

/* Allocate nonpaged memory that is not cached.  => IRQL <= APC_LEVEL.  NULL: none. */
PVOID NTAPI MmAllocateNonCachedMemory(SIZE_T NumberOfBytes);

/* => IRQL <= APC_LEVEL.  Bug check 0xC2, 60 as MmFreeContiguousMemorySpecifyCache. */
void NTAPI MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes);

#endif
