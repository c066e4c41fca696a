/* SPDX-License-Identifier: MIT */
/*
 * nt_rename.h - a new name for a file that is open by handle.
 */
#ifndef MM_IO_NT_RENAME_H
#define MM_IO_NT_RENAME_H

#include "mm/io/io_i.h"

/*
 * FileRenameInformation, as NtSetInformationFile has it.
 * => Rename is the system's, Length bytes, and is changed.
 */
NT_MUST_CHECK NTSTATUS IopRename(const IOP_SERVICE *Service, PFILE_RENAME_INFORMATION Rename,
                                 ULONG Length);

#endif
