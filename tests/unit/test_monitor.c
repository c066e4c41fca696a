/* SPDX-License-Identifier: MIT */
/*
 * test_monitor.c - lines become commands; scripts are judged.
 */
#include "monitor.h"
#include "tests/unit/monitor_bench.h"

#include <stdio.h>
#include <string.h>

static void CheckHas(const char *Text, const char *Wanted)
{
    if (strstr(Text, Wanted) == NULL) {
        TestFail(__FILE__, __LINE__, "\"%s\" is not in: %s", Wanted, Text);
    }
}

TEST(Monitor_names_what_is_not_a_command)
{
    MonitorStart();
    CHECK_TEXT("\"foo\" is not a command; help lists them\n", MonitorRefusal("foo bar"));
    CHECK_TEXT("\"helpx\" is not a command; help lists them\n", MonitorRefusal("helpx"));
    CHECK_TEXT("\"DB\" is not a command; help lists them\n", MonitorRefusal("  DB 0 "));
    CHECK_TEXT("\"\x01\" is not a command; help lists them\n", MonitorRefusal("\x01"));
}

TEST(Monitor_carries_out_several_commands_of_a_line)
{
    MonitorStart();
    CHECK_TEXT("a\nb\n", MonitorAnswer(".echo a;.echo b"));
    CHECK_TEXT("a\nb\n", MonitorAnswer(" ;; .echo   a  ;   .echo b ;"));
    CHECK_TEXT("", MonitorAnswer(" ; ; "));
    CHECK_TEXT("", MonitorAnswer(""));
    CHECK_TEXT("\"x;y\"\nb\n", MonitorAnswer(".echo \"x;y\"; .echo b"));
    CHECK_TEXT("\"foo\" is not a command; help lists them\nb\n", MonitorRefusal("foo; .echo b"));
}

TEST(Monitor_skips_comments)
{
    MonitorStart();
    CHECK_TEXT("", MonitorAnswer("* foo; bar"));
    CHECK_TEXT("", MonitorAnswer("  *foo"));
    CHECK_TEXT("b\n", MonitorAnswer("$$ foo; .echo b"));
}

TEST(Monitor_names_of_punctuation_need_no_blank)
{
    MonitorStart();
    CHECK_TEXT("Evaluate expression: 3 = 00000003\n", MonitorAnswer("?1+2"));
}

TEST(Monitor_help_lists_each_table_and_explains_each_command)
{
    const MI_COMMAND *const Tables[] = {MiDebuggerCommands, MiMemoryCommands, MiObjectCommands};
    static char All[0x4000];
    PCMI_COMMAND Command;
    char Text[256];
    ULONG Table;

    MonitorStart();
    snprintf(All, sizeof(All), "%s", MonitorAnswer("help"));
    for (Table = 0; Table < RTL_NUMBER_OF(Tables); Table++) {
        for (Command = Tables[Table]; Command->Name != NULL; Command++) {
            snprintf(Text, sizeof(Text), "  %-10s %-20s %s\n", Command->Name, Command->Syntax,
                     Command->Help);
            CheckHas(All, Text);
            snprintf(Text, sizeof(Text), "help %s", Command->Name);
            CheckHas(MonitorAnswer(Text), Command->Help);
        }
    }
    CHECK_TEXT("\"foo\" is not a command; help lists them\n", MonitorRefusal("help foo"));
    CHECK_TEXT("\"db x\" is not a command; help lists them\n", MonitorRefusal("help db x"));
}

TEST(Monitor_reads_lines_from_the_console)
{
    MonitorStart();
    CHECK_TEXT("\nType help for the commands.\nmm> .echo hi\nhi\nmm> ", MonitorTyped(".echo hi\r"));
    MonitorStart(); /* each ends in the middle of a wait */
    CHECK_TEXT("\nType help for the commands.\nmm> .shutdown\n", MonitorTyped(".shutdown\r"));
    MonitorStart();
    CHECK_TEXT("\nType help for the commands.\nmm> .ech^C\nmm> .echo b\nb\nmm> ",
               MonitorTyped(".ech\x03.echo b\r\n"));
}

TEST(Monitor_an_empty_line_goes_on_only_behind_a_display_command)
{
    const char *Text;

    MonitorStart();
    Text = MonitorTyped("dd 80800000 L4\r\r\r");
    CheckHas(Text, "80800000  03020100 07060504 0b0a0908 0f0e0d0c\nmm> \n"
                   "80800010  13121110 17161514 1b1a1918 1f1e1d1c\n");
    CheckHas(Text, "\n80800100  03020100");
    MonitorStart();
    CHECK_TEXT("\nType help for the commands.\nmm> .echo a\na\nmm> \nmm> ",
               MonitorTyped(".echo a\r\r"));
}

TEST(Monitor_Ctrl_C_ends_what_prints_and_the_line)
{
    const char *Text;

    MonitorStart();
    Text = MonitorTyped("db 80800000 L1000; .echo not this\r\x03.echo this\r");
    CheckHas(Text, "^C\nmm> .echo this\nthis\n");
    CHECK(strstr(Text, "not this\nn") == NULL && strstr(Text, "\nnot this") == NULL);
    CHECK(strstr(Text, "80800100") == NULL);
    MonitorStart();
    CheckHas(MonitorTyped("x *\r\x03"), "mm> x *\n^C\nmm> ");
}

