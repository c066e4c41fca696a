/* SPDX-License-Identifier: MIT */
/*
 * registry_private.h - the three parts of the .reg parser: lines (registry.c), the data behind
 * the equals sign (registry_data.c), and the documented values (registry_values.c).
 */
#ifndef EFI_REGISTRY_PRIVATE_H
#define EFI_REGISTRY_PRIVATE_H

#include "loader.h"
#include "text_source.h"

/* The longest value: as UTF-16 it fills a line of text (BL_LINE_BYTES), and more is no setting. */
#define BLP_DATA_BYTES 2048

/* Registry types beside LOADER_REG_*. */
#define BLP_REG_DELETED   0xFFFFFFFFu /* "Name"=- */
#define BLP_REG_EXPAND_SZ 2u

/* The data of one value. */
typedef struct _BLP_DATA {
    ULONG Type;                /* a registry type, or BLP_REG_DELETED */
    ULONG Dword;               /* LOADER_REG_DWORD */
    ULONG Bytes;               /* of Text or Raw */
    char Text[BLP_DATA_BYTES]; /* strings in UTF-8, with their zeros */
    UCHAR Raw[BLP_DATA_BYTES]; /* what hex: gave */
} BLP_DATA, *PBLP_DATA;

/*
 * Read the data of a value: dword:n, "text", hex:.., hex(n):.. or -.
 *
 * => Text stands behind the equals sign on the source's current line; hex data goes on over the
 *    next lines while they end in a backslash.
 * => Raw strings are UTF-16LE, or BlLatin1 in a REGEDIT4 file.
 * => Returns NULL, or what is wrong with it.
 */
const char *BlpReadData(PBL_TEXT_SOURCE Source, BL_TEXT Text, BL_ENCODING RawEncoding,
                        PBLP_DATA Data);

/* One documented value. */
typedef struct _BLP_KNOWN_VALUE {
    const char *Name;
    ULONG Type;   /* LOADER_REG_DWORD, LOADER_REG_SZ or LOADER_REG_MULTI_SZ */
    ULONG Least;  /* of a DWORD */
    ULONG Most;   /* of a DWORD; of a MULTI_SZ the number of strings */
    ULONG Beside; /* one more value that a DWORD may have */
} BLP_KNOWN_VALUE;

/* => Returns the documented value of that name, in any case of letters, or NULL. */
const BLP_KNOWN_VALUE *BlpFindKnownValue(BL_TEXT Name);

/*
 * Check data against the documentation.  A single string becomes a list where a list is wanted.
 *
 * => FALSE: a complaint about line Line was made.
 */
BOOLEAN BlpCheckKnownValue(PBL_TEXT_SOURCE Source, ULONG Line, const BLP_KNOWN_VALUE *Known,
                           PBLP_DATA Data);

#endif
