/* SPDX-License-Identifier: MIT */
/*
 * test_prop_ob.c - random operations on objects, names and handles of several processes, against a
 * plain model.
 *
 * The model: named directories in one level below the root, things in them, and for each process
 * the list of its handles.  An object has its name while it has a handle or is permanent; it lives
 * while it has a handle, a name, or names in it.  What is in a directory without a name cannot be
 * found, and lives on.  After each operation the status must be the model's; now and then every
 * count is compared and everything is verified.  Pool fails by chance: then the service fails and
 * nothing changes.
 */
#include "mm/pool/pool_inject.h"
#include "rtl.h"
#include "tests/unit/ob_world.h"

#include <stdio.h>
#include <string.h>

#define PROCESSES 2u
#define NAMES     12u /* 3 directories with 4 names each, of which the first is the directory's */
#define HANDLES   64u

typedef struct _OBJECT {
    PVOID Body; /* NULL: there is none */
    BOOLEAN Named;
    BOOLEAN Permanent;
    ULONG HandleCount;
    ULONG Inside; /* names in it, if it is a directory */
    ULONG Parent; /* index plus 1 of the directory in which its name is; 0: the root */
} OBJECT;

typedef struct _HANDLE_MODEL {
    HANDLE Handle; /* NULL: not in use */
    ULONG Object;
    BOOLEAN Protected;
    BOOLEAN Inherit;
} HANDLE_MODEL;

static OBJECT Objects[512]; /* those that were ever made since the last start */
static ULONG ObjectCount;
static ULONG ByName[NAMES]; /* index in Objects plus 1; 0: no such name */
static HANDLE_MODEL Tables[PROCESSES][HANDLES];
static uint64_t Random;
static ULONG Current;
static ULONG Injected;
static ULONG Done[8];

static ULONG Pick(ULONG Count)
{
    return TestRandom(&Random) % Count;
}

static PCWSTR NameOf(ULONG Index)
{
    static WCHAR Text[] = u"\\D0\\N0";

    Text[2] = (WCHAR)(u'0' + Index / 4);
    Text[5] = (WCHAR)(u'0' + Index % 4);
    Text[3] = Index % 4 == 0 ? 0 : u'\\';
    return Text;
}

static BOOLEAN IsDirectory(ULONG Name)
{
    return Name % 4 == 0;
}

/* ---- the model ---- */

static HANDLE_MODEL *FreeHandle(void)
{
    ULONG i;

    for (i = 0; i < HANDLES; i++) {
        if (Tables[Current][i].Handle == NULL) {
            return &Tables[Current][i];
        }
    }
    return NULL;
}

static ULONG NameIndexOf(ULONG Object)
{
    ULONG i;

    for (i = 0; i < NAMES; i++) {
        if (ByName[i] == Object + 1) {
            return i;
        }
    }
    return NAMES;
}

static void Reap(ULONG Object)
{
    OBJECT *O = &Objects[Object];

    if (!O->Named && O->HandleCount == 0 && O->Inside == 0) {
        O->Body = NULL;
    }
}

/* Nobody finds it by name any more, nor what is in it. */
static void Hide(ULONG Object)
{
    ULONG Name = NameIndexOf(Object);

    if (Name == NAMES) {
        return;
    }
    ByName[Name] = 0;
    if (IsDirectory(Name)) {
        ByName[Name + 1] = 0;
        ByName[Name + 2] = 0;
        ByName[Name + 3] = 0;
    }
}

/* The name goes when nothing holds it; with the last of all the object does. */
static void Settle(ULONG Object)
{
    OBJECT *O = &Objects[Object];

    if (O->Named && O->HandleCount == 0 && !O->Permanent) {
        Hide(Object);
        O->Named = FALSE;
        if (O->Parent != 0) {
            Objects[O->Parent - 1].Inside--;
            Reap(O->Parent - 1);
        }
    }
    Reap(Object);
}

static void Take(HANDLE_MODEL *Slot, HANDLE Handle, ULONG Object, ULONG Attributes)
{
    *Slot = (HANDLE_MODEL){Handle, Object, FALSE, (Attributes & OBJ_INHERIT) != 0};
    Objects[Object].HandleCount++;
}

