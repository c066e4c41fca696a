/* SPDX-License-Identifier: MIT */
/*
 * space_world.c - the services with their arguments in place, and the balance around a test.
 */
#include "tests/unit/space_world.h"

#include "mm/pfn/pfn_inspect.h"
#include "mm/pool/pool.h"
#include "mm/sysva/system_pages.h"
#include "mm/ws/wsle.h"

#include <stdio.h>
#include <string.h>

#define PROCESSES 8u

typedef struct _BALANCE {
    ULONG Available;
    ULONG Committed;
    ULONG Resident;
    ULONG PoolBytes;
} BALANCE;

static PEPROCESS Processes[PROCESSES];
static ULONG ProcessCount;
static KAPC_STATE Home;
static BALANCE Before;

/* Page tables of the system half stay once they were made. */
static BALANCE TakeBalance(void)
{
    MI_POOL_FIGURES Pool;
    MI_PFN_COUNTERS Frames;
    ULONG Kept = MiSystemPageTables + MiSystemCacheWorkingSet.ListPages; /* once they were made */

    MiTrimPools();
    MiQueryPoolFigures(NonPagedPool, &Pool);
    MiQueryPfnCounters(&Frames);
    return (BALANCE){Frames.AvailablePages + Kept, Frames.Commit.Committed - Kept,
                     Frames.Commit.ResidentAvailable + Kept, (ULONG)Pool.InUseBytes};
}

void SpaceStart(void)
{
    MmWorldStart(SPACE_FRAMES);
    ProcessCount = 0;
    Before = TakeBalance();
    KeStackAttachProcess(&SpaceProcess()->Pcb, &Home);
}

PEPROCESS SpaceProcess(void)
{
    CHECK(ProcessCount < PROCESSES);
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("test", &Processes[ProcessCount]));
    return Processes[ProcessCount++];
}

PEPROCESS SpaceClone(PEPROCESS Parent)
{
    CHECK(ProcessCount < PROCESSES);
    CHECK_EQUAL(STATUS_SUCCESS, PsCloneProcess("clone", Parent, &Processes[ProcessCount]));
    return Processes[ProcessCount++];
}

void SpaceEnter(PEPROCESS Process)
{
    KeUnstackDetachProcess(&Home);
    KeStackAttachProcess(&Process->Pcb, &Home);
}

PEPROCESS SpaceCurrent(void)
{
    return PsGetCurrentProcess();
}

HANDLE SpaceHandle(PEPROCESS Process)
{
    CLIENT_ID Id = {PsGetProcessId(Process), NULL};
    HANDLE Handle = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, NtOpenProcess(&Handle, PROCESS_ALL_ACCESS, NULL, &Id));
    return Handle;
}

void SpaceFinish(void)
{
    BALANCE After;

    MiVerifyAll();
    KeUnstackDetachProcess(&Home);
    while (ProcessCount != 0) {
        PEPROCESS Process = Processes[--ProcessCount];

        if (!Process->VmDeleted) {
            PsTerminateProcess(Process);
        }
        PsDereferenceProcess(Process);
    }
    After = TakeBalance();
    if (memcmp(&Before, &After, sizeof(After)) != 0) {
        TestFail(__FILE__, __LINE__, "balance: frames %d, commitment %d, resident %d, pool %d",
                 (int)(After.Available - Before.Available),
                 (int)(After.Committed - Before.Committed), (int)(After.Resident - Before.Resident),
                 (int)(After.PoolBytes - Before.PoolBytes));
    }
    printf("# figure R12 1 0\n");
    MmWorldFinish();
}

/* ---- services ---- */

NTSTATUS SpaceTryAllocate(ULONG_PTR Base, SIZE_T Bytes, ULONG Type, ULONG Protect)
{
    PVOID Va = (PVOID)Base;
    SIZE_T Size = Bytes;
    NTSTATUS Status = NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 0, &Size, Type, Protect);

    CHECK(NT_SUCCESS(Status) || (Va == (PVOID)Base && Size == Bytes));
    return Status;
}

ULONG_PTR SpaceAllocate(ULONG_PTR Base, SIZE_T Bytes, ULONG Type, ULONG Protect)
{
    PVOID Va = (PVOID)Base;

    CHECK_EQUAL(STATUS_SUCCESS,
                NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 0, &Bytes, Type, Protect));
    return (ULONG_PTR)Va;
}

NTSTATUS SpaceTryFree(ULONG_PTR Base, SIZE_T Bytes, ULONG Type)
{
    PVOID Va = (PVOID)Base;

    return NtFreeVirtualMemory(NtCurrentProcess(), &Va, &Bytes, Type);
}

void SpaceFree(ULONG_PTR Base, SIZE_T Bytes, ULONG Type)
{
    CHECK_EQUAL(STATUS_SUCCESS, SpaceTryFree(Base, Bytes, Type));
}

NTSTATUS SpaceTryProtect(ULONG_PTR Base, SIZE_T Bytes, ULONG Protect)
{
    PVOID Va = (PVOID)Base;
    ULONG Old;

    return NtProtectVirtualMemory(NtCurrentProcess(), &Va, &Bytes, Protect, &Old);
}

ULONG SpaceProtect(ULONG_PTR Base, SIZE_T Bytes, ULONG Protect)
{
    PVOID Va = (PVOID)Base;
    ULONG Old = 0;

    CHECK_EQUAL(STATUS_SUCCESS,
                NtProtectVirtualMemory(NtCurrentProcess(), &Va, &Bytes, Protect, &Old));
    return Old;
}

MEMORY_BASIC_INFORMATION SpaceQuery(ULONG_PTR Va)
{
    MEMORY_BASIC_INFORMATION Information;

    CHECK_EQUAL(STATUS_SUCCESS,
                NtQueryVirtualMemory(NtCurrentProcess(), (PVOID)Va, MemoryBasicInformation,
                                     &Information, sizeof(Information), NULL));
    return Information;
}

/* ---- memory ---- */

NTSTATUS SpaceTryRead(ULONG_PTR Va, PULONG Value)
{
    return MmCopyFromUser(Value, (const void *)Va, sizeof(*Value), NULL);
}

NTSTATUS SpaceTryWrite(ULONG_PTR Va, ULONG Value)
{
    return MmCopyToUser((PVOID)Va, &Value, sizeof(Value), NULL);
}

ULONG SpaceRead(ULONG_PTR Va)
{
    ULONG Value = 0;

    CHECK_EQUAL(STATUS_SUCCESS, SpaceTryRead(Va, &Value));
    return Value;
}

void SpaceWrite(ULONG_PTR Va, ULONG Value)
{
    CHECK_EQUAL(STATUS_SUCCESS, SpaceTryWrite(Va, Value));
}
