/* SPDX-License-Identifier: MIT */
/*
 * verify.h - is everything that the core says of itself true?
 */
#ifndef VERIFY_H
#define VERIFY_H

/*
 * Run the verify of every subsystem that exists, then the checks of one against another
 * (mm/inspect/verify.c).  Silent; the first broken invariant stops the machine.
 *
 * => PASSIVE_LEVEL.  Nobody uses the pools or charges commitment meanwhile.
 */
void MiVerifyAll(void);

#endif
