/* SPDX-License-Identifier: MIT */
/*
 * main.c - runs the registered tests one after the other.
 *
 * A failed check leaves its test by longjmp; the next test starts clean.  A crash is the
 * sanitizers' business: it ends the program with their report and a non-zero status.
 */
#include "test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static TEST_CASE *FirstCase;
static TEST_CASE **LastLink = &FirstCase;
static jmp_buf Escape;
static void (*FailureRoutine)(void);
static uint64_t Seed = UINT64_C(0x9E3779B97F4A7C15);
static uint64_t GivenSeed;  /* what Seed is when a test begins */
static uint64_t Step;       /* TestSetStep; 0: none */
static uint64_t Operations; /* of property tests */
static uint64_t Effort = 1;
static uint64_t Part = 1; /* HYPERSPACE_EFFORT=1/4 */

void TestRegister(TEST_CASE *Case)
{
    *LastLink = Case;
    LastLink = &Case->Next;
}

void TestOnFailure(void (*Routine)(void))
{
    FailureRoutine = Routine;
}

void TestFail(const char *File, int Line, const char *Format, ...)
{
    va_list Arguments;

    printf("# %s:%d: ", File, Line);
    va_start(Arguments, Format);
    vprintf(Format, Arguments);
    va_end(Arguments);
    printf(" (seed %llu", (unsigned long long)Seed);
    printf(Step == 0 ? ")\n" : ", step %llu)\n", (unsigned long long)Step);
    longjmp(Escape, 1);
}

void TestCheckEqual(const char *File, int Line, const char *What, uint64_t Expected,
                    uint64_t Actual)
{
    if (Expected != Actual) {
        TestFail(File, Line, "%s: expected %#llx, found %#llx", What, (unsigned long long)Expected,
                 (unsigned long long)Actual);
    }
}

void TestCheckText(const char *File, int Line, const char *What, const char *Expected,
                   const char *Actual)
{
    if (strcmp(Expected, Actual) != 0) {
        TestFail(File, Line, "%s: expected \"%s\", found \"%s\"", What, Expected, Actual);
    }
}

uint64_t TestSeed(void)
{
    return Seed;
}

uint32_t TestRandom(uint64_t *State)
{
    uint64_t X = *State;

    X ^= X << 13;
    X ^= X >> 7;
    X ^= X << 17;
    *State = X;
    return (uint32_t)(X >> 32);
}

uint64_t TestSeedNumber(uint64_t Number)
{
    return GivenSeed +
           Number * UINT64_C(0x9E3779B97F4A7C16); /* even, so that an odd seed stays odd */
}

void TestUseSeed(uint64_t Used)
{
    Seed = Used;
}

void TestSetStep(uint64_t Number)
{
    Step = Number;
}

void TestCountOperations(uint64_t Count, uint64_t Seeds)
{
    Operations += Count;
    printf("# %llu operations over %llu seeds\n", (unsigned long long)Count,
           (unsigned long long)Seeds);
}

uint64_t TestRounds(uint64_t Normal)
{
    return (Normal * Effort + Part - 1) / Part;
}

static uint64_t EnvironmentNumber(const char *Name, uint64_t Default)
{
    const char *Text = getenv(Name);
    uint64_t Value = Text == NULL ? 0 : strtoull(Text, NULL, 0);

    return Value == 0 ? Default : Value;
}

/* What stands behind a slash. */
static uint64_t EnvironmentPart(const char *Name)
{
    const char *Text = getenv(Name);
    const char *Slash = Text == NULL ? NULL : strchr(Text, '/');
    uint64_t Value = Slash == NULL ? 0 : strtoull(Slash + 1, NULL, 0);

    return Value == 0 ? 1 : Value;
}

static int RunCase(const TEST_CASE *Case, unsigned Number)
{
    volatile int Passed = 0; /* set between setjmp and longjmp */

    Seed = GivenSeed;
    Step = 0;
    if (setjmp(Escape) == 0) {
        Case->Run();
        Passed = 1;
    } else if (FailureRoutine != NULL) {
        FailureRoutine();
    }
    printf("%s %u - %s\n", Passed ? "ok" : "not ok", Number, Case->Name);
    fflush(stdout);
    return Passed;
}

/* Any of the arguments: part of the name, or, with a slash, of the file's. */
static int IsWanted(const TEST_CASE *Case, int Count, char **Arguments)
{
    int i;

    for (i = 1; i < Count; i++) {
        if (strstr(strchr(Arguments[i], '/') != NULL ? Case->File : Case->Name, Arguments[i]) !=
            NULL) {
            return 1;
        }
    }
    return Count < 2;
}

int main(int Count, char **Arguments)
{
    static unsigned Passed;
    static unsigned Failed;
    static TEST_CASE *Case;

    GivenSeed = EnvironmentNumber("HYPERSPACE_SEED", Seed);
    Effort = EnvironmentNumber("HYPERSPACE_EFFORT", Effort);
    Part = EnvironmentPart("HYPERSPACE_EFFORT");
    for (Case = FirstCase; Case != NULL; Case = Case->Next) {
        if (!IsWanted(Case, Count, Arguments)) {
            continue;
        }
        if (RunCase(Case, Passed + Failed + 1)) {
            Passed++;
        } else {
            Failed++;
        }
    }
    if (Operations != 0) {
        printf("# %llu operations of property tests\n", (unsigned long long)Operations);
    }
    printf("1..%u\n", Passed + Failed);
    return Failed != 0 || Passed == 0;
}
