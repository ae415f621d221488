"""What programs take while they run: memory and files, read in /proc."""
import os
import re
from collections import defaultdict
from pathlib import Path

from aside import Aside

LOOK_S = 0.5
RESIDENT_MIB, FILES, FILES_GROWTH = 160, 64, 24


class Monitor(Aside):
    """programs: {name: Program}. A restarted program is another process, looked at anew."""

    def __init__(self, programs):
        super().__init__()
        self.programs = programs
        self.peak_kib, self.files = defaultdict(int), defaultdict(list)
        self.start()

    def work(self):
        while not self.ended.wait(LOOK_S):
            for name, program in self.programs.items():
                try:
                    self._look(name, program.process.pid)
                except OSError:    # it has just ended
                    continue

    def _look(self, name, pid):
        status = Path(f"/proc/{pid}/status").read_text()
        if found := re.search(r"VmHWM:\s+(\d+)", status):
            self.peak_kib[name] = max(self.peak_kib[name], int(found[1]))
        self.files[name].append(len(os.listdir(f"/proc/{pid}/fd")))

    def excesses(self):
        """-> what went beyond its limit, as texts."""
        memory = [f"{name}: {kib >> 10} MiB resident" for name, kib in self.peak_kib.items()
                  if kib >> 10 > RESIDENT_MIB]
        return memory + [f"{name}: {max(files)} open files, {growth(files)} of them in the second half"
                         for name, files in self.files.items()
                         if max(files) > FILES or growth(files) > FILES_GROWTH]


def growth(looks):
    half = len(looks) // 2
    return max(looks[half:]) - max(looks[:half], default=0) if half else 0
