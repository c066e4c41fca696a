/* SPDX-License-Identifier: MIT */
/*
 * bugcodes.h - bug check codes, with NT's documented names and values.
 *
 * Source: learn.microsoft.com/windows-hardware/drivers/debugger/bug-check-code-reference2
 * Only the codes that the tree raises stand here.
 */
#ifndef NT_BUGCODES_H
#define NT_BUGCODES_H

#define INVALID_PROCESS_ATTACH_ATTEMPT          0x00000005u
#define IRQL_NOT_GREATER_OR_EQUAL               0x00000009u
#define IRQL_NOT_LESS_OR_EQUAL                  0x0000000Au
#define MAXIMUM_WAIT_OBJECTS_EXCEEDED           0x0000000Cu
#define SPIN_LOCK_ALREADY_OWNED                 0x0000000Fu
#define SPIN_LOCK_NOT_OWNED                     0x00000010u
#define TRAP_CAUSE_UNKNOWN                      0x00000012u
#define REFERENCE_BY_POINTER                    0x00000018u
#define BAD_POOL_HEADER                         0x00000019u
#define MEMORY_MANAGEMENT                       0x0000001Au
#define KMODE_EXCEPTION_NOT_HANDLED             0x0000001Eu
#define FAT_FILE_SYSTEM                         0x00000023u
#define PHASE0_INITIALIZATION_FAILED            0x00000031u
#define NO_MORE_IRP_STACK_LOCATIONS             0x00000035u
#define NO_MORE_SYSTEM_PTES                     0x0000003Fu
#define MULTIPLE_IRP_COMPLETE_REQUESTS          0x00000044u
#define NO_PAGES_AVAILABLE                      0x0000004Du
#define PFN_LIST_CORRUPT                        0x0000004Eu
#define PAGE_FAULT_IN_NONPAGED_AREA             0x00000050u
#define PROCESS_HAS_LOCKED_PAGES                0x00000076u
#define KERNEL_STACK_INPAGE_ERROR               0x00000077u
#define KERNEL_DATA_INPAGE_ERROR                0x0000007Au
#define INSTALL_MORE_MEMORY                     0x0000007Du
#define UNEXPECTED_KERNEL_MODE_TRAP             0x0000007Fu
#define NMI_HARDWARE_FAILURE                    0x00000080u
#define INVALID_KERNEL_HANDLE                   0x00000093u
#define MACHINE_CHECK_EXCEPTION                 0x0000009Cu
#define SESSION_HAS_VALID_POOL_ON_EXIT          0x000000ABu
#define SESSION_HAS_VALID_VIEWS_ON_EXIT         0x000000BAu
#define ATTEMPTED_WRITE_TO_READONLY_MEMORY      0x000000BEu
#define SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION 0x000000C1u
#define BAD_POOL_CALLER                         0x000000C2u
#define DRIVER_CAUGHT_MODIFYING_FREED_POOL      0x000000C6u
#define IRQL_UNEXPECTED_VALUE                   0x000000C8u
#define PAGE_FAULT_IN_FREED_SPECIAL_POOL        0x000000CCu
#define PAGE_FAULT_BEYOND_END_OF_ALLOCATION     0x000000CDu
#define DRIVER_IRQL_NOT_LESS_OR_EQUAL           0x000000D1u
#define DRIVER_UNMAPPING_INVALID_VIEW           0x000000D7u
#define SYSTEM_PTE_MISUSE                       0x000000DAu
#define WORKER_THREAD_RETURNED_AT_BAD_IRQL      0x000000E1u
#define MANUALLY_INITIATED_CRASH                0x000000E2u
#define RESOURCE_NOT_OWNED                      0x000000E3u
#define WORKER_INVALID                          0x000000E4u
#define THREAD_TERMINATE_HELD_MUTEX             0x4000008Au

#endif
