/* SPDX-License-Identifier: MIT */
/*
 * prompt.c - a small prompt, until the monitor (mm/inspect) takes its place.
 */
#include "arch/x86/console.h"
#include "arch/x86/kernel.h"
#include "arch/x86/power.h"
#include "arch/x86/print.h"
#include "arch/x86/symbols.h"
#include "mm_machine.h"
#include "rtl.h"

#define KIP_COMMAND_BYTES 80

typedef struct _KIP_COMMAND {
    const char *Name;
    void (*Routine)(const char *Arguments);
    const char *Help;
} KIP_COMMAND;

static void KipHelp(const char *Arguments);

static void KipReport(const char *Arguments)
{
    (void)Arguments;
    KiRunReport();
    KiReportVerdict();
}

static void KipMemory(const char *Arguments)
{
    (void)Arguments;
    KiDescribeMemory();
}

static void KipVersion(const char *Arguments)
{
    (void)Arguments;
    KiDescribeBuild();
    KiDescribeFirmware();
    KiDescribeProcessor();
    KiDescribeSwitch();
    KiDescribeDevices();
}

/* Numbers are hexadecimal, with or without 0x, as in WinDbg. */
static BOOLEAN KipParseAddress(const char *Text, PULONG Address)
{
    char Number[KIP_COMMAND_BYTES + 2];
    const char *Cursor = Number;
    ULONG64 Value;

    RtlStringCbPrintfA(Number, sizeof(Number), "%s%s",
                       RtlCompareText(Text, "0x", 2) == 0 ? "" : "0x", Text);
    if (!NT_SUCCESS(RtlParseNumber(&Cursor, Number + strlen(Number), &Value)) || *Cursor != 0 ||
        Value > 0xFFFFFFFFu) {
        return FALSE;
    }
    *Address = (ULONG)Value;
    return TRUE;
}

static void KipNearest(const char *Arguments)
{
    char Name[KI_SYMBOL_BYTES];
    ULONG Address;
    ULONG Offset;

    if (!KipParseAddress(Arguments, &Address)) {
        KiPrint("ln: \"%s\" is not an address; give hexadecimal digits\n", Arguments);
    } else if (KiFindSymbol(Address, Name, sizeof(Name), &Offset)) {
        KiPrint("(%08x)   %s+0x%x\n", Address - Offset, Name, Offset);
    } else {
        KiPrint("ln: no symbol lies at or below %08x\n", Address);
    }
}

static void KipCrash(const char *Arguments)
{
    KiCrash(Arguments[0] == 0 ? "manual" : Arguments);
    KiPrint(".crash: \"%s\" is not known; there are: %s %s\n", Arguments, KiCrashKinds,
            MmCrashKinds);
}

static void KipReboot(const char *Arguments)
{
    (void)Arguments;
    HalReset();
}

static void KipShutdown(const char *Arguments)
{
    (void)Arguments;
    KiEndRun();
}

static const KIP_COMMAND KipCommands[] = {
    {"help", KipHelp, "this list"},
    {"vertarget", KipVersion, "version, firmware, processor, devices"},
    {"memmap", KipMemory, "the physical memory map"},
    {"report", KipReport, "the boot's report again"},
    {"ln", KipNearest, "ln <address>: the nearest symbol"},
    {".crash", KipCrash, ".crash [kind]: stop with a bug check"},
    {".reboot", KipReboot, "restart the machine"},
    {".shutdown", KipShutdown, "switch the machine off"},
};

static void KipHelp(const char *Arguments)
{
    ULONG i;

    (void)Arguments;
    for (i = 0; i < RTL_NUMBER_OF(KipCommands); i++) {
        KiPrint("  %-10s %s\n", KipCommands[i].Name, KipCommands[i].Help);
    }
    KiPrint("  kinds for .crash: %s %s\n", KiCrashKinds, MmCrashKinds);
}

static void KipExecute(char *Line)
{
    char *End = Line;
    const char *Arguments;
    ULONG i;

    while (*End != 0 && *End != ' ') {
        End++;
    }
    Arguments = *End == 0 ? End : End + 1;
    *End = 0;
    for (i = 0; i < RTL_NUMBER_OF(KipCommands); i++) {
        if (strcmp(Line, KipCommands[i].Name) == 0) {
            KipCommands[i].Routine(Arguments);
            return;
        }
    }
    KiPrint("\"%s\" is not a command; help lists them\n", Line);
}

void KiPrompt(void)
{
    char Line[KIP_COMMAND_BYTES];

    KiPrint("\nType help for the commands.\n");
    for (;;) {
        KiPrint("mm> ");
        KiReadLine(Line, sizeof(Line));
        if (Line[0] != 0) {
            KipExecute(Line);
        }
    }
}
