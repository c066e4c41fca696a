/* SPDX-License-Identifier: MIT */
/*
 * test_registry.c - .reg files: keys, types, ranges, and the store that they end up in.
 */
#include "complaint_log.h"
#include "efi/registry.h"
#include "efi/text_source.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define HEADER "Windows Registry Editor Version 5.00\n"
#define KEY                                                                                        \
    "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory Management]\n"

#define BUFFER_BYTES 8192

static ULONG Buffer[BUFFER_BYTES / 4];
static ULONG UsedBytes;
static ULONG ValueCount;
static ULONG Warnings;
static COMPLAINT_LOG Log;

static NTSTATUS ParseInto(const void *Text, SIZE_T Bytes, ULONG BufferBytes)
{
    static ULONG Room[BUFFER_BYTES / 4];
    UCHAR *Target = (UCHAR *)Room + BUFFER_BYTES - BufferBytes; /* ends where the array ends */
    NTSTATUS Status;

    memset(&Log, 0, sizeof(Log));
    UsedBytes = ValueCount = Warnings = 77;
    Status = BlParseRegistry(PlaceText(Text, Bytes), Bytes, Target, BufferBytes, &UsedBytes,
                             &ValueCount, &Warnings, LogComplaint, &Log);
    memset(Buffer, 0xCC, sizeof(Buffer));
    memcpy(Buffer, Target, BufferBytes);
    return Status;
}

static void ParseBytes(const void *Text, SIZE_T Bytes)
{
    CHECK_EQUAL(STATUS_SUCCESS, ParseInto(Text, Bytes, BUFFER_BYTES));
    CHECK_EQUAL(Log.Count, Warnings);
    CHECK(UsedBytes <= BUFFER_BYTES);
}

/* Lines of our key; the first is line 3. */
static void Parse(const char *Lines)
{
    char Text[2 * BL_LINE_BYTES];

    snprintf(Text, sizeof(Text), HEADER KEY "%s", Lines);
    ParseBytes(Text, strlen(Text));
}

/*
 * The kept values as a text: "Name=1F", "Name=\"text\"", "Name={one|two}", with blanks between.
 * Data must follow the array and each other without gaps.
 */
static void CheckValues(const char *Expected)
{
    const LOADER_REGISTRY_VALUE *Values = (const void *)Buffer;
    ULONG Next = ValueCount * sizeof(*Values);
    char Text[1024] = "";
    ULONG Index;

    for (Index = 0; Index < ValueCount; Index++) {
        const LOADER_REGISTRY_VALUE *Value = &Values[Index];
        const char *Data = (const char *)Buffer + Value->DataOffset;
        char *End = Text + strlen(Text);

        End += sprintf(End, "%s%s=", Index == 0 ? "" : " ", Value->Name);
        if (Value->Type == LOADER_REG_DWORD) {
            CHECK_EQUAL(0, Value->DataBytes);
            sprintf(End, "%X", (unsigned)Value->Dword);
            continue;
        }
        CHECK_EQUAL(Next, Value->DataOffset);
        Next += Value->DataBytes;
        if (Value->Type == LOADER_REG_SZ) {
            CHECK_EQUAL(strlen(Data) + 1, Value->DataBytes);
            sprintf(End, "\"%s\"", Data);
            continue;
        }
        CHECK_EQUAL(LOADER_REG_MULTI_SZ, Value->Type);
        CHECK(Value->DataBytes >= 2);
        CHECK(Data[Value->DataBytes - 1] == 0 && Data[Value->DataBytes - 2] == 0);
        End += sprintf(End, "{");
        for (; *Data != 0; Data += strlen(Data) + 1) {
            End += sprintf(End, "%s|", Data);
        }
        CHECK(Value->DataBytes == 2 || Data == (const char *)Buffer + Next - 1);
        sprintf(End, "}");
    }
    CHECK_EQUAL(Next, UsedBytes);
    CHECK_TEXT(Expected, Text);
}

static void CheckKept(const char *Lines, const char *Expected)
{
    Parse(Lines);
    CHECK_TEXT("", Log.Text);
    CheckValues(Expected);
}

static void CheckDropped(const char *Lines, const char *Complaint)
{
    Parse(Lines);
    CHECK_TEXT(Complaint, Log.Text);
    CheckValues("");
}

