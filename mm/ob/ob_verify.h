/* SPDX-License-Identifier: MIT */
/*
 * ob_verify.h - all invariants of the object manager.
 */
#ifndef MM_OB_VERIFY_H
#define MM_OB_VERIFY_H

#include "nt/types.h"

/* => There are objects, and nobody in this thread holds one of their mutexes. */
BOOLEAN ObpCanVerify(void);

/*
 * ObpVerify, if all of it is resident; otherwise nothing is looked at, so that no page is read back
 * for it.
 */
void ObpVerifyResident(void);

/*
 * O1, O2 (object.c), N1, N2 (handle.c), H1 to H3 (handle_table.c), D1 to D3 (directory.c), and
 *
 *   N3  a name info that names a directory is an entry there
 *
 * => IRQL <= APC_LEVEL.  A violation stops the machine.  Pages that are out come back.
 */
void ObpVerify(void);

#endif
