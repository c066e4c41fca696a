/* SPDX-License-Identifier: MIT */
/*
 * virtual_copy.c - NtReadVirtualMemory and NtWriteVirtualMemory.
 *
 * A page at a time through a page of nonpaged pool: into it in one address space, out of it in the
 * other.  No lock is held while memory is touched.
 */
#include "ex.h"
#include "mm/space/process.h"
#include "arch/mmu.h"

#define MIP_TAG 0x70436D4Du /* 'MmCp' */

typedef struct _MIP_COPY {
    PEPROCESS Process;
    ULONG_PTR Theirs; /* in Process */
    ULONG_PTR Mine;   /* in the caller's address space, or the system half */
    SIZE_T Bytes;
    PUCHAR Page;   /* on the way */
    BOOLEAN Write; /* from Mine to Theirs */
} MIP_COPY, *PMIP_COPY;

static NTSTATUS MipCopyMine(const MIP_COPY *Copy, SIZE_T Offset, SIZE_T Bytes)
{
    PVOID Mine = (PVOID)(Copy->Mine + Offset);

    if (Copy->Mine < MM_SYSTEM_RANGE_START) {
        return Copy->Write ? MmCopyFromUser(Copy->Page, Mine, Bytes, NULL)
                           : MmCopyToUser(Mine, Copy->Page, Bytes, NULL);
    }
    if (Copy->Write) {
        memcpy(Copy->Page, Mine, Bytes);
    } else {
        memcpy(Mine, Copy->Page, Bytes);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS MipCopyTheirs(const MIP_COPY *Copy, SIZE_T Offset, SIZE_T Bytes)
{
    PVOID Theirs = (PVOID)(Copy->Theirs + Offset);
    KAPC_STATE ApcState;
    NTSTATUS Status;

    KeStackAttachProcess(&Copy->Process->Pcb, &ApcState);
    Status = Copy->Write ? MmCopyToUser(Theirs, Copy->Page, Bytes, NULL)
                         : MmCopyFromUser(Copy->Page, Theirs, Bytes, NULL);
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

/* => Bytes that were copied whole. */
static SIZE_T MipCopyPages(const MIP_COPY *Copy)
{
    SIZE_T Done = 0;

    while (Done < Copy->Bytes) {
        ULONG Left = PAGE_SIZE - BYTE_OFFSET(Copy->Theirs + Done);
        ULONG Mine = PAGE_SIZE - BYTE_OFFSET(Copy->Mine + Done);
        SIZE_T Chunk = Left < Mine ? Left : Mine;
        NTSTATUS Status;

        Chunk = Chunk < Copy->Bytes - Done ? Chunk : Copy->Bytes - Done;
        Status = Copy->Write ? MipCopyMine(Copy, Done, Chunk) : MipCopyTheirs(Copy, Done, Chunk);
        if (NT_SUCCESS(Status)) {
            Status =
                Copy->Write ? MipCopyTheirs(Copy, Done, Chunk) : MipCopyMine(Copy, Done, Chunk);
        }
        if (!NT_SUCCESS(Status)) {
            break;
        }
        Done += Chunk;
    }
    return Done;
}

static BOOLEAN MipIsRange(ULONG_PTR Va, SIZE_T Bytes, ULONG_PTR End)
{
    return Va < End && Bytes <= End - Va;
}

static BOOLEAN MipIsCopy(const MIP_COPY *Copy)
{
    ULONG_PTR Last = Copy->Mine + (Copy->Bytes - 1);

    return MipIsRange(Copy->Theirs, Copy->Bytes, MM_USER_PROBE_ADDRESS) &&
           (MipIsRange(Copy->Mine, Copy->Bytes, MM_USER_PROBE_ADDRESS) ||
            (ExGetPreviousMode() == KernelMode && Copy->Mine >= MM_SYSTEM_RANGE_START &&
             Last >= Copy->Mine));
}

static NTSTATUS MipRun(HANDLE ProcessHandle, PMIP_COPY Copy, PSIZE_T Copied)
{
    NTSTATUS Status = STATUS_SUCCESS;

    *Copied = 0;
    if (Copy->Bytes == 0) {
        return STATUS_SUCCESS;
    }
    if (!MipIsCopy(Copy)) {
        return STATUS_ACCESS_VIOLATION;
    }
    Status = MiReferenceTarget(
        ProcessHandle, Copy->Write ? PROCESS_VM_WRITE | PROCESS_VM_OPERATION : PROCESS_VM_READ,
        &Copy->Process);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Copy->Page = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, MIP_TAG);
    if (Copy->Process->VmDeleted) {
        Status = STATUS_PROCESS_IS_TERMINATING;
    } else if (Copy->Page == NULL) {
        Status = STATUS_INSUFFICIENT_RESOURCES;
    } else {
        *Copied = MipCopyPages(Copy);
        Status = *Copied == Copy->Bytes ? STATUS_SUCCESS : STATUS_PARTIAL_COPY;
    }
    if (Copy->Page != NULL) {
        ExFreePoolWithTag(Copy->Page, MIP_TAG);
    }
    PsDereferenceProcess(Copy->Process);
    return Status;
}

NTSTATUS NTAPI NtReadVirtualMemory(HANDLE ProcessHandle, const void *BaseAddress, PVOID Buffer,
                                   SIZE_T NumberOfBytesToRead, PSIZE_T NumberOfBytesRead)
{
    MIP_COPY Copy = {.Theirs = (ULONG_PTR)BaseAddress,
                     .Mine = (ULONG_PTR)Buffer,
                     .Bytes = NumberOfBytesToRead,
                     .Write = FALSE};
    SIZE_T Copied;
    NTSTATUS Status = MipRun(ProcessHandle, &Copy, &Copied);

    if (NumberOfBytesRead != NULL) {
        *NumberOfBytesRead = Copied;
    }
    return Status;
}

NTSTATUS NTAPI NtWriteVirtualMemory(HANDLE ProcessHandle, PVOID BaseAddress, const void *Buffer,
                                    SIZE_T NumberOfBytesToWrite, PSIZE_T NumberOfBytesWritten)
{
    MIP_COPY Copy = {.Theirs = (ULONG_PTR)BaseAddress,
                     .Mine = (ULONG_PTR)Buffer,
                     .Bytes = NumberOfBytesToWrite,
                     .Write = TRUE};
    SIZE_T Copied;
    NTSTATUS Status = MipRun(ProcessHandle, &Copy, &Copied);

    if (NumberOfBytesWritten != NULL) {
        *NumberOfBytesWritten = Copied;
    }
    return Status;
}
