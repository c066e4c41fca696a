/* SPDX-License-Identifier: MIT */
/*
 * fold.c - a print sink that breaks long lines between words.
 *
 *     RtlFormat  -->  RtlFoldSink  -->  another sink
 *                     one word, and the blanks before it, wait here
 *
 * F1  Column is where the line that has been passed on ends.
 * F2  Blanks are passed on with the word behind them; where a line is broken, and at the end of the
 *     text, they are left out.
 */
#include "rtl.h"

/* A word that has no room in the line begins the next, and stays whole however long it is. */
static void RtlpPassWord(RTL_FOLD *Fold)
{
    if (Fold->WordBytes == 0) {
        return;
    }
    if (!Fold->InWord && Fold->Column > Fold->Indent &&
        Fold->Column + Fold->Blanks + Fold->WordBytes > Fold->Columns) {
        Fold->Sink(Fold->Context, "\n", 1);
        Fold->Column = 0;
        Fold->Blanks = Fold->Indent;
    }
    if (Fold->Blanks != 0) {
        RtlFormat(Fold->Sink, Fold->Context, "%*s", (int)Fold->Blanks, "");
    }
    Fold->Sink(Fold->Context, Fold->Word, Fold->WordBytes);
    Fold->Column += Fold->Blanks + Fold->WordBytes; /* F1 holds again here */
    Fold->Blanks = 0;
    Fold->WordBytes = 0;
}

void RtlInitializeFold(RTL_FOLD *Fold, RTL_PRINT_SINK *Sink, PVOID Context, ULONG Columns,
                       ULONG Indent)
{
    *Fold = (RTL_FOLD){.Sink = Sink, .Context = Context, .Columns = Columns, .Indent = Indent};
}

void RtlFoldSink(PVOID Context, const char *Text, SIZE_T Bytes)
{
    RTL_FOLD *Fold = Context;
    SIZE_T i;

    for (i = 0; i < Bytes; i++) {
        if (Text[i] == ' ') {
            RtlpPassWord(Fold);
            Fold->InWord = FALSE;
            Fold->Blanks++;
            continue;
        }
        if (Fold->WordBytes == sizeof(Fold->Word)) {
            RtlpPassWord(Fold);
            Fold->InWord = TRUE; /* its rest follows without a break */
        }
        Fold->Word[Fold->WordBytes++] = Text[i];
    }
}

void RtlEndFold(RTL_FOLD *Fold)
{
    RtlpPassWord(Fold);
}
