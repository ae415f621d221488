"""What goes on beside a test until it is stopped, or its `with` ends."""
import threading


class Aside(threading.Thread):
    """A subclass's `work` returns soon after self.ended is set. What it raised, stop raises."""

    def __init__(self):
        super().__init__(daemon=True)
        self.ended, self.failure = threading.Event(), None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def run(self):
        try:
            self.work()
        except Exception as failure:
            self.failure = failure

    def stop(self):
        self.ended.set()
        self.join()
        if self.failure:
            raise self.failure
