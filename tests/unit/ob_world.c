/* SPDX-License-Identifier: MIT */
/*
 * ob_world.c - see ob_world.h.
 */
#include "tests/unit/ob_world.h"

#include "mm/pool/pool.h"
#include "mm/pool/pool_big.h"
#include "mm/pool/pool_tag.h"
#include "rtl.h"
#include "verify.h"

#include <string.h>

#define FRAMES    4096u
#define PROCESSES 2u

typedef struct _BALANCE {
    ULONG Objects;
    ULONG Handles;
    ULONG NonPaged;
    ULONG Paged;
} BALANCE;

POBJECT_TYPE ThingType;
THING_LOG ThingLog;

static PEPROCESS Processes[PROCESSES];
static KAPC_STATE Home;
static BALANCE Before;

/* ---- the type ---- */

static NTSTATUS OpenThing(OB_OPEN_REASON Reason, PEPROCESS Process, PVOID Object,
                          ACCESS_MASK GrantedAccess)
{
    (void)Process;
    (void)GrantedAccess;
    CHECK(ObGetType(Object) == ThingType);
    ThingLog.Reason = Reason;
    ThingLog.Opens += NT_SUCCESS(ThingLog.OpenStatus);
    if (ThingLog.CloseInOpen != NULL) {
        HANDLE Handle = ThingLog.CloseInOpen;

        ThingLog.CloseInOpen = NULL;
        Close(Handle);
    }
    return ThingLog.OpenStatus;
}

static void CloseThing(PEPROCESS Process, PVOID Object, ACCESS_MASK GrantedAccess,
                       ULONG HandleCount)
{
    (void)Process;
    (void)GrantedAccess;
    CHECK(ObGetType(Object) == ThingType);
    ThingLog.Closes++;
    ThingLog.LastCount = HandleCount;
}

static BOOLEAN OkayToCloseThing(PEPROCESS Process, PVOID Object, HANDLE Handle)
{
    (void)Process;
    (void)Handle;
    CHECK(ObGetType(Object) == ThingType);
    return !ThingLog.Keep;
}

static void DeleteThing(PVOID Object)
{
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    CHECK(ObGetType(Object) == ThingType);
    ThingLog.Deletes++;
}

static void MakeType(void)
{
    static const OB_TYPE_DESCRIPTION Description = {
        .Name = u"Thing",
        .PoolType = NonPagedPool,
        .Tag = 0x6E696854u, /* 'Thin' */
        .ValidAccessMask = THING_ALL,
        .GenericMapping = {THING_READ, THING_WRITE, 0, THING_ALL},
        .Open = OpenThing,
        .Close = CloseThing,
        .OkayToClose = OkayToCloseThing,
        .Delete = DeleteThing,
    };

    CHECK_EQUAL(STATUS_SUCCESS, ObCreateType(&Description, &ThingType));
}

/* ---- the machine ---- */

static BALANCE TakeBalance(void)
{
    MI_POOL_FIGURES NonPaged;
    MI_POOL_FIGURES Paged;
    BALANCE Balance = {0, 0, 0, 0};
    PLIST_ENTRY Entry;

    MiTrimPools();
    MiQueryPoolFigures(NonPagedPool, &NonPaged);
    MiQueryPoolFigures(PagedPool, &Paged);
    for (Entry = ObpAllTypes.Flink; Entry != &ObpAllTypes; Entry = Entry->Flink) {
        POBJECT_TYPE Type = CONTAINING_RECORD(Entry, OBJECT_TYPE, AllTypes);

        Balance.Objects += Type->TotalNumberOfObjects;
        Balance.Handles += Type->TotalNumberOfHandles;
    }
    /* the table of big blocks never shrinks */
    Balance.NonPaged =
        (ULONG)(NonPaged.InUseBytes - MiFindPoolTag(MI_BIG_TABLE_TAG)->Use[NonPagedPool].Bytes);
    Balance.Paged = (ULONG)Paged.InUseBytes;
    return Balance;
}

void ObWorldStart(void)
{
    ULONG i;

    MmWorldStart(FRAMES);
    memset(&ThingLog, 0, sizeof(ThingLog));
    MakeType();
    Before = TakeBalance();
    for (i = 0; i < PROCESSES; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("test", &Processes[i]));
    }
    KeStackAttachProcess(&Processes[0]->Pcb, &Home);
}

PEPROCESS ObWorldProcess(ULONG Index)
{
    return Processes[Index];
}

void ObWorldEnter(ULONG Index)
{
    KeUnstackDetachProcess(&Home);
    KeStackAttachProcess(&Processes[Index]->Pcb, &Home);
}

