/* SPDX-License-Identifier: MIT */
/*
 * fuzz_registry.c - any bytes as system.reg: the store stays whole, whatever its size.
 *
 * The first two bytes are the buffer's size; after them comes the file.
 */
#include "efi/registry.h"
#include "efi/text_source.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_MOST 8192

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size);

static void Require(BOOLEAN Condition)
{
    if (!Condition) {
        __builtin_trap();
    }
}

static void CheckComplaint(PVOID Context, ULONG Line, const char *Message)
{
    (void)Context;
    (void)Line;
    Require(strlen(Message) != 0 && strlen(Message) < BL_COMPLAINT_BYTES);
}

/* Strings are UTF-8 without broken characters, and end in their zeros. */
static void CheckString(const LOADER_REGISTRY_VALUE *Value, const UCHAR *Data)
{
    BL_TEXT_CURSOR Cursor = {Data, Data + Value->DataBytes, BlUtf8};

    Require(Value->DataBytes != 0 && Data[Value->DataBytes - 1] == 0);
    Require(Value->Type == LOADER_REG_SZ ||
            (Value->DataBytes >= 2 && Data[Value->DataBytes - 2] == 0));
    while (Cursor.Next != Cursor.End) {
        const UCHAR *Character = Cursor.Next;

        Require(BlNextCharacter(&Cursor) != BL_REPLACEMENT || Cursor.Next - Character == 3);
    }
}

/* S1 and S2 of registry.c. */
static void CheckStore(const void *Buffer, ULONG UsedBytes, ULONG Count)
{
    const LOADER_REGISTRY_VALUE *Values = Buffer;
    ULONG Next = Count * sizeof(*Values);
    ULONG Index;
    ULONG Other;

    for (Index = 0; Index < Count; Index++) {
        Require(memchr(Values[Index].Name, 0, LOADER_REGISTRY_NAME_BYTES) != NULL);
        for (Other = 0; Other < Index; Other++) {
            Require(strcmp(Values[Index].Name, Values[Other].Name) != 0);
        }
        if (Values[Index].Type == LOADER_REG_DWORD) {
            Require(Values[Index].DataBytes == 0);
            continue;
        }
        Require(Values[Index].DataOffset == Next && Values[Index].DataBytes <= UsedBytes - Next);
        CheckString(&Values[Index], (const UCHAR *)Buffer + Next);
        Next += Values[Index].DataBytes;
    }
    Require(Next == UsedBytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    ULONG BufferBytes;
    ULONG UsedBytes;
    ULONG Count;
    ULONG Warnings;
    void *Buffer;

    if (Size < 2) {
        return 0;
    }
    BufferBytes = (Data[0] | Data[1] << 8) % BUFFER_MOST;
    Buffer = malloc(BufferBytes + 1);
    if (NT_SUCCESS(BlParseRegistry(Data + 2, Size - 2, Buffer, BufferBytes, &UsedBytes, &Count,
                                   &Warnings, CheckComplaint, NULL))) {
        Require(UsedBytes <= BufferBytes);
        CheckStore(Buffer, UsedBytes, Count);
    }
    free(Buffer);
    return 0;
}
