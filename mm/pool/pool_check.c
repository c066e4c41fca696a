/* SPDX-License-Identifier: MIT */
/*
 * pool_check.c - what a sound block looks like, and bug check 0x19 when one is not.
 *
 * The free path, the whole-pool verify and the dump ask the same question here, so that they
 * cannot disagree.
 */
#include "mm/pool/pool_block.h"
#include "mm/pool/session_pool.h"

#include "arch/cpu.h"
#include "nt/bugcodes.h"

/* 0x19, P1, as documented. */
#define MI_FREE_LIST_CORRUPT      0x3
#define MI_NEIGHBOURS_DISAGREE    0x5
#define MI_PREVIOUS_SIZE_TOO_LONG 0x6
#define MI_BLOCK_SIZE_CORRUPT     0x7
#define MI_BLOCK_SIZE_ZERO        0x8
#define MI_BLOCK_SIZE_TOO_LONG    0x9
#define MI_BLOCK_SIZE_WRONG       0x20

static BOOLEAN MipFault(PMI_POOL_FAULT Fault, ULONG Subcode, PPOOL_HEADER Entry, PPOOL_HEADER Other,
                        PCSTR What)
{
    Fault->Subcode = Subcode;
    Fault->Entry = (ULONG_PTR)Entry;
    Fault->Other = (ULONG_PTR)Other;
    Fault->Page = (ULONG_PTR)MiPoolPageOf(Entry);
    Fault->What = What;
    return TRUE;
}

/* => TRUE: no pool has such headers, or a session's, and it lies at none of its addresses. */
static BOOLEAN MipIsStrange(const POOL_HEADER *Header)
{
    ULONG Type = (Header->PoolType & ~(MI_BLOCK_IN_USE | MI_BLOCK_PAID)) - 1;

    return Type > (ULONG)PagedPool &&
           (Type != (ULONG)MI_SESSION_PAGED_POOL || MiSessionPoolOf((ULONG_PTR)Header) == NULL);
}

BOOLEAN MiFindHeaderFault(PPOOL_HEADER Header, PMI_POOL_FAULT Fault)
{
    ULONG Offset = MiPoolOffsetOf(Header);

    if (Header->BlockSize == 0) {
        return MipFault(Fault, MI_BLOCK_SIZE_ZERO, Header, NULL, "its size is zero");
    }
    if (Header->PoolType != MI_BLOCK_FREE && MipIsStrange(Header)) {
        return MipFault(Fault, MI_BLOCK_SIZE_CORRUPT, Header, NULL, "there is no such pool type");
    }
    if (Header->PoolIndex >= MiNumberOfPagedPools) {
        return MipFault(Fault, MI_BLOCK_SIZE_CORRUPT, Header, NULL, "there is no such pool");
    }
    if (Offset + Header->BlockSize > MI_UNITS_PER_PAGE) {
        return MipFault(Fault, MI_BLOCK_SIZE_TOO_LONG, Header, NULL, "it ends behind its page");
    }
    if (Header->PreviousSize > Offset) {
        return MipFault(Fault, MI_PREVIOUS_SIZE_TOO_LONG, Header, NULL,
                        "its predecessor would begin before the page");
    }
    if ((Header->PreviousSize == 0) != (Offset == 0)) {
        return MipFault(Fault, MI_BLOCK_SIZE_CORRUPT, Header, NULL,
                        "no previous size although it is not the page's first");
    }
    return FALSE;
}

BOOLEAN MiFindPoolFault(PPOOL_HEADER Header, PMI_POOL_FAULT Fault)
{
    PPOOL_HEADER Previous = Header - Header->PreviousSize;
    PPOOL_HEADER Next = Header + Header->BlockSize;

    if (MiFindHeaderFault(Header, Fault)) {
        return TRUE;
    }
    if (Previous != Header && Previous->BlockSize != Header->PreviousSize) {
        return MipFault(Fault, MI_NEIGHBOURS_DISAGREE, Header, Previous,
                        "its predecessor has another size than it says");
    }
    if (BYTE_OFFSET(Next) != 0 && Next->PreviousSize != Header->BlockSize) {
        return MipFault(Fault, MI_BLOCK_SIZE_WRONG, Header, Next,
                        "its successor says that it has another size");
    }
    return FALSE;
}

void MiReportPoolFault(const MI_POOL_FAULT *Fault)
{
    KeBugCheckEx(BAD_POOL_HEADER, Fault->Subcode, Fault->Entry, Fault->Other, Fault->Page);
}

void MiCheckFreeListEntry(PLIST_ENTRY Entry)
{
    PLIST_ENTRY NextsBlink = Entry->Flink->Blink;
    PLIST_ENTRY PreviousFlink = Entry->Blink->Flink;

    if (NextsBlink != Entry || PreviousFlink != Entry) {
        KeBugCheckEx(BAD_POOL_HEADER, MI_FREE_LIST_CORRUPT, (ULONG_PTR)Entry, (ULONG_PTR)NextsBlink,
                     (ULONG_PTR)PreviousFlink);
    }
}

/* ---- poison ---- */

BOOLEAN MiPoolIsPoisoned;

void MiPoisonUnits(PPOOL_HEADER First, ULONG Units)
{
    PULONG Word = (PULONG)(PVOID)First;
    PULONG End = (PULONG)(PVOID)(First + Units);

    if (!MiPoolIsPoisoned) {
        return;
    }
    while (Word < End) {
        *Word++ = MI_POOL_POISON;
    }
}

void MiCheckPoison(PPOOL_HEADER Header)
{
    const ULONG *Word = (const ULONG *)(PVOID)(Header + MI_MINIMUM_UNITS);
    const ULONG *End = (const ULONG *)(PVOID)(Header + Header->BlockSize);

    if (!MiPoolIsPoisoned) {
        return;
    }
    for (; Word < End; Word++) {
        if (*Word != MI_POOL_POISON) {
            KeBugCheckEx(DRIVER_CAUGHT_MODIFYING_FREED_POOL, (ULONG_PTR)Word, 1, 0, *Word);
        }
    }
}
