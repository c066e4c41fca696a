/* SPDX-License-Identifier: MIT */
/*
 * crc32c.h - CRC32C by the processor: the CRC32 instruction, which came with SSE4.2.
 *
 * It works on general registers: nothing of SSE's is used.  Source: Intel SDM volume 2A, CRC32.
 */
#ifndef ARCH_CRC32C_H
#define ARCH_CRC32C_H

#include "arch/cpuid.h"

#define ARCH_CRC32C_BLOCK 128u /* bytes */

static inline BOOLEAN ArchHasCrc32c(void)
{
    return (ArchCpuid(1, 0).Ecx & CPUID_1_ECX_SSE42) != 0;
}

/* The next bytes' part, not inverted at either end.  => ArchHasCrc32c. */
static inline ULONG ArchCrc32cByte(ULONG Crc, UCHAR Byte)
{
    __asm__("crc32b %1, %0" : "+r"(Crc) : "qm"(Byte));
    return Crc;
}

static inline ULONG ArchCrc32cBlock(ULONG Crc, const UCHAR *Data)
{
    __asm__(".set ArchCrc32cAt, 0\n"
            ".rept 32\n"
            "crc32l ArchCrc32cAt(%1), %0\n"
            ".set ArchCrc32cAt, ArchCrc32cAt + 4\n"
            ".endr"
            : "+r"(Crc)
            : "r"(Data), "m"(*(const UCHAR(*)[ARCH_CRC32C_BLOCK])Data));
    return Crc;
}

#endif
