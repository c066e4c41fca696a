/* SPDX-License-Identifier: MIT */
/*
 * sysva_machine.h - a simulated machine with page frames and system PTEs, for mm/sysva.
 *
 *     SysvaStart(1024, 2048);
 *     ... reserve, map, lock, and give everything back ...
 *     SysvaFinish();
 */
#ifndef TESTS_UNIT_SYSVA_MACHINE_H
#define TESTS_UNIT_SYSVA_MACHINE_H

#include "mm.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/sysva/system_ptes.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#define SYSVA_PTES_START 0xD0000000u

/* What must be the same before and after: figure R12. */
typedef struct _SYSVA_BALANCE {
    ULONG Available;
    ULONG Committed;
    ULONG ResidentAvailable;
    ULONG FreePtes;
    ULONG LockedPages;
    ULONG PoolBytes;
} SYSVA_BALANCE;

/* Power on with Frames frames and Ptes system PTEs at SYSVA_PTES_START, and take the balance. */
void SysvaStart(ULONG Frames, ULONG Ptes);

/* Trim what is kept ready, verify everything, compare the balance.  The machine stays on. */
void SysvaCheckBalance(void);

/* The same, then delete the machine. */
void SysvaFinish(void);

SYSVA_BALANCE SysvaBalance(void);

/* Run Act(Context); it must end in bug check Code with these parameters.  SYSVA_ANY fits all. */
#define SYSVA_ANY 0xA11A11A1u
void SysvaExpectBugCheck(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4,
                         KSTART *Act, PVOID Context);

/* Locks that a bug check left held are free again. */
void SysvaForgetLocks(void);

/* A physical address. */
PHYSICAL_ADDRESS SysvaPhysical(ULONG64 Address);

#endif
