/* SPDX-License-Identifier: MIT */
/*
 * registry_data.c - what stands behind the equals sign in a .reg file.
 *
 *     -                       the value is deleted
 *     dword:0000001f          one to eight hexadecimal digits
 *     "C:\\path \"quoted\""   \\ and \" are the only escapes
 *     hex:01,02,ff            REG_BINARY
 *     hex(7):41,00,00,00,\    the registry type in hexadecimal; strings as UTF-16LE, in REGEDIT4
 *       00,00                 files one byte a character; a backslash continues on the next line
 *
 * A semicolon behind the data begins a comment.
 */
#include "registry_private.h"
#include "rtl.h"

static LONG BlpHexDigit(char Character)
{
    if (Character >= '0' && Character <= '9') {
        return Character - '0';
    }
    Character |= 0x20; /* to lower case */
    return Character >= 'a' && Character <= 'f' ? Character - 'a' + 10 : -1;
}

/* Take up to Most digits.  => Returns how many there were. */
static ULONG BlpTakeHex(BL_TEXT *Text, ULONG Most, PULONG Value)
{
    ULONG Digits = 0;

    *Value = 0;
    while (Digits < Most && Text->Start != Text->End && BlpHexDigit(*Text->Start) >= 0) {
        *Value = *Value << 4 | (ULONG)BlpHexDigit(*Text->Start);
        Text->Start++;
        Digits++;
    }
    return Digits;
}

static BOOLEAN BlpAtEnd(BL_TEXT Text)
{
    Text = BlTrimText(Text);
    return Text.Start == Text.End || *Text.Start == ';';
}

static const char *BlpReadDword(BL_TEXT Text, PBLP_DATA Data)
{
    Data->Type = LOADER_REG_DWORD;
    Text = BlTrimText(Text);
    if (BlpTakeHex(&Text, 8, &Data->Dword) == 0 || !BlpAtEnd(Text)) {
        return "dword: wants one to eight hexadecimal digits";
    }
    return NULL;
}

/* Text stands behind the opening quote. */
static const char *BlpReadString(BL_TEXT Text, PBLP_DATA Data)
{
    Data->Type = LOADER_REG_SZ;
    Data->Bytes = 0;
    for (; Text.Start != Text.End && *Text.Start != '"'; Text.Start++) {
        if (*Text.Start == '\\') {
            Text.Start++;
            if (Text.Start == Text.End || (*Text.Start != '\\' && *Text.Start != '"')) {
                return "in a string a backslash is written twice";
            }
        }
        if (Data->Bytes == BLP_DATA_BYTES - 1) {
            return "the string is too long";
        }
        Data->Text[Data->Bytes++] = *Text.Start;
    }
    if (Text.Start == Text.End) {
        return "the string has no closing quote";
    }
    Text.Start++;
    Data->Text[Data->Bytes++] = 0;
    return BlpAtEnd(Text) ? NULL : "something follows the string";
}

/* The text's backslash continues it.  => FALSE: it ends here. */
static BOOLEAN BlpContinue(PBL_TEXT_SOURCE Source, BL_TEXT *Text)
{
    while (Text->Start != Text->End && *Text->Start == '\\') {
        Text->Start++;
        if (!BlpAtEnd(*Text) || Source->Cut || !BlReadLine(Source)) {
            return FALSE;
        }
        *Text = BlLineText(Source);
    }
    return TRUE;
}

/* Numbers of two digits with commas between; a comma may end the list. */
static const char *BlpReadBytes(PBL_TEXT_SOURCE Source, BL_TEXT Text, PBLP_DATA Data)
{
    ULONG Byte;

    Data->Bytes = 0;
    for (;;) {
        Text = BlTrimText(Text);
        if (!BlpContinue(Source, &Text)) {
            return "a backslash must be the last of its line, and another line must follow";
        }
        if (BlpAtEnd(Text)) {
            return Source->Cut ? "the line is too long" : NULL;
        }
        if (BlpTakeHex(&Text, 2, &Byte) == 0) {
            return "hex: wants bytes of two digits with commas between them";
        }
        if (Data->Bytes == BLP_DATA_BYTES) {
            return "the data is too long";
        }
        Data->Raw[Data->Bytes++] = (UCHAR)Byte;
        Text = BlTrimText(Text);
        if (!BlSkipPrefix(&Text, ",") && !BlpAtEnd(Text) && *Text.Start != '\\') {
            return "hex: wants bytes of two digits with commas between them";
        }
    }
}

