"""All daemons at work, supervised, while the replay sends a log: what the fault tests disturb."""
import signal

import agree
import logs
import service
from weir import CONSUMERS, DONE, RETRY

KILLED = -signal.SIGKILL


class Stream:
    """idle.timeout is to be above the longest outage, as the promises ask for.

    `programs` = {daemon: its instances}; an instance None is a moving member of its group."""

    def __init__(self, world, folder, url, seed, *, n=4500, rate=1500, instances=(0,), daemons=CONSUMERS,
                 session="6s"):
        self.world = world
        world.settings.update({"infer.url": url, "group.session.timeout": session})
        world.create_events()
        self.programs = {name: [world.start(name, instance=which, supervised=True)
                                for which in instances] for name in daemons}
        for name in daemons:
            world.begun(name) if name != "rank" else None
        log = logs.write(folder / "log.csv", logs.rows_of(logs.make(seed, n, seconds=3600)))
        self.replay = world.start("replay", log, "--rate", rate, supervised=True)

    @property
    def everybody(self):
        return [self.replay, *sum(self.programs.values(), [])]

    def nothing_crashed(self):
        for program in self.everybody:
            ended = set(program.statuses)
            assert ended <= {KILLED, RETRY, DONE}, (program.argv[0].name, program.statuses)

    def verify(self):
        """To the end of the log; then all that is stored is what the log alone decides."""
        assert self.replay.wait() == DONE
        agree.everything(self.world, answer=service.answer)
        self.nothing_crashed()
