/* SPDX-License-Identifier: MIT */
/*
 * frame.h - taking frames and giving them back.
 *
 * A frame that was allocated is Active with one share and one reference, remembers no PTE
 * (PteAddress is NULL, PteFrame MI_PTE_FRAME_NONE) and has the default priority; u1 is undefined.
 * Nothing here waits: no memory is a status, and memory_events.h tells when to try again.
 */
#ifndef MM_PFN_FRAME_H
#define MM_PFN_FRAME_H

#include "mm/pfn/pfn.h"
#include "nt/status.h"

/* The values are those of the list that is asked first. */
typedef enum _MI_FRAME_WANTED {
    MiFrameZeroed = ZeroedPageList, /* contents are zero */
    MiFrameAny = FreePageList       /* contents do not matter */
} MI_FRAME_WANTED;

/*
 * Take one frame, of Color (any number; taken modulo the colours) where possible.
 *
 *     MiFrameAny      free, zeroed, standby
 *     MiFrameZeroed   zeroed; else free or standby, and zeroed now
 *
 * => IRQL <= DISPATCH_LEVEL, MiPfnLock not held.
 * => STATUS_NO_MEMORY: no frame is available; *Frame is left alone.
 */
NT_MUST_CHECK NTSTATUS FASTCALL MiAllocateFrame(MI_FRAME_WANTED Wanted, ULONG Color,
                                                PPFN_NUMBER Frame) NT_NOT_HOLDING(MiPfnLock);

/*
 * Give an allocated frame back; its last share and reference go with it.
 *
 * => IRQL <= DISPATCH_LEVEL, MiPfnLock not held.
 * => Bug check 0x4E: 9A when it is still locked for I/O, 99 when it is not in use.
 */
void FASTCALL MiFreeFrame(PFN_NUMBER Frame) NT_NOT_HOLDING(MiPfnLock);

/*
 * Take Pages contiguous frames within [Lowest, Highest], the highest that there are, so that low
 * memory stays for devices that need it.  Standby pages in the way are reused.
 *
 * => BoundaryPages: a power of two whose multiples the frames do not cross; 0: no boundary.
 * => STATUS_INVALID_PARAMETER: Pages is 0, Lowest > Highest, BoundaryPages is no power of two.
 *    STATUS_NO_MEMORY: no such run.  *First is left alone.
 */
NT_MUST_CHECK NTSTATUS MiAllocateContiguousFrames(ULONG Pages, PFN_NUMBER Lowest,
                                                  PFN_NUMBER Highest, ULONG BoundaryPages,
                                                  PPFN_NUMBER First) NT_NOT_HOLDING(MiPfnLock);

/* => All frames are as MiFreeFrame wants one. */
void MiFreeContiguousFrames(PFN_NUMBER First, ULONG Pages) NT_NOT_HOLDING(MiPfnLock);

/*
 * Take up to Pages frames, not contiguous, within [Lowest, Highest], as MmAllocatePagesForMdl does.
 *
 * => Frames has room for Pages; *Allocated of them are written, 1 to Pages.
 * => STATUS_NO_MEMORY: not one.  STATUS_INVALID_PARAMETER: Pages is 0 or Lowest > Highest.
 *    *Allocated is left alone.
 */
NT_MUST_CHECK NTSTATUS MiAllocateFramesInRange(MI_FRAME_WANTED Wanted, PFN_NUMBER Lowest,
                                               PFN_NUMBER Highest, ULONG Pages, PPFN_NUMBER Frames,
                                               PULONG Allocated) NT_NOT_HOLDING(MiPfnLock);

/*
 * Error injection (tests, low-resource simulation): the call that counts it down to 0 fails with
 * STATUS_NO_MEMORY.  0: off.  Each call above that allocates counts once.
 */
extern ULONG MiFailFrameAllocation;

static inline BOOLEAN MiInjectFrameFailure(void)
{
    return MiFailFrameAllocation != 0 && --MiFailFrameAllocation == 0;
}

#endif
