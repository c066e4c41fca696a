/* SPDX-License-Identifier: MIT */
/*
 * test_boot_ini.c - which entry counts, what each switch does, and every complaint word for word.
 */
#include "complaint_log.h"
#include "efi/boot_ini.h"
#include "efi/text_source.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static LOADER_OPTIONS Options;
static COMPLAINT_LOG Log;

static void ParseBytes(const void *Text, SIZE_T Bytes)
{
    memset(&Log, 0, sizeof(Log));
    memset(&Options, 0xCC, sizeof(Options));
    BlParseBootIni(PlaceText(Text, Bytes), Bytes, &Options, LogComplaint, &Log);
    CHECK_EQUAL(Log.Count, Options.Warnings);
}

static void Parse(const char *Text)
{
    ParseBytes(Text, strlen(Text));
}

/* One entry with these switches; it stands on line 2. */
static void ParseSwitches(const char *Switches)
{
    char Text[2 * BL_LINE_BYTES];

    snprintf(Text, sizeof(Text), "[operating systems]\nh=\"H\"%s", Switches);
    Parse(Text);
}

static void CheckComplaint(const char *Switches, const char *Expected)
{
    ParseSwitches(Switches);
    CHECK_TEXT(Expected, Log.Text);
}

TEST(ParseBootIni_without_a_file_gives_defaults_in_silence)
{
    BlParseBootIni(NULL, 0, &Options, LogComplaint, &Log);
    CHECK_EQUAL(0, Options.Flags);
    CHECK_EQUAL(0, Options.MaxMemoryMb);
    CHECK_EQUAL(0, Options.BurnMemoryMb);
    CHECK_EQUAL(115200, Options.BaudRate);
    CHECK_EQUAL(0, Options.UserVaMb);
    CHECK_EQUAL(0, Options.Warnings);
    CHECK_TEXT("", Options.Run);
}

TEST(ParseBootIni_reads_the_switches_of_an_entry)
{
    Parse("[boot loader]\r\ntimeout=30\r\ndefault=hs\r\n\r\n; a comment\r\n[operating systems]\r\n"
          "hs=\"Hyperspace\" /MAXMEM=64 /burnmemory=0x10\t/SOS "
          "/Run=boot,mm.pfn:7 /baudrate=9600\r\n");
    CHECK_TEXT("", Log.Text);
    CHECK_EQUAL(64, Options.MaxMemoryMb);
    CHECK_EQUAL(16, Options.BurnMemoryMb);
    CHECK_EQUAL(9600, Options.BaudRate);
    CHECK_EQUAL(LOADER_OPTION_SOS, Options.Flags);
    CHECK_TEXT("boot,mm.pfn:7", Options.Run);
}

TEST(ParseBootIni_reads_UTF_16)
{
    static const char Text[] = "[operating systems]\nh=\"H\" /MAXMEM=64";
    UCHAR Wide[2 + 2 * sizeof(Text)] = {0xFF, 0xFE};
    SIZE_T Index;

    for (Index = 0; Text[Index] != 0; Index++) {
        Wide[2 + 2 * Index] = (UCHAR)Text[Index];
    }
    ParseBytes(Wide, 2 + 2 * Index);
    CHECK_TEXT("", Log.Text);
    CHECK_EQUAL(64, Options.MaxMemoryMb);
}

TEST(ParseBootIni_uses_the_entry_that_default_names)
{
    Parse("[operating systems]\na=\"A\" /MAXMEM=64\nB=\"B\" /MAXMEM=65\n[boot loader]\ndefault=b");
    CHECK_TEXT("", Log.Text);
    CHECK_EQUAL(65, Options.MaxMemoryMb);
}

TEST(ParseBootIni_without_default_uses_the_first_entry)
{
    Parse("[operating systems]\na=\"A\" /MAXMEM=64\nb=\"B\" /MAXMEM=65 /FOO");
    CHECK_TEXT("", Log.Text);
    CHECK_EQUAL(64, Options.MaxMemoryMb);
}

TEST(ParseBootIni_uses_the_first_entry_when_default_names_none)
{
    Parse("[boot loader]\ndefault=c\n[operating systems]\na=\"A\" /MAXMEM=64\nb=\"B\" /MAXMEM=65");
    CHECK_TEXT("2: no entry is called \"c\", the first one is used", Log.Text);
    CHECK_EQUAL(64, Options.MaxMemoryMb);
}

