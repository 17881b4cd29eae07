"""Short rounds for ``pytest bench``, and a table of ratios at its end."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import machine

# What pytest-benchmark does where nothing is asked for: a second a measurement, and a long table.
_DEFAULTS = {
    "benchmark_max_time": ("1.0", "0.02"),
    "benchmark_min_rounds": (5, 3),
    "benchmark_quiet": (False, True),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--ratios", type=Path, metavar="FILE", help="write the table of ratios there")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    for name, (default, ours) in _DEFAULTS.items():
        if str(getattr(config.option, name, None)) == str(default):
            setattr(config.option, name, type(default)(ours))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    session = getattr(config, "_benchmarksession", None)
    taken = _best_times(session.benchmarks if session else [])
    if not taken:
        return
    lines = list(_table(taken))
    terminalreporter.write_line("")
    for line in lines:
        terminalreporter.write_line(line)
    file = config.getoption("--ratios")
    if file is not None:
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


# case -> (what it is, seconds by peer)
Taken = dict[Any, tuple[dict[str, Any], dict[str, float]]]


def _table(taken: Taken) -> Iterator[str]:
    facts = machine.facts()
    yield f"{facts['cpu']}, {facts['isa']}, NumPy {facts['numpy']}, {facts['date']}"
    yield "NumPy's time / fastnn's, best rounds; beside it fastnn's share of the limit that is"
    yield "nearer: multiply-adds on registers, or memory. That is a copy of as many bytes; products"
    yield "and reductions: a sum of as many bytes, which only reads them (products: A, B and C)."
    tables: dict[Any, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for case, times in taken.values():
        if len(times) == 2:
            key = (case["family"], case["dtype"], case["threads"])
            tables[key][case["row"]][case["column"]] = _cell(case, times)
    for (family, dtype, threads), rows in tables.items():
        columns = list(dict.fromkeys(c for cells in rows.values() for c in cells))
        title = f"{family} {dtype}, {threads} thread{'s' * (threads > 1)}"
        width = max(map(len, [title, *rows]))
        yield ""
        yield f"{title:{width}}" + "".join(f"{c:>16}" for c in columns)
        for row, cells in rows.items():
            yield f"{row:{width}}" + "".join(f"{cells.get(c, ''):>16}" for c in columns)


def _best_times(benchmarks: list[Any]) -> Taken:
    taken: Taken = {}
    for benchmark in benchmarks:
        case = benchmark.extra_info.get("case")
        if case and not benchmark.has_error:
            key = tuple(case.values())
            times = taken.setdefault(key, (case, {}))[1]
            times[benchmark.extra_info["peer"]] = benchmark.stats.min
    return taken


_peak = functools.cache(machine.peak)
_copy = functools.cache(machine.copy_bandwidth)
_read = functools.cache(machine.read_bandwidth)


def _cell(case: dict[str, Any], times: dict[str, float]) -> str:
    """The ratio, and the share of the limit that is nearer."""
    ratio = times["numpy"] / times["fastnn"]
    shares = []
    if case["flops"]:
        limit = _peak(case["dtype"], case["threads"])
        shares.append(case["flops"] / times["fastnn"] / limit)
    if case["bytes"]:
        bandwidth = _read if case["only_read"] else _copy
        limit = bandwidth(_rounded(case["bytes"]), case["threads"])
        shares.append(case["bytes"] / times["fastnn"] / limit)
    share = f" {100 * max(shares):4.0f} %" if shares else ""
    return f"{ratio:.2f}{share}"


def _rounded(count: float) -> int:
    """Two digits are enough for a size that is measured; small ones are all in the cache."""
    return int(float(f"{max(count, 16384.0):.1e}"))
