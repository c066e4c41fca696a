/* SPDX-License-Identifier: MIT */
/*
 * user_access.h - when the kernel may touch memory of the user half.
 *
 * With SMAP an access of the kernel to a user's page faults unless EFLAGS.AC is set, which
 * KiGuardedCopy and KiGuardedTouch do for the time of the access.  Interrupts and exceptions clear
 * it for their handlers, so that no other thread ever runs with it; their IRET brings it back.
 */
#ifndef ARCH_X86_USER_ACCESS_H
#define ARCH_X86_USER_ACCESS_H

#include "nt/types.h"

#define KI_EFLAGS_AC 0x40000u

extern BOOLEAN KiAccessPrevention; /* CR4.SMAP is set; fixed once page tables are initialised */

/* => Any IRQL. */
static inline void KiForbidUserAccess(void)
{
    if (KiAccessPrevention) {
        __asm__ volatile("clac" : : : "memory", "cc");
    }
}

static inline void KiPermitUserAccess(void)
{
    if (KiAccessPrevention) {
        __asm__ volatile("stac" : : : "memory", "cc");
    }
}

#endif
