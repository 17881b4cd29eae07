"""Finding objects by name: what ``activation="relu"`` and saved configurations go through."""

from __future__ import annotations

import difflib
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from fastnn import _locks

_custom: ContextVar[Mapping[str, Any]] = ContextVar("custom_objects", default={})  # noqa: B039
_Class = TypeVar("_Class")
_registered: dict[str, Any] = {}
_packages: dict[Any, str] = {}
_counters: dict[str, itertools.count[int]] = {}
_lock = _locks.lock()


def snake_case(name: str) -> str:
    """``"GlorotUniform"`` to ``"glorot_uniform"``, as Keras spells it.

    Example:
        >>> snake_case("L1L2"), snake_case("MeanIoU"), snake_case("AUC")
        ('l1l2', 'mean_io_u', 'auc')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def unique_name(prefix: str) -> str:
    """``prefix``, ``prefix_1``, ``prefix_2``, … : the name of an object that got none."""
    with _lock:
        number = next(_counters.setdefault(prefix, itertools.count()))
    return prefix if number == 0 else f"{prefix}_{number}"


def reset_unique_names() -> None:
    """Lets the numbering of names start again (``clear_session``)."""
    with _lock:
        _counters.clear()


@contextmanager
def custom_object_scope(objects: Mapping[str, Any] | None) -> Iterator[None]:
    """Within it, configurations may name these objects of one's own.

    Args:
        objects: classes and functions by name.

    Raises:
        TypeError: for something that is no mapping from names.

    Example:
        >>> import fastnn
        >>> def double(x):
        ...     return 2 * x
        >>> with fastnn.utils.custom_object_scope({"double": double}):
        ...     fastnn.activations.get("double") is double
        True
    """
    given = {} if objects is None else objects
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise TypeError(f"expected custom_objects as a dict from names to objects, got {objects!r}")
    token = _custom.set({**_custom.get(), **given})
    try:
        yield
    finally:
        _custom.reset(token)


def custom_objects_in_scope() -> Mapping[str, Any]:
    """The objects of one's own that configurations may name here."""
    return {**_registered, **_custom.get()}


def get_custom_objects() -> dict[str, Any]:
    """The objects of one's own that configurations may name everywhere; to be added to.

    Example:
        >>> import fastnn
        >>> isinstance(fastnn.saving.get_custom_objects(), dict)
        True
    """
    return _registered


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[_Class], _Class]:
    """Decorates a class or function of one's own: files that name it find it.

    Args:
        package: kept beside the name; default "Custom".
        name: default: that of the class, which is how fastnn's files call it.

    Raises:
        ValueError: for a class that has no ``get_config``.

    Example:
        >>> import fastnn
        >>> @fastnn.saving.register_keras_serializable(package="Mine")
        ... class Double(fastnn.layers.Layer):
        ...     def call(self, inputs):
        ...         return 2 * inputs
        >>> fastnn.saving.get_registered_name(Double)
        'Mine>Double'
        >>> model = fastnn.Sequential([Double(input_shape=(2,))])
        >>> fastnn.Sequential.from_config(model.get_config()).layers[0]
        <Double name=double, built=True>
    """

    def decorate(thing: _Class) -> _Class:
        if inspect.isclass(thing) and not hasattr(thing, "get_config"):
            raise ValueError(
                f"[register_keras_serializable] expected a class with get_config(), got {thing!r}"
            )
        own = name or thing.__name__  # type: ignore[attr-defined]
        _registered[thing.__name__] = _registered[own] = thing  # type: ignore[attr-defined]
        _packages[thing] = f"{package}>{own}"
        return thing

    return decorate