TEST(Monitor_keeps_what_is_typed_while_a_command_prints)
{
    MonitorStart();
    CheckHas(MonitorTyped("db 80800000 L20\r.echo typed early\r"), "mm> .echo typed early\ntyped");
}

TEST(ReadConsoleLine_reads_one_line_and_nothing_of_the_next)
{
    char Line[8];

    MonitorStart();
    HostConsoleType("report,\b\b\bX\rrest");
    MiReadConsoleLine(Line, sizeof(Line));
    CHECK_TEXT("repoX", Line);
    CHECK_EQUAL('r', KiConsoleRead());
}

/* ---- scripts ---- */

static const char *Script(const char *Text, BOOLEAN Good)
{
    HostConsoleClear();
    HostReportsPassed = HostReportsFailed = 0;
    HostSetScript(Text);
    CHECK_EQUAL(Good, MiRunDiskScript());
    return HostConsoleText();
}

TEST(Script_echoes_each_line_and_sums_up)
{
    MonitorStart();
    CHECK_TEXT("mm> * comment\nmm> .echo a\na\nmm> .echo b\nb\n"
               "ok - script: 3 lines carried out, 0 failed\n",
               Script("* comment\r\n.echo a\r\n\r\n\t\n.echo b", TRUE) ? HostConsoleText() : "");
}

TEST(Script_commands_that_fail_are_failed_lines_of_the_report)
{
    MonitorStart();
    Script("foo\n.echo a\n? zzz\n.assert 0\n.assert 1\neb 80800000 1\n", FALSE);
    CHECK_EQUAL(0, HostReportsPassed);
    CHECK_EQUAL(5, HostReportsFailed);
    CheckHas(HostConsoleText(), "not ok - script line 1: foo\nmm> .echo a\na\n");
    CheckHas(HostConsoleText(), "not ok - script line 3: ? zzz\n");
    CheckHas(HostConsoleText(), "\"0\" is 0.\nnot ok - script line 4: .assert 0\n");
    CheckHas(HostConsoleText(), "not ok - script line 6: eb 80800000 1\n");
    CheckHas(HostConsoleText(), "not ok - script: 6 lines carried out, 4 failed\n");
}

TEST(Script_ends_with_the_line_in_which_Ctrl_C_was_typed)
{
    MonitorStart();
    HostConsoleType("\x03");
    Script(".echo a\n.echo b\n", FALSE);
    CHECK_TEXT("mm> .echo a\na\n^C\nnot ok - script line 1: stopped by Ctrl-C\n"
               "not ok - script: 1 lines carried out, 1 failed\n",
               HostConsoleText());
    HostSetScript("x *\n.echo b\n");
    HostConsoleType("\x03");
    CheckHas(MonitorRefusal("$<; .echo after"), "not ok - script line 1: stopped by Ctrl-C\n");
    CHECK(strstr(HostConsoleText(), "\nafter") == NULL);
}

TEST(Script_lines_too_long_fail_and_the_next_is_read)
{
    static char Text[600];

    MonitorStart();
    memset(Text, 'x', 500);
    strcpy(Text + 500, "\n.echo next\n");
    Script(Text, FALSE);
    CheckHas(HostConsoleText(),
             "not ok - script line 1: longer than a line may be\nmm> .echo next\n");
}

TEST(Script_that_is_not_there_or_not_plain_text_is_said_so)
{
    MonitorStart();
    CHECK_TEXT("not ok - script: there is no monitor.txt on the disk\n", Script(NULL, FALSE));
    CHECK_TEXT("not ok - script: monitor.txt is UTF-16; save it as plain text\n",
               Script("\xFF\xFEh", FALSE));
    CHECK_TEXT("mm> .echo a?b\na?b\nok - script: 1 lines carried out, 0 failed\n",
               Script("\xEF\xBB\xBF.echo a\x1B"
                      "b",
                      TRUE));
    CHECK_TEXT("ok - script: 0 lines carried out, 0 failed\n", Script("", TRUE));
}

TEST(Script_from_the_prompt_cannot_start_itself)
{
    MonitorStart();
    HostSetScript("$<monitor.txt\n");
    CheckHas(MonitorRefusal("$<monitor.txt; .echo after"), "A script cannot start a script.\n");
    CheckHas(HostConsoleText(), "The script failed.\nafter\n");
    CHECK_TEXT("The disk's script is called monitor.txt, not \"other\".\n",
               MonitorRefusal("$<other"));
    HostSetScript(".echo in");
    CheckHas(MonitorAnswer("$<; .echo after"), "in\nok - script: 1 lines carried out, 0 failed\n"
                                               "after\n");
}

static void RunScript(PVOID Unused)
{
    (void)Unused;
    (void)MiRunDiskScript();
}

TEST(Script_that_ends_the_machine_sums_up_before)
{
    HOST_BUGCHECK BugCheck;

    MonitorStart();
    HostSetScript(".echo a\n.shutdown\n");
    CHECK(HostCatchBugCheck(RunScript, NULL, &BugCheck));
    CHECK_EQUAL(HOST_BUGCHECK_POWER, BugCheck.Code);
    CheckHas(HostConsoleText(), "mm> .shutdown\nok - script: 2 lines carried out, 0 failed\n");
}
