/* SPDX-License-Identifier: MIT */
/*
 * image_imports.h - what an image wants of others: one DLL after the other, and its imports.
 */
#ifndef MM_SECTION_IMAGE_IMPORTS_H
#define MM_SECTION_IMAGE_IMPORTS_H

#include "mm/section/image_view.h"

/* Where the walk over the DLLs is. */
typedef struct _MI_IMPORTS {
    MI_IMAGE_VIEW View;
    ULONG Next; /* RVA of a descriptor; 0: no more */
} MI_IMPORTS, *PMI_IMPORTS;

/* A DLL, and where the walk over what is imported from it is. */
typedef struct _MI_IMPORTED_DLL {
    MI_IMAGE_VIEW View;
    const char *Name;
    ULONG TimeDateStamp; /* 0: not bound */
    ULONG Lookup;        /* RVA of the next thing to import; 0: no more */
    ULONG Slot;          /* RVA of the 32 bits that receive its address */
} MI_IMPORTED_DLL, *PMI_IMPORTED_DLL;

typedef struct _MI_IMPORT {
    ULONG Slot;       /* RVA of the 32 bits that receive the address; they lie in the view */
    const char *Name; /* NULL: by Ordinal */
    USHORT Hint;      /* for MiFindExportByName */
    USHORT Ordinal;
} MI_IMPORT, *PMI_IMPORT;

/* => Directory is what the headers say; without imports the walk is at its end. */
void MiOpenImports(const MI_IMAGE_VIEW *View, const IMAGE_DATA_DIRECTORY *Directory,
                   PMI_IMPORTS Imports);

/*
 * => STATUS_NO_MORE_ENTRIES: that was all.  STATUS_INVALID_IMAGE_FORMAT: a descriptor, its name or
 *    its tables lead out of the view; the walk stays there.
 */
NT_MUST_CHECK NTSTATUS MiNextImportedDll(PMI_IMPORTS Imports, PMI_IMPORTED_DLL Dll);

/* => As above.  The slot may be written before the next call. */
NT_MUST_CHECK NTSTATUS MiNextImport(PMI_IMPORTED_DLL Dll, PMI_IMPORT Import);

#endif
