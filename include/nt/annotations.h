/* SPDX-License-Identifier: MIT */
/*
 * annotations.h - lock and IRQL contracts that clang -Wthread-safety proves; gcc ignores them.
 *
 * A lock is a variable of a type marked NT_CAPABILITY.  An IRQL is modelled as a capability too:
 * a function that must not run at DISPATCH_LEVEL says NT_NOT_HOLDING(KiAtDispatch).
 */
#ifndef NT_ANNOTATIONS_H
#define NT_ANNOTATIONS_H

#if defined(__clang__)
#define NT_THREAD_SAFETY(x) __attribute__((x))
#else
#define NT_THREAD_SAFETY(x)
#endif

#define NT_CAPABILITY(Name) NT_THREAD_SAFETY(capability(Name))
#define NT_GUARDED_BY(Lock) NT_THREAD_SAFETY(guarded_by(Lock))
#define NT_HOLDS(...)       NT_THREAD_SAFETY(requires_capability(__VA_ARGS__))
#define NT_ACQUIRES(...)    NT_THREAD_SAFETY(acquire_capability(__VA_ARGS__))
#define NT_RELEASES(...)    NT_THREAD_SAFETY(release_capability(__VA_ARGS__))
#define NT_NOT_HOLDING(...) NT_THREAD_SAFETY(locks_excluded(__VA_ARGS__))
#define NT_NO_LOCK_ANALYSIS NT_THREAD_SAFETY(no_thread_safety_analysis)

#endif