/*
 * Turn raw characters into UTF-8.  REG_SZ ends at the first zero; of REG_MULTI_SZ an empty string
 * ends the list.
 */
static const char *BlpDecodeStrings(BL_ENCODING Encoding, PBLP_DATA Data)
{
    BL_TEXT_CURSOR Cursor = {Data->Raw, Data->Raw + Data->Bytes, Encoding};
    BOOLEAN List = Data->Type == LOADER_REG_MULTI_SZ;
    ULONG Before = 0;
    ULONG Character;

    Data->Bytes = 0;
    while (Cursor.Next != Cursor.End) {
        Character = BlNextCharacter(&Cursor);
        if (Character == 0 && (!List || Before == 0)) {
            break;
        }
        if ((Character != 0 && Character < ' ') || Character == 0x7F) {
            Character = BL_REPLACEMENT;
        }
        /* Two bytes stay free for the zeros that end a list. */
        if (!BlAppendCharacter(Data->Text, BLP_DATA_BYTES - 2, &Data->Bytes, Character)) {
            return "the string is too long";
        }
        Before = Character;
    }
    if (!List || Before != 0 || Data->Bytes == 0) {
        Data->Text[Data->Bytes++] = 0;
    }
    if (List) {
        Data->Text[Data->Bytes++] = 0;
    }
    return NULL;
}

static const char *BlpDecodeRaw(BL_ENCODING Encoding, PBLP_DATA Data)
{
    switch (Data->Type) {
    case BLP_REG_EXPAND_SZ:
        Data->Type = LOADER_REG_SZ; /* nothing here knows %variables% */
        return BlpDecodeStrings(Encoding, Data);
    case LOADER_REG_SZ:
    case LOADER_REG_MULTI_SZ:
        return BlpDecodeStrings(Encoding, Data);
    case LOADER_REG_DWORD:
        if (Data->Bytes != 4) {
            return "hex(4): wants four bytes";
        }
        Data->Dword = Data->Raw[0] | (ULONG)Data->Raw[1] << 8 | (ULONG)Data->Raw[2] << 16 |
                      (ULONG)Data->Raw[3] << 24;
        return NULL;
    default:
        return NULL; /* of no documented value's type; the check will say so */
    }
}

static const char *BlpReadHex(PBL_TEXT_SOURCE Source, BL_TEXT Text, BL_ENCODING Encoding,
                              PBLP_DATA Data)
{
    const char *Wrong;

    Data->Type = LOADER_REG_BINARY;
    if (BlSkipPrefix(&Text, "(") &&
        (BlpTakeHex(&Text, 4, &Data->Type) == 0 || !BlSkipPrefix(&Text, ")"))) {
        return "hex( wants a registry type and a bracket";
    }
    if (!BlSkipPrefix(&Text, ":")) {
        return "hex wants a colon";
    }
    Wrong = BlpReadBytes(Source, Text, Data);
    return Wrong != NULL ? Wrong : BlpDecodeRaw(Encoding, Data);
}

const char *BlpReadData(PBL_TEXT_SOURCE Source, BL_TEXT Text, BL_ENCODING RawEncoding,
                        PBLP_DATA Data)
{
    Data->Type = BLP_REG_DELETED;
    Data->Dword = 0;
    Data->Bytes = 0;
    Text = BlTrimText(Text);
    if (BlSkipPrefix(&Text, "hex")) {
        return BlpReadHex(Source, Text, RawEncoding, Data);
    }
    if (Source->Cut) {
        return "the line is too long";
    }
    if (BlSkipPrefix(&Text, "dword:")) {
        return BlpReadDword(Text, Data);
    }
    if (BlSkipPrefix(&Text, "\"")) {
        return BlpReadString(Text, Data);
    }
    if (BlSkipPrefix(&Text, "-") && BlpAtEnd(Text)) {
        return NULL;
    }
    return "the data is not dword:, \"text\", hex: or -";
}
