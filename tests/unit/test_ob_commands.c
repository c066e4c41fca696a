/* SPDX-License-Identifier: MIT */
/*
 * test_ob_commands.c - !object and !handle.
 */
#include "mm/inspect/commands.h"
#include "mm/ob/directory.h"
#include "mm/space/process.h"
#include "ob.h"
#include "rtl.h"
#include "tests/unit/command_bench.h"
#include "vm.h"

#include <string.h>

static HANDLE Make(PCWSTR Path, PCWSTR Target)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;
    UNICODE_STRING To;
    HANDLE Handle = NULL;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_INHERIT, NULL, NULL);
    if (Target == NULL) {
        CHECK_EQUAL(STATUS_SUCCESS,
                    NtCreateDirectoryObject(&Handle, DIRECTORY_ALL_ACCESS, &Attributes));
        return Handle;
    }
    RtlInitUnicodeString(&To, Target);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtCreateSymbolicLinkObject(&Handle, SYMBOLIC_LINK_ALL_ACCESS, &Attributes, &To));
    return Handle;
}

static void Close(HANDLE Handle)
{
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Handle));
}

TEST(Object_shows_the_root_and_a_directorys_entries)
{
    HANDLE Dir;

    PopulatedStart();
    Dir = Make(u"\\BaseNamedObjects\\Dir", NULL);
    CHECK_SHOWS(" Directory\n", Command("!object"));
    CHECK_SHOWS(" Directory            KernelObjects\n", Command("!object \\"));
    CHECK_SHOWS(" Directory            ??\n", Command("!object"));
    CHECK_SHOWS("  Permanent\n", Command("!object \\Device"));
    CHECK_SHOWS(Text("Directory Object: %08x  Name: Device\n", Number(ObpRootDirectoryObject)),
                Command("!object \\device"));
    CHECK_SHOWS(" Directory            Dir\n", Command("!object \\basenamedobjects"));
    CHECK_SHOWS("HandleCount: 1  PointerCount: 3\n", Command("!object \\BaseNamedObjects\\Dir"));
    Close(Dir);
    CHECK_SHOWS("status c0000034.", Command("!object \\BaseNamedObjects\\Dir"));
    CHECK_SHOWS("Type                 Process\n", Command("!object \\ObjectTypes"));
    PopulatedFinish();
}

TEST(Object_shows_what_is_at_an_address_and_where_a_link_leads)
{
    HANDLE Link;
    ULONG System;

    PopulatedStart();
    System = Number(PsInitialSystemProcess);
    CHECK_SHOWS(Text("Object: %08x  Type: (%08x) Process\n    ObjectHeader: %08x\n", System,
                     Number(PsProcessType), System - 0x18),
                Command("!object %x", System));
    CHECK_SHOWS(Text("Object: %08x ", System), Command("!object %x", System - 0x18));
    CHECK_SHOWS("is not the address of an object", Command("!object %x", System + 8));
    CHECK_SHOWS("is not the address of an object", Command("!object 12345678"));
    Link = Make(u"\\??\\C:", u"\\Device\\Harddisk0");
    CHECK_SHOWS("Target String is '\\Device\\Harddisk0'\n", Command("!object \\??\\c:"));
    Close(Link);
    PopulatedFinish();
}

TEST(Handle_shows_one_or_all_of_a_process)
{
    OBJECT_HANDLE_FLAG_INFORMATION Flags = {TRUE, TRUE};
    HANDLE First;
    HANDLE Second;
    PEPROCESS Process;
    PVOID Object = NULL;

    PopulatedStart();
    First = Make(u"\\A", NULL);
    Second = Make(u"\\B", NULL);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtSetInformationObject(Second, ObjectHandleFlagInformation, &Flags, sizeof(Flags)));
    CHECK_EQUAL(STATUS_SUCCESS,
                ObReferenceObjectByHandle(First, 0, NULL, KernelMode, &Object, NULL));
    ObDereferenceObject(Object);
    CHECK_SHOWS(" with 2 entries in use\n", Command("!handle"));
    CHECK_SHOWS(Text("%04x: Object: %08x  GrantedAccess: 000f000f (Inherit) Entry: ",
                     (ULONG)(ULONG_PTR)First, Number(Object)),
                Command("!handle"));
    CHECK_SHOWS("GrantedAccess: 000f000f (Protected) (Inherit) Entry: ", Command("!handle"));
    CHECK_SHOWS("  Name: A\n", Command("!handle %x", (ULONG)(ULONG_PTR)First));
    CHECK(strstr(Command("!handle %x", (ULONG)(ULONG_PTR)First), "  Name: B\n") == NULL);
    CHECK_SHOWS("  Name: B\n", Command("!handle 0 3"));
    CHECK_SHOWS("0400 is no handle of it.", Command("!handle 400"));
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("other", &Process));
    CHECK_SHOWS(" with 0 entries in use\n", Command("!handle 0 1 %x", Number(Process)));
    CHECK_SHOWS("HandleCount:   0.", Command("!process %x 0", Number(Process)));
    CHECK_SHOWS("HandleCount:   2.", Command("!process"));
    PsTerminateProcess(Process);
    PsDereferenceProcess(Process);
    CHECK_SHOWS("is not the address of a process", Command("!handle 0 1 12345678"));
    Flags.ProtectFromClose = FALSE;
    CHECK_EQUAL(STATUS_SUCCESS,
                NtSetInformationObject(Second, ObjectHandleFlagInformation, &Flags, sizeof(Flags)));
    Close(First);
    Close(Second);
    PopulatedFinish();
}

TEST(Object_commands_say_when_they_cannot_look)
{
    KIRQL OldIrql;

    PopulatedStart();
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    HostConsoleClear();
    MiCommandObject("");
    CHECK_SHOWS("Objects cannot be looked at from here: IRQL 2", HostConsoleText());
    KfLowerIrql(OldIrql);
    PopulatedFinish();
}
