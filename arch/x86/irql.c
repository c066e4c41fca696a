/* SPDX-License-Identifier: MIT */
/*
 * irql.c - IRQL as a number in memory, and interrupts that respect it.
 *
 * Raising and lowering IRQL is the kernel's most frequent act, so it touches no hardware: the level
 * is KPCR.Irql.  An interrupt that arrives although its level is not above the current one is
 * acknowledged, remembered and run when the level falls:
 *
 *     KfRaiseIrql          Irql = new
 *     interrupt, too low   KipPending |= its vector, IRR |= its level, acknowledge, return
 *     KfLowerIrql          Irql = new; while IRR has a level above it: run the highest
 *
 * Nothing is lost between the store and the test in KfLowerIrql: an interrupt that comes before the
 * store has set IRR, one that comes after it is delivered at once.
 *
 * Invariants:
 *   I1  IRR bit n is set exactly when a vector of level n is in KipPending (n > DISPATCH_LEVEL), or
 *       a software interrupt of level n was asked for
 *   I2  a handler runs with Irql equal to its vector's level
 *
 * A vector is pending once, however often it came: as in the APIC itself.
 */
#include "arch/x86/irql.h"

#include "arch/x86/apic.h"
#include "arch/x86/bugcheck.h"
#include "arch/x86/pcr.h"
#include "arch/x86/user_access.h"
#include "arch/x86/vectors.h"

#define KIP_VECTOR_WORDS (256 / 32)

typedef struct _KIP_ROUTE {
    KI_INTERRUPT_ROUTINE *Routine; /* (I) NULL: nobody */
    KIRQL Irql;                    /* (I) */
} KIP_ROUTE;

static KIP_ROUTE KipRoutes[256];
static volatile ULONG KipPending[KIP_VECTOR_WORDS]; /* (L) */
static void (*KipSoftware[DISPATCH_LEVEL + 1])(void);
volatile KI_INTERRUPT_COUNTERS KiInterruptCounters;
volatile ULONG KiLastStrayVector;

BOOLEAN KeDisableInterrupts(void)
{
    ULONG Flags;

    __asm__ volatile("pushf; pop %0; cli" : "=r"(Flags) : : "memory");
    return (Flags & KI_EFLAGS_IF) != 0;
}

void KeRestoreInterrupts(BOOLEAN WasEnabled)
{
    if (WasEnabled) {
        __asm__ volatile("sti" ::: "memory");
    }
}

void KiIdleProcessor(void)
{
    __asm__ volatile("sti; hlt" ::: "memory");
}

NT_C_ASSERT(KI_PCR_VA + offsetof(KPCR, Irql) == 0xFFDFF024u); /* KiCurrentIrql in kernel.ld */

KIRQL NTAPI KeGetCurrentIrql(void)
{
    return KI_PCR->Irql;
}

/*
 * What a raise compares with anyway decides whether it takes the long way, so that
 * KiSetRaiseRoutine costs nothing where it is not used: then no raise that is allowed takes it.
 */
static KI_BEFORE_RAISE *KipBeforeRaise;
static KIRQL KipShortRaise = HIGH_LEVEL;           /* KfRaiseIrql: the highest that needs no more */
static KIRQL KipLongDpcRaise = DISPATCH_LEVEL + 1; /* KeRaiseIrqlToDpcLevel: the lowest old IRQL
                                                      that needs more */

void KiSetRaiseRoutine(KI_BEFORE_RAISE *Routine)
{
    KipShortRaise = HIGH_LEVEL;
    KipLongDpcRaise = DISPATCH_LEVEL + 1;
    KipBeforeRaise = Routine;
    if (Routine != NULL) {
        KipShortRaise = APC_LEVEL;
        KipLongDpcRaise = PASSIVE_LEVEL;
    }
}

static NT_NORETURN void KipRefuseRaise(KIRQL Old, KIRQL NewIrql, PVOID Caller)
{
    KeBugCheckEx(NewIrql < Old ? IRQL_NOT_GREATER_OR_EQUAL : IRQL_NOT_LESS_OR_EQUAL, Old, NewIrql,
                 0, (ULONG)Caller);
}

