"""Instances of daemons, and what a schedule does to them: they are killed, frozen for longer than their session, woken
beside their successor, slow. Every process is a generator; one step of it is one effect."""
from windows import Refused


class Slot:
    """An instance, whose processes follow each other."""

    def __init__(self, name):
        self.name, self.born, self.process, self.steps = name, 0, None, None
        self.state = "dead"                         # or running, frozen


class Slots:
    def __init__(self, world, birth):
        self.world, self.random, self.birth = world, world.random, birth   # birth(name, me) -> a process
        self.all, self.zombies = [], []

    def add(self, name):
        self.all.append(Slot(name))

    def boot(self, slot):
        slot.born += 1
        slot.process = self.birth((slot.name, slot.born))
        slot.steps, slot.state = slot.process.life(), "running"

    def leave(self, process):
        process.group.leave(process.me, self.world.partitions_of(process))

    def retire(self, slot):
        """It is asked to leave, or its session ends."""
        if slot.state == "running": slot.state = "dead"
        self.leave(slot.process)

    def step(self, process, steps):
        """False: the process has ended."""
        try:
            next(steps)
            return True
        except StopIteration:
            pass
        except Refused as refusal:
            self.world.refused(process, refusal)
        self.leave(process)
        return False

    def run(self, slot):
        if slot.state == "running" and self.random.random() < slot.process.pace:
            if not self.step(slot.process, slot.steps): slot.state = "dead"

    def disturb(self, slot, kills, pauses):
        """One throw of the dice for an instance."""
        random, chance = self.random, self.random.random()
        tally = self.world.tally
        if slot.state == "running" and chance < kills:
            tally["kills"] += 1
            slot.state = "dead"
        elif slot.state == "running" and chance < kills + pauses:
            tally["pauses"] += 1
            slot.state = "frozen"
        elif slot.state == "dead" and random.random() < .1:
            if slot.process and not self.world.static: self.leave(slot.process)
            self.boot(slot)
        elif slot.state != "running" and slot.process and random.random() < .03:
            self.leave(slot.process)                # its session is over
        elif slot.state == "frozen" and random.random() < .03:
            slot.state = "running"
        elif slot.state == "frozen" and random.random() < .03:
            tally["zombies beside a successor"] += 1
            self.zombies.append((slot.process, slot.steps))
            self.boot(slot)
        if self.zombies and random.random() < .15: self.wake(random.choice(self.zombies))

    def wake(self, zombie):
        if not self.step(*zombie): self.zombies.remove(zombie)

    def last_words(self):
        """The zombies act once more when all is over, too."""
        for zombie in list(self.zombies):
            for _ in range(self.random.randint(0, 40)):
                if zombie in self.zombies: self.wake(zombie)
            if zombie in self.zombies:
                self.leave(zombie[0])
                self.zombies.remove(zombie)

    def calm(self):
        """Everything that is dead or frozen comes back, and nothing happens to it any more."""
        for slot in self.all:
            if slot.state == "running": continue
            if slot.process: self.leave(slot.process)
            self.boot(slot)
        for slot in self.all:
            slot.process.pace = 1
            for _ in range(8): self.run(slot)
