# SPDX-License-Identifier: MIT
"""The machine's processors, shared by suites that run at the same time.

tap.py has one token for each in a pipe with a name, which HYPERSPACE_PROCESSORS tells its suites.
A suite has one while it runs.  One that can use more takes another for each test that it runs
beside its first, and puts it back, so that none is idle while there is something to do.
"""

import os
import select
from typing import Callable, Optional

VARIABLE = "HYPERSPACE_PROCESSORS"
PATIENCE = 0.2  # seconds until the question is asked again whether a processor is still wanted


class Processors:
    """A pipe with a token for each that is free; without a path there are as many as one likes."""

    def __init__(self, path: Optional[str] = None):
        self.pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK) if path else -1

    def give(self) -> None:
        """A processor is free."""
        if self.pipe >= 0:
            os.write(self.pipe, b"+")

    def take(self, wanted: Callable[[], bool] = lambda: True) -> bool:
        """Wait for one; False when none is wanted any more."""
        while wanted():
            if self.pipe < 0:
                return True
            select.select([self.pipe], [], [], PATIENCE)
            try:
                return bool(os.read(self.pipe, 1))
            except BlockingIOError:
                pass  # another was faster
        return False


def make(path: str, count: int) -> Processors:
    """A new pipe with that many tokens."""
    os.mkfifo(path)
    processors = Processors(path)
    for _ in range(count):
        processors.give()
    return processors


def lent() -> Processors:
    """Those of the tap.py that runs this suite, if one does."""
    return Processors(os.environ.get(VARIABLE))
