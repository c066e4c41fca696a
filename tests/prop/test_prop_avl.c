/* SPDX-License-Identifier: MIT */
/*
 * test_prop_avl.c - the AVL tree against a sorted array.
 *
 * After each random insertion or removal the tree verifies (T1 to T3), and walks in both directions
 * meet exactly the array's keys.  Small trees are tried in every order.
 */
#include "tests/unit/test.h"
#include "rtl.h"

#include <string.h>

#define MAX_ITEMS     64u
#define SMALL_TREE    16u
#define CHECK_EVERY   16u /* calls on larger trees */
#define SEEDS         4u
#define ROUNDS_A_SEED 600000u

typedef struct _ITEM {
    ULONG Before;           /* a canary: the tree may write Node only */
    RTL_BALANCED_NODE Node; /* in Tree */
    ULONG Key;              /* its own index: the order of Tree */
} ITEM, *PITEM;

static RTL_AVL_TREE Tree;
static ITEM Items[MAX_ITEMS];

/* The model: the keys in Tree, ascending. */
static ULONG Keys[MAX_ITEMS];
static ULONG KeyCount;

static ULONG KeyOf(const RTL_BALANCED_NODE *Node)
{
    return CONTAINING_RECORD(Node, ITEM, Node)->Key;
}

static void Reset(void)
{
    ULONG Index;

    Tree.Root = NULL;
    KeyCount = 0;
    for (Index = 0; Index < MAX_ITEMS; Index++) {
        Items[Index].Before = ~Index;
        Items[Index].Key = Index;
    }
}

/* => Returns the place of Key in the model, or the place where it belongs. */
static ULONG ModelPlace(ULONG Key)
{
    ULONG Place = 0;

    while (Place < KeyCount && Keys[Place] < Key) {
        Place++;
    }
    return Place;
}

static BOOLEAN ModelHas(ULONG Key)
{
    ULONG Place = ModelPlace(Key);

    return Place < KeyCount && Keys[Place] == Key;
}

static void Insert(ULONG Key)
{
    PRTL_BALANCED_NODE Parent = NULL;
    PRTL_BALANCED_NODE Next = Tree.Root;
    BOOLEAN Right = FALSE;
    ULONG Place = ModelPlace(Key);

    while (Next != NULL) {
        Parent = Next;
        Right = Key > KeyOf(Parent);
        Next = Right ? Parent->Right : Parent->Left;
    }
    memset(&Items[Key].Node, 0xAA, sizeof(RTL_BALANCED_NODE));
    RtlAvlInsertNodeEx(&Tree, Parent, Right, &Items[Key].Node);
    memmove(Keys + Place + 1, Keys + Place, (KeyCount - Place) * sizeof(Keys[0]));
    Keys[Place] = Key;
    KeyCount++;
}

static void Remove(ULONG Key)
{
    ULONG Place = ModelPlace(Key);

    RtlAvlRemoveNode(&Tree, &Items[Key].Node);
    memset(&Items[Key].Node, 0xAA, sizeof(RTL_BALANCED_NODE));
    KeyCount--;
    memmove(Keys + Place, Keys + Place + 1, (KeyCount - Place) * sizeof(Keys[0]));
}

static void CheckSame(void)
{
    const RTL_BALANCED_NODE *Node;
    ULONG Count = 0;
    ULONG Place = 0;

    CHECK(RtlAvlVerify(&Tree, &Count));
    CHECK_EQUAL(KeyCount, Count);
    for (Node = RtlAvlFirstNode(&Tree); Node != NULL; Node = RtlAvlNextNode(Node)) {
        CHECK(Place < KeyCount);
        CHECK_EQUAL(Keys[Place], KeyOf(Node));
        Place++;
    }
    CHECK_EQUAL(KeyCount, Place);
    for (Node = RtlAvlLastNode(&Tree); Node != NULL; Node = RtlAvlPreviousNode(Node)) {
        Place--;
        CHECK_EQUAL(Keys[Place], KeyOf(Node));
    }
    CHECK_EQUAL(0, Place);
}

