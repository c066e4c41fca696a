/* SPDX-License-Identifier: MIT */
/*
 * test_prop_ke.c - random work of several threads on dispatcher objects, against a naive model.
 *
 * The model knows the objects' states and the waits in the order in which they began; what wakes
 * whom, with which status, it finds by looking through all of them.  Kernel and model take each
 * step at one instant: at DISPATCH_LEVEL, or, before a wait that may block, behind a KeSetEvent
 * with Wait = TRUE.  Threads are preempted wherever the seed says.
 */
#include "mm/ke/dispatcher.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#include <string.h>

#define THREADS      6u
#define STEPS        120u
#define PER_KIND     2u
#define KINDS        6u
#define OBJECTS      (PER_KIND * KINDS)
#define WAIT_OBJECTS 5u
#define LIMIT        6 /* of the semaphores */
#define MS           10000

typedef enum _KIND {
    KindNotification,
    KindSynchronization,
    KindSemaphore,
    KindMutant,
    KindTimer,
    KindSynchronizationTimer
} KIND;

typedef struct _MODEL_OBJECT {
    LONG State;
    ULONG Owner;   /* mutants: the thread, from 1 */
    ULONGLONG Due; /* timers: 0 when not set */
    ULONG Order;
    ULONG Period;
} MODEL_OBJECT;

typedef struct _MODEL_WAIT {
    BOOLEAN Pending;
    WAIT_TYPE Type;
    ULONG Count;
    ULONG Objects[WAIT_OBJECTS];
    ULONG Began;   /* order */
    ULONGLONG Due; /* 0: no timeout */
    ULONG Order;   /* of the timeout among the timers */
    NTSTATUS Result;
} MODEL_WAIT;

static union {
    DISPATCHER_HEADER Header;
    KEVENT Event;
    KSEMAPHORE Semaphore;
    KMUTANT Mutant;
    KTIMER Timer;
} Kernel[OBJECTS];
static KEVENT Nobody; /* set with Wait = TRUE to take the dispatcher */

static MODEL_OBJECT Model[OBJECTS];
static MODEL_WAIT Waits[THREADS + 1];
static ULONG Order;
static ULONG ThreadsLeft;
static ULONG Blocked;
static uint64_t Random;

static ULONG Choose(ULONG Below)
{
    return TestRandom(&Random) % Below;
}

static KIND KindOf(ULONG Object)
{
    return (KIND)(Object / PER_KIND);
}

/* ---- the model ---- */

static BOOLEAN ModelCanTake(ULONG Object, ULONG Thread)
{
    return Model[Object].State > 0 ||
           (KindOf(Object) == KindMutant && Model[Object].Owner == Thread);
}

static void ModelTake(ULONG Object, ULONG Thread)
{
    switch (KindOf(Object)) {
    case KindSynchronization:
    case KindSynchronizationTimer:
        Model[Object].State = 0;
        break;
    case KindMutant:
        Model[Object].Owner = Thread;
        Model[Object].State--;
        break;
    case KindSemaphore:
        Model[Object].State--;
        break;
    case KindNotification:
    case KindTimer:
        break;
    }
}

/* Take what the wait wants, if it can be had.  => Returns whether it could. */
static BOOLEAN ModelSatisfy(ULONG Thread)
{
    MODEL_WAIT *Wait = &Waits[Thread];
    ULONG Possible = 0;
    ULONG i;

    for (i = 0; i < Wait->Count; i++) {
        if (!ModelCanTake(Wait->Objects[i], Thread)) {
            continue;
        }
        Possible++;
        if (Wait->Type == WaitAny) {
            ModelTake(Wait->Objects[i], Thread);
            Wait->Result = (NTSTATUS)i;
            return TRUE;
        }
    }
    if (Wait->Type == WaitAny || Possible < Wait->Count) {
        return FALSE;
    }
    for (i = 0; i < Wait->Count; i++) {
        ModelTake(Wait->Objects[i], Thread);
    }
    Wait->Result = STATUS_SUCCESS;
    return TRUE;
}

/* => The pending wait that began next after Began; 0: none. */
static ULONG NextWait(ULONG Began)
{
    ULONG Best = 0;
    ULONG Thread;

    for (Thread = 1; Thread <= THREADS; Thread++) {
        if (Waits[Thread].Pending && Waits[Thread].Began > Began &&
            (Best == 0 || Waits[Thread].Began < Waits[Best].Began)) {
            Best = Thread;
        }
    }
    return Best;
}

