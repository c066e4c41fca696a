/* SPDX-License-Identifier: MIT */
/*
 * virtio_disk.h - a virtio block device that does as the test says, however wrong.
 */
#ifndef TESTS_HOST_VIRTIO_DISK_H
#define TESTS_HOST_VIRTIO_DISK_H

#include "tests/host/device.h"

#define VIRTIO_DISK_SECTORS 1024u
#define VIRTIO_DISK_QUEUE   256u
#define VIRTIO_DISK_PORT    0xC000u

/* How it answers a request. */
typedef enum _VIRTIO_ANSWER {
    VirtioAnswers,
    VirtioSilent,       /* never */
    VirtioTwice,        /* the chain is finished twice */
    VirtioUnknownChain, /* a chain is finished that nobody sent */
    VirtioJumps,        /* the index runs ahead */
    VirtioFails,        /* status: I/O error */
    VirtioNoInterrupt   /* right, but it does not interrupt */
} VIRTIO_ANSWER;

typedef struct _VIRTIO_DISK {
    PCI_MOCK *Pci;

    /* set by the test */
    VIRTIO_ANSWER Answer;
    ULONG Misbehaves;    /* so many requests, then it answers as it should */
    BOOLEAN NeverResets; /* its status never becomes 0 */
    BOOLEAN Refuses;     /* does not take FEATURES_OK */
    ULONG64 Features;
    ULONG QueueMaximum;
    ULONG SegmentMaximum;
    ULONG BlockBytes;
    ULONG64 DelayCycles; /* of an answer */

    /* found by the test */
    ULONG Requests[5]; /* by type: 0 read, 1 write, 4 flush */
    ULONG Resets;
    ULONG MostAtOnce;
    UCHAR Status;
    UCHAR Medium[VIRTIO_DISK_SECTORS * 512];

    /* its own */
    ULONG64 Agreed;
    ULONG DeviceSelect;
    ULONG DriverSelect;
    ULONG QueueSize;
    ULONG QueueEnabled;
    ULONG QueueMessage;
    ULONG Memory[6]; /* descriptors, available, used: low and high halves */
    USHORT Seen;
    USHORT UsedIndex;
} VIRTIO_DISK;

/*
 * A modern device, with its registers in a 64-bit range at 896 GB.  => Disk->Pci can be changed
 * before a driver looks.
 */
void VirtioDiskAttach(VIRTIO_DISK *Disk);

/* A device as before version 1.0: ports only, at VIRTIO_DISK_PORT. */
void VirtioDiskAttachLegacy(VIRTIO_DISK *Disk);

/* Somebody pulls it out. */
void VirtioDiskRemove(VIRTIO_DISK *Disk);

#endif
