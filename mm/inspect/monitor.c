/* SPDX-License-Identifier: MIT */
/*
 * monitor.c - the prompt: lines become commands, commands are found in the tables.
 *
 *     console --> line editor --> line --> ; splits --> name, arguments --> table --> routine
 *                               script ----^
 *
 * A name without a letter or digit at its end ("?", "$<") needs no blank behind it.  Text in
 * quotation marks is not split.  A line that begins with * is a comment, so is $$ up to the next ;.
 *
 * Bytes that are read while a command runs (MiStopRequested looks for Ctrl-C) wait in MipTyped.
 *
 * Locking: none; one thread runs the monitor.
 */
#include "monitor.h"

#include "arch/cpu.h"
#include "mm/inspect/debugger.h"
#include "mm/inspect/line_editor.h"
#include "ke.h"
#include "rtl.h"

#define MIP_PROMPT      "mm> "
#define MIP_CONTROL_C   0x03
#define MIP_TYPED_BYTES 64u
#define MIP_NAME_COLUMN 10

KD_REGISTERS MiRegisters;

static const MI_COMMAND *const MipTables[] = {MiDebuggerCommands, MiMemoryCommands,
                                              MiObjectCommands};

static MI_LINE_HISTORY MipHistory;
static MI_LINE_EDITOR MipEditor;
static MI_COMMAND_ROUTINE *MipContinuation; /* what an empty line does, or NULL */
static BOOLEAN MipFailed;                   /* the command that runs has failed */
static BOOLEAN MipStopped;                  /* Ctrl-C was typed since the line was entered */

static UCHAR MipTyped[MIP_TYPED_BYTES]; /* a ring of bytes read too early: */
static ULONG MipTypedFirst;             /* from here */
static ULONG MipTypedCount;             /* so many */

/* The script that runs. */
static struct {
    BOOLEAN Running;
    ULONG Commands; /* lines that were carried out */
    ULONG Failures; /* of these */
} MipScript;

/* ---- output ---- */

void MiPrint(const char *Format, ...)
{
    va_list Arguments;

    va_start(Arguments, Format);
    RtlFormatV(KiConsoleSink, NULL, Format, Arguments);
    va_end(Arguments);
}

void MiFail(const char *Format, ...)
{
    va_list Arguments;

    MipFailed = TRUE;
    va_start(Arguments, Format);
    RtlFormatV(KiConsoleSink, NULL, Format, Arguments);
    va_end(Arguments);
    MiPrint("\n");
}

void MiContinueWith(MI_COMMAND_ROUTINE *Routine)
{
    MipContinuation = Routine;
}

/* ---- input ---- */

#define MIP_BURSTS_IN_SECOND 500 /* 2 ms: a serial port's FIFO holds a millisecond of input */

/*
 * Waits asleep, so that threads of lower priority run; looks again at each tick of the clock.  What
 * comes in a burst is looked for all the time: a tick's worth would not fit into the port's FIFO.
 */
static UCHAR MipReadByte(void)
{
    static ULONG64 LastByte; /* cycle counter */
    LARGE_INTEGER Tick = {.QuadPart = -1};
    int Byte;

    if (MipTypedCount != 0) {
        Byte = MipTyped[MipTypedFirst];
        MipTypedFirst = (MipTypedFirst + 1) % MIP_TYPED_BYTES;
        MipTypedCount--;
        return (UCHAR)Byte;
    }
    while ((Byte = KiConsoleRead()) < 0) {
        if ((KeReadCycleCounter() - LastByte) * MIP_BURSTS_IN_SECOND >= KeQueryCycleFrequency()) {
            KeDelayExecutionThread(KernelMode, FALSE, &Tick);
        }
    }
    LastByte = KeReadCycleCounter();
    return (UCHAR)Byte;
}

/* A ring that is full is left alone: the console keeps what comes then, and Ctrl-C with it. */
BOOLEAN MiStopRequested(void)
{
    int Byte = 0;

    while (!MipStopped && MipTypedCount < MIP_TYPED_BYTES && (Byte = KiConsoleRead()) >= 0) {
        if (Byte == MIP_CONTROL_C) {
            MipStopped = TRUE;
            MipTypedCount = 0;
            MiPrint("^C\n");
        } else {
            MipTyped[(MipTypedFirst + MipTypedCount) % MIP_TYPED_BYTES] = (UCHAR)Byte;
            MipTypedCount++;
        }
    }
    return MipStopped;
}

static void MipReadLine(PMI_LINE_EDITOR Editor, SIZE_T Bytes)
{
    MI_LINE_RESULT Result;

    MiStartLine(Editor, Bytes);
    do {
        Result = MiEditLine(Editor, MipReadByte());
    } while (Result == MiLineEditing);
}

