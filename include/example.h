/* SPDX-License-Identifier: MIT */
/*
 * example.h - two processes that stay, for those who look around at the prompt.
 */
#ifndef EXAMPLE_H
#define EXAMPLE_H

/*
 * Make them, or say that they are there already, and print how to look at them.  Each part that
 * cannot be made is said, with its status; the others are there all the same.
 *
 * => PASSIVE_LEVEL, in the system's process; one thread at a time.
 */
void MiStartExample(void);

/*
 * End them, with all that they have, if they are there; the machine does before it ends.  => As
 * above.
 */
void MiEndExample(void);

#endif
