/* SPDX-License-Identifier: MIT */
/*
 * nvme.c - an NVMe controller: taking it over, starting it, its admin commands, its end.
 *
 * Each namespace that is a disk has a queue of its own, so that its channel owns it alone.  What
 * they share is the controller: a reset takes all queues away.  So resets are counted; a disk whose
 * queue is of an earlier generation creates it again, and only one that finds its own generation
 * broken resets the controller.
 *
 * Admin commands are few, at the start and after a reset, and are waited for by polling.
 *
 * Registers of 64 bits are read and written as two of 32, the low one first.
 *
 * Locking: Controller->Lock, under a channel's lock; one interrupt for all queues.
 */
#include "disk/driver/nvme.h"

#include "arch/port.h"
#include "ex.h"
#include "rtl.h"

#define NVMEP_RANGE          0u
#define NVMEP_FIRST_BYTES    0x1000u /* all but the doorbells */
#define NVMEP_MAP_LIMIT      0x200000u

#define NVMEP_WAIT           100u    /* us */
#define NVMEP_ADMIN_TRIES    50000u  /* 5 s */
#define NVMEP_STOP_TRIES     50000u  /* 5 s */
#define NVMEP_TIMEOUT_TRIES  5000u   /* the unit of what the controller asks for, 500 ms */
#define NVMEP_READY_LEAST    10000u  /* 1 s, whatever it asks for */
#define NVMEP_RESET_MOST     80000u  /* 8 s, once it works: everybody waits then */
#define NVMEP_READY_MOST     300000u /* 30 s: drives ask for 2 minutes and need none of it */

#define NVMEP_ADMIN_ENTRIES  16u
#define NVMEP_TRANSFER_BYTES 0x10000u

/* NvmeCapabilities, low and high half. */
#define NVMEP_ENTRIES(Low) (((Low)&0xFFFFu) + 1)
#define NVMEP_TIMEOUT(Low) ((Low) >> 24)
#define NVMEP_STRIDE(High) (4u << ((High)&0xFu))
#define NVMEP_NVM(High)    (((High) >> 5) & 1u)    /* knows the NVM command set */
#define NVMEP_PAGE(High)   (((High) >> 16) & 0xFu) /* log2 of the least page, in 4 KB */

/* NvmeControl. */
#define NVMEP_ENABLE        0x00000001u
#define NVMEP_SHUTDOWN_MASK 0x0000C000u
#define NVMEP_SHUTDOWN      0x00004000u
#define NVMEP_ENTRY_SIZES   0x00460000u /* completions of 2^4 bytes, commands of 2^6 */
#define NVMEP_SHUTDOWN_DONE 0x00000008u /* in NvmeStatus */

/* Admin commands. */
#define NVMEP_IDENTIFY       0x06u
#define NVMEP_SET_FEATURES   0x09u
#define NVMEP_FEATURE_QUEUES 7u

/* What NVME_ABOUT_CONTROLLER returns. */
enum {
    ControllerTransfer = 77, /* log2 of pages; 0: no limit */
    ControllerNamespaces = 516,
    ControllerCache = 525
};

ULONG NvmeRead(const NVME_CONTROLLER *Controller, ULONG Offset)
{
    return READ_REGISTER_ULONG((volatile ULONG *)(Controller->Registers + Offset));
}

static void NvmepWrite(const NVME_CONTROLLER *Controller, ULONG Offset, ULONG Value)
{
    WRITE_REGISTER_ULONG((volatile ULONG *)(Controller->Registers + Offset), Value);
}

static ULONG NvmepPhysical(const NVME_CONTROLLER *Controller, ULONG Offset)
{
    return MmGetPhysicalAddress(Controller->Memory).LowPart + Offset;
}

/* ---- stopping and starting ---- */

/*
 * Wait until the controller is ready (Ready is NVME_STATUS_READY), or is not any more (0).
 *
 * => STATUS_IO_DEVICE_ERROR: it has failed instead of getting ready.
 */
