/* SPDX-License-Identifier: MIT */
/*
 * test_io_service.c - what services begin and end with: one at a time, results, buffers.
 */
#include "mm/io/io_i.h"
#include "mm/pool/pool_inject.h"
#include "ps.h"
#include "tests/unit/nt_world.h"

#include <string.h>

static HANDLE Handle;
static ULONG Order;
static ULONG EnteredAt[2];

/* Serve the file once, in a thread of its own. */
static void NTAPI Serve(PVOID Context)
{
    PULONG At = Context;
    IOP_SERVICE Service;
    NTSTATUS Status = IopEnterService(Handle, 0, &Service);

    CHECK_EQUAL(STATUS_SUCCESS, Status);
    *At = ++Order;
    CHECK_EQUAL(STATUS_SUCCESS, IopLeaveService(&Service, STATUS_SUCCESS, 0, NULL));
}

static void Start(BOOLEAN Asynchronous)
{
    const NT_OPEN Open = {.Path = u"\\??\\C:\\file",
                          .Access = FILE_READ_DATA,
                          .Disposition = FILE_CREATE,
                          .Asynchronous = Asynchronous};

    NtWorldStart();
    NtWorldLeave(); /* handles of the system's process: its threads use them, too */
    Order = 0;
    memset(EnteredAt, 0, sizeof(EnteredAt));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldTry(&Open, &Handle));
}

static void Finish(void)
{
    NtWorldClose(Handle);
    NtWorldEnter(0);
    NtWorldFinish();
}

TEST(A_synchronous_file_serves_one_at_a_time)
{
    IOP_SERVICE Service;
    ULONG Index;

    Start(FALSE);
    CHECK_EQUAL(STATUS_SUCCESS, IopEnterService(Handle, 0, &Service));
    for (Index = 0; Index < 2; Index++) {
        CHECK_EQUAL(STATUS_SUCCESS,
                    PsStartSystemThread(Serve, &EnteredAt[Index], HIGH_PRIORITY, "server"));
    }
    CHECK_EQUAL(0, Order);
    CHECK_EQUAL(2, Service.File->Waiters);
    CHECK_EQUAL(STATUS_END_OF_FILE, IopLeaveService(&Service, STATUS_END_OF_FILE, 0, NULL));
    CHECK(EnteredAt[0] != 0 && EnteredAt[1] != 0);
    CHECK_EQUAL(0, NtWorldFile(Handle)->Waiters);
    CHECK_EQUAL(0, NtWorldFile(Handle)->Busy);
    Finish();
}

TEST(Others_serve_as_many_as_come)
{
    IOP_SERVICE Service;

    Start(TRUE);
    CHECK_EQUAL(STATUS_SUCCESS, IopEnterService(Handle, 0, &Service));
    CHECK_EQUAL(STATUS_SUCCESS, PsStartSystemThread(Serve, &EnteredAt[0], HIGH_PRIORITY, "server"));
    CHECK_EQUAL(1, EnteredAt[0]);
    CHECK_EQUAL(STATUS_SUCCESS, IopLeaveService(&Service, STATUS_SUCCESS, 0, NULL));
    Finish();
}

TEST(IopLeaveService_writes_the_result_unless_it_is_an_error)
{
    static const NTSTATUS Statuses[] = {STATUS_SUCCESS, STATUS_BUFFER_OVERFLOW, STATUS_END_OF_FILE};
    IOP_SERVICE Service;
    ULONG Index;

    Start(FALSE);
    for (Index = 0; Index < RTL_NUMBER_OF(Statuses); Index++) {
        IO_STATUS_BLOCK Result = {.Status = 1, .Information = 2};
        BOOLEAN Error = Statuses[Index] == STATUS_END_OF_FILE;

        CHECK_EQUAL(STATUS_SUCCESS, IopEnterService(Handle, 0, &Service));
        CHECK_EQUAL(Statuses[Index], IopLeaveService(&Service, Statuses[Index], 77, &Result));
        CHECK_EQUAL(Error ? 1 : Statuses[Index], Result.Status);
        CHECK_EQUAL(Error ? 2u : 77u, Result.Information);
    }
    Finish();
}

TEST(IopCaptureBuffer_copies_in_and_back)
{
    PVOID Captured = NULL;

    NtWorldStart();
    memset(NtUser, 0x11, 16);
    CHECK_EQUAL(STATUS_SUCCESS, IopCaptureBuffer(UserMode, NtUser, 16, 4, &Captured));
    CHECK(((PUCHAR)Captured)[3] == 0x11 && ((PUCHAR)Captured)[4] == 0);
    memset(Captured, 0x22, 16);
    CHECK_EQUAL(STATUS_SUCCESS, IopReturnBuffer(UserMode, NtUser, Captured, 8));
    CHECK(NtUser[7] == 0x22 && NtUser[8] == 0x11);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, IopCaptureBuffer(UserMode, IoBuffer, 16, 4, &Captured));
    CHECK_EQUAL(STATUS_SUCCESS, IopCaptureBuffer(KernelMode, IoBuffer, 16, 16, &Captured));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, IopReturnBuffer(UserMode, IoBuffer, Captured, 8));
    MiFailPoolAllocation(1);
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES,
                IopCaptureBuffer(KernelMode, IoBuffer, 16, 16, &Captured));
    NtWorldFinish();
}
