/* SPDX-License-Identifier: MIT */
/*
 * image_exports.h - what an image offers others, by name and by ordinal.
 */
#ifndef MM_SECTION_IMAGE_EXPORTS_H
#define MM_SECTION_IMAGE_EXPORTS_H

#include "mm/section/image_view.h"

/* An export directory whose tables lie in the view. */
typedef struct _MI_EXPORTS {
    MI_IMAGE_VIEW View;
    IMAGE_DATA_DIRECTORY Directory; /* RVAs of functions in here are forwarders */
    ULONG OrdinalBase;              /* of function 0 */
    ULONG FunctionCount;
    ULONG NameCount;
    ULONG Functions;    /* RVA of FunctionCount RVAs */
    ULONG Names;        /* RVA of NameCount RVAs */
    ULONG NameOrdinals; /* RVA of NameCount 16-bit indices */
    const char *Name;   /* the image's own; NULL: none */
} MI_EXPORTS, *PMI_EXPORTS;

/* Something that is exported. */
typedef struct _MI_EXPORT {
    ULONG Ordinal;
    ULONG Rva;             /* in the view; a forwarder has none: 0 */
    const char *Forwarder; /* DLL.Name or DLL.#Ordinal of another image; else NULL */
} MI_EXPORT, *PMI_EXPORT;

/*
 * Open a view's exports.  Directory is what its headers say.
 *
 * => STATUS_NOT_FOUND: it has none.  STATUS_INVALID_IMAGE_FORMAT: a table leads out of the view.
 */
NT_MUST_CHECK NTSTATUS MiOpenExports(const MI_IMAGE_VIEW *View,
                                     const IMAGE_DATA_DIRECTORY *Directory, PMI_EXPORTS Exports);

/*
 * Find the export of this name, which is compared byte by byte; look at place Hint first.
 *
 * => STATUS_ENTRYPOINT_NOT_FOUND: there is none, or the names are not sorted.
 *    STATUS_INVALID_IMAGE_FORMAT: what it leads to is not in the view.
 */
NT_MUST_CHECK NTSTATUS MiFindExportByName(const MI_EXPORTS *Exports, const char *Name, USHORT Hint,
                                          PMI_EXPORT Export);

/* => STATUS_ORDINAL_NOT_FOUND: there is none.  STATUS_INVALID_IMAGE_FORMAT as above. */
NT_MUST_CHECK NTSTATUS MiFindExportByOrdinal(const MI_EXPORTS *Exports, ULONG Ordinal,
                                             PMI_EXPORT Export);

/*
 * Entry Index of the table of names.
 *
 * => Index < Exports->NameCount.  STATUS_INVALID_IMAGE_FORMAT: the name, or what it leads to, is
 *    not in the view.  STATUS_ORDINAL_NOT_FOUND: it leads to an empty place.
 */
NT_MUST_CHECK NTSTATUS MiReadExportName(const MI_EXPORTS *Exports, ULONG Index, const char **Name,
                                        PMI_EXPORT Export);

/* Where a forwarder leads: DllBytes bytes name the DLL, without ".dll". */
typedef struct _MI_FORWARDER {
    const char *Dll;
    ULONG DllBytes;
    const char *Name; /* NULL: by Ordinal */
    ULONG Ordinal;
} MI_FORWARDER, *PMI_FORWARDER;

/*
 * Take a forwarder apart, at its last dot.
 *
 * => STATUS_INVALID_IMAGE_FORMAT: it has no dot, an empty half, or no 16-bit number behind #.
 */
NT_MUST_CHECK NTSTATUS MiSplitForwarder(const char *Text, PMI_FORWARDER Forwarder);

#endif
