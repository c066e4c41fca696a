/* SPDX-License-Identifier: MIT */
/*
 * elf_move.c - moves a kernel image, by the relocations that the linker left in its file.
 *
 * The linker has applied them already, and keeps them in sections when asked (--emit-relocs).  What
 * such an entry names is then the right address for the place that the image was linked for, so
 * that another place needs one addition:
 *
 *     R_386_32            an address: Delta is added, unless its symbol is a plain number
 *                         (KiCurrentIrql) or missing (weak, hence 0)
 *     R_386_PC32, PLT32   a distance inside the image, which stays
 *
 * All entries are checked before the first one is applied.  Nothing in the file is believed: every
 * number is compared with the file's length, or with the segments that BlCheckElf found.
 */
#include "elf_move.h"

#include "elf_format.h"
#include "rtl.h"

typedef struct _BLP_MOVE {
    const UCHAR *File;
    SIZE_T Bytes;
    const BL_ELF_IMAGE *Image;
    UCHAR *Target; /* stands for Image->BaseVa */
    ULONG Delta;   /* 0: check only */
    BLP_ELF_HEADER Header;
    ULONG Tables; /* of relocations, that were met */
} BLP_MOVE, *PBLP_MOVE;

/* => The following return NULL, or what is wrong. */

static const char *BlpReadSection(const BLP_MOVE *Move, ULONG Index, BLP_ELF_SECTION *Section)
{
    ULONG64 Offset = Move->Header.SectionOffset + (ULONG64)Index * sizeof(*Section);

    if (Index >= Move->Header.SectionCount) {
        return "its relocations name a section that it does not have";
    }
    if (Offset + sizeof(*Section) > Move->Bytes) {
        return "it is truncated: its section headers end behind the end of the file";
    }
    memcpy(Section, Move->File + Offset, sizeof(*Section));
    return NULL;
}

/* A section is a table of entries of Size bytes that lies in the file. */
static const char *BlpCheckTable(const BLP_MOVE *Move, const BLP_ELF_SECTION *Table, ULONG Size)
{
    if (Table->EntryBytes != Size || Table->Bytes % Size != 0) {
        return "its relocations or symbols have an unknown size";
    }
    if ((ULONG64)Table->FileOffset + Table->Bytes > Move->Bytes) {
        return "it is truncated: its relocations or symbols end behind the end of the file";
    }
    return NULL;
}

/* => Where in Target the four bytes at Va are; NULL: they do not come from the file. */
static UCHAR *BlpFindWord(const BLP_MOVE *Move, ULONG Va)
{
    ULONG i;

    for (i = 0; i < Move->Image->SegmentCount; i++) {
        const BL_ELF_SEGMENT *Segment = &Move->Image->Segments[i];

        if (Va >= Segment->Va &&
            (ULONG64)Va + sizeof(ULONG) <= (ULONG64)Segment->Va + Segment->FileBytes) {
            return Move->Target + (Va - Move->Image->BaseVa);
        }
    }
    return NULL;
}

static const char *BlpMoveWord(const BLP_MOVE *Move, ULONG Va)
{
    UCHAR *Place = BlpFindWord(Move, Va);
    ULONG Word;

    if (Place == NULL) {
        return "a relocation lies outside of its segments";
    }
    memcpy(&Word, Place, sizeof(Word));
    Word += Move->Delta;
    memcpy(Place, &Word, sizeof(Word));
    return NULL;
}

static const char *BlpApply(const BLP_MOVE *Move, const BLP_ELF_RELOCATION *Entry,
                            const BLP_ELF_SYMBOL *Symbol)
{
    switch (Entry->Info & 0xFF) {
    case ELF_R_386_NONE:
        return NULL;
    case ELF_R_386_32:
        return Symbol->Section == ELF_ABSOLUTE || Symbol->Section == ELF_UNDEFINED
                   ? NULL
                   : BlpMoveWord(Move, Entry->Va);
    case ELF_R_386_PC32:
    case ELF_R_386_PLT32:
        return Symbol->Section == ELF_ABSOLUTE ? "it measures a distance to a fixed address" : NULL;
    default:
        return "it has a relocation of an unknown type";
    }
}

