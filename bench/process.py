"""A peer's process, seen from outside: it is asked, waited for, and stopped between its turns."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from bench.peers import ROOT, Peer


class PeerError(RuntimeError):
    """What a peer cannot do, or did not do in time."""


class Worker:
    """The process of a peer.

    It is stopped (SIGSTOP) while others take their turns: threads that spin would be in their way.

    Args:
        peer: the peer.
        threads: how many threads it may use; it is also bound to as many processors.

    Raises:
        PeerError: if the peer is not installed here.
    """

    def __init__(self, peer: Peer, threads: int) -> None:
        if peer.missing:
            raise PeerError(peer.missing)
        self.peer = peer
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in close
        with _bound_to(threads):
            self._process = subprocess.Popen(
                [str(peer.python), "-m", "bench.worker", peer.framework, str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                cwd=ROOT,
                env=_environment(peer, threads),
            )
        self._pending = b""
        self.version = ""

    def ready(self, timeout: float = 120.0) -> None:
        """Waits until the framework is imported.

        Raises:
            PeerError: if that fails.
        """
        if not self.version:
            self.version = str(self._answer(timeout)["version"])
            self._process.send_signal(signal.SIGSTOP)

    def ask(self, timeout: float, **request: Any) -> dict[str, Any]:
        """One request's answer.

        Raises:
            PeerError: if the peer says no, has ended, or needs longer (then it is ended).
        """
        self.ready()
        assert self._process.stdin is not None
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise PeerError(f"its process has ended: {self._last_words()}") from None
        answer = self._answer(timeout)
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGSTOP)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process.poll() is None

    def _answer(self, timeout: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        end = time.monotonic() + timeout
        while b"\n" not in self._pending:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                self.close()
                raise PeerError(f"no answer in {timeout:.0f} s")
            chunk = os.read(self._process.stdout.fileno(), 65536)
            if not chunk:
                self._process.wait()
                raise PeerError(f"its process has ended: {self._last_words()}")
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().strip().splitlines()
        return lines[-1] if lines else f"exit code {self._process.poll()}"

    def close(self) -> None:
        """Ends the process."""
        if self._process.poll() is None:
            self._process.kill()  # works on a stopped process as well
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        self._log.close()


def _environment(peer: Peer, threads: int) -> dict[str, str]:
    count = str(threads)
    environment = {
        **os.environ,
        **peer.environment,
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    if threads == 1:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    if peer.venv:
        environment.pop("PYTHONPATH", None)  # fastnn's, made for another Python perhaps
    return environment


@contextmanager
def _bound_to(threads: int) -> Iterator[None]:
    """Processes that are started inside are bound to the first processors: nobody uses more."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:threads])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
