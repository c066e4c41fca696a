/* SPDX-License-Identifier: MIT */
/*
 * report_space.c - two processes use the virtual memory services, and what they say is compared
 * with what is in memory.
 *
 * The user half is touched by MmCopyToUser and MmCopyFromUser alone, as SMAP wants it.
 */
#include "mm/inspect/report_space.h"

#include "mm/fault/fault.h"
#include "mm/space/process.h"
#include "report.h"

#define MIP_PROCESSES 2u
#define MIP_PAGES     32u
#define MIP_BYTES     (MIP_PAGES * PAGE_SIZE)
#define MIP_WORDS     (PAGE_SIZE / (ULONG)sizeof(ULONG))

typedef struct _MIP_SPACE {
    PEPROCESS Process;
    ULONG_PTR Va; /* of MIP_BYTES */
    KAPC_STATE ApcState;
} MIP_SPACE, *PMIP_SPACE;

static MIP_SPACE MipSpaces[MIP_PROCESSES];
static ULONG MipPage[MIP_WORDS]; /* on its way */

static void MipEnter(PMIP_SPACE Space)
{
    KeStackAttachProcess(&Space->Process->Pcb, &Space->ApcState);
}

static void MipLeave(PMIP_SPACE Space)
{
    KeUnstackDetachProcess(&Space->ApcState);
}

static ULONG MipWord(ULONG Space, ULONG Page, ULONG Index)
{
    return (Space + 1) * 0x9E3779B1u ^ Page << 16 ^ Index;
}

static NTSTATUS MipProtect(ULONG_PTR Page, ULONG Protect)
{
    PVOID Va = (PVOID)Page;
    SIZE_T Bytes = PAGE_SIZE;
    ULONG Old;

    return NtProtectVirtualMemory(NtCurrentProcess(), &Va, &Bytes, Protect, &Old);
}

static NTSTATUS MipReadWord(ULONG_PTR Va, PULONG Word)
{
    return MmCopyFromUser(Word, (const void *)Va, sizeof(*Word), NULL);
}

static NTSTATUS MipWriteWord(ULONG_PTR Va, ULONG Word)
{
    return MmCopyToUser((PVOID)Va, &Word, sizeof(Word), NULL);
}

/* ---- create ---- */

static BOOLEAN MipCreate(PMIP_SPACE Space)
{
    PVOID Va = NULL;
    SIZE_T Bytes = MIP_BYTES;
    NTSTATUS Status = PsCreateProcess("report", &Space->Process);

    if (!NT_SUCCESS(Status)) {
        Space->Process = NULL;
        return FALSE;
    }
    MipEnter(Space);
    Status = NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 0, &Bytes, MEM_RESERVE | MEM_COMMIT,
                                     PAGE_READWRITE);
    MipLeave(Space);
    Space->Va = (ULONG_PTR)Va;
    return NT_SUCCESS(Status) && Bytes == MIP_BYTES;
}

static BOOLEAN MipReportCreation(void)
{
    const EPROCESS *First;
    const EPROCESS *Second;
    BOOLEAN Made = MipCreate(&MipSpaces[0]) && MipCreate(&MipSpaces[1]);

    if (!Made) {
        KiReport(FALSE, "processes: two with %u pages each could not be made", MIP_PAGES);
        return FALSE;
    }
    First = MipSpaces[0].Process;
    Second = MipSpaces[1].Process;
    KiReport(First->CommitCharge == MIP_PAGES + 1 && First->Vm.WorkingSetSize == 0 &&
                 MipSpaces[0].Va == MipSpaces[1].Va &&
                 First->Pcb.DirectoryTableBase[0] != Second->Pcb.DirectoryTableBase[0],
             "processes: two, with IDs %u and %u, directories %08x and %08x, %u pages committed in "
             "each at %08x, %u resident",
             (ULONG)(ULONG_PTR)First->UniqueProcessId, (ULONG)(ULONG_PTR)Second->UniqueProcessId,
             (ULONG)First->Pcb.DirectoryTableBase[0], (ULONG)Second->Pcb.DirectoryTableBase[0],
             First->CommitCharge - First->CommittedPageTables, (ULONG)MipSpaces[0].Va,
             First->Vm.WorkingSetSize + Second->Vm.WorkingSetSize);
    return TRUE;
}

