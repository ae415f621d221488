"""What each daemon has done, as seen from outside: count() grows with every effect."""
from confluent_kafka import OFFSET_END, Consumer, TopicPartition


class Documents:
    """A collection grows."""

    def __init__(self, world, collection):
        self.collection = world.mongo[collection]

    def count(self):
        return self.collection.estimated_document_count()


class Windows:
    """A window is published that was not there before."""

    def __init__(self, world):
        self.redis, self.key = world.redis, world.key

    def count(self):
        end, version = self.redis.hmget(self.key, "window_end", "version")
        return int(end or 0), int(version or 0)


class Batches:
    """A batch is committed: counted by a reader that is always at the end of weir-panes."""

    def __init__(self, world):
        self.n = 0
        self.reader = Consumer({**world.stack.client, "group.id": "unused", "fetch.wait.max.ms": 5,
                                "enable.auto.commit": False, "isolation.level": "read_committed"})
        self.reader.assign([TopicPartition(world.topic("panes"), 0, OFFSET_END)])

    def count(self):
        while message := self.reader.poll(0):
            self.n += message.error() is None
        return self.n


def effects(world):
    """-> {daemon: what to count}"""
    return {"archive": Documents(world, "events"), "count": Batches(world), "rank": Windows(world),
            "recommend": Documents(world, "recommendations")}
