/* SPDX-License-Identifier: MIT */
/*
 * test_ob_handle_table.c - entries, levels, growth, and what is inherited.
 */
#include "mm/pool/pool_inject.h"
#include "tests/unit/ob_world.h"

/* Entries need an object: one thing serves all, uncounted. */
static ULONG_PTR Value;

static PHANDLE_TABLE Start(void)
{
    PHANDLE_TABLE Table;

    ObWorldStart();
    Value = (ULONG_PTR)OBJECT_TO_OBJECT_HEADER(Body(Thing(NULL, 0)));
    Table = ObpCreateHandleTable(NULL);
    CHECK(Table != NULL);
    return Table;
}

static void Lock(void)
{
    ObpAcquire(&ObpHandleMutex);
}

static void Unlock(void)
{
    ObpRelease(&ObpHandleMutex);
}

static ULONG Use(PHANDLE_TABLE Table)
{
    ULONG Number;

    Lock();
    Number = ObpReserveEntry(Table);
    if (Number != 0) {
        ObpUseEntry(Table, Number, Value, 5);
    }
    Unlock();
    return Number;
}

static void Free(PHANDLE_TABLE Table, ULONG Number)
{
    Lock();
    ObpFreeEntry(Table, Number);
    Unlock();
}

static void FreeOne(PVOID Context, ULONG Number, PHANDLE_TABLE_ENTRY Entry)
{
    CHECK(Entry->Value != 0);
    ObpFreeEntry(Context, Number);
}

static void Finish(PHANDLE_TABLE Table)
{
    Lock();
    ObpVerifyHandleTable(Table);
    ObpVisitEntries(Table, FreeOne, Table);
    ObpVerifyHandleTable(Table);
    CHECK_EQUAL(0, Table->HandleCount);
    Unlock();
    ObpDeleteHandleTable(Table);
    ObWorldFinish();
}

TEST(ObHandleTable_numbers_begin_at_1_and_the_one_freed_last_comes_first)
{
    PHANDLE_TABLE Table = Start();

    CHECK_EQUAL(0, Table->Entries);
    CHECK_EQUAL(1, Use(Table));
    CHECK_EQUAL(2, Use(Table));
    CHECK_EQUAL(3, Use(Table));
    CHECK_EQUAL(512, Table->Entries);
    Free(Table, 1);
    Free(Table, 2);
    CHECK_EQUAL(2, Use(Table));
    CHECK_EQUAL(1, Use(Table));
    CHECK_EQUAL(4, Use(Table));
    Finish(Table);
}

TEST(ObHandleTable_lookup_knows_entries_in_use_only)
{
    PHANDLE_TABLE Table = Start();
    ULONG Number = Use(Table);
    ULONG Reserved;

    Lock();
    CHECK(ObpLookupEntry(Table, ObpNumberToHandle(Number)) == ObpTableEntry(Table, Number));
    CHECK(ObpLookupEntry(Table, (HANDLE)(Number * 4 + 3)) == ObpTableEntry(Table, Number));
    CHECK(ObpLookupEntry(Table, NULL) == NULL);
    CHECK(ObpLookupEntry(Table, ObpNumberToHandle(Number + 1)) == NULL);
    CHECK(ObpLookupEntry(Table, ObpNumberToHandle(512)) == NULL);
    CHECK(ObpLookupEntry(Table, (HANDLE)0xFFFFFFFC) == NULL);
    Reserved = ObpReserveEntry(Table);
    CHECK(ObpLookupEntry(Table, ObpNumberToHandle(Reserved)) == NULL);
    ObpVerifyHandleTable(Table);
    CHECK_EQUAL(1, Table->Reserved);
    ObpReleaseEntry(Table, Reserved);
    CHECK_EQUAL(Reserved, ObpReserveEntry(Table));
    ObpReleaseEntry(Table, Reserved);
    Unlock();
    Finish(Table);
}

