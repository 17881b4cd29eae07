"""The command line: train, predict, evaluate and inspect, churn, info."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from fastnn._core import __version__
from fastnn.cli import _arguments, _churn, _evaluate, _inspect, _predict, _train

EXIT_FAILURE, EXIT_INTERRUPTED = 1, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: the arguments; default: those of the process.

    Returns:
        The exit status: 0; 1 for data or files that do not do; 130 after Ctrl-C.

    Raises:
        SystemExit: with the status 2 for wrong usage, 0 for --help and --version.
    """
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("fastnn: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader has gone; nothing is left to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    except MemoryError as error:
        print(f"fastnn: error: out of memory: {error}", file=sys.stderr)
        return EXIT_FAILURE
    except (ImportError, OSError, ValueError) as error:
        print(f"fastnn: error: {_message(error)}", file=sys.stderr)
        return EXIT_FAILURE
    return 0


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fastnn",
        description="Small and mid-size neural networks, run in C++.",
        epilog="Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"fastnn {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (_train, _predict, _evaluate, _inspect, _churn):
        module.add_command(commands)
    info = _arguments.add(commands, "info", "print version, compiler, instruction set and threads")
    info.set_defaults(run=_info)
    return parser


def _info(arguments: argparse.Namespace) -> None:
    from fastnn.config import show_config

    show_config()
