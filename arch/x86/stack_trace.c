/* SPDX-License-Identifier: MIT */
/*
 * stack_trace.c - who called whom: the chain of EBP, and the two places where it is not enough.
 *
 * Compilers give a function that needs no stack no frame, whatever they are told; interrupted
 * there, or in a prologue, EBP is still that of the caller, whose own place in the trace would be
 * skipped.  And a trap's frame is a KTRAP_FRAME: what it interrupted may again be such a function.
 *
 *     where Eip is                       the return address is
 *     before push %ebp, or at a ret      at Esp
 *     between push and mov               at Esp + 4
 *     in a function with a frame         at Ebp + 4
 *     in a function without              the first word from Esp up, below Ebp, that follows a
 *                                        call of this function or through a pointer
 *
 * The last line is a guess, but what it accepts is a return address.  With Esp lost, the words
 * below Ebp, the caller's, are searched downwards.
 *
 * **Pure**: memory is read through a routine, so that the host tests it on stacks made by hand.
 */
#include "arch/x86/stack_trace.h"

#include "arch/x86/symbols.h"
#include "arch/x86/trap.h"
#include "rtl.h"

#define KIP_SEARCH_BYTES  256u /* of stack: more than a function without a frame pushes */
#define KIP_PROLOGUE_SPAN 512u /* of code before Eip that may hold a prologue */

/* The machine's instructions that matter here (Intel SDM 2, appendix A). */
enum {
    PushEbp = 0x55,
    MovToRm = 0x89,    /* mov %esp, %ebp is 89 E5 or 8B EC */
    MovFromRm = 0x8B,  /* the same, the other way round */
    Ret = 0xC3,        /* near return */
    RetPop = 0xC2,     /* near return, popping arguments */
    CallDirect = 0xE8, /* call rel32 */
    Group5 = 0xFF      /* /2: call through register or memory */
};

static BOOLEAN KipReadWord(KI_READ_MEMORY *Read, ULONG Va, PULONG Value)
{
    return Va % sizeof(ULONG) == 0 && Read(Va, Value, sizeof(*Value));
}

/* ---- is there a call before this address? ---- */

/* Bytes of a group-5 instruction with this ModRM byte and the SIB byte that may follow. */
static ULONG KipGroup5Bytes(UCHAR ModRm, UCHAR Sib)
{
    ULONG Mode = ModRm >> 6;
    ULONG Base = ModRm & 7;
    ULONG Bytes = 2;

    if (Mode == 3) {
        return Bytes;
    }
    if (Base == 4) {
        Bytes++;
        Base = Sib & 7;
    }
    if (Mode == 2 || (Mode == 0 && Base == 5)) {
        return Bytes + 4;
    }
    return Bytes + Mode; /* a byte of displacement in mode 1 */
}

/* => Whether an instruction that ends at Va calls Function, or something through a pointer. */
static BOOLEAN KipFollowsCall(KI_READ_MEMORY *Read, ULONG Va, ULONG Function)
{
    UCHAR Code[8];
    ULONG Bytes;
    LONG Distance;

    if (!Read(Va - sizeof(Code), Code, sizeof(Code))) {
        return FALSE;
    }
    memcpy(&Distance, Code + sizeof(Code) - sizeof(Distance), sizeof(Distance));
    if (Code[3] == CallDirect && Va + (ULONG)Distance == Function) {
        return TRUE;
    }
    for (Bytes = 2; Bytes <= 7; Bytes++) {
        const UCHAR *Call = Code + sizeof(Code) - Bytes;

        if (Call[0] == Group5 && (Call[1] >> 3 & 7) == 2 &&
            KipGroup5Bytes(Call[1], Bytes > 2 ? Call[2] : 0) == Bytes) {
            return TRUE;
        }
    }
    return FALSE;
}

/* ---- functions without a frame ---- */

static BOOLEAN KipIsPrologue(const UCHAR Code[3])
{
    return Code[0] == PushEbp &&
           ((Code[1] == MovToRm && Code[2] == 0xE5) || (Code[1] == MovFromRm && Code[2] == 0xEC));
}

/*
 * => Whether a prologue stands in [Start, Eip]; *Passed says how many of its bytes lie before Eip.
 *    Compilers may put a test in front of it that leaves early.
 */
static BOOLEAN KipFindPrologue(KI_READ_MEMORY *Read, ULONG Start, ULONG Eip, PULONG Passed)
{
    UCHAR Code[3];
    ULONG Va;

    for (Va = Start; Va <= Eip; Va++) {
        if (!Read(Va, Code, sizeof(Code))) {
            return FALSE;
        }
        if (KipIsPrologue(Code)) {
            *Passed = Eip - Va;
            return TRUE;
        }
    }
    return FALSE;
}

