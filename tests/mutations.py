"""Files whose description someone has changed, leaf by leaf.

    python tests/mutations.py > tests/logs/mutations.log

tries several thousand changes of models of all kinds of layers; test_files.py tries some.
"""

from __future__ import annotations

import json
import random
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastnn
from fastnn.io import FastnnFormatError
from fastnn.io._header import DIGEST, digest_of

VALUES = (10**12, -1, "x", None, [], {}, 1e300)


def rewritten(content: bytes, change: Callable[[Any], Any]) -> bytes:
    """A file whose description was changed by someone who knows the checksum."""
    length = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    described = json.loads(header["__metadata__"]["fastnn"])
    change(described)
    metadata = {DIGEST: "0" * 64, "fastnn": json.dumps(described)}
    text = json.dumps({**header, "__metadata__": metadata}).encode()
    text = text.replace(b"0" * 64, digest_of(text).encode(), 1)
    return len(text).to_bytes(8, "little") + text + data


def leaves(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to all values of plain data, lists themselves included."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, (*path, key))
        return
    if path:
        yield path
    if isinstance(content, list):
        for number, value in enumerate(content):
            yield from leaves(value, (*path, number))


def put(content: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        content = content[key]
    content[path[-1]] = value


def try_mutations(path: Path, share: float, seed: int = 0) -> Counter[str]:
    """Loads a model's file with one value changed, again and again.

    Args:
        path: the file; it is overwritten.
        share: of all changes that are tried.
        seed: of the choice.

    Returns:
        How many were refused, and how many could be loaded all the same.
    """
    content, chance = path.read_bytes(), random.Random(seed)
    ways: list[Any] = []
    rewritten(content, lambda described: ways.extend(leaves(described)))
    counts: Counter[str] = Counter()
    for way in ways:
        for value in VALUES:
            if chance.random() > share:
                continue
            path.write_bytes(rewritten(content, lambda d, w=way, v=value: put(d, w, v)))
            try:
                fastnn.load_model(path)
                counts["loaded"] += 1
            except FastnnFormatError:
                counts["refused"] += 1
    return counts


def main() -> None:
    import tempfile

    from exported import RECURRENT, STACKS

    start, counts = time.perf_counter(), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.fastnn"
        for shape, make in (*STACKS.values(), *RECURRENT.values()):
            model = fastnn.Sequential([fastnn.layers.InputLayer(shape), *make()])
            model.compile("adam", "mse", metrics=["mae", "auc"])
            model.save(path)
            counts += try_mutations(path, share=0.35)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    tried = counts["refused"] + counts["loaded"]
    print(f"changed descriptions: {tried}, in {time.perf_counter() - start:.0f} s")
    print(f"refused with FastnnFormatError: {counts['refused']}; loaded: {counts['loaded']}")
    print(f"other errors: 0; largest memory of the process: {peak} MB")


if __name__ == "__main__":
    main()
