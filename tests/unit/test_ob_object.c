/* SPDX-License-Identifier: MIT */
/*
 * test_ob_object.c - references, deletion, and references that go wrong.
 */
#include "mm/ke/thread.h"
#include "tests/unit/ob_world.h"

static PVOID New(void)
{
    PVOID Object = NULL;

    CHECK_EQUAL(STATUS_SUCCESS,
                ObCreateObject(KernelMode, ThingType, NULL, KernelMode, NULL, 32, 0, 0, &Object));
    return Object;
}

TEST(ObObject_begins_with_one_reference_zeroed_and_goes_with_the_last)
{
    PUCHAR Object;
    ULONG Objects;
    ULONG i;

    ObWorldStart();
    Objects = ThingType->TotalNumberOfObjects;
    Object = New();
    CHECK_EQUAL(1, Pointers(Object));
    CHECK_EQUAL(Objects + 1, ThingType->TotalNumberOfObjects);
    CHECK_EQUAL(0, (ULONG_PTR)Object % 8);
    for (i = 0; i < 32; i++) {
        CHECK_EQUAL(0, Object[i]);
    }
    CHECK_EQUAL(2, ObReferenceObject(Object));
    CHECK_EQUAL(1, ObDereferenceObject(Object));
    CHECK_EQUAL(0, ThingLog.Deletes);
    CHECK_EQUAL(0, ObDereferenceObject(Object));
    CHECK_EQUAL(1, ThingLog.Deletes);
    CHECK_EQUAL(Objects, ThingType->TotalNumberOfObjects);
    CHECK_EQUAL(Objects + 1, ThingType->HighWaterNumberOfObjects);
    ObWorldFinish();
}

TEST(ObObject_is_deleted_by_a_worker_when_irql_is_too_high)
{
    PVOID First;
    PVOID Second;
    ULONG Deferred;
    KIRQL OldIrql;

    ObWorldStart();
    Deferred = ObCounters.Deferred;
    First = New();
    Second = New();
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    ObDereferenceObject(First);
    ObDereferenceObject(Second);
    KfLowerIrql(OldIrql);
    CHECK_EQUAL(0, ThingLog.Deletes);
    MiVerifyAll(); /* they are in their type's list still */
    ObpDeleteDeferred();
    CHECK_EQUAL(2, ThingLog.Deletes);
    CHECK_EQUAL(Deferred + 2, ObCounters.Deferred);
    First = New();
    ObDereferenceObjectDeferDelete(First);
    CHECK_EQUAL(2, ThingLog.Deletes);
    ObpDeleteDeferred();
    CHECK_EQUAL(3, ThingLog.Deletes);
    ObWorldFinish();
}

TEST(ObObject_worker_thread_runs_the_deletion)
{
    static KTHREAD Worker;
    static UCHAR NT_ALIGNED(16) Stack[HOST_STACK_BYTES];
    PVOID Object;
    KIRQL OldIrql;

    ObWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, KeCreateWorkerThread(&Worker, CriticalWorkQueue,
                                                     Stack + sizeof(Stack), sizeof(Stack)));
    Object = New();
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    ObDereferenceObject(Object);
    CHECK_EQUAL(0, ThingLog.Deletes);
    KfLowerIrql(OldIrql); /* its priority is above ours */
    CHECK_EQUAL(1, ThingLog.Deletes);
    ObWorldFinish();
}

static void DereferenceTwice(PVOID Object)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL); /* its memory stays */

    ObDereferenceObject(Object);
    ObDereferenceObject(Object);
    KfLowerIrql(OldIrql);
}

TEST(ObObject_dereferenced_too_often_is_bug_check_18)
{
    HOST_BUGCHECK BugCheck;
    PVOID Object;

    ObWorldStart();
    Object = New();
    CHECK(HostCatchBugCheck(DereferenceTwice, Object, &BugCheck));
    CHECK_EQUAL(REFERENCE_BY_POINTER, BugCheck.Code);
    CHECK_EQUAL((ULONG_PTR)ThingType, BugCheck.Parameter[0]);
    CHECK_EQUAL((ULONG_PTR)Object, BugCheck.Parameter[1]);
    CHECK_EQUAL(0xFFFFFFFF, BugCheck.Parameter[2]);
    HostMachineDelete();
}

static void DereferenceHandles(PVOID Object)
{
    ObDereferenceObject(Object);
}

TEST(ObObject_without_references_but_with_a_handle_is_bug_check_18)
{
    HOST_BUGCHECK BugCheck;
    HANDLE Handle;

    ObWorldStart();
    Handle = Thing(NULL, 0);
    CHECK(HostCatchBugCheck(DereferenceHandles, Body(Handle), &BugCheck));
    CHECK_EQUAL(REFERENCE_BY_POINTER, BugCheck.Code);
    CHECK_EQUAL(0, BugCheck.Parameter[2]);
    CHECK_EQUAL(1, BugCheck.Parameter[3]);
    HostMachineDelete();
}

static void ReferenceDying(PVOID Object)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);

    ObDereferenceObject(Object);
    CHECK(!ObpTryReferenceObject(Object));
    ObReferenceObject(Object);
    KfLowerIrql(OldIrql);
}

TEST(ObObject_that_is_being_deleted_cannot_be_referenced)
{
    HOST_BUGCHECK BugCheck;

    ObWorldStart();
    CHECK(HostCatchBugCheck(ReferenceDying, New(), &BugCheck));
    CHECK_EQUAL(REFERENCE_BY_POINTER, BugCheck.Code);
    HostMachineDelete();
}

TEST(ObReferenceObjectByPointer_wants_the_type_unless_the_kernel_asks)
{
    PVOID Object;

    ObWorldStart();
    Object = New();
    CHECK_EQUAL(STATUS_SUCCESS, ObReferenceObjectByPointer(Object, 0, ThingType, UserMode));
    CHECK_EQUAL(STATUS_SUCCESS, ObReferenceObjectByPointer(Object, 0, NULL, KernelMode));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, ObReferenceObjectByPointer(Object, 0, NULL, UserMode));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH,
                ObReferenceObjectByPointer(Object, 0, PsProcessType, KernelMode));
    CHECK_EQUAL(3, Pointers(Object));
    ObDereferenceObject(Object);
    ObDereferenceObject(Object);
    ObDereferenceObject(Object);
    ObWorldFinish();
}
