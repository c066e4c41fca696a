/* SPDX-License-Identifier: MIT */
/*
 * world.h - what a test's simulated machine consists of.
 */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

/*
 * A new machine: what an earlier test started does not exist any more, so that MiVerifyAll, which
 * every world calls at its end, looks at this test's subsystems only.
 */
void WorldForget(void);

#endif