/* ---- touch ---- */

static void MipFill(ULONG Number)
{
    PMIP_SPACE Space = &MipSpaces[Number];
    ULONG Page;
    ULONG i;

    MipEnter(Space);
    for (Page = 0; Page < MIP_PAGES; Page++) {
        for (i = 0; i < MIP_WORDS; i++) {
            MipPage[i] = MipWord(Number, Page, i);
        }
        if (!NT_SUCCESS(MmCopyToUser((PVOID)(Space->Va + Page * PAGE_SIZE), MipPage,
                                     sizeof(MipPage), NULL))) {
            break;
        }
    }
    MipLeave(Space);
}

/* => Returns the words that are not as they should be. */
static ULONG MipCountWrong(ULONG Number)
{
    PMIP_SPACE Space = &MipSpaces[Number];
    ULONG Wrong = 0;
    ULONG Page;
    ULONG i;

    MipEnter(Space);
    for (Page = 0; Page < MIP_PAGES; Page++) {
        if (!NT_SUCCESS(MmCopyFromUser(MipPage, (PVOID)(Space->Va + Page * PAGE_SIZE),
                                       sizeof(MipPage), NULL))) {
            Wrong += MIP_WORDS;
            continue;
        }
        for (i = 0; i < MIP_WORDS; i++) {
            Wrong += MipPage[i] != MipWord(Number, Page, i);
        }
    }
    MipLeave(Space);
    return Wrong;
}

static void MipReportIsolation(void)
{
    const EPROCESS *First = MipSpaces[0].Process;
    ULONG Faults = MiFaultCounters.DemandZero;
    ULONG Wrong;

    MipFill(0);
    MipFill(1);
    Faults = MiFaultCounters.DemandZero - Faults;
    Wrong = MipCountWrong(0) + MipCountWrong(1);
    KiReport(Wrong == 0 && Faults == 2 * MIP_PAGES &&
                 First->Vm.WorkingSetSize == MIP_PAGES + First->PageTables &&
                 First->PageTables == 1,
             "processes: both filled the same addresses: %u demand-zero faults, %u pages and %u "
             "page table in each, %u words wrong",
             Faults, First->Vm.WorkingSetSize - First->PageTables, First->PageTables, Wrong);
}

/* ---- protection ---- */

static void MipReportProtection(void)
{
    PMIP_SPACE Space = &MipSpaces[0];
    NTSTATUS Write = STATUS_SUCCESS;
    NTSTATUS Read = STATUS_SUCCESS;
    NTSTATUS Guard = STATUS_SUCCESS;
    NTSTATUS Again = STATUS_UNSUCCESSFUL;
    ULONG Word = 0;

    MipEnter(Space);
    if (NT_SUCCESS(MipProtect(Space->Va, PAGE_READONLY))) {
        Write = MipWriteWord(Space->Va, 0);
    }
    if (NT_SUCCESS(MipProtect(Space->Va, PAGE_NOACCESS))) {
        Read = MipReadWord(Space->Va, &Word);
    }
    if (NT_SUCCESS(MipProtect(Space->Va, PAGE_READWRITE | PAGE_GUARD))) {
        Guard = MipReadWord(Space->Va, &Word);
        Again = MipReadWord(Space->Va, &Word);
    }
    MipLeave(Space);
    KiReport(Write == STATUS_ACCESS_VIOLATION && Read == STATUS_ACCESS_VIOLATION &&
                 Guard == STATUS_GUARD_PAGE_VIOLATION && Again == STATUS_SUCCESS &&
                 Word == MipWord(0, 0, 0) && MipCountWrong(0) == 0,
             "protection: a write to a read-only page gives %08x, a read without access %08x, a "
             "guard page %08x and then %08x; contents as before",
             (ULONG)Write, (ULONG)Read, (ULONG)Guard, (ULONG)Again);
}

/* ---- copy-on-write ---- */

