/* SPDX-License-Identifier: MIT */
/*
 * space_verify.h - address spaces, checked without the help of those who keep them.
 *
 * What is wrong stops the machine: bug check 0x1A, 403 (P2 the PTE's address, P3 its contents, P4
 * the frame) where a PTE and its frame disagree, an assertion everywhere else.
 */
#ifndef MM_SPACE_SPACE_VERIFY_H
#define MM_SPACE_SPACE_VERIFY_H

#include "mm/space/process.h"

/* Check D1-D3, G1-G3, U1-U5, T1-T3 and H1-H2 for all processes.  => IRQL <= APC_LEVEL. */
void MiVerifyAddressSpaces(void);

/* Pages of commitment that processes are charged for.  => Any IRQL; nobody is charged meanwhile. */
ULONG MiCountProcessCharges(void);

#endif
