/* SPDX-License-Identifier: MIT */
/*
 * test_ob_directory_calls.c - the services on directories.
 */
#include "rtl.h"
#include "tests/unit/ob_world.h"

static ULONG Buffer[1024];

/* Whether Entry is the thing called Name. */
static BOOLEAN IsThing(const OBJECT_DIRECTORY_INFORMATION *Entry, PCWSTR Name)
{
    UNICODE_STRING Text;
    UNICODE_STRING Type = NT_CONSTANT_STRING(u"Thing");

    RtlInitUnicodeString(&Text, Name);
    return RtlEqualUnicodeString(&Entry->Name, &Text, FALSE) &&
           RtlEqualUnicodeString(&Entry->TypeName, &Type, FALSE) &&
           Entry->Name.Buffer[Entry->Name.Length / 2] == 0;
}

TEST(NtQueryDirectoryObject_tells_names_and_types_one_or_many_at_a_time)
{
    const OBJECT_DIRECTORY_INFORMATION *Entry = (PVOID)Buffer;
    HANDLE Things[3];
    HANDLE Dir;
    ULONG Context = 99;
    ULONG Length = 0;
    ULONG Seen = 0;

    ObWorldStart();
    Dir = Directory(u"\\Dir", 0);
    CHECK_EQUAL(STATUS_NO_MORE_ENTRIES, NtQueryDirectoryObject(Dir, Buffer, sizeof(Buffer), FALSE,
                                                               TRUE, &Context, &Length));
    CHECK_EQUAL(99, Context);
    Things[0] = Thing(u"\\Dir\\A", 0);
    Things[1] = Thing(u"\\Dir\\Bb", 0);
    Things[2] = Thing(u"\\Dir\\Ccc", 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtQueryDirectoryObject(Dir, Buffer, sizeof(Buffer), FALSE, TRUE,
                                                       &Context, &Length));
    CHECK_EQUAL(3, Context);
    CHECK_EQUAL(4 * 16 + (2 + 4 + 6) + 6 + 3 * 12, Length);
    for (; Entry->Name.Length != 0; Entry++) {
        Seen |= IsThing(Entry, u"A") | IsThing(Entry, u"Bb") << 1 | IsThing(Entry, u"Ccc") << 2;
    }
    CHECK_EQUAL(7, Seen);
    Seen = 0;
    for (Context = 0; NtQueryDirectoryObject(Dir, Buffer, sizeof(Buffer), TRUE, FALSE, &Context,
                                             NULL) == STATUS_SUCCESS;) {
        Entry = (PVOID)Buffer;
        Seen |= IsThing(Entry, u"A") | IsThing(Entry, u"Bb") << 1 | IsThing(Entry, u"Ccc") << 2;
        CHECK_EQUAL(0, Entry[1].Name.Length);
    }
    CHECK_EQUAL(7, Seen);
    CHECK_EQUAL(3, Context);
    Close(Things[0]);
    Close(Things[1]);
    Close(Things[2]);
    Close(Dir);
    ObWorldFinish();
}

TEST(NtQueryDirectoryObject_tells_when_the_buffer_holds_some_or_none)
{
    HANDLE First;
    HANDLE Second;
    HANDLE Dir;
    ULONG Context = 0;
    ULONG Length = 0;

    ObWorldStart();
    Dir = Directory(u"\\Dir", 0);
    First = Thing(u"\\Dir\\A", 0);
    Second = Thing(u"\\Dir\\B", 0);
    CHECK_EQUAL(STATUS_BUFFER_TOO_SMALL,
                NtQueryDirectoryObject(Dir, Buffer, 47, FALSE, TRUE, &Context, &Length));
    CHECK_EQUAL(48, Length);
    CHECK_EQUAL(STATUS_MORE_ENTRIES,
                NtQueryDirectoryObject(Dir, Buffer, 48, FALSE, TRUE, &Context, &Length));
    CHECK_EQUAL(1, Context);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtQueryDirectoryObject(Dir, Buffer, 48, FALSE, FALSE, &Context, &Length));
    CHECK_EQUAL(2, Context);
    CHECK_EQUAL(STATUS_NO_MORE_ENTRIES,
                NtQueryDirectoryObject(Dir, Buffer, 48, FALSE, FALSE, &Context, &Length));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH,
                NtQueryDirectoryObject(First, Buffer, 48, FALSE, TRUE, &Context, &Length));
    KeSetPreviousMode(UserMode);
    Close(Second);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtOpenDirectoryObject(&Second, DIRECTORY_TRAVERSE, Named(u"\\Dir", 0, NULL)));
    CHECK_EQUAL(STATUS_ACCESS_DENIED,
                NtQueryDirectoryObject(Second, Buffer, 48, FALSE, TRUE, &Context, &Length));
    Close(Second);
    Close(First);
    Close(Dir);
    ObWorldFinish();
}

TEST(NtCreateDirectoryObject_makes_unnamed_ones_too)
{
    HANDLE Dir = NULL;
    HANDLE Inside = NULL;

    ObWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, NtCreateDirectoryObject(&Dir, DIRECTORY_ALL_ACCESS, NULL));
    CHECK_EQUAL(STATUS_SUCCESS,
                NtCreateDirectoryObject(&Inside, DIRECTORY_ALL_ACCESS, Named(u"In", 0, Dir)));
    CHECK_EQUAL(1, ((POBJECT_DIRECTORY)Body(Dir))->NumberOfEntries);
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, DirectoryTry(u"\\", 0, &Inside));
    Close(Inside);
    Close(Dir);
    ObWorldFinish();
}
