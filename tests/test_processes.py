"""Models and the life of the process they are in: forks, the interpreter's end, its memory."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

from fastnn import ops
from fastnn.layers import Dense
from fastnn.models import Model, Sequential

X = np.random.default_rng(0).normal(size=(2000, 8)).astype("float32")


def network(units: int = 64) -> Sequential:
    model = Sequential([Dense(units, activation="relu", input_dim=8), Dense(1)])
    model.compile("sgd", "mse")
    return model


def exit_code(code: str) -> int:
    """Of another Python that runs this."""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert not ran.stderr, ran.stderr.decode()
    return ran.returncode


def status_of_child(work) -> int:
    """The exit status of a forked child that does some work; SIGALRM where it hangs."""
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_uses_models_that_threads_of_its_parent_were_using():
    trained, asked = network(), network()
    over = threading.Event()

    def train():
        while not over.is_set():
            trained.fit(X, X[:, :1], batch_size=8, verbose=0)

    def ask():
        while not over.is_set():
            asked.predict(X, verbose=0, batch_size=8)

    def use_both():
        for model in (trained, asked):
            model.predict(X[:9], verbose=0)
            model.fit(X[:40], X[:40, :1], verbose=0)
        network().fit(X[:40], X[:40, :1], verbose=0)

    threads = [threading.Thread(target=work) for work in (train, ask)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.05)
        statuses = [status_of_child(use_both) for _ in range(8)]
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert statuses == [0] * 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_callback_may_fork_and_both_go_on():
    from fastnn.callbacks import LambdaCallback

    children = []

    def fork(epoch, logs):
        if epoch == 0:
            children.append(os.fork())

    model = network()
    try:
        model.fit(
            X[:40], X[:40, :1], epochs=3, verbose=0, callbacks=[LambdaCallback(on_epoch_end=fork)]
        )
        model.fit(X[:40], X[:40, :1], verbose=0)
    except BaseException:
        if children == [0]:
            os._exit(1)
        raise
    if children == [0]:
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0


@pytest.mark.parametrize(
    "work",
    [
        "made().fit(x, x[:, :1], epochs=10**6, verbose=0)",
        "[model.predict(x, verbose=0) for _ in range(10**6)]",
        "[fastnn.ops.tanh(x) for _ in range(10**6)]",
    ],
)
def test_python_ends_while_daemon_threads_compute(work):
    assert exit_code(f"""
import threading, time
import numpy as np
import fastnn
x = np.ones((20000, 8), "float32")
def made():
    model = fastnn.Sequential([fastnn.layers.Dense(64), fastnn.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model
model = made()
for _ in range(2):
    threading.Thread(target=lambda: {work}, daemon=True).start()
time.sleep(0.3)
""") == 0  # fmt: skip


def test_models_that_were_never_used_are_freed():
    model = Sequential([Dense(9, input_dim=8), Dense(1)])
    model.add(Dense(2))
    kernels = [weakref.ref(layer.kernel) for layer in model.layers]
    del model
    gc.collect()
    assert [kernel() for kernel in kernels] == [None] * 3


def test_a_model_is_kept_compiled_for_the_last_kinds_of_inputs_only():
    class Mean(Model):
        def __init__(self):
            super().__init__()
            self.out = Dense(1)

        def call(self, inputs):
            return self.out(ops.mean(inputs, axis=1))

    model = Mean()
    first = model.predict(np.ones((2, 1, 3)), verbose=0)
    for length in range(2, 140):
        model.predict(np.ones((2, length, 3)), verbose=0)
    assert len(model._engine._signatures) == 128
    np.testing.assert_array_equal(model.predict(np.ones((2, 1, 3)), verbose=0), first)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux")
def test_making_models_again_and_again_takes_the_memory_of_a_few():
    assert exit_code("""
import gc, os
import numpy as np
import fastnn
def resident():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE")
def use():
    model = fastnn.Sequential([fastnn.Input((1000,)), fastnn.layers.Dense(1000)])  # 4 MB
    model.predict(np.ones((2, 1000)), verbose=0)
for _ in range(50):
    use()
before = resident()
for _ in range(150):
    use()
grown = (resident() - before) / 2**20
# Until they are collected, some thirty models lie about.
assert grown < 250, f"{grown:.0f} MB more after 150 models of 4 MB"
""") == 0  # fmt: skip
