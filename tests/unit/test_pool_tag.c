/* SPDX-License-Identifier: MIT */
/*
 * test_pool_tag.c - the table of tags: entries that stay, and what happens when it is full.
 */
#include "mm/pool/pool_tag.h"
#include "tests/unit/test.h"

/* Distinct tags of four characters. */
static ULONG TagNumber(ULONG Number)
{
    return 0x30303054u + (Number % 64 << 8) + (Number / 64 % 64 << 16) + (Number / 4096 << 24);
}

TEST(PoolTag_finds_the_same_entry_again)
{
    PMI_POOL_TAG Entry;

    MiInitializePoolTags();
    Entry = MiFindPoolTag(TagNumber(1));
    CHECK_EQUAL(TagNumber(1), Entry->Tag);
    CHECK(MiPoolTagOf(TagNumber(1)) == Entry);
    CHECK(MiFindPoolTag(TagNumber(1) | PROTECTED_POOL) == Entry);
    CHECK(MiPoolTagOf(TagNumber(1) | PROTECTED_POOL) == Entry);
    CHECK(MiFindPoolTag(TagNumber(2)) != Entry);
}

TEST(PoolTags_beyond_the_table_are_counted_as_Ovfl)
{
    ULONG Number;

    MiInitializePoolTags();
    for (Number = 0; Number < MI_POOL_TAGS - 1; Number++) {
        CHECK_EQUAL(TagNumber(Number), MiFindPoolTag(TagNumber(Number))->Tag);
    }
    CHECK(MiFindPoolTag(TagNumber(Number)) == &MiPoolTags[0]);
    CHECK(MiPoolTagOf(TagNumber(Number)) == &MiPoolTags[0]);
    CHECK_EQUAL(MI_POOL_TAG_OVERFLOW, MiPoolTags[0].Tag);
    for (Number = 0; Number < MI_POOL_TAGS - 1; Number++) { /* the others are still there */
        CHECK_EQUAL(TagNumber(Number), MiPoolTagOf(TagNumber(Number))->Tag);
    }
    MiInitializePoolTags();
}

static BOOLEAN CountTag(PVOID Context, const MI_POOL_TAG *Tag)
{
    CHECK_EQUAL(TagNumber(7), Tag->Tag);
    ++*(PULONG)Context;
    return TRUE;
}

TEST(PoolTags_that_were_never_used_are_not_walked)
{
    ULONG Count = 0;

    MiInitializePoolTags();
    MiFindPoolTag(TagNumber(6));
    MiCountPoolAllocation(&MiFindPoolTag(TagNumber(7))->Use[1], 24);
    MiCountPoolFree(&MiFindPoolTag(TagNumber(7))->Use[1], 24);
    MiForEachPoolTag(CountTag, &Count);
    CHECK_EQUAL(1, Count);
    CHECK_EQUAL(0, MiFindPoolTag(TagNumber(7))->Use[1].Bytes);
    MiInitializePoolTags();
}
