/* SPDX-License-Identifier: MIT */
/*
 * test_image_exports.c - the seed's exports by name and by ordinal; each way of breaking them.
 */
#include "mm/section/image_exports.h"
#include "seed_elf.h"
#include "seed_image.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

#define RVA       0x2000u /* of the export directory */
#define BETA_SLOT 0x3004u

static UCHAR *View; /* so much is read, no more */
static MI_EXPORTS Exports;
static MI_EXPORT Export;
static IMAGE_DATA_DIRECTORY Directory = {RVA, 0x100};

/* The directory with one number changed; Bytes 0: none. */
static NTSTATUS Open(ULONG Offset, ULONG Bytes, ULONG Value)
{
    UCHAR File[SEED_IMAGE_BYTES];
    MI_IMAGE_VIEW Whole = {.Bytes = 0x4000};

    SeedImage(File);
    SeedPut(File, SEED_IMAGE_EXPORTS + Offset, Bytes, Value);
    free(View);
    View = calloc(Whole.Bytes, 1);
    memcpy(View + RVA, File + SEED_IMAGE_EXPORTS, 0x400);
    Whole.Base = View;
    memset(&Export, 0xCC, sizeof(Export));
    return MiOpenExports(&Whole, &Directory, &Exports);
}

TEST(FindExportByName_finds_each_with_any_hint)
{
    USHORT Hint;

    CHECK_EQUAL(STATUS_SUCCESS, Open(0, 0, 0));
    CHECK_TEXT("SEED.dll", Exports.Name);
    for (Hint = 0; Hint < 5; Hint++) {
        CHECK_EQUAL(STATUS_SUCCESS, MiFindExportByName(&Exports, "alpha", Hint, &Export));
        CHECK_EQUAL(5, Export.Ordinal);
        CHECK_EQUAL(0x1010, Export.Rva);
        CHECK(Export.Forwarder == NULL);
        CHECK_EQUAL(STATUS_SUCCESS, MiFindExportByName(&Exports, "beta", Hint, &Export));
        CHECK_EQUAL(8, Export.Ordinal);
        CHECK_EQUAL(BETA_SLOT, Export.Rva);
        CHECK_EQUAL(STATUS_SUCCESS, MiFindExportByName(&Exports, "gamma", Hint, &Export));
        CHECK_EQUAL(7, Export.Ordinal);
        CHECK_EQUAL(0, Export.Rva);
        CHECK_TEXT("OTHER.#12", Export.Forwarder);
    }
}

TEST(FindExportByName_wants_the_whole_name)
{
    static const char *const Names[] = {"",    "a",    "alph",   "alphaa", "ALPHA",
                                        "bet", "betb", "gammaa", "zeta"};
    ULONG Index;

    CHECK_EQUAL(STATUS_SUCCESS, Open(0, 0, 0));
    for (Index = 0; Index < RTL_NUMBER_OF(Names); Index++) {
        CHECK_EQUAL(STATUS_ENTRYPOINT_NOT_FOUND,
                    MiFindExportByName(&Exports, Names[Index], 0, &Export));
    }
    CHECK_EQUAL(0xCCCCCCCC, Export.Ordinal);
}

TEST(FindExportByOrdinal_knows_holes_and_ends)
{
    CHECK_EQUAL(STATUS_SUCCESS, Open(0, 0, 0));
    CHECK_EQUAL(STATUS_SUCCESS, MiFindExportByOrdinal(&Exports, 5, &Export));
    CHECK_EQUAL(0x1010, Export.Rva);
    CHECK_EQUAL(STATUS_SUCCESS, MiFindExportByOrdinal(&Exports, 8, &Export));
    CHECK_EQUAL(BETA_SLOT, Export.Rva);
    CHECK_EQUAL(STATUS_ORDINAL_NOT_FOUND, MiFindExportByOrdinal(&Exports, 4, &Export));
    CHECK_EQUAL(STATUS_ORDINAL_NOT_FOUND, MiFindExportByOrdinal(&Exports, 6, &Export));
    CHECK_EQUAL(STATUS_ORDINAL_NOT_FOUND, MiFindExportByOrdinal(&Exports, 9, &Export));
    CHECK_EQUAL(STATUS_ORDINAL_NOT_FOUND, MiFindExportByOrdinal(&Exports, 0xFFFFFFFF, &Export));
}

TEST(ReadExportName_walks_the_names)
{
    static const char *const Names[] = {"alpha", "beta", "gamma"};
    const char *Name = NULL;
    ULONG Index;

    CHECK_EQUAL(STATUS_SUCCESS, Open(0, 0, 0));
    CHECK_EQUAL(3, Exports.NameCount);
    for (Index = 0; Index < Exports.NameCount; Index++) {
        CHECK_EQUAL(STATUS_SUCCESS, MiReadExportName(&Exports, Index, &Name, &Export));
        CHECK_TEXT(Names[Index], Name);
    }
}

TEST(OpenExports_refuses_tables_that_lead_out)
{
    static const struct {
        ULONG Offset;
        ULONG Value;
    } Cases[] = {{20, 0x40000000}, {20, 0x1000}, {24, 0x1000}, {24, 0xFFFFFFFF}, {28, 0x3FF4},
                 {28, 0xFFFFFFFF}, {32, 0x3FF8}, {36, 0x3FFB}, {36, 0xFFFFFFFE}};
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Cases); Index++) {
        TestSetStep(Index + 1);
        CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Open(Cases[Index].Offset, 4, Cases[Index].Value));
    }
    TestSetStep(0);
    CHECK_EQUAL(STATUS_SUCCESS, Open(28, 4, 0x3FF0)); /* to the last byte */
    CHECK_EQUAL(STATUS_SUCCESS, Open(36, 4, 0x3FFA));
}

