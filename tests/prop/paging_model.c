/* SPDX-License-Identifier: MIT */
/*
 * paging_model.c - see paging_model.h.
 */
#include "tests/prop/paging_model_i.h"

#include "mm/ws/wsle.h"

#include <stdio.h>
#include <string.h>

#define MOST_PAGES 48u /* of an operation */

static PAGE Model[MODEL_PROCESSES][MODEL_PAGES];
static PEPROCESS Processes[MODEL_PROCESSES]; /* NULL: there was no memory for a new one */

MODEL_COUNTS ModelCounts;
BOOLEAN ModelErrors;

/* ---- contents ---- */

static ULONG Word(ULONG Page, ULONG Version, ULONG Sector)
{
    return (Page * 0x9E3779B1u ^ Version * 0x85EBCA6Bu) + Sector * 0xC2B2AE35u;
}

void ModelFill(PULONG Words, ULONG Page, ULONG Version)
{
    ULONG i;

    memset(Words, 0, PAGE_SIZE);
    for (i = 0; i < PAGE_SIZE / sizeof(ULONG) && Version != 0; i += SECTOR_WORDS) {
        Words[i + Version % SECTOR_WORDS] = Word(Page, Version, i);
    }
}

BOOLEAN ModelHolds(const ULONG *Words, ULONG Page, ULONG Version)
{
    ULONG Expected[PAGE_SIZE / sizeof(ULONG)];

    ModelFill(Expected, Page, Version);
    return memcmp(Expected, Words, PAGE_SIZE) == 0;
}

/* ---- holding ranges ---- */

static BOOLEAN Hold(const RANGE *Range, BOOLEAN Alone)
{
    ULONG i;

    for (i = Range->First; i < Range->First + Range->Count; i++) {
        LONG Users = Range->Pages[i].Users;

        if (Users == WRITER || (Alone && Users != 0)) {
            return FALSE;
        }
    }
    for (i = Range->First; i < Range->First + Range->Count; i++) {
        Range->Pages[i].Users = Alone ? WRITER : Range->Pages[i].Users + 1;
    }
    return TRUE;
}

static void LetGo(const RANGE *Range)
{
    ULONG i;

    for (i = Range->First; i < Range->First + Range->Count; i++) {
        PPAGE Page = &Range->Pages[i];

        Page->Users = Page->Users == WRITER ? 0 : Page->Users - 1;
    }
}

/* ---- whole processes ---- */

/* => The range is the whole arena. */
static void Renew(PMODEL_WORKER Worker)
{
    const RANGE All = {Worker, Model[Worker->Process], 0, MODEL_PAGES};
    PEPROCESS *Process = &Processes[Worker->Process];

    if (!Hold(&All, TRUE)) {
        return;
    }
    if (*Process != NULL) {
        PsTerminateProcess(*Process);
        PsDereferenceProcess(*Process);
        ModelCounts.Processes++;
    }
    if (!NT_SUCCESS(PsCreateProcess("model", Process))) {
        *Process = NULL;
        ModelCounts.Short++;
    }
    ModelCounts.Operations++;
    memset(All.Pages, 0, sizeof(Model[0])); /* let go of, too */
}

/* ---- choice ---- */

/* Mostly within one allocation, so that most operations do something. */
static void Choose(RANGE *Range)
{
    PMODEL_WORKER Worker = Range->Worker;
    ULONG Most = MODEL_PAGES;
    ULONG Page = ModelRandom(Worker, MODEL_PAGES);
    ULONG Tries;

    for (Tries = 0; Tries < 8 && Range->Pages[Page].Allocation == 0; Tries++) {
        Page = ModelRandom(Worker, MODEL_PAGES);
    }
    if (Range->Pages[Page].Allocation != 0 && ModelRandom(Worker, 8) != 0) {
        Most = Range->Pages[Page].Base + Range->Pages[Page].Pages;
    }
    Most = Most - Page < MOST_PAGES ? Most - Page : MOST_PAGES;
    Range->First = Page;
    Range->Count = 1 + ModelRandom(Worker, ModelRandom(Worker, 3) == 0 ? Most
                                           : Most < 4                  ? Most
                                                                       : 4);
}

