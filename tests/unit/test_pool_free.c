/* SPDX-License-Identifier: MIT */
/*
 * test_pool_free.c - what each wrong free ends in, with all four parameters.
 *
 * Every mistake is tried on the short way (front end on) and on the long one.
 */
#include "mm/pool/pool_block.h"
#include "mm/pool/pool_front.h"
#include "nt/bugcodes.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/test.h"

/* Run Body with the front end on, then off, each in a new world. */
static void InBothWays(void (*Body)(void))
{
    ULONG Off;

    for (Off = 0; Off < 2; Off++) {
        PoolWorldCreate(&PoolWorldPlain);
        MiSetPoolFrontEnd(MiFrontEndOffForInjection, (BOOLEAN)Off);
        Body();
        HostMachineDelete();
    }
}

static PVOID New(POOL_TYPE Type, SIZE_T Bytes)
{
    PVOID P = ExAllocatePoolWithTag(Type, Bytes, TAG_A);

    CHECK(P != NULL);
    return P;
}

static ULONG ContentsOf(PPOOL_HEADER Header)
{
    return *(PULONG)(PVOID)Header;
}

/* ---- callers' mistakes: 0xC2 ---- */

static void UserAddress(void)
{
    PVOID User = (PVOID)0x12345678u;

    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0x40, 0x12345678, 0x80000000, 0}}, User, 0);
    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0x40, 0, 0x80000000, 0}}, NULL, 0);
    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0x40, 0x10000, 0x80000000, 0}},
                        (PVOID)0x10000u, TAG_A);
}

TEST(Free_of_a_user_address_is_C2_40)
{
    InBothWays(UserAddress);
}

static void NeverPool(void)
{
    HostMapPage(HOST_DIRECTORY_FRAME, 0xD0000000u, HostAllocateFrame(), 3);
    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0x43, 0xD0000000, 0, 0}}, (PVOID)0xD0000000u,
                        0);
    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0x43, 0xD0000048, 0, 0}}, (PVOID)0xD0000048u,
                        0);
}

TEST(Free_of_an_address_outside_the_pools_is_C2_43)
{
    InBothWays(NeverPool);
}

static void FreePages(void)
{
    PVOID Big = New(NonPagedPool, 2 * PAGE_SIZE);
    PVOID Paged = New(PagedPool, PAGE_SIZE);

    ExFreePool(Big);
    ExFreePool(Paged);
    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0x44, (ULONG_PTR)Big, 0, 0}}, Big, 0);
    PoolExpectFreeStops(
        (POOL_STOP){BAD_POOL_CALLER,
                    {0x50, (ULONG_PTR)Paged, ((ULONG_PTR)Paged - POOL_PAGED_VA) / PAGE_SIZE,
                     PoolWorldPlain.PagedPages * PAGE_SIZE}},
        Paged, TAG_A);
}

TEST(Second_free_of_a_big_block_is_C2_44_or_50)
{
    InBothWays(FreePages);
}

static void Middles(void)
{
    PUCHAR Big = New(NonPagedPool, 3 * PAGE_SIZE);
    PVOID Small = New(NonPagedPool, 100);

    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0x41286, (ULONG_PTR)Big + PAGE_SIZE, 0, 0}},
                        Big + PAGE_SIZE, 0);
    PoolExpectFreeStops(
        (POOL_STOP){BAD_POOL_CALLER, {0x41286, (ULONG_PTR)Big + PAGE_SIZE + 8, 0, 0}},
        Big + PAGE_SIZE + 8, 0);
    PoolExpectFreeStops((POOL_STOP){BAD_POOL_HEADER, {0x22, (ULONG_PTR)PAGE_ALIGN(Small), 0, 0}},
                        PAGE_ALIGN(Small), 0);
}

TEST(Free_of_the_middle_is_C2_41286_and_of_a_block_page_19_22)
{
    InBothWays(Middles);
}

static void NotAligned(void)
{
    PUCHAR Small = New(NonPagedPool, 100);

    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0x46, (ULONG_PTR)Small + 4, 0, 0}}, Small + 4,
                        0);
}

TEST(Free_of_an_address_that_is_not_aligned_is_C2_46)
{
    InBothWays(NotAligned);
}

