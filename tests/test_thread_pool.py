"""The thread pool: every task once, at the same place, also nested, busy, forked and crowded."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time

import pytest

from fastnn import _core
from kernels import threads

pool_job = _core.testing.pool_job


@pytest.mark.parametrize("n", [1, 2, 3, 8])
@pytest.mark.parametrize("tasks", [0, 1, 2, 3, 7, 100])
def test_every_task_runs_once(n, tasks):
    with threads(n):
        for _ in range(20):
            who, runs = pool_job(tasks)
            assert runs == [1] * tasks
            assert len(set(who)) <= min(n, max(tasks, 1))


def parts_of(tasks, n):
    """The tasks of each thread: as even as can be, the first ones larger."""
    each, rest = divmod(tasks, n)
    ends = [each * t + min(t, rest) for t in range(n + 1)]
    return list(itertools.pairwise(ends))


@pytest.mark.parametrize("n", [2, 3, 8])
def test_the_partition_is_static(n):
    with threads(n):
        for work in (0, 100, 1000):
            who, _ = pool_job(29, work=work)
            first = who[0]
            for begin, end in parts_of(29, n):
                assert len(set(who[begin:end])) == 1, "a part is one thread's"
            others = [who[begin] for begin, _ in parts_of(29, n) if who[begin] != first]
            assert len(set(others)) == len(others), "only the caller takes another's part"


def test_workers_help():
    with threads(2):
        helped = [len(set(pool_job(2, work=100_000)[0])) == 2 for _ in range(200)]
    assert any(helped)


def test_a_sleeping_worker_is_not_waited_for():
    """A part that nobody has begun is the caller's: far less time than a thread takes to wake."""

    def taken():
        time.sleep(0.001)  # the worker sleeps after 50 us
        who, runs = pool_job(2)
        assert runs == [1, 1]
        return who == [0, 0]

    with threads(2):  # often, as a busy machine may wake it while the caller is not running
        assert any(taken() for _ in range(2000))


def test_nested_work_runs_in_its_task():
    with threads(3):
        _, runs = pool_job(9, nested=True)
    assert runs == [5] * 9


def test_callers_at_the_same_time():
    wrong = []

    def work():
        for _ in range(100):
            _, runs = pool_job(40, work=100)
            if runs != [1] * 40:
                wrong.append(runs)

    with threads(4):
        callers = [threading.Thread(target=work) for _ in range(4)]
        for c in callers:
            c.start()
        for c in callers:
            c.join()
    assert not wrong


def test_a_worker_sleeps_when_there_is_no_work():
    code = (
        "import time\n"
        "from fastnn import _core\n"
        "_core.set_num_threads(2)\n"
        "_core.testing.pool_job(8)\n"
        "before = time.process_time()\n"
        "time.sleep(0.3)\n"
        "print(_core.running_workers(), time.process_time() - before)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    workers, seconds = out.stdout.split()
    assert workers == "1"
    assert float(seconds) < 0.1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.skipif(
    os.environ.get("FASTNN_SANITIZER") == "thread",
    reason="ThreadSanitizer gives up where the fork of a process with threads starts its own",
)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_starts_its_own_workers():
    with threads(3):
        pool_job(12)
        for _ in range(3):
            child = os.fork()
            if child == 0:
                idle = _core.running_workers()
                _, runs = pool_job(12)
                os._exit(
                    0 if idle == 0 and runs == [1] * 12 and _core.running_workers() == 2 else 1
                )
            assert os.waitpid(child, 0)[1] == 0
        assert pool_job(12)[1] == [1] * 12


@pytest.mark.parametrize("n", [0, -1, 1025])
def test_a_wrong_number_of_threads(n):
    with pytest.raises(ValueError, match=rf"from 1 to 1024, got {n}"):
        _core.set_num_threads(n)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"OMP_NUM_THREADS": "3"}, "3"),
        ({"OMP_NUM_THREADS": "5,2"}, "5"),
        ({"OMP_NUM_THREADS": "5", "FASTNN_NUM_THREADS": "2"}, "2"),
        ({"OMP_NUM_THREADS": "many"}, str(_core.available_cpus())),
        ({}, str(_core.available_cpus())),
        (
            {"FASTNN_NUM_THREADS": "0"},
            "FASTNN_NUM_THREADS must be a number from 1 to 1024, got '0'",
        ),
        (
            {"FASTNN_NUM_THREADS": "2x"},
            "FASTNN_NUM_THREADS must be a number from 1 to 1024, got '2x'",
        ),
    ],
)
def test_the_default_number_of_threads(environment, expected):
    code = (
        "from fastnn import _core\n"
        "try: print(_core.num_threads())\n"
        "except ValueError as e: print(e)\n"
    )
    clean = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**clean, **environment},
        check=False,
    )
    assert expected in (out.stdout + out.stderr)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_cgroup_quotas(tmp_path):
    quota = _core.testing.cgroup_quota
    assert quota(str(tmp_path)) == 0, "no cgroups"

    two = tmp_path / "v2"
    write(two / "proc/self/cgroup", "0::/outer/inner\n")
    write(two / "sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n")
    assert quota(str(two)) == 0, "no quota"
    write(two / "sys/fs/cgroup/outer/cpu.max", "150000 100000\n")
    assert quota(str(two)) == 1.5, "the quota of a group above counts"
    write(two / "sys/fs/cgroup/outer/inner/cpu.max", "50000 100000\n")
    assert quota(str(two)) == 0.5, "the smallest counts"

    one = tmp_path / "v1"
    write(one / "proc/self/cgroup", "5:memory:/host/path\n4:cpu,cpuacct:/host/path\n")
    write(one / "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
    write(one / "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    assert quota(str(one)) == 0
    write(one / "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n")
    assert quota(str(one)) == 2.5, "in a container the host's path is not there"