/* Something was signaled: whoever can go on, goes on, the longest wait first. */
static void ModelWake(void)
{
    ULONG Thread;

    for (Thread = NextWait(0); Thread != 0; Thread = NextWait(Waits[Thread].Began)) {
        if (ModelSatisfy(Thread)) {
            Waits[Thread].Pending = FALSE;
        }
    }
}

static void ModelSignal(ULONG Object, LONG Adjustment)
{
    Model[Object].State = KindOf(Object) == KindSemaphore ? Model[Object].State + Adjustment : 1;
    ModelWake();
}

/* => The earliest timeout or timer at Now; OBJECTS + thread for a timeout, -1: none. */
static LONG NextDue(ULONGLONG Now)
{
    ULONGLONG Due = Now + 1;
    ULONG BestOrder = 0;
    LONG Best = -1;
    LONG Each;

    for (Each = 0; Each <= (LONG)(OBJECTS + THREADS); Each++) {
        BOOLEAN IsWait = Each >= (LONG)OBJECTS;
        const MODEL_WAIT *Wait = &Waits[IsWait ? Each - (LONG)OBJECTS : 0];
        ULONGLONG EachDue = IsWait ? (Wait->Pending ? Wait->Due : 0) : Model[Each].Due;
        ULONG EachOrder = IsWait ? Wait->Order : Model[Each].Order;

        if (EachDue != 0 && (EachDue < Due || (EachDue == Due && EachOrder < BestOrder))) {
            Best = Each;
            Due = EachDue;
            BestOrder = EachOrder;
        }
    }
    return Best;
}

/* Everything that time has done up to now. */
static void ModelAdvance(void)
{
    ULONGLONG Now = KeQueryInterruptTime();
    LONG Each;

    while ((Each = NextDue(Now)) >= 0) {
        if (Each >= (LONG)OBJECTS) {
            Waits[Each - (LONG)OBJECTS].Pending = FALSE;
            Waits[Each - (LONG)OBJECTS].Result = STATUS_TIMEOUT;
            continue;
        }
        Model[Each].Due = Model[Each].Period == 0 ? 0 : Model[Each].Due + Model[Each].Period * MS;
        Model[Each].Order = ++Order;
        ModelSignal((ULONG)Each, 0);
    }
}

static void CheckStates(void)
{
    ULONG Object;

    for (Object = 0; Object < OBJECTS; Object++) {
        CHECK_EQUAL((ULONG)Model[Object].State, (ULONG)Kernel[Object].Header.SignalState);
        CHECK_EQUAL(Model[Object].Due != 0, Kernel[Object].Header.Inserted);
    }
}

/* ---- steps that do not wait: kernel and model at DISPATCH_LEVEL ---- */

static void SignalEvent(ULONG Object)
{
    LONG Old = Model[Object].State;

    CHECK_EQUAL(Old, KeSetEvent(&Kernel[Object].Event, (KPRIORITY)Choose(4), FALSE));
    ModelSignal(Object, 0);
}

static void PulseOrReset(ULONG Object)
{
    LONG Old = Model[Object].State;

    if (Choose(2) == 0) {
        CHECK_EQUAL(Old, KePulseEvent(&Kernel[Object].Event, (KPRIORITY)Choose(4), FALSE));
        ModelSignal(Object, 0);
    } else {
        CHECK_EQUAL(Old, KeResetEvent(&Kernel[Object].Event));
    }
    Model[Object].State = 0;
}

static void ReleaseSemaphore(ULONG Object)
{
    LONG Old = Model[Object].State;
    LONG Adjustment = (LONG)(1 + Choose(3));

    if (Old + Adjustment <= LIMIT) {
        CHECK_EQUAL(Old, KeReleaseSemaphore(&Kernel[Object].Semaphore, 1, Adjustment, FALSE));
        ModelSignal(Object, Adjustment);
    }
}

static void ReleaseMutant(ULONG Object, ULONG Thread)
{
    LONG Old = Model[Object].State;

    if (Thread == 0 || Model[Object].Owner != Thread) {
        return;
    }
    CHECK_EQUAL((ULONG)Old, (ULONG)KeReleaseMutant(&Kernel[Object].Mutant, 1, FALSE, FALSE));
    if (Old == 0) {
        Model[Object].Owner = 0;
        ModelSignal(Object, 0);
    } else {
        Model[Object].State++;
    }
}

