/* SPDX-License-Identifier: MIT */
/*
 * memory_commands.c - the table of the commands about memory: none yet.
 */
#include "mm/inspect/command.h"

const MI_COMMAND MiMemoryCommands[] = {
    {NULL, NULL, NULL, NULL},
};