void MiReadConsoleLine(char *Line, SIZE_T Bytes)
{
    static MI_LINE_EDITOR Editor;

    MiInitializeLineEditor(&Editor, NULL, KiConsoleSink, NULL);
    MipReadLine(&Editor, Bytes);
    memcpy(Line, Editor.Line, Editor.Length + 1);
}

/* ---- finding commands ---- */

static const char *MipSkipBlanks(const char *Text)
{
    while (*Text == ' ') {
        Text++;
    }
    return Text;
}

static BOOLEAN MipIsPunctuation(char Character)
{
    return Character == '?' || Character == '<';
}

/* => Returns what follows Name in Text when Text begins with the command Name, else NULL. */
static const char *MipAfterName(const char *Text, const char *Name)
{
    SIZE_T Length = strlen(Name);

    if (strncmp(Text, Name, Length) != 0) {
        return NULL;
    }
    Text += Length;
    return *Text == 0 || *Text == ' ' || MipIsPunctuation(Name[Length - 1]) ? Text : NULL;
}

/* => NULL: there is none.  *Arguments is what follows its name. */
static PCMI_COMMAND MipFindCommand(const char *Text, const char **Arguments)
{
    PCMI_COMMAND Command;
    ULONG Table;

    for (Table = 0; Table < RTL_NUMBER_OF(MipTables); Table++) {
        for (Command = MipTables[Table]; Command->Name != NULL; Command++) {
            *Arguments = MipAfterName(Text, Command->Name);
            if (*Arguments != NULL) {
                return Command;
            }
        }
    }
    return NULL;
}

/* => Text has no blanks at either end and is not empty.  Returns whether it did as asked. */
static BOOLEAN MipExecute(const char *Text)
{
    const char *Arguments;
    PCMI_COMMAND Command;
    int Length = 0;

    if (strncmp(Text, "$$", 2) == 0) {
        return TRUE;
    }
    Command = MipFindCommand(Text, &Arguments);
    if (Command == NULL) {
        while (Text[Length] != 0 && Text[Length] != ' ') {
            Length++;
        }
        MiPrint("\"%.*s\" is not a command; help lists them\n", Length, Text);
        return FALSE;
    }
    MipFailed = FALSE;
    KdCaptureRegisters(&MiRegisters);
    Command->Routine(MipSkipBlanks(Arguments));
    return !MipFailed;
}

/* ---- lines ---- */

/* Cut the command at *Line off, without blanks around it.  => NULL: nothing is left. */
static char *MipNextCommand(char **Line)
{
    BOOLEAN Quoted = FALSE;
    char *Start = *Line;
    char *End;

    if (Start == NULL) {
        return NULL;
    }
    for (End = Start; *End != 0 && (*End != ';' || Quoted); End++) {
        Quoted ^= *End == '"';
    }
    *Line = *End == 0 ? NULL : End + 1;
    *End = 0;
    while (*Start == ' ') {
        Start++;
    }
    while (End > Start && End[-1] == ' ') {
        *--End = 0;
    }
    return Start;
}

BOOLEAN MiExecuteLine(const char *Line)
{
    static char Copies[2][MI_LINE_BYTES]; /* $< is a command that carries lines out itself */
    char *Copy = Copies[MipScript.Running];
    char *Rest = Copy;
    char *Command;
    BOOLEAN Good = TRUE;

    if (*MipSkipBlanks(Line) == '*') {
        return TRUE;
    }
    (void)RtlStringCbPrintfA(Copy, MI_LINE_BYTES, "%s", Line);
    MipStopped = FALSE;
    MipContinuation = NULL;
    while (!MipStopped && (Command = MipNextCommand(&Rest)) != NULL) {
        if (*Command != 0) {
            Good &= MipExecute(Command);
        }
    }
    return Good;
}

static void MipEmptyLine(void)
{
    MI_COMMAND_ROUTINE *Routine = MipContinuation;

    MipStopped = FALSE;
    MipContinuation = NULL;
    if (Routine != NULL) {
        Routine("");
    }
}

void MiRunMonitor(void)
{
    MiInitializeLineEditor(&MipEditor, &MipHistory, KiConsoleSink, NULL);
    MiPrint("\nType help for the commands.\n");
    for (;;) {
        MiPrint(MIP_PROMPT);
        MipReadLine(&MipEditor, MI_LINE_BYTES);
        if (MipEditor.Line[0] == 0) {
            MipEmptyLine();
        } else {
            (void)MiExecuteLine(MipEditor.Line);
        }
    }
}

/* ---- help ---- */

static void MipHelpOn(const char *Name)
{
    const char *Rest;
    PCMI_COMMAND Command = MipFindCommand(Name, &Rest);

    if (Command == NULL || *Rest != 0) {
        MiFail("\"%s\" is not a command; help lists them", Name);
        return;
    }
    MiPrint("%s %s\n    %s\n", Command->Name, Command->Syntax, Command->Help);
}