void ObWorldFinish(void)
{
    BALANCE After;
    ULONG i;

    KeSetPreviousMode(KernelMode);
    ThingLog.Keep = FALSE;
    ThingLog.OpenStatus = STATUS_SUCCESS;
    MiVerifyAll();
    KeUnstackDetachProcess(&Home);
    for (i = 0; i < PROCESSES; i++) {
        if (!Processes[i]->VmDeleted) {
            PsTerminateProcess(Processes[i]);
        }
        PsDereferenceProcess(Processes[i]);
    }
    ObpDeleteDeferred();
    After = TakeBalance();
    if (memcmp(&Before, &After, sizeof(After)) != 0) {
        TestFail(__FILE__, __LINE__, "balance: objects %d, handles %d, nonpaged %d, paged %d",
                 (int)(After.Objects - Before.Objects), (int)(After.Handles - Before.Handles),
                 (int)(After.NonPaged - Before.NonPaged), (int)(After.Paged - Before.Paged));
    }
    CHECK_EQUAL(ThingLog.Opens, ThingLog.Closes);
    MmWorldFinish();
}

/* ---- services ---- */

POBJECT_ATTRIBUTES Named(PCWSTR Name, ULONG Attributes, HANDLE Root)
{
    static UNICODE_STRING Text;
    static OBJECT_ATTRIBUTES Made;

    RtlInitUnicodeString(&Text, Name);
    InitializeObjectAttributes(&Made, Name == NULL ? NULL : &Text, Attributes, Root, NULL);
    return &Made;
}

NTSTATUS ThingTry(PCWSTR Name, ULONG Attributes, ACCESS_MASK Access, PHANDLE Handle)
{
    PVOID New = NULL;
    NTSTATUS Status = ObCreateObject(ExGetPreviousMode(), ThingType, Named(Name, Attributes, NULL),
                                     ExGetPreviousMode(), NULL, 32, 0, 0, &New);

    return NT_SUCCESS(Status) ? ObInsertObject(New, NULL, Access, 0, NULL, Handle) : Status;
}

HANDLE Thing(PCWSTR Name, ULONG Attributes)
{
    HANDLE Handle = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, ThingTry(Name, Attributes, THING_ALL, &Handle));
    return Handle;
}

NTSTATUS ThingTryOpen(PCWSTR Name, ULONG Attributes, ACCESS_MASK Access, PHANDLE Handle)
{
    return ObOpenObjectByName(Named(Name, Attributes, NULL), ThingType, ExGetPreviousMode(), NULL,
                              Access, NULL, Handle);
}

NTSTATUS DirectoryTry(PCWSTR Name, ULONG Attributes, PHANDLE Handle)
{
    return NtCreateDirectoryObject(Handle, DIRECTORY_ALL_ACCESS, Named(Name, Attributes, NULL));
}

HANDLE Directory(PCWSTR Name, ULONG Attributes)
{
    HANDLE Handle = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, DirectoryTry(Name, Attributes, &Handle));
    return Handle;
}

NTSTATUS DirectoryTryOpen(PCWSTR Name, ULONG Attributes, PHANDLE Handle)
{
    return NtOpenDirectoryObject(Handle, DIRECTORY_QUERY, Named(Name, Attributes, NULL));
}

HANDLE Link(PCWSTR Name, PCWSTR Target)
{
    UNICODE_STRING Text;
    HANDLE Handle = NULL;

    RtlInitUnicodeString(&Text, Target);
    CHECK_EQUAL(STATUS_SUCCESS, NtCreateSymbolicLinkObject(&Handle, SYMBOLIC_LINK_ALL_ACCESS,
                                                           Named(Name, 0, NULL), &Text));
    return Handle;
}

NTSTATUS LinkTryOpen(PCWSTR Name, ULONG Attributes, PHANDLE Handle)
{
    return NtOpenSymbolicLinkObject(Handle, SYMBOLIC_LINK_QUERY, Named(Name, Attributes, NULL));
}

void Close(HANDLE Handle)
{
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Handle));
}

PVOID Body(HANDLE Handle)
{
    PVOID Object = NULL;

    CHECK_EQUAL(STATUS_SUCCESS,
                ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Object, NULL));
    ObDereferenceObject(Object);
    return Object;
}

LONG Pointers(PVOID Object)
{
    return OBJECT_TO_OBJECT_HEADER(Object)->PointerCount;
}

LONG Handles(PVOID Object)
{
    return OBJECT_TO_OBJECT_HEADER(Object)->HandleCount;
}
