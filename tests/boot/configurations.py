# SPDX-License-Identifier: MIT
"""The configurations that matrix.py boots: firmware x memory x disk, all combinations, and for each
the layout, FAT and CPU that cover pairs soonest (R16)."""

import itertools
import random
from collections import Counter
from typing import List

CPUS = {
    "x64": ["qemu64", "Nehalem", "max"],
    "ia32": ["pentium3", "n270", "qemu32", "qemu64", "Nehalem", "max"],
}
LAYOUTS = ["gpt", "mbr", "superfloppy"]
FATS = ["32", "16"]
QUICK_MEMORY = [64, 256, 2048, 6144]
QUICK_DISKS = ["ahci", "virtio", "nvme", "usb"]
LONG_MEMORY = [64, 96, 128, 256, 512, 1024, 2048, 4096, 6144]
LONG_DISKS = QUICK_DISKS + ["usbhub"]
LONG_BOOTS = 120


def configurations(thorough: bool, seed: int) -> List[dict]:
    """All of firmware x memory x disk; layout, FAT and CPU chosen to cover pairs soonest."""
    memories, disks = (LONG_MEMORY, LONG_DISKS) if thorough else (QUICK_MEMORY, QUICK_DISKS)
    rows = list(itertools.product(sorted(CPUS), memories, disks))
    if thorough:
        generator = random.Random(seed)
        rows += [generator.choice(rows) for _ in range(LONG_BOOTS - len(rows))]
    seen = set()
    used: Counter = Counter()  # where no pair is new, the values that had fewest turns
    chosen = []
    for firmware, memory, disk in rows:
        def pairs(rest: tuple) -> set:
            values = list(enumerate((firmware, memory, disk) + rest))
            return set(itertools.combinations(values, 2))

        best = max(itertools.product(LAYOUTS, FATS, CPUS[firmware]),
                   key=lambda rest: ((firmware, memory, disk) + rest not in chosen,
                                     len(pairs(rest) - seen), -sum(used[v] for v in rest)))
        seen |= pairs(best)
        used.update(best)
        chosen.append((firmware, memory, disk) + best)
    names = ("firmware", "memory", "disk", "layout", "fat", "cpu")
    return [dict(zip(names, values)) for values in chosen]
