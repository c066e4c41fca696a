/* SPDX-License-Identifier: MIT */
/*
 * test_ob_directory.c - names in a directory: case, buckets, what an entry holds.
 */
#include "rtl.h"
#include "tests/unit/ob_world.h"

TEST(ObDirectory_names_differ_by_case_and_are_found_without)
{
    HANDLE Upper;
    HANDLE Lower;
    HANDLE Found = NULL;

    ObWorldStart();
    Upper = Thing(u"\\NAME\x00E4", 0);
    Lower = Thing(u"\\name\x00C4", 0);
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION,
                ThingTry(u"\\Name\x00E4", OBJ_CASE_INSENSITIVE, 0, &Found));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, ThingTryOpen(u"\\Name\x00E4", 0, 0, &Found));
    CHECK_EQUAL(STATUS_SUCCESS, ThingTryOpen(u"\\NAME\x00E4", 0, 0, &Found));
    CHECK_EQUAL((ULONG_PTR)Body(Upper), (ULONG_PTR)Body(Found));
    Close(Found);
    CHECK_EQUAL(STATUS_SUCCESS, ThingTryOpen(u"\\nAmE\x00E4", OBJ_CASE_INSENSITIVE, 0, &Found));
    Close(Found);
    Close(Lower);
    Close(Upper);
    ObWorldFinish();
}

TEST(ObDirectory_holds_more_names_than_buckets_and_loses_none)
{
    static WCHAR Name[] = u"\\Dir\\00";
    HANDLE Dir;
    HANDLE Things[100];
    ULONG i;

    ObWorldStart();
    Dir = Directory(u"\\Dir", 0);
    for (i = 0; i < 100; i++) {
        Name[5] = (WCHAR)(u'0' + i / 10);
        Name[6] = (WCHAR)(u'0' + i % 10);
        Things[i] = Thing(Name, 0);
    }
    CHECK_EQUAL(100, ((POBJECT_DIRECTORY)Body(Dir))->NumberOfEntries);
    MiVerifyAll();
    for (i = 0; i < 100; i += 2) {
        Close(Things[i]);
    }
    CHECK_EQUAL(50, ((POBJECT_DIRECTORY)Body(Dir))->NumberOfEntries);
    for (i = 0; i < 100; i++) {
        HANDLE Found = NULL;

        Name[5] = (WCHAR)(u'0' + i / 10);
        Name[6] = (WCHAR)(u'0' + i % 10);
        CHECK_EQUAL(i % 2 == 0 ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS,
                    ThingTryOpen(Name, 0, 0, &Found));
        if (i % 2 != 0) {
            Close(Found);
            Close(Things[i]);
        }
    }
    Close(Dir);
    ObWorldFinish();
}

TEST(ObDirectory_without_a_name_stays_while_there_are_names_in_it)
{
    HANDLE Dir;
    HANDLE Inside;
    HANDLE Handle = NULL;
    ULONG Directories;

    ObWorldStart();
    Directories = ObpDirectoryObjectType->TotalNumberOfObjects;
    Dir = Directory(u"\\Dir", 0);
    Inside = Thing(u"\\Dir\\T", 0);
    Close(Dir);
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, ThingTryOpen(u"\\Dir\\T", 0, 0, &Handle));
    CHECK_EQUAL(Directories + 1, ObpDirectoryObjectType->TotalNumberOfObjects);
    MiVerifyAll();
    Close(Inside);
    CHECK_EQUAL(Directories, ObpDirectoryObjectType->TotalNumberOfObjects);
    ObWorldFinish();
}
