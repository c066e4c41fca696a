/* SPDX-License-Identifier: MIT */
/*
 * test_ob_lookup.c - paths: through directories, links, types that parse, and to nowhere.
 */
#include "mm/ob/lookup.h"
#include "rtl.h"
#include "tests/unit/ob_world.h"

static NTSTATUS Open(PCWSTR Name)
{
    HANDLE Handle = NULL;
    NTSTATUS Status = ThingTryOpen(Name, 0, THING_READ, &Handle);

    if (NT_SUCCESS(Status)) {
        Close(Handle);
    }
    return Status;
}

static NTSTATUS OpenAt(HANDLE Root, PCWSTR Name)
{
    HANDLE Handle = NULL;
    NTSTATUS Status =
        ObOpenObjectByName(Named(Name, 0, Root), NULL, KernelMode, NULL, 0, NULL, &Handle);

    if (NT_SUCCESS(Status)) {
        Close(Handle);
    }
    return Status;
}

TEST(ObLookup_each_wrong_path_has_its_status)
{
    HANDLE Thing1;
    HANDLE Dir;

    ObWorldStart();
    Dir = Directory(u"\\Dir", 0);
    Thing1 = Thing(u"\\Dir\\T", 0);
    CHECK_EQUAL(STATUS_SUCCESS, Open(u"\\Dir\\T"));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, Open(u"\\Dir\\U"));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, Open(u"\\Dir\\t"));
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, Open(u"\\Nix\\T"));
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, Open(u"\\Dir\\U\\V"));
    CHECK_EQUAL(STATUS_OBJECT_PATH_SYNTAX_BAD, Open(u"Dir\\T"));
    CHECK_EQUAL(STATUS_OBJECT_PATH_SYNTAX_BAD, Open(u""));
    CHECK_EQUAL(STATUS_OBJECT_PATH_SYNTAX_BAD, Open(NULL));
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, Open(u"\\Dir\\\\T"));
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, Open(u"\\Dir\\"));
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, Open(u"\\\\"));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, Open(u"\\Dir"));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, Open(u"\\"));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, Open(u"\\Dir\\T\\U"));
    Close(Thing1);
    Close(Dir);
    ObWorldFinish();
}

TEST(ObLookup_begins_at_a_directorys_handle)
{
    HANDLE Thing1;
    HANDLE Dir;

    ObWorldStart();
    Dir = Directory(u"\\Dir", 0);
    Thing1 = Thing(u"\\Dir\\T", 0);
    CHECK_EQUAL(STATUS_SUCCESS, OpenAt(Dir, u"T"));
    CHECK_EQUAL(STATUS_SUCCESS, OpenAt(Dir, NULL)); /* itself */
    CHECK_EQUAL(STATUS_SUCCESS, OpenAt(NULL, u"\\"));
    CHECK_EQUAL(STATUS_OBJECT_PATH_SYNTAX_BAD, OpenAt(Dir, u"\\T"));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, OpenAt(Dir, u"U"));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, OpenAt(Thing1, u"U"));
    CHECK_EQUAL(STATUS_INVALID_HANDLE, OpenAt((HANDLE)400, u"T"));
    Close(Thing1);
    Close(Dir);
    ObWorldFinish();
}

TEST(ObLookup_goes_on_where_a_link_leads)
{
    HANDLE Handles1[5];
    ULONG i;

    ObWorldStart();
    Handles1[0] = Directory(u"\\Dir", 0);
    Handles1[1] = Thing(u"\\Dir\\T", 0);
    Handles1[2] = Link(u"\\ToDir", u"\\Dir");
    Handles1[3] = Link(u"\\Dir\\ToT", u"\\ToDir\\T");
    Handles1[4] = Link(u"\\Lost", u"\\Nowhere");
    CHECK_EQUAL(STATUS_SUCCESS, Open(u"\\ToDir\\T"));
    CHECK_EQUAL(STATUS_SUCCESS, Open(u"\\ToDir\\ToT"));
    CHECK_EQUAL(STATUS_SUCCESS, OpenAt(Handles1[0], u"ToT"));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, Open(u"\\Lost"));
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, Open(u"\\Lost\\T"));
    for (i = 0; i < 5; i++) {
        Close(Handles1[i]);
    }
    ObWorldFinish();
}

TEST(ObLookup_follows_32_links_and_no_more)
{
    static WCHAR Name[] = u"\\L\x4E00";
    static WCHAR Target[] = u"\\L\x4E00";
    HANDLE Links[33];
    HANDLE End;
    ULONG i;

    ObWorldStart();
    End = Thing(u"\\L\x4E00", 0);
    for (i = 0; i < 33; i++) { /* each leads to the one before */
        Name[2] = (WCHAR)(0x4E01 + i);
        Target[2] = (WCHAR)(0x4E00 + i);
        Links[i] = Link(Name, Target);
    }
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, Open(Name));
    CHECK_EQUAL(STATUS_SUCCESS, Open(Target));
    for (i = 0; i < 33; i++) {
        Close(Links[i]);
    }
    Close(End);
    Links[0] = Link(u"\\Round", u"\\Round");
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, Open(u"\\Round"));
    Close(Links[0]);
    ObWorldFinish();
}