static NTSTATUS NvmepWaitReady(const NVME_CONTROLLER *Controller, ULONG Ready)
{
    ULONG Tries;

    for (Tries = Controller->ReadyTries; Tries != 0; Tries--) {
        ULONG Status = NvmeRead(Controller, NvmeStatus);

        if (Status == NVME_NOT_THERE) {
            return STATUS_NO_SUCH_DEVICE;
        }
        if ((Status & NVME_STATUS_READY) == Ready) {
            return STATUS_SUCCESS;
        }
        if (Ready != 0 && (Status & NVME_STATUS_FATAL) != 0) {
            return STATUS_IO_DEVICE_ERROR;
        }
        KeStallExecutionProcessor(NVMEP_WAIT);
    }
    return STATUS_IO_TIMEOUT;
}

/* Disabling a controller that is still getting ready is not defined: that is waited for first. */
NTSTATUS NvmeStop(const NVME_CONTROLLER *Controller)
{
    ULONG Control = NvmeRead(Controller, NvmeControl);

    if (Control == NVME_NOT_THERE) {
        return STATUS_NO_SUCH_DEVICE;
    }
    if (Control & NVMEP_ENABLE) {
        (void)NvmepWaitReady(Controller, NVME_STATUS_READY);
        NvmepWrite(Controller, NvmeControl, Control & ~(NVMEP_ENABLE | NVMEP_SHUTDOWN_MASK));
    }
    return NvmepWaitReady(Controller, 0);
}

/* => As many queues as are asked for and allowed. */
static NTSTATUS NvmepAskForQueues(PNVME_CONTROLLER Controller)
{
    const NVME_COMMAND Command = {
        .Operation = NVMEP_SET_FEATURES,
        .Words = {NVMEP_FEATURE_QUEUES, (NVME_DISKS - 1) << 16 | (NVME_DISKS - 1)},
    };
    ULONG Allowed = 0;
    NTSTATUS Status = NvmeAdmin(Controller, &Command, &Allowed);
    ULONG Commands = (Allowed & 0xFFFFu) + 1;
    ULONG Completions = (Allowed >> 16) + 1;

    if (NT_SUCCESS(Status)) {
        Controller->QueueLimit = Commands < Completions ? Commands : Completions;
    }
    return Status;
}

NTSTATUS NvmeRestart(PNVME_CONTROLLER Controller)
{
    const ULONG Entries = NVMEP_ADMIN_ENTRIES - 1;
    NTSTATUS Status = NvmeStop(Controller);

    Controller->Generation++;
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    NvmeEmptyQueue(&Controller->Admin);
    NvmepWrite(Controller, NvmeAdminEntries, Entries << 16 | Entries);
    NvmepWrite(Controller, NvmeAdminCommands, NvmepPhysical(Controller, 0));
    NvmepWrite(Controller, NvmeAdminCommands + 4, 0);
    NvmepWrite(Controller, NvmeAdminCompletions, NvmepPhysical(Controller, PAGE_SIZE));
    NvmepWrite(Controller, NvmeAdminCompletions + 4, 0);
    NvmepWrite(Controller, NvmeControl, NVMEP_ENTRY_SIZES);
    NvmepWrite(Controller, NvmeControl, NVMEP_ENTRY_SIZES | NVMEP_ENABLE);
    Status = NvmepWaitReady(Controller, NVME_STATUS_READY);
    return NT_SUCCESS(Status) ? NvmepAskForQueues(Controller) : Status;
}

/* ---- admin commands ---- */