TEST(ParseBootIni_takes_NT_paths_as_entry_names)
{
    Parse("[Boot Loader]\nDefault=multi(0)disk(0)rdisk(0)partition(1)\\HS\n[Operating Systems]\n"
          "C:\\ = \"DOS\" /MAXMEM=1\n multi(0)disk(0)rdisk(0)partition(1)\\hs = \"HS\" /MAXMEM=64");
    CHECK_TEXT("", Log.Text);
    CHECK_EQUAL(64, Options.MaxMemoryMb);
}

TEST(ParseBootIni_complains_about_the_structure_of_the_file)
{
    Parse("x=1\n[boot loader]\ndefualt=a\nnothing\n[strange]\ny=2\n[operating systems]\n/SOS\n"
          "=\"A\"\na=\"A\" /SOS");
    CHECK_TEXT("1: this line stands before the first [section], skipped; "
               "3: \"defualt\" is neither timeout= nor default=, ignored; "
               "4: \"nothing\" is neither timeout= nor default=, ignored; "
               "5: unknown section [strange], skipped; "
               "8: this is no entry (name=\"Title\" /SWITCH); "
               "9: this is no entry (name=\"Title\" /SWITCH)",
               Log.Text);
    CHECK_EQUAL(LOADER_OPTION_SOS, Options.Flags);
}

TEST(ParseBootIni_complains_about_lines_behind_the_entry_that_it_uses)
{
    Parse("[boot loader]\ndefault=b\n[operating systems]\na=\"A\"\nb=\"B\" /SOS\nnonsense\n"
          "b=\"B again\" /MAXMEM=64\n=\n");
    CHECK_TEXT("6: this is no entry (name=\"Title\" /SWITCH); "
               "8: this is no entry (name=\"Title\" /SWITCH)",
               Log.Text);
    CHECK_EQUAL(LOADER_OPTION_SOS, Options.Flags); /* the first of that name */
    CHECK_EQUAL(0, Options.MaxMemoryMb);
    Parse("[operating systems]\na=\"A\" /SOS\nnonsense\n");
    CHECK_TEXT("3: this is no entry (name=\"Title\" /SWITCH)", Log.Text);
    CHECK_EQUAL(LOADER_OPTION_SOS, Options.Flags);
}

TEST(ParseBootIni_complains_when_there_is_no_entry)
{
    Parse("[boot loader]\ntimeout=1\n");
    CHECK_TEXT("0: [operating systems] has no entry, every switch has its default", Log.Text);
    CHECK_EQUAL(115200, Options.BaudRate);
}

TEST(ParseBootIni_finds_switches_behind_any_title)
{
    ParseSwitches(" /SOS");
    CHECK_EQUAL(LOADER_OPTION_SOS, Options.Flags);
    Parse("[operating systems]\nh=\"A /3GB = title\" /SOS");
    CHECK_EQUAL(LOADER_OPTION_SOS, Options.Flags);
    CHECK_TEXT("", Log.Text);
    Parse("[operating systems]\nh=No quotes /SOS");
    CHECK_EQUAL(LOADER_OPTION_SOS, Options.Flags);
    CHECK_TEXT("", Log.Text);
    Parse("[operating systems]\nh=\"Open /SOS");
    CHECK_EQUAL(LOADER_OPTION_SOS, Options.Flags);
    CHECK_TEXT("2: the title has no closing quote", Log.Text);
    Parse("[operating systems]\nh=");
    CHECK_EQUAL(0, Options.Flags);
    CHECK_TEXT("", Log.Text);
}

TEST(ParseBootIni_separates_switches_by_blanks_or_slashes)
{
    ParseSwitches("/SOS/MAXMEM=64\t/RUN=a ; /3GB");
    CHECK_TEXT("", Log.Text);
    CHECK_EQUAL(LOADER_OPTION_SOS, Options.Flags);
    CHECK_EQUAL(64, Options.MaxMemoryMb);
    CHECK_TEXT("a", Options.Run);
}

TEST(ParseBootIni_names_unknown_switches)
{
    CheckComplaint(" /FOO=7 /SOS bar -SOS / /SOSO",
                   "2: unknown switch /FOO, ignored; 2: \"bar\" is no switch, ignored; "
                   "2: \"-SOS\" is no switch, ignored; 2: unknown switch /, ignored; "
                   "2: unknown switch /SOSO, ignored");
    CHECK_EQUAL(LOADER_OPTION_SOS, Options.Flags);
}

