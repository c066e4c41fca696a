/* SPDX-License-Identifier: MIT */
/*
 * paging_world.c - see paging_world.h.
 */
#include "tests/unit/paging_world.h"

#include <string.h>

void PagingWorldStart(ULONG64 Seed)
{
    IoWorldStart(&IoWorldFat16, Seed);
    MiForgetPagingFiles();
}

NTSTATUS PagingWorldCreate(const char *Name, ULONG MinimumMb, ULONG MaximumMb)
{
    MI_PAGING_FILE_SETTING Setting = {.MinimumPages = MinimumMb * MI_PAGES_IN_MB,
                                      .MaximumPages = MaximumMb * MI_PAGES_IN_MB};

    strncpy(Setting.Name, Name, MI_PAGING_NAME_BYTES - 1);
    return MiCreatePagingFile(IoVolume, &Setting);
}

void PagingWorldStartWith(ULONG64 Seed, ULONG MinimumMb, ULONG MaximumMb)
{
    PagingWorldStart(Seed);
    CHECK_EQUAL(STATUS_SUCCESS, PagingWorldCreate("C:\\pagefile.sys", MinimumMb, MaximumMb));
}

void PagingWorldFinish(void)
{
    MiClosePagingFiles();
    IoWorldFinish();
}
