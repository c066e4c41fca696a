/* SPDX-License-Identifier: MIT */
/*
 * image_exports.c - searches the export directory of an image in memory.
 *
 * Three tables: RVAs of functions, by ordinal; RVAs of names, sorted; and for each name the index
 * of its function.  MiOpenExports sees that the tables lie in the view; the RVAs in them are judged
 * when they are followed.  So opening costs the same for every image, and a search is bounded by
 * the logarithm of the number of names, however they are sorted.
 */
#include "mm/section/image_exports.h"

#include "mi_assert.h"
#include "rtl.h"

NTSTATUS MiOpenExports(const MI_IMAGE_VIEW *View, const IMAGE_DATA_DIRECTORY *Directory,
                       PMI_EXPORTS Exports)
{
    IMAGE_EXPORT_DIRECTORY Header;

    if (Directory->VirtualAddress == 0 || Directory->Size == 0) {
        return STATUS_NOT_FOUND;
    }
    if (Directory->Size < sizeof(Header) ||
        !MiIsInView(View, Directory->VirtualAddress, 1, Directory->Size)) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    memcpy(&Header, View->Base + Directory->VirtualAddress, sizeof(Header));
    if (!MiIsInView(View, Header.AddressOfFunctions, Header.NumberOfFunctions, sizeof(ULONG)) ||
        !MiIsInView(View, Header.AddressOfNames, Header.NumberOfNames, sizeof(ULONG)) ||
        !MiIsInView(View, Header.AddressOfNameOrdinals, Header.NumberOfNames, sizeof(USHORT))) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    Exports->View = *View;
    Exports->Directory = *Directory;
    Exports->OrdinalBase = Header.Base;
    Exports->FunctionCount = Header.NumberOfFunctions;
    Exports->NameCount = Header.NumberOfNames;
    Exports->Functions = Header.AddressOfFunctions;
    Exports->Names = Header.AddressOfNames;
    Exports->NameOrdinals = Header.AddressOfNameOrdinals;
    Exports->Name = Header.Name != 0 ? MiReadViewName(View, Header.Name) : NULL;
    return STATUS_SUCCESS;
}

/* => Function < FunctionCount.  STATUS_ORDINAL_NOT_FOUND: its place is empty. */
static NTSTATUS MipReadExport(const MI_EXPORTS *Exports, ULONG Function, PMI_EXPORT Export)
{
    ULONG Rva = MiReadViewLong(&Exports->View, Exports->Functions + Function * sizeof(ULONG));
    const char *Forwarder = NULL;

    if (Rva == 0) {
        return STATUS_ORDINAL_NOT_FOUND;
    }
    if (Rva >= Exports->View.Bytes) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    if (Rva >= Exports->Directory.VirtualAddress &&
        Rva - Exports->Directory.VirtualAddress < Exports->Directory.Size) {
        Forwarder = MiReadViewName(&Exports->View, Rva);
        if (Forwarder == NULL) {
            return STATUS_INVALID_IMAGE_FORMAT;
        }
        Rva = 0;
    }
    Export->Ordinal = Exports->OrdinalBase + Function;
    Export->Rva = Rva;
    Export->Forwarder = Forwarder;
    return STATUS_SUCCESS;
}

/* The function that entry Index of the names leads to. */
static NTSTATUS MipReadNamedExport(const MI_EXPORTS *Exports, ULONG Index, PMI_EXPORT Export)
{
    ULONG Function =
        MiReadViewShort(&Exports->View, Exports->NameOrdinals + Index * sizeof(USHORT));

    if (Function >= Exports->FunctionCount) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    return MipReadExport(Exports, Function, Export);
}

static ULONG MipNameRva(const MI_EXPORTS *Exports, ULONG Index)
{
    return MiReadViewLong(&Exports->View, Exports->Names + Index * sizeof(ULONG));
}

/*
 * Compare Name, Bytes with its zero, with entry Index of the names.
 *
 * => Nothing behind the view is read: an entry that would lead there is behind all names.
 */