/* A period is longer than the most that the clock ever leaps: two ticks. */
static void SetTimer(ULONG Object)
{
    LARGE_INTEGER Due = {.QuadPart = -(LONGLONG)(1 + Choose(60)) * MS};
    ULONG Period = Choose(3) == 0 ? 30 + Choose(40) : 0;
    BOOLEAN WasSet = Model[Object].Due != 0;

    if (Choose(4) == 0) {
        CHECK_EQUAL(WasSet, KeCancelTimer(&Kernel[Object].Timer));
        Model[Object].Due = 0;
        return;
    }
    CHECK_EQUAL(WasSet, KeSetTimerEx(&Kernel[Object].Timer, Due, (LONG)Period, NULL));
    Model[Object].State = 0;
    Model[Object].Period = Period;
    Model[Object].Due = KeQueryInterruptTime() - (ULONGLONG)Due.QuadPart;
    Model[Object].Order = ++Order;
}

static void Act(ULONG Object, ULONG Thread)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);

    ModelAdvance();
    switch (KindOf(Object)) {
    case KindNotification:
    case KindSynchronization:
        (Choose(4) == 0 ? PulseOrReset : SignalEvent)(Object);
        break;
    case KindSemaphore:
        ReleaseSemaphore(Object);
        break;
    case KindMutant:
        ReleaseMutant(Object, Thread);
        break;
    case KindTimer:
    case KindSynchronizationTimer:
        SetTimer(Object);
        break;
    }
    CheckStates();
    KfLowerIrql(OldIrql);
}

/* ---- waits ---- */

/* Different objects, any or all of them.  => Returns whether a mutant is among them. */
static BOOLEAN ChooseWait(MODEL_WAIT *Wait, PVOID *Objects)
{
    BOOLEAN HasMutant = FALSE;
    ULONG Shift = Choose(OBJECTS);
    ULONG i;

    Wait->Count = 1 + Choose(Choose(2) == 0 ? 1 : WAIT_OBJECTS);
    Wait->Type = Choose(2) == 0 ? WaitAll : WaitAny;
    for (i = 0; i < Wait->Count; i++) {
        Wait->Objects[i] = (Shift + i * 5) % OBJECTS; /* 5 and OBJECTS have no common divisor */
        Objects[i] = &Kernel[Wait->Objects[i]];
        HasMutant |= KindOf(Wait->Objects[i]) == KindMutant;
    }
    return HasMutant;
}

/* The model's half of the wait.  => The dispatcher is ours. */
static void BeginModelWait(ULONG Thread, const LARGE_INTEGER *Timeout)
{
    MODEL_WAIT *Wait = &Waits[Thread];

    ModelAdvance();
    Wait->Pending = FALSE;
    Wait->Due = 0;
    if (ModelSatisfy(Thread)) {
        return;
    }
    if (Timeout != NULL && Timeout->QuadPart == 0) {
        Wait->Result = STATUS_TIMEOUT;
        return;
    }
    if (Timeout != NULL) {
        Wait->Due = KeQueryInterruptTime() - (ULONGLONG)Timeout->QuadPart;
    }
    Blocked++;
    Wait->Began = Wait->Order = ++Order;
    Wait->Pending = TRUE;
}

/* Who owns a mutant must come back, so waits for ever are for the other objects. */
static void Wait(ULONG Thread, BOOLEAN OwnsMutant)
{
    LARGE_INTEGER Timeout = {.QuadPart = -(LONGLONG)Choose(50) * MS};
    KWAIT_BLOCK Blocks[WAIT_OBJECTS];
    PVOID Objects[WAIT_OBJECTS];
    BOOLEAN HasMutant = ChooseWait(&Waits[Thread], Objects);
    BOOLEAN Forever = !HasMutant && !OwnsMutant && Choose(4) == 0;
    MODEL_WAIT *Each = &Waits[Thread];
    NTSTATUS Status;
    KIRQL OldIrql;

    KeSetEvent(&Nobody, 0, TRUE);
    BeginModelWait(Thread, Forever ? NULL : &Timeout);
    if (Each->Count == 1 && Each->Type == WaitAny) {
        Status = KeWaitForSingleObject(Objects[0], Executive, KernelMode, FALSE,
                                       Forever ? NULL : &Timeout);
    } else {
        Status = KeWaitForMultipleObjects(Each->Count, Objects, Each->Type, Executive, KernelMode,
                                          FALSE, Forever ? NULL : &Timeout, Blocks);
    }
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    ModelAdvance();
    CHECK(!Each->Pending);
    CHECK_EQUAL((ULONG)Each->Result, (ULONG)Status);
    CheckStates();
    KfLowerIrql(OldIrql);
}

/* ---- the threads ---- */