TEST(ObHandleTable_grows_by_pages_of_511_and_by_levels)
{
    PHANDLE_TABLE Table = Start();
    ULONG Last = 0;
    ULONG i;

    for (i = 0; i < 511; i++) {
        Last = Use(Table);
    }
    CHECK_EQUAL(511, Last);
    CHECK_EQUAL(0, Table->TableCode & 3);
    CHECK_EQUAL(513, Use(Table)); /* 512 is a page's first */
    CHECK_EQUAL(1, Table->TableCode & 3);
    CHECK_EQUAL(1024, Table->Entries);
    CHECK(ObpLookupEntry(Table, ObpNumberToHandle(511)) != NULL);
    CHECK(ObpLookupEntry(Table, ObpNumberToHandle(513)) != NULL);
    CHECK(ObpLookupEntry(Table, ObpNumberToHandle(512)) == NULL);
    Finish(Table);
}

TEST(ObHandleTable_has_a_third_level_beyond_1024_pages)
{
    PHANDLE_TABLE Table = Start();
    ULONG Count;

    for (Count = 0; Count < 1024 * 511 + 1; Count++) {
        CHECK(Use(Table) != 0);
    }
    CHECK_EQUAL(2, Table->TableCode & 3);
    CHECK_EQUAL(1025 * 512, Table->Entries);
    CHECK_EQUAL(Count, Table->HandleCount);
    CHECK(ObpLookupEntry(Table, ObpNumberToHandle(1)) != NULL);
    CHECK(ObpLookupEntry(Table, ObpNumberToHandle(1024 * 512 + 1)) != NULL);
    CHECK(ObpLookupEntry(Table, ObpNumberToHandle(1024 * 512 + 2)) == NULL);
    Finish(Table);
}

TEST(ObHandleTable_without_pool_reserves_nothing_and_tries_again)
{
    PHANDLE_TABLE Table = Start();
    ULONG Nth;
    ULONG i;

    for (i = 0; i < 511; i++) {
        (void)Use(Table);
    }
    for (Nth = 1; Nth < 20; Nth++) {
        ULONG Number;

        MiFailPoolAllocation(Nth);
        Number = Use(Table);
        if (MiPoolFailureHappened() && Number == 0) {
            MiFailPoolAllocation(0);
            CHECK_EQUAL(511, Table->HandleCount);
            Lock();
            ObpVerifyHandleTable(Table);
            Unlock();
            continue;
        }
        MiFailPoolAllocation(0);
        CHECK_EQUAL(513, Number);
        break;
    }
    CHECK(Nth > 2 && Nth < 20);
    Finish(Table);
}

TEST(ObHandleTable_inherits_the_same_numbers)
{
    PHANDLE_TABLE Parent = Start();
    PHANDLE_TABLE Child = ObpCreateHandleTable(NULL);
    ULONG i;

    for (i = 0; i < 600; i++) {
        (void)Use(Parent);
    }
    Lock();
    ObpTableEntry(Parent, 7)->Value |= OB_ENTRY_INHERIT | OB_ENTRY_PROTECTED;
    ObpTableEntry(Parent, 601)->Value |= OB_ENTRY_INHERIT;
    CHECK(ObpInheritEntries(Parent, Child));
    ObpVerifyHandleTable(Child);
    CHECK_EQUAL(2, Child->HandleCount);
    CHECK_EQUAL(Value | OB_ENTRY_INHERIT | OB_ENTRY_PROTECTED, ObpTableEntry(Child, 7)->Value);
    CHECK_EQUAL(5, ObpTableEntry(Child, 601)->GrantedAccess);
    CHECK_EQUAL(1, ObpReserveEntry(Child));
    ObpReleaseEntry(Child, 1);
    ObpVisitEntries(Child, FreeOne, Child);
    Unlock();
    ObpDeleteHandleTable(Child);
    Finish(Parent);
}
