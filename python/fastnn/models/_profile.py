"""Where the time of a training step goes, against what this machine can do (a roofline)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from fastnn import _core
from fastnn._figure import figure_class


@dataclass(frozen=True)
class KernelTime:
    """One kernel call of a step, timed alone.

    Attributes:
        section: of the program ("step", "metrics", "update", "after").
        kernel: its id, with what was fused into it.
        table: whose kernel it is: an instruction set, or "reference".
        seconds: of one call, data in the caches.
        flops: arithmetic operations.
        bytes: read and written.
        share: of the attainable speed: the larger of its share of peak arithmetic and its share
            of peak traffic (Williams, Waterman and Patterson, 2009, "Roofline").
    """

    section: str
    kernel: str
    table: str
    seconds: float
    flops: float
    bytes: float
    share: float


@dataclass(frozen=True)
class Profile:
    """A training step taken apart; made by :meth:`fastnn.Model.profile`.

    Attributes:
        kernels: the calls of the step in their order.
        gather_seconds: bringing a batch's rows to the program.
        step_seconds: of a whole step, as fit runs it (shuffling, loss and metrics included).
        batch_size: rows of a batch.
        arena_bytes: memory of the program's intermediate values.
        peak: what this machine reaches on one thread: "flops_float32", "flops_float64" (operations
            a second on registers), "bytes_l1", "bytes_l2", "bytes_memory" (bytes a second of
            copies of that size).
        threads: that the step was allowed to use.
    """

    kernels: list[KernelTime]
    gather_seconds: float
    step_seconds: float
    batch_size: int
    arena_bytes: int
    peak: dict[str, float]
    threads: int

    @property
    def kernel_seconds(self) -> float:
        """The sum over all kernels."""
        return sum(k.seconds for k in self.kernels)

    @property
    def overhead_seconds(self) -> float:
        """What is left of the step: the loop itself, and what kernels lose by following others."""
        return self.step_seconds - self.kernel_seconds - self.gather_seconds

    def __str__(self) -> str:
        width = max([len(k.kernel) for k in self.kernels] + [6])
        head = (
            f"{'section':8} {'kernel':{width}} {'table':9} {'time':>9} {'GFLOP/s':>8} {'GB/s':>7}"
        )
        lines = [head + f" {'peak':>5} {'step':>5}"]
        for k in self.kernels:
            lines.append(
                f"{k.section:8} {k.kernel:{width}} {k.table:9} {_time(k.seconds):>9} "
                f"{k.flops / k.seconds / 1e9:8.2f} {k.bytes / k.seconds / 1e9:7.1f} "
                f"{k.share:5.0%} {k.seconds / self.step_seconds:5.0%}"
            )
        lines.append("")
        parts = {
            "kernels": self.kernel_seconds,
            "gathering": self.gather_seconds,
            "overhead": self.overhead_seconds,
            "step": self.step_seconds,
        }
        for name, seconds in parts.items():
            lines.append(f"{name:10} {_time(seconds):>9} {seconds / self.step_seconds:5.0%}")
        lines.append(
            f"batch {self.batch_size}, {self.threads} threads, arena {self.arena_bytes} bytes; "
            f"peak of a thread: {self.peak['flops_float32'] / 1e9:.0f} GFLOP/s float32, "
            f"{self.peak['bytes_l1'] / 1e9:.0f} / {self.peak['bytes_l2'] / 1e9:.0f} / "
            f"{self.peak['bytes_memory'] / 1e9:.0f} GB/s in L1 / L2 / memory"
        )
        return "\n".join(lines)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draws the roofline with a point for each kernel, sized by its share of the step.

        Args:
            path: a file to write (.png, .svg, .pdf); None writes none.

        Returns:
            The matplotlib Figure.

        Raises:
            ImportError: if matplotlib is not installed.
        """
        figure = figure_class()(figsize=(7, 4.5), layout="constrained")
        axes = figure.add_subplot()
        peak = self.peak["flops_float32"] / 1e9
        intensities = [2.0**i for i in range(-8, 10)]
        for name, label in (("bytes_l1", "L1"), ("bytes_l2", "L2"), ("bytes_memory", "memory")):
            rate = self.peak[name] / 1e9
            roof = [min(peak, rate * i) for i in intensities]
            axes.plot(intensities, roof, label=f"{label}: {rate:.0f} GB/s", linewidth=1)
        for k in self.kernels:
            if k.flops > 0 and k.bytes > 0:
                size = 20 + 400 * k.seconds / self.step_seconds
                speed = k.flops / k.seconds / 1e9
                axes.scatter(k.flops / k.bytes, speed, s=size, alpha=0.5)
                axes.annotate(k.kernel[:28], (k.flops / k.bytes, speed), fontsize=6)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlabel("operations a byte")
        axes.set_ylabel("GFLOP/s")
        axes.legend(fontsize=7)
        if path is not None:
            figure.savefig(path)
        return figure


def _time(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _share(call: dict[str, Any], peak: dict[str, float], threads: int) -> float:
    traffic = call["bytes"]
    level = "bytes_l1" if traffic < 32e3 else "bytes_l2" if traffic < 1e6 else "bytes_memory"
    scale = threads if level != "bytes_memory" else 1
    arithmetic = call["flops"] / call["seconds"] / (peak["flops_float32"] * threads)
    return float(max(arithmetic, traffic / call["seconds"] / (peak[level] * scale)))


def from_timings(timings: dict[str, Any]) -> Profile:
    """A Profile from what the Trainer measured, with this machine's peaks measured now."""
    peak = _core.measure_peak()
    threads = _core.num_threads()
    kernels = [KernelTime(**c, share=_share(c, peak, threads)) for c in timings["calls"]]
    return Profile(
        kernels=kernels,
        gather_seconds=timings["gather_seconds"],
        step_seconds=timings["step_seconds"],
        batch_size=timings["batch"],
        arena_bytes=timings["arena_bytes"],
        peak=peak,
        threads=threads,
    )
