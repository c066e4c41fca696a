/* SPDX-License-Identifier: MIT */
/*
 * fat_i.h - what the files of disk/fat share.
 *
 * Locking: the volume's lock, which is the caller's, for everything.  (I) fixed at mount.
 */
#ifndef DISK_FAT_FAT_I_H
#define DISK_FAT_FAT_I_H

#include "disk/fat/fat.h"
#include "rtl.h"

#define FAT_TAG            0x54414620u /* ' FAT' */
#define FAT_BLOCKS         8u
#define FAT_BLOCK_BYTES    16384u
#define FAT_BLOCK_SECTORS  (FAT_BLOCK_BYTES / 512u) /* at most: the bits of FAT_BLOCK.Dirty */
#define FAT_ZERO_BYTES     16384u
#define FAT_NO_BLOCK       (~(ULONG64)0)

#define FAT_ENTRY_BYTES    32u
#define FAT_MOST_ENTRIES   65536u /* of a directory */
#define FAT_FIRST_CLUSTER  2u

#define FAT_ATTRIBUTE_LONG 0x0Fu /* of a long name part */

/* FatGetEntry's values, the same for all kinds. */
#define FAT_FREE 0u
#define FAT_BAD  0x0FFFFFF7u
#define FAT_END  0x0FFFFFF8u /* and above */

/* A part of the volume in memory. */
typedef struct _FAT_BLOCK {
    ULONG64 Sector; /* first; FAT_NO_BLOCK: holds nothing */
    ULONG Sectors;
    ULONG Dirty; /* bit n: sector n is to be written */
    ULONG Used;  /* FAT_VOLUME.Clock of the last use */
    PUCHAR Data; /* (I) */
} FAT_BLOCK, *PFAT_BLOCK;

struct _FAT_VOLUME {
    PDISK_DEVICE Device;   /* (I) */
    ULONG Kind;            /* (I) 12, 16 or 32 */
    ULONG SectorBytes;     /* (I) */
    ULONG ClusterSectors;  /* (I) a power of two */
    ULONG ClusterBytes;    /* (I) */
    ULONG ReservedSectors; /* (I) the first FAT begins here */
    ULONG FatSectors;      /* (I) of one FAT */
    ULONG Fats;            /* (I) */
    ULONG ActiveFat;       /* (I) which one is read */
    BOOLEAN Mirrored;      /* (I) the others are written too */
    ULONG RootEntries;     /* (I) of the fixed root; FAT32: 0 */
    ULONG64 RootSector;    /* (I) of the fixed root */
    ULONG RootCluster;     /* (I) FAT32 */
    ULONG64 DataSector;    /* (I) of cluster 2 */
    ULONG Clusters;        /* (I) in all; numbers run from 2 to Clusters + 1 */
    ULONG FsInfoSector;    /* (I) 0: there is none */
    ULONG Serial;          /* (I) */
    BOOLEAN WasDirty;      /* (I) at mount */
    BOOLEAN Changing;      /* the clean bit was taken away */
    BOOLEAN CrossLinked;   /* two chains share a cluster */
    BOOLEAN EntriesKnown;  /* the directories were searched for such */
    BOOLEAN RenamePending; /* a rename failed midway: its record may stand on the disk */

    RTL_BITMAP Used;    /* clusters in use, from cluster 2; Buffer NULL: not known */
    ULONG UsedBytes;    /* of its buffer */
    ULONG FreeClusters; /* clear bits of Used */
    ULONG NextFree;     /* where to look first, as a bit number */

    PUCHAR Zeros; /* (I) FAT_ZERO_BYTES of them */
    ULONG Clock;
    ULONG Recent; /* index of the block that was found last */
    FAT_BLOCK Blocks[FAT_BLOCKS];
};

static inline ULONG FatGet16(const UCHAR *At)
{
    return (ULONG)At[0] | (ULONG)At[1] << 8;
}

