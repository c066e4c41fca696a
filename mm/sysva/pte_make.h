/* SPDX-License-Identifier: MIT */
/*
 * pte_make.h - the only place where mm composes page-table entries.
 *
 * Kinds of a system PTE, told apart without knowing who owns it:
 *
 *     valid    Valid = 1
 *     list     Valid = 0, List = 1: heads a free run of system PTEs
 *     demand   Valid = 0, only a protection: the first access makes a zeroed page (paged pool)
 *     zero     all bits 0: nothing, or reserved and not mapped
 */
#ifndef MM_SYSVA_PTE_MAKE_H
#define MM_SYSVA_PTE_MAKE_H

#include "arch/pte_x86.h"
#include "nt/types.h"

/* How memory may be cached; also the value of MMPFN.u3.e1.CacheAttribute, where 0 is unknown. */
typedef enum _MI_CACHE_ATTRIBUTE {
    MiCacheUnknown,
    MiCached,
    MiNonCached,
    MiWriteCombined
} MI_CACHE_ATTRIBUTE;

typedef enum _MI_KERNEL_ACCESS {
    MiKernelReadOnly,
    MiKernelReadWrite
} MI_KERNEL_ACCESS;

/* A free run's first PTE.  Positions are indexes into the system PTEs, never pointers. */
typedef struct _MMPTE_LIST {
    ULONG Valid : 1;     /* 0 */
    ULONG Epoch : 9;     /* how many flushes there had been when it was released, modulo 512 */
    ULONG Prototype : 1; /* 0 */
    ULONG List : 1;      /* 1 */
    ULONG Next : 20;     /* the next free run, or MI_PTE_LIST_END */
} MMPTE_LIST;

NT_C_ASSERT(sizeof(MMPTE_LIST) == sizeof(MMPTE));

#define MI_PTE_EPOCH_MASK 0x1FFu
#define MI_PTE_LIST_END   0xFFFFFu

/*
 * What the processor offers; the boot says so before the first mapping.
 *
 * => WriteCombining: write-through alone (PAT entry 1) means write-combining.  Without it
 *    write-combined memory is not cached.
 */
void MiInitializePteMaking(BOOLEAN GlobalPages, BOOLEAN WriteCombining);

/* (I) By MI_KERNEL_ACCESS and MI_CACHE_ATTRIBUTE; for MiMakeKernelTemplate. */
extern MMPTE MiKernelTemplates[2][4];

/* The bits of a valid system PTE without a frame.  => Any IRQL, any locks, as the next two. */
static inline MMPTE MiMakeKernelTemplate(MI_KERNEL_ACCESS Access, MI_CACHE_ATTRIBUTE Attribute)
{
    return MiKernelTemplates[Access][Attribute];
}

/* A valid system PTE: supervisor only, global where the processor knows that. */
static inline MMPTE MiMakeValidKernelPte(MMPTE Template, PFN_NUMBER Frame)
{
    Template.Long |= Frame << PAGE_SHIFT;
    return Template;
}

/* A directory entry for a page table of the system half. */
MMPTE MiMakeKernelPde(PFN_NUMBER Frame);

/* A directory entry for a page table of the user half. */
MMPTE MiMakeUserPde(PFN_NUMBER Frame);

/* (I) By Write and MI_CACHE_ATTRIBUTE; for MiMakeUserPte. */
extern MMPTE MiUserTemplates[2][4];

/* A valid PTE of the user half: not global, Accessed, not Dirty.  => Write: TRUE or FALSE. */
static inline MMPTE MiMakeUserPte(PFN_NUMBER Frame, BOOLEAN Write, MI_CACHE_ATTRIBUTE Attribute)
{
    MMPTE Pte = MiUserTemplates[Write][Attribute];

    Pte.Long |= Frame << PAGE_SHIFT;
    return Pte;
}

/*
 * The same of a page that the PTE does not own: it has no share of the frame, and no entry in the
 * working set (mm/space/physical_view.h).  The processor does not look at the bit that says so.
 */
static inline MMPTE MiMakePhysicalPte(MMPTE Pte)
{
    Pte.Long |= MM_PTE_BITS_PROTOTYPE;
    return Pte;
}

/* => Of any PTE of the user half. */
static inline BOOLEAN MiIsPhysicalPte(MMPTE Pte)
{
    return (Pte.Long & (MM_PTE_BITS_VALID | MM_PTE_BITS_PROTOTYPE)) ==
           (MM_PTE_BITS_VALID | MM_PTE_BITS_PROTOTYPE);
}

