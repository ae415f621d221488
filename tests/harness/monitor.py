"""What programs take while they run: memory and files, read in /proc."""
import os
import re
import threading
from collections import defaultdict
from pathlib import Path

LOOK_S = 0.5
GROWN_UP_S = 20    # a process has opened by then what it works with
RESIDENT_MIB, FILES, FILES_GROWTH = 160, 64, 16


class Monitor(threading.Thread):
    """programs: {name: Program}. A restarted program is another process, looked at anew."""

    def __init__(self, programs):
        super().__init__(daemon=True)
        self.programs = programs
        self.peak_kib, self.files = defaultdict(int), defaultdict(int)
        self.growth, self.ended = defaultdict(int), threading.Event()
        self._first = {}
        self.start()

    def run(self):
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
        files = len(os.listdir(f"/proc/{pid}/fd"))
        self.files[name] = max(self.files[name], files)
        looks, first = self._first.get((name, pid), (0, 0))
        self._first[name, pid] = looks + 1, max(first, files) if looks * LOOK_S < GROWN_UP_S else first
        self.growth[name] = max(self.growth[name], files - self._first[name, pid][1])

    def stop(self):
        self.ended.set()
        self.join()

    def excesses(self):
        """-> what went beyond its limit, as texts."""
        memory = [f"{name}: {kib >> 10} MiB resident" for name, kib in self.peak_kib.items()
                  if kib >> 10 > RESIDENT_MIB]
        return memory + \
            [f"{name}: {n} files" for name, n in self.files.items() if n > FILES] + \
            [f"{name}: {more} files more than at first" for name, more in self.growth.items()
             if more > FILES_GROWTH]
