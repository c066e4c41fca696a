/* SPDX-License-Identifier: MIT */
/*
 * schedule.c - the kernel's scheduler under a seed, and the trace that proves it.
 *
 * Threads are mm/ke's; this file gives them stacks and makes the choices that chance makes on
 * hardware: which of several ready threads of one priority is next (KiChoice), and where the clock
 * ends a quantum (HostSetPreemption).
 *
 * A thread's stack lives until the machine is deleted: its last frames switch away from it.
 *
 * The trace is a 64-bit FNV-1a hash over events.  Two runs with one seed must have equal hashes;
 * where they part, something depends on what the seed does not decide.
 */
#define _GNU_SOURCE

#include "mm/ke/dispatcher.h"
#include "tests/host/machine_i.h"
#include "tests/unit/test.h"

#include <sys/mman.h>

#define FNV_START UINT64_C(0xCBF29CE484222325)
#define FNV_PRIME UINT64_C(0x100000001B3)
#define SEED_MIX  UINT64_C(0x9E3779B97F4A7C15) /* another stream than the TLB's */
#define NO_THREAD 0u

typedef struct _HOST_THREAD {
    KTHREAD Kernel;
    PUCHAR Memory; /* guard page, then the stack */
    KSTART *Routine;
    PVOID Context;
} HOST_THREAD, *PHOST_THREAD;

static HOST_THREAD Threads[HOST_THREADS_LIMIT]; /* number n is at n - 1 */
static ULONG ThreadCount;
static PUCHAR IdleMemory; /* as HOST_THREAD.Memory */
static uint64_t ChoiceSeed;
static ULONG PreemptionOneIn;
static ULONG64 TraceHash;

/* ---- trace ---- */

static void HashWord(ULONG Word)
{
    ULONG Byte;

    for (Byte = 0; Byte < sizeof(Word); Byte++) {
        TraceHash = (TraceHash ^ ((Word >> (8 * Byte)) & 0xFF)) * FNV_PRIME;
    }
}

void HostTrace(ULONG Event, ULONG Value)
{
    HashWord(Event);
    HashWord(Value);
}

ULONG64 HostTraceHash(void)
{
    return TraceHash;
}

/* ---- threads ---- */

static HOST_STACK StackIn(PUCHAR Memory)
{
    ULONG_PTR Bottom = (ULONG_PTR)Memory + PAGE_SIZE;

    return (HOST_STACK){Bottom, Bottom + HOST_STACK_BYTES};
}

static PUCHAR CreateStackMemory(void)
{
    PUCHAR Memory = mmap(NULL, PAGE_SIZE + HOST_STACK_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (Memory == MAP_FAILED || mprotect(Memory, PAGE_SIZE, PROT_NONE) != 0) {
        HostpDie("cannot create a thread's stack");
    }
    return Memory;
}

static void DeleteStackMemory(PUCHAR Memory)
{
    HostpCleanStack(StackIn(Memory));
    if (munmap(Memory, PAGE_SIZE + HOST_STACK_BYTES) != 0) {
        HostpDie("cannot delete a thread's stack");
    }
}

/* The seed's choice among the ready threads of one priority. */
static ULONG Choose(ULONG Count)
{
    return TestRandom(&ChoiceSeed) % Count;
}

BOOLEAN HostpIsTimeToPreempt(void)
{
    return PreemptionOneIn != 0 && TestRandom(&ChoiceSeed) % PreemptionOneIn == 0;
}

void HostSetPreemption(ULONG OneIn)
{
    PreemptionOneIn = OneIn;
}

void HostpTraceSwitch(void)
{
    HostTrace(HostTraceSwitch, KeGetCurrentThread()->ThreadId);
}

void HostpScheduleCreate(ULONG64 Seed)
{
    ChoiceSeed = (Seed ^ SEED_MIX) | 1;
    PreemptionOneIn = 0;
    TraceHash = FNV_START;
    IdleMemory = CreateStackMemory();
    KiChoice = Choose;
    KeInitializeThreads((PVOID)StackIn(IdleMemory).Top, HOST_STACK_BYTES);
}

void HostpScheduleDelete(void)
{
    for (; ThreadCount != 0; ThreadCount--) {
        DeleteStackMemory(Threads[ThreadCount - 1].Memory);
    }
    DeleteStackMemory(IdleMemory);
}

static void NTAPI RunThread(PVOID Opaque)
{
    PHOST_THREAD Thread = Opaque;

    Thread->Routine(Thread->Context);
}

ULONG HostThreadCreate(KSTART *Routine, PVOID Context)
{
    PHOST_THREAD Thread = &Threads[ThreadCount];
    KTHREAD_START Start = {.Routine = RunThread,
                           .Context = Thread,
                           .Priority = KI_BASE_PRIORITY,
                           .StackBytes = HOST_STACK_BYTES,
                           .Name = "host"};

    HostpRequire(ThreadCount < HOST_THREADS_LIMIT, ThreadCount);
    ThreadCount++;
    Thread->Routine = Routine;
    Thread->Context = Context;
    Thread->Memory = CreateStackMemory();
    Start.StackBase = (PVOID)StackIn(Thread->Memory).Top;
    if (!NT_SUCCESS(KeCreateSystemThread(&Thread->Kernel, &Start))) {
        HostpDie("cannot create a thread");
    }
    return (ULONG)(Thread - Threads) + 1;
}

PKTHREAD HostKernelThread(ULONG Thread)
{
    HostpRequire(Thread != NO_THREAD && Thread <= ThreadCount, Thread);
    return &Threads[Thread - 1].Kernel;
}

ULONG HostCurrentThread(void)
{
    ULONG Index;

    for (Index = 0; Index < ThreadCount; Index++) {
        if (&Threads[Index].Kernel == KeGetCurrentThread()) {
            return Index + 1;
        }
    }
    return NO_THREAD;
}

void HostYield(void)
{
    HostpRequire(HostCurrentThread() != NO_THREAD, 0);
    HostpRequire(KeGetCurrentIrql() < DISPATCH_LEVEL, KeGetCurrentIrql());
    KeYieldThread();
}

/* Threads that threads create come behind, and are waited for too. */
void HostRunThreads(void)
{
    ULONG Index;

    HostpRequire(HostCurrentThread() == NO_THREAD, HostCurrentThread());
    for (Index = 0; Index < ThreadCount; Index++) {
        KeWaitForSingleObject(&Threads[Index].Kernel, Executive, KernelMode, FALSE, NULL);
    }
}