TEST(ObLookup_creates_where_a_link_leads)
{
    HANDLE ToHere;
    HANDLE Made;

    ObWorldStart();
    ToHere = Link(u"\\ToHere", u"\\KernelObjects\\Here");
    Made = Thing(u"\\ToHere", 0);
    CHECK_EQUAL(STATUS_SUCCESS, Open(u"\\KernelObjects\\Here"));
    Close(Made);
    Close(ToHere);
    ObWorldFinish();
}

/* ---- a type that parses ---- */

static PVOID Door; /* leads to Behind, by any name but "Shut" */
static PVOID Behind;
static ULONG RestBytes;
static NTSTATUS DoorSays; /* with it */

static NTSTATUS ParseDoor(PVOID ParseObject, POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                          ULONG Attributes, PUNICODE_STRING CompleteName,
                          PUNICODE_STRING RemainingName, PVOID Context, PVOID *Object)
{
    UNICODE_STRING Shut = NT_CONSTANT_STRING(u"\\Shut");

    (void)ObjectType;
    (void)AccessMode;
    (void)Attributes;
    (void)CompleteName;
    CHECK(ParseObject == Door && Context == &Door);
    RestBytes = RemainingName->Length;
    if (RtlEqualUnicodeString(RemainingName, &Shut, FALSE)) {
        return STATUS_SHARING_VIOLATION;
    }
    ObReferenceObject(Behind);
    *Object = Behind;
    return DoorSays;
}

TEST(ObLookup_asks_a_type_that_parses_for_the_rest)
{
    static const OB_TYPE_DESCRIPTION Description = {
        .Name = u"Door", .PoolType = NonPagedPool, .Tag = 0x726F6F44u, .Parse = ParseDoor};
    POBJECT_TYPE Type;
    HANDLE Handle = NULL;
    HANDLE Target;

    MmWorldStart(4096);
    CHECK_EQUAL(STATUS_SUCCESS, ObCreateType(&Description, &Type));
    MmWorldFinish();
    ObWorldStart();
    Target = Thing(NULL, 0);
    Behind = Body(Target);
    CHECK_EQUAL(STATUS_SUCCESS, ObCreateType(&Description, &Type));
    CHECK_EQUAL(STATUS_SUCCESS, ObCreateObject(KernelMode, Type, Named(u"\\Door", 0, NULL),
                                               KernelMode, NULL, 8, 0, 0, &Door));
    CHECK_EQUAL(STATUS_SUCCESS, ObInsertObject(Door, NULL, 0, 0, NULL, NULL));
    CHECK_EQUAL(STATUS_SUCCESS, ObOpenObjectByName(Named(u"\\Door\\a\\b\\", 0, NULL), ThingType,
                                                   KernelMode, NULL, 0, &Door, &Handle));
    CHECK_EQUAL(10, RestBytes);
    CHECK_EQUAL((ULONG_PTR)Behind, (ULONG_PTR)Body(Handle));
    Close(Handle);
    CHECK_EQUAL(STATUS_SUCCESS, ObOpenObjectByName(Named(u"\\Door", 0, NULL), ThingType, KernelMode,
                                                   NULL, 0, &Door, &Handle));
    CHECK_EQUAL(0, RestBytes);
    Close(Handle);
    DoorSays = STATUS_OBJECT_NAME_EXISTS;
    CHECK_EQUAL(STATUS_SUCCESS, ObOpenObjectByName(Named(u"\\Door\\x", 0, NULL), ThingType,
                                                   KernelMode, NULL, 0, &Door, &Handle));
    CHECK_EQUAL((ULONG_PTR)Behind, (ULONG_PTR)Body(Handle));
    Close(Handle);
    CHECK_EQUAL(STATUS_SHARING_VIOLATION,
                ObOpenObjectByName(Named(u"\\Door\\Shut", 0, NULL), ThingType, KernelMode, NULL, 0,
                                   &Door, &Handle));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH,
                ObOpenObjectByName(Named(u"\\Door\\x", 0, NULL), Type, KernelMode, NULL, 0, &Door,
                                   &Handle));
    ObMakeTemporaryObject(Door);
    ObDereferenceObject(Door);
    Close(Target);
    MiVerifyAll();
    HostMachineDelete(); /* the type stays: no balance */
}

TEST(ObReplaceName_refuses_what_is_too_long)
{
    static WCHAR Long[0x7FF0];
    UNICODE_STRING Prefix = {sizeof(Long), sizeof(Long), Long};
    UNICODE_STRING Rest = {0x20, 0x20, Long};
    UNICODE_STRING Name = {0, 0, NULL};

    ObWorldStart();
    CHECK_EQUAL(STATUS_NAME_TOO_LONG, ObReplaceName(&Name, &Prefix, &Rest));
    Rest.Length = 0x1E;
    CHECK_EQUAL(STATUS_SUCCESS, ObReplaceName(&Name, &Prefix, &Rest));
    CHECK_EQUAL(0xFFFE, Name.Length);
    ObpFreeName(&Name);
    CHECK(Name.Buffer == NULL);
    ObWorldFinish();
}
