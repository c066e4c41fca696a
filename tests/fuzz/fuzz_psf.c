/* SPDX-License-Identifier: MIT */
/*
 * fuzz_psf.c - any bytes as a console font: what is accepted must be readable for every code.
 */
#include "arch/x86/psf.h"

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size);

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    HAL_FONT Font;
    ULONG Code;
    ULONG Byte;

    if (!NT_SUCCESS(HalOpenFont(Data, Size, &Font))) {
        return 0;
    }
    for (Code = 0; Code < 256; Code++) {
        if (Font.GlyphOf[Code] >= Font.GlyphCount) {
            __builtin_trap();
        }
        for (Byte = 0; Byte < Font.GlyphBytes; Byte++) {
            (void)*(const volatile UCHAR *)&HalFontGlyph(&Font, (UCHAR)Code)[Byte];
        }
    }
    return 0;
}
