/* SPDX-License-Identifier: MIT */
/*
 * test_avl.c - mm/rtl/avl.c: the shape after each kind of rotation, walks, and what Verify sees.
 *
 * A tree is drawn in preorder, children in brackets: "d(b,f(e,))" is d with the children b and
 * f, and f has only the left child e.
 */
#include "tests/unit/hazard.h"
#include "tests/unit/test.h"
#include "rtl.h"

#include <string.h>

typedef struct _ITEM {
    RTL_BALANCED_NODE Node; /* in Tree */
    char Key;               /* the order of Tree */
} ITEM, *PITEM;

static RTL_AVL_TREE Tree;
static ITEM Items[26]; /* one for each letter */
static char Picture[256];

static PITEM ItemOf(const RTL_BALANCED_NODE *Node)
{
    return CONTAINING_RECORD(Node, ITEM, Node);
}

static PRTL_BALANCED_NODE NodeOf(char Key)
{
    return &Items[Key - 'a'].Node;
}

static void Insert(char Key)
{
    PRTL_BALANCED_NODE Parent = NULL;
    PRTL_BALANCED_NODE Next = Tree.Root;
    BOOLEAN Right = FALSE;

    while (Next != NULL) {
        Parent = Next;
        Right = Key > ItemOf(Parent)->Key;
        Next = Right ? Parent->Right : Parent->Left;
    }
    memset(NodeOf(Key), 0xAA, sizeof(RTL_BALANCED_NODE)); /* nothing there may matter */
    Items[Key - 'a'].Key = Key;
    RtlAvlInsertNodeEx(&Tree, Parent, Right, NodeOf(Key));
}

static void Grow(const char *Keys)
{
    Tree.Root = NULL;
    for (; *Keys != 0; Keys++) {
        Insert(*Keys);
    }
}

static char *DrawNode(char *Next, const RTL_BALANCED_NODE *Node)
{
    if (Node == NULL) {
        return Next;
    }
    *Next++ = ItemOf(Node)->Key;
    if (Node->Left != NULL || Node->Right != NULL) {
        *Next++ = '(';
        Next = DrawNode(Next, Node->Left);
        *Next++ = ',';
        Next = DrawNode(Next, Node->Right);
        *Next++ = ')';
    }
    return Next;
}

/* => Returns the tree's picture, after it has passed as a tree of Nodes nodes. */
static const char *Drawn(ULONG Nodes)
{
    ULONG Count = 0;

    CHECK(RtlAvlVerify(&Tree, &Count));
    CHECK_EQUAL(Nodes, Count);
    *DrawNode(Picture, Tree.Root) = 0;
    return Picture;
}

/* ---- insertion ---- */

TEST(AvlInsert_into_an_empty_tree_makes_the_root)
{
    Grow("a");
    CHECK_TEXT("a", Drawn(1));
    CHECK(Tree.Root == NodeOf('a'));
}

TEST(AvlInsert_rotates_once_when_the_outer_side_grows)
{
    Grow("abc");
    CHECK_TEXT("b(a,c)", Drawn(3));
    Grow("cba");
    CHECK_TEXT("b(a,c)", Drawn(3));
}

TEST(AvlInsert_rotates_twice_when_the_inner_side_grows)
{
    Grow("acb");
    CHECK_TEXT("b(a,c)", Drawn(3));
    Grow("cab");
    CHECK_TEXT("b(a,c)", Drawn(3));
}

TEST(AvlInsert_moves_the_inner_subtree_over)
{
    Grow("badce");
    CHECK_TEXT("b(a,d(c,e))", Drawn(5));
    Insert('f');
    CHECK_TEXT("d(b(a,c),e(,f))", Drawn(6));
}

TEST(AvlInsert_splits_the_inner_subtree_in_a_double_rotation)
{
    Grow("cbfaehd");
    CHECK_TEXT("c(b(a,),f(e(d,),h))", Drawn(7));
    Grow("bafdhc");
    CHECK_TEXT("d(b(a,c),f(,h))", Drawn(6));
    Grow("bafdhe");
    CHECK_TEXT("d(b(a,),f(e,h))", Drawn(6));
}

TEST(AvlInsert_keeps_an_ascending_series_balanced)
{
    Grow("abcdefghijklmno");
    CHECK_TEXT("h(d(b(a,c),f(e,g)),l(j(i,k),n(m,o)))", Drawn(15));
}

/* ---- removal ---- */

TEST(AvlRemove_of_the_only_node_empties_the_tree)
{
    Grow("a");
    RtlAvlRemoveNode(&Tree, NodeOf('a'));
    CHECK(Tree.Root == NULL);
    CHECK_TEXT("", Drawn(0));
}

TEST(AvlRemove_of_a_leaf_or_a_node_with_one_child)
{
    Grow("bacd");
    RtlAvlRemoveNode(&Tree, NodeOf('c'));
    CHECK_TEXT("b(a,d)", Drawn(3));
    RtlAvlRemoveNode(&Tree, NodeOf('a'));
    CHECK_TEXT("b(,d)", Drawn(2));
    RtlAvlRemoveNode(&Tree, NodeOf('b'));
    CHECK_TEXT("d", Drawn(1));
}

TEST(AvlRemove_puts_the_successor_in_the_place_of_a_node_with_two_children)
{
    Grow("dbfaceg");
    RtlAvlRemoveNode(&Tree, NodeOf('b'));
    CHECK_TEXT("d(c(a,),f(e,g))", Drawn(6));
    RtlAvlRemoveNode(&Tree, NodeOf('d'));
    CHECK_TEXT("e(c(a,),f(,g))", Drawn(5));
}

