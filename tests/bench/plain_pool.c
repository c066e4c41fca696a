/* SPDX-License-Identifier: MIT */
/*
 * plain_pool.c - the pools' seam (pool_pages.h) filled with memory from mmap; nobody pays
 * (pool_quota.h).
 */
#include "tests/bench/plain_pool.h"

#include "mm/pool/pool.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/pool_quota.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define POOL_BASE  0x90000000u /* system space: the pools refuse what lies below 80000000 */
#define POOL_PAGES 8192u
#define TAG        0x68636E42u /* 'Bnch' */

void PlainPoolStart(void)
{
    static ULONG Bits[MI_POOL_REGION_BYTES(POOL_PAGES) / sizeof(ULONG)];
    MI_POOL_RANGE Ranges[MiPoolPartCount] = {{POOL_BASE, POOL_PAGES, Bits, NULL, NULL}};

    if (mmap((void *)POOL_BASE, POOL_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)POOL_BASE) {
        perror("mmap");
        exit(1);
    }
    MiInitializePoolPages(Ranges, FALSE);
    MiInitializePools(FALSE);
}

void *PlainPoolAllocate(size_t Bytes)
{
    return ExAllocatePoolWithTag(NonPagedPool, Bytes, TAG);
}

void PlainPoolFree(void *P)
{
    ExFreePoolWithTag(P, TAG);
}

size_t PlainPoolBytes(void)
{
    MI_POOL_FIGURES Figures;

    MiQueryPoolFigures(NonPagedPool, &Figures);
    return Figures.UsedPages * PAGE_SIZE + MiQueryPoolTableBytes();
}

PEPROCESS MiPoolPayer(void)
{
    return NULL;
}

NTSTATUS MiChargePoolBlock(PVOID P, PEPROCESS Payer)
{
    (void)P;
    (void)Payer;
    abort();
}

void MiReturnPoolBlock(PVOID P, SIZE_T Bytes, POOL_TYPE BaseType, SIZE_T Charge)
{
    (void)P;
    (void)Bytes;
    (void)BaseType;
    (void)Charge;
    abort();
}
