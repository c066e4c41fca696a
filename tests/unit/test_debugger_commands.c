/* SPDX-License-Identifier: MIT */
/*
 * test_debugger_commands.c - the tables of commands, and how help shows them.
 */
#include "tests/unit/monitor_bench.h"

#include <stdio.h>
#include <string.h>

#define TERMINAL_COLUMNS 80

static const MI_COMMAND *const Tables[] = {MiDebuggerCommands, MiMemoryCommands, MiObjectCommands};

TEST(Commands_of_all_tables_have_different_names_and_all_parts)
{
    const char *Names[256];
    ULONG Count = 0;
    ULONG Table;
    ULONG i;

    for (Table = 0; Table < RTL_NUMBER_OF(Tables); Table++) {
        const MI_COMMAND *Command;

        for (Command = Tables[Table]; Command->Name != NULL; Command++) {
            CHECK(Command->Name[0] != 0 && strchr(Command->Name, ' ') == NULL);
            CHECK(Command->Routine != NULL && Command->Syntax != NULL && Command->Help != NULL);
            CHECK(Count < RTL_NUMBER_OF(Names));
            for (i = 0; i < Count; i++) {
                CHECK(strcmp(Names[i], Command->Name) != 0);
            }
            Names[Count++] = Command->Name;
        }
    }
    CHECK(Count > 30);
}

TEST(Commands_are_explained_within_a_terminals_width)
{
    const char *Line;
    const char *End;

    MonitorStart();
    for (Line = MonitorAnswer("help"); *Line != 0; Line = End + 1) {
        End = strchr(Line, '\n');
        CHECK(End != NULL);
        if (End - Line > TERMINAL_COLUMNS) {
            TestFail(__FILE__, __LINE__, "%u columns: %s", (unsigned)(End - Line), Line);
        }
    }
}
