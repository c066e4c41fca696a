/* SPDX-License-Identifier: MIT */
/*
 * debugger.h - what the files of the debugger's own commands share.
 */
#ifndef MM_INSPECT_DEBUGGER_H
#define MM_INSPECT_DEBUGGER_H

#include "arch/debug.h"
#include "mm/inspect/command.h"

/* ---- monitor.c ---- */

/* The monitor's registers when the command that runs was called: r, @eax, k. */
extern KD_REGISTERS MiRegisters;

/* Carry out the commands of one line.  => FALSE: one of them failed, or is none. */
BOOLEAN MiExecuteLine(const char *Line);

/*
 * An empty line carries Routine("") out: so that Enter shows the next piece of memory.
 *
 * => Called by a command; holds until the next command.
 */
void MiContinueWith(MI_COMMAND_ROUTINE *Routine);

/* Print the line that sums a script up, if one runs: the machine is about to go. */
void MiEndScript(void);

/* ---- arguments.c ---- */

/* What a range may span: more is a slip of the finger. */
#define MI_RANGE_BYTES 0x100000u

typedef struct _MI_MEMORY_RANGE {
    ULONG_PTR Start;
    ULONG Count; /* of objects of the size that was asked for; all within the address space */
} MI_MEMORY_RANGE, *PMI_MEMORY_RANGE;

/*
 * Take "start", "start Ln" or "start end", where end belongs to the range and L counts objects of
 * ObjectBytes.
 *
 * => DefaultCount is for a start alone; 0: that will not do.
 * => As MiTakeArgument.
 */
NT_MUST_CHECK NTSTATUS MiTakeRange(const char **Arguments, ULONG ObjectBytes, ULONG DefaultCount,
                                   PMI_MEMORY_RANGE Range);

/* => TRUE: *Arguments is at its end.  FALSE: a sentence about what stands there was printed. */
NT_MUST_CHECK BOOLEAN MiTakeEnd(const char *Arguments);

/* As MiTakeArgument, but blanks may stand within the expression, and nothing behind it. */
NT_MUST_CHECK NTSTATUS MiTakeWholeExpression(const char *Arguments, PULONG_PTR Value);

#define MI_WORD_BYTES 64u

/*
 * Take what stands up to the next blank, and the blanks behind it.
 *
 * => FALSE: nothing is left, or the word is longer than Word, which is then empty.
 */
BOOLEAN MiTakeWord(const char **Arguments, char Word[MI_WORD_BYTES]);

/* ---- virtual_memory.c: MiReadVirtual, and ---- */

/*
 * Write Bytes, at most PAGE_SIZE, to Va without a fault.
 *
 * => FALSE: *Obstacle is the first byte that is not valid or may not be written; nothing was.
 */
BOOLEAN MiWriteVirtual(ULONG_PTR Va, const void *Buffer, SIZE_T Bytes, PULONG_PTR Obstacle);

/* ---- symbol_commands.c ---- */

#define MI_NAME_BYTES (KD_SYMBOL_BYTES + 16)

/*
 * "nt!Name", or "nt!Name+0x1c".
 *
 * => FALSE: Va lies outside of the kernel's image; Name is empty.
 */
BOOLEAN MiNameAddress(ULONG_PTR Va, char Name[MI_NAME_BYTES]);

/* ---- commands ---- */

MI_COMMAND_ROUTINE MiHelpCommand;
MI_COMMAND_ROUTINE MiScriptCommand;

MI_COMMAND_ROUTINE MiDisplayCommand; /* d: as the last one */
MI_COMMAND_ROUTINE MiDisplayBytesCommand;
MI_COMMAND_ROUTINE MiDisplayWordsCommand;
MI_COMMAND_ROUTINE MiDisplayLongsCommand;
MI_COMMAND_ROUTINE MiDisplayLongsAndTextCommand;
MI_COMMAND_ROUTINE MiDisplayPointersCommand;
MI_COMMAND_ROUTINE MiDisplayQuadsCommand;
MI_COMMAND_ROUTINE MiDisplayAnsiCommand;
MI_COMMAND_ROUTINE MiDisplayUnicodeCommand;
MI_COMMAND_ROUTINE MiDisplayPhysicalBytesCommand;
MI_COMMAND_ROUTINE MiDisplayPhysicalLongsCommand;
MI_COMMAND_ROUTINE MiDisplayPhysicalLongsAndTextCommand;

MI_COMMAND_ROUTINE MiEnterBytesCommand;
MI_COMMAND_ROUTINE MiEnterWordsCommand;
MI_COMMAND_ROUTINE MiEnterLongsCommand;
MI_COMMAND_ROUTINE MiSearchCommand;

MI_COMMAND_ROUTINE MiStackCommand;
MI_COMMAND_ROUTINE MiExamineCommand;
MI_COMMAND_ROUTINE MiNearestCommand;
MI_COMMAND_ROUTINE MiModulesCommand;
MI_COMMAND_ROUTINE MiEvaluateCommand;
MI_COMMAND_ROUTINE MiFormatsCommand;

MI_COMMAND_ROUTINE MiRegistersCommand;
MI_COMMAND_ROUTINE MiIrqlCommand;
MI_COMMAND_ROUTINE MiPcrCommand;
MI_COMMAND_ROUTINE MiIdtCommand;
MI_COMMAND_ROUTINE MiDescriptorCommand;

MI_COMMAND_ROUTINE MiVersionCommand;
MI_COMMAND_ROUTINE MiTargetCommand;
MI_COMMAND_ROUTINE MiMemoryMapCommand;
MI_COMMAND_ROUTINE MiReportCommand;
MI_COMMAND_ROUTINE MiEchoCommand;
MI_COMMAND_ROUTINE MiAssertCommand;
MI_COMMAND_ROUTINE MiCrashCommand;
MI_COMMAND_ROUTINE MiBugCheckCommand;
MI_COMMAND_ROUTINE MiRebootCommand;
MI_COMMAND_ROUTINE MiShutdownCommand;

#endif
