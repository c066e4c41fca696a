/* SPDX-License-Identifier: MIT */
/*
 * tag_pattern.c - tags as users type them, and whose they are.
 */
#include "mm/inspect/commands.h"

#include "ex.h"
#include "rtl.h"

#define MIP_TAG_BYTES sizeof(ULONG)

/* The tags of this tree, as pooltag.txt lists those of Windows. */
static const struct {
    char Tag[MIP_TAG_BYTES + 1];
    const char *Owner;
} MipOwners[] = {
    {"Dbcp", "copies of disk data that lies unaligned"},
    {"Devi", "device objects and disk queues"},
    {"Dire", "object directories"},
    {"Ccze", "zeroes on their way to a disk"},
    {"Dist", "what is on the disks"},
    {"Driv", "driver objects"},
    {"DskW", "which sectors of a disk may be written"},
    {"Even", "events"},
    {"Exam", "the example's processes"},
    {"FFsD", "the FAT driver's open files"},
    {"File", "file objects"},
    {"Io B", "buffers of I/O requests"},
    {"Irp ", "I/O requests"},
    {"MiPf", "paging files in use"},
    {"MiPt", "the trial of a paging file"},
    {"MiWa", "answers of NtGetWriteWatch"},
    {"MmBt", "table of large pool blocks"},
    {"MmCp", "copies between processes"},
    {"None", "ExAllocatePool: no tag was given"},
    {"ObCi", "objects being made"},
    {"ObDi", "entries of directories"},
    {"ObNm", "names of objects"},
    {"ObjT", "types of objects"},
    {"Obtb", "handle tables"},
    {"Ovfl", "all tags that found the tag table full"},
    {"Part", "reading a partition table"},
    {"Proc", "processes"},
    {"RamD", "a disk made of RAM"},
    {"SFil", "the files run"},
    {"SPgr", "the paging run"},
    {"SStr", "the storage run"},
    {"Symb", "symbolic links"},
    {"Test", "the boot's report"},
    {"Thre", "threads"},
    {"VadS", "virtual address descriptors"},
    {"MmCa", "control areas"},
    {"MmSt", "prototype PTEs of sections"},
    {"_ect", "section objects"},
    {"VadW", "bits of write watches"},
    {"Vpb ", "volume parameter blocks"},
};

static MI_TAG_PATTERN MipPatternOfTag(ULONG Tag)
{
    MI_TAG_PATTERN Pattern = {{0}, FALSE};

    Tag &= ~PROTECTED_POOL;
    memcpy(Pattern.Text, &Tag, MIP_TAG_BYTES);
    return Pattern;
}

const char *MiPoolTagOwner(ULONG Tag)
{
    MI_TAG_PATTERN Key = MipPatternOfTag(Tag);
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(MipOwners); Index++) {
        if (memcmp(MipOwners[Index].Tag, Key.Text, MIP_TAG_BYTES) == 0) {
            return MipOwners[Index].Owner;
        }
    }
    return "";
}

BOOLEAN MiTakeTag(const char **Arguments, PMI_TAG_PATTERN Pattern)
{
    const char *Text = *Arguments;
    ULONG Length = 0;
    ULONG_PTR Value;

    *Pattern = (MI_TAG_PATTERN){{' ', ' ', ' ', ' '}, FALSE};
    if (Text[0] == '0' && (Text[1] == 'x' || Text[1] == 'X')) {
        if (!NT_SUCCESS(MiTakeArgument(Arguments, &Value))) {
            return FALSE;
        }
        *Pattern = MipPatternOfTag((ULONG)Value);
        return TRUE;
    }
    while (Text[Length] != 0 && Text[Length] != ' ') {
        Length++;
    }
    if (Length > MIP_TAG_BYTES) {
        MiFail("A tag has four characters, of which ? is any, or is *; case matters.");
        return FALSE;
    }
    memcpy(Pattern->Text, Text, Length);
    Pattern->Any = Length == 0 || (Length == 1 && Text[0] == '*');
    for (Text += Length; *Text == ' '; Text++) {
    }
    *Arguments = Text;
    return TRUE;
}

BOOLEAN MiTagMatches(const MI_TAG_PATTERN *Pattern, ULONG Tag)
{
    MI_TAG_PATTERN Key = MipPatternOfTag(Tag);
    ULONG Index;

    for (Index = 0; Index < MIP_TAG_BYTES && !Pattern->Any; Index++) {
        char Wanted = Pattern->Text[Index];

        if (Wanted != '?' && Wanted != Key.Text[Index] &&
            !(Wanted == ' ' && Key.Text[Index] == 0)) {
            return FALSE;
        }
    }
    return TRUE;
}
