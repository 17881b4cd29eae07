"""Masks: which steps of a sequence count, carried beside tensors from layer to layer."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from fastnn import ops
from fastnn._tensor import Tensor, mask_of, with_mask
from fastnn.layers import _track
from fastnn.layers._nest import flatten, map_structure, pack_like

if TYPE_CHECKING:
    from fastnn.layers._base import Layer


def hand_over(
    owner: str, takes: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Fills in the masks that ``call`` takes and the caller has not given.

    The mask of the only tensor argument reaches ``mask``; with several such arguments, that of an
    argument ``a`` reaches ``a_mask``.

    Args:
        owner: the class that error messages name.
        takes: the names of call's arguments.
        args: its positional arguments.
        kwargs: its keyword arguments; masks are added.

    Returns:
        The mask given by the caller, else that of the first argument in its structure; None where
        there is none.
    """
    given = kwargs.get("mask")
    if given is not None:
        kwargs["mask"] = given = map_structure(lambda leaf: _as_mask(owner, leaf), given)
        return given
    if all(mask_of(leaf) is None for leaf in flatten((args, kwargs))):
        return None
    named = {**dict(zip(takes, args, strict=False)), **kwargs}
    tensors = {
        name: value
        for name, value in named.items()
        if any(isinstance(leaf, Tensor) for leaf in flatten(value))
    }
    wanted = {"mask": next(iter(tensors.values()))}
    if len(tensors) > 1:
        wanted = {f"{name}_mask": value for name, value in tensors.items()}
    for name, value in wanted.items():
        if name in takes and kwargs.get(name) is None:
            kwargs[name] = _masks_of(value)
    return _masks_of(args[0]) if args else None


def put_beside(
    layer: Layer, takes: tuple[str, ...], args: tuple[Any, ...], outputs: Any, mask: Any
) -> Any:
    """The outputs of a layer with their masks.

    Args:
        layer: the layer.
        takes: the names of its call's arguments.
        args: its positional arguments.
        outputs: of its call.
        mask: of its first argument, in its structure, or None.
    """
    leaves = flatten(outputs)
    if not layer.supports_masking:
        used = mask is None or "mask" in takes or any(mask_of(leaf) is not None for leaf in leaves)
        if not used and not _track.sublayers(layer):  # layers inside speak for themselves
            warnings.warn(
                f"[{type(layer).__name__}] {layer.name!r} drops the mask of its input: layers "
                "behind it see every step. Set supports_masking where that is not meant",
                stacklevel=2,
            )
        return outputs
    if all(mask_of(leaf) is not None for leaf in leaves):
        return outputs
    found = flatten(layer.compute_mask(args[0] if args else None, mask))
    masks = [*found, *[None] * (len(leaves) - len(found))]
    if all(found is None for found in masks):
        return outputs
    masked = [
        leaf if mask is None or mask_of(leaf) is not None else with_mask(leaf, mask)
        for leaf, mask in zip(leaves, masks, strict=False)
    ]
    return pack_like(outputs, masked)


def put_beside_inputs(inputs: Any, mask: Any) -> Any:
    """Inputs with the masks that the caller of a model has given for them."""
    leaves, masks = flatten(inputs), flatten(mask)
    if all(one is None for one in masks):
        return inputs
    if len(masks) != len(leaves):
        raise ValueError(f"expected a mask for each of {len(leaves)} inputs, got {len(masks)}")
    pairs = zip(leaves, masks, strict=True)
    return pack_like(inputs, [leaf if m is None else with_mask(leaf, m) for leaf, m in pairs])


def _masks_of(structure: Any) -> Any:
    """The masks of tensors in their structure, or None where none of them has one."""
    masks = map_structure(mask_of, structure)
    return masks if any(mask is not None for mask in flatten(masks)) else None


def _as_mask(owner: str, mask: Any) -> Any:
    if mask is None:
        return None
    if not isinstance(mask, Tensor):
        raise TypeError(f"[{owner}] expected mask to be a tensor as its input is, got {mask!r}")
    return mask if mask.dtype == "bool" else ops.cast(mask, "bool")
