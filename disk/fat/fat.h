/* SPDX-License-Identifier: MIT */
/*
 * fat.h - FAT12, FAT16 and FAT32 volumes with long names, over a DISK_DEVICE.
 *
 * Format: Microsoft, "FAT: General Overview of On-Disk Format", version 1.03 (fatgen103).
 *
 * Common to all calls: PASSIVE_LEVEL or APC_LEVEL; one thread at a time on a volume, the caller's
 * lock; buffers are nonpaged.  Paths are UTF-8, with / or \ between names, and begin at the root;
 * case does not count.  Besides what a call names, each returns
 *
 *     STATUS_FILE_CORRUPT_ERROR   a chain is broken, loops, leaves the volume or is too short
 *     STATUS_DISK_CORRUPT_ERROR   so is a directory
 *     what DiskTransfer returns, STATUS_INSUFFICIENT_RESOURCES
 *
 * A call that changes the volume and fails leaves it as a power cut at some moment would (see
 * commit.c): usable, at worst with lost clusters.  A rename that fails may happen all the same, or
 * be finished by the next call that changes the volume, or FatFlush.
 *
 * An open file is its FAT_FILE; a file is open once at a time, which the caller sees to.
 *
 * On a disk that restricts writes (DiskRestrictWrites) a file's clusters may be written from the
 * first call that changes the file, or FatPermitFile, to FatClose; the sectors of FAT, directories
 * and FSInfo only inside a call.  Such a FAT_FILE stays where it is until FatClose.
 */
#ifndef DISK_FAT_FAT_H
#define DISK_FAT_FAT_H

#include "disk.h"

#define FAT_NAME_UNITS          256u /* UTF-16 units of a long name, with a zero behind */
#define FAT_NAME_BYTES          766u /* of one in UTF-8, with a zero behind */

#define FAT_ATTRIBUTE_READ_ONLY 0x01u
#define FAT_ATTRIBUTE_HIDDEN    0x02u
#define FAT_ATTRIBUTE_SYSTEM    0x04u
#define FAT_ATTRIBUTE_LABEL     0x08u
#define FAT_ATTRIBUTE_DIRECTORY 0x10u
#define FAT_ATTRIBUTE_ARCHIVE   0x20u

typedef struct _FAT_VOLUME FAT_VOLUME, *PFAT_VOLUME;
struct _FAT_FILE;

/* Where a file's entry stands. */
typedef struct _FAT_LOCATION {
    ULONG Directory; /* first cluster of its directory; 0: the fixed root of FAT12 and FAT16 */
    ULONG First;     /* index of the set's first entry: long name parts, then the short entry */
    ULONG Index;     /* of the short entry */
    ULONG64 Sector;  /* that holds it */
    ULONG Offset;    /* of it in that sector */
} FAT_LOCATION, *PFAT_LOCATION;

/* A file's times, as on disk; 0: none.  The root has none. */
typedef struct _FAT_TIMES {
    UCHAR CreationTenths; /* 0 to 199 hundredths of a second on top of CreationTime */
    USHORT CreationTime;
    USHORT CreationDate;
    USHORT AccessDate;
    USHORT WriteTime;
    USHORT WriteDate;
} FAT_TIMES, *PFAT_TIMES;

/* One file or directory, as enumeration finds it. */
typedef struct _FAT_ENTRY {
    FAT_LOCATION Location;
    ULONG FirstCluster; /* 0: none; unchecked */
    ULONG Bytes;
    UCHAR Attributes; /* FAT_ATTRIBUTE_* */
    FAT_TIMES Times;
    ULONG Units;                /* of Name */
    WCHAR Name[FAT_NAME_UNITS]; /* the long name; without one the short name */
    UCHAR ShortName[11];        /* as on disk */
} FAT_ENTRY, *PFAT_ENTRY;

/*
 * A file is about to be Bytes long, more than before; the clusters that it will have are known.
 * A failure leaves it as it is.
 */
typedef NTSTATUS FAT_GROWING(struct _FAT_FILE *File, ULONG Bytes);

#define FAT_KEEP_WRITE  1u /* the time of the last write */
#define FAT_KEEP_ACCESS 2u /* the date of the last access */

/* An open file or directory. */
typedef struct _FAT_FILE {
    PFAT_VOLUME Volume;
    FAT_LOCATION Location; /* the root's is void */
    ULONG FirstCluster;    /* 0: none (an empty file), or the fixed root */
    ULONG Bytes;           /* of a file */
    ULONG Clusters;        /* of a file's chain */
    UCHAR Attributes;
    BOOLEAN Root;
    BOOLEAN Stale;        /* a change failed: read the entry again */
    BOOLEAN Permitted;    /* the clusters may be written */
    ULONG Pending;        /* first of the clusters that will be attached behind the chain */
    ULONG KnownIndex;     /* the last cluster that was looked for, and where it is; */
    ULONG KnownCluster;   /* 0: none */
    FAT_GROWING *Growing; /* the user's, who sets it after opening; or NULL */
    UCHAR Keeps;          /* FAT_KEEP_*, the user's too: times that changes leave alone */
} FAT_FILE, *PFAT_FILE;

