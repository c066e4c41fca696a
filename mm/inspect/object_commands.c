/* SPDX-License-Identifier: MIT */
/*
 * object_commands.c - the commands about pool blocks, threads, processes, disks and I/O objects.
 */
#include "mm/inspect/commands.h"

const MI_COMMAND MiObjectCommands[] = {
    {"!poolused", MiCommandPoolUsed, "[flags [tag]]", "pool by tag: 1 verbose, 2 or 4 sorted"},
    {"!pool", MiCommandPool, "[addr [flags]]", "a pool page's blocks: 1 contents, 2 one only"},
    {"!poolfind", MiCommandPoolFind, "<tag> [type]", "a tag's blocks: 0 nonpaged, 1 paged"},
    {"!poolval", MiCommandPoolVal, "<addr> [level]", "is a pool page sound: level 0 to 3"},
    {"!lookaside", MiCommandLookaside, "[addr]", "look-aside lists"},
    {"!thread", MiCommandThread, "[addr]", "a thread, and what it waits for"},
    {"!ready", MiCommandReady, "", "threads that are ready to run"},
    {"!running", MiCommandRunning, "", "the running thread"},
    {"!stacks", MiCommandStacks, "[0-2 [name]]", "all threads, and what they wait for"},
    {"!volumes", MiCommandVolumes, "", "disks, partitions, the boot volume"},
    {"!process", MiCommandProcess, "[addr or 0 [flags]]",
     "a process, or all: 1 figures, 2 4 threads"},
    {".process", MiCommandImplicitProcess, "[addr or 0]", "look at a process' address space"},
    {"!session", MiCommandSession, "[-s n]", "sessions; -s: look at another, -1 the running"},
    {"!sprocess", MiCommandSessionProcess, "[n [flags]]", "a session and its processes: -4 all"},
    {"!vad", MiCommandVad, "[root or vad [1]]", "what the user half is reserved for"},
    {"!dh", MiCommandDisplayHeaders, "[-f] [-s] [-a] <base>", "the headers of an image in memory"},
    {"!ca", MiCommandCa, "[addr, 0 or -1 [flags]]", "sections: 1 segment, 2 subsections"},
    {"!filecache", MiCommandFileCache, "[1]", "files in the system cache: 1 with their views"},
    {"!defwrites", MiCommandDefWrites, "", "writers that wait until less is dirty"},
    {"!wsle", MiCommandWsle, "[flags [list]]", "a working set: 1 entries, 2 totals, 4 free"},
    {"!object", MiCommandObject, "[path or addr]", "an object; a directory with its entries"},
    {"!handle", MiCommandHandle, "[n [flags [process]]]", "handles, 0: all; flags 2: objects too"},
    {"!irp", MiCommandIrp, "<addr>", "an I/O request and its stack locations"},
    {"!devobj", MiCommandDevObj, "<addr or name>", "a device object and its stack"},
    {"!drvobj", MiCommandDrvObj, "<addr or name>", "a driver object: devices, dispatch routines"},
    {"!fileobj", MiCommandFileObj, "<addr>", "a file object"},
    {NULL, NULL, NULL, NULL},
};