static BOOLEAN KipSearchStack(const KI_STACK_STATE *S, KI_READ_MEMORY *Read, ULONG Function,
                              PULONG ReturnVa)
{
    ULONG Value;
    ULONG Offset;
    BOOLEAN Lost = !KipReadWord(Read, S->Esp, &Value);
    ULONG Limit = KIP_SEARCH_BYTES;

    if (!Lost && S->Ebp > S->Esp && S->Ebp - S->Esp < Limit) {
        Limit = S->Ebp - S->Esp; /* a frame begins there that is not this function's */
    }
    for (Offset = 0; Offset < Limit; Offset += sizeof(ULONG)) {
        ULONG Va = Lost ? S->Ebp - sizeof(ULONG) - Offset : S->Esp + Offset;

        if (!KipReadWord(Read, Va, &Value)) {
            return FALSE;
        }
        if (KipFollowsCall(Read, Value, Function)) {
            *ReturnVa = Va;
            return TRUE;
        }
    }
    return FALSE;
}

/* => Whether EBP is not that of the function at Eip; its return address is at *ReturnVa. */
static BOOLEAN KipFindHiddenReturn(const KI_STACK_STATE *S, KI_READ_MEMORY *Read, PULONG ReturnVa)
{
    char Name[KI_SYMBOL_BYTES];
    ULONG Offset;
    ULONG Passed;
    ULONG Value;
    UCHAR Code;

    if (!KiFindSymbol(S->Eip, Name, sizeof(Name), &Offset) || Offset > KIP_PROLOGUE_SPAN ||
        !Read(S->Eip, &Code, sizeof(Code))) {
        return FALSE;
    }
    if (!KipFindPrologue(Read, S->Eip - Offset, S->Eip, &Passed)) {
        return KipSearchStack(S, Read, S->Eip - Offset, ReturnVa);
    }
    if (Passed != 0 && Passed != 1 && Code != Ret && Code != RetPop) {
        return FALSE;
    }
    *ReturnVa = S->Esp + (Passed == 1 ? sizeof(ULONG) : 0);
    return KipReadWord(Read, *ReturnVa, &Value);
}

/* ---- the walk ---- */

static BOOLEAN KipIsTrapEntry(ULONG Eip)
{
    char Name[KI_SYMBOL_BYTES];
    ULONG Offset;

    return KiFindSymbol(Eip, Name, sizeof(Name), &Offset) &&
           (strcmp(Name, "KiTrapCommon") == 0 || strcmp(Name, "KiInterruptCommon") == 0);
}

/* => FALSE: nothing to go on from. */
static BOOLEAN KipLeaveTrap(PKI_STACK_STATE S, KI_READ_MEMORY *Read)
{
    KTRAP_FRAME Trap;

    if (!Read(S->Ebp, &Trap, offsetof(KTRAP_FRAME, HardwareEsp)) || (Trap.SegCs & 3) != 0) {
        return FALSE; /* it came from ring 3: the kernel's stack ends here */
    }
    *S = (KI_STACK_STATE){
        .Eip = Trap.Eip, .Esp = S->Ebp + offsetof(KTRAP_FRAME, HardwareEsp), .Ebp = Trap.Ebp};
    return TRUE;
}

/*
 * The frame of S; S becomes its caller's state.
 * => FALSE: there is none.  *More: whether to go on.
 */
static BOOLEAN KipTakeFrame(PKI_STACK_STATE S, KI_READ_MEMORY *Read, PKI_STACK_FRAME Frame,
                            PBOOLEAN More)
{
    ULONG Ebp = S->Ebp;
    ULONG Next = Ebp; /* of a function without a frame, EBP is its caller's already */
    ULONG ReturnVa;
    BOOLEAN Hidden = !S->InCall && KipFindHiddenReturn(S, Read, &ReturnVa);

    if (!Hidden) {
        ReturnVa = Ebp + sizeof(ULONG);
        if (Ebp == 0 || !KipReadWord(Read, Ebp, &Next)) {
            return FALSE;
        }
    }
    *Frame = (KI_STACK_FRAME){ReturnVa - sizeof(ULONG), 0, S->Eip, S->InCall};
    if (!KipReadWord(Read, ReturnVa, &Frame->RetAddr)) {
        return FALSE;
    }
    *More = Frame->RetAddr != 0 && (Hidden || Next > Ebp);
    if (!Hidden && KipIsTrapEntry(S->Eip)) {
        *More = KipLeaveTrap(S, Read);
        return TRUE;
    }
    *S = (KI_STACK_STATE){Frame->RetAddr, ReturnVa + sizeof(ULONG), Next, TRUE};
    return TRUE;
}

ULONG KiTraceStack(const KI_STACK_STATE *State, KI_READ_MEMORY *Read, PKI_STACK_FRAME Frames,
                   ULONG Limit)
{
    KI_STACK_STATE S = *State;
    BOOLEAN More = TRUE;
    ULONG Count = 0;

    while (More && Count < Limit && KipTakeFrame(&S, Read, &Frames[Count], &More)) {
        Count++;
    }
    return Count;
}
