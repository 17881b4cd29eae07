"""Models as pictures: layers as boxes, and dense networks as neurons."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnn._figure import graphviz
from fastnn.layers import Dense
from fastnn.models._summary import _shape_text

if TYPE_CHECKING:
    from fastnn._svg import Box
    from fastnn.models._model import Model

# A notebook's table and picture of more layers would hide what comes after it.
_MOST_LAYERS = 200


@dataclass(repr=False)
class Picture:
    """A drawn model; a notebook shows it.

    Attributes:
        svg: as an SVG image.
        dot: in graphviz's language.
    """

    svg: str
    dot: str

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"Picture({len(self.svg)} characters of SVG)"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture.

        Args:
            path: ends in .svg, .html or .dot; or in .png, .pdf and what else graphviz knows, which
                need its program ``dot``.

        Raises:
            RuntimeError: if an image is wanted and graphviz is not installed, or fails.
            ValueError: if the name has no ending.
        """
        path = Path(path)
        kind = path.suffix.lstrip(".").lower()
        if not kind:
            raise ValueError(f"[plot_model] expected a name such as model.svg, got {path.name!r}")
        if kind == "svg":
            path.write_text(self.svg, encoding="utf-8")
        elif kind in ("html", "htm"):
            head = "<!DOCTYPE html><meta charset='utf-8'><title>model</title>"
            path.write_text(f"{head}\n{self.svg}\n", encoding="utf-8")
        elif kind in ("dot", "gv"):
            path.write_text(self.dot, encoding="utf-8")
        else:
            path.write_bytes(graphviz(self.dot, kind, "plot_model"))


def plot_model(
    model: Model,
    to_file: str | os.PathLike[str] | None = None,
    show_shapes: bool = True,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = True,
    show_trainable: bool = False,
    show_params: bool = True,
    neurons: bool = False,
) -> Picture:
    """Draws a model's layers and what feeds them.

    Args:
        model: the model.
        to_file: a file to write, see :meth:`Picture.save`; default none.
        show_shapes: the shape of each layer's output; default True.
        show_dtype: its dtype; default False.
        show_layer_names: each layer's name before its class; default True.
        rankdir: accepted and ignored: from top to bottom.
        expand_nested: accepted and ignored: a model inside is one box.
        dpi: accepted and ignored.
        show_layer_activations: the activation, where a layer has one; default True.
        show_trainable: which layers with weights are trained; default False.
        show_params: how many weights each layer has; default True.
        neurons: a circle for each unit and a line for each weight, as thick as it is large, in
            place of the boxes; for a Sequential model of dense layers. Default False.

    Returns:
        The picture, which a notebook shows: an SVG image, made without graphviz.

    Raises:
        ValueError: for a model without layers, and for neurons of another kind of model.
        RuntimeError: if `to_file` needs graphviz, and it is not installed.

    Example:
        >>> from fastnn import Sequential
        >>> model = Sequential([Dense(3, "relu", input_dim=2), Dense(1)])
        >>> plot_model(model).svg.count("<rect") - 1  # the first is the background
        3
        >>> plot_model(model, neurons=True).svg.count("<circle")
        6
    """
    from fastnn import _svg  # only those who draw pay for its import

    shown = Shown(
        show_shapes,
        show_dtype,
        show_layer_names,
        show_layer_activations,
        show_trainable,
        show_params,
    )
    boxes = _boxes(model, shown)
    if not boxes:
        raise ValueError(f"[plot_model] {model.name!r} has no layers to draw")
    svg = _neurons(model) if neurons else _svg.layers(boxes)
    picture = Picture(svg, _dot(boxes))
    if to_file is not None:
        picture.save(to_file)
    return picture


