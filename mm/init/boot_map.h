/* SPDX-License-Identifier: MIT */
/*
 * boot_map.h - memory behind system addresses, before there is a page-frame database.
 */
#ifndef MM_INIT_BOOT_MAP_H
#define MM_INIT_BOOT_MAP_H

#include "nt/annotations.h"
#include "nt/types.h"

/*
 * Put zeroed boot frames under [Start, Start + Bytes), with page tables where there are none.
 *
 * => After MiInitializePteMaking, between MiInitializeBootFrames and MiInitializePfnDatabase.
 *    Nothing is mapped there.
 * => Returns FALSE when the loader's free memory does not suffice.
 */
NT_MUST_CHECK BOOLEAN MiMapBootFrames(ULONG_PTR Start, ULONG Bytes);

#endif
