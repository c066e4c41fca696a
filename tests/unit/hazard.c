/* SPDX-License-Identifier: MIT */
/*
 * hazard.c - the fenced memory is mapped once; a trap is observed as the child's SIGILL.
 */
#include "tests/unit/hazard.h"
#include "tests/unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define FENCE_BYTES 0x1000u /* the smallest that mprotect takes */

void *TestFencedBytes(size_t Bytes)
{
    static char *Fence;

    CHECK(Bytes <= TEST_FENCED_BYTES);
    if (Fence == NULL) {
        char *Memory = mmap(NULL, TEST_FENCED_BYTES + FENCE_BYTES, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        CHECK(Memory != MAP_FAILED);
        CHECK_EQUAL(0, mprotect(Memory + TEST_FENCED_BYTES, FENCE_BYTES, PROT_NONE));
        Fence = Memory + TEST_FENCED_BYTES;
    }
    return Fence - Bytes;
}

int TestTraps(void (*Act)(void *Context), void *Context)
{
    static const struct rlimit NoCore;
    int Status = 0;
    pid_t Child;

    fflush(stdout);
    Child = fork();
    if (Child == 0) {
        setrlimit(RLIMIT_CORE, &NoCore);
        signal(SIGILL, SIG_DFL);
        Act(Context);
        _exit(0);
    }
    CHECK(Child > 0);
    CHECK_EQUAL(Child, waitpid(Child, &Status, 0));
    return WIFSIGNALED(Status) && WTERMSIG(Status) == SIGILL;
}
