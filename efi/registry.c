/* SPDX-License-Identifier: MIT */
/*
 * registry.c - .reg text as regedit writes it: keys, names, and the store of what is kept.
 *
 * A line is a header, a [key], a value of the key that was named last, a comment or blank.  Keys
 * that are not ours are passed over in silence, as a .reg file may well hold more.
 *
 * The store is the result itself, in the caller's buffer:
 *
 *     | value 0 | value 1 | ... | value n-1 | data | data | ...
 *     0                                     n * sizeof(LOADER_REGISTRY_VALUE)      UsedBytes
 *
 * Removing a value closes both gaps, adding one moves the data up, so at every moment:
 *   S1  names differ, in any case of letters
 *   S2  data lie behind the array and in front of UsedBytes, without gaps between them
 */
#include "registry.h"
#include "registry_private.h"
#include "rtl.h"

typedef struct _BLP_STORE {
    LOADER_REGISTRY_VALUE *Values; /* start of the caller's buffer */
    ULONG BufferBytes;
    ULONG UsedBytes;
    ULONG Count;
} BLP_STORE, *PBLP_STORE;

typedef struct _BLP_REGISTRY {
    BOOLEAN InKey;   /* the current key is ours */
    BOOLEAN KeySeen; /* it stood somewhere in the file */
    BOOLEAN Full;    /* a value did not fit */
    BL_ENCODING RawEncoding;
    BLP_STORE Store;
    BLP_DATA Data; /* of the value at hand */
    BL_TEXT_SOURCE Source;
} BLP_REGISTRY, *PBLP_REGISTRY;

static const char BlpKey[] =
    "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory Management";

/* ---- the store ---- */

/* Add Distance to the offsets of data that lie at or behind Offset. */
static void BlpShiftOffsets(PBLP_STORE Store, ULONG Offset, LONG Distance)
{
    ULONG Index;

    for (Index = 0; Index < Store->Count; Index++) {
        if (Store->Values[Index].DataBytes != 0 && Store->Values[Index].DataOffset >= Offset) {
            Store->Values[Index].DataOffset += (ULONG)Distance;
        }
    }
}

/* Take Bytes bytes at Offset out of the buffer. */
static void BlpCloseGap(PBLP_STORE Store, ULONG Offset, ULONG Bytes)
{
    UCHAR *Buffer = (UCHAR *)Store->Values;

    memmove(Buffer + Offset, Buffer + Offset + Bytes, Store->UsedBytes - Offset - Bytes);
    Store->UsedBytes -= Bytes;
}

static void BlpRemoveValue(PBLP_STORE Store, ULONG Index)
{
    ULONG Offset = Store->Values[Index].DataOffset;
    ULONG Bytes = Store->Values[Index].DataBytes;

    if (Bytes != 0) {
        BlpCloseGap(Store, Offset, Bytes);
        Store->Values[Index].DataBytes = 0;
        BlpShiftOffsets(Store, Offset, -(LONG)Bytes);
    }
    BlpCloseGap(Store, Index * sizeof(*Store->Values), sizeof(*Store->Values));
    Store->Count--;
    BlpShiftOffsets(Store, 0, -(LONG)sizeof(*Store->Values));
}

static void BlpRemoveName(PBLP_STORE Store, const char *Name)
{
    ULONG Index;

    for (Index = 0; Index < Store->Count; Index++) {
        if (strcmp(Store->Values[Index].Name, Name) == 0) {
            BlpRemoveValue(Store, Index);
            return;
        }
    }
}

/* => FALSE: it does not fit.  => S1: no value has that name. */
static BOOLEAN BlpAddValue(PBLP_STORE Store, const char *Name, const BLP_DATA *Data)
{
    ULONG ArrayBytes = Store->Count * sizeof(*Store->Values);
    LOADER_REGISTRY_VALUE *Value = &Store->Values[Store->Count];
    ULONG Bytes = Data->Type == LOADER_REG_DWORD ? 0 : Data->Bytes;

    if (Store->BufferBytes - Store->UsedBytes < sizeof(*Value) ||
        Store->BufferBytes - Store->UsedBytes - sizeof(*Value) < Bytes) {
        return FALSE;
    }
    memmove(Value + 1, Value, Store->UsedBytes - ArrayBytes);
    BlpShiftOffsets(Store, 0, sizeof(*Value));
    Store->UsedBytes += sizeof(*Value);
    Store->Count++;

    memset(Value, 0, sizeof(*Value));
    memcpy(Value->Name, Name, strlen(Name));
    Value->Type = Data->Type;
    if (Data->Type == LOADER_REG_DWORD) {
        Value->Dword = Data->Dword;
        return TRUE;
    }
    Value->DataOffset = Store->UsedBytes;
    Value->DataBytes = Bytes;
    memcpy((UCHAR *)Store->Values + Store->UsedBytes, Data->Text, Bytes);
    Store->UsedBytes += Bytes;
    return TRUE;
}

/* ---- lines ---- */

/* Pass over the rest of hex data that nobody wants. */
static void BlpSkipContinuation(PBL_TEXT_SOURCE Source)
{
    while (Source->Bytes != 0 && Source->Text[Source->Bytes - 1] == '\\' && BlReadLine(Source)) {
    }
}

