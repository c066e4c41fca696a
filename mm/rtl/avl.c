/* SPDX-License-Identifier: MIT */
/*
 * avl.c - balanced binary trees whose nodes lie inside the caller's structures.
 *
 * The tree compares nothing and allocates nothing: the caller descends by its own key and hands in
 * the place, so that no operation can fail.  Order is therefore the caller's invariant; ours are
 * (checked by RtlAvlVerify):
 *   T1  the root's Parent is NULL, a child's Parent is the node that links to it, and the two
 *       children of a node differ: each node is linked exactly once
 *   T2  Balance is the height of the right subtree minus that of the left one
 *   T3  Balance is -1, 0 or 1, so that n nodes stand at most 1.44 * log2(n + 2) high
 *
 * Insertion and removal change the height of one subtree by 1 and walk from there to the root.
 * T2 holds at each step for all nodes but those still above; the walk ends where a subtree's height
 * is what it was before.  On the way a Balance of -2 or 2 is brought back by one or two rotations.
 *
 * Left and right mirror each other: `Right` says which side is meant, and one body serves both.
 *
 * Locking: the caller's.
 */
#include "rtl.h"

/*
 * A tree of height h has at least F(h + 2) - 1 nodes, F being Fibonacci's numbers.  F(48) - 1 is
 * above 2^32, so 45 is the greatest height at which a ULONG can count the nodes.
 */
#define RTL_AVL_MAX_HEIGHT 45

#define RTL_AVL_BROKEN     (-1) /* in place of a height */

/* => Returns the link from Node to its child on one side. */
static PRTL_BALANCED_NODE *RtlpChildLink(PRTL_BALANCED_NODE Node, BOOLEAN Right)
{
    return Right ? &Node->Right : &Node->Left;
}

static BOOLEAN RtlpIsRightChild(const RTL_BALANCED_NODE *Node)
{
    return Node->Parent != NULL && Node->Parent->Right == Node;
}

/*
 * Let New (or NULL) hang where Old does; Old's own links stay.  A tree in which nothing leads to
 * Old was trampled on, or Old is not in it: the machine stops where the damage is found.
 */
static void RtlpReplaceChild(PRTL_AVL_TREE Tree, PRTL_BALANCED_NODE Old, PRTL_BALANCED_NODE New)
{
    PRTL_BALANCED_NODE *Link = &Tree->Root;

    if (Old->Parent != NULL) {
        Link = RtlpChildLink(Old->Parent, RtlpIsRightChild(Old));
    }
    if (*Link != Old) {
        __builtin_trap();
    }
    *Link = New;
    if (New != NULL) {
        New->Parent = Old->Parent;
    }
}

/* Make Child (or NULL) the child of Node on one side. */
static void RtlpSetChild(PRTL_BALANCED_NODE Node, BOOLEAN Right, PRTL_BALANCED_NODE Child)
{
    *RtlpChildLink(Node, Right) = Child;
    if (Child != NULL) {
        Child->Parent = Node;
    }
}

/*
 * Lift Top's child on side Right into Top's place; order and T1 hold.  With Right:
 *
 *       Top                    Riser
 *      /   \                  /     \
 *     a   Riser     -->     Top      c
 *         /   \            /   \
 *        b     c          a     b
 *
 * Let a, b, c be the heights.  By T2, Top = 1 + max(b, c) - a and Riser = c - b before; afterwards
 *
 *     Top'   = b - a              =  Top - 1 - max(Riser, 0)
 *     Riser' = c - 1 - max(a, b)  =  Riser - 1 + min(Top', 0)
 *
 * which holds for all balances, so that a double rotation needs no formula of its own.
 */
static void RtlpRotate(PRTL_AVL_TREE Tree, PRTL_BALANCED_NODE Top, BOOLEAN Right)
{
    PRTL_BALANCED_NODE Riser = *RtlpChildLink(Top, Right);
    LONG Sign = Right ? 1 : -1; /* to the left the same holds with all balances negated */
    LONG TopBalance = Sign * Top->Balance;
    LONG RiserBalance = Sign * Riser->Balance;

    RtlpReplaceChild(Tree, Top, Riser);
    RtlpSetChild(Top, Right, *RtlpChildLink(Riser, !Right));
    RtlpSetChild(Riser, !Right, Top);

    TopBalance -= 1 + (RiserBalance > 0 ? RiserBalance : 0);
    RiserBalance -= 1 - (TopBalance < 0 ? TopBalance : 0);
    Top->Balance = Sign * TopBalance;
    Riser->Balance = Sign * RiserBalance;
}

/* Top's Balance is -2 or 2.  => Returns the node now in its place: T3 holds again below it. */
static PRTL_BALANCED_NODE RtlpRebalance(PRTL_AVL_TREE Tree, PRTL_BALANCED_NODE Top)
{
    BOOLEAN Right = Top->Balance > 0;
    PRTL_BALANCED_NODE Riser = *RtlpChildLink(Top, Right);

    if (Riser->Balance == (Right ? -1 : 1)) {
        /* Riser's inner subtree is the higher one and would only change sides: lift it first. */
        RtlpRotate(Tree, Riser, !Right);
    }
    RtlpRotate(Tree, Top, Right);
    return Top->Parent;
}

