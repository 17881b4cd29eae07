"""What a model says of trees: figures over all nodes, and a tree as text."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray


def figures(
    p: NDArray[Any], labels: NDArray[Any], roots: NDArray[Any], loss: float
) -> dict[str, float]:
    """The figures of ``RNTN.evaluate``.

    Args:
        p: probabilities, a row a node.
        labels: of the nodes.
        roots: which nodes are roots.
        loss: the sum over all nodes.
    """
    best = p.argmax(axis=1)
    right = best == labels
    found = {
        "loss": loss / len(labels),
        "accuracy": float(right.mean()),
        "root_accuracy": float(right[roots].mean()),
    }
    classes = p.shape[1]
    if classes % 2:
        neutral = classes // 2
        positive = p[:, neutral + 1 :].sum(axis=1) > p[:, :neutral].sum(axis=1)
        sided = labels != neutral
        correct = positive == (labels > neutral)
        for name, chosen in (("binary_accuracy", sided), ("binary_root_accuracy", sided & roots)):
            found[name] = float(correct[chosen].mean()) if chosen.any() else float("nan")
    return found


def as_text(tree: Any, p: NDArray[Any]) -> str:
    """A line a node, with its most probable class and how sure it is."""
    lines: list[str] = []
    stack = [(len(p) - 1, 0)]
    leaves = len(tree.words)
    while stack:
        node, depth = stack.pop()
        words = " ".join(_words_under(tree, node))
        best = int(p[node].argmax())
        lines.append(f"{'  ' * depth}{best} ({p[node][best]:.0%})  {words}")
        if node >= leaves:
            left, right = tree.children[node - leaves]
            stack += [(int(right), depth + 1), (int(left), depth + 1)]
    return "\n".join(lines)


def _words_under(tree: Any, node: int) -> list[str]:
    leaves = len(tree.words)
    words: list[str] = []
    stack = [node]
    while stack:
        top = int(stack.pop())
        if top < leaves:
            words.append(tree.words[top])
        else:
            left, right = tree.children[top - leaves]
            stack += [right, left]
    return words
