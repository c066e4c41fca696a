/* SPDX-License-Identifier: MIT */
/*
 * size.c - how large a paging file is when nobody says so.
 *
 *     smallest    RAM and a quarter
 *     largest     twice that
 *     both        whole MB, 1 to 4095, and no more than the volume has, less a reserve: a sixteenth
 *                 of it, at most 64 MB
 */
#include "mm/paging/paging_file.h"

#define MIP_RESERVE_SHARE 16u
#define MIP_MOST_RESERVE  0x4000000u

static ULONG MipWholeMegabytes(ULONG64 Pages)
{
    Pages = (Pages + MI_PAGES_IN_MB - 1) / MI_PAGES_IN_MB * MI_PAGES_IN_MB;
    return Pages < MI_MOST_PAGING_PAGES ? (ULONG)Pages : MI_MOST_PAGING_PAGES;
}

/* Pages that the file can have, in whole MB. */
static ULONG MipPagesOnVolume(const MI_PAGING_ROOM *Room)
{
    ULONG64 Reserve = Room->VolumeBytes / MIP_RESERVE_SHARE;
    ULONG64 Bytes = Room->FreeBytes + (ULONG64)Room->FilePages * PAGE_SIZE;
    ULONG64 Pages;

    Reserve = Reserve < MIP_MOST_RESERVE ? Reserve : MIP_MOST_RESERVE;
    Pages = Bytes > Reserve ? (Bytes - Reserve) / PAGE_SIZE : 0;
    Pages = Pages < MI_MOST_PAGING_PAGES ? Pages : MI_MOST_PAGING_PAGES;
    return (ULONG)Pages / MI_PAGES_IN_MB * MI_PAGES_IN_MB;
}

NTSTATUS MiSizePagingFile(const MI_PAGING_ROOM *Room, PULONG MinimumPages, PULONG MaximumPages)
{
    ULONG Most = MipPagesOnVolume(Room);
    ULONG Minimum = MipWholeMegabytes((ULONG64)Room->RamPages + Room->RamPages / 4);
    ULONG Maximum = MipWholeMegabytes(2 * (ULONG64)Minimum);

    if (Most < MI_LEAST_PAGING_PAGES) {
        return STATUS_DISK_FULL;
    }
    *MinimumPages = Minimum < Most ? Minimum : Most;
    *MaximumPages = Maximum < Most ? Maximum : Most;
    return STATUS_SUCCESS;
}
