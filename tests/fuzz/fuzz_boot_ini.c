/* SPDX-License-Identifier: MIT */
/*
 * fuzz_boot_ini.c - any bytes as boot.ini: options in their ranges, complaints that can be printed.
 */
#include "efi/boot_ini.h"
#include "efi/text_source.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size);

static void Require(BOOLEAN Condition)
{
    if (!Condition) {
        __builtin_trap();
    }
}

static void CheckComplaint(PVOID Context, ULONG Line, const char *Message)
{
    ULONG *Complaints = Context;

    (void)Line;
    (*Complaints)++;
    Require(strlen(Message) != 0 && strlen(Message) < BL_COMPLAINT_BYTES);
    for (; *Message != 0; Message++) {
        Require((UCHAR)*Message >= ' ' || *Message == '\t');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    LOADER_OPTIONS Options;
    ULONG Complaints = 0;

    BlParseBootIni(Data, Size, &Options, CheckComplaint, &Complaints);
    Require(Options.MaxMemoryMb <= 4096 && Options.BurnMemoryMb <= 4096);
    Require(Options.BaudRate >= 300 && 115200 % Options.BaudRate == 0);
    Require(Options.UserVaMb == 0 || (Options.UserVaMb >= 2048 && Options.UserVaMb <= 3072));
    Require(memchr(Options.Run, 0, sizeof(Options.Run)) != NULL);
    Require(Complaints <= BL_COMPLAINTS_SHOWN + 1);
    Require(Options.Warnings > BL_COMPLAINTS_SHOWN || Options.Warnings == Complaints);
    return 0;
}
