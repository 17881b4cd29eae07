"""``fastnn inspect``: what is in a model's file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from fastnn.cli import _arguments


def add_command(commands: Any) -> None:
    """Adds the command to argparse's subparsers."""
    parser = _arguments.add(
        commands,
        "inspect",
        "show what is in a model's file",
        "Shows the layers, the plan of a prediction, the table's columns where there are any, the"
        " tensors and the metadata of a model's file; of any other safetensors file, tensors and"
        " metadata. Nothing in the file is run.",
    )
    add = parser.add_argument
    add("model", type=Path, metavar="FILE", help="a .fastnn or .safetensors file")
    add("--metadata", action="store_true", help="print the metadata alone, as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    from fastnn.io import TensorFile

    with TensorFile(arguments.model) as file:
        metadata = {key: _decoded(text) for key, text in file.metadata.items()}
        tensors = [(name, entry) for name, entry in file.entries.items()]
    if arguments.metadata:
        print(json.dumps(metadata, indent=1, ensure_ascii=False))
        return
    print(f"{arguments.model}: {arguments.model.stat().st_size} bytes, {len(tensors)} tensors")
    described = metadata.get("fastnn")
    if isinstance(described, dict) and described.get("kind") == "model":
        _show_model(arguments.model)
    print("\nTensors")
    for name, entry in tensors:
        print(f"  {name}  {entry.dtype} {tuple(entry.shape)}")
    shown = {key: value for key, value in metadata.items() if key != "fastnn"}
    if isinstance(described, dict):
        plain = {k: v for k, v in described.items() if not isinstance(v, (dict, list))}
        shown["fastnn"] = plain
    print("\nMetadata (all of it: --metadata)")
    print(json.dumps(shown, indent=1, ensure_ascii=False))


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _show_model(path: Path) -> None:
    from fastnn import graph
    from fastnn.cli._tabular import note
    from fastnn.io import FastnnFormatError
    from fastnn.models import load_model
    from fastnn.tables import TableModel

    try:
        model = load_model(path, compile=False)
    except FastnnFormatError as error:
        note(f"{error}; its layers cannot be shown")
        return
    print()
    model.summary()
    plan = graph.function(model.inputs, model.outputs).plan()
    print(f"\nPlan of a prediction\n{plan}")
    found = model.preprocessing
    if isinstance(found, dict) and found.get("kind") == "table":
        tabular = TableModel.load(path)
        target = tabular.target
        classes = f": {', '.join(target.classes[:20])}" if target.classes else ""
        print(f"\nPredicts {target.name!r}, {target.task}{classes}")
        for column in tabular.preprocessor.columns:
            print(f"  {column.name}: {column.kind}{f' ({column.why})' if column.why else ''}")