TEST(Second_free_of_a_block_in_the_front_end_is_C2_6)
{
    PVOID Small;
    ULONG Contents;

    PoolWorldCreate(&PoolWorldPlain);
    Small = New(NonPagedPool, 100);
    ExFreePool(Small);
    Contents = ContentsOf(MiPoolHeaderOf(Small));
    PoolExpectFreeStops(
        (POOL_STOP){BAD_POOL_CALLER, {0x6, 0, (ULONG_PTR)MiPoolHeaderOf(Small), Contents}}, Small,
        TAG_A);
    HostMachineDelete();
}

TEST(Second_free_of_a_page_in_the_front_end_is_C2_6)
{
    PVOID Page;

    PoolWorldCreate(&PoolWorldPlain);
    Page = New(NonPagedPool, PAGE_SIZE);
    ExFreePool(Page);
    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0x6, 0, 0, (ULONG_PTR)Page}}, Page, 0);
    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0x6, 0, 0, (ULONG_PTR)Page}}, Page, TAG_A);
    CHECK_EQUAL((ULONG_PTR)Page, (ULONG_PTR)New(NonPagedPool, 0xFF1));
    ((PUCHAR)Page)[0xFF1] = 3; /* the mark of the request that came second */
    PoolExpectFreeStops((POOL_STOP){BAD_POOL_HEADER, {0x21, (ULONG_PTR)Page, 0xFF1, 3}}, Page,
                        TAG_A);
    HostMachineDelete();
}

TEST(Second_free_of_a_block_on_a_free_list_is_C2_7)
{
    PVOID First;
    PVOID Small;
    PVOID Last;

    PoolWorldCreate(&PoolWorldPlain);
    MiSetPoolFrontEnd(MiFrontEndOffForInjection, TRUE);
    First = New(NonPagedPool, 100);
    Small = New(NonPagedPool, 100);
    Last = New(NonPagedPool, 100);
    ExFreePool(Small);
    PoolExpectFreeStops(
        (POOL_STOP){BAD_POOL_CALLER, {0x7, 0, ContentsOf(MiPoolHeaderOf(Small)), (ULONG_PTR)Small}},
        Small, 0);
    /* The same when it has become part of a larger free block. */
    ExFreePool(First);
    PoolExpectFreeStops(
        (POOL_STOP){BAD_POOL_CALLER, {0x7, 0, ContentsOf(MiPoolHeaderOf(Small)), (ULONG_PTR)Small}},
        Small, 0);
    ExFreePool(Last);
    HostMachineDelete();
}

static void WrongTag(void)
{
    PVOID Small = New(NonPagedPool, 100);
    PVOID Paged = New(PagedPool, 100);
    PVOID Big = New(PagedPool, PAGE_SIZE);

    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0xA, (ULONG_PTR)Small, TAG_A, TAG_B}}, Small,
                        TAG_B);
    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0xA, (ULONG_PTR)Paged, TAG_A, TAG_B}}, Paged,
                        TAG_B);
    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0xA, (ULONG_PTR)Big, TAG_A, TAG_B}}, Big,
                        TAG_B);
    ExFreePoolWithTag(Small, TAG_A);
    ExFreePoolWithTag(Paged, TAG_A);
    ExFreePoolWithTag(Big, TAG_A);
    PoolWorldCheckEmpty();
}

TEST(Free_with_another_tag_is_C2_A)
{
    InBothWays(WrongTag);
}

static void Protected(void)
{
    ULONG Tag = TAG_A | PROTECTED_POOL;
    PVOID Small = ExAllocatePoolWithTag(NonPagedPool, 100, Tag);
    PVOID Big = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, Tag);

    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0xA, (ULONG_PTR)Small, Tag, 0}}, Small, 0);
    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0xA, (ULONG_PTR)Small, Tag, TAG_A}}, Small,
                        TAG_A);
    PoolExpectFreeStops((POOL_STOP){BAD_POOL_CALLER, {0xA, (ULONG_PTR)Big, Tag, 0}}, Big, 0);
    CHECK_EQUAL(2, MiFindPoolTag(TAG_A)->Use[NonPagedPool].Allocs);
    ExFreePoolWithTag(Small, Tag);
    ExFreePoolWithTag(Big, Tag);
    PoolWorldCheckEmpty();
}

TEST(Protected_block_is_freed_with_its_tag_only)
{
    InBothWays(Protected);
}

