# SPDX-License-Identifier: MIT
"""The configurations that matrix.py boots (R16).

The long run boots all of firmware x memory x disk, and for each the layout, FAT and CPU that cover
pairs soonest.  The quick one is a tenth of it: the machines that cover most pairs, which ones is up
to the seed; every firmware meets every disk.
"""

import itertools
import random
from collections import Counter
from typing import List

CPUS = {
    "x64": ["qemu64", "Nehalem", "max"],
    "ia32": ["pentium3", "n270", "qemu32", "qemu64", "Nehalem", "max"],
}
LAYOUTS = ["gpt", "mbr", "superfloppy"]
FATS = ["32", "16", "12"]
DISKS = ["ahci", "virtio", "nvme", "usb", "usbhub"]
MEMORY = [64, 96, 128, 256, 512, 1024, 2048, 4096, 6144]
LONG_BOOTS = 120
QUICK_BOOTS = 12
NAMES = ("firmware", "memory", "disk", "layout", "fat", "cpu")


def pairs(values: tuple) -> set:
    """Each two of a configuration's values that meet in it."""
    return set(itertools.combinations(enumerate(values), 2))


def quick_configurations(seed: int) -> List[tuple]:
    """Few machines with as many new pairs each as there can be, firmware x disk all among them."""
    generator = random.Random(seed)
    rest = [(firmware, memory, disk, layout, fat, cpu) for firmware in sorted(CPUS)
            for memory in MEMORY for disk in DISKS for layout in LAYOUTS for fat in FATS
            for cpu in CPUS[firmware]]
    generator.shuffle(rest)
    seen: set = set()
    chosen: List[tuple] = []
    for _ in range(QUICK_BOOTS):
        def worth(values: tuple) -> tuple:
            return ((0, values[0]), (2, values[2])) not in seen, len(pairs(values) - seen)

        chosen.append(max(rest, key=worth))
        seen |= pairs(chosen[-1])
    return chosen


def long_configurations(seed: int) -> List[tuple]:
    """All of firmware x memory x disk; layout, FAT and CPU chosen to cover pairs soonest."""
    rows = list(itertools.product(sorted(CPUS), MEMORY, DISKS))
    generator = random.Random(seed)
    rows += [generator.choice(rows) for _ in range(LONG_BOOTS - len(rows))]
    seen: set = set()
    used: Counter = Counter()  # where no pair is new, the values that had fewest turns
    chosen: List[tuple] = []
    for row in rows:
        best = max(itertools.product(LAYOUTS, FATS, CPUS[row[0]]),
                   key=lambda rest: (row + rest not in chosen, len(pairs(row + rest) - seen),
                                     -sum(used[v] for v in rest)))
        seen |= pairs(row + best)
        used.update(best)
        chosen.append(row + best)
    return chosen


def configurations(thorough: bool, seed: int) -> List[dict]:
    chosen = long_configurations(seed) if thorough else quick_configurations(seed)
    return [dict(zip(NAMES, values)) for values in chosen]
