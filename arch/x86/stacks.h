/* SPDX-License-Identifier: MIT */
/*
 * stacks.h - the stacks that exist before there is a memory manager.
 */
#ifndef X86_STACKS_H
#define X86_STACKS_H

#define KERNEL_STACK_BYTES 0x3000 /* NT's 12 KB */

#ifndef __ASSEMBLER__
#include "nt/types.h"

/* Each guard is one page; the stack lies between it and its top. */
extern UCHAR KiBootStackGuard[], KiBootStackTop[];
extern UCHAR KiDoubleFaultStackGuard[], KiDoubleFaultStackTop[];
extern UCHAR KiNmiStackGuard[], KiNmiStackTop[];
extern UCHAR KiIdleStackGuard[], KiIdleStackTop[];
#endif

#endif
