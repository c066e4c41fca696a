/* SPDX-License-Identifier: MIT */
/*
 * vectors.c - trying every interrupt vector by INT.
 *
 * INT n goes through the same gate as the event with that number, but never pushes an error code
 * and never switches tasks back, so the exceptions that do are left out; real faults try them
 * (probes.c).  Vectors that have a handler are left out too: theirs would run.
 */
#include "arch/x86/vectors.h"

#include "arch/x86/irql.h"
#include "arch/x86/trap.h"

#define KIP_THUNK_BYTES 4

/* 256 times { int n; ret; pad }. */
__asm__(".section .text\n"
        ".balign 4\n"
        "KipIntThunks:\n"
        ".set KipNumber, 0\n"
        ".rept 256\n"
        ".byte 0xCD, KipNumber, 0xC3, 0x90\n"
        ".set KipNumber, KipNumber + 1\n"
        ".endr\n");
extern const UCHAR KipIntThunks[];

static ULONG KipRaise(ULONG Vector)
{
    ((void (*)(void))(ULONG)(KipIntThunks + Vector * KIP_THUNK_BYTES))();
    return 0;
}

/* The vectors whose events push an error code, or enter by task gate. */
static BOOLEAN KipLeaveOut(ULONG Vector)
{
    const ULONG Exceptions =
        1u << 8 | 0x1Fu << 10 | 1u << 17 | 1u << 21 | 1u << 29 | 1u << 30 | 1u << KI_TRAP_NMI;

    if (Vector < KI_TRAP_EXCEPTIONS) {
        return (Exceptions >> Vector) & 1;
    }
    return KiInterruptIsConnected(Vector);
}

static BOOLEAN KipArrives(ULONG Vector)
{
    ULONG Spurious = KiInterruptCounters.Spurious;
    KI_FAULT Fault;

    KiLastStrayVector = 0;
    KiGuardedCall(KipRaise, Vector, &Fault);
    if (Vector < KI_TRAP_EXCEPTIONS) {
        return Fault.Happened && Fault.Vector == Vector;
    }
    if (Vector == KI_VECTOR_SPURIOUS || (Vector >= KI_VECTOR_PIC && Vector < KI_VECTOR_PIC + 16)) {
        return KiInterruptCounters.Spurious == Spurious + 1;
    }
    return !Fault.Happened && KiLastStrayVector == Vector;
}

ULONG KiTryAllVectors(PULONG Wrong)
{
    ULONG Tried = 0;
    ULONG Vector;

    *Wrong = 0;
    for (Vector = 0; Vector < 256; Vector++) {
        if (!KipLeaveOut(Vector)) {
            *Wrong += !KipArrives(Vector);
            Tried++;
        }
    }
    return Tried;
}