/* => STATUS_PENDING: not yet. */
static NTSTATUS NvmepTakeAdmin(PNVME_CONTROLLER Controller, ULONG Id, PULONG Result)
{
    ULONG State = NvmeRead(Controller, NvmeStatus);
    NVME_COMPLETION Answer;
    NVME_FOUND Found = NvmeTake(&Controller->Admin, &Answer);

    if (State == NVME_NOT_THERE) {
        return STATUS_NO_SUCH_DEVICE;
    }
    if (Found == NvmeNothing) {
        return State & NVME_STATUS_FATAL ? STATUS_IO_DEVICE_ERROR : STATUS_PENDING;
    }
    NvmeAcknowledge(&Controller->Admin);
    if (Found != NvmeAnswer || Answer.Id != Id || (Answer.Status & NVME_STATUS_CODE) != 0) {
        return STATUS_IO_DEVICE_ERROR;
    }
    if (Result != NULL) {
        *Result = Answer.Result;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NvmeAdmin(PNVME_CONTROLLER Controller, const NVME_COMMAND *Command, PULONG Result)
{
    NVME_COMMAND Sent = *Command;
    ULONG Tries;

    Sent.Id = (USHORT)Controller->Admin.Tail;
    NvmeSubmit(&Controller->Admin, &Sent);
    for (Tries = NVMEP_ADMIN_TRIES; Tries != 0; Tries--) {
        NTSTATUS Status = NvmepTakeAdmin(Controller, Sent.Id, Result);

        if (Status != STATUS_PENDING) {
            return Status;
        }
        KeStallExecutionProcessor(NVMEP_WAIT);
    }
    return STATUS_IO_TIMEOUT;
}

NTSTATUS NvmeIdentify(PNVME_CONTROLLER Controller, ULONG What, ULONG Namespace)
{
    const NVME_COMMAND Command = {
        .Operation = NVMEP_IDENTIFY,
        .Namespace = Namespace,
        .Data = {NvmepPhysical(Controller, NVME_IDENTIFY_AT)},
        .Words = {What},
    };

    memset(Controller->Memory + NVME_IDENTIFY_AT, 0, PAGE_SIZE);
    return NvmeAdmin(Controller, &Command, NULL);
}

/* ---- finding out ---- */

BOOLEAN NvmeFindDoorbells(const NVME_CONTROLLER *Controller, PNVME_QUEUE Queue)
{
    ULONG Tail = NvmeDoorbells + 2 * Queue->Id * Controller->Stride;
    ULONG Head = Tail + Controller->Stride;

    if (Head + sizeof(ULONG) > Controller->Bytes) {
        return FALSE;
    }
    Queue->TailDoorbell = (volatile ULONG *)(Controller->Registers + Tail);
    Queue->HeadDoorbell = (volatile ULONG *)(Controller->Registers + Head);
    return TRUE;
}

/* Twice: how far apart the doorbells are stands in the registers. */
static NTSTATUS NvmepMap(PNVME_CONTROLLER Controller)
{
    PCI_RANGE Range;
    ULONG High;
    ULONG Bytes;

    if (!NT_SUCCESS(PciQueryRange(Controller->F, NVMEP_RANGE, &Range)) || Range.Io ||
        Range.Bytes <= NVMEP_FIRST_BYTES) {
        return STATUS_NOT_SUPPORTED;
    }
    Controller->Bytes = NVMEP_FIRST_BYTES;
    Controller->Registers = PciMapRegisters(Controller->F, NVMEP_RANGE, 0, NVMEP_FIRST_BYTES);
    if (Controller->Registers == NULL) {
        return STATUS_DEVICE_UNREACHABLE;
    }
    High = NvmeRead(Controller, NvmeCapabilities + 4);
    HalUnmapRegisters((PVOID)Controller->Registers, NVMEP_FIRST_BYTES);
    Controller->Stride = NVMEP_STRIDE(High);
    Bytes = NvmeDoorbells + 2 * (NVME_DISKS + 1) * Controller->Stride;
    Bytes = Bytes < NVMEP_MAP_LIMIT ? Bytes : NVMEP_MAP_LIMIT;
    Controller->Bytes = Range.Bytes < Bytes ? (ULONG)Range.Bytes : Bytes;
    Controller->Registers = PciMapRegisters(Controller->F, NVMEP_RANGE, 0, Controller->Bytes);
    return Controller->Registers != NULL ? STATUS_SUCCESS : STATUS_DEVICE_UNREACHABLE;
}

/* => STATUS_NOT_SUPPORTED: larger pages than ours, other commands, or room for no command. */
static NTSTATUS NvmepReadCapabilities(PNVME_CONTROLLER Controller)
{
    ULONG Low = NvmeRead(Controller, NvmeCapabilities);
    ULONG High = NvmeRead(Controller, NvmeCapabilities + 4);
    ULONG Tries = NVMEP_TIMEOUT(Low) * NVMEP_TIMEOUT_TRIES;

    if (Low == NVME_NOT_THERE && High == NVME_NOT_THERE) {
        return STATUS_NO_SUCH_DEVICE;
    }
    if (!NVMEP_NVM(High) || NVMEP_PAGE(High) != 0 || NVMEP_ENTRIES(Low) < 2 ||
        !NvmeFindDoorbells(Controller, &Controller->Admin)) {
        return STATUS_NOT_SUPPORTED;
    }
    Tries = Tries > NVMEP_READY_LEAST ? Tries : NVMEP_READY_LEAST;
    Controller->ReadyTries = Tries < NVMEP_READY_MOST ? Tries : NVMEP_READY_MOST;
    Controller->QueueEntries =
        NVMEP_ENTRIES(Low) < NVME_QUEUE_ENTRIES ? NVMEP_ENTRIES(Low) : NVME_QUEUE_ENTRIES;
    return STATUS_SUCCESS;
}

static NTSTATUS NvmepAllocate(PNVME_CONTROLLER Controller)
{
    const PHYSICAL_ADDRESS Highest = {.QuadPart = 0xFFFFFFFF};

    Controller->Memory = MmAllocateContiguousMemory(NVME_ADMIN_BYTES, Highest);
    if (Controller->Memory == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Controller->Memory, 0, NVME_ADMIN_BYTES);
    Controller->Admin.Entries = NVMEP_ADMIN_ENTRIES;
    Controller->Admin.Commands = (PVOID)Controller->Memory;
    Controller->Admin.Completions = (PVOID)(Controller->Memory + PAGE_SIZE);
    return STATUS_SUCCESS;
}

static NTSTATUS NvmepReadController(PNVME_CONTROLLER Controller, PULONG Namespaces)
{
    const UCHAR *Page = Controller->Memory + NVME_IDENTIFY_AT;
    NTSTATUS Status = NvmeIdentify(Controller, NVME_ABOUT_CONTROLLER, 0);
    ULONG Shift;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Shift = Page[ControllerTransfer];
    Controller->TransferBytes = NVMEP_TRANSFER_BYTES;
    if (Shift != 0 && Shift < 32 - PAGE_SHIFT && PAGE_SIZE << Shift < NVMEP_TRANSFER_BYTES) {
        Controller->TransferBytes = PAGE_SIZE << Shift;
    }
    Controller->HasCache = (Page[ControllerCache] & 1) != 0;
    memcpy(Namespaces, Page + ControllerNamespaces, sizeof(*Namespaces));
    return STATUS_SUCCESS;
}

/*
 * The numbers of the first namespaces.  A controller of version 1.0 has no list: there they are
 * numbered from 1 on.
 *
 * => Returns how many were written to Found.
 */
static ULONG NvmepListNamespaces(PNVME_CONTROLLER Controller, ULONG Namespaces, PULONG Found)
{
    const ULONG Most = NVME_DISKS < Controller->QueueLimit ? NVME_DISKS : Controller->QueueLimit;
    BOOLEAN Listed = NT_SUCCESS(NvmeIdentify(Controller, NVME_NAMESPACE_LIST, 0));
    ULONG Count = 0;

    while (Count < Most) {
        ULONG Number = Count + 1;

        if (Listed) {
            memcpy(&Number, Controller->Memory + NVME_IDENTIFY_AT + Count * sizeof(Number),
                   sizeof(Number));
        }
        if (Number == 0 || (!Listed && Number > Namespaces)) {
            break;
        }
        Found[Count++] = Number;
    }
    return Count;
}

/* ---- the whole ---- */

static void NvmepInterrupt(PVOID Context)
{
    PNVME_CONTROLLER Controller = Context;
    ULONG i;

    for (i = 0; i < Controller->DiskCount; i++) {
        ChannelInterrupt(&Controller->Disks[i]->Channel);
    }
}

/* => STATUS_NO_SUCH_DEVICE: there is no namespace that can be used. */
static NTSTATUS NvmepFindDisks(PNVME_CONTROLLER Controller, ULONG Number, ULONG Namespaces)
{
    ULONG Found[NVME_DISKS];
    ULONG Count = NvmepListNamespaces(Controller, Namespaces, Found);
    NTSTATUS Status = STATUS_NO_SUCH_DEVICE;
    ULONG i;

    for (i = 0; i < Count; i++) {
        NTSTATUS Each = NvmeCreateDisk(Controller, Number, Found[i]);

        if (Each == STATUS_NOT_SUPPORTED || Each == STATUS_INSUFFICIENT_RESOURCES) {
            Status = Each; /* the others may do */
        } else if (!NT_SUCCESS(Each) && Each != STATUS_NO_SUCH_DEVICE) {
            return Each;
        }
    }
    return Controller->DiskCount != 0 ? STATUS_SUCCESS : Status;
}

/* => The function is taken. */
static NTSTATUS NvmepBringUp(PNVME_CONTROLLER Controller, ULONG Number)
{
    ULONG Namespaces = 0;
    NTSTATUS Status = NvmepMap(Controller);

    if (NT_SUCCESS(Status)) {
        Status = NvmepReadCapabilities(Controller);
    }
    if (NT_SUCCESS(Status)) {
        Status = NvmeStop(Controller); /* firmware's queues are somebody else's memory by now */
    }
    if (NT_SUCCESS(Status)) {
        Status = NvmepAllocate(Controller);
    }
    if (NT_SUCCESS(Status)) {
        Status = PciEnableMaster(Controller->F);
    }
    if (NT_SUCCESS(Status)) {
        Status = NvmeRestart(Controller);
    }
    if (NT_SUCCESS(Status)) {
        Status = NvmepReadController(Controller, &Namespaces);
    }
    if (NT_SUCCESS(Status)) {
        Status = PciConnectMessage(Controller->F, NvmepInterrupt, Controller, &Controller->Message);
    }
    if (Controller->ReadyTries > NVMEP_RESET_MOST) {
        Controller->ReadyTries = NVMEP_RESET_MOST;
    }
    return NT_SUCCESS(Status) ? NvmepFindDisks(Controller, Number, Namespaces) : Status;
}

static void NvmepDelete(PNVME_CONTROLLER Controller)
{
    ULONG i;

    if (Controller->Registers != NULL && Controller->Memory != NULL) {
        (void)NvmeStop(Controller);
    }
    PciDisconnectMessage(Controller->F, &Controller->Message);
    PciReleaseFunction(Controller->F); /* whatever it says, it cannot access memory any more */
    for (i = 0; i < Controller->DiskCount; i++) {
        NvmeDeleteDisk(Controller->Disks[i]);
    }
    if (Controller->Memory != NULL) {
        MmFreeContiguousMemory(Controller->Memory);
    }
    if (Controller->Registers != NULL) {
        HalUnmapRegisters((PVOID)Controller->Registers, Controller->Bytes);
    }
    ExFreePoolWithTag(Controller, NVME_TAG);
}

/* ---- the end ---- */

/* What is in its cache goes to the medium, and it will not call the power-off an accident. */
static void NvmepShutDown(PVOID Context)
{
    const NVME_CONTROLLER *Controller = Context;
    ULONG Control = NvmeRead(Controller, NvmeControl);
    ULONG Tries;

    if (Control == NVME_NOT_THERE || !(Control & NVMEP_ENABLE)) {
        return;
    }
    NvmepWrite(Controller, NvmeControl, (Control & ~NVMEP_SHUTDOWN_MASK) | NVMEP_SHUTDOWN);
    for (Tries = NVMEP_STOP_TRIES; Tries != 0; Tries--) {
        ULONG Status = NvmeRead(Controller, NvmeStatus);

        if (Status == NVME_NOT_THERE || (Status & NVME_STATUS_STOPPED) == NVMEP_SHUTDOWN_DONE) {
            return;
        }
        KeStallExecutionProcessor(NVMEP_WAIT);
    }
}

NTSTATUS NvmeAddDevice(HAL_PCI_FUNCTION F, ULONG Number)
{
    PNVME_CONTROLLER Controller =
        ExAllocatePoolWithTag(NonPagedPool, sizeof(*Controller), NVME_TAG);
    NTSTATUS Status;
    ULONG i;

    if (Controller == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Controller, 0, sizeof(*Controller));
    Controller->F = F;
    KeInitializeSpinLock(&Controller->Lock);
    Status = PciTakeFunction(F);
    if (NT_SUCCESS(Status)) {
        Status = NvmepBringUp(Controller, Number);
    }
    if (!NT_SUCCESS(Status)) {
        NvmepDelete(Controller);
        return Status;
    }
    for (i = 0; i < Controller->DiskCount; i++) {
        DriverAddDisk(&Controller->Disks[i]->Channel.Device);
    }
    DriverAddStop(NvmepShutDown, Controller);
    return STATUS_SUCCESS;
}
