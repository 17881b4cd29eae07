"""A pass in an order of the caller's."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import Sequential
from fastnn.layers import Dense

ROWS = np.arange(7.0)


def trained(order: list[int] | None) -> np.ndarray:
    model = Sequential([Dense(1, kernel_initializer="ones", input_dim=1)])
    model.compile("sgd", "mse")
    signature, columns = model._engine.columns(ROWS[:, None], ROWS**2)
    trainer = model._engine.step(signature, columns, True).trainer
    if order is None:
        trainer.begin(columns.arrays, 2, False, 0)
    else:
        trainer.begin_in_order(columns.arrays, 2, np.array(order), 0)
    assert trainer.run(100, 1e9) == 4
    trainer.end()
    return model.get_weights()[0]


def test_rows_come_in_the_order():
    model = Sequential([Dense(1, kernel_initializer="ones", input_dim=1)])
    model.compile("sgd", "mse")
    order = [3, 0, 6, 2, 1, 5, 4]
    for batch in ([3, 0], [6, 2], [1, 5], [4]):
        model.train_on_batch(ROWS[batch][:, None], ROWS[batch] ** 2)
    np.testing.assert_array_equal(trained(order), model.get_weights()[0])
    np.testing.assert_array_equal(trained(list(range(7))), trained(None))
    assert trained(order) != trained(None)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([0, 1, 2], "the numbers of 7 rows, got 3"),
        ([0, 1, 2, 3, 4, 5, 7], "each row from 0 to 6 once, got 7"),
        ([0, 1, 2, 3, 4, 5, -1], "each row from 0 to 6 once, got -1"),
        ([0, 1, 2, 3, 4, 5, 5], "each row from 0 to 6 once, got 5"),
        ([[0, 1, 2, 3, 4, 5, 6]], "one axis, got 2"),
    ],
)
def test_what_is_no_order_is_refused(order, message):
    with pytest.raises(ValueError, match=message):
        trained(order)


def test_some_rows_of_the_columns():
    model = Sequential([Dense(1, kernel_initializer="ones", input_dim=1)])
    model.compile("sgd", "mse")
    some = model._engine.columns(ROWS[:, None], ROWS**2)
    trainer = model._engine.step(*some, True).trainer
    trainer.begin_rows(some[1].arrays, 2, np.array([5, 1, 6, 2, 2]), 0, 7, 2)
    assert (trainer.step, trainer.row) == (7, 2)
    assert trainer.run(100, 1e9) == 2
    assert (trainer.step, trainer.row) == (9, 5)
    trainer.end()
    other = Sequential([Dense(1, kernel_initializer="ones", input_dim=1)])
    other.compile("sgd", "mse")
    for batch in ([6, 2], [2]):
        other.train_on_batch(ROWS[batch][:, None], ROWS[batch] ** 2)
    np.testing.assert_array_equal(model.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize(
    ("rows", "row", "message"),
    [
        ([], 0, "rows: expected at least one"),
        ([0, 7], 0, "rows: expected numbers from 0 to 6, got 7"),
        ([-1], 0, "rows: expected numbers from 0 to 6, got -1"),
        ([1, 2], 3, "row: expected 0 to 2, got 3"),
        ([[1, 2]], 0, "rows: expected one axis, got 2"),
    ],
)
def test_rows_that_are_not_there(rows, row, message):
    model = Sequential([Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    some = model._engine.columns(ROWS[:, None], ROWS**2)
    trainer = model._engine.step(*some, True).trainer
    with pytest.raises(ValueError, match=message):
        trainer.begin_rows(some[1].arrays, 2, np.array(rows, np.int64), 0, 0, row)