TEST(ParseRegistry_without_a_file_keeps_nothing_in_silence)
{
    CHECK_EQUAL(STATUS_SUCCESS, BlParseRegistry(NULL, 0, Buffer, 0, &UsedBytes, &ValueCount,
                                                &Warnings, LogComplaint, &Log));
    CHECK_EQUAL(0, ValueCount);
    CHECK_EQUAL(0, UsedBytes);
    CHECK_EQUAL(0, Warnings);
}

TEST(ParseRegistry_keeps_each_type)
{
    CheckKept("\"LargeSystemCache\"=dword:00000001\n"
              "\"VerifyDrivers\"=\"a.sys \\\"b\\\" c:\\\\d\"\n"
              "\"PagingFiles\"=hex(7):41,00,20,00,31,00,00,00,42,00,00,00,00,00\n"
              "\"SystemPages\"=dword:1f\n",
              "LargeSystemCache=1 VerifyDrivers=\"a.sys \"b\" c:\\d\" PagingFiles={A 1|B|} "
              "SystemPages=1F");
}

TEST(ParseRegistry_writes_names_as_documented_and_clears_the_rest)
{
    const LOADER_REGISTRY_VALUE *Value = (const void *)Buffer;
    ULONG Index;

    CheckKept("\"LARGESYSTEMCACHE\"=DWORD:1", "LargeSystemCache=1");
    for (Index = sizeof("LargeSystemCache"); Index < LOADER_REGISTRY_NAME_BYTES; Index++) {
        CHECK_EQUAL(0, Value->Name[Index]);
    }
    CHECK_EQUAL(0, Value->DataOffset);
}

TEST(ParseRegistry_reads_only_the_memory_management_key)
{
    static const char Text[] = HEADER
        "[HKEY_LOCAL_MACHINE\\SYSTEM]\n\"LargeSystemCache\"=dword:1\n"
        "nonsense\n" KEY "\"SystemPages\"=dword:2\n[HKEY_CURRENT_USER\\X]\n\"PoolTag\"=dword:3\n"
        "[hkey_local_machine\\system\\currentcontrolset\\control\\session manager\\memory "
        "management]\n\"TrackPtes\"=dword:1";

    ParseBytes(Text, sizeof(Text) - 1);
    CHECK_TEXT("", Log.Text);
    CheckValues("SystemPages=2 TrackPtes=1");
}

TEST(ParseRegistry_says_when_the_key_is_missing)
{
    static const char Text[] = HEADER "[HKEY_LOCAL_MACHINE\\SYSTEM]\n\"PoolTag\"=dword:1\n";

    ParseBytes(Text, sizeof(Text) - 1);
    CHECK_TEXT("0: the key ...\\Session Manager\\Memory Management is missing", Log.Text);
    CheckValues("");
}

TEST(ParseRegistry_wants_a_header_but_goes_on_without)
{
    static const char Text[] = "\n; comment\n" KEY "\"PoolTag\"=dword:41\n";

    ParseBytes(Text, sizeof(Text) - 1);
    CHECK_TEXT("3: the first line is not \"Windows Registry Editor Version 5.00\"", Log.Text);
    CheckValues("PoolTag=41");
}

TEST(ParseRegistry_reads_UTF_16_files_as_regedit_writes_them)
{
    static const char Text[] =
        "Windows Registry Editor Version 5.00\r\n\r\n" KEY "\"PoolTag\"=dword:0000002a\r\n";
    UCHAR Wide[2 + 2 * sizeof(Text)] = {0xFF, 0xFE};
    SIZE_T Index;

    for (Index = 0; Text[Index] != 0; Index++) {
        Wide[2 + 2 * Index] = (UCHAR)Text[Index];
    }
    ParseBytes(Wide, 2 + 2 * Index);
    CHECK_TEXT("", Log.Text);
    CheckValues("PoolTag=2A");
}

TEST(ParseRegistry_lets_the_later_of_two_values_win)
{
    CheckKept("\"PoolTag\"=dword:1\n\"VerifyDrivers\"=\"abc\"\n\"PagingFiles\"=\"x 1 2\"\n"
              "\"verifydrivers\"=\"d\"\n\"POOLTAG\"=dword:2\n",
              "PagingFiles={x 1 2|} VerifyDrivers=\"d\" PoolTag=2");
}

