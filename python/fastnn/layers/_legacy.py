"""Argument names of Keras 1 and 2, accepted with a warning that names the new; and wrong ones."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from fastnn._registry import did_you_mean

_Function = TypeVar("_Function", bound=Callable[..., Any])


def renamed_arguments(**renamed: str) -> Callable[[_Function], _Function]:
    """Decorates a function so that old keyword arguments reach it under their new names.

    Args:
        renamed: old name = new name.

    Example:
        >>> @renamed_arguments(nb_epoch="epochs")
        ... def fit(epochs=1):
        ...     return epochs
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     fit(nb_epoch=3)
        3
    """

    def decorate(function: _Function) -> _Function:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if kwargs and not renamed.keys().isdisjoint(kwargs):
                kwargs = _rename(kwargs, renamed)
            return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]

    return decorate


def checked_arguments(method: _Function) -> _Function:
    """Decorates a method so that an argument it does not have is named beside the one meant.

    Example:
        >>> class Model:
        ...     @checked_arguments
        ...     def fit(self, epochs=1):
        ...         return epochs
        >>> Model().fit(epoch=3)
        Traceback (most recent call last):
        TypeError: [Model] fit() got an unknown argument 'epoch' (did you mean 'epochs'?)
    """
    known = frozenset(inspect.signature(method).parameters)

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:  # costs nothing where all is right; a prediction of a row takes less than a look
            return method(self, *args, **kwargs)
        except TypeError:
            for name in kwargs:
                if name not in known:
                    hint = did_you_mean(name, known - {"self"})
                    raise TypeError(
                        f"[{type(self).__name__}] {method.__name__}() got an unknown argument "
                        f"{name!r}{hint}"
                    ) from None
            raise

    return wrapper  # type: ignore[return-value]


def _rename(kwargs: dict[str, Any], renamed: dict[str, str]) -> dict[str, Any]:
    result = dict(kwargs)
    for old, new in renamed.items():
        if old not in result:
            continue
        if new in result:
            raise TypeError(f"got both {new!r} and its old name {old!r}: pass {new!r} only")
        warnings.warn(
            f"the argument {old!r} is deprecated, use {new!r}", DeprecationWarning, stacklevel=3
        )
        result[new] = result.pop(old)
    return result
