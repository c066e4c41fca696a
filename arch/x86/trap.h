/* SPDX-License-Identifier: MIT */
/*
 * trap.h - the trap frame, and the ways into the kernel.
 *
 * KTRAP_FRAME has NT's documented x86 layout (dt _KTRAP_FRAME): debuggers and drivers know it.
 */
#ifndef X86_TRAP_H
#define X86_TRAP_H

#define KTRAP_FRAME_BYTES    0x8C
#define KTRAP_FRAME_GS       0x30
#define KTRAP_FRAME_ERR_CODE 0x64

/* Vectors.  The local APIC's priority is the vector's high digit. */
#define KI_VECTOR_PIC         0x30 /* 8259s, remapped and masked: only spurious ones arrive */
#define KI_VECTOR_TEST        0x61 /* self-interrupts of the boot's report */
#define KI_VECTOR_BENCH       0x62 /* of the benchmark */
#define KI_VECTOR_MESSAGE     0x70 /* of devices: eight of them, see device.c */
#define KI_VECTOR_CLOCK       0xD1
#define KI_VECTOR_ERROR       0xE3
#define KI_VECTOR_SPURIOUS    0xFF

#define KI_TRAP_NMI           2
#define KI_TRAP_BREAKPOINT    3
#define KI_TRAP_DOUBLE_FAULT  8
#define KI_TRAP_PAGE_FAULT    14
#define KI_TRAP_MACHINE_CHECK 18
#define KI_TRAP_EXCEPTIONS    32 /* vectors below are exceptions */

#ifndef __ASSEMBLER__
#include "mm_machine.h"
#include "nt/types.h"

typedef struct _KTRAP_FRAME {
    ULONG DbgEbp;
    ULONG DbgEip;
    ULONG DbgArgMark;
    ULONG DbgArgPointer;
    ULONG TempSegCs;
    ULONG TempEsp;
    ULONG Dr0, Dr1, Dr2, Dr3, Dr6, Dr7;
    ULONG SegGs, SegEs, SegDs;
    ULONG Edx, Ecx, Eax;
    ULONG PreviousPreviousMode;
    ULONG ExceptionList;
    ULONG SegFs;
    ULONG Edi, Esi, Ebx, Ebp;
    ULONG ErrCode;
    ULONG Eip, SegCs, EFlags;
    ULONG HardwareEsp, HardwareSegSs; /* valid when the trap came from ring 3 */
    ULONG V86Es, V86Ds, V86Fs, V86Gs;
} KTRAP_FRAME, *PKTRAP_FRAME;

NT_C_ASSERT(sizeof(KTRAP_FRAME) == KTRAP_FRAME_BYTES);
NT_C_ASSERT(offsetof(KTRAP_FRAME, SegGs) == KTRAP_FRAME_GS);
NT_C_ASSERT(offsetof(KTRAP_FRAME, ErrCode) == KTRAP_FRAME_ERR_CODE);

#define KI_EFLAGS_IF 0x200u

/* Page-fault error code (Intel SDM 3A, 4.7). */
#define KI_FAULT_PRESENT  0x01u
#define KI_FAULT_WRITE    0x02u
#define KI_FAULT_USER     0x04u
#define KI_FAULT_RESERVED 0x08u
#define KI_FAULT_FETCH    0x10u

/* From trap.S, with interrupts off.  Exceptions (below 32) and interrupts (the rest). */
void KiDispatchTrap(PKTRAP_FRAME Frame, ULONG Vector);
void KiDispatchInterrupt(PKTRAP_FRAME Frame, ULONG Vector);

/* The 256 entries, in order, KI_ENTRY_BYTES each. */
extern const UCHAR KiEntries[];

/* What went wrong inside KiGuardedCall. */
typedef struct _KI_FAULT {
    BOOLEAN Happened;
    ULONG Vector;
    ULONG ErrorCode;
    ULONG Address; /* CR2 for a page fault */
    ULONG Eip;
    MM_STOP Stop; /* of a page fault: what it deserves where nobody catches it */
} KI_FAULT, *PKI_FAULT;

typedef ULONG KI_GUARDED(ULONG Argument);

/*
 * The entry of KiGuardedCall in the list of exception handlers at fs:[0].  Its head is NT's
 * documented EXCEPTION_REGISTRATION_RECORD.
 */
typedef struct _KI_GUARD {
    struct _KI_GUARD *Next;
    const void *Handler; /* KiGuardedResume */
    PKI_FAULT Fault;
    ULONG Irql; /* of the call */
} KI_GUARD, *PKI_GUARD;

/*
 * Call Routine(Argument); an exception inside is recorded and ends the call.
 *
 * => Each stack has its own; they may nest.  Not for routines that hold something or change the
 *    IRQL.  An exception at a higher IRQL, in an interrupt's handler, is not caught.
 * => Returns Routine's result, or 0 when *Fault tells of an exception.
 */
ULONG KiGuardedCall(KI_GUARDED *Routine, ULONG Argument, PKI_FAULT Fault);

#endif

#define KI_ENTRY_BYTES 16

#endif
