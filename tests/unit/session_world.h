/* SPDX-License-Identifier: MIT */
/*
 * session_world.h - sessions on a machine with a paging file on a simulated disk.
 *
 * SessionBegin makes the machine, two sessions and a process in each, and attaches to the first.
 * SessionFinish ends what is left, and checks that frames, charges, slots and pool are back.
 */
#ifndef TESTS_UNIT_SESSION_WORLD_H
#define TESTS_UNIT_SESSION_WORLD_H

#include "mm/session/session.h"
#include "tests/unit/system_view_world.h"

#define SESSIONS 2u

/* => Seed as HostDiskCreate. */
void SessionBegin(ULONG64 Seed);
void SessionFinish(void);

/* Run in the process of the session from now on; SESSIONS: in one without a session. */
void SessionEnter(ULONG Session);
PEPROCESS SessionProcess(ULONG Session);
PMM_SESSION_SPACE SessionSpace(ULONG Session);

/* Its process and then the session end: the thread leaves it. */
void SessionEnd(ULONG Session);

/* Of the session that runs. */
PVOID SessionAllocate(SIZE_T Bytes);
void SessionTrim(void);

/* All of its pages are out, their frames reused. */
void SessionPageOut(void);

#endif
