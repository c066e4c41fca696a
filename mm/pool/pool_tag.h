/* SPDX-License-Identifier: MIT */
/*
 * pool_tag.h - what poolmon shows: for each tag, how much was allocated and freed.
 */
#ifndef MM_POOL_TAG_H
#define MM_POOL_TAG_H

#include "ex.h"

#define MI_POOL_TAG_LOG2       10
#define MI_POOL_TAG_ENTRY_LOG2 5
#define MI_POOL_TAGS           (1u << MI_POOL_TAG_LOG2)
#define MI_POOL_TAG_NONE       0x656E6F4Eu /* 'None': allocations without a tag */
#define MI_POOL_TAG_OVERFLOW   0x6C66764Fu /* 'Ovfl': all that have no entry of their own */

/* (A) all counts.  A block counts with its header, a big one with whole pages. */
typedef struct _MI_POOL_USE {
    ULONG Allocs;
    ULONG Frees;
    SIZE_T Bytes; /* in use now */
} MI_POOL_USE, *PMI_POOL_USE;

typedef struct _MI_POOL_TAG {
    ULONG Tag;          /* (A) 0: an unused entry; never changes back */
    MI_POOL_USE Use[2]; /* by base type */
    ULONG Reserved;     /* makes it 32 bytes: the index is a shift */
} MI_POOL_TAG, *PMI_POOL_TAG;

NT_C_ASSERT(sizeof(MI_POOL_TAG) == 1u << MI_POOL_TAG_ENTRY_LOG2);

/* Open addressing.  Entry 0 is the overflow entry and no tag's own. */
extern MI_POOL_TAG MiPoolTags[MI_POOL_TAGS];
/* (I) The same.  The short ways need a register less with it. */
extern PMI_POOL_TAG MiPoolTagTable;

/* What the caller asked for, should its tag be refused. */
typedef struct _MI_POOL_REQUEST {
    POOL_TYPE PoolType;
    SIZE_T Bytes;
    ULONG Tag;
    PVOID Caller;
    BOOLEAN Paid; /* a process pays: Bytes has room for its pointer */
} MI_POOL_REQUEST, *PMI_POOL_REQUEST;

void MiInitializePoolTags(void);

/* A tag's first place.  Fibonacci hashing: the product's high bits depend on all of the tag. */
static inline ULONG MiHashPoolTag(ULONG Tag)
{
    return (Tag * 0x9E3779B1u) >> (32 - MI_POOL_TAG_LOG2);
}

/* The same as a pointer, with one shift for the hash and the entry's size together. */
static inline PMI_POOL_TAG MiFirstPoolTag(ULONG Tag)
{
    ULONG Offset = (Tag * 0x9E3779B1u) >> (32 - MI_POOL_TAG_LOG2 - MI_POOL_TAG_ENTRY_LOG2) &
                   (MI_POOL_TAGS - 1) << MI_POOL_TAG_ENTRY_LOG2;

    return (PMI_POOL_TAG)(PVOID)((PUCHAR)MiPoolTagTable + Offset);
}

/*
 * => Returns Tag's entry, made where there was none; the overflow entry when the table is full.
 *    PROTECTED_POOL does not distinguish tags.  Any IRQL.
 */
PMI_POOL_TAG MiFindPoolTag(ULONG Tag);

/* The same; short where the tag stands in its first place. */
static inline PMI_POOL_TAG MiPoolTagOf(ULONG Tag)
{
    PMI_POOL_TAG Entry = MiFirstPoolTag(Tag);

    return Entry->Tag == Tag && Entry != MiPoolTagTable ? Entry : MiFindPoolTag(Tag);
}

/* => Bug check 0xC2, P1 9B (tag 0), 9C (BIG), 9D (no letter or digit) unless the tag is good. */
void MiCheckPoolTag(const MI_POOL_REQUEST *Request);

static inline void MiCountPoolAllocation(PMI_POOL_USE Use, SIZE_T Bytes)
{
    __atomic_fetch_add(&Use->Allocs, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&Use->Bytes, Bytes, __ATOMIC_RELAXED);
}

static inline void MiCountPoolFree(PMI_POOL_USE Use, SIZE_T Bytes)
{
    __atomic_fetch_add(&Use->Frees, 1, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&Use->Bytes, Bytes, __ATOMIC_RELAXED);
}

/* => Returns FALSE to end the walk. */
typedef BOOLEAN MI_POOL_TAG_ROUTINE(PVOID Context, const MI_POOL_TAG *Tag);

/* Every tag that was ever used, in no order. */
void MiForEachPoolTag(MI_POOL_TAG_ROUTINE *Routine, PVOID Context);

#endif