/* A valid PTE of pageable system memory: Accessed, not Dirty; writable for MM_READWRITE. */
MMPTE MiMakePageablePte(PFN_NUMBER Frame, ULONG Protection);

/* A valid system PTE where address spaces differ: not global. */
static inline MMPTE MiMakeLocalPte(MMPTE Pte)
{
    Pte.Hard.Global = 0;
    return Pte;
}

/* A valid PTE of a view in the system half: writable, Accessed, not Dirty. */
MMPTE MiMakeSystemViewPte(PFN_NUMBER Frame, MI_CACHE_ATTRIBUTE Attribute);

/* => Template is a valid PTE of frame 0. */
static inline MMPTE MiMakeFramePte(MMPTE Template, PFN_NUMBER Frame)
{
    Template.Long |= Frame << PAGE_SHIFT;
    return Template;
}

/* Not valid; Frame still has the contents. */
MMPTE MiMakeTransitionPte(PFN_NUMBER Frame, ULONG Protection);

/* A window of one address space: not global. */
MMPTE MiMakeWindowPte(PFN_NUMBER Frame);

static inline MMPTE MiMakeZeroPte(void)
{
    MMPTE Pte = {.Long = 0};

    return Pte;
}

/* The documented software PTE: the protection code in bits 5 to 9. */
#define MM_READONLY             1u
#define MM_EXECUTE_READ         3u
#define MM_READWRITE            4u
#define MM_EXECUTE_READWRITE    6u
#define MI_PTE_PROTECTION_SHIFT 5
#define MI_PTE_FILE_SHIFT       1

/* The same with any protection (mm/space/protection.h), for pages of the user half. */
static inline MMPTE MiMakeSoftwarePte(ULONG Protection)
{
    MMPTE Pte = {.Long = Protection << MI_PTE_PROTECTION_SHIFT};

    return Pte;
}

/* The same with the page's place: Slot, not 0, of paging file File. */
static inline MMPTE MiMakePagefilePte(ULONG File, ULONG Slot, ULONG Protection)
{
    MMPTE Pte = {.Long = Slot << PAGE_SHIFT | Protection << MI_PTE_PROTECTION_SHIFT |
                         File << MI_PTE_FILE_SHIFT};

    return Pte;
}

/* A software or transition PTE with another protection. */
static inline MMPTE MiChangeSoftwareProtection(MMPTE Pte, ULONG Protection)
{
    Pte.Long &= ~(31u << MI_PTE_PROTECTION_SHIFT);
    Pte.Long |= Protection << MI_PTE_PROTECTION_SHIFT;
    return Pte;
}

/* => Of a software PTE that has a slot: where the page is. */
static inline ULONG MiPteFile(MMPTE Pte)
{
    return Pte.Long >> MI_PTE_FILE_SHIFT & 15;
}

static inline ULONG MiPteSlot(MMPTE Pte)
{
    return Pte.Long >> PAGE_SHIFT;
}

/* => Of a software or transition PTE. */
static inline ULONG MiSoftwareProtection(MMPTE Pte)
{
    return Pte.Long >> MI_PTE_PROTECTION_SHIFT & 31;
}

/* A writable page that is made, zeroed, by the first access to it. */
static inline MMPTE MiMakeDemandZeroPte(void)
{
    MMPTE Pte = {.Long = MM_READWRITE << MI_PTE_PROTECTION_SHIFT};

    return Pte;
}

/*
 * A prototype PTE in nonpaged pool (WhichPool), named by its number: MMPTE_CLONE of pte_kind.h.  It
 * has the page's own protection beside it.
 */
#define MI_PTE_WHICH_POOL       0x200u
#define MI_PTE_CLONE_COPY       0x40u
#define MI_PTE_CLONE_PROTECTION 1 /* its lowest bit */
#define MI_PTE_CLONE_INDEX      11
#define MI_CLONE_INDEXES        (1u << (32 - MI_PTE_CLONE_INDEX))

static inline MMPTE MiMakeClonePte(ULONG Index, ULONG Protection)
{
    MMPTE Pte = {.Long = Index << MI_PTE_CLONE_INDEX | MM_PTE_BITS_PROTOTYPE | MI_PTE_WHICH_POOL |
                         Protection << MI_PTE_CLONE_PROTECTION};

    return Pte;
}

/* => Of such a PTE, as the next two. */
static inline ULONG MiCloneIndex(MMPTE Pte)
{
    return Pte.Long >> MI_PTE_CLONE_INDEX;
}

