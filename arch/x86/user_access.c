/* SPDX-License-Identifier: MIT */
/*
 * user_access.c - accesses to the user half that may fail.
 *
 * They run under KiGuardedCall: a page fault that MmAccessFault refuses ends the call, with the bug
 * check that it would have been, and the status for the caller.  Without a status it is a bug of
 * the kernel's and stops the machine after all.
 */
#include "arch/x86/user_access.h"

#include "arch/cpu.h"
#include "arch/x86/trap.h"
#include "nt/bugcodes.h"
#include "nt/status.h"

BOOLEAN KiAccessPrevention;

typedef struct _KI_COPY {
    PVOID To;
    const void *From;
    SIZE_T Bytes;
} KI_COPY;

static ULONG KipCopy(ULONG Argument)
{
    const KI_COPY *Copy = (const KI_COPY *)Argument;
    PVOID To = Copy->To;
    const void *From = Copy->From;
    ULONG Bytes = Copy->Bytes % sizeof(ULONG);
    ULONG Words = Copy->Bytes / sizeof(ULONG);

    KiPermitUserAccess();
    __asm__ volatile("rep movsl\n\tmov %3, %2\n\trep movsb"
                     : "+D"(To), "+S"(From), "+c"(Words)
                     : "r"(Bytes)
                     : "memory");
    KiForbidUserAccess();
    return 0;
}

/* Written, but not changed, whoever else writes it. */
static ULONG KipTouch(ULONG Argument)
{
    KiPermitUserAccess();
    __asm__ volatile("lock orb $0, %0" : "+m"(*(volatile UCHAR *)Argument) : : "cc");
    KiForbidUserAccess();
    return 0;
}

static inline NTSTATUS KipGuard(KI_GUARDED *Routine, ULONG Argument)
{
    KI_FAULT Fault;

    KiGuardedCall(Routine, Argument, &Fault);
    if (!Fault.Happened) {
        return STATUS_SUCCESS;
    }
    KiForbidUserAccess();
    if (Fault.Vector != KI_TRAP_PAGE_FAULT) {
        KeBugCheckEx(UNEXPECTED_KERNEL_MODE_TRAP, Fault.Vector, Fault.ErrorCode, Fault.Eip, 0);
    }
    if (Fault.Stop.Guarded == STATUS_SUCCESS) {
        KeBugCheckEx(Fault.Stop.Code, Fault.Stop.Parameter[0], Fault.Stop.Parameter[1],
                     Fault.Stop.Parameter[2], Fault.Stop.Parameter[3]);
    }
    return Fault.Stop.Guarded;
}

NTSTATUS KiGuardedCopy(PVOID To, const void *From, SIZE_T Bytes)
{
    const KI_COPY Copy = {To, From, Bytes};

    return KipGuard(KipCopy, (ULONG)&Copy);
}

NTSTATUS KiGuardedTouch(PVOID Va)
{
    return KipGuard(KipTouch, (ULONG)Va);
}
