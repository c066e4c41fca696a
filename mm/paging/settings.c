/* SPDX-License-Identifier: MIT */
/*
 * settings.c - which paging files system.reg asks for.
 *
 *     PagingFiles                a list of lines
 *     C:\pagefile.sys 64 128     path, smallest and largest size in MB; the path may have blanks
 *     C:\pagefile.sys 0 0        the system decides the sizes
 *     C:\pagefile.sys            the same
 *     ?:\pagefile.sys 64 128     any volume: there is only C:
 *     (the list is empty)        no paging file
 *     (the value is absent)      C:\pagefile.sys 0 0
 *
 * The file was written by hand: each line that is none of these is named, with what is wrong.
 */
#include "mm/paging/paging_file.h"
#include "report.h"
#include "rtl.h"

#define MIP_MOST_MB (MI_MOST_PAGING_PAGES / MI_PAGES_IN_MB)

/* A line, and what is left of it while it is taken apart from its end. */
typedef struct _MIP_LINE {
    const char *Text;
    ULONG Bytes;
} MIP_LINE, *PMIP_LINE;

static void MipTrim(PMIP_LINE Line)
{
    while (Line->Bytes != 0 && Line->Text[Line->Bytes - 1] == ' ') {
        Line->Bytes--;
    }
}

/* Take the number that the line ends with.  => FALSE: it ends with none; nothing was taken. */
static BOOLEAN MipTakeNumber(PMIP_LINE Line, PULONG64 Number)
{
    MIP_LINE Rest = *Line;
    const char *At;
    const char *End;

    MipTrim(&Rest);
    End = Rest.Text + Rest.Bytes;
    while (Rest.Bytes != 0 && Rest.Text[Rest.Bytes - 1] != ' ') {
        Rest.Bytes--;
    }
    At = Rest.Text + Rest.Bytes;
    if (Rest.Bytes == 0 || !NT_SUCCESS(RtlParseNumber(&At, End, Number)) || At != End) {
        return FALSE;
    }
    MipTrim(&Rest);
    *Line = Rest;
    return TRUE;
}

/* => Returns what is wrong with the name, or NULL. */
static const char *MipTakeName(MIP_LINE Line, char Name[MI_PAGING_NAME_BYTES])
{
    if (Line.Bytes > 4 && memcmp(Line.Text, "\\??\\", 4) == 0) {
        Line.Text += 4;
        Line.Bytes -= 4;
    }
    if (Line.Bytes < 4 || Line.Text[1] != ':' || Line.Text[2] != '\\') {
        return "its path does not begin like C:\\";
    }
    if (Line.Text[0] != 'C' && Line.Text[0] != 'c' && Line.Text[0] != '?') {
        return "there is no other volume than C:";
    }
    if (Line.Bytes >= MI_PAGING_NAME_BYTES) {
        return "its path is too long";
    }
    memcpy(Name, Line.Text, Line.Bytes);
    memset(Name + Line.Bytes, 0, MI_PAGING_NAME_BYTES - Line.Bytes);
    Name[0] = 'C';
    return NULL;
}

/* => Returns what is wrong with the sizes, or NULL. */
static const char *MipCheckSizes(ULONG64 Minimum, ULONG64 Maximum)
{
    if (Minimum == 0 && Maximum == 0) {
        return NULL;
    }
    if (Minimum == 0) {
        return "its smallest size is 0 MB";
    }
    if (Maximum > MIP_MOST_MB || Minimum > MIP_MOST_MB) {
        return "a paging file has 4095 MB at most";
    }
    return Minimum > Maximum ? "its smallest size is above its largest" : NULL;
}

/* => Returns what is wrong with the line, or NULL. */
static const char *MipTakeLine(MIP_LINE Line, PMI_PAGING_FILE_SETTING Setting)
{
    ULONG64 Maximum = 0;
    ULONG64 Minimum = 0;
    const char *Problem;

    if (MipTakeNumber(&Line, &Maximum) && !MipTakeNumber(&Line, &Minimum)) {
        return "there is one size, not two";
    }
    MipTrim(&Line);
    Problem = MipTakeName(Line, Setting->Name);
    Problem = Problem == NULL ? MipCheckSizes(Minimum, Maximum) : Problem;
    if (Problem == NULL) {
        Setting->MinimumPages = (ULONG)Minimum * MI_PAGES_IN_MB;
        Setting->MaximumPages = (ULONG)Maximum * MI_PAGES_IN_MB;
    }
    return Problem;
}

static const LOADER_REGISTRY_VALUE *MipFindValue(const LOADER_REGISTRY_VALUE *Values, ULONG Count)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        if (Values[i].Type == LOADER_REG_MULTI_SZ &&
            RtlCompareText(Values[i].Name, "PagingFiles", LOADER_REGISTRY_NAME_BYTES) == 0) {
            return &Values[i];
        }
    }
    return NULL;
}

static void MipComplain(MIP_LINE Line, const char *Problem)
{
    KiPrint("system.reg: PagingFiles: \"%.*s\" is left out: %s.\n", (int)Line.Bytes, Line.Text,
            Problem);
}

/* The strings of a list: each ends in zero, an empty one ends it. */
static ULONG MipTakeLines(const char *Text, ULONG Bytes, PMI_PAGING_FILE_SETTING Settings)
{
    ULONG Taken = 0;
    ULONG Start = 0;
    ULONG At;

    for (At = 0; At < Bytes; At++) {
        MIP_LINE Line = {Text + Start, At - Start};
        const char *Problem;

        if (Text[At] != 0) {
            continue;
        }
        Start = At + 1;
        if (Line.Bytes == 0) {
            break;
        }
        Problem =
            Taken == MAX_PAGE_FILES ? "there are 16 already" : MipTakeLine(Line, &Settings[Taken]);
        if (Problem == NULL) {
            Taken++;
        } else {
            MipComplain(Line, Problem);
        }
    }
    return Taken;
}

ULONG MiReadPagingSettings(const LOADER_REGISTRY_VALUE *Values, ULONG Count,
                           MI_PAGING_FILE_SETTING Settings[MAX_PAGE_FILES])
{
    const LOADER_REGISTRY_VALUE *Value = MipFindValue(Values, Count);

    if (Value == NULL) {
        Settings[0] = (MI_PAGING_FILE_SETTING){.Name = "C:\\pagefile.sys"};
        return 1;
    }
    /* strings lie behind the array, counted from its beginning */
    return MipTakeLines((const char *)Values + Value->DataOffset, Value->DataBytes, Settings);
}