TEST(ParseBootIni_says_which_switches_have_no_effect)
{
    CheckComplaint(" /PAE /NOEXECUTE=OptIn /DEBUG", "2: /PAE has no effect in this version; "
                                                    "2: /NOEXECUTE has no effect in this version; "
                                                    "2: /DEBUG has no effect in this version");
    CHECK_EQUAL(LOADER_OPTION_PAE, Options.Flags);
    CheckComplaint(" /NOPAE /EXECUTE /NODEBUG /FASTDETECT", "");
    CHECK_EQUAL(0, Options.Flags);
}

TEST(ParseBootIni_knows_the_documented_words)
{
    static const char *const Idle[] = {
        "NOEXECUTE", "NOLOWMEM",  "DEBUG",   "DEBUGPORT", "CRASHDEBUG", "NUMPROC", "HAL",
        "KERNEL",    "BASEVIDEO", "BOOTLOG", "SAFEBOOT",  "PCILOCK",    "TIMERES", "REDIRECT"};
    static const char *const Held[] = {"NOPAE",      "EXECUTE",      "NODEBUG",  "ONECPU",
                                       "FASTDETECT", "NOSERIALMICE", "NOGUIBOOT"};
    char Switch[64];
    char Expected[64];
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Idle); Index++) {
        snprintf(Switch, sizeof(Switch), " /%s=1", Idle[Index]);
        snprintf(Expected, sizeof(Expected), "2: /%s has no effect in this version", Idle[Index]);
        CheckComplaint(Switch, Expected);
        CHECK_EQUAL(0, Options.Flags);
    }
    for (Index = 0; Index < RTL_NUMBER_OF(Held); Index++) {
        snprintf(Switch, sizeof(Switch), " /%s", Held[Index]);
        CheckComplaint(Switch, "");
        CHECK_EQUAL(0, Options.Flags);
    }
}

TEST(ParseBootIni_accepts_numbers_up_to_their_limits)
{
    CheckComplaint(" /MAXMEM=1 /BURNMEMORY=4096 /BAUDRATE=300", "");
    CHECK_EQUAL(1, Options.MaxMemoryMb);
    CHECK_EQUAL(4096, Options.BurnMemoryMb);
    CHECK_EQUAL(300, Options.BaudRate);
    CheckComplaint(" /3GB /USERVA=3072", "");
    CHECK_EQUAL(3072, Options.UserVaMb);
    CheckComplaint(" /3GB /USERVA=2048", "");
    CHECK_EQUAL(2048, Options.UserVaMb);
}

TEST(ParseBootIni_refuses_numbers_out_of_range_and_says_what_holds)
{
    CheckComplaint(" /MAXMEM=0", "2: /MAXMEM=0 is not a number from 1 to 4096; no limit holds");
    CheckComplaint(" /MAXMEM=4097",
                   "2: /MAXMEM=4097 is not a number from 1 to 4096; no limit holds");
    CheckComplaint(" /BURNMEMORY=64MB",
                   "2: /BURNMEMORY=64MB is not a number from 1 to 4096; nothing is withheld");
    CheckComplaint(" /MAXMEM=99999999999999999999999",
                   "2: /MAXMEM=99999999999999999999999 is not a number from 1 to 4096; no limit "
                   "holds");
    CheckComplaint(" /MAXMEM=4294967360",
                   "2: /MAXMEM=4294967360 is not a number from 1 to 4096; no limit holds");
    CheckComplaint(" /MAXMEM", "2: /MAXMEM= is not a number from 1 to 4096; no limit holds");
    CheckComplaint(" /MAXMEM=", "2: /MAXMEM= is not a number from 1 to 4096; no limit holds");
    CheckComplaint(" /3GB /USERVA=2047", "2: /USERVA=2047 is not a number from 2048 to 3072; 3072 "
                                         "is used with /3GB");
    CHECK_EQUAL(3072, Options.UserVaMb);
    CheckComplaint(" /USERVA=3073 /3GB", "2: /USERVA=3073 is not a number from 2048 to 3072; 3072 "
                                         "is used with /3GB");
    CHECK_EQUAL(3072, Options.UserVaMb);
}

TEST(ParseBootIni_ends_the_user_half_at_3_GB_or_where_USERVA_says)
{
    CheckComplaint("", "");
    CHECK_EQUAL(0, Options.UserVaMb);
    CheckComplaint(" /3gb", "");
    CHECK_EQUAL(LOADER_OPTION_3GB, Options.Flags);
    CHECK_EQUAL(3072, Options.UserVaMb);
    CheckComplaint(" /3GB /USERVA=2563", ""); /* whole page tables */
    CHECK_EQUAL(2560, Options.UserVaMb);
    CheckComplaint(" /USERVA=2560", "2: /USERVA has no effect without /3GB");
    CHECK_EQUAL(0, Options.UserVaMb);
}

