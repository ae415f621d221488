"""When faults happen: every kind has a thread and moments of its own, all drawn from one seed."""
import random
import threading
import time
import traceback


def moments(rnd, count, seconds):
    """-> `count` moments, spread over the time but none predictable."""
    return [(turn + rnd.random()) * seconds / count for turn in range(count)]


class Lane(threading.Thread):
    """inject(rnd) does the harm, and returns when its victim is at work again; it raises if that never comes."""

    def __init__(self, name, seed, count, seconds, inject):
        super().__init__(daemon=True)
        self.rnd = random.Random(f"{seed}-{name}")
        self.kind, self.inject, self.moments = name, inject, moments(self.rnd, count, seconds)
        self.injected, self.survived, self.failures = 0, 0, []

    def run(self):
        begin = time.monotonic()
        for moment in self.moments:
            time.sleep(max(0, begin + moment - time.monotonic()))
            self.injected += 1
            try:
                self.inject(self.rnd)
                self.survived += 1
            except Exception:    # whatever it is, this fault was not survived, and the others go on
                self.failures.append(traceback.format_exc(limit=-2))