static inline ULONG MiCloneProtection(MMPTE Pte)
{
    return Pte.Long >> MI_PTE_CLONE_PROTECTION & 31;
}

/* Whoever touches the page next gets a copy of it, even for reading. */
static inline BOOLEAN MiIsCloneToCopy(MMPTE Pte)
{
    return (Pte.Long & MI_PTE_CLONE_COPY) != 0;
}

/*
 * The PTE of a view's page that is not in the working set: MMPTE_PROTOTYPE.  It names the prototype
 * PTE, and the page has the protection of its descriptor.
 *
 * => Proto lies in paged pool.
 */
#define MI_PROTOTYPE_BASE     0xE1000000u
#define MI_PROTOTYPE_LOW_BITS 7

static inline MMPTE MiMakePrototypePte(const MMPTE *Proto)
{
    ULONG Offset = ((ULONG)(ULONG_PTR)Proto - MI_PROTOTYPE_BASE) / (ULONG)sizeof(MMPTE);
    MMPTE Pte = {.Long = (Offset >> MI_PROTOTYPE_LOW_BITS) << MI_PTE_CLONE_INDEX |
                         MM_PTE_BITS_PROTOTYPE |
                         (Offset & ((1u << MI_PROTOTYPE_LOW_BITS) - 1)) << 1};

    return Pte;
}

/*
 * The same for a page with a protection of its own: an address that no prototype PTE has.  The
 * descriptor has to be asked where it is (NT: MI_PTE_LOOKUP_NEEDED).
 */
#define MI_PTE_LOOKUP_NEEDED (0xFFFFFFFFu << MI_PTE_CLONE_INDEX)

static inline MMPTE MiMakeLookupPte(ULONG Protection)
{
    MMPTE Pte = {.Long = MI_PTE_LOOKUP_NEEDED | MM_PTE_BITS_PROTOTYPE |
                         Protection << MI_PTE_CLONE_PROTECTION};

    return Pte;
}

/* => Of any PTE that is not valid. */
static inline BOOLEAN MiIsLookupPte(MMPTE Pte)
{
    return (Pte.Long & (MI_PTE_LOOKUP_NEEDED | MI_PTE_WHICH_POOL | MM_PTE_BITS_PROTOTYPE)) ==
           (MI_PTE_LOOKUP_NEEDED | MM_PTE_BITS_PROTOTYPE);
}

/* => Of such a PTE. */
static inline ULONG MiLookupProtection(MMPTE Pte)
{
    return Pte.Long >> MI_PTE_CLONE_PROTECTION & 31;
}

/* A valid PTE of a page that others have too: a write to it is a fault, and then a copy. */
static inline MMPTE MiMakeCopyOnWritePte(MMPTE Pte)
{
    Pte.Hard.CopyOnWrite = Pte.Hard.Write;
    Pte.Hard.Write = 0;
    Pte.Hard.Dirty = 0;
    return Pte;
}

/* MMPTE_LIST composed and taken apart by shifts: compilers make more of its bit fields. */
#define MI_PTE_LIST_EPOCH_SHIFT 1
#define MI_PTE_LIST_BIT         MM_PTE_BITS_RESERVED
#define MI_PTE_LIST_NEXT_SHIFT  12

static inline MMPTE MiMakeListPte(ULONG Next, ULONG Epoch)
{
    MMPTE Pte = {.Long = Next << MI_PTE_LIST_NEXT_SHIFT | MI_PTE_LIST_BIT |
                         (Epoch & MI_PTE_EPOCH_MASK) << MI_PTE_LIST_EPOCH_SHIFT};

    return Pte;
}

/* A list PTE with another Next. */
static inline MMPTE MiRelinkListPte(MMPTE Pte, ULONG Next)
{
    Pte.Long = (Pte.Long & ((1u << MI_PTE_LIST_NEXT_SHIFT) - 1)) | Next << MI_PTE_LIST_NEXT_SHIFT;
    return Pte;
}

static inline MMPTE_LIST MiPteAsList(MMPTE Pte)
{
    union {
        MMPTE Pte;
        MMPTE_LIST List;
    } Entry = {.Pte = Pte};

    return Entry.List;
}

/* The attribute that a valid PTE gives its page. */
static inline MI_CACHE_ATTRIBUTE MiPteCacheAttribute(MMPTE Pte)
{
    if (Pte.Hard.CacheDisable) {
        return MiNonCached;
    }
    return Pte.Hard.WriteThrough ? MiWriteCombined : MiCached;
}

#endif