TEST(ParseBootIni_refuses_rates_that_the_UART_cannot_make)
{
    CheckComplaint(" /BAUDRATE=10000", "2: /BAUDRATE=10000 is not a number from 300 to 115200 that "
                                       "divides 115200; 115200 is used");
    CHECK_EQUAL(115200, Options.BaudRate);
    CheckComplaint(" /BAUDRATE=150", "2: /BAUDRATE=150 is not a number from 300 to 115200 that "
                                     "divides 115200; 115200 is used");
}

TEST(ParseBootIni_lets_the_later_of_two_switches_win)
{
    CheckComplaint(" /MAXMEM=64 /MAXMEM=96 /RUN=a /RUN=b", "");
    CHECK_EQUAL(96, Options.MaxMemoryMb);
    CHECK_TEXT("b", Options.Run);
    ParseSwitches(" /MAXMEM=64 /MAXMEM=x /RUN=a /RUN=!");
    CHECK_EQUAL(0, Options.MaxMemoryMb);
    CHECK_TEXT("", Options.Run);
}

TEST(ParseBootIni_takes_RUN_as_a_list_of_words)
{
    static const char Refused[] = " is not a list of words (a-z 0-9 : _ . -) with commas, ignored";
    static const char *const Bad[] = {"", ",", "a,", ",a", "a,,b", "a!b", "a=b", "\xC3\xA4"};
    char Switch[64];
    char Expected[128];
    ULONG Index;

    CheckComplaint(" /RUN=All,mm:9_x.-z", "");
    CHECK_TEXT("all,mm:9_x.-z", Options.Run);
    for (Index = 0; Index < RTL_NUMBER_OF(Bad); Index++) {
        snprintf(Switch, sizeof(Switch), " /RUN=%s", Bad[Index]);
        snprintf(Expected, sizeof(Expected), "2: /RUN=%s%s", Bad[Index], Refused);
        CheckComplaint(Switch, Expected);
        CHECK_TEXT("", Options.Run);
    }
}

TEST(ParseBootIni_refuses_a_RUN_list_that_does_not_fit)
{
    char Switch[LOADER_RUN_BYTES + 7] = " /RUN=";

    memset(Switch + 6, 'a', LOADER_RUN_BYTES - 1);
    CheckComplaint(Switch, "");
    CHECK_EQUAL(LOADER_RUN_BYTES - 1, strlen(Options.Run));
    Switch[6 + LOADER_RUN_BYTES - 1] = 'a';
    CheckComplaint(Switch, "2: /RUN= is longer than 95 characters, ignored");
    CHECK_TEXT("", Options.Run);
}

TEST(ParseBootIni_leaves_no_stray_bytes_behind_a_RUN_list)
{
    ULONG Index;

    ParseSwitches(" /RUN=ab");
    for (Index = 2; Index < LOADER_RUN_BYTES; Index++) {
        CHECK_EQUAL(0, Options.Run[Index]);
    }
}

TEST(ParseBootIni_complains_about_an_entry_that_is_too_long)
{
    static char Switches[BL_LINE_BYTES + 64];

    memset(Switches, ' ', sizeof(Switches) - 1);
    memcpy(Switches, " /SOS", 5);
    memcpy(Switches + BL_LINE_BYTES, " /3GB", 5);
    CheckComplaint(Switches, "2: this line is longer than 4095 bytes, its end is ignored");
    CHECK_EQUAL(LOADER_OPTION_SOS, Options.Flags);
}

TEST(ParseBootIni_ignores_a_default_that_is_too_long)
{
    char Text[256] = "[operating systems]\na=\"A\" /SOS\n[boot loader]\ndefault=";

    memset(Text + strlen(Text), 'x', 128);
    Parse(Text);
    CHECK_TEXT("4: default= is longer than 127 characters, ignored", Log.Text);
    CHECK_EQUAL(LOADER_OPTION_SOS, Options.Flags);
}

TEST(ParseBootIni_has_no_complaint_about_the_file_that_we_ship)
{
    SIZE_T Bytes = 0;
    const void *Text = PlaceFile("disk/image/boot.ini", &Bytes);

    CHECK(Text != NULL);
    ParseBytes(Text, Bytes);
    CHECK_TEXT("", Log.Text);
    CHECK_EQUAL(0, Options.Flags);
}
