/* SPDX-License-Identifier: MIT */
/*
 * test_special_pool.c - blocks on pages of their own: where they stand, and what each mistake ends
 * in, with all four parameters.
 */
#include "mm/pool/pool_free.h"
#include "mm/pool/special_slot.h"
#include "nt/bugcodes.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/test.h"

#define SLOTS        ((POOL_SPECIAL_PAGES - 1) / 2)
#define SPECIAL_STOP SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION

/* A world where every request gets special pool. */
static void Start(BOOLEAN Overruns)
{
    PoolWorldCreate(&PoolWorldPlain);
    PoolWorldAddSpecialPool(POOL_SPECIAL_PAGES);
    MiSelectSpecialPool(0x2A, Overruns);
}

/* All is given back, and nothing is missing. */
static void Finish(void)
{
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

static PUCHAR New(POOL_TYPE Type, SIZE_T Bytes)
{
    PUCHAR P = ExAllocatePoolWithTag(Type, Bytes, TAG_A);

    CHECK(P != NULL);
    return P;
}

static BOOLEAN IsSpecial(PVOID P)
{
    return (ULONG_PTR)P - POOL_SPECIAL_VA < POOL_SPECIAL_PAGES * PAGE_SIZE;
}

static MI_SPECIAL_POOL_COUNTERS Counters(void)
{
    MI_SPECIAL_POOL_COUNTERS Result;

    MiQuerySpecialPool(&Result);
    return Result;
}

/* ---- where blocks stand ---- */

TEST(Special_block_ends_at_its_page_s_end_but_for_alignment)
{
    static const ULONG Sizes[] = {0, 1, 8, 9, 100, 0xFF0, 0xFF8};
    BOOLEAN QuotaCharged;
    ULONG Index;

    Start(TRUE);
    for (Index = 0; Index < RTL_NUMBER_OF(Sizes); Index++) {
        ULONG Room = ROUND_UP(Sizes[Index] != 0 ? Sizes[Index] : 1, 8u);
        PUCHAR P = New(NonPagedPool, Sizes[Index]);

        CHECK(IsSpecial(P));
        CHECK_EQUAL(PAGE_SIZE - Room, BYTE_OFFSET(P));
        CHECK_EQUAL(Sizes[Index], ExQueryPoolBlockSize(P, &QuotaCharged));
        memset(P, 0, Sizes[Index]);
        ExFreePoolWithTag(P, TAG_A);
    }
    Finish();
}

TEST(Special_block_for_underruns_begins_at_its_page_s_start)
{
    PUCHAR P;

    Start(FALSE);
    P = New(PagedPool, 0xFF8);
    CHECK(IsSpecial(P));
    CHECK_EQUAL(0, BYTE_OFFSET(P));
    memset(P, 0, 0xFF8);
    ExFreePool(P);
    Finish();
}

TEST(Special_block_of_a_cache_aligned_type_is_aligned)
{
    PUCHAR P;
    PUCHAR Large;

    Start(TRUE);
    P = New(NonPagedPoolCacheAligned, 100);
    CHECK(IsSpecial(P));
    CHECK_EQUAL(PAGE_SIZE - 128, BYTE_OFFSET(P));
    Large = New(NonPagedPoolCacheAligned, 0xFC1); /* no room for the header */
    CHECK(!IsSpecial(Large));
    CHECK_EQUAL(0, Counters().Fallbacks);
    ExFreePool(P);
    ExFreePool(Large);
    Finish();
}

TEST(Special_page_carries_size_tag_and_pattern)
{
    const MI_SPECIAL_HEADER *Header;
    PUCHAR P;

    Start(TRUE);
    P = New(NonPagedPool, 21);
    Header = (const MI_SPECIAL_HEADER *)(PVOID)PAGE_ALIGN(P);
    CHECK_EQUAL(21, Header->Bytes);
    CHECK_EQUAL(TAG_A, Header->Tag);
    CHECK_EQUAL(Header->Pattern, P[-1]);
    CHECK_EQUAL(Header->Pattern, P[21]);
    CHECK_EQUAL(Header->Pattern, P[23]);
    ExFreePool(P);
    Finish();
}

TEST(Special_pool_reuses_the_page_that_was_freed_longest_ago)
{
    PUCHAR First;
    ULONG Index;

    Start(TRUE);
    First = New(NonPagedPool, 8);
    ExFreePool(First);
    for (Index = 0; Index < SLOTS - 1; Index++) {
        PUCHAR P = New(NonPagedPool, 8);

        CHECK(P != First);
        ExFreePool(P);
    }
    CHECK(New(NonPagedPool, 8) == First);
    ExFreePool(First);
    Finish();
}

/* ---- who gets it ---- */

TEST(Special_pool_serves_the_selected_tag_only)
{
    PUCHAR A;
    PUCHAR B;

    Start(TRUE);
    MiSelectSpecialPool(TAG_A, TRUE);
    A = New(NonPagedPool, 50);
    B = ExAllocatePoolWithTag(NonPagedPool, 50, TAG_B);
    CHECK(IsSpecial(A) && !IsSpecial(B));
    ExFreePoolWithTag(A, TAG_A);
    ExFreePoolWithTag(B, TAG_B);
    Finish();
}

static BOOLEAN Selects(ULONG PoolTag, SIZE_T Bytes, ULONG Tag)
{
    MiSelectSpecialPool(PoolTag, TRUE);
    return MiPlaceInSpecialPool(Bytes, Tag) == MiSpecialOverrun;
}

TEST(PoolTag_is_a_tag_with_wildcards_a_size_class_or_everything)
{
    const ULONG Fred = 0x64657246; /* 'Fred' */

    Start(TRUE);
    CHECK(Selects(Fred, 1, Fred) && !Selects(Fred, 1, Fred + 1));
    CHECK(Selects(Fred, 1, Fred | PROTECTED_POOL));
    CHECK(Selects(0x002A7246, 1, Fred) && !Selects(0x002A7246, 1, 0x64657247)); /* 'Fr*' */
    CHECK(Selects(0x643F7246, 1, Fred) && !Selects(0x653F7246, 1, Fred));       /* 'Fr?d' */
    CHECK(!Selects(0x3F657246, 1, 0x00657246)); /* 'Fre?' wants four characters */
    CHECK(Selects(0x2A, 0xFF8, Fred) && !Selects(0x2A, 0xFF9, Fred));
    CHECK(!Selects(0, 8, Fred));
    CHECK(Selects(0x10, 1, Fred) && Selects(0x10, 8, Fred) && !Selects(0x10, 9, Fred));
    CHECK(Selects(0x18, 9, Fred) && Selects(0x18, 16, Fred) && !Selects(0x18, 17, Fred));
    CHECK(Selects(0xFF8, 0xFE9, Fred) && Selects(0xFF8, 0xFF0, Fred));
    MiSelectSpecialPool(0x2A, FALSE);
    CHECK_EQUAL(MiSpecialUnderrun, MiPlaceInSpecialPool(8, Fred));
    HostMachineDelete();
}

TEST(Special_pool_priorities_ask_for_it_and_say_where)
{
    PUCHAR Over;
    PUCHAR Under;
    PUCHAR Plain;

    Start(TRUE);
    MiSelectSpecialPool(0, TRUE);
    Over = ExAllocatePoolWithTagPriority(NonPagedPool, 40, TAG_A,
                                         NormalPoolPrioritySpecialPoolOverrun);
    Under = ExAllocatePoolWithTagPriority(PagedPool, 40, TAG_A, LowPoolPrioritySpecialPoolUnderrun);
    Plain = ExAllocatePoolWithTagPriority(NonPagedPool, 40, TAG_A, NormalPoolPriority);
    CHECK(IsSpecial(Over) && IsSpecial(Under) && !IsSpecial(Plain));
    CHECK_EQUAL(PAGE_SIZE - 40, BYTE_OFFSET(Over));
    CHECK_EQUAL(0, BYTE_OFFSET(Under));
    ExFreePool(Over);
    ExFreePool(Under);
    ExFreePool(Plain);
    Finish();
}

TEST(Special_pool_priorities_mean_nothing_where_there_is_none)
{
    PUCHAR P;

    PoolWorldCreate(&PoolWorldPlain);
    P = ExAllocatePoolWithTagPriority(NonPagedPool, 40, TAG_A, HighPoolPrioritySpecialPoolUnderrun);
    CHECK(P != NULL && !IsSpecial(P));
    ExFreePool(P);
    Finish();
}

TEST(Special_pool_that_ran_out_falls_back_and_counts)
{
    PUCHAR Blocks[SLOTS + 2];
    ULONG Index;

    Start(TRUE);
    for (Index = 0; Index < RTL_NUMBER_OF(Blocks); Index++) {
        Blocks[Index] = New((POOL_TYPE)(Index % 2), 30);
        CHECK_EQUAL(Index < SLOTS, IsSpecial(Blocks[Index]));
    }
    PoolWorldVerify();
    CHECK_EQUAL(2, Counters().Fallbacks);
    CHECK_EQUAL(SLOTS, Counters().UsedPages[0] + Counters().UsedPages[1]);
    CHECK_EQUAL(SLOTS, Counters().PeakPages);
    for (Index = 0; Index < RTL_NUMBER_OF(Blocks); Index++) {
        ExFreePoolWithTag(Blocks[Index], TAG_A);
    }
    CHECK_EQUAL(0, Counters().UsedPages[0] + Counters().UsedPages[1]);
    Finish();
}

TEST(Special_pool_request_that_falls_back_keeps_its_priority)
{
    static PVOID Pages[32];
    ULONG Count = 0;
    PUCHAR P;

    Start(TRUE);
    MiSelectSpecialPool(0, TRUE);
    while ((Pages[Count] = ExAllocatePoolWithTagPriority(PagedPool, PAGE_SIZE, TAG_A,
                                                         LowPoolPriority)) != NULL) {
        Count++;
    }
    CHECK_EQUAL(28, Count); /* an eighth of 32 is left */
    P = ExAllocatePoolWithTagPriority(PagedPool, 16, TAG_A, LowPoolPrioritySpecialPoolOverrun);
    CHECK(IsSpecial(P));
    MiFailPoolAllocation(2); /* its request, then its special page */
    CHECK(ExAllocatePoolWithTagPriority(PagedPool, 16, TAG_A, LowPoolPrioritySpecialPoolOverrun) ==
          NULL);
    CHECK_EQUAL(1, Counters().Fallbacks);
    ExFreePool(P);
    while (Count-- != 0) {
        ExFreePool(Pages[Count]);
    }
    Finish();
}

TEST(Special_pool_falls_back_when_memory_cannot_be_committed)
{
    PUCHAR P;

    Start(TRUE);
    PoolCommitLimit = PoolCommittedPages;
    P = New(NonPagedPool, 30);
    CHECK(!IsSpecial(P));
    CHECK_EQUAL(1, Counters().Fallbacks);
    PoolWorldVerify();
    ExFreePool(P);
    Finish();
}

/* ---- faults ---- */

static void Read(PVOID Context)
{
    (void)*(volatile UCHAR *)Context;
}

/* Touching Va faults, and special pool says Code of the block at Block. */
static void ExpectFault(PUCHAR Va, ULONG Code, PUCHAR Block)
{
    MI_SPECIAL_BLOCK Found;

    PoolExpectStop((POOL_STOP){HOST_BUGCHECK_PAGE_FAULT, {(ULONG_PTR)Va, 0, POOL_ANY, POOL_ANY}},
                   Read, Va);
    CHECK_EQUAL(Code, MiClassifySpecialPoolFault(Va, &Found));
    CHECK_EQUAL((ULONG_PTR)Block, Found.Va);
    CHECK_EQUAL(TAG_A, Found.Tag);
}

TEST(Touch_behind_a_special_block_is_CD)
{
    PUCHAR P;

    Start(TRUE);
    P = New(NonPagedPool, 16);
    ExpectFault(P + 16, PAGE_FAULT_BEYOND_END_OF_ALLOCATION, P);
    ExpectFault(P + 16 + PAGE_SIZE - 1, PAGE_FAULT_BEYOND_END_OF_ALLOCATION, P);
    ExFreePool(P);
    Finish();
}

TEST(Touch_before_a_special_block_for_underruns_is_CD)
{
    PUCHAR P;

    Start(FALSE);
    New(NonPagedPool, 16);
    P = New(NonPagedPool, 16);
    ExpectFault(P - 1, PAGE_FAULT_BEYOND_END_OF_ALLOCATION, P);
    HostMachineDelete();
}

TEST(Touch_of_freed_special_pool_is_CC)
{
    MI_SPECIAL_BLOCK Block;
    PUCHAR P;

    Start(TRUE);
    P = New(PagedPool, 16);
    CHECK_EQUAL(0, MiClassifySpecialPoolFault(P, &Block));
    ExFreePool(P);
    ExpectFault(P, PAGE_FAULT_IN_FREED_SPECIAL_POOL, P);
    ExpectFault(P + 20, PAGE_FAULT_IN_FREED_SPECIAL_POOL, P);
    CHECK_EQUAL(PagedPool, (MiClassifySpecialPoolFault(P, &Block), Block.BaseType));
    CHECK(!Block.InUse);
    Finish();
}

TEST(Fault_that_is_not_special_pool_s_gets_no_code)
{
    MI_SPECIAL_BLOCK Block;
    PUCHAR Base = (PUCHAR)POOL_SPECIAL_VA;

    Start(TRUE);
    CHECK_EQUAL(0, MiClassifySpecialPoolFault(Base - 1, &Block));
    CHECK_EQUAL(0, MiClassifySpecialPoolFault(Base, &Block));
    CHECK_EQUAL(0, MiClassifySpecialPoolFault(Base + PAGE_SIZE, &Block));
    CHECK_EQUAL(0, MiClassifySpecialPoolFault(Base + POOL_SPECIAL_PAGES * PAGE_SIZE, &Block));
    HostMachineDelete();
}

/* ---- wrong frees ---- */

static void ExpectStop(PUCHAR P, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG Cause)
{
    PoolExpectFreeStops((POOL_STOP){SPECIAL_STOP, {P1, P2, P3, Cause}}, P, TAG_A);
}

TEST(Second_free_of_a_special_block_is_C1_20)
{
    PUCHAR P;

    Start(TRUE);
    P = New(NonPagedPool, 16);
    ExFreePool(P);
    ExpectStop(P, (ULONG_PTR)P, 0, 0, 0x20);
    ExpectStop(P + 16, (ULONG_PTR)P + 16, 0, 0, 0x20); /* a guard page */
    Finish();
}

TEST(Free_of_the_middle_of_a_special_block_is_C1_21_or_22)
{
    PUCHAR P;

    Start(TRUE);
    P = New(NonPagedPool, 44);
    ExpectStop(P + 8, (ULONG_PTR)P + 8, 44, 40, 0x21);
    ExpectStop(PAGE_ALIGN(P), (ULONG_PTR)PAGE_ALIGN(P), 44, PAGE_SIZE, 0x21);
    ExFreePool(P);
    MiSelectSpecialPool(0x2A, FALSE);
    P = New(NonPagedPool, 44);
    ExpectStop(P + 8, (ULONG_PTR)P + 8, 44, PAGE_SIZE - 8, 0x22);
    ExFreePool(P);
    Finish();
}

/* Damage one byte by Bits, expect Cause, repair it. */
static void Damage(PUCHAR P, PUCHAR Where, UCHAR Bits, ULONG Cause)
{
    *Where ^= Bits;
    ExpectStop(P, (ULONG_PTR)P, (ULONG_PTR)Where, 0, Cause);
    *Where ^= Bits;
}

TEST(Damage_around_a_special_block_is_C1_23_24_and_one_bit_32)
{
    PUCHAR P;

    Start(TRUE);
    P = New(NonPagedPool, 21);
    Damage(P, P + 21, 0x81, 0x24);
    Damage(P, P + 23, 0xFF, 0x24);
    Damage(P, P - 1, 0x03, 0x23);
    Damage(P, (PUCHAR)PAGE_ALIGN(P), 0x03, 0x23); /* the header */
    Damage(P, P - 100, 0x10, 0x32);
    Damage(P, P + 22, 0x80, 0x32);
    ExFreePool(P);
    MiSelectSpecialPool(0x2A, FALSE);
    P = New(NonPagedPool, 21);
    Damage(P, P + 21, 0x81, 0x24);
    Damage(P, P + PAGE_SIZE - 1, 0x81, 0x24);
    ExFreePool(P);
    Finish();
}

TEST(Verify_finds_damage_around_a_special_block)
{
    PUCHAR P;

    Start(TRUE);
    P = New(NonPagedPool, 21);
    P[22] ^= 0x11;
    PoolExpectStop((POOL_STOP){SPECIAL_STOP, {(ULONG_PTR)P, (ULONG_PTR)P + 22, 0, 0x24}},
                   (KSTART *)(PVOID)MiVerifyPool, NULL);
    HostMachineDelete();
}

TEST(Special_block_is_freed_with_its_tag_only)
{
    PUCHAR P;

    Start(TRUE);
    P = ExAllocatePoolWithTag(NonPagedPool, 16, TAG_A | PROTECTED_POOL);
    PoolExpectFreeStops(
        (POOL_STOP){BAD_POOL_CALLER, {0xA, (ULONG_PTR)P, TAG_A | PROTECTED_POOL, TAG_B}}, P, TAG_B);
    PoolExpectFreeStops(
        (POOL_STOP){BAD_POOL_CALLER, {0xA, (ULONG_PTR)P, TAG_A | PROTECTED_POOL, 0}}, P, 0);
    ExFreePoolWithTag(P, TAG_A | PROTECTED_POOL);
    Finish();
}

TEST(Special_pool_at_a_high_IRQL_is_C1_30_and_31)
{
    PUCHAR P;
    KIRQL Old;

    Start(TRUE);
    P = New(PagedPool, 16);
    Old = KfRaiseIrql(DISPATCH_LEVEL);
    PoolExpectAllocateStops((POOL_STOP){SPECIAL_STOP, {DISPATCH_LEVEL, PagedPool, 24, 0x30}},
                            PagedPool, 24, TAG_A);
    ExpectStop(P, DISPATCH_LEVEL, PagedPool, (ULONG_PTR)P, 0x31);
    ExFreePool(New(NonPagedPool, 24)); /* which is allowed */
    KfRaiseIrql(CLOCK2_LEVEL);
    PoolExpectAllocateStops((POOL_STOP){SPECIAL_STOP, {CLOCK2_LEVEL, NonPagedPool, 24, 0x30}},
                            NonPagedPool, 24, TAG_A);
    KfLowerIrql(Old);
    ExFreePool(P);
    Finish();
}

/* ---- looking ---- */

static char Text[256];

static void Collect(PVOID Context, const char *Piece, SIZE_T Bytes)
{
    SIZE_T Length = strlen(Text);

    (void)Context;
    CHECK(Length + Bytes < sizeof(Text));
    memcpy(Text + Length, Piece, Bytes);
    Text[Length + Bytes] = 0;
}

TEST(Dump_of_a_special_page_shows_its_block)
{
    PUCHAR P;

    Start(TRUE);
    P = New(NonPagedPool, 16);
    memset(Text, 0, sizeof(Text));
    MiDumpPoolPage(Collect, NULL, P, 0);
    CHECK_TEXT("Pool page e4001ff0 region is Special pool\n"
               "*e4001000 size   10 data e4001ff0 (NonPaged)  (Allocated)  OneA\n",
               Text);
    memset(Text, 0, sizeof(Text));
    MiDumpPoolPage(Collect, NULL, P + 16, 0);
    CHECK_TEXT("Pool page e4002000 region is Special pool\n e4002000 has no access\n", Text);
    ExFreePool(P);
    Finish();
}
