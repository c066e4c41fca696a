/* SPDX-License-Identifier: MIT */
/*
 * image_imports.c - walks the import directory of an image in memory.
 *
 * Descriptors end with one that names no DLL or has no slots, and a DLL's imports with a zero; the
 * directory's size does not count, as linkers disagree about it.  Each step moves towards the end
 * of the view, so every walk ends.
 */
#include "mm/section/image_imports.h"

#include "rtl.h"

void MiOpenImports(const MI_IMAGE_VIEW *View, const IMAGE_DATA_DIRECTORY *Directory,
                   PMI_IMPORTS Imports)
{
    Imports->View = *View;
    Imports->Next = Directory->Size != 0 ? Directory->VirtualAddress : 0;
}

NTSTATUS MiNextImportedDll(PMI_IMPORTS Imports, PMI_IMPORTED_DLL Dll)
{
    IMAGE_IMPORT_DESCRIPTOR Descriptor;
    const char *Name;

    if (Imports->Next == 0) {
        return STATUS_NO_MORE_ENTRIES;
    }
    if (!MiIsInView(&Imports->View, Imports->Next, 1, sizeof(Descriptor))) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    memcpy(&Descriptor, Imports->View.Base + Imports->Next, sizeof(Descriptor));
    if (Descriptor.Name == 0 || Descriptor.FirstThunk == 0) {
        Imports->Next = 0;
        return STATUS_NO_MORE_ENTRIES;
    }
    Name = MiReadViewName(&Imports->View, Descriptor.Name);
    if (Name == NULL) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    Imports->Next += sizeof(Descriptor);
    Dll->View = Imports->View;
    Dll->Name = Name;
    Dll->TimeDateStamp = Descriptor.TimeDateStamp;
    Dll->Slot = Descriptor.FirstThunk;
    Dll->Lookup =
        Descriptor.OriginalFirstThunk != 0 ? Descriptor.OriginalFirstThunk : Descriptor.FirstThunk;
    return STATUS_SUCCESS;
}

/* Where a lookup entry that is no ordinal leads. */
static NTSTATUS MipReadImportName(const MI_IMAGE_VIEW *View, ULONG Rva, PMI_IMPORT Import)
{
    const char *Name;

    if (!MiIsInView(View, Rva, 1, offsetof(IMAGE_IMPORT_BY_NAME, Name))) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    Name = MiReadViewName(View, Rva + offsetof(IMAGE_IMPORT_BY_NAME, Name));
    if (Name == NULL) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    Import->Hint = MiReadViewShort(View, Rva);
    Import->Name = Name;
    Import->Ordinal = 0;
    return STATUS_SUCCESS;
}

NTSTATUS MiNextImport(PMI_IMPORTED_DLL Dll, PMI_IMPORT Import)
{
    ULONG Lookup;

    if (Dll->Lookup == 0) {
        return STATUS_NO_MORE_ENTRIES;
    }
    if (!MiIsInView(&Dll->View, Dll->Lookup, 1, sizeof(ULONG)) ||
        !MiIsInView(&Dll->View, Dll->Slot, 1, sizeof(ULONG))) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    Lookup = MiReadViewLong(&Dll->View, Dll->Lookup);
    if (Lookup == 0) {
        Dll->Lookup = 0;
        return STATUS_NO_MORE_ENTRIES;
    }
    if (IMAGE_SNAP_BY_ORDINAL32(Lookup)) {
        Import->Name = NULL;
        Import->Hint = 0;
        Import->Ordinal = IMAGE_ORDINAL32(Lookup);
    } else if (!NT_SUCCESS(MipReadImportName(&Dll->View, Lookup, Import))) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    Import->Slot = Dll->Slot;
    Dll->Lookup += sizeof(ULONG);
    Dll->Slot += sizeof(ULONG);
    return STATUS_SUCCESS;
}
