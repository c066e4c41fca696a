/* SPDX-License-Identifier: MIT */
/*
 * pool_tag.c - the table of pool tags.
 *
 * A hash table with linear probing whose entries are never removed.  So it needs no lock: an entry
 * is claimed with one interlocked exchange, and every later search meets it.  The fast paths look
 * at the tag's first place themselves and come here only when another tag stands there.
 *
 * Invariants:
 *   T1  between a tag's first place and its entry there is no unused entry
 *   T2  a tag that was once counted in the overflow entry always is: it went there because T1's
 *       places were full, and full places stay full
 */
#include "mm/pool/pool_tag.h"

#include "arch/cpu.h"
#include "nt/bugcodes.h"
#include "rtl.h"

#define MI_POOL_TAG_IS_ZERO    0x9B
#define MI_POOL_TAG_IS_BIG     0x9C
#define MI_POOL_TAG_UNREADABLE 0x9D

MI_POOL_TAG MiPoolTags[MI_POOL_TAGS];
PMI_POOL_TAG MiPoolTagTable = MiPoolTags;

void MiInitializePoolTags(void)
{
    memset(MiPoolTags, 0, sizeof(MiPoolTags));
    MiPoolTags[0].Tag = MI_POOL_TAG_OVERFLOW;
}

PMI_POOL_TAG MiFindPoolTag(ULONG Tag)
{
    ULONG Key = Tag & ~PROTECTED_POOL;
    ULONG Index = MiHashPoolTag(Key);
    ULONG Tries;

    for (Tries = 0; Tries < MI_POOL_TAGS; Tries++) {
        PMI_POOL_TAG Entry = &MiPoolTags[(Index + Tries) % MI_POOL_TAGS];
        ULONG Found = 0;

        if (Entry == &MiPoolTags[0]) {
            continue;
        }
        if (Entry->Tag == Key ||
            __atomic_compare_exchange_n(&Entry->Tag, &Found, Key, FALSE, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED) ||
            Found == Key) {
            return Entry;
        }
    }
    return &MiPoolTags[0];
}

static BOOLEAN MipIsReadable(ULONG Tag)
{
    for (; Tag != 0; Tag >>= 8) {
        UCHAR Lower = (UCHAR)(Tag | 0x20);

        if ((Lower >= 'a' && Lower <= 'z') || ((Tag & 0xFF) >= '0' && (Tag & 0xFF) <= '9')) {
            return TRUE;
        }
    }
    return FALSE;
}

/* The tag that big blocks' table used to mark itself with: "BIG", ended by zero or a space. */
static BOOLEAN MipIsBig(ULONG Tag)
{
    return (Tag & 0x00FFFFFF) == 0x00474942 && (Tag >> 24 == 0 || Tag >> 24 == ' ');
}

void MiCheckPoolTag(const MI_POOL_REQUEST *Request)
{
    ULONG Key = Request->Tag & ~PROTECTED_POOL;

    if (Key == 0) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_POOL_TAG_IS_ZERO, Request->PoolType, Request->Bytes,
                     (ULONG_PTR)Request->Caller);
    }
    if (MipIsBig(Key)) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_POOL_TAG_IS_BIG, Request->PoolType, Request->Bytes,
                     (ULONG_PTR)Request->Caller);
    }
    if (!MipIsReadable(Key)) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_POOL_TAG_UNREADABLE, Request->Tag, Request->PoolType,
                     (ULONG_PTR)Request->Caller);
    }
}

void MiForEachPoolTag(MI_POOL_TAG_ROUTINE *Routine, PVOID Context)
{
    ULONG Index;

    for (Index = 0; Index < MI_POOL_TAGS; Index++) {
        const MI_POOL_TAG *Entry = &MiPoolTags[Index];

        if (Entry->Tag != 0 && Entry->Use[0].Allocs + Entry->Use[1].Allocs != 0 &&
            !Routine(Context, Entry)) {
            return;
        }
    }
}
