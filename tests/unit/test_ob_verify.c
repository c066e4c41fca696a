/* SPDX-License-Identifier: MIT */
/*
 * test_ob_verify.c - every invariant is one that verify finds broken.
 */
#include "mm.h"
#include "tests/unit/ob_world.h"

static HANDLE Handle;

static void Verify(PVOID Context)
{
    (void)Context;
    ObpVerify();
}

static void Start(void)
{
    ObWorldStart();
    Handle = Thing(u"\\T", 0);
    ObpVerify();
}

/* => The machine is over. */
static void ExpectFound(void)
{
    HOST_BUGCHECK BugCheck;

    CHECK(HostCatchBugCheck(Verify, NULL, &BugCheck));
    HostMachineDelete();
}

TEST(ObVerify_finds_a_handle_count_that_is_none)
{
    Start();
    OBJECT_TO_OBJECT_HEADER(Body(Handle))->HandleCount = 2;
    ExpectFound();
}

TEST(ObVerify_finds_too_few_references)
{
    Start();
    OBJECT_TO_OBJECT_HEADER(Body(Handle))->PointerCount = 1; /* without the name's */
    ExpectFound();
}

TEST(ObVerify_finds_an_object_that_is_not_counted)
{
    Start();
    ThingType->TotalNumberOfObjects--;
    ExpectFound();
    Start();
    ThingType->TotalNumberOfHandles++;
    ExpectFound();
}

TEST(ObVerify_finds_names_that_lead_one_way_only)
{
    POBJECT_HEADER_NAME_INFO Name;

    Start();
    Name = ObpNameInfo(OBJECT_TO_OBJECT_HEADER(Body(Handle)));
    Name->Directory = NULL;
    ExpectFound();
    Start();
    Name = ObpNameInfo(OBJECT_TO_OBJECT_HEADER(Body(Handle)));
    Name->Name.Buffer[0] = u'X';
    ExpectFound();
    Start();
    ObpRootDirectoryObject->NumberOfEntries++;
    ExpectFound();
}

TEST(ObVerify_finds_a_table_whose_counts_or_chain_are_wrong)
{
    PHANDLE_TABLE Table;

    Start();
    Table = ObWorldProcess(0)->ObjectTable;
    Table->HandleCount++;
    ExpectFound();
    Start();
    Table = ObWorldProcess(0)->ObjectTable;
    Table->FirstFree = ObpTableEntry(Table, Table->FirstFree)->NextFree;
    ExpectFound();
    Start();
    Table = ObWorldProcess(0)->ObjectTable;
    ObpTableEntry(Table, 9)->NextFree = Table->FirstFree; /* a ring */
    ExpectFound();
    Start();
    Table = ObWorldProcess(0)->ObjectTable;
    ObpTableEntry(Table, 0)->NextFree = 5;
    ExpectFound();
}

TEST(ObVerify_of_what_is_resident_reads_nothing_back)
{
    MmWorldNextUnforced();
    Start();
    OBJECT_TO_OBJECT_HEADER(Body(Handle))->HandleCount = 2;
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    ObpVerifyResident(); /* looks at nothing */
    OBJECT_TO_OBJECT_HEADER(Body(Handle))->HandleCount = 1;
    ObpVerify();
    ObpVerifyResident();
    Close(Handle);
    ObWorldFinish();
}