/* The whole raise; its callers end with it, so that their short way has no registers to save. */
static KIRQL __attribute__((noinline)) KipRaiseTheLongWay(KIRQL Old, KIRQL NewIrql, PVOID Caller)
{
    KI_BEFORE_RAISE *Routine = KipBeforeRaise;

    if (NewIrql < Old || NewIrql > HIGH_LEVEL) {
        KipRefuseRaise(Old, NewIrql, Caller);
    }
    if (Routine != NULL && Old < DISPATCH_LEVEL && NewIrql >= DISPATCH_LEVEL) {
        Routine();
    }
    KI_PCR->Irql = NewIrql;
    __asm__ volatile("" ::: "memory"); /* what follows is protected by the new level */
    return Old;
}

KIRQL FASTCALL KfRaiseIrql(KIRQL NewIrql)
{
    KIRQL Old = KI_PCR->Irql;

    if (NewIrql < Old || NewIrql > KipShortRaise) {
        return KipRaiseTheLongWay(Old, NewIrql, __builtin_return_address(0));
    }
    KI_PCR->Irql = NewIrql;
    __asm__ volatile("" ::: "memory"); /* what follows is protected by the new level */
    return Old;
}

static KIRQL FASTCALL __attribute__((noinline)) KipRaiseToDpcTheLongWay(PVOID Caller)
{
    return KipRaiseTheLongWay(KI_PCR->Irql, DISPATCH_LEVEL, Caller);
}

KIRQL NTAPI KeRaiseIrqlToDpcLevel(void)
{
    KIRQL Old = KI_PCR->Irql;

    if (Old >= KipLongDpcRaise) {
        return KipRaiseToDpcTheLongWay(__builtin_return_address(0));
    }
    KI_PCR->Irql = DISPATCH_LEVEL;
    __asm__ volatile("" ::: "memory"); /* what follows is protected by the new level */
    return Old;
}

/* => Interrupts off.  Takes the highest pending vector of Irql out of the pending set. */
static ULONG KipTakePending(KIRQL Irql)
{
    ULONG Found = 0;
    ULONG Vector;
    BOOLEAN More = FALSE;

    for (Vector = 255; Vector >= KI_TRAP_EXCEPTIONS; Vector--) {
        if (!(KipPending[Vector / 32] & (1u << (Vector % 32))) || KipRoutes[Vector].Irql != Irql) {
            continue;
        }
        if (Found != 0) {
            More = TRUE;
            break;
        }
        Found = Vector;
    }
    KipPending[Found / 32] &= ~(1u << (Found % 32));
    if (!More) {
        KI_PCR->IRR &= ~(1u << Irql);
    }
    return Found;
}

/* => Interrupts off, and off again on return.  Runs the handler of one pending level. */
static void KipRunPending(KIRQL Irql)
{
    KIRQL Old = KI_PCR->Irql;

    KI_PCR->Irql = Irql; /* I2 */
    if (Irql <= DISPATCH_LEVEL) {
        KI_PCR->IRR &= ~(1u << Irql);
        __asm__ volatile("sti" ::: "memory");
        KipSoftware[Irql]();
    } else {
        ULONG Vector = KipTakePending(Irql);

        KiInterruptCounters.Delivered++;
        __asm__ volatile("sti" ::: "memory");
        KipRoutes[Vector].Routine(NULL);
    }
    __asm__ volatile("cli" ::: "memory");
    KI_PCR->Irql = Old;
}

static void KipDeliverPending(void)
{
    BOOLEAN Enabled = KeDisableInterrupts();

    for (;;) {
        ULONG Above = KI_PCR->IRR & ~((2u << KI_PCR->Irql) - 1);

        if (Above == 0) {
            break;
        }
        KipRunPending((KIRQL)(31 - __builtin_clz(Above)));
    }
    KeRestoreInterrupts(Enabled);
}

