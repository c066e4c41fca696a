/* SPDX-License-Identifier: MIT */
/*
 * complaint_log.h - the complaints of a parser as one text, "line: message; line: message".
 */
#ifndef COMPLAINT_LOG_H
#define COMPLAINT_LOG_H

#include "efi/complaint.h"

typedef struct _COMPLAINT_LOG {
    ULONG Count;
    char Text[8192];
} COMPLAINT_LOG;

/*
 * Copy a text to where an array ends, so that the sanitizer sees a read behind it.
 *
 * => Bytes is up to TEXT_ROOM_BYTES.  The next call reuses the room.
 */
#define TEXT_ROOM_BYTES 0x10000
const void *PlaceText(const void *Text, SIZE_T Bytes);

/*
 * Read a file of the tree, placed as PlaceText does.
 *
 * => Returns NULL when it cannot be opened; the tests run in the tree's root.
 */
const void *PlaceFile(const char *Name, SIZE_T *Bytes);

/* The Context is a COMPLAINT_LOG. */
BL_COMPLAINT LogComplaint;

#endif
