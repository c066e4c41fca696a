/* SPDX-License-Identifier: MIT */
/*
 * psf.c - reads the headers and the character tables of PSF console fonts.
 *
 *     PSF 1    36 04 | mode | height | 256 or 512 glyphs, 8 pixels wide | table
 *     PSF 2    72 B5 4A 86 | version | header bytes | flags | glyphs | bytes per glyph | height
 *              | width, each 32 bits | ... | glyphs | table
 *     table    one entry a glyph: the characters that it serves, then sequences of characters
 *              (combining marks, which we skip), each after a mark; then an end mark.
 *              PSF 1: 16-bit characters, marks FFFE and FFFF.  PSF 2: UTF-8, marks FE and FF.
 *
 * All numbers are little-endian.  The file comes from a disk and may say anything: the header is
 * checked against the file's length before a glyph is touched, and the table is read through a
 * cursor that cannot pass the end.
 *
 * Locking: none; nothing here has state.
 */
#include "arch/x86/psf.h"

#define HALP_PSF1_HEADER_BYTES 4
#define HALP_PSF1_512_GLYPHS   0x01
#define HALP_PSF1_HAS_TABLE    0x06
#define HALP_PSF1_SEQUENCE     0xFFFE
#define HALP_PSF1_END          0xFFFF

#define HALP_PSF2_HEADER_BYTES 32
#define HALP_PSF2_HAS_TABLE    0x01
#define HALP_PSF2_SEQUENCE     0xFE
#define HALP_PSF2_END          0xFF

#define HALP_NO_GLYPH          0xFFFF /* in GlyphOf while the table is read; the most glyphs */

/* What a table entry consists of, whatever its encoding. */
typedef enum _HALP_TOKEN {
    HalpTokenCharacter,
    HalpTokenSequence, /* sequences follow, up to the entry's end */
    HalpTokenEnd,      /* of the entry */
    HalpTokenCut       /* the file ends here */
} HALP_TOKEN;

/* The rest of a character table. */
typedef struct _HALP_TABLE {
    const UCHAR *Next;
    const UCHAR *End;
} HALP_TABLE;

typedef HALP_TOKEN HALP_READ_TOKEN(HALP_TABLE *Table, ULONG *Character);

static ULONG HalpReadUlong(const UCHAR *From)
{
    return (ULONG)From[0] | (ULONG)From[1] << 8 | (ULONG)From[2] << 16 | (ULONG)From[3] << 24;
}

static HALP_TOKEN HalpReadPsf1Token(HALP_TABLE *Table, ULONG *Character)
{
    ULONG Value;

    if (Table->End - Table->Next < 2) {
        return HalpTokenCut;
    }
    Value = (ULONG)Table->Next[0] | (ULONG)Table->Next[1] << 8;
    Table->Next += 2;
    if (Value == HALP_PSF1_END) {
        return HalpTokenEnd;
    }
    *Character = Value;
    return Value == HALP_PSF1_SEQUENCE ? HalpTokenSequence : HalpTokenCharacter;
}

/*
 * Only codes below 0x100 matter: one byte, or C2 or C3 and a second byte.  The bytes of longer
 * forms are passed one by one, as characters that nobody asks for.
 */
static HALP_TOKEN HalpReadPsf2Token(HALP_TABLE *Table, ULONG *Character)
{
    UCHAR Byte;

    if (Table->Next == Table->End) {
        return HalpTokenCut;
    }
    Byte = *Table->Next++;
    if (Byte == HALP_PSF2_END) {
        return HalpTokenEnd;
    }
    if (Byte == HALP_PSF2_SEQUENCE) {
        return HalpTokenSequence;
    }
    *Character = Byte < 0x80 ? Byte : HALP_NO_GLYPH;
    if ((Byte & 0xFE) == 0xC2 && Table->Next != Table->End && (*Table->Next & 0xC0) == 0x80) {
        *Character = (Byte & 0x03u) << 6 | (*Table->Next++ & 0x3Fu);
    }
    return HalpTokenCharacter;
}

/* => Returns FALSE when the table ends before the entry does. */
static BOOLEAN HalpReadEntry(HALP_TABLE *Table, HALP_READ_TOKEN *ReadToken, HAL_FONT *Font,
                             ULONG Glyph)
{
    BOOLEAN InSequences = FALSE;

    for (;;) {
        ULONG Character = 0;

        switch (ReadToken(Table, &Character)) {
        case HalpTokenCharacter:
            if (!InSequences && Character < 256 && Font->GlyphOf[Character] == HALP_NO_GLYPH) {
                Font->GlyphOf[Character] = (USHORT)Glyph;
            }
            break;
        case HalpTokenSequence:
            InSequences = TRUE;
            break;
        case HalpTokenEnd:
            return TRUE;
        case HalpTokenCut:
            return FALSE;
        }
    }
}

