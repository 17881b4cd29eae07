"""What models that are more than layers keep: in files, pickles and copies."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fastnn.layers import _scope
from fastnn.models import _files, _state
from fastnn.models._clock import Clock

if TYPE_CHECKING:
    from fastnn.io._tensors import TensorFile

_COMPILED = ("_made", "history")


class Kept:
    """A model with ``save()``; what is compiled is left out of pickles and made anew."""

    def save(self, path: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes settings, weights and the place in the training to one file.

        :func:`fastnn.load_model` reads it, and the next ``fit()`` goes on with the same bits as if
        it had never stopped. A file is replaced as a whole or not at all.

        Args:
            path: ends in .fastnn or .safetensors.
            overwrite: whether a file that is there may be replaced; default True.

        Raises:
            ValueError: for another suffix.
            FileExistsError: where it is there, and ``overwrite`` is False.
            RuntimeError: while the model is in training in another thread.
        """
        self._refuse_in_training("save", elsewhere=True)
        _files.save_machine(self, path, overwrite)

    def _refuse_in_training(self, what: str, elsewhere: bool = False) -> None:
        """For models that train themselves."""

    def _content(self, tensors: _state.Tensors) -> dict[str, Any]:
        """All that the model is, as plain data; arrays go to ``tensors``."""
        raise NotImplementedError

    @classmethod
    def _made_from(cls, content: Mapping[str, Any], file: TensorFile) -> Any:
        """The model of :meth:`_content`."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        self._refuse_in_training("pickle", elsewhere=True)
        state = {key: value for key, value in vars(self).items() if key not in _COMPILED}
        if "_clock" in state:
            state["_clock"] = self._clock.state()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _made={}, history=None)
        if "_clock" in state:
            self._clock = Clock.from_state(state["_clock"])


def first_value(
    owner: str, name: str, shape: tuple[int, ...], dtype: str, make: Callable[[], NDArray[Any]]
) -> NDArray[Any]:
    """What a weight starts with: what ``make`` gives; zeros for one that a file will set.

    Args:
        owner: the class, for messages.
        name: of the weight.
        shape: its sizes.
        dtype: of its numbers.
        make: draws it.

    Raises:
        ValueError: where the file has not that many numbers.
    """
    room = _scope.file_weights()
    if room is None:
        return make().astype(dtype, copy=False)
    zeros: NDArray[Any] = room.zeros(owner, name, shape, dtype)
    return zeros
