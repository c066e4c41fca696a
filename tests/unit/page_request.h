/* SPDX-License-Identifier: MIT */
/*
 * page_request.h - requests for pages of a file, as the memory manager makes them.
 */
#ifndef TESTS_UNIT_PAGE_REQUEST_H
#define TESTS_UNIT_PAGE_REQUEST_H

#include "io.h"

/* A request of some pages: its frames, and what became of it. */
typedef struct _PAGE_IO {
    PUCHAR Buffer; /* nonpaged pool */
    PMDL Mdl;
    KEVENT Done;
    IO_STATUS_BLOCK Iosb;
} PAGE_IO;

void PageIoCreate(PAGE_IO *P, ULONG Pages, UCHAR Fill);
void PageIoDelete(PAGE_IO *P);

void PageIoStart(PAGE_IO *P, PFILE_OBJECT File, ULONG64 Offset, BOOLEAN Writes);

/* => Returns its status; fails the test when it takes a minute of simulated time. */
NTSTATUS PageIoWait(PAGE_IO *P);

/* Both. */
NTSTATUS PageIoRead(PAGE_IO *P, PFILE_OBJECT File, ULONG64 Offset);
NTSTATUS PageIoWrite(PAGE_IO *P, PFILE_OBJECT File, ULONG64 Offset);

#endif
