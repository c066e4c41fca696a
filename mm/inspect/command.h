/* SPDX-License-Identifier: MIT */
/*
 * command.h - what a command of the monitor is, and what it may use.
 *
 * A command gets the rest of its line and prints.  Numbers are hexadecimal, with or without 0x, as
 * in WinDbg; 0n makes one decimal.  Commands run at PASSIVE_LEVEL in the monitor's thread.
 */
#ifndef MM_INSPECT_COMMAND_H
#define MM_INSPECT_COMMAND_H

#include "nt/annotations.h"
#include "nt/status.h"
#include "nt/types.h"
#include "report.h"

/* => Arguments: what follows the name, without blanks at either end; "" when there is nothing. */
typedef void MI_COMMAND_ROUTINE(const char *Arguments);

typedef struct _MI_COMMAND {
    const char *Name; /* as it is typed; NULL ends a table */
    MI_COMMAND_ROUTINE *Routine;
    const char *Syntax; /* its arguments, as help shows them: "<va> [1]" */
    const char *Help;   /* one line */
} MI_COMMAND;

typedef const MI_COMMAND *PCMI_COMMAND;

/* Print to wherever the monitor's output goes. */
void MiPrint(const char *Format, ...) NT_PRINTF(1, 2);

/*
 * Print a sentence that says why the command did not do what it was asked, and a newline.
 *
 * => The command counts as failed: in a script that is a failed line of the report.  The functions
 *    below that print a sentence do it by this one.
 */
void MiFail(const char *Format, ...) NT_PRINTF(1, 2);

/*
 * Whether Ctrl-C was typed: a command that prints much asks for each line, and ends.
 *
 * => What else is typed meanwhile is kept for the next line.
 */
BOOLEAN MiStopRequested(void);

/*
 * One argument: skip blanks, evaluate the expression there (number, symbol, @register, sums of
 * them), and move *Arguments behind it and the blanks that follow.
 *
 * => STATUS_NO_MORE_ENTRIES: nothing is left, and nothing was printed.
 * => STATUS_INVALID_PARAMETER: it makes no sense; a sentence that says why was printed.
 */
NT_MUST_CHECK NTSTATUS MiTakeArgument(const char **Arguments, PULONG_PTR Value);

/* As MiTakeArgument, but nothing left means Default.  => FALSE: a sentence was printed. */
NT_MUST_CHECK BOOLEAN MiTakeOptional(const char **Arguments, ULONG_PTR Default, PULONG_PTR Value);

/*
 * Copy Bytes from Va to Buffer without a fault.
 *
 * => Returns the bytes copied: fewer when a page on the way is not valid.
 */
SIZE_T MiReadVirtual(ULONG_PTR Va, PVOID Buffer, SIZE_T Bytes);

/* Tables of commands, in the order in which help shows them. */
extern const MI_COMMAND MiDebuggerCommands[]; /* d*, r, k, x, ln, ?, .crash, .reboot, help ... */
extern const MI_COMMAND MiMemoryCommands[];   /* !pte, !pfn, !memusage, !vm, !sysptes */
extern const MI_COMMAND MiObjectCommands[];   /* !pool, !poolused, !poolfind, !thread ... */

#endif
