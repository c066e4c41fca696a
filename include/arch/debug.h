/* SPDX-License-Identifier: MIT */
/*
 * debug.h - what a debugger asks of the machine: names, registers, tables, physical memory, ends.
 *
 * Implemented twice: arch/x86/debug.c and tests/host/debug.c.  Everything here is for the monitor:
 * PASSIVE_LEVEL, one caller at a time.  The registers are x86's, since what users know of them
 * (names, order, EBP chains) is.
 */
#ifndef ARCH_DEBUG_H
#define ARCH_DEBUG_H

#include "nt/types.h"

/* ---- symbols ---- */

#define KD_SYMBOL_BYTES 64 /* the longest name that is returned, with its zero */

/* The last symbol at or below Address.  => FALSE: there is none.  Name is cut to fit. */
BOOLEAN KdFindSymbol(ULONG_PTR Address, char Name[KD_SYMBOL_BYTES], PULONG_PTR Offset);

/*
 * The symbol behind *Position, by ascending address; *Position is 0 to begin with and moves on.
 *
 * => FALSE: there are no more.
 */
BOOLEAN KdNextSymbol(PSIZE_T Position, char Name[KD_SYMBOL_BYTES], PULONG_PTR Address);

/* Where the kernel's image lies. */
void KdQueryKernelImage(PULONG_PTR Start, PULONG_PTR End);

/* ---- registers ---- */

typedef struct _KD_REGISTERS {
    ULONG Eax, Ebx, Ecx, Edx, Esi, Edi;
    ULONG Eip, Esp, Ebp, EFlags;
    ULONG Cs, Ss, Ds, Es, Fs, Gs;
    ULONG Cr0, Cr2, Cr3, Cr4;
} KD_REGISTERS, *PKD_REGISTERS;

/*
 * The caller's registers, as they are when this returns to it.
 *
 * => Its frame pointer starts a chain that can be walked until the caller returns.
 */
void KdCaptureRegisters(PKD_REGISTERS Registers);

/* ---- stacks ---- */

/* Where a trace begins. */
typedef struct _KD_STACK_STATE {
    ULONG_PTR Eip;
    ULONG_PTR Esp;
    ULONG_PTR Ebp;
    BOOLEAN InCall; /* Eip is where a call returns to, not an instruction that runs */
} KD_STACK_STATE, *PKD_STACK_STATE;

typedef struct _KD_STACK_FRAME {
    ULONG_PTR ChildEbp;      /* the frame's base, or where it would be */
    ULONG_PTR ReturnAddress; /* of its caller */
    ULONG_PTR Eip;
    BOOLEAN InCall;
} KD_STACK_FRAME, *PKD_STACK_FRAME;

#define KD_STACK_FRAMES 64u /* the most that are told */

/*
 * The frames from State outwards, across traps, at most Limit (<= KD_STACK_FRAMES).
 *
 * => Returns their number; what cannot be read or does not climb ends the trace.
 */
ULONG KdTraceStack(const KD_STACK_STATE *State, PKD_STACK_FRAME Frames, ULONG Limit);

/* ---- the processor's tables ---- */

/* An entry of the interrupt descriptor table. */
typedef struct _KD_GATE {
    ULONG_PTR Entry;   /* where the processor goes */
    ULONG_PTR Routine; /* what was connected to an interrupt; 0: nothing, or an exception */
    USHORT Selector;
    UCHAR Type; /* the descriptor's type field: E interrupt gate, F trap gate, 5 task gate */
    UCHAR Dpl;
    BOOLEAN Present;
} KD_GATE, *PKD_GATE;

#define KD_VECTORS 256u

/* => Vector < KD_VECTORS. */
void KdReadGate(ULONG Vector, PKD_GATE Gate);

/* An entry of the global descriptor table. */
typedef struct _KD_DESCRIPTOR {
    ULONG Base;
    ULONG Limit;  /* in bytes, the last one that belongs to it */
    UCHAR Access; /* byte 5: present, DPL, not system, type */
    UCHAR Flags;  /* the high half of byte 6: granularity, size, long, available */
} KD_DESCRIPTOR, *PKD_DESCRIPTOR;

/* => FALSE: the table ends below Selector. */
BOOLEAN KdReadDescriptor(ULONG Selector, PKD_DESCRIPTOR Descriptor);

/* The processor control region. */
typedef struct _KD_PCR {
    ULONG_PTR Address;
    ULONG_PTR ExceptionList;
    ULONG_PTR StackBase;
    ULONG_PTR StackLimit;
    ULONG_PTR SelfPcr;
    ULONG_PTR Prcb;
    ULONG Irql;
    ULONG Irr;
    ULONG Idr;
    ULONG_PTR Idt;
    ULONG_PTR Gdt;
    ULONG_PTR Tss;
} KD_PCR, *PKD_PCR;

void KdReadPcr(PKD_PCR Pcr);

/* ---- physical memory ---- */

/*
 * => FALSE: the machine cannot reach it (above 4 GB without PAE).  What is no RAM reads as whatever
 *    answers there.
 */
BOOLEAN KdReadPhysical(ULONG64 Physical, PVOID Buffer, ULONG Bytes);

/* ---- the machine as a whole ---- */

typedef enum _KD_TOPIC {
    KdTopicVersion, /* the build */
    KdTopicMachine, /* firmware, processor, how it was entered, devices */
    KdTopicMemory   /* the physical memory map */
} KD_TOPIC;

/* Print what is known. */
void KdDescribe(KD_TOPIC Topic);

/* The boot's report again, with its verdict. */
void KdRunReport(void);

/* A line of the report of our own.  => Returns Passed. */
BOOLEAN KdReport(BOOLEAN Passed, const char *Text);

/* The script of commands that the loader found on the disk.  => FALSE: none. */
BOOLEAN KdQueryScript(const char **Text, PSIZE_T Bytes);

/* The words that KdCrash knows, with blanks between them. */
const char *KdCrashKinds(void);

/* Do something forbidden; Kind says what.  => Returns when Kind is not known. */
void KdCrash(const char *Kind);

NT_NORETURN void KdReboot(void);

/* Print the verdict of all that was reported and switch off. */
NT_NORETURN void KdShutdown(void);

#endif
