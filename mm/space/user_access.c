/* SPDX-License-Identifier: MIT */
/*
 * user_access.c - touching the user half from the kernel: probes, and copies that may fail.
 *
 * The access itself is made under KiGuardedCopy and KiGuardedTouch (include/arch/cpu.h): a fault
 * that MmAccessFault cannot resolve ends it with a status.  What lies outside of the user half is
 * refused before it is touched, so that nobody is tricked into reading the system's.
 */
#include "arch/cpu.h"
#include "mi_assert.h"
#include "nt/bugcodes.h"
#include "vm.h"

static BOOLEAN MipIsUserRange(ULONG_PTR Va, SIZE_T Bytes)
{
    return Va < MM_USER_PROBE_ADDRESS && Bytes <= MM_USER_PROBE_ADDRESS - Va;
}

NTSTATUS MmProbeForRead(const volatile void *Address, SIZE_T Length, ULONG Alignment)
{
    MI_ASSERT(Alignment != 0 && Alignment <= 16 && (Alignment & (Alignment - 1)) == 0);
    if (Length == 0) {
        return STATUS_SUCCESS;
    }
    if (((ULONG_PTR)Address & (Alignment - 1)) != 0) {
        return STATUS_DATATYPE_MISALIGNMENT;
    }
    return MipIsUserRange((ULONG_PTR)Address, Length) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
}

NTSTATUS MmProbeForWrite(volatile void *Address, SIZE_T Length, ULONG Alignment)
{
    NTSTATUS Status = MmProbeForRead(Address, Length, Alignment);
    ULONG_PTR Va = (ULONG_PTR)Address;
    ULONG_PTR End = Va + Length;

    while (NT_SUCCESS(Status) && Va < End) {
        Status = KiGuardedTouch((PVOID)Va);
        Va = ROUND_DOWN(Va, (ULONG_PTR)PAGE_SIZE) + PAGE_SIZE;
    }
    return Status;
}

static void MipRaise(NTSTATUS Status, const volatile void *Address)
{
    if (!NT_SUCCESS(Status)) {
        KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (ULONG_PTR)Status,
                     (ULONG_PTR)__builtin_return_address(0), 0, (ULONG_PTR)Address);
    }
}

void NTAPI ProbeForRead(const volatile void *Address, SIZE_T Length, ULONG Alignment)
{
    MipRaise(MmProbeForRead(Address, Length, Alignment), Address);
}

void NTAPI ProbeForWrite(volatile void *Address, SIZE_T Length, ULONG Alignment)
{
    MipRaise(MmProbeForWrite(Address, Length, Alignment), Address);
}

/* A fault takes a whole page, so that what was copied is known when none is crossed at once. */
static NTSTATUS MipCopy(PUCHAR To, const UCHAR *From, ULONG_PTR User, SIZE_T Bytes, PSIZE_T Copied)
{
    NTSTATUS Status = MipIsUserRange(User, Bytes) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
    SIZE_T Done = 0;

    while (NT_SUCCESS(Status) && Done < Bytes) {
        SIZE_T Chunk = PAGE_SIZE - BYTE_OFFSET(User + Done);

        Chunk = Chunk < Bytes - Done ? Chunk : Bytes - Done;
        Status = KiGuardedCopy(To + Done, From + Done, Chunk);
        Done += NT_SUCCESS(Status) ? Chunk : 0;
    }
    if (Copied != NULL) {
        *Copied = Done;
    }
    return Status;
}

NTSTATUS MmCopyFromUser(PVOID To, const void *From, SIZE_T Bytes, PSIZE_T Copied)
{
    return MipCopy(To, From, (ULONG_PTR)From, Bytes, Copied);
}

NTSTATUS MmCopyToUser(PVOID To, const void *From, SIZE_T Bytes, PSIZE_T Copied)
{
    return MipCopy(To, From, (ULONG_PTR)To, Bytes, Copied);
}
