/* SPDX-License-Identifier: MIT */
/*
 * registry.h - system.reg: the values of the Memory Management key.
 */
#ifndef EFI_REGISTRY_H
#define EFI_REGISTRY_H

#include "complaint.h"
#include "loader.h"
#include "nt/status.h"
#include "nt/types.h"

/*
 * Read a .reg file and keep HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Session Manager\
 * Memory Management.
 *
 * Buffer receives *ValueCount LOADER_REGISTRY_VALUEs, then their data; of two values with one name
 * the later stays.  Only documented values with a value in their documented range are kept, so the
 * kernel need not check again.
 *
 * => Text is UTF-8 (with or without a byte order mark) or UTF-16 with one; Bytes 0 means that there
 *    is no file, which is no reason to complain.
 * => Buffer is 4-byte aligned and has BufferBytes bytes, of which *UsedBytes are used.
 * => What cannot be used is told to Complain, counted in *Warnings, and dropped.
 * => STATUS_BUFFER_TOO_SMALL: only then *UsedBytes, *ValueCount and *Warnings are left alone.
 */
NT_MUST_CHECK NTSTATUS BlParseRegistry(const void *Text, SIZE_T Bytes, void *Buffer,
                                       ULONG BufferBytes, PULONG UsedBytes, PULONG ValueCount,
                                       PULONG Warnings, BL_COMPLAINT *Complain, PVOID Context);

#endif