/* Consecutive sectors of the volume's device. */
typedef struct _FAT_RUN {
    ULONG64 Sector;
    ULONG Sectors;
} FAT_RUN, *PFAT_RUN;

typedef struct _FAT_FIGURES {
    ULONG Kind; /* 12, 16 or 32 */
    ULONG SectorBytes;
    ULONG ClusterBytes;
    ULONG Clusters;
    ULONG FreeClusters;
    ULONG Serial;
    BOOLEAN WasDirty;    /* when it was mounted */
    BOOLEAN CrossLinked; /* two chains share clusters: only new files may be written */
} FAT_FIGURES, *PFAT_FIGURES;

/* ---- volumes ---- */

/*
 * Make an empty volume that fills the device: FAT16 up to 256 MB, FAT32 above.  Label is 11
 * characters, blanks at its end.  What the device held is lost.
 *
 * => STATUS_UNRECOGNIZED_VOLUME: the device is too small for FAT16 (2 MB in sectors of 512), or too
 *    large.  After any other failure the device holds no volume, or the whole new one.
 */
NT_MUST_CHECK NTSTATUS FatFormat(PDISK_DEVICE Device, ULONG Serial, const char Label[11]);

/*
 * Check the boot sector and take the volume into use.  Writes nothing, save to finish a rename that
 * a power cut interrupted; on a read-only device, or where two files share a cluster, such a file
 * stays without a name.
 *
 * => STATUS_UNRECOGNIZED_VOLUME: not FAT, or a boot sector that contradicts itself or the device.
 */
NT_MUST_CHECK NTSTATUS FatMount(PDISK_DEVICE Device, PFAT_VOLUME *Volume);

/* Bring the volume to order on disk: FSInfo, then the clean bit, unless it was dirty at mount. */
NT_MUST_CHECK NTSTATUS FatFlush(PFAT_VOLUME Volume);

/* Free the volume's memory.  What FatFlush did not do is not done. */
void FatDismount(PFAT_VOLUME Volume);

/* => Reads the whole FAT the first time. */
NT_MUST_CHECK NTSTATUS FatQueryVolume(PFAT_VOLUME Volume, PFAT_FIGURES Figures);

/* ---- reading ---- */

/*
 * Find a file or directory; a file's chain is checked.  "" or "/" is the root directory.
 *
 * => STATUS_OBJECT_NAME_NOT_FOUND; STATUS_OBJECT_PATH_NOT_FOUND: a folder of the path is not there;
 *    STATUS_OBJECT_NAME_INVALID.
 */
NT_MUST_CHECK NTSTATUS FatOpen(PFAT_VOLUME Volume, const char *Path, PFAT_FILE File);

/*
 * The next entry of a directory; not "." and ".." nor the label.
 *
 * => *Position is 0 to begin with.  STATUS_NO_MORE_FILES: there was none.
 * => STATUS_NOT_A_DIRECTORY.
 */
NT_MUST_CHECK NTSTATUS FatEnumerate(PFAT_FILE Directory, PULONG Position, PFAT_ENTRY Entry);

/* The entry's name in UTF-8.  => Text is FAT_NAME_BYTES long; half surrogates become U+FFFD. */
void FatFormatName(const FAT_ENTRY *Entry, char *Text);

/*
 * Read Bytes bytes at Offset, or what there is up to the file's end.
 *
 * => STATUS_END_OF_FILE: Offset is at or behind it and Bytes is not 0; STATUS_FILE_IS_A_DIRECTORY.
 */
NT_MUST_CHECK NTSTATUS FatRead(PFAT_FILE File, ULONG Offset, ULONG Bytes, PVOID Buffer,
                               PULONG Done);

/*
 * Resolve a file to the sectors that hold it, whole clusters, in order.  The runs are the file's as
 * long as its size does not change.
 *
 * => Runs has room for Room; *Count is how many there are, also with STATUS_BUFFER_OVERFLOW: they
 *    are more than that.
 */
NT_MUST_CHECK NTSTATUS FatResolveRuns(PFAT_FILE File, PFAT_RUN Runs, ULONG Room, PULONG Count);

/* ---- writing; besides: STATUS_MEDIA_WRITE_PROTECTED, STATUS_DISK_FULL ---- */

/*
 * Make an empty file, or a directory.
 *
 * => STATUS_OBJECT_NAME_COLLISION: there is one of that name.  STATUS_OBJECT_NAME_INVALID and
 *    STATUS_OBJECT_PATH_NOT_FOUND as FatOpen.
 */
NT_MUST_CHECK NTSTATUS FatCreate(PFAT_VOLUME Volume, const char *Path, UCHAR Attributes,
                                 PFAT_FILE File);