static inline ULONG FatGet32(const UCHAR *At)
{
    return FatGet16(At) | FatGet16(At + 2) << 16;
}

static inline void FatPut16(PUCHAR At, ULONG Value)
{
    At[0] = (UCHAR)Value;
    At[1] = (UCHAR)(Value >> 8);
}

static inline void FatPut32(PUCHAR At, ULONG Value)
{
    FatPut16(At, Value);
    FatPut16(At + 2, Value >> 16);
}

/* The first cluster of an entry; its high half is something else on FAT12 and FAT16. */
static inline ULONG FatGetFirstCluster(const FAT_VOLUME *Volume, const UCHAR *Entry)
{
    return FatGet16(Entry + 26) | (Volume->Kind == 32 ? FatGet16(Entry + 20) << 16 : 0);
}

static inline void FatPutFirstCluster(const FAT_VOLUME *Volume, PUCHAR Entry, ULONG Cluster)
{
    FatPut16(Entry + 26, Cluster);
    if (Volume->Kind == 32) {
        FatPut16(Entry + 20, Cluster >> 16);
    }
}

static inline BOOLEAN FatIsCluster(const FAT_VOLUME *Volume, ULONG Cluster)
{
    return Cluster >= FAT_FIRST_CLUSTER && Cluster - FAT_FIRST_CLUSTER < Volume->Clusters;
}

static inline ULONG64 FatClusterSector(const FAT_VOLUME *Volume, ULONG Cluster)
{
    return Volume->DataSector + (ULONG64)(Cluster - FAT_FIRST_CLUSTER) * Volume->ClusterSectors;
}

static inline ULONG FatClustersOf(const FAT_VOLUME *Volume, ULONG Bytes)
{
    return Bytes / Volume->ClusterBytes + (Bytes % Volume->ClusterBytes != 0);
}

/* ---- boot_sector.c ---- */

/* Fill in the (I) fields from the boot sector.  => STATUS_UNRECOGNIZED_VOLUME. */
NT_MUST_CHECK NTSTATUS FatDecodeBootSector(PFAT_VOLUME Volume, const UCHAR *Sector);

/* ---- sector_cache.c ---- */

/* => *Data is the sector in memory, until two other sectors were read. */
NT_MUST_CHECK NTSTATUS FatReadSector(PFAT_VOLUME Volume, ULONG64 Sector, PUCHAR *Data);

/* The sector was changed in memory.  => It is the one that was read last. */
void FatMarkSector(PFAT_VOLUME Volume, ULONG64 Sector);

/* Write what was changed, FAT sectors to each copy; no order, no flush. */
NT_MUST_CHECK NTSTATUS FatWriteBack(PFAT_VOLUME Volume);

/* Forget what was not changed: somebody wrote to a file's sectors past the cache. */
void FatForgetClean(PFAT_VOLUME Volume);

/* Forget everything, changes too. */
void FatForgetSectors(PFAT_VOLUME Volume);

/* Write sectors past the cache; those that it holds become the same. */
NT_MUST_CHECK NTSTATUS FatWriteThrough(PFAT_VOLUME Volume, ULONG64 Sector, ULONG Sectors,
                                       const void *Buffer);

/* ---- permit.c ---- */

/* The clusters of a chain are Owner's to write.  => On failure some may be: FatForbidAll. */
NT_MUST_CHECK NTSTATUS FatPermitChain(PFAT_VOLUME Volume, const void *Owner, ULONG First);

/* Not any more: these from First on, which are the end of a chain. */
NT_MUST_CHECK NTSTATUS FatForbidChain(PFAT_VOLUME Volume, const void *Owner, ULONG First);
void FatForbidAll(PFAT_VOLUME Volume, const void *Owner);

/* The entries of Count clusters from Cluster on will be changed in this stage. */
NT_MUST_CHECK NTSTATUS FatPermitEntries(PFAT_VOLUME Volume, ULONG Cluster, ULONG Count);