static const char *BlpMoveByTable(const BLP_MOVE *Move, const BLP_ELF_SECTION *Table,
                                  const BLP_ELF_SECTION *Symbols)
{
    BLP_ELF_RELOCATION Entry;
    BLP_ELF_SYMBOL Symbol;
    const char *Wrong = NULL;
    ULONG Offset;

    for (Offset = 0; Wrong == NULL && Offset < Table->Bytes; Offset += sizeof(Entry)) {
        memcpy(&Entry, Move->File + Table->FileOffset + Offset, sizeof(Entry));
        if (Entry.Info >> 8 >= Symbols->Bytes / sizeof(Symbol)) {
            return "a relocation names a symbol that it does not have";
        }
        memcpy(&Symbol, Move->File + Symbols->FileOffset + (Entry.Info >> 8) * sizeof(Symbol),
               sizeof(Symbol));
        Wrong = BlpApply(Move, &Entry, &Symbol);
    }
    return Wrong;
}

/* Relocations of what is not loaded (debug information) do not matter. */
static const char *BlpMoveSection(PBLP_MOVE Move, const BLP_ELF_SECTION *Table)
{
    BLP_ELF_SECTION Symbols;
    BLP_ELF_SECTION Moved;
    const char *Wrong = BlpReadSection(Move, Table->Info, &Moved);

    if (Wrong != NULL || (Moved.Flags & ELF_SECTION_ALLOC) == 0) {
        return Wrong;
    }
    Wrong = BlpReadSection(Move, Table->Link, &Symbols);
    if (Wrong == NULL && Symbols.Type != ELF_SECTION_SYMBOLS) {
        Wrong = "its relocations have no symbols";
    }
    if (Wrong == NULL) {
        Wrong = BlpCheckTable(Move, &Symbols, sizeof(BLP_ELF_SYMBOL));
    }
    if (Wrong == NULL) {
        Wrong = BlpCheckTable(Move, Table, sizeof(BLP_ELF_RELOCATION));
    }
    Move->Tables++;
    return Wrong != NULL ? Wrong : BlpMoveByTable(Move, Table, &Symbols);
}

static const char *BlpMoveSections(PBLP_MOVE Move)
{
    BLP_ELF_SECTION Section;
    const char *Wrong = NULL;
    ULONG Index;

    if (Move->Header.SectionCount != 0 && Move->Header.SectionBytes != sizeof(Section)) {
        return "its section headers have an unknown size";
    }
    Move->Tables = 0;
    for (Index = 0; Wrong == NULL && Index < Move->Header.SectionCount; Index++) {
        Wrong = BlpReadSection(Move, Index, &Section);
        if (Wrong == NULL && Section.Type == ELF_SECTION_REL) {
            Wrong = BlpMoveSection(Move, &Section);
        } else if (Wrong == NULL && Section.Type == ELF_SECTION_RELA) {
            Wrong = "its relocations are of a kind that the i386 does not use";
        }
    }
    return Wrong == NULL && Move->Tables == 0 ? "it was linked without relocations" : Wrong;
}

static void BlpMoveImage(BL_ELF_IMAGE *Image, ULONG Delta)
{
    ULONG i;

    Image->EntryVa += Delta;
    Image->BaseVa += Delta;
    for (i = 0; i < Image->SegmentCount; i++) {
        Image->Segments[i].Va += Delta;
    }
}

NTSTATUS BlMoveElf(const void *File, SIZE_T Bytes, ULONG Delta, void *Target, BL_ELF_IMAGE *Image,
                   const char **Reason)
{
    BLP_MOVE Move = {.File = File, .Bytes = Bytes, .Image = Image, .Target = Target};
    const char *Wrong;

    memcpy(&Move.Header, File, sizeof(Move.Header));
    Wrong = BlpMoveSections(&Move);
    if (Wrong == NULL) {
        Move.Delta = Delta;
        Wrong = BlpMoveSections(&Move); /* cannot fail: it passed */
    }
    if (Wrong != NULL) {
        *Reason = Wrong;
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    BlpMoveImage(Image, Delta);
    return STATUS_SUCCESS;
}
