"""Finding the layers and variables that a layer holds in its attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fastnn._tensor import Variable

if TYPE_CHECKING:
    from fastnn.layers._base import Layer

_UNTRACKED = frozenset(
    {"_own_weights", "_regularized", "_calls", "_eager", "_output_shape", "_kept_states"}
)


class Trackable:
    """Marks what is tracked when it is set as an attribute of a layer: layers."""

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name == "trainable" or isinstance(value, _TRACKED):
            version.raise_()


class _Version:
    """A number that rises whenever something that is tracked may have changed, anywhere."""

    def __init__(self) -> None:
        self.number = 0

    def raise_(self) -> None:
        self.number += 1


version = _Version()
_TRACKED = (Trackable, Variable, list, tuple, dict)


def _held(thing: Any) -> Iterator[Any]:
    if isinstance(thing, (Trackable, Variable)):
        yield thing
    elif isinstance(thing, (list, tuple)):
        for item in thing:
            yield from _held(item)
    elif isinstance(thing, dict):
        for item in thing.values():
            yield from _held(item)


def _attributes(layer: Layer) -> Iterator[Any]:
    for name, value in vars(layer).items():
        if name not in _UNTRACKED:
            yield from _held(value)


def own_variables(layer: Layer) -> list[Variable]:
    """The variables of a layer itself: from add_weight, then those set as attributes."""
    found = list(layer._own_weights)
    known = {id(variable) for variable in found}
    for held in _attributes(layer):
        if isinstance(held, Variable) and id(held) not in known:
            known.add(id(held))
            found.append(held)
    found = [v for v in found if v.role in ("parameter", "state")]
    return [v for v in found if v.trainable] + [v for v in found if not v.trainable]


def sublayers(layer: Layer) -> list[Layer]:
    """The layers held directly, each once, in the order in which they were set."""
    found: dict[int, Layer] = {}
    for held in _attributes(layer):
        if not isinstance(held, Variable):
            found.setdefault(id(held), held)
    return list(found.values())


def layers_within(layer: Layer) -> list[Layer]:
    """The layer itself and all layers below it, each once, outer ones first."""
    found: list[Layer] = []
    seen: set[int] = set()

    def visit(current: Layer) -> None:
        if id(current) not in seen:
            seen.add(id(current))
            found.append(current)
            for inner in sublayers(current):
                visit(inner)

    visit(layer)
    return found


def variables_of(layer: Layer) -> list[Variable]:
    """All variables of a layer and the layers below it, each once."""
    return _unique([v for inner in layers_within(layer) for v in own_variables(inner)])


def trainable_variables_of(layer: Layer) -> list[Variable]:
    """Those that training changes: a frozen layer's, and what is below it, are left out."""
    found: list[Variable] = []
    seen: set[int] = set()

    def visit(current: Layer) -> None:
        if id(current) in seen or not current.trainable:
            return
        seen.add(id(current))
        found.extend(v for v in own_variables(current) if v.trainable)
        for inner in sublayers(current):
            visit(inner)

    visit(layer)
    return _unique(found)


def _unique(variables: list[Variable]) -> list[Variable]:
    seen: set[int] = set()
    return [v for v in variables if not (id(v) in seen or seen.add(id(v)))]  # type: ignore[func-returns-value]
