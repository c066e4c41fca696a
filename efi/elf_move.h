/* SPDX-License-Identifier: MIT */
/*
 * elf_move.h - moving the kernel image away from the addresses that it was linked for.
 */
#ifndef EFI_ELF_MOVE_H
#define EFI_ELF_MOVE_H

#include "elf.h"

/*
 * Add Delta to each address in the image that BlCopyElf made in Target, and to *Image.
 *
 * => BlCheckElf made *Image from this very File.  Delta is whole pages; the image stays below 4 GB.
 * => STATUS_INVALID_IMAGE_FORMAT: *Reason is a static text that ends a sentence, as BlCheckElf's;
 *    nothing was changed.
 */
NT_MUST_CHECK NTSTATUS BlMoveElf(const void *File, SIZE_T Bytes, ULONG Delta, void *Target,
                                 BL_ELF_IMAGE *Image, const char **Reason);

#endif
