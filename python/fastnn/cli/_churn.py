"""``fastnn churn``: the bank-customer classifier."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn._figure import figure_class
from fastnn.cli import _arguments
from fastnn.datasets import load_churn, make_churn
from fastnn.layers import Dense
from fastnn.models import Sequential
from fastnn.plotting import plot_history
from fastnn.preprocessing import churn_encoder, confusion_matrix, train_test_split
from fastnn.utils import set_random_seed

NEW_CUSTOMER = {
    "Geography": "Spain",
    "CreditScore": 500,
    "Gender": "Female",
    "Age": 40,
    "Tenure": 3,
    "Balance": 50_000,
    "NumOfProducts": 2,
    "HasCrCard": 1,
    "IsActiveMember": 1,
    "EstimatedSalary": 40_000,
}


def add_command(commands: Any) -> None:
    """Adds the command to argparse's subparsers."""
    churn = _arguments.add(
        commands,
        "churn",
        "train the bank-customer classifier and report on it",
        "Trains an 11-6-6-1 network to tell which customers leave a bank, on four fifths of the"
        " customers, and reports loss, accuracy and confusion matrix on the rest.",
    )
    add = churn.add_argument
    add(
        "--data",
        type=Path,
        metavar="CSV",
        default=argparse.SUPPRESS,
        help="Churn_Modelling.csv (default: 10000 customers made like those of that file)",
    )
    add("--epochs", type=_arguments.positive, default=50, metavar="N", help="passes over the rows")
    add("--batch-size", type=_arguments.positive, default=10, metavar="N", help="rows of an update")
    add(
        "--seed",
        type=_arguments.seed,
        default=0,
        metavar="N",
        help="of the split, the weights, the order",
    )
    add(
        "--initializer",
        default="glorot_uniform",
        metavar="NAME",
        help="of the weights; 'uniform' starts small and learns more slowly",
    )
    add(
        "--plot",
        type=Path,
        metavar="FILE.png",
        default=argparse.SUPPRESS,
        help="draw loss and accuracy over the epochs (needs matplotlib)",
    )
    add(
        "--verbose",
        choices=["auto", "0", "1", "2"],
        default="auto",
        help="progress: 0 none, 1 a bar, 2 a line an epoch",
    )
    churn.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    plot = getattr(arguments, "plot", None)
    data = getattr(arguments, "data", None)
    if plot is not None:
        figure_class()
        _arguments.require_writable(plot)
    table = make_churn() if data is None else load_churn(data)
    train, test = train_test_split(table, test_size=0.2, random_state=arguments.seed)
    encoder = churn_encoder().fit(train)
    x_train, x_test = encoder.transform(train), encoder.transform(test)
    newcomer = encoder.transform(NEW_CUSTOMER)
    set_random_seed(arguments.seed)
    model = _classifier(x_train.shape[1], arguments.initializer)
    source = "made like Churn_Modelling.csv" if data is None else f"of {data}"
    print(f"{len(x_train) + len(x_test)} customers {source}: ", end="")
    print(f"{len(x_train)} to train on, {len(x_test)} to test on")
    verbose = arguments.verbose if arguments.verbose == "auto" else int(arguments.verbose)
    start = time.perf_counter()
    history = model.fit(
        x_train,
        train["Exited"],
        batch_size=arguments.batch_size,
        epochs=arguments.epochs,
        verbose=verbose,
    ).history
    seconds = time.perf_counter() - start
    steps = arguments.epochs * -(-len(x_train) // arguments.batch_size)
    print(f"\n{steps} steps in {seconds:.2f} s, {1e6 * seconds / steps:.2f} µs a step")
    _report(model, history, x_test, test["Exited"], newcomer)
    if plot is not None:
        plot_history(history, plot)
        print(f"\nCurves of loss and accuracy: {plot}")


def _classifier(features: int, initializer: str) -> Any:
    model = Sequential()
    model.add(Dense(6, kernel_initializer=initializer, activation="relu", input_dim=features))
    model.add(Dense(6, kernel_initializer=initializer, activation="relu"))
    model.add(Dense(1, kernel_initializer=initializer, activation="sigmoid"))
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def _report(
    model: Any,
    history: dict[str, list[float]],
    x_test: NDArray[np.float64],
    y_test: NDArray[np.int64],
    newcomer: NDArray[np.float64],
) -> None:
    tested = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
    print("\n              loss   accuracy")
    print(f"training    {history['loss'][-1]:.4f}     {history['accuracy'][-1]:.4f}")
    print(f"test        {tested['loss']:.4f}     {tested['accuracy']:.4f}")
    leaves = model.predict(x_test, verbose=0) > 0.5
    counts = confusion_matrix(y_test, leaves, labels=[0, 1])
    print("\nConfusion matrix, test customers")
    print(f"{'':14}{'predicted to stay':>19}{'predicted to leave':>20}")
    for name, row in zip(("stayed", "left"), counts, strict=True):
        print(f"{name:14}{row[0]:19}{row[1]:20}")
    probability = float(model.predict(newcomer, verbose=0)[0, 0])
    print("\nA new customer: " + ", ".join(f"{k} {v}" for k, v in NEW_CUSTOMER.items()))
    print(f"leaves with probability {probability:.4f}: predicted to", end=" ")
    print("leave" if probability > 0.5 else "stay")
