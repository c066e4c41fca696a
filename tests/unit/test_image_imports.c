/* SPDX-License-Identifier: MIT */
/*
 * test_image_imports.c - the seed's imports one after the other; each way of breaking them.
 */
#include "mm/section/image_imports.h"
#include "seed_elf.h"
#include "seed_image.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

#define RVA 0x2200u
#define END 0x4000u

static UCHAR *View;
static MI_IMPORTS Imports;
static MI_IMPORTED_DLL Dll;
static MI_IMPORT Import;

/* The directory with one number changed; Bytes 0: none. */
static void Open(ULONG Offset, ULONG Bytes, ULONG Value)
{
    static const IMAGE_DATA_DIRECTORY Directory = {RVA, 0x3C};
    UCHAR File[SEED_IMAGE_BYTES];
    MI_IMAGE_VIEW Whole = {.Bytes = END};

    SeedImage(File);
    SeedPut(File, SEED_IMAGE_IMPORTS + Offset, Bytes, Value);
    free(View);
    View = calloc(END, 1);
    memcpy(View + 0x2000, File + SEED_IMAGE_EXPORTS, 0x400);
    memcpy(View + 0x3000, File + 0xC00, 0x200);
    Whole.Base = View;
    MiOpenImports(&Whole, &Directory, &Imports);
}

static void CheckImport(ULONG Slot, const char *Name, ULONG Hint, ULONG Ordinal)
{
    CHECK_EQUAL(STATUS_SUCCESS, MiNextImport(&Dll, &Import));
    CHECK_EQUAL(Slot, Import.Slot);
    CHECK_TEXT(Name, Import.Name != NULL ? Import.Name : "(ordinal)");
    CHECK_EQUAL(Hint, Import.Hint);
    CHECK_EQUAL(Ordinal, Import.Ordinal);
}

TEST(NextImport_tells_names_hints_ordinals_and_slots)
{
    Open(0, 0, 0);
    CHECK_EQUAL(STATUS_SUCCESS, MiNextImportedDll(&Imports, &Dll));
    CHECK_TEXT("ONE.dll", Dll.Name);
    CheckImport(0x3100, "first", 3, 0);
    CheckImport(0x3104, "(ordinal)", 0, 9);
    CHECK_EQUAL(STATUS_NO_MORE_ENTRIES, MiNextImport(&Dll, &Import));
    CHECK_EQUAL(STATUS_NO_MORE_ENTRIES, MiNextImport(&Dll, &Import));
    CHECK_EQUAL(STATUS_SUCCESS, MiNextImportedDll(&Imports, &Dll));
    CHECK_TEXT("TWO.dll", Dll.Name);
    CheckImport(0x3110, "second", 0, 0);
    CHECK_EQUAL(STATUS_NO_MORE_ENTRIES, MiNextImport(&Dll, &Import));
    CHECK_EQUAL(STATUS_NO_MORE_ENTRIES, MiNextImportedDll(&Imports, &Dll));
    CHECK_EQUAL(STATUS_NO_MORE_ENTRIES, MiNextImportedDll(&Imports, &Dll));
}

TEST(NextImport_goes_on_after_its_slot_was_written)
{
    Open(0, 0, 0);
    CHECK_EQUAL(STATUS_SUCCESS, MiNextImportedDll(&Imports, &Dll));
    CHECK_EQUAL(STATUS_SUCCESS, MiNextImportedDll(&Imports, &Dll)); /* slots are its only table */
    CHECK_EQUAL(STATUS_SUCCESS, MiNextImport(&Dll, &Import));
    SeedPut(View, Import.Slot, 4, 0x80501234);
    CHECK_EQUAL(STATUS_NO_MORE_ENTRIES, MiNextImport(&Dll, &Import));
}

TEST(OpenImports_knows_that_there_are_none)
{
    static const IMAGE_DATA_DIRECTORY None = {RVA, 0};
    MI_IMAGE_VIEW Whole = {.Base = View, .Bytes = END};

    MiOpenImports(&Whole, &None, &Imports);
    CHECK_EQUAL(STATUS_NO_MORE_ENTRIES, MiNextImportedDll(&Imports, &Dll));
}

TEST(NextImportedDll_refuses_what_leads_out)
{
    Open(12, 4, END); /* the name */
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, MiNextImportedDll(&Imports, &Dll));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, MiNextImportedDll(&Imports, &Dll));
    Open(0, 0, 0);
    Imports.Next = END - 19;
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, MiNextImportedDll(&Imports, &Dll));
    Imports.Next = END - 20; /* just fits, and is the end */
    CHECK_EQUAL(STATUS_NO_MORE_ENTRIES, MiNextImportedDll(&Imports, &Dll));
}

TEST(NextImportedDll_ends_where_there_are_no_slots)
{
    Open(16, 4, 0);
    CHECK_EQUAL(STATUS_NO_MORE_ENTRIES, MiNextImportedDll(&Imports, &Dll));
}

/* The first import of the first DLL. */
static NTSTATUS ReadFirst(ULONG Offset, ULONG Bytes, ULONG Value)
{
    Open(Offset, Bytes, Value);
    CHECK_EQUAL(STATUS_SUCCESS, MiNextImportedDll(&Imports, &Dll));
    return MiNextImport(&Dll, &Import);
}

TEST(NextImport_refuses_what_leads_out)
{
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, ReadFirst(0, 4, END - 3));    /* its table */
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, ReadFirst(16, 4, END - 3));   /* its slots */
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, ReadFirst(0x40, 4, END));     /* hint and name */
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, ReadFirst(0x40, 4, END - 2)); /* the name */
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, ReadFirst(0x40, 4, 0x7FFFFFFF));
    CHECK_EQUAL(STATUS_SUCCESS, ReadFirst(0x40, 4, END - 3));
    CHECK_TEXT("", Import.Name);
}