static BOOLEAN OwnsMutant(ULONG Thread)
{
    ULONG Object;

    for (Object = 0; Object < OBJECTS; Object++) {
        if (KindOf(Object) == KindMutant && Model[Object].Owner == Thread) {
            return TRUE;
        }
    }
    return FALSE;
}

static void ReleaseAll(ULONG Thread)
{
    ULONG Object;

    for (Object = 0; Object < OBJECTS; Object++) {
        while (KindOf(Object) == KindMutant && Model[Object].Owner == Thread) {
            Act(Object, Thread);
        }
    }
}

static void RunThread(PVOID Context)
{
    ULONG Thread = (ULONG)(ULONG_PTR)Context;
    ULONG Step;

    for (Step = 0; Step < STEPS; Step++) {
        switch (Choose(8)) {
        case 0:
        case 1:
        case 2:
            Wait(Thread, OwnsMutant(Thread));
            break;
        case 3:
            KeSetPriorityThread(HostKernelThread(1 + Choose(THREADS)), (KPRIORITY)(4 + Choose(14)));
            break;
        case 4:
            KiVerifyThreads();
            break;
        default:
            Act(Choose(OBJECTS), Thread);
            break;
        }
    }
    ReleaseAll(Thread);
    ThreadsLeft--;
}

static void InitializeObjects(void)
{
    ULONG i;

    for (i = 0; i < PER_KIND; i++) {
        KeInitializeEvent(&Kernel[KindNotification * PER_KIND + i].Event, NotificationEvent, FALSE);
        KeInitializeEvent(&Kernel[KindSynchronization * PER_KIND + i].Event, SynchronizationEvent,
                          FALSE);
        KeInitializeSemaphore(&Kernel[KindSemaphore * PER_KIND + i].Semaphore, 0, LIMIT);
        KeInitializeMutant(&Kernel[KindMutant * PER_KIND + i].Mutant, FALSE);
        KeInitializeTimerEx(&Kernel[KindTimer * PER_KIND + i].Timer, NotificationTimer);
        KeInitializeTimerEx(&Kernel[KindSynchronizationTimer * PER_KIND + i].Timer,
                            SynchronizationTimer);
    }
    KeInitializeEvent(&Nobody, NotificationEvent, FALSE);
    memset(Model, 0, sizeof(Model));
    memset(Waits, 0, sizeof(Waits));
    for (i = 0; i < PER_KIND; i++) {
        Model[KindMutant * PER_KIND + i].State = 1;
    }
    Order = 0;
    Blocked = 0;
}

/* => Returns the hash of the run. */
static ULONG64 RunSeed(uint64_t Seed)
{
    LARGE_INTEGER Pause = {.QuadPart = -20 * MS};
    ULONG64 Hash;
    ULONG Thread;

    HostMachineCreate(16, Seed);
    HostStartClock();
    HostSetPreemption(20);
    Random = Seed;
    InitializeObjects();
    ThreadsLeft = THREADS;
    KeSetPriorityThread(KeGetCurrentThread(), 20);
    for (Thread = 1; Thread <= THREADS; Thread++) {
        HostThreadCreate(RunThread, (PVOID)(ULONG_PTR)Thread);
    }
    while (ThreadsLeft != 0) { /* the first thread helps those who wait for ever */
        KeDelayExecutionThread(KernelMode, FALSE, &Pause);
        Act(Choose(OBJECTS), 0);
    }
    HostRunThreads();
    KiVerifyThreads();
    CHECK(Blocked > THREADS * STEPS / 20);
    CHECK_EQUAL(THREADS, KeCounters.ThreadsTerminated);
    Hash = HostTraceHash();
    HostMachineDelete();
    return Hash;
}

TEST(Prop_ke_threads_and_objects_agree_with_a_naive_model)
{
    uint64_t Rounds = TestRounds(600);
    uint64_t Round;

    for (Round = 0; Round < Rounds; Round++) {
        RunSeed(TestSeed() + Round * 2);
    }
    TestCountOperations(Rounds * THREADS * STEPS, Rounds);
}

TEST(Prop_ke_same_seed_gives_the_same_history)
{
    ULONG64 Before = 0;
    uint64_t Round;

    for (Round = 0; Round < 20; Round++) {
        ULONG64 Hash = RunSeed(TestSeed() + Round * 2);

        CHECK_EQUAL(Hash, RunSeed(TestSeed() + Round * 2));
        CHECK_EQUAL(Hash, RunSeed(TestSeed() + Round * 2));
        CHECK(Hash != Before);
        Before = Hash;
    }
}
