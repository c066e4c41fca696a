/* SPDX-License-Identifier: MIT */
/*
 * object.c - an object's memory and its references.
 *
 *     state      PointerCount   by
 *     alive      > 0            ObpAllocateObject
 *     dying      0              the last ObfDereferenceObject; in the worker thread's list when
 *                               IRQL was too high
 *     gone                      ObpDeleteObject, at PASSIVE_LEVEL
 *
 * Invariants (checked by ObpVerify):
 *   O1  PointerCount >= HandleCount, and one more for a name that is in a directory, and for each
 *       opening that holds the name
 *   O2  an alive object is in its type's list, TotalNumberOfObjects counts that list
 *
 * Locking: PointerCount is atomic.  ObpDeferredList is pushed to atomically and taken as a whole.
 * Who pushes and finds the work item not queued queues it; its routine says that it is not before
 * it takes the list, so that nothing is left in the list with nobody to come.
 */
#include "mm/ob/object.h"

#include "mi_assert.h"
#include "nt/bugcodes.h"
#include "rtl.h"

POBJECT_TYPE ObpTypeObjectType;
LIST_ENTRY ObpAllTypes;
OB_MUTEX ObpNamespaceMutex;
OB_MUTEX ObpHandleMutex;
OB_MUTEX ObpTypeMutex;
OB_COUNTERS ObCounters;

static POBJECT_HEADER ObpDeferredList; /* (A) by NextToFree */
static WORK_QUEUE_ITEM ObpDeferredWork;
static ULONG ObpDeferredIsQueued; /* (A) */

/* ---- memory ---- */

static ULONG ObpPrefixBytes(BOOLEAN Named, ULONG Attributes)
{
    return sizeof(OBJECT_HEADER_CREATOR_INFO) + (Named ? sizeof(OBJECT_HEADER_NAME_INFO) : 0) +
           ((Attributes & OBJ_EXCLUSIVE) != 0 ? sizeof(OBJECT_HEADER_QUOTA_INFO) : 0);
}

static PVOID ObpBlock(POBJECT_HEADER Header)
{
    ULONG Bytes = sizeof(OBJECT_HEADER_CREATOR_INFO);

    Bytes = Header->NameInfoOffset != 0 ? Header->NameInfoOffset : Bytes;
    Bytes = Header->QuotaInfoOffset != 0 ? Header->QuotaInfoOffset : Bytes;
    return (PUCHAR)Header - Bytes;
}

static void ObpListObject(POBJECT_HEADER Header)
{
    POBJECT_TYPE Type = Header->Type;

    ObpAcquire(&ObpTypeMutex);
    InsertTailList(&Type->TypeList, &ObpCreatorInfo(Header)->TypeList);
    Type->TotalNumberOfObjects++;
    if (Type->TotalNumberOfObjects > Type->HighWaterNumberOfObjects) {
        Type->HighWaterNumberOfObjects = Type->TotalNumberOfObjects;
    }
    ObpRelease(&ObpTypeMutex);
    __atomic_add_fetch(&ObCounters.Created, 1, __ATOMIC_RELAXED);
}

static void ObpUnlistObject(POBJECT_HEADER Header)
{
    ObpAcquire(&ObpTypeMutex);
    RemoveEntryList(&ObpCreatorInfo(Header)->TypeList);
    MI_ASSERT(Header->Type->TotalNumberOfObjects != 0);
    Header->Type->TotalNumberOfObjects--;
    ObpRelease(&ObpTypeMutex);
    __atomic_add_fetch(&ObCounters.Deleted, 1, __ATOMIC_RELAXED);
}

PVOID ObpAllocateObject(POBJECT_TYPE Type, ULONG BodyBytes, BOOLEAN Named, ULONG Attributes)
{
    ULONG Prefix = ObpPrefixBytes(Named, Attributes);
    ULONG Bytes = Prefix + FIELD_OFFSET(OBJECT_HEADER, Body) + BodyBytes;
    PUCHAR Block = ExAllocatePoolWithTag(Type->TypeInfo.PoolType, Bytes, Type->TypeInfo.Tag);
    POBJECT_HEADER Header;

    if (Block == NULL) {
        return NULL;
    }
    memset(Block, 0, Bytes);
    Header = (POBJECT_HEADER)(PVOID)(Block + Prefix);
    Header->PointerCount = 1;
    Header->Type = Type;
    Header->Flags = OB_FLAG_CREATOR_INFO;
    if (Named) {
        Header->NameInfoOffset =
            sizeof(OBJECT_HEADER_CREATOR_INFO) + sizeof(OBJECT_HEADER_NAME_INFO);
    }
    if ((Attributes & OBJ_EXCLUSIVE) != 0) {
        Header->QuotaInfoOffset = (UCHAR)Prefix;
        Header->Flags |= OB_FLAG_EXCLUSIVE;
    }
    if (PsInitialSystemProcess != NULL) {
        ObpCreatorInfo(Header)->CreatorUniqueProcess = PsGetProcessId(PsGetCurrentProcess());
    }
    ObpListObject(Header);
    return &Header->Body;
}

