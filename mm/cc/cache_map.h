/* SPDX-License-Identifier: MIT */
/*
 * cache_map.h - what the cache knows of a file: views, SHARED_CACHE_MAP, PRIVATE_CACHE_MAP.
 *
 * Letters: (M) CcMasterLock, (I) fixed after creation, (F) who calls with the file object.
 */
#ifndef MM_CC_CACHE_MAP_H
#define MM_CC_CACHE_MAP_H

#include "cc.h"
#include "mi_assert.h"
#include "mm/section/cache_view.h"
#include "spinlock.h"

NT_C_ASSERT(MM_CACHE_VIEW_BYTES == VACB_MAPPING_GRANULARITY);
NT_C_ASSERT(MM_CACHE_VIEW_PAGES == 64); /* bits of a CC_SLOT's masks */

/* For the compiler, where the instructions of the usual case count. */
#define CC_LIKELY(Condition) __builtin_expect(!!(Condition), 1)

#define CC_TAG_MAP           0x63536343u /* 'CcSc', as on NT */
#define CC_TAG_PRIVATE       0x63506343u /* 'CcPc' */
#define CC_TAG_INDEX         0x70566343u /* 'CcVp' */
#define CC_TAG_VIEWS         0x61566343u /* 'CcVa' */

/* Node types of what callers hold. */
#define CACHE_NTC_SHARED_CACHE_MAP  0x2FF
#define CACHE_NTC_PRIVATE_CACHE_MAP 0x2FE
#define CACHE_NTC_BCB               0x2FD
#define CACHE_NTC_OBCB              0x2FA

/* ---- the lock, and waiting for what it protects ---- */

extern KSPIN_LOCK CcMasterLock;

static inline KIRQL CciLock(void) NT_ACQUIRES(CcMasterLock) NT_NO_LOCK_ANALYSIS
{
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();

    KiTakeSpinLock(&CcMasterLock, (ULONG_PTR)&CcMasterLock);
    return OldIrql;
}

static inline void CciUnlock(KIRQL OldIrql) NT_RELEASES(CcMasterLock) NT_NO_LOCK_ANALYSIS
{
    KiGiveSpinLock(&CcMasterLock, 0);
    KiLowerIrqlFromDpcLevel(OldIrql);
}

/*
 * Let go of the lock, wait until CciSignalChange is called, take it again.  What was known before
 * may be false after it.
 */
void CciWaitForChange(PKIRQL OldIrql) NT_HOLDS(CcMasterLock);

extern LIST_ENTRY CcWaiters; /* (M) threads that wait */

/* Wake them all. */
void CciWakeWaiters(void) NT_HOLDS(CcMasterLock);

/* Something that somebody may wait for has happened: a view, a write, a map. */
static inline void CciSignalChange(void) NT_HOLDS(CcMasterLock)
{
    if (!IsListEmpty(&CcWaiters)) {
        CciWakeWaiters();
    }
}

/* ---- views ---- */

/* A view of VACB_MAPPING_GRANULARITY bytes: its address is fixed, its file changes. */
typedef struct _VACB {
    PVOID BaseAddress;                        /* (I) */
    struct _SHARED_CACHE_MAP *SharedCacheMap; /* (M) whose data is there; NULL: nobody's */
    LONGLONG FileOffset;                      /* (M) of its first byte */
    ULONG ActiveCount;                        /* (M) who uses it now */
    BOOLEAN Busy;                             /* (M) being mapped or unmapped, by one thread */
    LIST_ENTRY LruList;                       /* (M) free, or unused; else on no list */
} VACB, *PVACB;

/* ---- the index of a file's views ---- */

/* What is known of a view's range of a file, whether it has a view now or not; bit n is page n. */
typedef struct _CC_SLOT {
    PVACB Vacb;      /* (M) or NULL */
    ULONG64 Dirty;   /* (M) pages that the file does not have yet */
    ULONG64 Writing; /* (M) pages that are being written */
} CC_SLOT, *PCC_SLOT;

#define CC_SPARE_BCBS    4u /* that a map keeps */

