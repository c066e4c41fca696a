/* SPDX-License-Identifier: MIT */
/*
 * console.c - the console's bytes: what was written is kept for the test to read, what the test
 * types is read by the core.
 */
#include "tests/host/machine_i.h"

#include <string.h>

#define CONSOLE_BYTES 0x10000u

static char Written[2 * CONSOLE_BYTES + 1]; /* zero terminated; the older half goes when full */
static SIZE_T WrittenBytes;
static const char *Typed;

void HostpConsoleReset(void)
{
    HostConsoleClear();
    Typed = NULL;
}

void HostConsoleClear(void)
{
    WrittenBytes = 0;
    Written[0] = 0;
}

const char *HostConsoleText(void)
{
    return Written + (WrittenBytes > CONSOLE_BYTES ? WrittenBytes - CONSOLE_BYTES : 0);
}

void HostConsoleType(const char *Text)
{
    Typed = Text;
}

static void WriteCharacter(char Character)
{
    if (WrittenBytes == 2 * CONSOLE_BYTES) {
        memcpy(Written, Written + CONSOLE_BYTES, CONSOLE_BYTES);
        WrittenBytes = CONSOLE_BYTES;
    }
    Written[WrittenBytes++] = Character;
    Written[WrittenBytes] = 0;
}

void KiConsoleWrite(const char *Text, SIZE_T Bytes)
{
    SIZE_T Index;

    for (Index = 0; Index < Bytes; Index++) {
        WriteCharacter(Text[Index]);
    }
}

int KiConsoleRead(void)
{
    HostpRequire(KeGetCurrentIrql() <= DISPATCH_LEVEL, KeGetCurrentIrql());
    if (Typed == NULL || *Typed == 0) {
        return -1;
    }
    return (UCHAR)*Typed++;
}