/* => PASSIVE_LEVEL; nobody has a reference. */
static void ObpDeleteObject(POBJECT_HEADER Header)
{
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfo(Header);

    MI_ASSERT(KeGetCurrentIrql() == PASSIVE_LEVEL);
    MI_ASSERT(NameInfo == NULL || NameInfo->Directory == NULL);
    Header->HandleCount = 0; /* it was NextToFree */
    ObpUnlistObject(Header);
    if (Header->ObjectCreateInfo != NULL) {
        ExFreePoolWithTag(Header->ObjectCreateInfo, OB_TAG_CREATE);
    }
    if (Header->Type->TypeInfo.Delete != NULL) {
        Header->Type->TypeInfo.Delete(&Header->Body);
    }
    if (NameInfo != NULL && NameInfo->Name.Buffer != NULL) {
        ExFreePoolWithTag(NameInfo->Name.Buffer, OB_TAG_NAME);
    }
    ExFreePoolWithTag(ObpBlock(Header), Header->Type->TypeInfo.Tag);
}

/* ---- deletion by a worker thread ---- */

void ObpDeleteDeferred(void)
{
    POBJECT_HEADER Header = __atomic_exchange_n(&ObpDeferredList, NULL, __ATOMIC_ACQ_REL);

    while (Header != NULL) {
        POBJECT_HEADER Next = Header->NextToFree;

        __atomic_add_fetch(&ObCounters.Deferred, 1, __ATOMIC_RELAXED);
        ObpDeleteObject(Header);
        Header = Next;
    }
}

static void NTAPI ObpDeferredRoutine(PVOID Parameter)
{
    (void)Parameter;
    __atomic_store_n(&ObpDeferredIsQueued, 0, __ATOMIC_SEQ_CST);
    ObpDeleteDeferred();
}

static void ObpDeferDeletion(POBJECT_HEADER Header)
{
    POBJECT_HEADER First = __atomic_load_n(&ObpDeferredList, __ATOMIC_RELAXED);

    do {
        Header->NextToFree = First;
    } while (!__atomic_compare_exchange_n(&ObpDeferredList, &First, Header, FALSE, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED));
    if (__atomic_exchange_n(&ObpDeferredIsQueued, 1, __ATOMIC_SEQ_CST) == 0) {
        ExQueueWorkItem(&ObpDeferredWork, CriticalWorkQueue);
    }
}

/* ---- references ---- */

static NT_NORETURN void ObpReferenceWentWrong(POBJECT_HEADER Header, LONG Count)
{
    KeBugCheckEx(REFERENCE_BY_POINTER, (ULONG_PTR)Header->Type, (ULONG_PTR)&Header->Body,
                 (ULONG_PTR)Count, (ULONG_PTR)Header->HandleCount);
}

LONG FASTCALL ObfReferenceObject(PVOID Object)
{
    POBJECT_HEADER Header = OBJECT_TO_OBJECT_HEADER(Object);
    LONG Count = __atomic_add_fetch(&Header->PointerCount, 1, __ATOMIC_RELAXED);

    if (Count <= 1) {
        ObpReferenceWentWrong(Header, Count);
    }
    return Count;
}

BOOLEAN ObpTryReferenceObject(PVOID Object)
{
    POBJECT_HEADER Header = OBJECT_TO_OBJECT_HEADER(Object);
    LONG Count = __atomic_load_n(&Header->PointerCount, __ATOMIC_RELAXED);

    while (Count != 0) {
        if (__atomic_compare_exchange_n(&Header->PointerCount, &Count, Count + 1, FALSE,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* => Whether it was the last one. */
static BOOLEAN ObpDropReference(POBJECT_HEADER Header, PLONG Left)
{
    LONG Count = __atomic_sub_fetch(&Header->PointerCount, 1, __ATOMIC_ACQ_REL);

    *Left = Count;
    if (Count < 0 || (Count == 0 && Header->HandleCount != 0)) {
        ObpReferenceWentWrong(Header, Count);
    }
    return Count == 0;
}

LONG FASTCALL ObfDereferenceObject(PVOID Object)
{
    POBJECT_HEADER Header = OBJECT_TO_OBJECT_HEADER(Object);
    LONG Count;

    if (ObpDropReference(Header, &Count)) {
        if (KeGetCurrentIrql() == PASSIVE_LEVEL) {
            ObpDeleteObject(Header);
        } else {
            ObpDeferDeletion(Header);
        }
    }
    return Count;
}

void NTAPI ObDereferenceObjectDeferDelete(PVOID Object)
{
    POBJECT_HEADER Header = OBJECT_TO_OBJECT_HEADER(Object);
    LONG Count;

    if (ObpDropReference(Header, &Count)) {
        ObpDeferDeletion(Header);
    }
}

NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess,
                                          POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode)
{
    POBJECT_TYPE Type = ObGetType(Object);

    (void)DesiredAccess; /* nothing was granted to a pointer: documented as not looked at */
    if (Type != ObjectType && (ObjectType != NULL || AccessMode != KernelMode)) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    ObfReferenceObject(Object);
    return STATUS_SUCCESS;
}

POBJECT_TYPE ObGetType(PVOID Object)
{
    return OBJECT_TO_OBJECT_HEADER(Object)->Type;
}

void ObpForgetObjects(void)
{
    ObpTypeObjectType = NULL;
    ObpDeferredList = NULL;
    ObpDeferredIsQueued = 0;
    memset(&ObCounters, 0, sizeof(ObCounters));
    InitializeListHead(&ObpAllTypes);
    ExInitializeFastMutex(&ObpNamespaceMutex.Mutex);
    ExInitializeFastMutex(&ObpHandleMutex.Mutex);
    ExInitializeFastMutex(&ObpTypeMutex.Mutex);
    ExInitializeWorkItem(&ObpDeferredWork, ObpDeferredRoutine, NULL);
}