TEST(OpenExports_knows_directories_that_are_not_there)
{
    MI_IMAGE_VIEW Whole = {.Base = View, .Bytes = 0x4000};
    IMAGE_DATA_DIRECTORY Other = {0, 0};

    CHECK_EQUAL(STATUS_SUCCESS, Open(0, 0, 0));
    Whole.Base = View;
    CHECK_EQUAL(STATUS_NOT_FOUND, MiOpenExports(&Whole, &Other, &Exports));
    Other.VirtualAddress = RVA;
    CHECK_EQUAL(STATUS_NOT_FOUND, MiOpenExports(&Whole, &Other, &Exports));
    Other.Size = 39;
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, MiOpenExports(&Whole, &Other, &Exports));
    Other.Size = 0x2001;
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, MiOpenExports(&Whole, &Other, &Exports));
}

TEST(FindExport_refuses_what_leads_out_of_the_image)
{
    const char *Name = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, Open(0x28, 4, 0x4000)); /* alpha */
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, MiFindExportByName(&Exports, "alpha", 0, &Export));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, MiFindExportByOrdinal(&Exports, 5, &Export));
    CHECK_EQUAL(STATUS_SUCCESS, Open(0x44, 2, 4)); /* alpha's index */
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, MiFindExportByName(&Exports, "alpha", 9, &Export));
    CHECK_EQUAL(STATUS_SUCCESS, Open(0x44, 2, 1)); /* the hole */
    CHECK_EQUAL(STATUS_ENTRYPOINT_NOT_FOUND, MiFindExportByName(&Exports, "alpha", 9, &Export));
    CHECK_EQUAL(STATUS_SUCCESS, Open(0x38, 4, 0x3FFFFFFF)); /* alpha's name */
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, MiReadExportName(&Exports, 0, &Name, &Export));
    CHECK_EQUAL(STATUS_ENTRYPOINT_NOT_FOUND, MiFindExportByName(&Exports, "alpha", 0, &Export));
    CHECK_EQUAL(STATUS_SUCCESS, MiFindExportByName(&Exports, "beta", 0, &Export));
    CHECK_EQUAL(8, Export.Ordinal);
}

TEST(FindExportByName_does_not_read_behind_the_image)
{
    CHECK_EQUAL(STATUS_SUCCESS, Open(0x38, 4, 0x3FFC));
    memcpy(View + 0x3FFC, "alph", 4); /* no zero behind it */
    CHECK_EQUAL(STATUS_ENTRYPOINT_NOT_FOUND, MiFindExportByName(&Exports, "alpha", 0, &Export));
    CHECK_EQUAL(STATUS_ENTRYPOINT_NOT_FOUND, MiFindExportByName(&Exports, "alph", 0, &Export));
}

TEST(FindExport_refuses_forwarders_without_an_end)
{
    IMAGE_DATA_DIRECTORY Large = {RVA, 0x2000};
    MI_IMAGE_VIEW Whole = {.Bytes = 0x4000};

    CHECK_EQUAL(STATUS_SUCCESS, Open(0x28, 4, 0x3FFC));
    Whole.Base = View;
    memcpy(View + 0x3FFC, "A.bc", 4);
    CHECK_EQUAL(STATUS_SUCCESS, MiOpenExports(&Whole, &Large, &Exports));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, MiFindExportByOrdinal(&Exports, 5, &Export));
    View[0x3FFF] = 0;
    CHECK_EQUAL(STATUS_SUCCESS, MiFindExportByOrdinal(&Exports, 5, &Export));
    CHECK_TEXT("A.b", Export.Forwarder);
}

static void CheckForwarder(const char *Text, const char *Dll, const char *Name, ULONG Ordinal)
{
    MI_FORWARDER Forwarder;

    CHECK_EQUAL(STATUS_SUCCESS, MiSplitForwarder(Text, &Forwarder));
    CHECK_EQUAL(strlen(Dll), Forwarder.DllBytes);
    CHECK_EQUAL(0, memcmp(Dll, Forwarder.Dll, Forwarder.DllBytes));
    CHECK_TEXT(Name, Forwarder.Name != NULL ? Forwarder.Name : "(ordinal)");
    CHECK_EQUAL(Ordinal, Forwarder.Ordinal);
}

TEST(SplitForwarder_knows_names_and_ordinals)
{
    static const char *const Wrong[] = {"",        "NTDLL",    ".Name",      "NTDLL.",
                                        "NTDLL.#", "NTDLL.#x", "NTDLL.#12x", "NTDLL.#65536"};
    MI_FORWARDER Forwarder;
    ULONG Index;

    CheckForwarder("NTDLL.RtlFoo", "NTDLL", "RtlFoo", 0);
    CheckForwarder("OTHER.#12", "OTHER", "(ordinal)", 12);
    CheckForwarder("OTHER.#65535", "OTHER", "(ordinal)", 65535);
    CheckForwarder("api-ms.1.2.Foo", "api-ms.1.2", "Foo", 0);
    for (Index = 0; Index < RTL_NUMBER_OF(Wrong); Index++) {
        CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, MiSplitForwarder(Wrong[Index], &Forwarder));
    }
}
