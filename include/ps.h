/* SPDX-License-Identifier: MIT */
/*
 * ps.h - threads of the system's own.
 */
#ifndef PS_H
#define PS_H

#include "nt/status.h"
#include "nt/types.h"

/* => PASSIVE_LEVEL; the thread ends when it returns. */
typedef void NTAPI PS_SYSTEM_ROUTINE(PVOID Context);

/*
 * Start a system thread: what PsCreateSystemThread does, without a handle, of which there are none
 * yet.  Its memory is freed when it has ended.
 *
 * => PASSIVE_LEVEL, after MmInitSystem.  Priority is 1 to HIGH_PRIORITY; Name stays.
 * => STATUS_INSUFFICIENT_RESOURCES: no memory, nothing was started.
 */
NT_MUST_CHECK NTSTATUS PsStartSystemThread(PS_SYSTEM_ROUTINE *Routine, PVOID Context,
                                           KPRIORITY Priority, const char *Name);

#endif