def get_registered_name(thing: Any) -> str:
    """The name under which a class was registered, or its own."""
    return _packages.get(thing) or str(thing.__name__)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` (did you mean 'relu'?)``, or nothing when no known name is near."""
    by_lower = {key.lower(): key for key in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f" (did you mean {by_lower[near[0]]!r}?)" if near else ""


def serialize(thing: Any) -> Any:
    """An object as plain data: ``{"class_name", "config"}``; a function by its name."""
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    if inspect.isfunction(thing) or inspect.isbuiltin(thing):
        return thing.__name__
    if hasattr(thing, "get_config"):
        return {"class_name": type(thing).__name__, "config": thing.get_config()}
    raise TypeError(
        f"expected a function or an object with get_config(), got {type(thing).__name__}: "
        "only such can be written to a configuration"
    )


_Own = TypeVar("_Own", bound="Configured")


class Configured:
    """An object that is its settings: the constructor's arguments, kept under their own names.

    Example:
        >>> class Scale(Configured):
        ...     def __init__(self, factor=2.0):
        ...         self.factor = factor
        >>> Scale(), Scale.from_config(Scale(3.0).get_config())
        (Scale(factor=2.0), Scale(factor=3.0))
    """

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again.

        Raises:
            NotImplementedError: for a class that keeps an argument under another name: it has to
                define this method.
        """
        config: dict[str, Any] = {}
        for name, argument in inspect.signature(type(self)).parameters.items():
            if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
                continue
            if not hasattr(self, name):
                raise NotImplementedError(
                    f"[{type(self).__name__}] has no attribute {name!r}, as its argument is named: "
                    "define get_config()"
                )
            config[name] = getattr(self, name)
        return config

    @classmethod
    def from_config(cls: type[_Own], config: Mapping[str, Any]) -> _Own:
        """Makes the object from what :meth:`get_config` gave.

        Args:
            config: the arguments.
        """
        return cls(**config)

    def __repr__(self) -> str:
        try:
            settings = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        except NotImplementedError:
            settings = "..."
        return f"{type(self).__name__}({settings})"


class Registry:
    """The named objects of one kind (initializers, losses, …).

    Args:
        kind: what error messages call them, e.g. ``"initializer"``.
        classes: found by class name and by its snake_case.
        functions: found by their name.
        aliases: further names.
    """

    def __init__(
        self,
        kind: str,
        classes: Iterable[type] = (),
        functions: Iterable[Callable[..., Any]] = (),
        aliases: Mapping[str, Any] | None = None,
    ) -> None:
        self.kind = kind
        self._one = f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"
        self.table: dict[str, Any] = {}
        for cls in classes:
            self.table[cls.__name__] = cls
            self.table[snake_case(cls.__name__)] = cls
        for function in functions:
            self.table[function.__name__] = function
        self.table.update(aliases or {})

    def find(self, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The class or function of that name.

        Raises:
            ValueError: for an unknown name; the message offers the nearest one.
        """
        own = {**custom_objects_in_scope(), **(custom_objects or {})}
        if name in own:
            return own[name]
        if name in self.table:
            return self.table[name]
        hint = did_you_mean(name, [*self.table, *own])
        raise ValueError(f"unknown {self.kind} {name!r}{hint}")

    def deserialize(
        self, config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """Builds what :func:`serialize` has written (or Keras has, in its JSON).

        Raises:
            ValueError: for an unknown class or a mapping without "class_name".
        """
        if isinstance(config, str):
            return self.find(config, custom_objects)
        name = config.get("class_name")
        if not isinstance(name, str):
            raise ValueError(
                f"expected {self._one} as a mapping with 'class_name' and 'config', "
                f"got {dict(config)!r}"
            )
        settings = config.get("config", {})
        if name == "function" and isinstance(settings, str):
            return self.find(settings, custom_objects)
        found = self.find(name, custom_objects)
        if not inspect.isclass(found):
            return found
        make = getattr(found, "from_config", None)
        return make(dict(settings)) if make else found(**settings)

    def get(self, identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """An object from a name, a configuration, a class, or the object itself.

        Raises:
            ValueError: for an unknown name, or something that is none of these.
        """
        if identifier is None:
            return None
        if isinstance(identifier, (str, Mapping)):
            found = self.deserialize(identifier, custom_objects)
        else:
            found = identifier
        if inspect.isclass(found):
            found = found()
        if callable(found):
            return found
        raise ValueError(
            f"expected {self._one} (a name, a configuration, a class or a callable), "
            f"got {identifier!r}"
        )
