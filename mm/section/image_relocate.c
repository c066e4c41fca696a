/* SPDX-License-Identifier: MIT */
/*
 * image_relocate.c - the index of an image's relocations by page, and their application.
 *
 * The directory is a chain of blocks: an RVA, a length, entries of 16 bits.  Blocks may come in any
 * order, begin anywhere in a page, lead into the next one, and several may name the same page.  The
 * walk below is the only code that reads them; it hands out one checked word after the other.
 *
 * A word that crosses the border of two pages is relocated in two halves.  Adding carries upwards
 * only: the half in the first page needs nothing of the second, the half in the second page needs
 * the bytes before the border as they were.  Invariants of an index:
 *   R1  all bytes of all words lie in the image
 *   R2  no byte belongs to two words; so at most one word crosses a border, and neither the order
 *       of words nor that of pages matters
 */
#include "mm/section/image_relocate.h"

#include "mi_assert.h"
#include "rtl.h"

/* A word to relocate. */
typedef struct _MIP_WORD {
    ULONG Rva;
    USHORT Type;
    USHORT Low; /* HIGHADJ: the value's low half */
} MIP_WORD;

/* Where the walk is.  All places are offsets in the directory. */
typedef struct _MIP_WALK {
    const UCHAR *Directory;
    ULONG Bytes;
    ULONG ImageBytes;
    ULONG Block; /* the RVA of the current block */
    ULONG Next;  /* its next entry */
    ULONG End;   /* of the current block */
} MIP_WALK;

/* ---- the walk ---- */

static ULONG MipWordBytes(ULONG Type)
{
    return Type == IMAGE_REL_BASED_HIGHLOW ? 4 : 2;
}

static USHORT MipReadEntry(MIP_WALK *Walk)
{
    USHORT Entry;

    memcpy(&Entry, Walk->Directory + Walk->Next, sizeof(Entry));
    Walk->Next += sizeof(Entry);
    return Entry;
}

/*
 * Step to the next block.
 *
 * => STATUS_NO_MORE_ENTRIES: the directory ends here, or with a block of no bytes.
 */
static NTSTATUS MipEnterBlock(MIP_WALK *Walk)
{
    IMAGE_BASE_RELOCATION Header;

    if (Walk->End == Walk->Bytes) {
        return STATUS_NO_MORE_ENTRIES;
    }
    if (Walk->Bytes - Walk->End < sizeof(Header)) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    memcpy(&Header, Walk->Directory + Walk->End, sizeof(Header));
    if (Header.VirtualAddress == 0 && Header.SizeOfBlock == 0) {
        return STATUS_NO_MORE_ENTRIES;
    }
    if (Header.SizeOfBlock < sizeof(Header) || Header.SizeOfBlock % sizeof(USHORT) != 0 ||
        Header.SizeOfBlock > Walk->Bytes - Walk->End) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    Walk->Block = Header.VirtualAddress;
    Walk->Next = Walk->End + sizeof(Header);
    Walk->End += Header.SizeOfBlock;
    return STATUS_SUCCESS;
}

/* => Walk->Next < Walk->End.  => Success: R1 holds for *Word, unless its type is ABSOLUTE. */
static NTSTATUS MipReadWord(MIP_WALK *Walk, MIP_WORD *Word)
{
    USHORT Entry = MipReadEntry(Walk);
    ULONG64 Rva = (ULONG64)Walk->Block + (Entry & (PAGE_SIZE - 1));

    Word->Type = Entry >> PAGE_SHIFT;
    Word->Low = 0;
    Word->Rva = (ULONG)Rva;
    if (Word->Type == IMAGE_REL_BASED_ABSOLUTE) {
        return STATUS_SUCCESS;
    }
    if (Word->Type > IMAGE_REL_BASED_HIGHADJ || Rva + MipWordBytes(Word->Type) > Walk->ImageBytes) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    if (Word->Type == IMAGE_REL_BASED_HIGHADJ) {
        if (Walk->Next == Walk->End) {
            return STATUS_INVALID_IMAGE_FORMAT;
        }
        Word->Low = MipReadEntry(Walk);
    }
    return STATUS_SUCCESS;
}

