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
 * => PASSIVE_LEVEL, the monitor's thread, also when .process has taken it into another process.
 */
void MiStartExample(void);

/*
 * End them, with all that they have, if they are there; the machine does before it ends.  => As
 * above.
 */
void MiEndExample(void);

#endif
