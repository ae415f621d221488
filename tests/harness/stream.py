"""All daemons at work, supervised, while the replay sends a log: what the fault tests disturb."""
import signal

import agree
import crash
import logs
import service
from weir import CONSUMERS, DONE, RETRY

KILLED = -signal.SIGKILL


class Stream:
    """idle.timeout is to be above the longest outage, as the promises ask for.

    `programs` = {daemon: its instances}; an instance None is a moving member of its group.
    plans = {program: what becomes of its processes, one after the other, as crash.c has it}."""

    def __init__(self, world, folder, url, seed, *, n=4500, rate=1500, instances=(0,), daemons=CONSUMERS,
                 session="6s", seconds=3600, plans={}):
        self.world = world
        world.settings.update({"infer.url": url, "group.session.timeout": session})
        self.crash = crash.Crash(world)
        world.create_events()
        self.programs = {name: [world.start(name, instance=which, supervised=True,
                                            environments=self.crash.plans(plans.get(name, ())))
                                for which in instances] for name in daemons}
        for name in daemons:
            world.begun(name) if name != "rank" else None
        self.rows = logs.rows_of(logs.make(seed, n, seconds=seconds))
        log = logs.write(folder / "log.csv", self.rows)
        self.replay = world.start("replay", log, "--rate", rate, supervised=True,
                                  environments=self.crash.plans(plans.get("replay", ())))

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

    def end(self):
        """Nobody of it runs any more: others need the machine."""
        for program in self.world.programs:
            program.end()