/* => Success: the next word that is to be changed.  STATUS_NO_MORE_ENTRIES: there is none. */
static NTSTATUS MipNextWord(MIP_WALK *Walk, MIP_WORD *Word)
{
    NTSTATUS Status = STATUS_SUCCESS;

    do {
        while (NT_SUCCESS(Status) && Walk->Next == Walk->End) {
            Status = MipEnterBlock(Walk);
        }
        if (NT_SUCCESS(Status)) {
            Status = MipReadWord(Walk, Word);
        }
    } while (NT_SUCCESS(Status) && Word->Type == IMAGE_REL_BASED_ABSOLUTE);
    return Status;
}

/* ---- the index ---- */

/* Entries that a word takes in the index. */
static ULONG MipWordEntries(ULONG Type)
{
    return Type == IMAGE_REL_BASED_HIGHADJ ? 2 : 1;
}

NTSTATUS MiMeasureRelocations(const void *Directory, ULONG DirectoryBytes, ULONG ImageBytes,
                              SIZE_T *IndexBytes)
{
    MIP_WALK Walk = {.Directory = Directory, .Bytes = DirectoryBytes, .ImageBytes = ImageBytes};
    ULONG Pages = ImageBytes / PAGE_SIZE;
    ULONG Entries = 0;
    MIP_WORD Word;
    NTSTATUS Status = MipNextWord(&Walk, &Word);

    MI_ASSERT(Pages != 0 && ImageBytes % PAGE_SIZE == 0);
    while (NT_SUCCESS(Status)) {
        Entries += MipWordEntries(Word.Type);
        Status = MipNextWord(&Walk, &Word);
    }
    if (Status != STATUS_NO_MORE_ENTRIES) {
        return Status;
    }
    *IndexBytes = (SIZE_T)Pages * (sizeof(ULONG) + sizeof(MI_STRADDLE)) + sizeof(ULONG) +
                  Entries * sizeof(USHORT);
    return STATUS_SUCCESS;
}

/*
 * Make First[n + 1] the number of entries in pages before n, so that placing the entries of page n
 * moves it to where page n + 1 begins.
 */
static void MipPlacePages(const MIP_WALK *Start, PMI_RELOCATIONS Relocations)
{
    MIP_WALK Walk = *Start;
    ULONG Sum = 0;
    ULONG Page;
    MIP_WORD Word;

    while (NT_SUCCESS(MipNextWord(&Walk, &Word))) {
        Relocations->First[Word.Rva / PAGE_SIZE + 1] += MipWordEntries(Word.Type);
    }
    for (Page = 0; Page < Relocations->Pages; Page++) {
        ULONG Entries = Relocations->First[Page + 1];

        Relocations->First[Page + 1] = Sum;
        Sum += Entries;
    }
}

/* Two words that cross the same border share the byte before it, which is found later (R2). */
static void MipAddStraddle(PMI_RELOCATIONS Relocations, const MIP_WORD *Word)
{
    ULONG Offset = Word->Rva % PAGE_SIZE;
    PMI_STRADDLE Straddle;

    if (Offset + MipWordBytes(Word->Type) <= PAGE_SIZE) {
        return;
    }
    Straddle = &Relocations->Straddles[Word->Rva / PAGE_SIZE + 1]; /* there is one: R1 */
    Straddle->Type = (UCHAR)Word->Type;
    Straddle->Back = (UCHAR)(PAGE_SIZE - Offset);
    Straddle->Low = Word->Low;
}

