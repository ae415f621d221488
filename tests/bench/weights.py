"""Weights for "ddpg" that nobody has trained: Xavier's uniform layers without biases, embeddings evenly spread over the sphere (what
DBRL trains is of length 1). The same for the same seed, by Python alone."""
import random
import struct
from array import array

DIMS, HIDDEN, INPUT = 32, 64, 352


def save(path, floats, *shape):
    text = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({text}), }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + array("f", floats).tobytes())


def sphere(dice, n):
    """-> n vectors of length 1, one behind the other."""
    floats = array("f")
    for _ in range(n):
        vector = [dice.gauss(0, 1) for _ in range(DIMS)]
        length = sum(x * x for x in vector) ** 0.5
        floats.extend(x / length for x in vector)
    return floats


def xavier(dice, rows, columns):
    bound = (6 / (rows + columns)) ** 0.5
    return array("f", (dice.uniform(-bound, bound) for _ in range(rows * columns)))


def make(folder, items, users, seed=1):
    """Writes what weir-fit ddpg reads, and the stand-in of the replaced service."""
    dice = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, n in (("items", items), ("users", users)):
        save(folder / f"{name}.npy", sphere(dice, n), n, DIMS)
        (folder / f"{name}.txt").write_text("".join(f"{i}\n" for i in range(n)))
    for k, (columns, rows) in enumerate(((INPUT, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, DIMS)), 1):
        save(folder / f"w{k}.npy", xavier(dice, rows, columns), rows, columns)
        save(folder / f"b{k}.npy", [0] * rows, rows)
