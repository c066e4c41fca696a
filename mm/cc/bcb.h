/* SPDX-License-Identifier: MIT */
/*
 * bcb.h - what callers hold of a file's data where it lies.
 *
 *     a view's address with bit 0 set    CcMapData: a use of the view
 *     BCB                                a pinned range: whole pages of one view, with a lock
 *     OBCB                               several of these, side by side
 */
#ifndef MM_CC_BCB_H
#define MM_CC_BCB_H

#include "mm/cc/vacb.h"
#include "resource.h"

#define CC_TAG_BCB     0x63426343u /* 'CcBc', as on NT */

#define CC_MAPPED_ONLY 1u /* in a Bcb that is a view */
#define CC_MOST_BCBS   MM_CACHE_VIEW_PAGES

typedef struct _BCB {
    PUBLIC_BCB Public;     /* (I) */
    LIST_ENTRY BcbLinks;   /* (M) the map's BcbList, by offset */
    PSHARED_CACHE_MAP Map; /* (I) */
    PVACB Vacb;            /* (I) in use while there is a BCB */
    ULONG PinCount;        /* (M) pins and repins; 0: it goes */
    ERESOURCE Resource;    /* who has it pinned has it shared or exclusive */
} BCB, *PBCB;

typedef struct _OBCB {
    PUBLIC_BCB Public; /* (I) of all together */
    ULONG Count;       /* (I) */
    PBCB Bcbs[];       /* (I) by offset */
} OBCB, *POBCB;

static inline LONGLONG CciBcbStart(const BCB *Bcb)
{
    return Bcb->Public.MappedFileOffset.QuadPart;
}

static inline LONGLONG CciBcbEnd(const BCB *Bcb)
{
    return CciBcbStart(Bcb) + Bcb->Public.MappedLength;
}

/*
 * One pin more of the BCB that covers Offset, or a new one from there to End or to the next BCB.
 *
 * => Vacb is the view, in use.  Offset and End are whole pages.
 * => STATUS_NOT_FOUND (OnlyExisting); STATUS_INSUFFICIENT_RESOURCES.
 */
NT_MUST_CHECK NTSTATUS CciPinBcb(PVACB Vacb, LONGLONG Offset, LONGLONG End, BOOLEAN OnlyExisting,
                                 PBCB *Bcb) NT_NOT_HOLDING(CcMasterLock);
void CciUnpinBcb(PBCB Bcb) NT_NOT_HOLDING(CcMasterLock);

/* A BCB whose last pin is gone, and that is not kept.  => No lock is held. */
void CciFreeBcb(PBCB Bcb) NT_NOT_HOLDING(CcMasterLock);

/* => What a BCB of the range's pages goes in front of; NULL: there is one over one of them. */
PLIST_ENTRY CciFindBcbGap(PSHARED_CACHE_MAP Map, const LARGE_INTEGER *Offset, ULONG Length)
    NT_HOLDS(CcMasterLock);

/* CcTryPinRead for what the short way of spare_bcb.c does not do; it can do all. */
NT_MUST_CHECK NTSTATUS CciPinRead(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length,
                                  ULONG Flags, PVOID *Bcb, PVOID *Buffer)
    NT_NOT_HOLDING(CcMasterLock);

/* Give back the lock that Thread has, and the pin. */
void CciUnlockAndUnpinBcb(PBCB Bcb, ERESOURCE_THREAD Thread) NT_NOT_HOLDING(CcMasterLock);

/* Those that a map keeps go.  => Nobody else uses the map any more. */
void CciFreeSpareBcbs(PSHARED_CACHE_MAP Map) NT_NOT_HOLDING(CcMasterLock);

/* Check that a map's BCBs are in order, apart, and of views that are in use. */
void CciVerifyBcbs(const SHARED_CACHE_MAP *Map) NT_HOLDS(CcMasterLock);

#endif
