/* SPDX-License-Identifier: MIT */
/*
 * ki_console.c - the console under the names by which portable code knows it (arch/cpu.h).
 *
 * Apart from console.c, so that host tests can have that file and their own console at once.
 */
#include "arch/cpu.h"
#include "arch/x86/console.h"

void KiConsoleWrite(const char *Text, SIZE_T Bytes)
{
    HalConsoleWrite(Text, Bytes);
}

int KiConsoleRead(void)
{
    return HalConsoleRead();
}
