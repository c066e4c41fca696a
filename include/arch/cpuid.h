/* SPDX-License-Identifier: MIT */
/*
 * cpuid.h - CPUID and the bits of the control registers, for the loader and arch/x86.
 *
 * The one home of these numbers.  Source: Intel SDM volumes 2A (CPUID) and 3A (2.5, 2.2.1).
 */
#ifndef ARCH_CPUID_H
#define ARCH_CPUID_H

#include "nt/types.h"

typedef struct _CPUID_REGISTERS {
    ULONG Eax;
    ULONG Ebx;
    ULONG Ecx;
    ULONG Edx;
} CPUID_REGISTERS;

static inline CPUID_REGISTERS ArchCpuid(ULONG Leaf, ULONG SubLeaf)
{
    CPUID_REGISTERS R;

    __asm__ volatile("cpuid"
                     : "=a"(R.Eax), "=b"(R.Ebx), "=c"(R.Ecx), "=d"(R.Edx)
                     : "a"(Leaf), "c"(SubLeaf));
    return R;
}

#define CPUID_1_EDX_FPU            0x00000001u
#define CPUID_1_EDX_PSE            0x00000008u
#define CPUID_1_EDX_TSC            0x00000010u
#define CPUID_1_EDX_MSR            0x00000020u
#define CPUID_1_EDX_PAE            0x00000040u
#define CPUID_1_EDX_MCE            0x00000080u
#define CPUID_1_EDX_CX8            0x00000100u
#define CPUID_1_EDX_APIC           0x00000200u
#define CPUID_1_EDX_MTRR           0x00001000u
#define CPUID_1_EDX_PGE            0x00002000u
#define CPUID_1_EDX_MCA            0x00004000u
#define CPUID_1_EDX_CMOV           0x00008000u
#define CPUID_1_EDX_PAT            0x00010000u
#define CPUID_1_EDX_PSE36          0x00020000u
#define CPUID_1_EDX_FXSR           0x01000000u
#define CPUID_1_EDX_SSE            0x02000000u
#define CPUID_1_EDX_SSE2           0x04000000u
#define CPUID_1_ECX_SSE42          0x00100000u
#define CPUID_1_ECX_X2APIC         0x00200000u
#define CPUID_1_ECX_TSCDL          0x01000000u
#define CPUID_1_ECX_OSXSAVE        0x08000000u
#define CPUID_1_ECX_RDRAND         0x40000000u
#define CPUID_1_ECX_HYPER          0x80000000u

#define CPUID_7_EBX_SMEP           0x00000080u
#define CPUID_7_EBX_SMAP           0x00100000u
#define CPUID_7_ECX_UMIP           0x00000004u

#define CPUID_80000001_EDX_SYSCALL 0x00000800u
#define CPUID_80000001_EDX_NX      0x00100000u
#define CPUID_80000001_EDX_LM      0x20000000u

#define CR0_PE                     0x00000001u
#define CR0_MP                     0x00000002u
#define CR0_ET                     0x00000010u
#define CR0_NE                     0x00000020u
#define CR0_WP                     0x00010000u
#define CR0_PG                     0x80000000u

#define CR4_PSE                    0x00000010u
#define CR4_PAE                    0x00000020u
#define CR4_MCE                    0x00000040u
#define CR4_PGE                    0x00000080u
#define CR4_UMIP                   0x00000800u
#define CR4_LA57                   0x00001000u
#define CR4_PCIDE                  0x00020000u
#define CR4_SMEP                   0x00100000u
#define CR4_SMAP                   0x00200000u
#define CR4_CET                    0x00800000u

#define MSR_APIC_BASE              0x0000001Bu
#define MSR_MCG_CAP                0x00000179u /* bits 0-7: machine-check banks */
#define MSR_MCG_STATUS             0x0000017Au
#define MSR_PAT                    0x00000277u
#define MSR_MC0_STATUS             0x00000401u /* of bank n: + 4 n */
#define MSR_EFER                   0xC0000080u

#endif
