/* SPDX-License-Identifier: MIT */
/*
 * complaint_log.c - appends complaints to a text.
 */
#include "complaint_log.h"

#include <stdio.h>
#include <string.h>

void LogComplaint(PVOID Context, ULONG Line, const char *Message)
{
    COMPLAINT_LOG *Log = Context;
    SIZE_T Bytes = strlen(Log->Text);

    snprintf(Log->Text + Bytes, sizeof(Log->Text) - Bytes, "%s%u: %s", Log->Count == 0 ? "" : "; ",
             (unsigned)Line, Message);
    Log->Count++;
}

const void *PlaceText(const void *Text, SIZE_T Bytes)
{
    static UCHAR Room[TEXT_ROOM_BYTES];

    return memmove(Room + TEXT_ROOM_BYTES - Bytes, Text, Bytes); /* Text may be in the room */
}

const void *PlaceFile(const char *Name, SIZE_T *Bytes)
{
    static char Contents[TEXT_ROOM_BYTES];
    FILE *File = fopen(Name, "rb");

    if (File == NULL) {
        return NULL;
    }
    *Bytes = fread(Contents, 1, sizeof(Contents), File);
    fclose(File);
    return PlaceText(Contents, *Bytes);
}