TEST(AvlRemove_rotates_when_the_other_side_is_too_high)
{
    Grow("badc");
    RtlAvlRemoveNode(&Tree, NodeOf('a'));
    CHECK_TEXT("c(b,d)", Drawn(3));
    Grow("bade");
    RtlAvlRemoveNode(&Tree, NodeOf('a'));
    CHECK_TEXT("d(b,e)", Drawn(3));
}

TEST(AvlRemove_stops_when_a_rotation_keeps_the_height)
{
    Grow("badce");
    RtlAvlRemoveNode(&Tree, NodeOf('a'));
    CHECK_TEXT("d(b(,c),e)", Drawn(4));
}

TEST(AvlRemove_rebalances_up_to_the_root)
{
    /* Fibonacci's tree of height 5: each node leans left, so one removal is felt at each level. */
    Grow("hekcgjlbdfia");
    CHECK_TEXT("h(e(c(b(a,),d),g(f,)),k(j(i,),l))", Drawn(12));
    RtlAvlRemoveNode(&Tree, NodeOf('l'));
    CHECK_TEXT("e(c(b(a,),d),h(g(f,),j(i,k)))", Drawn(11));
}

/* ---- walking ---- */

TEST(AvlNext_and_Previous_walk_in_order)
{
    PRTL_BALANCED_NODE Node;
    char *Next = Picture;

    Grow("hekcgjlbdfia");
    for (Node = RtlAvlFirstNode(&Tree); Node != NULL; Node = RtlAvlNextNode(Node)) {
        *Next++ = ItemOf(Node)->Key;
    }
    *Next = 0;
    CHECK_TEXT("abcdefghijkl", Picture);
    Next = Picture;
    for (Node = RtlAvlLastNode(&Tree); Node != NULL; Node = RtlAvlPreviousNode(Node)) {
        *Next++ = ItemOf(Node)->Key;
    }
    *Next = 0;
    CHECK_TEXT("lkjihgfedcba", Picture);
}

TEST(AvlFirst_and_Last_of_an_empty_tree_are_NULL)
{
    Grow("");
    CHECK(RtlAvlFirstNode(&Tree) == NULL);
    CHECK(RtlAvlLastNode(&Tree) == NULL);
}

/* ---- damage ---- */

static BOOLEAN Passes(void)
{
    ULONG Count = 99;
    BOOLEAN Whole = RtlAvlVerify(&Tree, &Count);

    CHECK_EQUAL(Whole ? 7 : 99, Count);
    return Whole;
}

TEST(AvlVerify_sees_a_wrong_parent)
{
    Grow("dbfaceg");
    CHECK(Passes());
    NodeOf('e')->Parent = NodeOf('d');
    CHECK(!Passes());
    NodeOf('e')->Parent = NodeOf('f');
    CHECK(Passes());
    NodeOf('d')->Parent = NodeOf('a');
    CHECK(!Passes());
}

TEST(AvlVerify_sees_a_wrong_balance)
{
    Grow("dbfaceg");
    NodeOf('b')->Balance = 1;
    CHECK(!Passes());
    NodeOf('b')->Balance = 0;
    NodeOf('d')->Balance = -1;
    CHECK(!Passes());
}

TEST(AvlVerify_sees_a_tree_too_high_on_one_side)
{
    Grow("badc");
    NodeOf('b')->Left = NULL;
    NodeOf('b')->Balance = 2; /* true, but too much */
    CHECK(!Passes());
}

TEST(AvlVerify_sees_a_node_that_is_linked_twice)
{
    Grow("bac");
    NodeOf('b')->Left = NodeOf('c');
    CHECK(!Passes());
}

TEST(AvlVerify_sees_a_ring)
{
    Grow("ab");
    NodeOf('b')->Left = NodeOf('a');
    CHECK(!Passes());
    NodeOf('a')->Parent = NodeOf('b');
    CHECK(!Passes());
}

TEST(AvlVerify_ends_on_a_list_of_any_length)
{
    static RTL_BALANCED_NODE Nodes[1000000];
    ULONG Index;

    memset(Nodes, 0, sizeof(Nodes));
    for (Index = 1; Index < RTL_NUMBER_OF(Nodes); Index++) {
        Nodes[Index].Parent = &Nodes[Index - 1];
        Nodes[Index - 1].Left = &Nodes[Index];
    }
    Tree.Root = &Nodes[0];
    CHECK(!Passes());
    Tree.Root = NULL;
}

static void RemoveTwice(PVOID Context)
{
    RtlAvlRemoveNode(&Tree, Context);
    RtlAvlRemoveNode(&Tree, Context);
}

static void InsertOverRoot(PVOID Context)
{
    RtlAvlInsertNodeEx(&Tree, NULL, FALSE, Context);
}

static void InsertOverLeftChild(PVOID Context)
{
    RtlAvlInsertNodeEx(&Tree, Tree.Root, FALSE, Context);
}

TEST(AvlRemove_of_a_node_that_is_not_linked_stops_the_machine)
{
    Grow("dbfaceg");
    CHECK(TestTraps(RemoveTwice, NodeOf('a')));
    CHECK(TestTraps(RemoveTwice, NodeOf('b')));
    CHECK(TestTraps(RemoveTwice, NodeOf('d')));
}

TEST(AvlInsert_in_an_occupied_place_stops_the_machine)
{
    Grow("dbfaceg");
    CHECK(TestTraps(InsertOverRoot, NodeOf('z')));
    CHECK(TestTraps(InsertOverLeftChild, NodeOf('z')));
}
