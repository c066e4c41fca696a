/* SPDX-License-Identifier: MIT */
/*
 * pfn_machine.h - a simulated machine with a page-frame database, for the tests of mm/pfn.
 */
#ifndef PFN_MACHINE_H
#define PFN_MACHINE_H

#include "loader.h"
#include "mm/pfn/boot_frames.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/pfn_database.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/pfn/zero_pages.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

/* The number of elements of an array of LOADER_MEMORY_RUN, as two arguments. */
#define PFN_RUNS(Runs) (Runs), (ULONG)RTL_NUMBER_OF(Runs)

/* Power on with Frames frames (as many as are touched); the database is not built yet. */
void PfnPowerOn(ULONG Frames, const LOADER_MEMORY_RUN *Runs, ULONG Count);

/* Build the database, between bytes that the sanitizer guards. */
void PfnBuildDatabase(void);

/* Both, with one free run [1, Frames). */
void PfnStart(ULONG Frames);

/* Verify, delete the machine. */
void PfnFinish(void);

MMLISTS PfnState(PFN_NUMBER Frame);

/* Any frame; the test fails when there is none. */
PFN_NUMBER PfnTake(void);

/*
 * The calls of pfn_reference.h and pfn_list.h that want the lock, with the lock; those that return
 * a status must succeed.
 */
void PfnReference(PFN_NUMBER Frame);
void PfnDereference(PFN_NUMBER Frame);
void PfnShare(PFN_NUMBER Frame);
void PfnUnshare(PFN_NUMBER Frame);
void PfnSetPte(PFN_NUMBER Frame, PFN_NUMBER PteFrame);
void PfnClearPte(PFN_NUMBER Frame);
void PfnSetModified(PFN_NUMBER Frame);
void PfnSetNoWrite(PFN_NUMBER Frame, BOOLEAN NoWrite);

/* A frame that remembers a PTE, on the standby list of Priority. */
PFN_NUMBER PfnTakeStandby(ULONG Priority);

/* The PTE that PfnSetPte names for Frame, and what it is to hold again: Frame * 16. */
PMMPTE PfnPteOf(PFN_NUMBER Frame);

/* The frames whose PTEs were restored, in order. */
extern ULONG PfnRestoredCount;
extern PFN_NUMBER PfnRestored[64];

/* Run Act(Context); it must end in bug check 0x4E with these parameters. */
void PfnExpectCorrupt(ULONG Parameter1, ULONG Parameter2, ULONG Parameter3, ULONG Parameter4,
                      KSTART *Act, PVOID Context);

#endif