def model_html(model: Model) -> str:
    """What a notebook shows of a model: a table of its layers, totals, and the picture."""
    from fastnn.models._summary import _row, _totals

    rows = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{_escaped(cell)}</td>" for cell in row)
        + "</tr>"
        for row in (_row(layer, 0) for layer in model.layers[:_MOST_LAYERS])
    )  # fmt: skip
    head = "<tr><th>Layer (type)</th><th>Output shape</th><th>Params</th></tr>"
    totals = "<br>".join(_escaped(line.strip()) for line in _totals(model))
    title = f"<b>{_escaped(type(model).__name__)} {_escaped(repr(model.name))}</b>"
    left_out = len(model.layers) - _MOST_LAYERS
    picture = plot_model(model).svg if model.layers and left_out <= 0 else ""
    rows += f"<tr><td>and {left_out} more</td></tr>" if left_out > 0 else ""
    return (
        f"<div>{title}<table>{head}{rows}</table><small>{totals}</small>"
        f"<details><summary>picture</summary>{picture}</details></div>"
    )


def _escaped(text: str) -> str:
    from html import escape

    return escape(text)


@dataclass(frozen=True)
class Shown:
    """What the box of a layer says; see :func:`plot_model`."""

    shapes: bool
    dtypes: bool
    names: bool
    activations: bool
    trainable: bool
    params: bool

    def title(self, layer: Any) -> str:
        """The first line."""
        kind = type(layer).__name__
        return f"{layer.name} ({kind})" if self.names else kind

    def lines(self, layer: Any) -> list[str]:
        """The others."""
        shape = layer._output_shape
        found = ["not built" if shape is None else _shape_text(shape)] if self.shapes else []
        found += [str(layer.dtype)] if self.dtypes else []
        activation = _activation(layer) if self.activations else ""
        found += [activation] if activation else []
        if layer.weights:
            found += [f"{layer.count_params():,} weights"] if self.params else []
            found += ["trained" if layer.trainable else "frozen"] if self.trainable else []
        return found


def _boxes(model: Model, shown: Shown) -> list[Box]:
    from fastnn._svg import Box

    graph = model._graph
    layers = list(model.layers if graph is None else graph.layers)
    places = {layer.name: i for i, layer in enumerate(layers)}
    feeding = {} if graph is None else graph.connections()
    boxes = []
    for number, layer in enumerate(layers):
        names = [name.split("[")[0] for name in feeding.get(id(layer), [])]
        # A layer that is called twice is one box; what would lead back is left out.
        sources = sorted({places[n] for n in names if places.get(n, number) < number})
        if graph is None and hasattr(model, "_stack") and number:
            sources = [number - 1]
        boxes.append(Box(shown.title(layer), shown.lines(layer), sources))
    return boxes


def _activation(layer: Any) -> str:
    try:
        found = layer.get_config().get("activation")
    except NotImplementedError:
        return ""
    return found if isinstance(found, str) and found != "linear" else ""


def _dot(boxes: list[Box]) -> str:
    lines = ["digraph {", '  node [shape=box, style=rounded, fontname="sans-serif"];']
    for number, box in enumerate(boxes):
        label = "\\n".join(
            line.replace("\\", "\\\\").replace('"', '\\"') for line in [box.title, *box.lines]
        )
        lines.append(f'  n{number} [label="{label}"];')
    lines += [f"  n{s} -> n{number};" for number, box in enumerate(boxes) for s in box.sources]
    return "\n".join([*lines, "}"]) + "\n"


def _neurons(model: Model) -> str:
    from fastnn import _svg

    layers = [layer for layer in model.layers if layer.weights]
    if not hasattr(model, "_stack") or not layers or not all(type(x) is Dense for x in layers):
        raise ValueError(
            f"[plot_model] neurons are drawn of a Sequential model of dense layers, {model.name!r} "
            "is another"
        )
    kernels = [layer.get_weights()[0] for layer in layers]
    units = [kernels[0].shape[0], *(kernel.shape[1] for kernel in kernels)]
    names = [str(layer.get_config()["activation"]) for layer in layers]
    titles = [f"{units[0]} inputs", *(f"{n} {a}" for n, a in zip(units[1:], names, strict=True))]
    return _svg.neurons(units, kernels, titles=titles)
