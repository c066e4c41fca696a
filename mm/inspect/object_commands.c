/* SPDX-License-Identifier: MIT */
/*
 * object_commands.c - the table of the commands about objects: none yet.
 */
#include "mm/inspect/command.h"

const MI_COMMAND MiObjectCommands[] = {
    {NULL, NULL, NULL, NULL},
};