/* So will a directory's sector, all sectors of a directory's cluster, FSInfo. */
NT_MUST_CHECK NTSTATUS FatPermitDirectorySector(PFAT_VOLUME Volume, ULONG64 Sector);
NT_MUST_CHECK NTSTATUS FatPermitDirectoryCluster(PFAT_VOLUME Volume, ULONG Cluster);
NT_MUST_CHECK NTSTATUS FatPermitInfo(PFAT_VOLUME Volume);

/* A stage ends: what the four above permitted. */
void FatForbidStage(PFAT_VOLUME Volume);

/* ---- commit.c ---- */

/* The volume will be changed: it may be, the free clusters are known, the clean bit is gone. */
NT_MUST_CHECK NTSTATUS FatBeginChange(PFAT_VOLUME Volume);

/*
 * End a stage: all changes so far are on the medium before any later one.  What the stage was
 * permitted to write it may write no longer.
 */
NT_MUST_CHECK NTSTATUS FatCommit(PFAT_VOLUME Volume);

/* A change failed: what is in memory is no longer what is on disk; its stage is over. */
void FatAbandon(PFAT_VOLUME Volume);

/* => Whether the volume says that it was left in order. */
NT_MUST_CHECK NTSTATUS FatReadCleanBit(PFAT_VOLUME Volume, PBOOLEAN Clean);

/* ---- fat_table.c ---- */

/*
 * => Cluster is 0 to Clusters + 1.  *Value is FAT_FREE, a cluster of the volume, FAT_BAD, or at
 *    least FAT_END; STATUS_FILE_CORRUPT_ERROR: anything else.
 */
NT_MUST_CHECK NTSTATUS FatGetEntry(PFAT_VOLUME Volume, ULONG Cluster, PULONG Value);
NT_MUST_CHECK NTSTATUS FatSetEntry(PFAT_VOLUME Volume, ULONG Cluster, ULONG Value);

/* The entry as it stands, and only the top four bits of FAT32 are kept. */
NT_MUST_CHECK NTSTATUS FatGetRawEntry(PFAT_VOLUME Volume, ULONG Cluster, PULONG Value);

/*
 * Several entries at once: those from Cluster's on, as far as one sector goes, as they stand.
 *
 * => Cluster is one of the volume.  *Count is at least 1 and at most Room.
 */
NT_MUST_CHECK NTSTATUS FatGetEntries(PFAT_VOLUME Volume, ULONG Cluster, PULONG Values, ULONG Room,
                                     PULONG Count);

/*
 * Pass over free clusters, as far as one sector of the FAT goes.
 *
 * => Cluster is one of the volume.  *Count clusters from it on are free; there may be more of them,
 *    FAT12 is not looked at.
 */
NT_MUST_CHECK NTSTATUS FatSkipFree(PFAT_VOLUME Volume, ULONG Cluster, PULONG Count);

/*
 * Follow a chain while its clusters lie side by side, as far as one sector of the FAT goes.
 *
 * => Cluster is one of the volume; Most is not 0.  *Length clusters from Cluster on follow one
 *    another, 1 to Most; *Next is the last one's entry, as FatGetEntry returns it.
 */
NT_MUST_CHECK NTSTATUS FatFollowRun(PFAT_VOLUME Volume, ULONG Cluster, ULONG Most, PULONG Length,
                                    PULONG Next);

/* Chain Count clusters side by side; the last one's entry becomes Last.  => Count is not 0. */
NT_MUST_CHECK NTSTATUS FatSetRun(PFAT_VOLUME Volume, ULONG First, ULONG Count, ULONG Last);

/* ---- census.c ---- */

