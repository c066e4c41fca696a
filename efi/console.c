/* SPDX-License-Identifier: MIT */
/*
 * console.c - text on the firmware's console.
 */
#include "efi/firmware.h"

#define BLP_CHUNK 120 /* characters handed to the firmware at once */

/* Widens to UCS-2 and turns \n into \r\n. */
static void BlpSink(PVOID Context, const char *Text, SIZE_T Bytes)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *Out = BlContext.System->ConOut;
    CHAR16 Wide[BLP_CHUNK + 2];
    SIZE_T Used = 0;
    SIZE_T i;

    (void)Context;
    for (i = 0; i < Bytes && Out != NULL; i++) {
        if (Text[i] == '\n') {
            Wide[Used++] = '\r';
        }
        Wide[Used++] = (UCHAR)Text[i];
        if (Used >= BLP_CHUNK || i + 1 == Bytes) {
            Wide[Used] = 0;
            Out->OutputString(Out, Wide);
            Used = 0;
        }
    }
}

static void BlpPrintV(const char *Format, va_list Arguments)
{
    char Line[256];

    /* One call of the firmware for a line: each costs it a cursor update. */
    if (RtlStringCbVPrintfA(Line, sizeof(Line), Format, Arguments) == STATUS_BUFFER_OVERFLOW) {
        Line[sizeof(Line) - 2] = '\n';
    }
    BlpSink(NULL, Line, strlen(Line));
}

void BlPrint(const char *Format, ...)
{
    va_list Arguments;

    va_start(Arguments, Format);
    BlpPrintV(Format, Arguments);
    va_end(Arguments);
}

void BlTrace(const char *Format, ...)
{
    va_list Arguments;

    if (BlContext.Block == NULL || !(BlContext.Block->Options.Flags & LOADER_OPTION_SOS)) {
        return;
    }
    va_start(Arguments, Format);
    BlpPrintV(Format, Arguments);
    va_end(Arguments);
}

BOOLEAN BlFail(const char *Format, ...)
{
    va_list Arguments;

    BlPrint("\nHyperspace cannot start: ");
    va_start(Arguments, Format);
    BlpPrintV(Format, Arguments);
    va_end(Arguments);
    BlPrint("\n");
    return FALSE;
}

void BlPause(ULONG Seconds)
{
    SIMPLE_INPUT_INTERFACE *In = BlContext.System->ConIn;
    EFI_INPUT_KEY Key;
    ULONG i;

    BlPrint("Returning to the firmware in %u seconds; any key does it now.\n", Seconds);
    for (i = 0; i < Seconds * 20; i++) {
        if (In != NULL && In->ReadKeyStroke(In, &Key) == EFI_SUCCESS) {
            return;
        }
        BlContext.Boot->Stall(50000);
    }
}
