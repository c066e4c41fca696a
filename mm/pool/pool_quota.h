/* SPDX-License-Identifier: MIT */
/*
 * pool_quota.h - blocks that a process pays for.
 *
 * Such a block is marked (POOL_HEADER.PoolType, MI_BIG_BLOCK.Paid), its last word names the
 * process, which is referenced as long as the block is there, and it costs what it takes: header
 * included, or whole pages.  The system's process pays for nothing, nor does special pool cost.
 */
#ifndef MM_POOL_POOL_QUOTA_H
#define MM_POOL_POOL_QUOTA_H

#include "ex.h"
#include "ps.h"

/* => Who pays for what the running thread allocates; NULL: nobody. */
PEPROCESS MiPoolPayer(void);

/*
 * P, a block that was just allocated with room for a pointer behind what was asked for, is charged.
 *
 * => STATUS_QUOTA_EXCEEDED: nothing was charged, and the block is nobody's.
 */
NT_MUST_CHECK NTSTATUS MiChargePoolBlock(PVOID P, PEPROCESS Payer);

/*
 * A marked block of so many bytes behind P is about to be free: its process gets the charge back.
 *
 * => Charge: what it takes.  Bug check 0xC2/D when the last word names no process.
 */
void MiReturnPoolBlock(PVOID P, SIZE_T Bytes, POOL_TYPE BaseType, SIZE_T Charge);

#endif