/* What a lookup of Name says: in a directory that has lost its own name nothing is found. */
static NTSTATUS Expected(ULONG Name, BOOLEAN Create)
{
    ULONG Directory = Name / 4 * 4;

    if (!IsDirectory(Name) && ByName[Directory] == 0) {
        return STATUS_OBJECT_PATH_NOT_FOUND;
    }
    if (ByName[Name] != 0) {
        return Create ? STATUS_OBJECT_NAME_COLLISION : STATUS_SUCCESS;
    }
    return Create ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

/* ---- operations ---- */

static BOOLEAN WasInjected(NTSTATUS Status)
{
    BOOLEAN Happened = Status == STATUS_INSUFFICIENT_RESOURCES;

    Injected += Happened;
    return Happened;
}

/* A new object has its name. */
static void Enlist(ULONG Object, ULONG Name)
{
    if (Name == NAMES) {
        return;
    }
    ByName[Name] = Object + 1;
    if (!IsDirectory(Name)) {
        Objects[Object].Parent = ByName[Name / 4 * 4];
        Objects[Objects[Object].Parent - 1].Inside++;
    }
}

static void Create(void)
{
    HANDLE_MODEL *Slot = FreeHandle();
    ULONG Name = Pick(NAMES + 1); /* the last: none */
    ULONG Attributes = (Pick(4) == 0 ? OBJ_INHERIT : 0) |
                       (Pick(6) == 0 && Name != NAMES ? OBJ_PERMANENT : 0) |
                       (Pick(2) == 0 ? OBJ_CASE_INSENSITIVE : 0) | (Pick(3) == 0 ? OBJ_OPENIF : 0);
    NTSTATUS Want = Name == NAMES ? STATUS_SUCCESS : Expected(Name, TRUE);
    PCWSTR Text = Name == NAMES ? NULL : NameOf(Name);
    HANDLE Handle = NULL;
    NTSTATUS Status;

    if (Slot == NULL || ObjectCount == RTL_NUMBER_OF(Objects)) {
        return;
    }
    if (Name != NAMES && IsDirectory(Name)) {
        Status = DirectoryTry(Text, Attributes, &Handle);
    } else {
        Status = ThingTry(Text, Attributes, THING_ALL, &Handle);
    }
    if (Want == STATUS_OBJECT_NAME_COLLISION && (Attributes & OBJ_OPENIF) != 0) {
        Want = STATUS_OBJECT_NAME_EXISTS;
    }
    if (WasInjected(Status)) {
        return;
    }
    CHECK_EQUAL(Want, Status);
    if (Status == STATUS_OBJECT_NAME_EXISTS) {
        Take(Slot, Handle, ByName[Name] - 1, Attributes);
        Done[1]++;
    } else if (NT_SUCCESS(Status)) {
        Objects[ObjectCount] = (OBJECT){.Body = Body(Handle),
                                        .Named = Name != NAMES,
                                        .Permanent = (Attributes & OBJ_PERMANENT) != 0};
        Take(Slot, Handle, ObjectCount++, Attributes);
        Enlist(ObjectCount - 1, Name);
        Done[0]++;
    }
}

static void Open(void)
{
    HANDLE_MODEL *Slot = FreeHandle();
    ULONG Name = Pick(NAMES);
    ULONG Attributes = Pick(4) == 0 ? OBJ_INHERIT : 0;
    HANDLE Handle = NULL;
    NTSTATUS Status;

    if (Slot == NULL) {
        return;
    }
    Status = IsDirectory(Name) ? DirectoryTryOpen(NameOf(Name), Attributes, &Handle)
                               : ThingTryOpen(NameOf(Name), Attributes, THING_READ, &Handle);
    if (WasInjected(Status)) {
        return;
    }
    CHECK_EQUAL(Expected(Name, FALSE), Status);
    if (NT_SUCCESS(Status)) {
        CHECK_EQUAL((ULONG_PTR)Objects[ByName[Name] - 1].Body, (ULONG_PTR)Body(Handle));
        Take(Slot, Handle, ByName[Name] - 1, Attributes);
        Done[2]++;
    }
}

static void CloseOne(void)
{
    HANDLE_MODEL *Slot = &Tables[Current][Pick(HANDLES)];
    ULONG Object = Slot->Object;

    if (Slot->Handle == NULL) {
        CHECK_EQUAL(STATUS_INVALID_HANDLE, NtClose((HANDLE)(ULONG_PTR)(4 * (400 + Pick(100)))));
        return;
    }
    CHECK_EQUAL(Slot->Protected ? STATUS_HANDLE_NOT_CLOSABLE : STATUS_SUCCESS,
                NtClose(Slot->Handle));
    if (!Slot->Protected) {
        Slot->Handle = NULL;
        Objects[Object].HandleCount--;
        Settle(Object);
        Done[3]++;
    }
}

static void SetFlags(void)
{
    HANDLE_MODEL *Slot = &Tables[Current][Pick(HANDLES)];
    OBJECT_HANDLE_FLAG_INFORMATION Flags = {(BOOLEAN)Pick(2), (BOOLEAN)(Pick(4) == 0)};

    if (Slot->Handle != NULL) {
        CHECK_EQUAL(STATUS_SUCCESS,
                    NtSetInformationObject(Slot->Handle, ObjectHandleFlagInformation, &Flags,
                                           sizeof(Flags)));
        Slot->Inherit = Flags.Inherit;
        Slot->Protected = Flags.ProtectFromClose;
    }
}

static void SetPermanence(void)
{
    HANDLE_MODEL *Slot = &Tables[Current][Pick(HANDLES)];
    OBJECT *Object = &Objects[Slot->Object];

    if (Slot->Handle == NULL) {
        return;
    }
    if (Pick(2) == 0) {
        CHECK_EQUAL(STATUS_SUCCESS, NtMakePermanentObject(Slot->Handle));
        Object->Permanent = Object->Named;
    } else {
        CHECK_EQUAL(STATUS_SUCCESS, NtMakeTemporaryObject(Slot->Handle));
        Object->Permanent = FALSE;
    }
    Done[4]++;
}

static void Duplicate(void)
{
    ULONG Source = Current;
    HANDLE_MODEL *From = &Tables[Source][Pick(HANDLES)];
    ULONG Object = From->Object;
    CLIENT_ID Id = {PsGetProcessId(ObWorldProcess(1 - Current)), NULL};
    HANDLE Process = NULL;
    HANDLE New = NULL;
    HANDLE_MODEL *Slot;
    NTSTATUS Status;

    Current = 1 - Source;
    Slot = FreeHandle();
    Current = Source;
    if (From->Handle == NULL || Slot == NULL) {
        return;
    }
    Status = NtOpenProcess(&Process, PROCESS_DUP_HANDLE, NULL, &Id);
    if (WasInjected(Status)) {
        return;
    }
    Status = NtDuplicateObject(NtCurrentProcess(), From->Handle, Process, &New, 0, OBJ_INHERIT,
                               DUPLICATE_SAME_ACCESS);
    Close(Process);
    if (!WasInjected(Status)) {
        CHECK_EQUAL(STATUS_SUCCESS, Status);
        Take(Slot, New, Object, OBJ_INHERIT);
        Done[5]++;
    }
}

/* A clone has what is marked for it, and gives it back. */
static void Clone(void)
{
    PEPROCESS Process = NULL;
    ULONG Inherited = 0;
    NTSTATUS Status = PsCloneProcess("clone", ObWorldProcess(Current), &Process);
    ULONG i;

    if (!NT_SUCCESS(Status)) {
        CHECK(WasInjected(Status) || Status == STATUS_NO_MEMORY);
        return;
    }
    for (i = 0; i < HANDLES; i++) {
        Inherited += Tables[Current][i].Handle != NULL && Tables[Current][i].Inherit;
    }
    CHECK_EQUAL(Inherited, Process->ObjectTable->HandleCount);
    PsTerminateProcess(Process);
    PsDereferenceProcess(Process);
    Done[6]++;
}

static void Enter(void)
{
    Current = 1 - Current;
    ObWorldEnter(Current);
}

/* ---- comparison ---- */

static void Compare(void)
{
    ULONG Alive = 0;
    ULONG Total = 0;
    ULONG i;

    for (i = 0; i < ObjectCount; i++) {
        OBJECT *Object = &Objects[i];

        if (Object->Body != NULL) {
            Alive++;
            Total += Object->HandleCount;
            CHECK_EQUAL(Object->HandleCount, Handles(Object->Body));
            CHECK(Pointers(Object->Body) >= (LONG)Object->HandleCount + Object->Named);
        }
    }
    CHECK_EQUAL(Total,
                ThingType->TotalNumberOfHandles + ObpDirectoryObjectType->TotalNumberOfHandles);
    CHECK_EQUAL(Alive, ThingType->TotalNumberOfObjects +
                           ObpDirectoryObjectType->TotalNumberOfObjects - 6); /* the first ones */
    MiVerifyAll();
    ObpVerify();
}

static void Finish(void)
{
    ULONG i;

    MiFailPoolAllocation(0);
    for (i = 0; i < ObjectCount; i++) {
        if (Objects[i].Body != NULL && Objects[i].Permanent) {
            Objects[i].Permanent = FALSE;
            ObMakeTemporaryObject(Objects[i].Body);
            Settle(i);
        }
    }
    Compare();
    ObWorldFinish();
}

TEST(Prop_ob_agrees_with_a_plain_model)
{
    static void (*const Operations[])(void) = {Create,    Create,   Open,  Open,          CloseOne,
                                               CloseOne,  CloseOne, Enter, SetFlags,      Duplicate,
                                               Duplicate, Open,     Clone, SetPermanence, Create};
    uint64_t Rounds = TestRounds(20000);
    uint64_t Step;
    uint64_t Seed = TestSeed();

    Random = Seed;
    Injected = 0;
    memset(Done, 0, sizeof(Done));
    for (Step = 1; Step <= Rounds; Step++) {
        TestSetStep(Step);
        if (Step % 1000 == 1) { /* a new machine: Objects begins anew */
            ObWorldStart();
            ObjectCount = 0;
            Current = 0;
            memset(ByName, 0, sizeof(ByName));
            memset(Tables, 0, sizeof(Tables));
        }
        MiFailPoolAllocation(Pick(5) == 0 ? 1 + Pick(8) : 0);
        Operations[Pick(RTL_NUMBER_OF(Operations))]();
        MiFailPoolAllocation(0);
        if (Step % 50 == 0) {
            Compare();
        }
        if (Step % 1000 == 0 || Step == Rounds) {
            Finish();
        }
    }
    printf("# %u created, %u found instead, %u opened, %u closed, %u duplicated, %u clones, %u "
           "failures injected\n",
           Done[0], Done[1], Done[2], Done[3], Done[5], Done[6], Injected);
    CHECK(Done[0] != 0 && Done[1] != 0 && Done[2] != 0 && Done[3] != 0 && Done[5] != 0 &&
          Done[6] != 0 && Injected != 0);
    TestCountOperations(Rounds, 1);
}
