/* SPDX-License-Identifier: MIT */
/*
 * test.h - the smallest harness that lets a test be read as a sentence.
 *
 *     TEST(RemoveHeadList_returns_entries_oldest_first)
 *     {
 *         CHECK_EQUAL(Expected, Actual);
 *     }
 *
 * A TEST registers itself; main (tests/unit/main.c) runs those whose names contain one of the
 * program's arguments (all without one; with a slash it is part of a file's name), prints a TAP
 * line for each and exits with 0 exactly when all passed and there was at least one.  The same
 * harness carries the property tests, which ask for TestSeed() and TestRounds().
 */
#ifndef TEST_H
#define TEST_H

#include <stdint.h>

typedef struct _TEST_CASE {
    const char *Name;
    const char *File;
    void (*Run)(void);
    struct _TEST_CASE *Next;
} TEST_CASE;

void TestRegister(TEST_CASE *Case);

/* Marks the running test as failed and leaves it. */
void TestFail(const char *File, int Line, const char *Format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

/* Called after each failed test, which could not clean up.  => One routine in the program. */
void TestOnFailure(void (*Routine)(void));

/* HYPERSPACE_SEED, or a fixed default; printed with every failure. */
uint64_t TestSeed(void);

/* The next number of a xorshift generator. */
uint32_t TestRandom(uint64_t *State);

/* Say, in a comment of the TAP output, how much a property test tried; main adds it all up. */
void TestCountOperations(uint64_t Operations, uint64_t Seeds);

/* The n-th seed of a test that tries several: n = 0 is TestSeed() itself. */
uint64_t TestSeedNumber(uint64_t Number);

/*
 * For a test that builds a world for each of several seeds: what TestSeed() is from now on.  A
 * failure then names a seed that, given as HYPERSPACE_SEED, makes the same world the first one.
 */
void TestUseSeed(uint64_t Seed);

/* How far the test is: failures name it.  0: nothing worth naming. */
void TestSetStep(uint64_t Number);

/* Normal * HYPERSPACE_EFFORT (default 1; "1/4" is a part). */
uint64_t TestRounds(uint64_t Normal);

#define TEST(TestName)                                                                             \
    static void Test_##TestName(void);                                                             \
    static TEST_CASE Case_##TestName = {#TestName, __FILE__, Test_##TestName, 0};                  \
    __attribute__((constructor)) static void Register_##TestName(void)                             \
    {                                                                                              \
        TestRegister(&Case_##TestName);                                                            \
    }                                                                                              \
    static void Test_##TestName(void)

#define CHECK(Condition)                                                                           \
    ((Condition) ? (void)0 : TestFail(__FILE__, __LINE__, "%s is false", #Condition))

/* Integers of any type up to 64 bits. */
#define CHECK_EQUAL(Expected, Actual)                                                              \
    TestCheckEqual(__FILE__, __LINE__, #Actual, (uint64_t)(Expected), (uint64_t)(Actual))

#define CHECK_TEXT(Expected, Actual) TestCheckText(__FILE__, __LINE__, #Actual, Expected, Actual)

void TestCheckEqual(const char *File, int Line, const char *What, uint64_t Expected,
                    uint64_t Actual);
void TestCheckText(const char *File, int Line, const char *What, const char *Expected,
                   const char *Actual);

#endif