static BOOLEAN HalpReadTable(HALP_TABLE *Table, HALP_READ_TOKEN *ReadToken, HAL_FONT *Font)
{
    ULONG Glyph;

    for (Glyph = 0; Glyph < Font->GlyphCount; Glyph++) {
        if (!HalpReadEntry(Table, ReadToken, Font, Glyph)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Every code gets a glyph that exists. */
static void HalpFillGaps(HAL_FONT *Font)
{
    ULONG Unknown = Font->GlyphOf['?'] == HALP_NO_GLYPH ? 0 : Font->GlyphOf['?'];
    ULONG Code;

    for (Code = 0; Code < 256; Code++) {
        if (Font->GlyphOf[Code] == HALP_NO_GLYPH) {
            Font->GlyphOf[Code] = (USHORT)Unknown;
        }
    }
}

/*
 * The part that both formats share, once the header is read.
 *
 * => ReadToken NULL: the font has no table, its glyphs are in the order of the codes.
 */
static NTSTATUS HalpFinishFont(HAL_FONT *Font, const UCHAR *End, HALP_READ_TOKEN *ReadToken)
{
    HALP_TABLE Table;
    ULONG Code;

    if (Font->GlyphCount == 0 || Font->GlyphCount > HALP_NO_GLYPH || Font->Width == 0 ||
        Font->Width > HAL_FONT_MAXIMUM_WIDTH || Font->Height == 0 ||
        Font->Height > HAL_FONT_MAXIMUM_HEIGHT) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    /* At most 65535 * 256 bytes: no overflow. */
    Font->RowBytes = (Font->Width + 7) / 8;
    if (Font->GlyphBytes != Font->RowBytes * Font->Height ||
        (SIZE_T)(End - Font->Glyphs) < Font->GlyphCount * Font->GlyphBytes) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    for (Code = 0; Code < 256; Code++) {
        BOOLEAN Identity = ReadToken == NULL && Code < Font->GlyphCount;

        Font->GlyphOf[Code] = Identity ? (USHORT)Code : HALP_NO_GLYPH;
    }
    Table = (HALP_TABLE){Font->Glyphs + Font->GlyphCount * Font->GlyphBytes, End};
    if (ReadToken != NULL && !HalpReadTable(&Table, ReadToken, Font)) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    HalpFillGaps(Font);
    return STATUS_SUCCESS;
}

static NTSTATUS HalpOpenPsf1(const UCHAR *File, SIZE_T Bytes, HAL_FONT *Font)
{
    UCHAR Mode = File[2];

    Font->Glyphs = File + HALP_PSF1_HEADER_BYTES;
    Font->GlyphCount = Mode & HALP_PSF1_512_GLYPHS ? 512 : 256;
    Font->GlyphBytes = File[3];
    Font->Width = 8;
    Font->Height = File[3];
    return HalpFinishFont(Font, File + Bytes,
                          Mode & HALP_PSF1_HAS_TABLE ? HalpReadPsf1Token : NULL);
}

static NTSTATUS HalpOpenPsf2(const UCHAR *File, SIZE_T Bytes, HAL_FONT *Font)
{
    ULONG HeaderBytes = HalpReadUlong(File + 8);
    ULONG Flags = HalpReadUlong(File + 12);

    if (HeaderBytes < HALP_PSF2_HEADER_BYTES || HeaderBytes > Bytes) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    Font->Glyphs = File + HeaderBytes;
    Font->GlyphCount = HalpReadUlong(File + 16);
    Font->GlyphBytes = HalpReadUlong(File + 20);
    Font->Height = HalpReadUlong(File + 24);
    Font->Width = HalpReadUlong(File + 28);
    return HalpFinishFont(Font, File + Bytes,
                          Flags & HALP_PSF2_HAS_TABLE ? HalpReadPsf2Token : NULL);
}

NTSTATUS HalOpenFont(const void *File, SIZE_T Bytes, HAL_FONT *Font)
{
    const UCHAR *Start = File;
    NTSTATUS Status = STATUS_INVALID_IMAGE_FORMAT;
    HAL_FONT Opened = {0};

    if (Bytes >= HALP_PSF1_HEADER_BYTES && Start[0] == 0x36 && Start[1] == 0x04) {
        Status = HalpOpenPsf1(Start, Bytes, &Opened);
    } else if (Bytes >= HALP_PSF2_HEADER_BYTES && HalpReadUlong(Start) == 0x864AB572) {
        Status = HalpOpenPsf2(Start, Bytes, &Opened);
    }
    if (NT_SUCCESS(Status)) {
        *Font = Opened;
    }
    return Status;
}