void MiHelpCommand(const char *Arguments)
{
    PCMI_COMMAND Command;
    ULONG Table;

    if (*Arguments != 0) {
        MipHelpOn(Arguments);
        return;
    }
    for (Table = 0; Table < RTL_NUMBER_OF(MipTables); Table++) {
        for (Command = MipTables[Table]; Command->Name != NULL; Command++) {
            MiPrint("  %-*s %-20s %s\n", MIP_NAME_COLUMN, Command->Name, Command->Syntax,
                    Command->Help);
        }
    }
    MiPrint("  Numbers are hexadecimal; 0n makes one decimal.  A range is <va>, <va> L<n>\n"
            "  or <va> <last va>.  ; separates commands.  Ctrl-C ends what prints too much.\n");
}

/* ---- scripts ---- */

void MiEndScript(void)
{
    char Text[80];

    if (!MipScript.Running) {
        return;
    }
    MipScript.Running = FALSE;
    (void)RtlStringCbPrintfA(Text, sizeof(Text), "script: %u lines carried out, %u failed",
                             MipScript.Commands, MipScript.Failures);
    (void)KdReport(MipScript.Failures == 0, Text);
}

static void MipScriptFailure(ULONG Number, const char *What)
{
    char Text[MI_LINE_BYTES + 32];

    MipScript.Failures++;
    (void)RtlStringCbPrintfA(Text, sizeof(Text), "script line %u: %s", Number, What);
    (void)KdReport(FALSE, Text);
}

static void MipScriptLine(ULONG Number, const char *Line)
{
    MiPrint(MIP_PROMPT "%s\n", Line);
    MipScript.Commands++;
    if (!MiExecuteLine(Line)) {
        MipScriptFailure(Number, Line);
    }
}

/*
 * Copy the line at Text to Line: tabs become blanks, other control characters question marks.
 *
 * => Returns the bytes up to the next line.  *Cut: it was longer than a line may be.
 */
static SIZE_T MipCopyLine(const char *Text, SIZE_T Bytes, char Line[MI_LINE_BYTES], PBOOLEAN Cut)
{
    SIZE_T Used = 0;
    SIZE_T i;

    *Cut = FALSE;
    for (i = 0; i < Bytes && Text[i] != '\n'; i++) {
        char Character = Text[i] == '\t' ? ' ' : Text[i];

        if (Character == '\r') {
            continue;
        }
        if (Used == MI_LINE_BYTES - 1) {
            *Cut = TRUE;
            break;
        }
        Line[Used++] = Character < ' ' || Character == 0x7F ? '?' : Character;
    }
    while (i < Bytes && Text[i] != '\n') {
        i++;
    }
    Line[Used] = 0;
    return i < Bytes ? i + 1 : i;
}

/* Ctrl-C ends the script with the line that it was typed in. */
static void MipRunLines(const char *Text, SIZE_T Bytes)
{
    static char Line[MI_LINE_BYTES];
    ULONG Number = 0;
    BOOLEAN Cut;

    MipStopped = FALSE;
    while (Bytes != 0 && !MipStopped) {
        SIZE_T Taken = MipCopyLine(Text, Bytes, Line, &Cut);

        Text += Taken;
        Bytes -= Taken;
        Number++;
        if (Cut) {
            MipScriptFailure(Number, "longer than a line may be");
        } else if (*MipSkipBlanks(Line) != 0) {
            MipScriptLine(Number, Line);
        }
        if (MiStopRequested()) {
            MipScriptFailure(Number, "stopped by Ctrl-C");
        }
    }
}

/* A byte order mark of UTF-8 is skipped; that of UTF-16 tells a text that cannot be read. */
BOOLEAN MiRunDiskScript(void)
{
    const char *Text;
    SIZE_T Bytes;

    if (!KdQueryScript(&Text, &Bytes)) {
        return KdReport(FALSE, "script: there is no monitor.txt on the disk");
    }
    if (Bytes >= 2 && ((UCHAR)Text[0] == 0xFF || (UCHAR)Text[0] == 0xFE)) {
        return KdReport(FALSE, "script: monitor.txt is UTF-16; save it as plain text");
    }
    if (Bytes >= 3 && memcmp(Text, "\xEF\xBB\xBF", 3) == 0) {
        Text += 3;
        Bytes -= 3;
    }
    MipScript.Running = TRUE;
    MipScript.Commands = 0;
    MipScript.Failures = 0;
    MipRunLines(Text, Bytes);
    MiEndScript();
    return MipScript.Failures == 0;
}

/* $<monitor.txt */
void MiScriptCommand(const char *Arguments)
{
    if (MipScript.Running) {
        MiFail("A script cannot start a script.");
    } else if (*Arguments != 0 && RtlCompareText(Arguments, "monitor.txt", 256) != 0) {
        MiFail("The disk's script is called monitor.txt, not \"%s\".", Arguments);
    } else if (!MiRunDiskScript()) {
        MiFail("The script failed.");
    }
}