void NTAPI RtlAvlInsertNodeEx(PRTL_AVL_TREE Tree, PRTL_BALANCED_NODE Parent, BOOLEAN Right,
                              PRTL_BALANCED_NODE Node)
{
    PRTL_BALANCED_NODE *Link = Parent == NULL ? &Tree->Root : RtlpChildLink(Parent, Right);

    if (*Link != NULL) {
        __builtin_trap();
    }
    *Link = Node;
    Node->Parent = Parent;
    Node->Left = Node->Right = NULL;
    Node->Balance = 0;

    /* The subtree at Node has grown by 1. */
    for (; Node->Parent != NULL; Node = Parent) {
        Parent = Node->Parent;
        Parent->Balance += RtlpIsRightChild(Node) ? 1 : -1;
        if (Parent->Balance == 0) {
            return;
        }
        if (Parent->Balance != 1 && Parent->Balance != -1) {
            RtlpRebalance(Tree, Parent);
            return;
        }
    }
}

/* Node's subtree on side Right has shrunk by 1: restore T2 and T3 from Node up. */
static void RtlpShrink(PRTL_AVL_TREE Tree, PRTL_BALANCED_NODE Node, BOOLEAN Right)
{
    while (Node != NULL) {
        Node->Balance += Right ? -1 : 1;
        if (Node->Balance == 1 || Node->Balance == -1) {
            return; /* both sides were equally high: so is the whole */
        }
        if (Node->Balance != 0) {
            Node = RtlpRebalance(Tree, Node);
            if (Node->Balance != 0) {
                return; /* the rotation kept the height */
            }
        }
        Right = RtlpIsRightChild(Node);
        Node = Node->Parent;
    }
}

/* => Returns the last node on side Right of the subtree at Node. */
static PRTL_BALANCED_NODE RtlpOutermost(PRTL_BALANCED_NODE Node, BOOLEAN Right)
{
    while (*RtlpChildLink(Node, Right) != NULL) {
        Node = *RtlpChildLink(Node, Right);
    }
    return Node;
}

void NTAPI RtlAvlRemoveNode(PRTL_AVL_TREE Tree, PRTL_BALANCED_NODE Node)
{
    PRTL_BALANCED_NODE Leaver = Node; /* whose place goes away: it has one child at most */
    PRTL_BALANCED_NODE Shrunk;
    BOOLEAN Right;

    if (Node->Left != NULL && Node->Right != NULL) {
        Leaver = RtlpOutermost(Node->Right, FALSE);
    }
    Shrunk = Leaver->Parent;
    Right = RtlpIsRightChild(Leaver);
    RtlpReplaceChild(Tree, Leaver, Leaver->Left != NULL ? Leaver->Left : Leaver->Right);
    if (Leaver != Node) {
        RtlpReplaceChild(Tree, Node, Leaver);
        RtlpSetChild(Leaver, FALSE, Node->Left);
        RtlpSetChild(Leaver, TRUE, Node->Right);
        Leaver->Balance = Node->Balance;
        Shrunk = Shrunk == Node ? Leaver : Shrunk;
    }
    RtlpShrink(Tree, Shrunk, Right);
}

/* => Returns the neighbour in order on side Right, or NULL. */
static PRTL_BALANCED_NODE RtlpNeighbour(PRTL_BALANCED_NODE Node, BOOLEAN Right)
{
    if (*RtlpChildLink(Node, Right) != NULL) {
        return RtlpOutermost(*RtlpChildLink(Node, Right), !Right);
    }
    while (Node->Parent != NULL && RtlpIsRightChild(Node) == Right) {
        Node = Node->Parent;
    }
    return Node->Parent;
}

PRTL_BALANCED_NODE NTAPI RtlAvlFirstNode(const RTL_AVL_TREE *Tree)
{
    return Tree->Root == NULL ? NULL : RtlpOutermost(Tree->Root, FALSE);
}

PRTL_BALANCED_NODE NTAPI RtlAvlLastNode(const RTL_AVL_TREE *Tree)
{
    return Tree->Root == NULL ? NULL : RtlpOutermost(Tree->Root, TRUE);
}

PRTL_BALANCED_NODE NTAPI RtlAvlNextNode(const RTL_BALANCED_NODE *Node)
{
    return RtlpNeighbour((PRTL_BALANCED_NODE)Node, TRUE);
}

PRTL_BALANCED_NODE NTAPI RtlAvlPreviousNode(const RTL_BALANCED_NODE *Node)
{
    return RtlpNeighbour((PRTL_BALANCED_NODE)Node, FALSE);
}

/*
 * Recursion is at most RTL_AVL_MAX_HEIGHT deep whatever the links say, and by T1 no node is entered
 * twice.  => Returns the subtree's height, or RTL_AVL_BROKEN; adds its nodes to *Count.
 */
static LONG RtlpVerifySubtree(const RTL_BALANCED_NODE *Node, const RTL_BALANCED_NODE *Parent,
                              ULONG Depth, PULONG Count)
{
    LONG Left;
    LONG Right;

    if (Node == NULL) {
        return 0;
    }
    if (Depth == RTL_AVL_MAX_HEIGHT || Node->Parent != Parent ||
        (Node->Left == Node->Right && Node->Left != NULL)) {
        return RTL_AVL_BROKEN;
    }
    Left = RtlpVerifySubtree(Node->Left, Node, Depth + 1, Count);
    Right = RtlpVerifySubtree(Node->Right, Node, Depth + 1, Count);
    if (Left == RTL_AVL_BROKEN || Right == RTL_AVL_BROKEN || Node->Balance != Right - Left ||
        Node->Balance < -1 || Node->Balance > 1) {
        return RTL_AVL_BROKEN;
    }
    *Count += 1;
    return 1 + (Left > Right ? Left : Right);
}

BOOLEAN NTAPI RtlAvlVerify(const RTL_AVL_TREE *Tree, PULONG Count)
{
    ULONG Nodes = 0;

    if (RtlpVerifySubtree(Tree->Root, NULL, 0, &Nodes) == RTL_AVL_BROKEN) {
        return FALSE;
    }
    *Count = Nodes;
    return TRUE;
}