#define CC_BLOCK_SHIFT   7
#define CC_BLOCK_ENTRIES (1u << CC_BLOCK_SHIFT)
#define CC_DIRECT_SLOTS  4u /* a file of up to 1 MB needs no block */
#define CC_MOST_LEVELS   7u /* 2^63 bytes are 2^45 views */

typedef enum _CC_INDEX_BIT {
    CcSlotUsed, /* it, or a slot below, is not empty */
    CcSlotDirty,
    CcIndexBits
} CC_INDEX_BIT;

/* ---- the file ---- */

/* What a file object reads: for read-ahead. */
typedef struct _PRIVATE_CACHE_MAP {
    CSHORT NodeTypeCode;      /* (I) CACHE_NTC_PRIVATE_CACHE_MAP */
    ULONG ReadAheadMask;      /* (F) granularity - 1 */
    PFILE_OBJECT FileObject;  /* (I) */
    LONGLONG FileOffset1;     /* (M) the read before the last */
    LONGLONG BeyondLastByte1; /* (M) */
    LONGLONG FileOffset2;     /* (M) the last read */
    LONGLONG BeyondLastByte2; /* (M) */
    LONGLONG ReadAheadOffset; /* (M) what is to be read ahead next */
    ULONG ReadAheadLength;    /* (M) 0: nothing */
    LONGLONG ReadAheadBeyond; /* (M) so far it was read ahead, or is being */
    LONGLONG
    ReadAheadQuiet;                /* (M) so far, in the file, a read that goes on needs nothing */
    BOOLEAN ReadAheadActive;       /* (M) Item is queued or runs */
    BOOLEAN Orphan;                /* (M) the file object is gone: Item frees this */
    LIST_ENTRY PrivateLinks;       /* (M) among the map's */
    WORK_QUEUE_ITEM Item;          /* (M) */
    struct _SHARED_CACHE_MAP *Map; /* (I) */
} PRIVATE_CACHE_MAP, *PPRIVATE_CACHE_MAP;

typedef struct _SHARED_CACHE_MAP {
    CSHORT NodeTypeCode;                         /* (I) CACHE_NTC_SHARED_CACHE_MAP */
    CSHORT NodeByteSize;                         /* (I) */
    ULONG OpenCount;                             /* (M) file objects, and who needs it just now */
    LONGLONG FileSize;                           /* (M) */
    LONGLONG ValidDataLength;                    /* (M) of the file, as the file system said */
    LONGLONG ValidDataGoal;                      /* (M) what was written to the cache reaches */
    LONGLONG SectionSize;                        /* (M) whole views */
    LIST_ENTRY BcbList;                          /* (M) pinned ranges, by offset */
    struct _BCB *SpareBcb[CC_SPARE_BCBS];        /* (M) that pin nothing, for the next pin */
    ULONG SpareBcbs;                             /* (M) how many */
    PVACB LastView;                              /* (M) that was looked for last; or NULL */
    CC_SLOT InitialSlots[CC_DIRECT_SLOTS];       /* (M) the index of a small file */
    struct _CC_BLOCK *Index;                     /* (M) that of a larger one; NULL: empty */
    ULONG Levels;                                /* (M) of Index; 0: InitialSlots */
    PFILE_OBJECT FileObject;                     /* (I) who began; referenced */
    PSECTION_OBJECT_POINTERS Pointers;           /* (I) the file's */
    struct _SECTION *Section;                    /* (I) */
    ULONG Views;                                 /* (M) views mapped */
    ULONG ActiveViews;                           /* (M) sum of their ActiveCount */
    ULONG LeavingViews;                          /* (M) views of it that are being unmapped */
    ULONG DirtyPages;                            /* (M) bits set in slots */
    ULONG WritingPages;                          /* (M) */
    ULONG DirtyPageThreshold;                    /* (M) CcSetDirtyPageThreshold; 0: none */
    NTSTATUS Status;                             /* (M) of the last write that failed */
    ULONG FailedWrites;                          /* (M) */
    LONGLONG LazyOffset;                         /* (M) where the lazy writer goes on */
    ULONG LazyRound;                             /* (M) its last round that came by */
    BOOLEAN FailureReported;                     /* (M) the console said that writes fail */
    BOOLEAN DisableReadAhead;                    /* (M) CcSetAdditionalCacheAttributes */
    BOOLEAN DisableWriteBehind;                  /* (M) the same */
    BOOLEAN PinAccess;                           /* (M) */
    BOOLEAN BeingCreated;                        /* (M) its section is not there yet */
    BOOLEAN BeingDeleted;                        /* (M) */
    PCACHE_MANAGER_CALLBACKS Callbacks;          /* (I) */
    PVOID LazyWriteContext;                      /* (I) */
    LIST_ENTRY PrivateList;                      /* (M) */
    LIST_ENTRY SharedCacheMapLinks;              /* (M) among all */
    LIST_ENTRY DirtyLinks;                       /* (M) among those with dirty pages */
    PCACHE_UNINITIALIZE_EVENT UninitializeEvent; /* (M) set when it is gone */
} SHARED_CACHE_MAP, *PSHARED_CACHE_MAP;