static void MipPlaceWords(const MIP_WALK *Start, PMI_RELOCATIONS Relocations)
{
    MIP_WALK Walk = *Start;
    MIP_WORD Word;

    while (NT_SUCCESS(MipNextWord(&Walk, &Word))) {
        PULONG Place = &Relocations->First[Word.Rva / PAGE_SIZE + 1];

        Relocations->Entries[(*Place)++] = (USHORT)(Word.Type << PAGE_SHIFT | Word.Rva % PAGE_SIZE);
        if (Word.Type == IMAGE_REL_BASED_HIGHADJ) {
            Relocations->Entries[(*Place)++] = Word.Low;
        }
        MipAddStraddle(Relocations, &Word);
    }
}

/* => FALSE: one of the bytes was in use. */
static BOOLEAN MipClaimBytes(ULONG InUse[PAGE_SIZE / 32], ULONG From, ULONG To)
{
    for (; From < To; From++) {
        ULONG Bit = 1u << From % 32;

        if ((InUse[From / 32] & Bit) != 0) {
            return FALSE;
        }
        InUse[From / 32] |= Bit;
    }
    return TRUE;
}

/* => Returns whether R2 holds for the bytes of Page. */
static BOOLEAN MipPageIsDisjoint(const MI_RELOCATIONS *Relocations, ULONG Page)
{
    const MI_STRADDLE *Straddle = &Relocations->Straddles[Page];
    ULONG InUse[PAGE_SIZE / 32];
    ULONG Index;

    memset(InUse, 0, sizeof(InUse));
    if (Straddle->Type != IMAGE_REL_BASED_ABSOLUTE) {
        (void)MipClaimBytes(InUse, 0, MipWordBytes(Straddle->Type) - Straddle->Back);
    }
    for (Index = Relocations->First[Page]; Index < Relocations->First[Page + 1]; Index++) {
        ULONG Type = Relocations->Entries[Index] >> PAGE_SHIFT;
        ULONG From = Relocations->Entries[Index] & (PAGE_SIZE - 1);
        ULONG To = From + MipWordBytes(Type);

        if (!MipClaimBytes(InUse, From, To < PAGE_SIZE ? To : PAGE_SIZE)) {
            return FALSE;
        }
        Index += MipWordEntries(Type) - 1;
    }
    return TRUE;
}

NTSTATUS MiBuildRelocations(const void *Directory, ULONG DirectoryBytes, ULONG ImageBytes,
                            PVOID Memory, PMI_RELOCATIONS Relocations)
{
    MIP_WALK Walk = {.Directory = Directory, .Bytes = DirectoryBytes, .ImageBytes = ImageBytes};
    ULONG Pages = ImageBytes / PAGE_SIZE;
    MI_RELOCATIONS Index = {.Pages = Pages, .Straddles = Memory};
    ULONG Page;

    Index.First = (PULONG)(Index.Straddles + Pages);
    Index.Entries = (PUSHORT)(Index.First + Pages + 1);
    memset(Memory, 0, (SIZE_T)((UCHAR *)Index.Entries - (UCHAR *)Memory));
    MipPlacePages(&Walk, &Index);
    MipPlaceWords(&Walk, &Index);
    for (Page = 0; Page < Pages; Page++) {
        if (!MipPageIsDisjoint(&Index, Page)) {
            return STATUS_INVALID_IMAGE_FORMAT;
        }
    }
    *Relocations = Index;
    return STATUS_SUCCESS;
}

/* ---- words that cross a border ---- */

ULONG MiNextStraddle(const MI_RELOCATIONS *Relocations, ULONG Page)
{
    while (Page < Relocations->Pages &&
           (Relocations->Straddles[Page].Type == IMAGE_REL_BASED_ABSOLUTE ||
            Relocations->Straddles[Page].Known)) {
        Page++;
    }
    return Page;
}