/* The clone has the first process' pages, and all words of the first HALF are written there. */
#define MIP_HALF (MIP_PAGES / 2)

static ULONG MipCountCloned(PMIP_SPACE Clone)
{
    ULONG Wrong = 0;
    ULONG Word;
    ULONG Page;

    MipEnter(Clone);
    for (Page = 0; Page < MIP_PAGES; Page++) {
        ULONG_PTR Va = Clone->Va + Page * PAGE_SIZE;
        BOOLEAN Read = NT_SUCCESS(MipReadWord(Va, &Word));

        Wrong += !Read || Word != (Page < MIP_HALF ? ~Page : MipWord(0, Page, 0));
    }
    MipLeave(Clone);
    return Wrong;
}

static void MipWriteClone(PMIP_SPACE Clone)
{
    ULONG Page;

    MipEnter(Clone);
    for (Page = 0; Page < MIP_HALF; Page++) {
        (void)NT_SUCCESS(MipWriteWord(Clone->Va + Page * PAGE_SIZE, ~Page));
    }
    MipLeave(Clone);
}

static void MipReportClone(void)
{
    MIP_SPACE Clone = {.Va = MipSpaces[0].Va};
    NTSTATUS Status = PsCloneProcess("clone", MipSpaces[0].Process, &Clone.Process);
    MI_FAULT_COUNTERS Before = MiFaultCounters;
    ULONG Charge;
    ULONG Copied;
    ULONG Shared;
    ULONG Wrong;

    if (!NT_SUCCESS(Status)) {
        KiReport(FALSE, "copy-on-write: no clone could be made: %08x", (ULONG)Status);
        return;
    }
    MipWriteClone(&Clone);
    Wrong = MipCountCloned(&Clone) + MipCountWrong(0);
    Copied = MiFaultCounters.CopyOnWrite - Before.CopyOnWrite;
    Shared = MiFaultCounters.Prototype - Before.Prototype;
    Charge = Clone.Process->CommitCharge;
    PsTerminateProcess(Clone.Process);
    PsDereferenceProcess(Clone.Process);
    KiReport(Wrong == 0 && MipCountWrong(0) == 0 && Copied == MIP_HALF &&
                 Shared == MIP_PAGES - MIP_HALF && Charge == MipSpaces[0].Process->CommitCharge,
             "copy-on-write: a clone with %u pages committed wrote %u: %u copied, %u shared, %u "
             "words wrong in both",
             Charge, MIP_HALF, Copied, Shared, Wrong);
}

/* ---- copies, and the end ---- */

static void MipReportCopy(void)
{
    CLIENT_ID Id = {PsGetProcessId(MipSpaces[1].Process), NULL};
    HANDLE Second = NULL;
    SIZE_T Read = 0;
    SIZE_T Beyond = 0;
    NTSTATUS Status = NtOpenProcess(&Second, PROCESS_VM_READ, NULL, &Id);
    NTSTATUS Partial;
    ULONG Wrong = 0;
    ULONG i;

    if (NT_SUCCESS(Status)) {
        Status = NtReadVirtualMemory(Second, (PVOID)(MipSpaces[1].Va + PAGE_SIZE), MipPage,
                                     sizeof(MipPage), &Read);
    }
    for (i = 0; i < MIP_WORDS; i++) {
        Wrong += MipPage[i] != MipWord(1, 1, i);
    }
    Partial = NtReadVirtualMemory(Second, (PVOID)(MipSpaces[1].Va + MIP_BYTES - PAGE_SIZE / 2),
                                  MipPage, sizeof(MipPage), &Beyond);
    KiReport(Status == STATUS_SUCCESS && NT_SUCCESS(NtClose(Second)) && Read == sizeof(MipPage) &&
                 Wrong == 0 && Partial == STATUS_PARTIAL_COPY && Beyond == PAGE_SIZE / 2,
             "copies: %u bytes of another process, %u words wrong; beyond its end %08x after %u "
             "bytes",
             (ULONG)Read, Wrong, (ULONG)Partial, (ULONG)Beyond);
}

