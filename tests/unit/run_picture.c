/* SPDX-License-Identifier: MIT */
/*
 * run_picture.c - letters for memory types.
 */
#include "run_picture.h"

#include <string.h>

static const char Letters[LOADER_MEMORY_TYPES + 1] = {
    [LoaderFree] = 'F',          [LoaderFirmwareTemporary] = 't', [LoaderFirmwarePermanent] = 'P',
    [LoaderAcpiReclaim] = 'A',   [LoaderAcpiNvs] = 'N',           [LoaderBad] = 'B',
    [LoaderMappedIo] = 'I',      [LoaderSystemCode] = 'K',        [LoaderBootData] = 'D',
    [LoaderPageTables] = 'T',    [LoaderUnusableHigh] = 'h',      [LoaderMaxMemory] = 'x',
    [LOADER_MEMORY_TYPES] = '.',
};

ULONG PictureType(char Letter)
{
    ULONG Type = 0;

    while (Type < LOADER_MEMORY_TYPES && Letters[Type] != Letter) {
        Type++;
    }
    return Type;
}

char PictureLetter(ULONG Type)
{
    return Letters[Type];
}

static char LetterOfPage(ULONG64 Page, const LOADER_MEMORY_RUN *Runs, ULONG Count)
{
    ULONG Index;

    for (Index = 0; Index < Count; Index++) {
        if (Page >= Runs[Index].BasePage && Page - Runs[Index].BasePage < Runs[Index].PageCount) {
            return Letters[Runs[Index].Type];
        }
    }
    return '.';
}

void DrawRuns(char *Picture, ULONG64 FirstPage, const LOADER_MEMORY_RUN *Runs, ULONG Count)
{
    ULONG Page;
    ULONG Length = 0;

    memset(Picture, 0, PICTURE_PAGES + 1);
    for (Page = 0; Page < PICTURE_PAGES; Page++) {
        Picture[Page] = LetterOfPage(FirstPage + Page, Runs, Count);
        if (Picture[Page] != '.') {
            Length = Page + 1;
        }
    }
    Picture[Length] = 0;
}