void MiSetStraddle(PMI_RELOCATIONS Relocations, ULONG Page, const UCHAR Before[MI_STRADDLE_BYTES])
{
    PMI_STRADDLE Straddle = &Relocations->Straddles[Page];

    MI_ASSERT(Page < Relocations->Pages && Straddle->Type != IMAGE_REL_BASED_ABSOLUTE);
    memcpy(Straddle->Before, Before, MI_STRADDLE_BYTES);
    Straddle->Known = TRUE;
}

/* ---- relocating ---- */

/* The documented sum for each type; Low only counts for HIGHADJ. */
static ULONG MipRelocateWord(ULONG Type, ULONG Value, USHORT Low, ULONG Delta)
{
    switch (Type) {
    case IMAGE_REL_BASED_HIGH:
        return Value + (Delta >> 16);
    case IMAGE_REL_BASED_LOW:
        return Value + (Delta & 0xFFFF);
    case IMAGE_REL_BASED_HIGHADJ: /* Low is signed; the high half is rounded to match it */
        return ((Value << 16) + (ULONG)(LONG)(SHORT)Low + Delta + 0x8000u) >> 16;
    default:
        MI_ASSERT(Type == IMAGE_REL_BASED_HIGHLOW);
        return Value + Delta;
    }
}

/* Relocate a word of which these bytes, the lowest ones first, are at hand. */
static void MipRelocateBytes(ULONG Type, USHORT Low, ULONG Delta, UCHAR *Word, ULONG Bytes)
{
    ULONG Value = 0;
    ULONG Index;

    for (Index = 0; Index < Bytes; Index++) {
        Value |= (ULONG)Word[Index] << 8 * Index;
    }
    Value = MipRelocateWord(Type, Value, Low, Delta);
    for (Index = 0; Index < Bytes; Index++) {
        Word[Index] = (UCHAR)(Value >> 8 * Index);
    }
}

/* The upper bytes of a word that begins in the page before. */
static void MipFinishStraddle(const MI_STRADDLE *Straddle, ULONG Delta, UCHAR *Contents)
{
    ULONG Bytes = MipWordBytes(Straddle->Type);
    ULONG Back = Straddle->Back;
    UCHAR Word[4];

    MI_ASSERT(Straddle->Known);
    memcpy(Word, Straddle->Before + MI_STRADDLE_BYTES - Back, Back);
    memcpy(Word + Back, Contents, Bytes - Back);
    MipRelocateBytes(Straddle->Type, Straddle->Low, Delta, Word, Bytes);
    memcpy(Contents, Word + Back, Bytes - Back);
}

BOOLEAN MiPageHasRelocations(const MI_RELOCATIONS *Relocations, ULONG Page)
{
    MI_ASSERT(Page < Relocations->Pages);
    return Relocations->First[Page] != Relocations->First[Page + 1] ||
           Relocations->Straddles[Page].Type != IMAGE_REL_BASED_ABSOLUTE;
}

void MiRelocatePage(const MI_RELOCATIONS *Relocations, ULONG Page, ULONG Delta,
                    UCHAR Contents[PAGE_SIZE])
{
    ULONG Index;

    MI_ASSERT(Page < Relocations->Pages);
    if (Relocations->Straddles[Page].Type != IMAGE_REL_BASED_ABSOLUTE) {
        MipFinishStraddle(&Relocations->Straddles[Page], Delta, Contents);
    }
    for (Index = Relocations->First[Page]; Index < Relocations->First[Page + 1]; Index++) {
        ULONG Type = Relocations->Entries[Index] >> PAGE_SHIFT;
        ULONG Offset = Relocations->Entries[Index] & (PAGE_SIZE - 1);
        ULONG Bytes = MipWordBytes(Type);
        USHORT Low = 0;

        if (Type == IMAGE_REL_BASED_HIGHADJ) {
            Low = Relocations->Entries[++Index];
        }
        if (Offset + Bytes > PAGE_SIZE) {
            Bytes = PAGE_SIZE - Offset;
        }
        MipRelocateBytes(Type, Low, Delta, Contents + Offset, Bytes);
    }
}