static void WrongIrql(void)
{
    PVOID Nonpaged = New(NonPagedPool, 100);
    PVOID Paged = New(PagedPool, 100);
    PVOID Big = New(PagedPool, PAGE_SIZE);
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);

    PoolExpectFreeStops(
        (POOL_STOP){BAD_POOL_CALLER, {0x9, DISPATCH_LEVEL, PagedPool, (ULONG_PTR)Paged}}, Paged, 0);
    PoolExpectFreeStops(
        (POOL_STOP){BAD_POOL_CALLER, {0x9, DISPATCH_LEVEL, PagedPool, (ULONG_PTR)Big}}, Big, 0);
    KfRaiseIrql(DISPATCH_LEVEL + 1);
    PoolExpectFreeStops(
        (POOL_STOP){BAD_POOL_CALLER, {0x9, DISPATCH_LEVEL + 1, NonPagedPool, (ULONG_PTR)Nonpaged}},
        Nonpaged, TAG_A);
    KfLowerIrql(DISPATCH_LEVEL);
    ExFreePool(Nonpaged);
    KfLowerIrql(OldIrql);
    KfRaiseIrql(APC_LEVEL);
    ExFreePool(Paged);
    ExFreePool(Big);
    KfLowerIrql(PASSIVE_LEVEL);
    PoolWorldCheckEmpty();
}

TEST(Free_at_a_high_IRQL_is_C2_9)
{
    InBothWays(WrongIrql);
}

/* ---- damage: 0x19 ---- */

/* Three neighbours in one page: the one in the middle will be damaged. */
static PPOOL_HEADER Row[3];

static void MakeRow(void)
{
    ULONG Index;

    for (Index = 0; Index < 3; Index++) {
        Row[Index] = MiPoolHeaderOf(New(NonPagedPool, 100));
    }
    CHECK(Row[1] == Row[0] + Row[0]->BlockSize && Row[2] == Row[1] + Row[1]->BlockSize);
}

static void ExpectDamage(ULONG Subcode, PPOOL_HEADER Entry, PPOOL_HEADER Other)
{
    PoolExpectFreeStops(
        (POOL_STOP){BAD_POOL_HEADER,
                    {Subcode, (ULONG_PTR)Entry, (ULONG_PTR)Other, (ULONG_PTR)MiPoolPageOf(Entry)}},
        Row[1] + 1, TAG_A);
}

static void Overrun(void)
{
    MakeRow();
    memset((PUCHAR)(Row[1] + 1) + 100, 0x77, 12); /* 4 bytes of slack, then the next header */
    ExpectDamage(0x20, Row[1], Row[2]);
}

TEST(Write_past_the_end_is_19_20_at_free)
{
    InBothWays(Overrun);
}

static void SizeZero(void)
{
    MakeRow();
    Row[1]->BlockSize = 0;
    ExpectDamage(0x8, Row[1], NULL);
}

TEST(Block_size_of_zero_is_19_8)
{
    InBothWays(SizeZero);
}

static void SizeTooLarge(void)
{
    MakeRow();
    Row[1]->BlockSize = 511;
    ExpectDamage(0x9, Row[1], NULL);
}

TEST(Block_size_beyond_the_page_is_19_9)
{
    InBothWays(SizeTooLarge);
}

static void WrongSize(void)
{
    MakeRow();
    Row[1]->BlockSize -= 2;
    PoolExpectFreeStops((POOL_STOP){BAD_POOL_HEADER, {0x20, (ULONG_PTR)Row[1], POOL_ANY, POOL_ANY}},
                        Row[1] + 1, 0);
}

TEST(Block_size_that_leads_nowhere_is_19_20)
{
    InBothWays(WrongSize);
}

/* What the short way does not look at is found when the block leaves the front end. */
static void ExpectDamageWhenTrimmed(ULONG Subcode, PPOOL_HEADER Entry, PPOOL_HEADER Other)
{
    MiSetPoolFrontEnd(MiFrontEndOffForInjection, TRUE);
    ExpectDamage(Subcode, Entry, Other);
}

TEST(Previous_size_that_disagrees_is_19_5)
{
    PoolWorldCreate(&PoolWorldPlain);
    MakeRow();
    Row[1]->PreviousSize -= 1;
    ExpectDamageWhenTrimmed(0x5, Row[1], Row[1] - Row[1]->PreviousSize);
    HostMachineDelete();
}

TEST(Previous_size_before_the_page_is_19_6)
{
    PoolWorldCreate(&PoolWorldPlain);
    MakeRow();
    Row[1]->PreviousSize = 300;
    ExpectDamageWhenTrimmed(0x6, Row[1], NULL);
    HostMachineDelete();
}

