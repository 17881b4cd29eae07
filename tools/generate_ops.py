"""Writes python/fastnn/ops/_table.py: one Python function for every elementwise op of the table.

Run it after a change to csrc/graph/ops; ``--check`` fails when the file is not up to date.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.ops._dispatch import elementwise

TARGET = Path(__file__).resolve().parent.parent / "python/fastnn/ops/_table.py"
DEFAULTS = {"slope": 0.2, "alpha": 1.0, "theta": 0.0}
BY_HAND = {"where", "clip", "cast", "sigmoid_cross_entropy"}

HEADER = '''"""Elementwise operations with NumPy's broadcasting: on arrays now, on tensors as nodes.

Generated from the op table by tools/generate_ops.py.
"""

from __future__ import annotations

from typing import Any

from ._dispatch import TensorLike, elementwise
'''

FUNCTION = '''

def {name}({signature}) -> Any:
    """{doc}

    Elementwise; for {dtypes}.

    Example:
        >>> from fastnn import ops
        >>> ops.{name}({example})
        {result}
    """
    return elementwise("{name}", {arguments})
'''


def sentence(text: str) -> str:
    """With a capital letter, unless it starts with a formula."""
    first, _, rest = text.partition(" ")
    if rest and first.isalpha() and len(first) > 2:
        text = text[0].upper() + text[1:]
    return text.rstrip(".") + "."


def example(op: dict[str, Any], attrs: dict[str, float]) -> tuple[str, str]:
    """Arguments and what comes of them; numbers of both signs where the op takes them."""
    if op["dtypes"] == ["bool"]:
        candidates = [[[True, False], [True, True]]]
    else:
        candidates = [[[-1.0, 2.0], [2.0, 2.0]], [[1.0, 2.0], [2.0, 2.0]]]
    for data in candidates:
        given = data[: op["min_inputs"]]
        result = elementwise(op["name"], *(np.array(x) for x in given), **attrs)
        if np.isfinite(result).all():
            break
    return ", ".join(map(repr, given)), repr(result)


def function(op: dict[str, Any]) -> str:
    names = {1: ["x"], 2: ["a", "b"]}[op["min_inputs"]]
    attrs = {a: DEFAULTS[a] for a, kind in op["attrs"] if kind == "float"}
    given, result = example(op, attrs)
    return FUNCTION.format(
        name=op["name"],
        signature=", ".join(
            [f"{n}: TensorLike" for n in names] + [f"{a}: float = {v}" for a, v in attrs.items()]
        ),
        doc=sentence(op["doc"]),
        dtypes=", ".join(op["dtypes"]),
        example=given,
        result=result,
        arguments=", ".join(names + [f"{a}=float({a})" for a in attrs]),
    )


def generate() -> str:
    ops = [
        op
        for op in _core.op_table()
        if op["elementwise"] and not op["name"].endswith("_grad") and op["name"] not in BY_HAND
    ]
    names = sorted(op["name"] for op in ops)
    text = HEADER + "\n__all__ = [\n" + "".join(f'    "{n}",\n' for n in names) + "]\n"
    return text + "".join(function(op) for op in ops)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = generate()
    if parser.parse_args().check:
        if TARGET.read_text() != text:
            print(f"{TARGET} is not up to date: run python tools/generate_ops.py")
            return 1
        return 0
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