extern LIST_ENTRY CcAllMaps;   /* (M) */
extern LIST_ENTRY CcDirtyMaps; /* (M) the next to be written first */
extern const MM_CACHE_VIEW_CALLS *CciCalls;

static inline PSHARED_CACHE_MAP CciMapOf(PFILE_OBJECT FileObject)
{
    return FileObject->SectionObjectPointer->SharedCacheMap;
}

static inline BOOLEAN CciIsTemporary(const SHARED_CACHE_MAP *Map)
{
    return (Map->FileObject->Flags & FO_TEMPORARY_FILE) != 0;
}

/* => What a section needs for these sizes: whole views. */
static inline LONGLONG CciSectionBytes(const CC_FILE_SIZES *Sizes)
{
    LONGLONG Bytes = Sizes->AllocationSize.QuadPart > Sizes->FileSize.QuadPart
                         ? Sizes->AllocationSize.QuadPart
                         : Sizes->FileSize.QuadPart;

    return (Bytes + VACB_MAPPING_GRANULARITY - 1) & ~(LONGLONG)(VACB_MAPPING_GRANULARITY - 1);
}

/* What the documented call does with a failure of its twin: stop, as an unhandled exception. */
void CciRaise(NTSTATUS Status);

/* => TRUE, or FALSE when it would have had to wait; anything else is raised. */
static inline BOOLEAN CciAnswer(NTSTATUS Status)
{
    if (!NT_SUCCESS(Status) && Status != STATUS_CANT_WAIT) {
        CciRaise(Status);
    }
    return NT_SUCCESS(Status);
}

/*
 * The file's map, with a reference of the caller's.  => NULL: it has none.
 * CciDereferenceMap: the last one gone and nothing dirty, the map goes.  => No lock.
 */
PSHARED_CACHE_MAP CciReferenceMap(PSECTION_OBJECT_POINTERS Pointers);
void CciDereferenceMap(PSHARED_CACHE_MAP Map) NT_NOT_HOLDING(CcMasterLock);

/* Caching ends for all of its file objects.  => The map is referenced: it stays. */
void CciUninitializeFileObjects(PSHARED_CACHE_MAP Map) NT_NOT_HOLDING(CcMasterLock);

/*
 * A use of the map ended.  When nothing needs it any more it is deleted, else left.
 *
 * => Takes over the lock.  Returns TRUE when the map is gone.
 */
BOOLEAN CciUnlockUnopenedMap(PSHARED_CACHE_MAP Map, KIRQL OldIrql) NT_RELEASES(CcMasterLock);

static inline BOOLEAN CciUnlockMap(PSHARED_CACHE_MAP Map, KIRQL OldIrql) NT_RELEASES(CcMasterLock)
{
    if (Map->OpenCount == 0) {
        return CciUnlockUnopenedMap(Map, OldIrql);
    }
    CciUnlock(OldIrql);
    return FALSE;
}

#endif