/* What the whole volume says about each cluster, by its number less 2. */
typedef struct _FAT_CENSUS {
    PULONG Memory; /* of all the bitmaps; paged pool */
    RTL_BITMAP Used;
    RTL_BITMAP Successors;  /* of some cluster */
    RTL_BITMAP Firsts;      /* the first of some entry's chain, or of the root's */
    RTL_BITMAP Directories; /* the first of a directory's, the root's apart */
    RTL_BITMAP Unvisited;
    BOOLEAN Shared;   /* a cluster belongs to two chains: the last three may lack something */
    BOOLEAN Dangling; /* a chain leads to a cluster that is free: it may be taken from a file */
    BOOLEAN Damaged;  /* a directory could not be read to its end, an entry points nowhere */
} FAT_CENSUS, *PFAT_CENSUS;

/* => Entries FALSE: only the FAT is read, the last three bitmaps are empty. */
NT_MUST_CHECK NTSTATUS FatTakeCensus(PFAT_VOLUME Volume, BOOLEAN Entries, PFAT_CENSUS Census);
void FatForgetCensus(PFAT_CENSUS Census);

/* ---- allocate.c ---- */

NT_MUST_CHECK NTSTATUS FatLoadBitmap(PFAT_VOLUME Volume);
void FatForgetBitmap(PFAT_VOLUME Volume);

/*
 * Take Count clusters and chain them, right behind After (0: anywhere) or else contiguous where
 * possible.
 *
 * => Count is not 0.  STATUS_DISK_FULL: nothing has changed.
 */
NT_MUST_CHECK NTSTATUS FatAllocateChain(PFAT_VOLUME Volume, ULONG Count, ULONG After, PULONG First);

/* Free a chain, from its first cluster on: what a power cut leaves of it is a chain that ends. */
NT_MUST_CHECK NTSTATUS FatFreeChain(PFAT_VOLUME Volume, ULONG First);

/* ---- chain.c ---- */

/* => STATUS_FILE_CORRUPT_ERROR: it does not end in a good end mark.  First 0: *Count is 0. */
NT_MUST_CHECK NTSTATUS FatCountChain(PFAT_VOLUME Volume, ULONG First, PULONG Count);

/* The Index-th cluster of a chain.  => STATUS_END_OF_FILE: it has fewer. */
NT_MUST_CHECK NTSTATUS FatFindCluster(PFAT_FILE File, ULONG Index, PULONG Cluster);

/*
 * Resolve the clusters First to End - 1 of a file, those that will be attached included.
 *
 * => The file is not Stale.  Runs, Room and *Count as in FatResolveRuns.
 */
NT_MUST_CHECK NTSTATUS FatResolveClusters(PFAT_FILE File, ULONG First, ULONG End, PFAT_RUN Runs,
                                          ULONG Room, PULONG Count);

/* ---- file.c ---- */

/* An entry that was found becomes an open file. */
NT_MUST_CHECK NTSTATUS FatOpenEntry(PFAT_VOLUME Volume, const FAT_ENTRY *Entry, PFAT_FILE File);
void FatOpenRoot(PFAT_VOLUME Volume, PFAT_FILE File);
/* => Cluster is a directory's first one, or 0 for the root. */
void FatOpenDirectory(PFAT_VOLUME Volume, ULONG Cluster, PFAT_FILE File);

/*
 * Move bytes between a file and memory: To or From, the other is NULL; as many as one transfer can.
 *
 * => *Moved is at least 1 on success.
 */
NT_MUST_CHECK NTSTATUS FatTransferPart(PFAT_FILE File, ULONG Offset, ULONG Bytes, PUCHAR To,
                                       const UCHAR *From, PULONG Moved);

/* Read the entry again when a change failed. */
NT_MUST_CHECK NTSTATUS FatRefresh(PFAT_FILE File);

/* ---- directory.c ---- */

/* => *Data is the 32 bytes of entry Index; STATUS_END_OF_FILE: the directory is not as long. */
/* Those of the 32 bytes of a short entry. */
void FatGetTimes(const UCHAR *Data, PFAT_TIMES Times);

NT_MUST_CHECK NTSTATUS FatReadEntry(PFAT_FILE Directory, ULONG Index, PFAT_LOCATION Location,
                                    PUCHAR *Data);

