/* SPDX-License-Identifier: MIT */
/*
 * memory_commands.c - the commands about addresses, page tables and page frames.
 */
#include "mm/inspect/commands.h"

const MI_COMMAND MiMemoryCommands[] = {
    {"!vm", MiCommandVm, "[flags]", "memory in use: 1 brief, 2 stacks, 20 kernel VA"},
    {"!memusage", MiCommandMemUsage, "[flags]", "frames by list and by section; 8: lists only"},
    {"!pfn", MiCommandPfn, "<frame>", "a page frame's entry"},
    {"!pte", MiCommandPte, "<va> [1 | end]", "page-table entries: of va, at va, of a range"},
    {"!pte2va", MiCommandPteToVa, "<pte>", "the address that a PTE maps"},
    {"!vtop", MiCommandVtop, "<dirbase or 0> <va>", "an address's physical address"},
    {"!ptov", MiCommandPtov, "[dirbase or 0]", "which pages an address space maps, and where"},
    {"!searchpte", MiCommandSearchPte, "<frame>", "the PTEs that map a page frame"},
    {"!sysptes", MiCommandSysPtes, "[flags]", "system PTEs: 1 free runs, 8 pool expansion"},
    {"!address", MiCommandAddress, "[va | options]",
     "system space or a place; -summary: user half"},
    {"!vprot", MiCommandVprot, "<va>", "a region of the user half, and its protection"},
    {"!verify", MiCommandVerify, "", "check every invariant of the core"},
    {NULL, NULL, NULL, NULL},
};