TEST(ParseRegistry_deletes_values_and_keys)
{
    CheckKept("\"VerifyDrivers\"=\"abc\"\n\"PoolTag\"=dword:1\n\"PagingFiles\"=\"x\"\n"
              "\"VerifyDrivers\"=-\n\"TrackPtes\"=- ; was never there\n",
              "PoolTag=1 PagingFiles={x|}");
    CheckKept("\"VerifyDrivers\"=\"abc\"\n[-HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control"
              "\\Session Manager\\Memory Management]\n\"PoolTag\"=dword:1\n",
              "");
}

TEST(ParseRegistry_replaces_and_deletes_empty_strings)
{
    CheckKept("\"VerifyDrivers\"=\"\"\n\"PagingFiles\"=\"x\"\n\"VerifyDrivers\"=\"\"\n",
              "PagingFiles={x|} VerifyDrivers=\"\"");
    CheckKept("\"VerifyDrivers\"=\"\"\n\"PagingFiles\"=\"x\"\n\"VerifyDrivers\"=-\n",
              "PagingFiles={x|}");
}

TEST(ParseRegistry_keeps_the_earlier_value_when_the_later_is_wrong)
{
    Parse("\"TrackPtes\"=dword:3\n\"TrackPtes\"=dword:2\n");
    CHECK_TEXT("4: TrackPtes = 00000002 is not in its range, 00000000 to 00000001 or its special "
               "value, dropped",
               Log.Text);
    CheckValues("TrackPtes=3");
}

TEST(ParseRegistry_continues_hex_data_over_lines)
{
    CheckKept("\"PagingFiles\"=hex(7):41,00,\\\r\n  42,00,\\ ; comment\n  00,00,\\\n\\\n00,00\n"
              "\"PoolTag\"=dword:1",
              "PagingFiles={AB|} PoolTag=1");
}

TEST(ParseRegistry_reads_hex_of_every_useful_type)
{
    CheckKept("\"VerifyDrivers\"=hex(1):61,00,2e,00,00,00", "VerifyDrivers=\"a.\"");
    CheckKept("\"VerifyDrivers\"=hex(2):25,00,ac,20", "VerifyDrivers=\"%\xE2\x82\xAC\"");
    CheckKept("\"PoolTag\"=hex(4):04,03,02,01 ; comment", "PoolTag=1020304");
    CheckKept("\"VerifyDrivers\"=hex(1):", "VerifyDrivers=\"\"");
    CheckKept("\"PagingFiles\"=hex(7):", "PagingFiles={}");
    CheckKept("\"PagingFiles\"=hex(7):00,00,00,00", "PagingFiles={}");
    CheckKept("\"PagingFiles\"=hex(7):41,00", "PagingFiles={A|}");
    CheckKept("\"PagingFiles\"=hex(7):41,00,00,00", "PagingFiles={A|}");
    CheckKept("\"PagingFiles\"=hex(7):41,00,00,00,00,00,42,00,00,00", "PagingFiles={A|}");
    CheckKept("\"PagingFiles\"=hex(7):07,00,3d,d8,41", "PagingFiles={\xEF\xBF\xBD\xEF\xBF\xBD\xEF"
                                                       "\xBF\xBD|}");
    CheckKept("\"PagingFiles\"=\"\"", "PagingFiles={}");
}

TEST(ParseRegistry_reads_strings_of_REGEDIT4_as_bytes)
{
    static const char Text[] = "REGEDIT4\n" KEY "\"PagingFiles\"=hex(7):41,e4,00,42,00,00";

    ParseBytes(Text, sizeof(Text) - 1);
    CHECK_TEXT("", Log.Text);
    CheckValues("PagingFiles={A\xC3\xA4|B|}");
}

TEST(ParseRegistry_drops_unknown_values_with_all_their_lines)
{
    CheckDropped("\"Foo\"=hex:01,\\\n  02,\\\n  03\n\"\"=dword:1\n@=hex:01,\\\n02",
                 "3: unknown value \"Foo\", dropped; 6: unknown value \"\", dropped; "
                 "7: the key's default value means nothing, dropped");
}

