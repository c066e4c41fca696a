/* SPDX-License-Identifier: MIT */
/*
 * image.c - where the headers of an image in memory stand.
 */
#include "nt/image.h"
#include "rtl.h"

#define RTLP_MOST_OFFSET 0x10000000 /* 256 MB */

PIMAGE_NT_HEADERS32 NTAPI RtlImageNtHeader(PVOID Base)
{
    const IMAGE_DOS_HEADER *Dos = Base;
    PIMAGE_NT_HEADERS32 Nt;

    if (Base == NULL || Base == (PVOID)(LONG_PTR)-1 || Dos->e_magic != IMAGE_DOS_SIGNATURE ||
        Dos->e_lfanew < 0 || Dos->e_lfanew >= RTLP_MOST_OFFSET || Dos->e_lfanew % 4 != 0) {
        return NULL;
    }
    Nt = (PIMAGE_NT_HEADERS32)(PVOID)((PUCHAR)Base + Dos->e_lfanew);
    return Nt->Signature == IMAGE_NT_SIGNATURE ? Nt : NULL;
}