void FASTCALL KiLowerIrqlFromDpcLevel(KIRQL OldIrql)
{
    __asm__ volatile("" ::: "memory"); /* what came before is protected by the old level */
    KI_PCR->Irql = OldIrql;
    if (KI_PCR->IRR >> OldIrql > 1) {
        KipDeliverPending();
    }
}

void FASTCALL KfLowerIrql(KIRQL NewIrql)
{
    if (NewIrql > KI_PCR->Irql) {
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, KI_PCR->Irql, NewIrql, 0,
                     (ULONG)__builtin_return_address(0));
    }
    KiLowerIrqlFromDpcLevel(NewIrql);
}

void FASTCALL HalRequestSoftwareInterrupt(KIRQL Irql)
{
    BOOLEAN Enabled;

    if (Irql > DISPATCH_LEVEL || KipSoftware[Irql] == NULL) {
        KeBugCheckEx(IRQL_UNEXPECTED_VALUE, KI_PCR->Irql, Irql, 0,
                     (ULONG)__builtin_return_address(0));
    }
    Enabled = KeDisableInterrupts();
    KI_PCR->IRR |= 1u << Irql;
    KeRestoreInterrupts(Enabled);
    if (Irql > KI_PCR->Irql) {
        KipDeliverPending();
    }
}

void KiConnectSoftwareInterrupt(KIRQL Irql, void (*Routine)(void))
{
    KipSoftware[Irql] = Routine;
}

void KiRequestDispatchInterrupt(void)
{
    HalRequestSoftwareInterrupt(DISPATCH_LEVEL);
}

void KiConnectDispatchInterrupt(void (*Routine)(void))
{
    KiConnectSoftwareInterrupt(DISPATCH_LEVEL, Routine);
}

void KiConnectInterrupt(ULONG Vector, KIRQL Irql, KI_INTERRUPT_ROUTINE *Routine)
{
    KipRoutes[Vector].Irql = Irql;
    KipRoutes[Vector].Routine = Routine;
}

BOOLEAN KiInterruptIsConnected(ULONG Vector)
{
    return KipRoutes[Vector].Routine != NULL;
}

KI_INTERRUPT_ROUTINE *KiInterruptRoutine(ULONG Vector)
{
    return KipRoutes[Vector].Routine;
}

/* The 8259s are masked; what still comes from them is their own spurious request. */
static void KipStrayInterrupt(ULONG Vector)
{
    KiLastStrayVector = Vector;
    if (Vector >= KI_VECTOR_PIC && Vector < KI_VECTOR_PIC + 16) {
        KiInterruptCounters.Spurious++;
    } else {
        KiInterruptCounters.Unexpected++;
    }
    /* An I/O APIC may use the 8259s' vectors too; theirs are never in service. */
    HalAcknowledgeInterruptIfInService(Vector);
}

void KiDispatchInterrupt(PKTRAP_FRAME Frame, ULONG Vector)
{
    KIP_ROUTE *Route = &KipRoutes[Vector];
    KIRQL Old = KI_PCR->Irql;

    KiForbidUserAccess(); /* the handler may switch threads */
    if (Vector == KI_VECTOR_SPURIOUS) {
        KiInterruptCounters.Spurious++; /* not in service: must not be acknowledged */
        return;
    }
    if (Route->Routine == NULL) {
        KipStrayInterrupt(Vector);
        return;
    }
    HalAcknowledgeInterrupt();
    if (Route->Irql <= Old) {
        KipPending[Vector / 32] |= 1u << (Vector % 32);
        KI_PCR->IRR |= 1u << Route->Irql; /* I1 */
        KiInterruptCounters.HeldBack++;
        return;
    }
    KI_PCR->Irql = Route->Irql; /* I2 */
    KiInterruptCounters.Delivered++;
    __asm__ volatile("sti" ::: "memory");
    Route->Routine(Frame);
    __asm__ volatile("cli" ::: "memory");
    KI_PCR->Irql = Old;
    if (KI_PCR->IRR >> Old > 1) {
        KipDeliverPending();
    }
}
