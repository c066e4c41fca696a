/* SPDX-License-Identifier: MIT */
/*
 * test_process.c - processes from creation to the last reference.
 */
#include "tests/unit/space_world.h"

#include <string.h>

#define RW PAGE_READWRITE

TEST(Process_of_the_system_is_everybodys_at_the_start)
{
    MmWorldStart(SPACE_FRAMES);
    CHECK(PsInitialSystemProcess != NULL);
    CHECK(PsGetCurrentProcess() == PsInitialSystemProcess);
    CHECK_TEXT("System", PsInitialSystemProcess->ImageFileName);
    CHECK_EQUAL(4, (ULONG_PTR)PsGetProcessId(PsInitialSystemProcess));
    CHECK_EQUAL(KiCurrentDirectoryFrame() << PAGE_SHIFT,
                PsInitialSystemProcess->Pcb.DirectoryTableBase[0]);
    MmWorldFinish();
}

TEST(Process_has_a_name_an_id_and_is_found_by_it)
{
    PEPROCESS Process;
    PEPROCESS Found;

    MmWorldStart(SPACE_FRAMES);
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("a name that is too long", &Process));
    CHECK_TEXT("a name that is ", Process->ImageFileName);
    CHECK_EQUAL(8, (ULONG_PTR)PsGetProcessId(Process));
    CHECK_EQUAL(STATUS_SUCCESS, PsLookupProcessByProcessId((HANDLE)8, &Found));
    CHECK(Found == Process);
    PsDereferenceProcess(Found);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, PsLookupProcessByProcessId((HANDLE)12, &Found));
    PsTerminateProcess(Process);
    PsDereferenceProcess(Process);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, PsLookupProcessByProcessId((HANDLE)8, &Found));
    MmWorldFinish();
}

TEST(Process_that_was_ended_is_empty_refuses_services_and_is_signaled)
{
    LARGE_INTEGER Now = {.QuadPart = 0};
    PVOID Va = (PVOID)0x100000;
    SIZE_T Bytes = 1;
    PEPROCESS Process;
    HANDLE Handle;

    SpaceStart();
    Process = SpaceCurrent();
    SpaceWrite(SpaceAllocate(0, KB64, MEM_COMMIT, RW), 1);
    SpaceEnter(SpaceProcess());
    Handle = SpaceHandle(Process);
    CHECK_EQUAL(STATUS_TIMEOUT, KeWaitForSingleObject(Process, Executive, KernelMode, FALSE, &Now));
    PsTerminateProcess(Process);
    CHECK_EQUAL(STATUS_SUCCESS, KeWaitForSingleObject(Process, Executive, KernelMode, FALSE, &Now));
    CHECK_EQUAL(0, Process->CommitCharge);
    CHECK_EQUAL(STATUS_PROCESS_IS_TERMINATING,
                NtAllocateVirtualMemory(Handle, &Va, 0, &Bytes, MEM_RESERVE, RW));
    CHECK_EQUAL(STATUS_PROCESS_IS_TERMINATING, NtReadVirtualMemory(Handle, Va, &Bytes, 1, NULL));
    SpaceFinish();
}

TEST(Process_system_has_a_user_half_too)
{
    ULONG_PTR Va;

    SpaceStart();
    SpaceEnter(PsInitialSystemProcess);
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 5);
    CHECK_EQUAL(5, SpaceRead(Va));
    MiVerifyAll();
    SpaceFree(Va, 0, MEM_RELEASE);
    SpaceFinish();
}

TEST(Process_creation_fails_cleanly_without_frames_commitment_or_pool)
{
    PEPROCESS Process;
    ULONG Nth;
    ULONG Limit;

    SpaceStart();
    for (Nth = 1; Nth <= 4; Nth++) {
        MiFailFrameAllocation = Nth;
        CHECK_EQUAL(STATUS_NO_MEMORY, PsCreateProcess("x", &Process));
        MiVerifyAll();
    }
    Limit = MiCommit.Limit;
    MiCommit.Limit = MiCommit.Committed + 3;
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, PsCreateProcess("x", &Process));
    MiCommit.Limit = Limit;
    SpaceFinish();
}
