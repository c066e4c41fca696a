/* SPDX-License-Identifier: MIT */
/*
 * vectors.h - trying every interrupt vector by INT.
 */
#ifndef X86_VECTORS_H
#define X86_VECTORS_H

#include "nt/types.h"

/*
 * Raise by INT each vector for which the processor pushes no error code and that is no task gate.
 *
 * => Returns how many were raised; *Wrong counts those that did not arrive as themselves.
 */
ULONG KiTryAllVectors(PULONG Wrong);

/* The last vector that no one had connected; for this check. */
extern volatile ULONG KiLastStrayVector;

#endif
