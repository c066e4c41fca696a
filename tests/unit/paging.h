/* SPDX-License-Identifier: MIT */
/*
 * paging.h - touching the simulated machine's memory, for the tests of the machine itself.
 */
#ifndef TESTS_UNIT_PAGING_H
#define TESTS_UNIT_PAGING_H

#include "tests/host/machine.h"

#define PAGING_VA 0xD0000000u /* a place without meaning in system space */

/* The last page fault that PagingRecordFault saw. */
extern ULONG PagingLastCode;
extern ULONG_PTR PagingLastVa;

/* Demand zero, and remembers what it was asked. */
HOST_FAULT_HANDLER PagingRecordFault;

/* A machine of 16 MB with that handler. */
void PagingStart(void);

/* One access to a word. */
ULONG PagingRead(ULONG_PTR Va);
void PagingWrite(ULONG_PTR Va, ULONG Value);
void PagingReadOnce(PVOID Va);
void PagingWriteOnce(PVOID Va);

/* Map a new frame with Bits, in the directory in use.  => Returns the frame. */
PFN_NUMBER PagingMap(ULONG_PTR Va, ULONG Bits);

/* Map a large page at PAGING_VA, valid, writable, with Bits.  => Returns its first frame. */
PFN_NUMBER PagingMapLarge(ULONG Bits);

/* The page's entry, bits 0-11, by the host alias: looking disturbs nothing.  => It has a table. */
ULONG PagingBitsOf(ULONG_PTR Va);

/* The first word of a frame, by the host alias. */
ULONG *PagingWordOf(PFN_NUMBER Frame);

#endif