/* => STATUS_OBJECT_NAME_NOT_FOUND. */
NT_MUST_CHECK NTSTATUS FatFindName(PFAT_FILE Directory, const WCHAR *Name, ULONG Units,
                                   PFAT_ENTRY Entry);
NT_MUST_CHECK NTSTATUS FatFindShortName(PFAT_FILE Directory, const UCHAR *ShortName);
NT_MUST_CHECK NTSTATUS FatIsDirectoryEmpty(PFAT_FILE Directory);

/* ---- path.c ---- */

/* The last name of a path, and the directory that it stands in. */
typedef struct _FAT_PATH {
    FAT_FILE Directory;
    WCHAR Name[FAT_NAME_UNITS];
    ULONG Units; /* 0: the path is the root's */
} FAT_PATH, *PFAT_PATH;

/* => Except: a directory that the path may not lead through (its first cluster), or 0. */
NT_MUST_CHECK NTSTATUS FatWalkPath(PFAT_VOLUME Volume, const char *Text, ULONG Except,
                                   PFAT_PATH Path);

/* ---- long_name.c, short_name.c ---- */

#define FAT_LONG_UNITS 13u /* in one entry */

static inline ULONG FatLongEntries(ULONG Units)
{
    return (Units + FAT_LONG_UNITS - 1) / FAT_LONG_UNITS;
}

WCHAR FatUpcase(WCHAR Unit);
BOOLEAN FatSameName(const WCHAR *A, ULONG UnitsA, const WCHAR *B, ULONG UnitsB);

/* => FALSE: no UTF-8, too long, empty, or it has a character that names cannot have. */
BOOLEAN FatParseName(const char *Text, ULONG Bytes, PWCHAR Name, PULONG Units);

/* Part Ordinal (from 1) of a name, into the 32 bytes of an entry. */
void FatEncodeLongPart(const WCHAR *Name, ULONG Units, ULONG Ordinal, UCHAR Checksum, PUCHAR Data);

/* What was found of a long name so far. */
typedef struct _FAT_LONG_NAME {
    ULONG Expected; /* ordinal of the next part; 0: all are there, or there is none */
    BOOLEAN Valid;
    UCHAR Checksum;
    ULONG Units;
    ULONG First; /* index of its first entry */
} FAT_LONG_NAME, *PFAT_LONG_NAME;

/* Take a part into Name.  => Data is an entry with the long name attribute. */
void FatDecodeLongPart(PFAT_LONG_NAME Long, const UCHAR *Data, ULONG Index, PWCHAR Name);

UCHAR FatShortChecksum(const UCHAR *ShortName);
ULONG FatDecodeShortName(const UCHAR *ShortName, UCHAR CaseFlags, PWCHAR Name);

/* => TRUE: ShortName says all of Name, no long name is needed. */
BOOLEAN FatFitsShortName(const WCHAR *Name, ULONG Units, PUCHAR ShortName);

/* The Try-th short name for a long one.  => FALSE: there are no more. */
BOOLEAN FatMakeShortName(const WCHAR *Name, ULONG Units, ULONG Try, PUCHAR ShortName);

/* ---- directory_change.c ---- */

#define FAT_DELETED  0xE5u       /* an entry's first byte */
#define FAT_NO_ENTRY (~(ULONG)0) /* no index of an entry */

/* What a new entry says. */
typedef struct _FAT_NEW_ENTRY {
    UCHAR Attributes;
    ULONG FirstCluster;
    ULONG Bytes;
    const UCHAR *Old; /* 32 bytes whose times and attributes are kept, or NULL */
} FAT_NEW_ENTRY;

/* A place for a name: its short name and where it goes. */
typedef struct _FAT_SLOT {
    UCHAR ShortName[11];
    FAT_LOCATION Location;
} FAT_SLOT, *PFAT_SLOT;

/*
 * Choose the place for a name and put its long name parts there; those in other sectors than the
 * short entry's are committed.
 */
NT_MUST_CHECK NTSTATUS FatPrepareEntry(PFAT_PATH Path, PFAT_SLOT Slot);

