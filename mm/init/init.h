/* SPDX-License-Identifier: MIT */
/*
 * init.h - what the parts of the start share.
 */
#ifndef MM_INIT_INIT_H
#define MM_INIT_INIT_H

#include "mm_machine.h"
#include "nt/annotations.h"
#include "nt/status.h"

/* Stop the machine: 0x7D, the step that found too little memory. */
NT_NORETURN void MiInstallMoreMemory(ULONG Step);

/*
 * Lay out the pools over MiLayout and start them.
 *
 * => After system PTEs and kernel stacks.  STATUS_NO_MEMORY, STATUS_INSUFFICIENT_RESOURCES.
 */
NT_MUST_CHECK NTSTATUS MiCreatePools(const MM_BOOT *Boot);

/*
 * Give special pool a quarter of the free system PTEs.
 *
 * => After MiCreatePools, once.  Returns FALSE when there is no memory for it.
 */
NT_MUST_CHECK BOOLEAN MiCreateSpecialPool(void);

/* => Returns the number that system.reg has for Name; 0: none. */
ULONG MiBootValue(const MM_BOOT *Boot, const char *Name);

/* Name the values of system.reg that were changed and change nothing. */
void MiNameSettingsWithoutEffect(const MM_BOOT *Boot);

/* => What MmInitSystem was given. */
const MM_BOOT *MiBootBlock(void);

/*
 * Start the system cache over Calls, and the lazy writer.
 *
 * => PASSIVE_LEVEL, once, after MmStartSystemThreads.
 */
struct _MM_CACHE_VIEW_CALLS;
void MiStartSystemCache(const MM_BOOT *Boot, const struct _MM_CACHE_VIEW_CALLS *Calls);

/* What the zero-page thread runs: never returns. */
void NTAPI MiZeroPageThread(PVOID Context);

#endif
