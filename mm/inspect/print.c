/* SPDX-License-Identifier: MIT */
/*
 * print.c - where commands print to and read from: the console, and what the page tables map.
 */
#include "mm/inspect/command.h"

#include "arch/cpu.h"
#include "mm/sysva/address.h"
#include "rtl.h"

void MiPrintSink(PVOID Context, const char *Text, SIZE_T Bytes)
{
    (void)Context;
    KiConsoleWrite(Text, Bytes);
}

void MiPrint(const char *Format, ...)
{
    va_list Arguments;

    va_start(Arguments, Format);
    RtlFormatV(MiPrintSink, NULL, Format, Arguments);
    va_end(Arguments);
}

void MiFail(const char *Format, ...)
{
    va_list Arguments;

    va_start(Arguments, Format);
    RtlFormatV(MiPrintSink, NULL, Format, Arguments);
    va_end(Arguments);
    MiPrint("\n");
}

BOOLEAN MiStopRequested(void)
{
    return KiConsoleRead() == 3;
}

static LONG MipDigit(char Character)
{
    if (Character >= '0' && Character <= '9') {
        return Character - '0';
    }
    Character |= 0x20;
    return Character >= 'a' && Character <= 'f' ? Character - 'a' + 10 : -1;
}

NTSTATUS MiTakeArgument(const char **Arguments, PULONG_PTR Value)
{
    const char *Text = *Arguments;
    ULONG_PTR Result = 0;

    while (*Text == ' ') {
        Text++;
    }
    if (*Text == 0) {
        return STATUS_NO_MORE_ENTRIES;
    }
    if (Text[0] == '0' && (Text[1] | 0x20) == 'x') {
        Text += 2;
    }
    for (; MipDigit(*Text) >= 0; Text++) {
        Result = Result << 4 | (ULONG)MipDigit(*Text);
    }
    if (*Text != 0 && *Text != ' ') {
        MiFail("Not a hexadecimal number: %s.", *Arguments);
        return STATUS_INVALID_PARAMETER;
    }
    while (*Text == ' ') {
        Text++;
    }
    *Arguments = Text;
    *Value = Result;
    return STATUS_SUCCESS;
}

BOOLEAN MiTakeOptional(const char **Arguments, ULONG_PTR Default, PULONG_PTR Value)
{
    NTSTATUS Status = MiTakeArgument(Arguments, Value);

    if (Status == STATUS_NO_MORE_ENTRIES) {
        *Value = Default;
        return TRUE;
    }
    return NT_SUCCESS(Status);
}

SIZE_T MiReadVirtual(ULONG_PTR Va, PVOID Buffer, SIZE_T Bytes)
{
    SIZE_T Done = 0;

    while (Done < Bytes && Va + Done >= Va && MmIsAddressValid((PVOID)(Va + Done))) {
        SIZE_T Piece = PAGE_SIZE - BYTE_OFFSET(Va + Done);

        Piece = Piece < Bytes - Done ? Piece : Bytes - Done;
        memcpy((PUCHAR)Buffer + Done, (const void *)(Va + Done), Piece);
        Done += Piece;
    }
    return Done;
}