/* A line in brackets: which key the next values belong to. */
static void BlpReadKey(PBLP_REGISTRY Registry)
{
    PBL_TEXT_SOURCE Source = &Registry->Source;
    BL_TEXT Key = BlLineText(Source);
    BOOLEAN Delete;

    Registry->InKey = FALSE;
    Key.Start++;
    Delete = BlSkipPrefix(&Key, "-");
    if (Key.Start == Key.End || Key.End[-1] != ']') {
        BlComplain(Source, Source->Line,
                   "[ without ] at the end of the line, its values are skipped");
        return;
    }
    Key.End--;
    if (!BlTextEquals(Key, BlpKey)) {
        return;
    }
    Registry->KeySeen = TRUE;
    Registry->InKey = !Delete;
    if (Delete) {
        Registry->Store.Count = 0;
        Registry->Store.UsedBytes = 0;
    }
}

/*
 * Take "Name"= off the line.  Documented names have no escapes, so the next quote ends the name.
 *
 * => FALSE: the line has no such form; a complaint was made.
 */
static BOOLEAN BlpTakeName(PBL_TEXT_SOURCE Source, BL_TEXT *Text, BL_TEXT *Name)
{
    if (BlSkipPrefix(Text, "\"")) {
        *Name = BlSplitText(Text, '"');
        *Text = BlTrimText(*Text);
        if (Text->Start != NULL && BlSkipPrefix(Text, "=")) {
            return TRUE;
        }
    }
    BlComplain(Source, Source->Line, "this line is no value (\"Name\"=data), dropped");
    return FALSE;
}

static void BlpStoreData(PBLP_REGISTRY Registry, ULONG Line, const BLP_KNOWN_VALUE *Known)
{
    PBLP_DATA Data = &Registry->Data;

    if (Data->Type == BLP_REG_DELETED) {
        BlpRemoveName(&Registry->Store, Known->Name);
    } else if (BlpCheckKnownValue(&Registry->Source, Line, Known, Data)) {
        BlpRemoveName(&Registry->Store, Known->Name);
        Registry->Full = !BlpAddValue(&Registry->Store, Known->Name, Data);
    }
}

static void BlpReadValue(PBLP_REGISTRY Registry)
{
    PBL_TEXT_SOURCE Source = &Registry->Source;
    BL_TEXT Text = BlLineText(Source);
    const BLP_KNOWN_VALUE *Known;
    const char *Wrong;
    ULONG Line = Source->Line;
    BL_TEXT Name;

    if (Source->Text[0] == '@') {
        BlComplain(Source, Line, "the key's default value means nothing, dropped");
        BlpSkipContinuation(Source);
        return;
    }
    if (!BlpTakeName(Source, &Text, &Name)) {
        BlpSkipContinuation(Source);
        return;
    }
    Known = BlpFindKnownValue(Name);
    if (Known == NULL) {
        BlComplain(Source, Line, "unknown value \"%.*s\", dropped", BL_TEXT_ARGUMENTS(Name));
        BlpSkipContinuation(Source);
        return;
    }
    Wrong = BlpReadData(Source, Text, Registry->RawEncoding, &Registry->Data);
    if (Wrong != NULL) {
        BlComplain(Source, Line, "%s is dropped: %s", Known->Name, Wrong);
        BlpSkipContinuation(Source);
        return;
    }
    BlpStoreData(Registry, Line, Known);
}

/* The first line that says something must be a header.  => TRUE when the line is used up. */
static BOOLEAN BlpReadHeader(PBLP_REGISTRY Registry)
{
    PBL_TEXT_SOURCE Source = &Registry->Source;

    if (BlTextEquals(BlLineText(Source), "Windows Registry Editor Version 5.00")) {
        return TRUE;
    }
    if (BlTextEquals(BlLineText(Source), "REGEDIT4")) {
        Registry->RawEncoding = BlLatin1;
        return TRUE;
    }
    BlComplain(Source, Source->Line,
               "the first line is not \"Windows Registry Editor Version 5.00\"");
    return FALSE;
}

static void BlpReadLines(PBLP_REGISTRY Registry)
{
    PBL_TEXT_SOURCE Source = &Registry->Source;
    BOOLEAN HeaderDue = TRUE;

    while (!Registry->Full && BlReadLine(Source)) {
        if (Source->Text[0] == 0 || Source->Text[0] == ';') {
            continue;
        }
        if (HeaderDue) {
            HeaderDue = FALSE;
            if (BlpReadHeader(Registry)) {
                continue;
            }
        }
        if (Source->Text[0] == '[') {
            BlpReadKey(Registry);
        } else if (Registry->InKey) {
            BlpReadValue(Registry);
        }
    }
}

NTSTATUS BlParseRegistry(const void *Text, SIZE_T Bytes, void *Buffer, ULONG BufferBytes,
                         PULONG UsedBytes, PULONG ValueCount, PULONG Warnings,
                         BL_COMPLAINT *Complain, PVOID Context)
{
    BLP_REGISTRY Registry;

    Registry.InKey = FALSE;
    Registry.KeySeen = FALSE;
    Registry.Full = FALSE;
    Registry.RawEncoding = BlUtf16Little;
    Registry.Store.Values = Buffer;
    Registry.Store.BufferBytes = BufferBytes;
    Registry.Store.UsedBytes = 0;
    Registry.Store.Count = 0;
    BlInitializeTextSource(&Registry.Source, Text, Bytes, Complain, Context);
    BlpReadLines(&Registry);
    if (Registry.Full) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (Bytes != 0 && !Registry.KeySeen) {
        BlComplain(&Registry.Source, 0,
                   "the key ...\\Session Manager\\Memory Management is missing");
    }
    *UsedBytes = Registry.Store.UsedBytes;
    *ValueCount = Registry.Store.Count;
    *Warnings = Registry.Source.Complaints;
    return STATUS_SUCCESS;
}
