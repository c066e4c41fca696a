/* SPDX-License-Identifier: MIT */
/*
 * print_stack.c - the stack trace of the running machine, as WinDbg's k prints it.
 */
#include "arch/mmu.h"
#include "arch/x86/print.h"
#include "arch/x86/stack_trace.h"
#include "arch/x86/symbols.h"
#include "rtl.h"

#define KIP_STACK_FRAMES 24

/* => Whether Va's page can be read, by the page tables. */
static BOOLEAN KipReadable(ULONG Va)
{
    MMPTE Pde = MiReadPte(MiGetPdeAddress(Va));

    if (!Pde.Hard.Valid) {
        return FALSE;
    }
    return Pde.Hard.LargePage || MiReadPte(MiGetPteAddress(Va)).Hard.Valid;
}

BOOLEAN KiReadMappedMemory(ULONG Va, PVOID Buffer, ULONG Bytes)
{
    if (Va + Bytes < Va || !KipReadable(Va) || !KipReadable(Va + Bytes - 1)) {
        return FALSE;
    }
    memcpy(Buffer, (const void *)Va, Bytes); /* shorter than a page, hence in at most two */
    return TRUE;
}

/*
 * A call to what never returns may be its function's last instruction, so the name is that of the
 * call itself.
 */
static void KipPrintFrame(const KI_STACK_FRAME *Frame)
{
    char Name[KI_SYMBOL_BYTES];
    ULONG Offset;

    if (KiFindSymbol(Frame->Eip - Frame->InCall, Name, sizeof(Name), &Offset)) {
        KiPrint("%08x %08x %s+0x%x\n", Frame->ChildEbp, Frame->RetAddr, Name,
                Offset + Frame->InCall);
    } else {
        KiPrint("%08x %08x 0x%08x\n", Frame->ChildEbp, Frame->RetAddr, Frame->Eip);
    }
}

void KiPrintStackTrace(const KI_STACK_STATE *State)
{
    KI_STACK_FRAME Frames[KIP_STACK_FRAMES];
    ULONG Count;
    ULONG i;

    KiPrint("\nChildEBP RetAddr\n");
    Count = KiTraceStack(State, KiReadMappedMemory, Frames, KIP_STACK_FRAMES);
    for (i = 0; i < Count; i++) {
        KipPrintFrame(&Frames[i]);
    }
}
