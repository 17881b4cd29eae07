"""Several ways of the same work, measured in turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

SLOW = 8  # times as long as asked for: such a turn is taken once


class Way:
    """A way of doing some work: ``call(n)`` does it n times and comes back when it is done."""

    def __init__(self, call: Callable[[int], Any]) -> None:
        self.call, self.repeat = call, 1

    def seconds(self, target: float) -> float:
        """Of doing it once; the next time it is done as often as lasts about ``target`` seconds."""
        start = time.perf_counter()
        self.call(self.repeat)
        took = time.perf_counter() - start
        result = took / self.repeat
        self.repeat = max(1, round(target / max(result, 1e-9)))
        return result


Made = Callable[[], Callable[[int], Any]]


def in_turns(makers: dict[str, Made], rounds: int, target: float) -> dict[str, dict[str, Any]]:
    """Rounds over all ways (A B A B ...), after two in which they are made and warm up.

    Args:
        makers: each builds one way.
        rounds: that count.
        target: seconds of a turn.

    Returns:
        By name the seconds of each round, or the error that a way has met.
    """
    found: dict[str, dict[str, Any]] = {}
    ways: dict[str, Way] = {}
    for name, make in makers.items():
        found[name] = {"seconds": []}
        _try(found[name], lambda name=name, make=make: ways.update({name: Way(make())}))
    for round_ in range(-2, rounds):
        for name, way in ways.items():
            one = found[name]
            if "error" in one or (one.get("slow") and (round_ == -1 or one["seconds"])):
                continue
            taken = _try(one, lambda way=way: way.seconds(target))
            if taken is not None and round_ >= 0:
                one["seconds"].append(taken)
            one["slow"] = taken is not None and taken > SLOW * target
    for one in found.values():
        one.pop("slow", None)
    return found


def _try(one: dict[str, Any], call: Callable[[], Any]) -> Any:
    """A way that fails is reported; the others go on."""
    try:
        return call()
    except Exception as error:
        text = str(error).strip() or repr(error)
        one["error"] = f"{type(error).__name__}: {text}"[:300]
        return None