/* The same, and the short entry; no commit. */
NT_MUST_CHECK NTSTATUS FatInsertEntry(PFAT_PATH Path, const FAT_NEW_ENTRY *New,
                                      PFAT_LOCATION Location);
NT_MUST_CHECK NTSTATUS FatRemoveEntry(PFAT_VOLUME Volume, const FAT_LOCATION *Location);

/* Free entries in a row but the Except-th.  => May commit, and make the directory longer. */
NT_MUST_CHECK NTSTATUS FatFindFreeEntries(PFAT_FILE Directory, ULONG Count, ULONG Except,
                                          PULONG Index);

/* An entry, to change it: its sector is permitted and marked.  => As FatReadEntry. */
NT_MUST_CHECK NTSTATUS FatChangeEntry(PFAT_VOLUME Volume, ULONG Directory, ULONG Index,
                                      PUCHAR *Data);

NT_MUST_CHECK NTSTATUS FatZeroCluster(PFAT_VOLUME Volume, ULONG Cluster);

/*
 * Size and first cluster into the entry.
 *
 * => No commit.  STATUS_FILE_CORRUPT_ERROR: the entry is no longer this file's.
 */
NT_MUST_CHECK NTSTATUS FatUpdateEntry(PFAT_FILE File, ULONG FirstCluster, ULONG Bytes);

/* The same when nothing else changes: times and attributes stay. */
NT_MUST_CHECK NTSTATUS FatMoveEntry(PFAT_FILE File, ULONG FirstCluster, ULONG Bytes);

/* ---- change.c ---- */

/* Where a path leads.  => STATUS_ACCESS_DENIED: to the root. */
NT_MUST_CHECK NTSTATUS FatFindPath(PFAT_VOLUME Volume, const char *Text, PFAT_PATH Path,
                                   PFAT_ENTRY Entry);

/* End a change that went as Status says: commit or abandon it. */
NT_MUST_CHECK NTSTATUS FatFinishChange(PFAT_VOLUME Volume, NTSTATUS Status);

/* What .. of something in Directory says. */
ULONG FatAbove(const FAT_FILE *Directory);

/* ---- rename_record.c ---- */

/* A rename between two sectors.  The entries' short ones are meant. */
typedef struct _FAT_RENAME {
    ULONG OldDirectory; /* first cluster, 0 the root */
    ULONG OldIndex;
    ULONG NewDirectory;
    ULONG NewIndex;
    UCHAR First;       /* byte of the new entry, which has FAT_DELETED there until it counts */
    ULONG RecordIndex; /* in the root directory */
} FAT_RENAME, *PFAT_RENAME;

/* Write the record, for the new entry as it stands in memory.  => No commit. */
NT_MUST_CHECK NTSTATUS FatWriteRenameRecord(PFAT_VOLUME Volume, PFAT_RENAME Rename);

/* The old name is gone: the new one comes, and the record goes; committed. */
NT_MUST_CHECK NTSTATUS FatCompleteRename(PFAT_VOLUME Volume, const FAT_RENAME *Rename);

/*
 * Finish what a power cut or an error interrupted, if anything.
 *
 * => *Finished: the new name came, and is the file's.  Where two files share a cluster nothing is
 *    written.
 */
NT_MUST_CHECK NTSTATUS FatRecoverRename(PFAT_VOLUME Volume, PBOOLEAN Finished);

/*
 * The same where a rename of ours failed midway; nothing otherwise.
 *
 * => Before a name is looked for that shall be free, as it may come.  After a failure the volume
 *    must not be changed, or called clean.
 */
NT_MUST_CHECK NTSTATUS FatSettleRename(PFAT_VOLUME Volume);

/* ---- directory_change.c ---- */

/* The 32 bytes of a short entry. */
void FatEncodeShortEntry(const UCHAR *ShortName, const FAT_NEW_ENTRY *New, PUCHAR Data);

#endif