TEST(ParseRegistry_drops_values_of_the_wrong_type)
{
    CheckDropped("\"PoolTag\"=\"x\"", "3: PoolTag must be REG_DWORD but is REG_SZ, dropped");
    CheckDropped("\"VerifyDrivers\"=dword:1",
                 "3: VerifyDrivers must be REG_SZ but is REG_DWORD, dropped");
    CheckDropped("\"VerifyDrivers\"=hex(7):41,00",
                 "3: VerifyDrivers must be REG_SZ but is REG_MULTI_SZ, dropped");
    CheckDropped("\"PagingFiles\"=hex:41,00",
                 "3: PagingFiles must be REG_MULTI_SZ but is of another type, dropped");
    CheckDropped("\"PoolTag\"=hex(b):01,00,00,00,00,00,00,00",
                 "3: PoolTag must be REG_DWORD but is of another type, dropped");
    CheckDropped("\"PoolTag\"=hex(ffff):01",
                 "3: PoolTag must be REG_DWORD but is of another type, dropped");
}

typedef struct _RANGE {
    const char *Name;
    ULONG Good[3];
    ULONG Bad[3]; /* ends at 0 */
} RANGE;

TEST(ParseRegistry_knows_the_documented_ranges)
{
    static const RANGE Ranges[] = {
        {"PagedPoolSize", {0, 0x20000000, 0xFFFFFFFF}, {0x20000001, 0xFFFFFFFE}},
        {"NonPagedPoolSize", {0, 1, 0xFFFFFFFF}, {0}},
        {"PagedPoolQuota", {0, 1, 128}, {129}},
        {"NonPagedPoolQuota", {0, 1, 128}, {129, 0xFFFFFFFF}},
        {"SystemPages", {0, 50000, 0xFFFFFFFF}, {0}},
        {"LargeSystemCache", {0, 1, 1}, {2}},
        {"IoPageLockLimit", {0, 0x80000, 0xFFFFFFFF}, {0}},
        {"ClearPageFileAtShutdown", {0, 1, 1}, {2}},
        {"DisablePagingExecutive", {0, 1, 1}, {2}},
        {"SecondLevelDataCache", {0, 256, 2048}, {0}},
        {"PoolUsageMaximum", {0, 60, 100}, {101}},
        {"SessionViewSize", {0, 20, 2048}, {2049}},
        {"SessionPoolSize", {0, 4, 2048}, {2049}},
        {"SystemViewSize", {0, 16, 2048}, {2049}},
        {"PoolTag", {0, 0x2A, 0xFFFFFFFF}, {0}},
        {"PoolTagOverruns", {0, 1, 1}, {2}},
        {"ProtectNonPagedPool", {0, 1, 1}, {2}},
        {"TrackLockedPages", {0, 1, 1}, {2}},
        {"TrackPtes", {0, 1, 3}, {2, 4}},
        {"VerifyDriverLevel", {0, 3, 0xFFF}, {0x1000}},
        {"AllocationPreference", {0, 0x100000, 0x100000}, {1, 0xFFFFF, 0x100001}},
        {"SystemCacheDirtyPageThreshold", {0, 1, 0xFFFFFFFF}, {0}},
        {"LowMemoryThreshold", {0, 32, 0xFFFFFFFF}, {0}},
        {"HighMemoryThreshold", {0, 96, 0xFFFFFFFF}, {0}},
        {"NonPagedPoolLimit", {0, 1, 2048}, {2049}},
        {"PagedPoolLimit", {0, 1, 2048}, {2049}},
        {"SessionSpaceLimit", {0, 1, 2048}, {2049}},
        {"SystemCacheLimit", {0, 1, 2048}, {2049}},
        {"SystemPtesLimit", {0, 1, 2048}, {2049}},
    };
    char Line[64];
    char Expected[64];
    ULONG Index;
    ULONG Case;

    for (Index = 0; Index < RTL_NUMBER_OF(Ranges); Index++) {
        for (Case = 0; Case < 3; Case++) {
            ULONG Good = Ranges[Index].Good[Case];
            ULONG Bad = Ranges[Index].Bad[Case];

            sprintf(Line, "\"%s\"=dword:%x", Ranges[Index].Name, (unsigned)Good);
            sprintf(Expected, "%s=%X", Ranges[Index].Name, (unsigned)Good);
            CheckKept(Line, Expected);
            sprintf(Line, "\"%s\"=dword:%x", Ranges[Index].Name, (unsigned)Bad);
            Parse(Line);
            CHECK_EQUAL(Bad != 0, Warnings);
            CHECK_EQUAL(Bad == 0, ValueCount);
        }
    }
}