static void CheckCanaries(void)
{
    ULONG Index;

    for (Index = 0; Index < MAX_ITEMS; Index++) {
        CHECK_EQUAL(~Index, Items[Index].Before);
        CHECK_EQUAL(Index, Items[Index].Key);
    }
}

/* Small trees are compared after each call, where most kinds of rotation are met at the root. */
static BOOLEAN IsTimeToCheck(uint64_t Round, ULONG Bound)
{
    return Bound <= SMALL_TREE || Round % CHECK_EVERY == 0;
}

static void RunSeed(uint64_t State, uint64_t Rounds)
{
    uint64_t Round;
    ULONG Bound = 1;

    Reset();
    for (Round = 0; Round < Rounds; Round++) {
        ULONG Key;

        if (Round % 64 == 0) {
            Bound = 1 + TestRandom(&State) % MAX_ITEMS;
        }
        Key = TestRandom(&State) % Bound;
        if (ModelHas(Key)) {
            Remove(Key);
        } else {
            Insert(Key);
        }
        if (IsTimeToCheck(Round, Bound)) {
            CheckSame();
        }
    }
    CheckSame();
    CheckCanaries();
}

TEST(Avl_agrees_with_a_sorted_array)
{
    uint64_t Rounds = TestRounds(ROUNDS_A_SEED);
    uint64_t Number;

    for (Number = 0; Number < SEEDS; Number++) {
        RunSeed(TestSeedNumber(Number), Rounds);
    }
    TestCountOperations(SEEDS * Rounds, SEEDS);
}

/* Grow a tree in the order that Number stands for, then empty it in the order of Other. */
static void GrowAndEmpty(ULONG Number, ULONG Other, ULONG Size)
{
    ULONG Left;

    Reset();
    for (Left = Size; Left != 0; Left--) {
        ULONG Skip = Number % Left; /* the Skip'th of the keys not yet inserted */
        ULONG Key = 0;

        Number /= Left;
        while (ModelHas(Key) || Skip != 0) {
            Skip -= !ModelHas(Key);
            Key++;
        }
        Insert(Key);
        CheckSame();
    }
    for (Left = Size; Left != 0; Left--) {
        Remove(Keys[Other % Left]);
        Other /= Left;
        CheckSame();
    }
}

TEST(Avl_holds_for_every_order_of_insertion_and_removal_of_five)
{
    ULONG Orders = 1 * 2 * 3 * 4 * 5;
    ULONG Case;

    for (Case = 0; Case < Orders * Orders; Case++) {
        GrowAndEmpty(Case / Orders, Case % Orders, 5);
    }
}

TEST(Avl_holds_for_every_order_of_insertion_of_seven)
{
    ULONG Orders = 1 * 2 * 3 * 4 * 5 * 6 * 7;
    ULONG Case;

    for (Case = 0; Case < Orders; Case++) {
        GrowAndEmpty(Case, Orders - 1 - Case, 7);
    }
}

/* The bound of T3: 1.44 * log2(65536 + 2) is 23.04. */
TEST(Avl_of_65536_ascending_keys_is_17_high)
{
    static RTL_BALANCED_NODE Nodes[65536];
    PRTL_BALANCED_NODE Last = NULL;
    ULONG Count = 0;
    ULONG Height = 0;
    ULONG Index;

    Tree.Root = NULL;
    for (Index = 0; Index < RTL_NUMBER_OF(Nodes); Index++) {
        RtlAvlInsertNodeEx(&Tree, Last, TRUE, &Nodes[Index]);
        Last = &Nodes[Index];
    }
    CHECK(RtlAvlVerify(&Tree, &Count));
    CHECK_EQUAL(RTL_NUMBER_OF(Nodes), Count);
    for (Last = Tree.Root; Last != NULL; Last = Last->Balance < 0 ? Last->Left : Last->Right) {
        Height++; /* along the higher side: 2^16 - 1 keys fill 16 levels, one stands below */
    }
    CHECK_EQUAL(17, Height);
}
