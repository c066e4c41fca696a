/* SPDX-License-Identifier: MIT */
/*
 * path.c - from a path to the directory that its last name stands in.
 *
 * "." and ".." are names like others, which no directory has: who is above resolves them.
 */
#include "disk/fat/fat_i.h"

static BOOLEAN FatpIsSeparator(char Character)
{
    return Character == '/' || Character == '\\';
}

/* Go down into the directory whose name is in Path. */
static NTSTATUS FatpDescend(PFAT_VOLUME Volume, ULONG Except, PFAT_PATH Path)
{
    FAT_ENTRY Entry;
    NTSTATUS Status = FatFindName(&Path->Directory, Path->Name, Path->Units, &Entry);

    if (Status == STATUS_OBJECT_NAME_NOT_FOUND ||
        (NT_SUCCESS(Status) && (Entry.Attributes & FAT_ATTRIBUTE_DIRECTORY) == 0)) {
        return STATUS_OBJECT_PATH_NOT_FOUND;
    }
    if (NT_SUCCESS(Status) && Except != 0 && Entry.FirstCluster == Except) {
        return STATUS_ACCESS_DENIED;
    }
    return NT_SUCCESS(Status) ? FatOpenEntry(Volume, &Entry, &Path->Directory) : Status;
}

NTSTATUS FatWalkPath(PFAT_VOLUME Volume, const char *Text, ULONG Except, PFAT_PATH Path)
{
    FatOpenRoot(Volume, &Path->Directory);
    Path->Units = 0;
    for (;;) {
        ULONG Bytes = 0;

        while (FatpIsSeparator(*Text)) {
            Text++;
        }
        if (*Text == '\0') {
            return STATUS_SUCCESS;
        }
        if (Path->Units != 0) {
            NTSTATUS Status = FatpDescend(Volume, Except, Path);

            if (!NT_SUCCESS(Status)) {
                return Status;
            }
        }
        while (Text[Bytes] != '\0' && !FatpIsSeparator(Text[Bytes])) {
            Bytes++;
        }
        if (!FatParseName(Text, Bytes, Path->Name, &Path->Units)) {
            return STATUS_OBJECT_NAME_INVALID;
        }
        Text += Bytes;
    }
}
