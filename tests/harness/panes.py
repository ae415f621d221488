"""What weir-count writes to weir-panes, decoded by its description alone, and read while it is still there: weir-rank
deletes what it needs no more."""
from collections import Counter
from typing import NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

import oracle
from aside import Aside

CHECKSUM_BYTES = 8
OUT_OF_RANGE = {KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET}


class Line(NamedTuple):
    partition: int
    first: int
    end: int


class Batch(NamedTuple):
    """lines: what it covers of each partition; panes: {number: oracle.Pane}."""
    lines: list
    panes: dict


class Wire:
    """Varints, zigzag integers and strings with their length before them."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def uint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def int(self):
        value = self.uint()
        return value >> 1 ^ -(value & 1)

    def text(self):
        length = self.uint()
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def each(self, read):
        return [read() for _ in range(self.uint())]


def decode(record):
    """version, epoch, slide, lines, panes, checksum -> Batch"""
    wire = Wire(record[:-CHECKSUM_BYTES])
    version, _, _ = wire.uint(), wire.uint(), wire.uint()
    assert version == 1
    lines = wire.each(lambda: line_of(wire))
    return Batch(lines, panes_of(wire))


def line_of(wire):
    partition, _, start = wire.uint(), wire.uint(), wire.uint()
    first = start + wire.uint()
    end = first + wire.uint()
    _clock, _since, _idle = wire.int(), wire.int(), wire.uint()
    return Line(partition, first, end)


def panes_of(wire):
    """-> {number: oracle.Pane}; a pane may come again."""
    panes, number = {}, 0
    for _ in range(wire.uint()):
        number += wire.int()
        events = wire.uint()
        pane = oracle.Pane(events, Counter(dict(wire.each(lambda: (wire.text(), wire.uint())))))
        panes[number] = oracle.pane_total([panes[number], pane]) if number in panes else pane
    return panes


def total(batches, slide):
    """-> {end of a pane: oracle.Pane} of all batches together, for oracle.windows."""
    found = {}
    for batch in batches:
        for number, pane in batch.panes.items():
            found.setdefault((number + 1) * slide, []).append(pane)
    return {end: oracle.pane_total(parts) for end, parts in found.items()}


def breaks(batches):
    """-> how many lines do not go on where the one before them in their partition ended."""
    ends, broken = {}, 0
    for batch in batches:
        for line in batch.lines:
            broken += line.first != ends.get(line.partition, line.first)
            ends[line.partition] = line.end
    return broken


class Tail(Aside):
    """Keeps every committed record of the topic, in order."""

    def __init__(self, world):
        super().__init__()
        self.world, self.records, self.at = world, [], 0
        self.lost = False
        self.start()

    def work(self):
        reader = Consumer({**self.world.stack.client, "group.id": "unused", "enable.auto.commit": False,
                           "isolation.level": "read_committed", "auto.offset.reset": "error"})
        reader.assign([TopicPartition(self.world.topic("panes"), 0, OFFSET_BEGINNING)])
        while not self.ended.is_set():
            for message in reader.consume(1000, 0.2):
                self._keep(message)
        reader.close()

    def _keep(self, message):
        if message.error() is None:
            self.records.append(message.value())
            self.at = message.offset() + 1
        elif message.error().code() in OUT_OF_RANGE:
            self.lost = True