NT_MUST_CHECK NTSTATUS FatCreateDirectory(PFAT_VOLUME Volume, const char *Path);

/*
 * Write, and make the file longer where that is needed; what lies between its end and Offset
 * becomes zero.
 *
 * => STATUS_DISK_FULL: nothing was written.  Also for files of 4 GB and more.
 */
NT_MUST_CHECK NTSTATUS FatWrite(PFAT_FILE File, ULONG Offset, ULONG Bytes, const void *Buffer);

/* Its sectors were written: now is when, and it is to be archived. */
NT_MUST_CHECK NTSTATUS FatTouch(PFAT_FILE File);

/* Cut the file, or make it longer with zeros. */
NT_MUST_CHECK NTSTATUS FatSetSize(PFAT_FILE File, ULONG Bytes);

/* Make the file longer, contiguous where possible, with what the disk held: for paging files. */
NT_MUST_CHECK NTSTATUS FatReserve(PFAT_FILE File, ULONG Bytes);

/*
 * Give the file clusters for Bytes, which hold what the disk held; its size stays.  Then let its
 * size follow, for its clusters, once they hold what they should; its times stay.  Take the
 * clusters away again that Bytes, its size or more, do not need.
 *
 * => A power cut in between leaves clusters behind the file's end, which no one reads.
 */
NT_MUST_CHECK NTSTATUS FatReserveAhead(PFAT_FILE File, ULONG Bytes);
NT_MUST_CHECK NTSTATUS FatAdvanceSize(PFAT_FILE File, ULONG Bytes);
NT_MUST_CHECK NTSTATUS FatGiveBack(PFAT_FILE File, ULONG Bytes);

/*
 * The file's clusters may be written, by FatResolveRuns' sectors too, until FatClose.  The calls
 * above do it themselves; who writes sectors calls it once more when one of them has failed.
 *
 * => STATUS_SHARING_VIOLATION: some cluster of it is another open file's.
 * => STATUS_DISK_CORRUPT_ERROR: it has clusters, and on this volume two files share some.  Reads
 *    the whole FAT and all directories when no change has done so yet.
 */
NT_MUST_CHECK NTSTATUS FatPermitFile(PFAT_FILE File);

/* The file's use ends; *File is void.  For a file that was only read it may be left out. */
void FatClose(PFAT_FILE File);

NT_MUST_CHECK NTSTATUS FatQueryTimes(PFAT_FILE File, PFAT_TIMES Times);

/*
 * Set all of them, and the attributes but FAT_ATTRIBUTE_DIRECTORY and LABEL, which stay.
 *
 * => STATUS_INVALID_PARAMETER: the root.
 */
NT_MUST_CHECK NTSTATUS FatSetTimes(PFAT_FILE File, const FAT_TIMES *Times, UCHAR Attributes);

/*
 * => The file is not open.  STATUS_DIRECTORY_NOT_EMPTY; STATUS_ACCESS_DENIED: the root, or a
 *    read-only file.
 */
NT_MUST_CHECK NTSTATUS FatDelete(PFAT_VOLUME Volume, const char *Path);

/* The same for who was allowed to earlier: a file that has become read-only since goes, too. */
NT_MUST_CHECK NTSTATUS FatDeleteGranted(PFAT_VOLUME Volume, const char *Path);

/*
 * The same in two steps: first the name goes, then the clusters, when nobody reads them any more.
 *
 * => *FirstCluster: what FatFreeLost takes; 0: there is none.  Until then no FAT_FILE of it may be
 *    changed, and a power cut leaves lost clusters.
 */
NT_MUST_CHECK NTSTATUS FatUnlinkGranted(PFAT_VOLUME Volume, const char *Path, PULONG FirstCluster);
NT_MUST_CHECK NTSTATUS FatFreeLost(PFAT_VOLUME Volume, ULONG FirstCluster);

/*
 * Give a file or directory another name or place.
 *
 * => It is not open, or is opened again afterwards.
 * => STATUS_OBJECT_NAME_COLLISION: there is another of that name.  STATUS_ACCESS_DENIED: the root,
 *    or a directory into itself.  STATUS_DISK_FULL: also when the root directory has no free entry,
 *    which is needed for a moment unless both names stand in one sector.
 *    STATUS_DISK_CORRUPT_ERROR: they do not, and on this volume two files share clusters.
 */
NT_MUST_CHECK NTSTATUS FatRename(PFAT_VOLUME Volume, const char *OldPath, const char *NewPath);

/*
 * Make sure that FatRename finds room once the file that NewPath leads to is deleted.
 *
 * => What FatRename would return for want of it, or for the paths; nobody has lost anything.
 */
NT_MUST_CHECK NTSTATUS FatPrepareReplace(PFAT_VOLUME Volume, const char *OldPath,
                                         const char *NewPath);

#endif