TEST(ParseRegistry_takes_up_to_16_paging_files)
{
    char Line[1024] = "\"PagingFiles\"=hex(7):";
    ULONG Files;

    for (Files = 1; Files <= 17; Files++) {
        strcat(Line, "41,00,00,00,");
        Parse(Line);
        CHECK_EQUAL(Files <= 16, ValueCount);
        CHECK_TEXT(Files <= 16 ? "" : "3: PagingFiles has more than 16 strings, dropped", Log.Text);
    }
}

TEST(ParseRegistry_complains_about_malformed_lines)
{
    static const char NoValue[] = "3: this line is no value (\"Name\"=data), dropped";

    CheckDropped("PoolTag=dword:1", NoValue);
    CheckDropped("\"PoolTag=dword:1", NoValue);
    CheckDropped("\"PoolTag\"", NoValue);
    CheckDropped("\"PoolTag\" x =dword:1", NoValue);
    CheckDropped("\"", NoValue);
    CheckDropped("[HKEY_LOCAL_MACHINE\n\"PoolTag\"=dword:1",
                 "3: [ without ] at the end of the line, its values are skipped");
    CheckDropped("[", "3: [ without ] at the end of the line, its values are skipped");
    CheckDropped("[-", "3: [ without ] at the end of the line, its values are skipped");
}

TEST(ParseRegistry_complains_about_malformed_data)
{
    static const char Dword[] =
        "3: PoolTag is dropped: dword: wants one to eight hexadecimal digits";
    static const char Hex[] =
        "3: PoolTag is dropped: hex: wants bytes of two digits with commas between them";

    CheckDropped("\"PoolTag\"=dword:", Dword);
    CheckDropped("\"PoolTag\"=dword:123456789", Dword);
    CheckDropped("\"PoolTag\"=dword:1g", Dword);
    CheckDropped("\"PoolTag\"=dword:0x1", Dword);
    CheckDropped("\"PoolTag\"=1", "3: PoolTag is dropped: the data is not dword:, \"text\", hex: "
                                  "or -");
    CheckDropped("\"PoolTag\"=", "3: PoolTag is dropped: the data is not dword:, \"text\", hex: or "
                                 "-");
    CheckDropped("\"PoolTag\"=-1", "3: PoolTag is dropped: the data is not dword:, \"text\", hex: "
                                   "or -");
    CheckDropped("\"PoolTag\"=hex(4):1 2", Hex);
    CheckDropped("\"PoolTag\"=hex(4):123", Hex);
    CheckDropped("\"PoolTag\"=hex(4):01,,02", Hex);
    CheckDropped("\"PoolTag\"=hex(4):01,02,03", "3: PoolTag is dropped: hex(4): wants four bytes");
    CheckDropped("\"PoolTag\"=hex(4:01", "3: PoolTag is dropped: hex( wants a registry type and a "
                                         "bracket");
    CheckDropped("\"PoolTag\"=hex():01", "3: PoolTag is dropped: hex( wants a registry type and a "
                                         "bracket");
    CheckDropped("\"PoolTag\"=hex(4)", "3: PoolTag is dropped: hex wants a colon");
    CheckDropped("\"PoolTag\"=hex(4):01,\\", "3: PoolTag is dropped: a backslash must be the last "
                                             "of its line, and another line must follow");
    CheckDropped("\"PoolTag\"=hex(4):01,\\ 02\n03",
                 "3: PoolTag is dropped: a backslash must be "
                 "the last of its line, and another line must follow; "
                 "4: this line is no value (\"Name\"=data), dropped");
}

TEST(ParseRegistry_complains_about_malformed_strings)
{
    CheckDropped("\"VerifyDrivers\"=\"abc",
                 "3: VerifyDrivers is dropped: the string has no closing quote");
    CheckDropped("\"VerifyDrivers\"=\"abc\" d",
                 "3: VerifyDrivers is dropped: something follows the string");
    CheckDropped("\"VerifyDrivers\"=\"a\\b\"",
                 "3: VerifyDrivers is dropped: in a string a backslash is written twice");
    CheckDropped("\"VerifyDrivers\"=\"abc\\",
                 "3: VerifyDrivers is dropped: in a string a backslash is written twice");
}