static void ChooseForReserve(RANGE *Range)
{
    Range->First = ModelRandom(Range->Worker, MODEL_PAGES) & ~15u;
    Range->Count =
        MODEL_PAGES - Range->First < MOST_PAGES ? MODEL_PAGES - Range->First : MOST_PAGES;
    Range->Count = 1 + ModelRandom(Range->Worker, Range->Count);
}

static BOOLEAN ChooseForRelease(RANGE *Range)
{
    const PAGE *Page = &Range->Pages[Range->First];

    if (Page->Allocation == 0) {
        return FALSE;
    }
    Range->Count = Page->Pages;
    Range->First = Page->Base;
    return TRUE;
}

/* Guard pages change when they are read: alone. */
static BOOLEAN HasGuard(const RANGE *Range)
{
    ULONG i;

    for (i = Range->First; i < Range->First + Range->Count; i++) {
        if ((Range->Pages[i].Protect & PAGE_GUARD) != 0) {
            return TRUE;
        }
    }
    return FALSE;
}

void ModelStep(PMODEL_WORKER Worker)
{
    OPERATION *Operation = ModelChooseOperation(Worker);
    RANGE Range = {.Worker = Worker};
    KAPC_STATE ApcState;

    Worker->Process = ModelRandom(Worker, MODEL_PROCESSES);
    Range.Pages = Model[Worker->Process];
    if (Processes[Worker->Process] == NULL || ModelRandom(Worker, 500) == 0) {
        Renew(Worker);
        return;
    }
    Choose(&Range);
    if (Operation == ModelReserve) {
        ChooseForReserve(&Range);
    } else if (ModelRandom(Worker, 60) == 0 && ChooseForRelease(&Range)) {
        Operation = ModelRelease;
    } else if (Operation == ModelLock) {
        Range.Count = Range.Count < 4 ? Range.Count : 4;
    }
    if (!Hold(&Range, Operation != ModelRead || HasGuard(&Range))) {
        return;
    }
    KeStackAttachProcess(&Processes[Worker->Process]->Pcb, &ApcState);
    Operation(&Range);
    KeUnstackDetachProcess(&ApcState);
    LetGo(&Range);
}

/* ---- begin and end ---- */

void ModelStart(void)
{
    ULONG i;

    memset(Model, 0, sizeof(Model));
    for (i = 0; i < MODEL_PROCESSES; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("model", &Processes[i]));
    }
}

void ModelTrim(ULONG Number, ULONG Pages)
{
    const RANGE All = {.Pages = Model[Number], .Count = MODEL_PAGES};
    KAPC_STATE ApcState;
    PEPROCESS Process;
    ULONG i;

    /* whoever ends the process would hold all pages: holding one as a reader keeps it alive */
    for (i = 0; i < MODEL_PAGES && All.Pages[i].Users == WRITER; i++) {
        continue;
    }
    Process = Processes[Number];
    if (i == MODEL_PAGES || Process == NULL) {
        return;
    }
    All.Pages[i].Users++;
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    MiLockAddressSpace(Process);
    (void)MiTrimWorkingSet(&Process->Vm, Pages, 0);
    MiUnlockAddressSpace(Process);
    KeUnstackDetachProcess(&ApcState);
    All.Pages[i].Users--;
}

void ModelCompareAll(PMODEL_WORKER Worker)
{
    KAPC_STATE ApcState;

    for (Worker->Process = 0; Worker->Process < MODEL_PROCESSES; Worker->Process++) {
        const RANGE All = {Worker, Model[Worker->Process], 0, MODEL_PAGES};

        if (Processes[Worker->Process] == NULL) {
            continue;
        }
        CHECK(Hold(&All, FALSE)); /* who takes pages away holds one */
        KeStackAttachProcess(&Processes[Worker->Process]->Pcb, &ApcState);
        ModelRead(&All);
        KeUnstackDetachProcess(&ApcState);
        LetGo(&All);
    }
}

void ModelFinish(void)
{
    ULONG i;

    for (i = 0; i < MODEL_PROCESSES; i++) {
        if (Processes[i] != NULL) {
            PsTerminateProcess(Processes[i]);
            PsDereferenceProcess(Processes[i]);
            Processes[i] = NULL;
        }
    }
}