TEST(Pool_index_and_type_that_do_not_exist_are_19_7)
{
    PoolWorldCreate(&PoolWorldPlain);
    MakeRow();
    Row[1]->PoolIndex = 99;
    ExpectDamageWhenTrimmed(0x7, Row[1], NULL);
    Row[1]->PoolIndex = 0;
    Row[1]->PoolType = MI_BLOCK_IN_USE | 3;
    ExpectDamage(0x7, Row[1], NULL);
    Row[1]->PoolType = MI_BLOCK_IN_USE;
    ExpectDamage(0x7, Row[1], NULL);
    Row[1]->PoolType = 64 | MI_BLOCK_IN_USE | 1;
    ExpectDamage(0x7, Row[1], NULL);
    HostMachineDelete();
}

TEST(Free_list_whose_links_were_written_over_is_19_3)
{
    PLIST_ENTRY Entry;

    PoolWorldCreate(&PoolWorldPlain);
    MiSetPoolFrontEnd(MiFrontEndOffForInjection, TRUE);
    MakeRow();
    ExFreePool(Row[0] + 1);
    Entry = MiPoolListEntry(Row[0]);
    Entry->Flink = (PLIST_ENTRY)(PVOID)(Row[2] + 1); /* a use after free */
    Row[2][1].PoolTag = 0x11223344;
    /* Freeing its neighbour would unlink it. */
    PoolExpectFreeStops(
        (POOL_STOP){BAD_POOL_HEADER, {0x3, (ULONG_PTR)Entry, 0x11223344, (ULONG_PTR)Entry}},
        Row[1] + 1, TAG_A);
    HostMachineDelete();
}

/* ---- behind big blocks ---- */

TEST(Write_behind_a_nonpaged_big_block_is_19_21)
{
    PUCHAR Big;

    PoolWorldCreate(&PoolWorldPlain);
    Big = New(NonPagedPool, 2 * PAGE_SIZE - 100);
    Big[2 * PAGE_SIZE - 100] = 0x42;
    PoolExpectFreeStops(
        (POOL_STOP){BAD_POOL_HEADER, {0x21, (ULONG_PTR)Big, 2 * PAGE_SIZE - 100, 0x42}}, Big, 0);
    HostMachineDelete();
}

/* ---- poison and protection ---- */

static void AllocateHundred(PVOID Context)
{
    (void)Context;
    (void)ExAllocatePoolWithTag(NonPagedPool, 100, TAG_A);
}

TEST(Write_to_a_poisoned_free_block_is_C6_at_the_next_allocation)
{
    static const POOL_WORLD Poisoned = {8, 0, 8, TRUE, FALSE};
    PUCHAR Block;

    PoolWorldCreate(&Poisoned);
    MakeRow();
    Block = (PUCHAR)(Row[1] + 1);
    ExFreePool(Block);
    CHECK_EQUAL(MI_POOL_POISON, *(PULONG)(PVOID)(Block + 8));
    CHECK_EQUAL(MI_POOL_POISON, *(PULONG)(PVOID)(Block + 100));
    *(PULONG)(PVOID)(Block + 52) = 0x12345678;
    PoolExpectStop(
        (POOL_STOP){DRIVER_CAUGHT_MODIFYING_FREED_POOL, {(ULONG_PTR)Block + 52, 1, 0, 0x12345678}},
        AllocateHundred, NULL);
    HostMachineDelete();
}

static void ReadByte(PVOID Context)
{
    (void)*(volatile UCHAR *)Context;
}

TEST(Stale_access_to_protected_nonpaged_pool_faults)
{
    static const POOL_WORLD Protecting = {8, 8, 8, FALSE, TRUE};
    PUCHAR Big;

    PoolWorldCreate(&Protecting);
    Big = New(NonPagedPool, PAGE_SIZE);
    CHECK_EQUAL(POOL_INITIAL_VA, (ULONG_PTR)Big);
    Big[5] = 7;
    ExFreePool(Big);
    PoolExpectStop((POOL_STOP){PAGE_FAULT_IN_NONPAGED_AREA,
                               {POOL_INITIAL_VA + 5, POOL_ANY, POOL_ANY, POOL_ANY}},
                   ReadByte, Big + 5);
    HostMachineDelete();
}

TEST(Stale_access_to_unprotected_initial_pool_reads_on)
{
    PUCHAR Big;

    PoolWorldCreate(&PoolWorldPlain);
    Big = New(NonPagedPool, PAGE_SIZE);
    Big[5] = 7;
    ExFreePool(Big);
    CHECK_EQUAL(7, *(volatile UCHAR *)(Big + 5));
    HostMachineDelete();
}
