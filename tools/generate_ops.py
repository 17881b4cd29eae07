"""Writes python/fastnn/ops/_table.py: one Python function for every elementwise op of the table.

Run it after a change to csrc/graph/ops; ``--check`` fails when the file is not up to date.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fastnn import _core

TARGET = Path(__file__).resolve().parent.parent / "python/fastnn/ops/_table.py"
DEFAULTS = {"slope": "0.2", "alpha": "1.0", "theta": "0.0", "value": "1.0"}
BY_HAND = {"where", "clip", "cast"}

HEADER = '''"""Elementwise operations. Generated from the op table by tools/generate_ops.py."""

from __future__ import annotations

from typing import Any

from ._dispatch import TensorLike, elementwise
'''

FUNCTION = '''

def {name}({signature}) -> Any:
    """{doc}

    {what} on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.{name}({example}).shape
        (2,)
    """
    return elementwise("{name}", {arguments})
'''


def arguments_of(op: dict) -> list[str]:
    count = op["min_inputs"]
    return ["x"] if count == 1 else ["a", "b"] if count == 2 else ["a", "b", "c"]


def function(op: dict) -> str:
    names = arguments_of(op)
    floats = [a for a, kind in op["attrs"] if kind == "float"]
    signature = [f"{n}: TensorLike" for n in names]
    signature += [f"{a}: float = {DEFAULTS[a]}" for a in floats]
    doc = op["doc"][0].upper() + op["doc"][1:]
    data = "[True, False]" if op["dtypes"] == ["bool"] else "[1.0, 2.0]"
    dtypes = ", ".join(op["dtypes"])
    return FUNCTION.format(
        name=op["name"],
        signature=", ".join(signature),
        doc=doc if doc.endswith(".") else doc + ".",
        what=f"For {dtypes}, with NumPy's broadcasting;",
        example=", ".join([data] * len(names)),
        arguments=", ".join(names + [f"{a}=float({a})" for a in floats]),
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