/* A line of ours with Count times Fill between Before and After. */
static void ParseLong(const char *Before, const char *Fill, ULONG Count, const char *After)
{
    static char Text[8 * BL_LINE_BYTES];
    char *End = Text + sprintf(Text, HEADER KEY "%s", Before);

    while (Count-- != 0) {
        End += sprintf(End, "%s", Fill);
    }
    strcpy(End, After);
    ParseBytes(Text, strlen(Text));
}

TEST(ParseRegistry_limits_the_length_of_data)
{
    ParseLong("\"VerifyDrivers\"=\"", "a", 2047, "\"");
    CHECK_TEXT("", Log.Text);
    CHECK_EQUAL(64 + 2048, UsedBytes);
    ParseLong("\"VerifyDrivers\"=\"", "a", 2048, "\"");
    CHECK_TEXT("3: VerifyDrivers is dropped: the string is too long", Log.Text);
    ParseLong("\"PagingFiles\"=\"", "a", 2046, "\"");
    CHECK_TEXT("", Log.Text);
    CHECK_EQUAL(64 + 2048, UsedBytes);
    ParseLong("\"PagingFiles\"=\"", "a", 2047, "\"");
    CHECK_TEXT("3: PagingFiles is too long, dropped", Log.Text);
    ParseLong("\"VerifyDrivers\"=hex(1):", "41,00,\\\n", 1024, "\"");
    CHECK_TEXT("3: VerifyDrivers is dropped: hex: wants bytes of two digits with commas between "
               "them",
               Log.Text);
    ParseLong("\"VerifyDrivers\"=hex(1):", "41,00,\\\n", 1024, " ");
    CHECK_TEXT("", Log.Text);
    CHECK_EQUAL(64 + 1025, UsedBytes);
    ParseLong("\"VerifyDrivers\"=hex(1):", "41,00,\\\n", 1025, " ");
    CHECK_TEXT("3: VerifyDrivers is dropped: the data is too long", Log.Text);
    ParseLong("\"VerifyDrivers\"=hex(1):", "ac,20,\\\n", 1024, " "); /* three bytes each */
    CHECK_TEXT("3: VerifyDrivers is dropped: the string is too long", Log.Text);
}

TEST(ParseRegistry_complains_about_lines_that_are_too_long)
{
    ParseLong("\"VerifyDrivers\"=\"a\"", " ", BL_LINE_BYTES, "x");
    CHECK_TEXT("3: VerifyDrivers is dropped: the line is too long", Log.Text);
    ParseLong("\"VerifyDrivers\"=hex(1):41,00,", " ", BL_LINE_BYTES, "42,00");
    CHECK_TEXT("3: VerifyDrivers is dropped: the line is too long", Log.Text);
    ParseLong("\"VerifyDrivers\"=hex(1):41,00,\\", " ", BL_LINE_BYTES, "42,00\n43,00");
    CHECK_EQUAL(0, ValueCount);
}

TEST(ParseRegistry_needs_room_for_array_and_data_only)
{
    static const char Text[] = HEADER KEY "\"PoolTag\"=dword:1\n\"VerifyDrivers\"=\"abc\"\n"
                                          "\"PoolTag\"=dword:2\n\"VerifyDrivers\"=\"def\"\n";
    ULONG Bytes;

    for (Bytes = 0; Bytes < 2 * 64 + 4; Bytes += 4) {
        CHECK_EQUAL(STATUS_BUFFER_TOO_SMALL, ParseInto(Text, sizeof(Text) - 1, Bytes));
        CHECK(UsedBytes == 77 && ValueCount == 77 && Warnings == 77);
    }
    CHECK_EQUAL(STATUS_SUCCESS, ParseInto(Text, sizeof(Text) - 1, Bytes));
    CheckValues("PoolTag=2 VerifyDrivers=\"def\"");
}

TEST(ParseRegistry_has_no_complaint_about_the_file_that_we_ship)
{
    SIZE_T Bytes = 0;
    const void *Text = PlaceFile("disk/image/system.reg", &Bytes);
    const LOADER_REGISTRY_VALUE *Values = (const void *)Buffer;

    CHECK(Text != NULL);
    ParseBytes(Text, Bytes);
    CHECK_TEXT("", Log.Text);
    CHECK_EQUAL(26, ValueCount);
    CHECK_TEXT("ClearPageFileAtShutdown", Values[0].Name);
    CHECK_EQUAL(LOADER_REG_DWORD, Values[0].Type);
    CHECK_EQUAL(0, Values[0].Dword);
}
