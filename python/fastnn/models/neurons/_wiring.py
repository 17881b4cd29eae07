"""Who takes whose output: edges checked, neurons put in order and in groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastnn import activations as activations_


@dataclass(frozen=True)
class Group:
    """Neurons of one level with one activation and about as many incoming edges.

    Attributes:
        neurons: their numbers.
        sources: where in the values of the levels before, shape (neurons, edges); padded.
        edges: their places among all weights, shape (neurons, edges); padding has the one behind
            the last, whose weight is 0.
        activation: its name.
    """

    neurons: NDArray[np.int64]
    sources: NDArray[np.int64]
    edges: NDArray[np.int64]
    activation: str


class Wiring:
    """Who takes whose output, checked and put in order.

    Args:
        incoming: for each neuron, those whose outputs it takes.
        n_inputs: how many, from the first, are inputs.
        n_outputs: how many, up to the last, are outputs.
        activations: a name for each neuron behind the inputs, or one for all.

    Raises:
        ValueError: for edges to neurons that are not there or into inputs, and for a cycle, which
            is named.
    """

    def __init__(
        self,
        incoming: Sequence[Sequence[int]],
        n_inputs: int,
        n_outputs: int,
        activations: str | Sequence[str],
    ) -> None:
        self.incoming = [list(map(int, sources)) for sources in incoming]
        self.n_inputs, self.n_outputs = n_inputs, n_outputs
        count = len(self.incoming)
        if n_inputs < 1 or n_outputs < 1 or max(n_inputs, n_outputs) > count:
            raise ValueError(
                f"[NeuronGraph] expected at least one input and one output among {count} neurons, "
                f"got n_inputs={n_inputs} and n_outputs={n_outputs}"
            )
        names = [activations] * (count - n_inputs) if isinstance(activations, str) else activations
        if len(names) != count - n_inputs:
            raise ValueError(
                f"[NeuronGraph] expected one activation or one for each of {count - n_inputs} "
                f"neurons behind the inputs, got {len(names)}"
            )
        self.activations = [str(name) for name in names]
        for name in sorted(set(self.activations)):
            activations_.get(name)
        self._check_edges()
        self.first_edge = np.cumsum([0, *map(len, self.incoming)])
        self.levels = self._levels()

    @property
    def n_edges(self) -> int:
        """How many edges there are."""
        return int(self.first_edge[-1])

    def _check_edges(self) -> None:
        count = len(self.incoming)
        for neuron, sources in enumerate(self.incoming):
            if neuron < self.n_inputs and sources:
                raise ValueError(
                    f"[NeuronGraph] neuron {neuron} is an input and takes no outputs, got {sources}"
                )
            for source in sources:
                if not 0 <= source < count:
                    raise ValueError(
                        f"[NeuronGraph] neuron {neuron} takes the output of {source}, expected "
                        f"numbers from 0 to {count - 1}"
                    )

    def _levels(self) -> list[list[int]]:
        """The neurons by the length of the longest way to them (Kahn, 1962)."""
        count = len(self.incoming)
        waiting = [len(set(sources)) for sources in self.incoming]
        outgoing: dict[int, list[int]] = defaultdict(list)
        for neuron, sources in enumerate(self.incoming):
            for source in set(sources):
                outgoing[source].append(neuron)
        ready = [n for n in range(count) if waiting[n] == 0 and n >= self.n_inputs]
        levels = [list(range(self.n_inputs))]
        done = set(range(self.n_inputs))
        while True:
            for neuron in levels[-1]:
                for after in outgoing[neuron]:
                    waiting[after] -= 1
                    if waiting[after] == 0:
                        ready.append(after)
            if not ready:
                break
            levels.append(sorted(ready))
            done.update(ready)
            ready = []
        if len(done) < count:
            raise ValueError(f"[NeuronGraph] the neurons are in a cycle: {self._cycle(done)}")
        return levels

    def _cycle(self, done: set[int]) -> str:
        """One of the cycles, as neurons in the order in which outputs flow."""
        neuron = next(n for n in range(len(self.incoming)) if n not in done)
        way: list[int] = []
        while neuron not in way:
            way.append(neuron)
            neuron = next(s for s in self.incoming[neuron] if s not in done)
        cycle = [neuron, *reversed(way[way.index(neuron) :])]
        return " -> ".join(map(str, cycle))

    def groups(self) -> list[list[Group]]:
        """What is computed together, level by level behind the inputs."""
        place = np.empty(len(self.incoming), np.int64)
        place[: self.n_inputs] = np.arange(self.n_inputs)
        filled = self.n_inputs
        result = []
        for level in self.levels[1:]:
            by_kind: dict[tuple[str, int], list[int]] = defaultdict(list)
            for neuron in level:
                width = len(self.incoming[neuron])
                bucket = 1 << (width - 1).bit_length() if width else 0
                by_kind[self.activations[neuron - self.n_inputs], bucket].append(neuron)
            groups = [
                self._group(neurons, name, place) for (name, _), neurons in sorted(by_kind.items())
            ]
            for group in groups:
                place[group.neurons] = filled + np.arange(len(group.neurons))
                filled += len(group.neurons)
            result.append(groups)
        self.place = place
        return result

    def _group(self, neurons: list[int], activation: str, place: NDArray[np.int64]) -> Group:
        width = max(len(self.incoming[n]) for n in neurons)
        sources = np.zeros((len(neurons), width), np.int64)
        edges = np.full((len(neurons), width), self.n_edges)
        for row, neuron in enumerate(neurons):
            own = self.incoming[neuron]
            sources[row, : len(own)] = place[own]
            edges[row, : len(own)] = self.first_edge[neuron] + np.arange(len(own))
        return Group(np.array(neurons), sources, edges, activation)
