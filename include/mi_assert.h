/* SPDX-License-Identifier: MIT */
/*
 * mi_assert.h - assertions of the core.
 *
 *     MI_ASSERT        always on: cheap facts that later damage would hide
 *     MI_DEBUG_ASSERT  in debug builds (MI_DEBUG)
 *
 * A failed assertion prints itself and stops the machine; it is for broken invariants, never for
 * bad input.
 */
#ifndef MI_ASSERT_H
#define MI_ASSERT_H

#include "nt/types.h"

/* Print "*** Assertion failed: ..." and stop: MEMORY_MANAGEMENT, P1 = MI_ASSERTION, P2 = Line. */
NT_NORETURN void MiAssertionFailed(const char *Condition, const char *File, ULONG Line);

#define MI_ASSERTION 0x41535254u /* 'ASRT' */

#define MI_ASSERT(Condition)                                                                       \
    ((Condition) ? (void)0 : MiAssertionFailed(#Condition, __FILE__, __LINE__))

#if defined(MI_DEBUG)
#define MI_DEBUG_ASSERT(Condition) MI_ASSERT(Condition)
#else
#define MI_DEBUG_ASSERT(Condition) ((void)sizeof(!(Condition)))
#endif

#endif