static int MipCompareName(const MI_EXPORTS *Exports, ULONG Index, const char *Name, SIZE_T Bytes)
{
    ULONG Rva = MipNameRva(Exports, Index);
    ULONG Left = Rva < Exports->View.Bytes ? Exports->View.Bytes - Rva : 0;
    int Difference = strncmp(Name, (const char *)Exports->View.Base + (Left != 0 ? Rva : 0),
                             Bytes < Left ? Bytes : Left);

    return Difference == 0 && Left < Bytes ? -1 : Difference;
}

NTSTATUS MiFindExportByName(const MI_EXPORTS *Exports, const char *Name, USHORT Hint,
                            PMI_EXPORT Export)
{
    SIZE_T Bytes = strlen(Name) + 1;
    ULONG Low = 0;
    ULONG High = Exports->NameCount;
    NTSTATUS Status = STATUS_ENTRYPOINT_NOT_FOUND;

    if (Hint < Exports->NameCount && MipCompareName(Exports, Hint, Name, Bytes) == 0) {
        Status = MipReadNamedExport(Exports, Hint, Export);
        High = 0;
    }
    while (Low < High) {
        ULONG Middle = Low + (High - Low) / 2;
        int Difference = MipCompareName(Exports, Middle, Name, Bytes);

        if (Difference == 0) {
            Status = MipReadNamedExport(Exports, Middle, Export);
            break;
        }
        if (Difference < 0) {
            High = Middle;
        } else {
            Low = Middle + 1;
        }
    }
    return Status == STATUS_ORDINAL_NOT_FOUND ? STATUS_ENTRYPOINT_NOT_FOUND : Status;
}

NTSTATUS MiFindExportByOrdinal(const MI_EXPORTS *Exports, ULONG Ordinal, PMI_EXPORT Export)
{
    if (Ordinal < Exports->OrdinalBase ||
        Ordinal - Exports->OrdinalBase >= Exports->FunctionCount) {
        return STATUS_ORDINAL_NOT_FOUND;
    }
    return MipReadExport(Exports, Ordinal - Exports->OrdinalBase, Export);
}

NTSTATUS MiReadExportName(const MI_EXPORTS *Exports, ULONG Index, const char **Name,
                          PMI_EXPORT Export)
{
    const char *Text;
    NTSTATUS Status;

    MI_ASSERT(Index < Exports->NameCount);
    Text = MiReadViewName(&Exports->View, MipNameRva(Exports, Index));
    if (Text == NULL) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    Status = MipReadNamedExport(Exports, Index, Export);
    if (NT_SUCCESS(Status)) {
        *Name = Text;
    }
    return Status;
}

/* ---- forwarders ---- */

/* Read all of a text as an ordinal. */
static BOOLEAN MipReadOrdinal(const char *Text, PULONG Ordinal)
{
    const char *End = Text + strlen(Text);
    ULONG64 Value = 0;

    if (!NT_SUCCESS(RtlParseNumber(&Text, End, &Value)) || Text != End || Value > 0xFFFF) {
        return FALSE;
    }
    *Ordinal = (ULONG)Value;
    return TRUE;
}

NTSTATUS MiSplitForwarder(const char *Text, PMI_FORWARDER Forwarder)
{
    const char *Next = RtlFindText(Text, ".");
    const char *Dot = NULL;
    ULONG Ordinal = 0;

    while (Next != NULL) {
        Dot = Next;
        Next = RtlFindText(Next + 1, ".");
    }
    if (Dot == NULL || Dot == Text || Dot[1] == 0) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    if (Dot[1] == '#' && !MipReadOrdinal(Dot + 2, &Ordinal)) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    Forwarder->Dll = Text;
    Forwarder->DllBytes = (ULONG)(Dot - Text);
    Forwarder->Name = Dot[1] == '#' ? NULL : Dot + 1;
    Forwarder->Ordinal = Ordinal;
    return STATUS_SUCCESS;
}
