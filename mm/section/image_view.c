/* SPDX-License-Identifier: MIT */
/*
 * image_view.c - the only code that turns an RVA into an address.
 */
#include "mm/section/image_view.h"

#include "mi_assert.h"
#include "rtl.h"

BOOLEAN MiIsInView(const MI_IMAGE_VIEW *View, ULONG Rva, ULONG Count, ULONG Bytes)
{
    return (ULONG64)Count * Bytes + Rva <= View->Bytes;
}

USHORT MiReadViewShort(const MI_IMAGE_VIEW *View, ULONG Rva)
{
    USHORT Value;

    MI_ASSERT(MiIsInView(View, Rva, 1, sizeof(Value)));
    memcpy(&Value, View->Base + Rva, sizeof(Value));
    return Value;
}

ULONG MiReadViewLong(const MI_IMAGE_VIEW *View, ULONG Rva)
{
    ULONG Value;

    MI_ASSERT(MiIsInView(View, Rva, 1, sizeof(Value)));
    memcpy(&Value, View->Base + Rva, sizeof(Value));
    return Value;
}

const char *MiReadViewName(const MI_IMAGE_VIEW *View, ULONG Rva)
{
    ULONG Length;

    for (Length = 0; Length <= MI_IMAGE_NAME_BYTES && MiIsInView(View, Rva, Length + 1, 1);
         Length++) {
        if (View->Base[Rva + Length] == 0) {
            return (const char *)View->Base + Rva;
        }
    }
    return NULL;
}
