/* SPDX-License-Identifier: MIT */
/*
 * fat_tool.h - what the files of fat_tool share.
 */
#ifndef TESTS_DISK_FAT_TOOL_H
#define TESTS_DISK_FAT_TOOL_H

#include "disk/fat/fat.h"
#include "tests/disk/plain_disk.h"

extern PFAT_VOLUME Volume;
extern PLAIN_DISK Disk;

void FillBytes(PUCHAR Buffer, ULONG Bytes, ULONG Seed);

/*
 * Count random operations, each compared with a model in memory; at the end every
 * file is compared whole.  => Ends the program with status 1 when they differ.
 */
NTSTATUS RandomOperations(ULONG Seed, ULONG Count);

#endif
