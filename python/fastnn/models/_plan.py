"""What a training step will run, and the memory that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Plan:
    """A training program bound to a batch size; made by :meth:`fastnn.Model.plan`.

    Attributes:
        kernels: a line for each kernel call, with its operations and its traffic, by section.
        memory: bytes by what they hold: "variables" (weights, optimizer state, metrics),
            "constants", "intermediate values" (one arena, in which values that do not live at
            the same time share memory), "workspace" (of the kernel at work), "arguments" (of all
            kernel calls) and "batch" (where the rows of a batch are gathered).
        batch_size: rows of a batch.
    """

    kernels: str
    memory: dict[str, int]
    batch_size: int

    @property
    def total_bytes(self) -> int:
        """The memory of training, without the data set itself."""
        return sum(self.memory.values())

    def __str__(self) -> str:
        width = max(len(name) for name in self.memory)
        lines = [self.kernels.rstrip(), f"memory at batch {self.batch_size}:"]
        for name, size in self.memory.items():
            lines.append(f"  {name:{width}} {size:>14,} B")
        lines.append(f"  {'total':{width}} {self.total_bytes:>14,} B")
        return "\n".join(lines)


def from_program(found: dict[str, Any], batch_size: int) -> Plan:
    """A Plan from what the Trainer says."""
    return Plan(found["text"], dict(found["memory"]), batch_size)