static void MipReportFree(void)
{
    PMIP_SPACE Space = &MipSpaces[0];
    const EPROCESS *Process = Space->Process;
    PVOID Va = (PVOID)Space->Va;
    SIZE_T Bytes = 0;
    ULONG Before = Process->Vm.WorkingSetSize;
    NTSTATUS Status;
    NTSTATUS Access;
    ULONG Word;

    MipEnter(Space);
    Status = NtFreeVirtualMemory(NtCurrentProcess(), &Va, &Bytes, MEM_RELEASE);
    Access = MipReadWord(Space->Va, &Word);
    MipLeave(Space);
    KiReport(Status == STATUS_SUCCESS && Bytes == MIP_BYTES && Access == STATUS_ACCESS_VIOLATION &&
                 Process->Vm.WorkingSetSize == 0 && Process->PageTables == 0 &&
                 Process->CommitCharge == 0 && MipCountWrong(1) == 0,
             "free: %u pages released, %u resident, %u page tables, %u committed are left; reading "
             "gives %08x; the other process has its own",
             Before, Process->Vm.WorkingSetSize, Process->PageTables, Process->CommitCharge,
             (ULONG)Access);
}

/* Write the topmost 64 KB that a process may have.  => Returns their first byte; 0: refused. */
static ULONG_PTR MipUseTop(PEPROCESS Process)
{
    PVOID Va = NULL;
    SIZE_T Bytes = MM_ALLOCATION_GRANULARITY;
    KAPC_STATE ApcState;
    ULONG Word = 0;
    NTSTATUS Status;

    KeStackAttachProcess(&Process->Pcb, &ApcState);
    Status = NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 0, &Bytes,
                                     MEM_RESERVE | MEM_COMMIT | MEM_TOP_DOWN, PAGE_READWRITE);
    if (NT_SUCCESS(Status)) {
        Status = MipWriteWord((ULONG_PTR)Va + Bytes - sizeof(Word), 0x33474221);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipReadWord((ULONG_PTR)Va + Bytes - sizeof(Word), &Word);
    }
    KeUnstackDetachProcess(&ApcState);
    return NT_SUCCESS(Status) && Word == 0x33474221 ? (ULONG_PTR)Va : 0;
}

/* Below 2 GB KUSER_SHARED_DATA's 64 KB and the last ones are nobody's, above it only the last. */
static void MipReportTop(void)
{
    const ULONG_PTR UsualTop = MM_SHARED_USER_DATA_VA - MM_ALLOCATION_GRANULARITY;
    ULONG_PTR LargeTop = MM_HIGHEST_USER_ADDRESS + 1 - MM_ALLOCATION_GRANULARITY;
    PEPROCESS Large;
    NTSTATUS Status = PsCreateProcessEx("large", PS_LARGE_ADDRESS_AWARE, &Large);
    ULONG_PTR Usual = MipUseTop(MipSpaces[1].Process);
    ULONG_PTR Top = 0;

    if (MM_SYSTEM_RANGE_START == MI_USUAL_RANGE_START) {
        LargeTop = UsualTop;
    }
    if (NT_SUCCESS(Status)) {
        Top = MipUseTop(Large);
        PsTerminateProcess(Large);
        PsDereferenceProcess(Large);
    }
    KiReport(Usual == UsualTop && Top == LargeTop,
             "user half: the topmost 64 KB are at %08x, for large-address-aware processes at %08x",
             (ULONG)Usual, (ULONG)Top);
}

static void MipEnd(void)
{
    ULONG i;

    for (i = 0; i < MIP_PROCESSES; i++) {
        if (MipSpaces[i].Process != NULL) {
            PsTerminateProcess(MipSpaces[i].Process);
            PsDereferenceProcess(MipSpaces[i].Process);
            MipSpaces[i].Process = NULL;
        }
    }
}

void MiReportAddressSpaces(void)
{
    if (MipReportCreation()) {
        MipReportIsolation();
        MipReportProtection();
        MipReportClone();
        MipReportCopy();
        MipReportFree();
        MipReportTop();
    }
    MipEnd();
}
