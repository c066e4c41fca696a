/* SPDX-License-Identifier: MIT */
/*
 * commands.h - the routines behind the tables of commands, by the file that has them.
 *
 * A routine reads memory that the user named through MiReadVirtual, or checks that it is mapped: no
 * argument makes it fault.
 */
#ifndef MM_INSPECT_COMMANDS_H
#define MM_INSPECT_COMMANDS_H

#include "mm/inspect/command.h"

/* pte_command.c */
MI_COMMAND_ROUTINE MiCommandPte;
MI_COMMAND_ROUTINE MiCommandPteToVa;

/* translate_commands.c */
MI_COMMAND_ROUTINE MiCommandVtop;
MI_COMMAND_ROUTINE MiCommandPtov;
MI_COMMAND_ROUTINE MiCommandSearchPte;

/* address_command.c */
MI_COMMAND_ROUTINE MiCommandAddress;
MI_COMMAND_ROUTINE MiCommandVprot;

/* user_regions.c: !address with options. */
MI_COMMAND_ROUTINE MiCommandUserRegions;

/* dh_command.c */
MI_COMMAND_ROUTINE MiCommandDisplayHeaders;

/* pfn_commands.c */
MI_COMMAND_ROUTINE MiCommandPfn;
MI_COMMAND_ROUTINE MiCommandMemUsage;

/* memory_usage.c: !memusage's lines of sections that have pages in memory. */
void MiPrintAreaUsage(void);

/* vm_command.c */
MI_COMMAND_ROUTINE MiCommandVm;
MI_COMMAND_ROUTINE MiCommandSysPtes;

/* pool_commands.c */
MI_COMMAND_ROUTINE MiCommandPool;
MI_COMMAND_ROUTINE MiCommandPoolVal;

/* pool_find_command.c */
MI_COMMAND_ROUTINE MiCommandPoolFind;

/* pool_used_command.c */
MI_COMMAND_ROUTINE MiCommandPoolUsed;

/* lookaside_command.c */
MI_COMMAND_ROUTINE MiCommandLookaside;

/* thread_commands.c */
MI_COMMAND_ROUTINE MiCommandThread;
MI_COMMAND_ROUTINE MiCommandReady;
MI_COMMAND_ROUTINE MiCommandRunning;
MI_COMMAND_ROUTINE MiCommandStacks;

/* volume_commands.c */
MI_COMMAND_ROUTINE MiCommandVolumes;

/* process_commands.c */
MI_COMMAND_ROUTINE MiCommandProcess;
MI_COMMAND_ROUTINE MiCommandImplicitProcess;

/*
 * For what does something, and not only looks: Routine runs in the system's process, whichever one
 * .process goes into.
 */
void MiRunInSystemProcess(void (*Routine)(void));

/* Lines of !process; flag 1: with figures.  => It stays meanwhile. */
struct _EPROCESS;
void MiPrintProcess(const struct _EPROCESS *Process, ULONG_PTR Flags);

/* session_commands.c */
MI_COMMAND_ROUTINE MiCommandSession;
MI_COMMAND_ROUTINE MiCommandSessionProcess;

/* What !vm says of sessions. */
void MiPrintSessionUsage(void);

/* cache_command.c */
MI_COMMAND_ROUTINE MiCommandFileCache;
MI_COMMAND_ROUTINE MiCommandDefWrites;

/* ca_command.c */
MI_COMMAND_ROUTINE MiCommandCa;

/* ob_commands.c */
MI_COMMAND_ROUTINE MiCommandObject;
MI_COMMAND_ROUTINE MiCommandHandle;

/* vad_command.c */
MI_COMMAND_ROUTINE MiCommandVad;
MI_COMMAND_ROUTINE MiCommandWsle;

/* example.c */
MI_COMMAND_ROUTINE MiCommandExample;

/* io_commands.c */
MI_COMMAND_ROUTINE MiCommandIrp;
MI_COMMAND_ROUTINE MiCommandDevObj;
MI_COMMAND_ROUTINE MiCommandDrvObj;
MI_COMMAND_ROUTINE MiCommandFileObj;

/* verify_command.c */
MI_COMMAND_ROUTINE MiCommandVerify;

/* => FALSE: a sentence said that there are no page frames (system PTEs, pools) yet. */
NT_MUST_CHECK BOOLEAN MiCommandNeedsFrames(void);
NT_MUST_CHECK BOOLEAN MiCommandNeedsSystemPtes(void);
NT_MUST_CHECK BOOLEAN MiCommandNeedsPools(void);

/* The same of processes; also when IRQL forbids to look at them. */
NT_MUST_CHECK BOOLEAN MiCommandNeedsProcesses(void);

/* => NULL: Address is no process', and a sentence said so. */
struct _EPROCESS *MiFindProcess(ULONG_PTR Address);

/* A name in nonpaged pool, as UTF-8; "(no name)" if it cannot be read. */
struct _UNICODE_STRING;
void MiPrintWideName(const struct _UNICODE_STRING *Name);

/* => The object that is called Path; it is not referenced.  0: none, and a sentence said so. */
ULONG_PTR MiFindNamedObject(const char *Path);

/* The words of a 4-character tag: * is any tag, ? any character; blanks also stand for zeroes. */
typedef struct _MI_TAG_PATTERN {
    char Text[4];
    BOOLEAN Any;
} MI_TAG_PATTERN, *PMI_TAG_PATTERN;

/*
 * Take a tag from *Arguments: 1 to 4 characters (fewer are filled up with blanks), *, or a number
 * that begins with 0x.
 *
 * => FALSE: a sentence was printed.  Nothing left means any tag.
 */
NT_MUST_CHECK BOOLEAN MiTakeTag(const char **Arguments, PMI_TAG_PATTERN Pattern);
BOOLEAN MiTagMatches(const MI_TAG_PATTERN *Pattern, ULONG Tag);

/* Who uses a tag, in the manner of pooltag.txt; "" when nobody in the tree does. */
const char *MiPoolTagOwner(ULONG Tag);

#endif
