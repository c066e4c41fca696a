/* SPDX-License-Identifier: MIT */
/*
 * pcr.h - the processor control region, and the descriptor tables.
 *
 * KPCR's documented head lies at FFDFF000, NT's address for the boot processor; fs:[0] is its
 * exception list.  Selectors are NT's, as
 * documented for the debugger's dg command.
 *
 * Locking: (I) fixed after initialisation; (L) this processor, interrupts off or at the level that
 * the field describes.
 */
#ifndef X86_PCR_H
#define X86_PCR_H

#include "arch/cpu.h"
#include "nt/types.h"

#define KI_PCR_VA    0xFFDFF000u

#define KGDT_R0_CODE 0x08
#define KGDT_R0_DATA 0x10
#define KGDT_R3_CODE 0x18
#define KGDT_R3_DATA 0x20
#define KGDT_TSS     0x28
#define KGDT_R0_PCR  0x30
#define KGDT_R3_TEB  0x38
#define KGDT_LDT     0x48
#define KGDT_DF_TSS  0x50
#define KGDT_NMI_TSS 0x58
#define KGDT_ENTRIES 12

typedef union _KGDTENTRY {
    ULONG64 Long;
    struct {
        USHORT LimitLow;
        USHORT BaseLow;
        UCHAR BaseMid;
        UCHAR Access;
        UCHAR Flags; /* limit 16-19, then AVL, L, D, G */
        UCHAR BaseHigh;
    };
} KGDTENTRY, *PKGDTENTRY;

typedef struct _KIDTENTRY {
    USHORT Offset;
    USHORT Selector;
    USHORT Access;
    USHORT ExtendedOffset;
} KIDTENTRY, *PKIDTENTRY;

/* The hardware's task-state segment (Intel SDM 3A, 7.2.1). */
typedef struct _KTSS {
    ULONG Backlink;
    ULONG Esp0, Ss0;
    ULONG Reserved[4];
    ULONG Cr3;
    ULONG Eip, EFlags;
    ULONG Eax, Ecx, Edx, Ebx, Esp, Ebp, Esi, Edi;
    ULONG Es, Cs, Ss, Ds, Fs, Gs;
    ULONG Ldt;
    USHORT Flags;
    USHORT IoMapBase; /* beyond the limit: no port is open to ring 3 */
} KTSS, *PKTSS;
NT_C_ASSERT(sizeof(KTSS) == 104);

typedef struct _KPCR {
    PVOID ExceptionList; /* (L) NT_TIB starts here; -1: no handler */
    PVOID StackBase;     /* (L) */
    PVOID StackLimit;    /* (L) */
    PVOID SubSystemTib;
    ULONG Version;
    PVOID ArbitraryUserPointer;
    struct _KPCR *Self; /* NtTib.Self */
    struct _KPCR *SelfPcr;
    PVOID Prcb;
    KIRQL Irql; /* (L) */
    UCHAR IrqlPad[3];
    ULONG IRR; /* (L) bit n: something is pending at IRQL n */
    ULONG IrrActive;
    ULONG IDR;
    PVOID KdVersionBlock;
    PKIDTENTRY IDT; /* (I) */
    PKGDTENTRY GDT; /* (I) */
    PKTSS TSS;      /* (I) */
    USHORT MajorVersion;
    USHORT MinorVersion;
} KPCR, *PKPCR;
NT_C_ASSERT(offsetof(KPCR, SelfPcr) == 0x1C);
NT_C_ASSERT(offsetof(KPCR, Irql) == 0x24);
NT_C_ASSERT(offsetof(KPCR, IRR) == 0x28);
NT_C_ASSERT(offsetof(KPCR, IDT) == 0x38);
NT_C_ASSERT(offsetof(KPCR, TSS) == 0x40);

/* One processor: its region is at a fixed address, as NT's uniprocessor kernels have it. */
#define KI_PCR ((volatile KPCR *)KI_PCR_VA)

extern KGDTENTRY KiGdt[KGDT_ENTRIES];
extern KIDTENTRY KiIdt[256];
extern KTSS KiTss;
extern KTSS KiDoubleFaultTss;
extern KTSS KiNmiTss;

/* => The PCR's page is mapped. */
void KiInitializeDescriptorTables(void);

/* NMIs that arrived and were survived, through the task gate. */
extern volatile ULONG KiNmiCount;

/* TRUE while an NMI is awaited: by the boot's report. */
extern volatile BOOLEAN KiNmiExpected;

#endif
