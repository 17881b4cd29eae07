"""The base class of optimizers: rate, clipping, decay, averages, accumulation."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import graph, ops
from fastnn._registry import unique_name
from fastnn._tensor import Tensor, Variable
from fastnn.optimizers import schedules
from fastnn.optimizers._apply import CompiledStep, as_arrays
from fastnn.optimizers._clip import clip_each, clip_together, clip_values
from fastnn.optimizers._options import (
    DEFAULTS,
    CommonOptions,
    checked_options,
    without_old_names,
)
from fastnn.optimizers._plan import OptimizerPlan
from fastnn.optimizers._rate import Rate

if TYPE_CHECKING:
    from typing_extensions import Unpack

Pair = tuple[Any, Any]


class Optimizer:
    """Base class of the optimizers; an optimizer of one's own defines :meth:`update_step`.

    Args:
        learning_rate: a number or a :class:`~fastnn.optimizers.schedules.LearningRateSchedule`.
        common: see :class:`CommonOptions`: weight_decay, clipnorm, clipvalue, global_clipnorm,
            use_ema, ema_momentum, ema_overwrite_frequency, gradient_accumulation_steps, name.

    Raises:
        ValueError: for a value out of range.
        TypeError: for an unknown argument.

    Example:
        >>> import fastnn
        >>> class Signs(Optimizer):
        ...     def update_step(self, gradient, variable, learning_rate):
        ...         return [(variable, variable - learning_rate * ops.sign(gradient))]
        >>> w = fastnn.shared(np.array([1.0, 1.0]))
        >>> Signs(0.5).apply_gradients([(np.array([3.0, -7.0]), w)])
        1
        >>> w.get_value()
        array([0.5, 1.5])
    """

    def __init__(self, learning_rate: Any = 0.001, **common: Unpack[CommonOptions]) -> None:
        who = type(self).__name__
        learning_rate, given = without_old_names(learning_rate, common, who)
        self.name: str = given.pop("name", None) or unique_name(who.lower())
        options = checked_options(given, who)
        self.weight_decay: float | None = options["weight_decay"]
        self.clipnorm: float | None = options["clipnorm"]
        self.clipvalue: float | None = options["clipvalue"]
        self.global_clipnorm: float | None = options["global_clipnorm"]
        self.use_ema: bool = options["use_ema"]
        self.ema_momentum: float = options["ema_momentum"]
        self.ema_overwrite_frequency: int | None = options["ema_overwrite_frequency"]
        self.gradient_accumulation_steps: int | None = options["gradient_accumulation_steps"]
        self.iterations: Variable = graph.shared(
            np.zeros((), np.int64), name=f"{self.name}/iterations", role="counter"
        )
        self._rate = Rate(learning_rate, self.iterations, who, f"{self.name}/learning_rate")
        self._slots: list[list[Variable]] = []
        self._averages: list[Variable] = []
        self._accumulators: list[Variable] = []
        self._index: dict[int, int] = {}
        self._trained: list[Variable] = []
        self._undecayed: tuple[list[Variable], re.Pattern[str] | None] = ([], None)
        self._compiled: dict[Any, CompiledStep] = {}
        self.built = False

    def __getstate__(self) -> dict[str, Any]:
        """All but what is compiled."""
        return {k: v for k, v in vars(self).items() if k not in ("_compiled", "_index")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _compiled={})
        self._index = {id(variable): i for i, variable in enumerate(self._trained)}

    def slot_values(self, variable: Variable) -> dict[str, float]:
        """The optimizer's own state of a variable: names and first values."""
        return {}

    def update_step(
        self, gradient: Tensor, variable: Variable, learning_rate: Tensor
    ) -> list[Pair]:
        """The update of one variable, as (variable, expression) pairs.

        Args:
            gradient: after accumulation and clipping.
            variable: with ``self.slots(variable)`` as its state.
            learning_rate: a scalar of the variable's dtype.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has to define update_step(gradient, variable, learning_rate)"
        )

    def _effects(self, grads: Sequence[Any], variables: Sequence[Variable], step: Any) -> list[Any]:
        """Effects and pairs that update the variables (all of one dtype)."""
        rate = self._rate.tensor(variables[0].dtype)
        pairs: list[Pair] = []
        for gradient, variable in zip(grads, variables, strict=True):
            decay = self._decay_of(variable)
            for target, value in self.update_step(gradient, variable, rate):
                if target is variable and decay:
                    value = value - variable * (decay * rate)
                pairs.append((target, value))
        return pairs

    def build(self, variables: Iterable[Variable]) -> None:
        """Makes the state for these variables; once, before the first update.

        Raises:
            ValueError: for a second build with other variables.
        """
        wanted = list(variables)
        if self.built:
            self._check_known(wanted)
            return
        for variable in wanted:
            self._index[id(variable)] = len(self._trained)
            self._trained.append(variable)
            zeros = np.zeros_like(variable.get_value())
            self._slots.append(
                [
                    self._state(variable, name, zeros + np.asarray(value, variable.dtype))
                    for name, value in self.slot_values(variable).items()
                ]
            )
            if self.use_ema:
                self._averages.append(self._state(variable, "average", zeros))
            if self.gradient_accumulation_steps:
                self._accumulators.append(self._state(variable, "gradient_accumulator", zeros))
        self.built = True

    def _state(self, variable: Variable, name: str, value: Any) -> Variable:
        return graph.shared(value, name=f"{self.name}/{variable.name}/{name}", role="state")

    def slots(self, variable: Variable) -> list[Variable]:
        """The state that :meth:`slot_values` has named for a variable, in that order."""
        return self._slots[self._index[id(variable)]]

    @property
    def variables(self) -> list[Variable]:
        """All state: step counter, learning rate (unless it is a schedule), slots."""
        rate = [] if self._rate.schedule is not None else [self._rate.variable]
        slots = [slot for slots in self._slots for slot in slots]
        return [self.iterations, *rate, *self._averages, *self._accumulators, *slots]

    def get_weights(self) -> list[Any]:
        """The values of :attr:`variables`."""
        return [variable.get_value() for variable in self.variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the values of :attr:`variables`.

        Raises:
            ValueError: if their number or shapes do not fit.
        """
        if len(weights) != len(self.variables):
            raise ValueError(
                f"[{type(self).__name__}] expected {len(self.variables)} arrays of state, "
                f"got {len(weights)}"
            )
        for variable, value in zip(self.variables, weights, strict=True):
            if tuple(np.shape(value)) != tuple(variable.shape):
                raise ValueError(
                    f"[{type(self).__name__}] expected shape {tuple(variable.shape)} for "
                    f"{variable.name}, got {np.shape(value)}"
                )
        for variable, value in zip(self.variables, weights, strict=True):
            variable.set_value(np.asarray(value, variable.dtype))

    def _check_known(self, variables: Iterable[Variable]) -> None:
        for variable in variables:
            if id(variable) not in self._index:
                raise ValueError(
                    f"[{type(self).__name__}] was built for other variables than "
                    f"{variable.name!r}; a model of its own needs an optimizer of its own"
                )

    @property
    def learning_rate(self) -> Any:
        """The rate: a Variable that can be set at any time, or a schedule's present value."""
        return self._rate.value()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._rate.assign(value)

    @property
    def revision(self) -> int:
        """Rises when a program that was compiled with this optimizer is no longer right."""
        return self._rate.revision

    @property
    def lr(self) -> Any:
        """The old name of :attr:`learning_rate`."""
        warnings.warn("'lr' is called 'learning_rate' now", DeprecationWarning, stacklevel=2)
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        warnings.warn("'lr' is called 'learning_rate' now", DeprecationWarning, stacklevel=2)
        self.learning_rate = value

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Says which variables do not decay.

        Args:
            var_list: these.
            var_names: and those whose name contains one of these strings, as "bias".

        Raises:
            ValueError: after the optimizer was built.
        """
        if self.built:
            raise ValueError(
                f"[{type(self).__name__}] exclude_from_weight_decay() has to come before build()"
            )
        names = list(var_names or ())
        pattern = re.compile("|".join(names)) if names else None
        self._undecayed = (list(var_list or ()), pattern)

    def _decay_of(self, variable: Variable) -> float:
        excluded, pattern = self._undecayed
        if self.weight_decay is None or any(variable is other for other in excluded):
            return 0.0
        return 0.0 if pattern and pattern.search(variable.name or "") else self.weight_decay

    def updates(self, grads: Sequence[Any], variables: Sequence[Variable]) -> OptimizerPlan:
        """What a training program has to run for these symbolic gradients.

        Args:
            grads: a tensor for each variable; None where there is no gradient (with a warning).
            variables: all or some of those the optimizer is built for.

        Raises:
            ValueError: if no variable has a gradient, or the numbers do not fit.
        """
        if len(grads) != len(variables):
            raise ValueError(
                f"[{type(self).__name__}] expected a gradient for each of {len(variables)} "
                f"variables, got {len(grads)}"
            )
        self.build(variables)
        found = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
        missing = [v.name for g, v in zip(grads, variables, strict=True) if g is None]
        if not found:
            raise ValueError(
                f"[{type(self).__name__}] no variable has a gradient: the loss depends on none"
            )
        if missing:
            warnings.warn(f"the loss does not depend on {missing}", UserWarning, stacklevel=2)
        gradients = [ops.cast(g, v.dtype) if g.dtype != v.dtype else g for g, v in found]
        trained = [v for _, v in found]
        every = self.gradient_accumulation_steps or 1
        step_updates: list[Pair] = []
        effects: list[Any] = []
        used = gradients
        if every > 1:
            sums = [self._accumulators[self._index[id(v)]] for v in trained]
            step_updates = [(a, a + g) for a, g in zip(sums, gradients, strict=True)]
            effects = [(a, ops.zeros_like(a)) for a in sums]
            used = [a / float(every) for a in sums]
        done = self._updates_done()
        clipped = self._clip(used)
        for dtype in dict.fromkeys(v.dtype for v in trained):
            chosen = [i for i, v in enumerate(trained) if v.dtype == dtype]
            effects += self._effects(
                [clipped[i] for i in chosen], [trained[i] for i in chosen], done
            )
        return OptimizerPlan(gradients, step_updates, effects, self._after(trained, done), every)

    def _updates_done(self) -> Any:
        every = self.gradient_accumulation_steps
        return ops.floor_divide(self.iterations, every) if every else self.iterations

    def _clip(self, grads: list[Any]) -> list[Any]:
        if self.clipnorm:
            return clip_each(grads, self.clipnorm)
        if self.global_clipnorm:
            return clip_together(grads, self.global_clipnorm)
        if self.clipvalue:
            return clip_values(grads, self.clipvalue)
        return grads

    def _after(self, trained: Sequence[Variable], done: Any) -> list[Pair]:
        """Averages, constraints and the counter."""
        pairs: list[Pair] = [(self.iterations, self.iterations + 1)]
        new: dict[int, Any] = {id(v): v for v in trained}
        if self.use_ema:
            # The first update fills the averages, which start at 0.
            momentum = ops.cast(ops.not_equal(done, 0), "float64") * self.ema_momentum
            for variable, average in zip(self._trained, self._averages, strict=True):
                keep = ops.cast(momentum, variable.dtype)
                mean = keep * average + (1.0 - keep) * variable
                pairs.append((average, mean))
                if self.ema_overwrite_frequency:
                    due = ops.equal(ops.mod(done + 1, self.ema_overwrite_frequency), 0)
                    new[id(variable)] = ops.where(due, mean, variable)
        for variable in self._trained:
            value = new.get(id(variable), variable)
            constraint = getattr(variable, "constraint", None)
            if constraint is not None and id(variable) in {id(v) for v in trained}:
                value = constraint(value)
            if value is not variable:
                pairs.append((variable, value))
        return pairs

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> int:
        """One step with given gradients, outside of a model.

        Args:
            grads_and_vars: pairs of an array and the variable it is the gradient of.

        Returns:
            The number of steps done.

        Raises:
            ValueError: if a gradient's shape is not its variable's.
        """
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return int(self.iterations.get_value())

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None
    ) -> None:
        """One step with given gradients, for the variables given or built for.

        Raises:
            ValueError: without variables before the optimizer is built, or for a gradient of the
                wrong shape.
        """
        if trainable_variables is None and not self.built:
            raise ValueError(
                f"[{type(self).__name__}] expected variables: it is not built yet, "
                "so it does not know them"
            )
        variables = list(self._trained if trainable_variables is None else trainable_variables)
        arrays = as_arrays(grads, variables, type(self).__name__)
        self.build(variables)
        key = (self.revision, *((id(v), a is None) for v, a in zip(variables, arrays, strict=True)))
        if key not in self._compiled:
            self._compiled[key] = CompiledStep(self, arrays, variables)
        self._compiled[key](arrays)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """After training: with ``use_ema``, the averages replace the weights."""
        if self.use_ema:
            for variable in var_list:
                average = self._averages[self._index[id(variable)]]
                variable.set_value(average.get_value())

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this optimizer again, without its state."""
        return {
            "name": self.name,
            "learning_rate": self._rate.config(),
            **{name: getattr(self, name) for name in DEFAULTS},
        }

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Optimizer:
        """Makes the optimizer from what :meth:`get_config` gave."""
        settings = dict(config)
        rate = settings.get("learning_rate")
        if isinstance(rate, Mapping):
            settings["learning_rate"] = schedules.deserialize(rate, custom_objects)
        return cls(**settings)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}, {len(self._trained)} variables>"
