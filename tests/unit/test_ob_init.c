/* SPDX-License-Identifier: MIT */
/*
 * test_ob_init.c - what is there when the machine has started.
 */
#include "rtl.h"
#include "tests/unit/ob_world.h"

TEST(ObInit_makes_the_first_directories_without_handles)
{
    static const PCWSTR Names[] = {u"\\",   u"\\ObjectTypes",   u"\\Device",
                                   u"\\??", u"\\KernelObjects", u"\\BaseNamedObjects"};
    ULONG i;

    ObWorldStart();
    CHECK_EQUAL(6, ObpDirectoryObjectType->TotalNumberOfObjects);
    CHECK_EQUAL(0, ObpDirectoryObjectType->TotalNumberOfHandles);
    CHECK_EQUAL(5, ObpRootDirectoryObject->NumberOfEntries);
    for (i = 0; i < RTL_NUMBER_OF(Names); i++) {
        HANDLE Handle = NULL;

        CHECK_EQUAL(STATUS_SUCCESS, DirectoryTryOpen(Names[i], 0, &Handle));
        Close(Handle);
    }
    ObWorldFinish();
}

TEST(ObInit_forgets_the_machine_before)
{
    ObWorldStart();
    CHECK(ObpCanVerify());
    ObWorldFinish();
    MmWorldPowerOn(4096);
    CHECK(!ObpCanVerify());
    HostMachineDelete();
}

TEST(NtOpenProcess_wants_an_id_or_a_name)
{
    CLIENT_ID Id = {(HANDLE)4, NULL};
    HANDLE Handle = NULL;

    ObWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, NtOpenProcess(&Handle, PROCESS_VM_READ, NULL, &Id));
    CHECK_EQUAL((ULONG_PTR)PsInitialSystemProcess, (ULONG_PTR)Body(Handle));
    Close(Handle);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_MIX, NtOpenProcess(&Handle, 0, NULL, NULL));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_MIX,
                NtOpenProcess(&Handle, 0, Named(u"\\P", 0, NULL), &Id));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND,
                NtOpenProcess(&Handle, 0, Named(u"\\P", 0, NULL), NULL));
    Id.UniqueThread = (HANDLE)4;
    CHECK_EQUAL(STATUS_INVALID_CID, NtOpenProcess(&Handle, 0, NULL, &Id));
    Id = (CLIENT_ID){(HANDLE)4000, NULL};
    CHECK_EQUAL(STATUS_INVALID_CID, NtOpenProcess(&Handle, 0, NULL, &Id));
    Id.UniqueProcess = PsGetProcessId(ObWorldProcess(1));
    KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, NtOpenProcess(&Handle, 0x1000, NULL, &Id));
    CHECK_EQUAL(STATUS_SUCCESS,
                NtOpenProcess(&Handle, PROCESS_VM_READ, Named(NULL, OBJ_INHERIT, NULL), &Id));
    Close(Handle);
    ObWorldFinish();
}

TEST(Services_on_processes_want_the_right_access)
{
    CLIENT_ID Id;
    HANDLE Handle = NULL;
    HANDLE Stranger;
    PVOID Va = NULL;
    SIZE_T Bytes = 4096;

    ObWorldStart();
    Id = (CLIENT_ID){PsGetProcessId(ObWorldProcess(1)), NULL};
    KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_SUCCESS, NtOpenProcess(&Handle, PROCESS_VM_READ, NULL, &Id));
    CHECK_EQUAL(STATUS_ACCESS_DENIED,
                NtAllocateVirtualMemory(Handle, &Va, 0, &Bytes, MEM_COMMIT, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_ACCESS_DENIED,
                NtWriteVirtualMemory(Handle, (PVOID)0x10000, (PVOID)0x20000, 4, NULL));
    CHECK_EQUAL(STATUS_PARTIAL_COPY,
                NtReadVirtualMemory(Handle, (PVOID)0x10000, (PVOID)0x20000, 4, NULL));
    Close(Handle);
    CHECK_EQUAL(STATUS_SUCCESS, NtOpenProcess(&Handle, PROCESS_VM_OPERATION, NULL, &Id));
    CHECK_EQUAL(STATUS_SUCCESS,
                NtAllocateVirtualMemory(Handle, &Va, 0, &Bytes, MEM_COMMIT, PAGE_READWRITE));
    Stranger = Thing(NULL, 0);
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH,
                NtAllocateVirtualMemory(Stranger, &Va, 0, &Bytes, MEM_COMMIT, PAGE_READWRITE));
    Close(Stranger);
    Close(Handle);
    ObWorldFinish();
}
