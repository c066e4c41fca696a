/* SPDX-License-Identifier: MIT */
/*
 * psf.h - console fonts in the PSF 1 and PSF 2 formats.
 */
#ifndef ARCH_X86_PSF_H
#define ARCH_X86_PSF_H

#include "nt/status.h"
#include "nt/types.h"

/* Larger glyphs are refused: the console would be useless, and buffers hold one glyph. */
#define HAL_FONT_MAXIMUM_WIDTH  32
#define HAL_FONT_MAXIMUM_HEIGHT 64
#define HAL_FONT_GLYPH_BYTES    (HAL_FONT_MAXIMUM_WIDTH / 8 * HAL_FONT_MAXIMUM_HEIGHT)

/* All fields are fixed once the font is open. */
typedef struct _HAL_FONT {
    const UCHAR *Glyphs; /* the first glyph, inside the file */
    ULONG GlyphCount;    /* 1 to 65535 */
    ULONG GlyphBytes;    /* RowBytes * Height */
    ULONG Width;         /* pixels */
    ULONG Height;        /* pixels */
    ULONG RowBytes;      /* the leftmost pixel of a row is bit 7 of its first byte */
    USHORT GlyphOf[256]; /* by Latin-1 code; always below GlyphCount */
} HAL_FONT, *PHAL_FONT;

/*
 * Check a font file and prepare it for use.
 *
 * => File stays readable as long as the font is in use.  Nothing in it is trusted.
 * => A code without a glyph gets the one of '?', and the first glyph when that is missing too.
 * => STATUS_INVALID_IMAGE_FORMAT: not a font, cut short, or glyphs too large; *Font is left alone.
 */
NT_MUST_CHECK NTSTATUS HalOpenFont(const void *File, SIZE_T Bytes, HAL_FONT *Font);

/* => Returns the GlyphBytes bytes of the glyph for a Latin-1 code. */
static inline const UCHAR *HalFontGlyph(const HAL_FONT *Font, UCHAR Code)
{
    return Font->Glyphs + Font->GlyphOf[Code] * Font->GlyphBytes;
}

#endif
