"""Nodes as child processes: started with a log each, watched, and ended cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

_TAIL_LINES = 15
# How long a node gets to end by itself after each signal, politest first.
_PATIENCE_S = {signal.SIGINT: 8.0, signal.SIGTERM: 4.0, signal.SIGKILL: 4.0}
_POLL_S = 0.05


class ChildDiedError(ValueError):
    """A process ended before it was asked to; the text holds the end of its log."""


class Child:
    """
    One node in a process of its own.

    It gets a session of its own, so that Ctrl-C in the terminal reaches only the parent, which
    then ends its children one by one, in order.

    :param name: in messages, and of the log file.
    :param module: run as ``python -m``.
    :param arguments: after the module.
    :param environment: complete environment of the process.
    :param log_folder: gets ``<name>.log``.
    """

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        log_folder: Path,
    ) -> None:
        self.name = name
        self.log = log_folder / f'{name}.log'
        self._is_asked = False
        self.command = (sys.executable, '-m', module, *arguments)
        log_folder.mkdir(parents=True, exist_ok=True)
        with self.log.open('wb') as output:
            self._process = subprocess.Popen(
                self.command,
                env={**environment, 'PYTHONUNBUFFERED': '1'},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def check(self) -> None:
        """
        Raise when the process ended without being asked to.

        :raises ChildDiedError: with its exit code and the end of its log.
        """
        if self.exit_code is not None and not self._is_asked:
            raise ChildDiedError(
                f'{self.name} ended with code {self.exit_code}; the end of {self.log}:\n'
                f'{self.log_tail()}'
            )

    def log_tail(self, lines: int = _TAIL_LINES) -> str:
        """Return the last lines of the log."""
        text = self.log.read_text(encoding='utf-8', errors='replace')
        return '\n'.join(text.splitlines()[-lines:]) or '(the log is empty)'

    def stop(self) -> int:
        """
        End the process, by SIGINT first and by force at last; may be called twice.

        :returns: its exit code, negative for the signal that ended it.
        """
        self._is_asked = self._is_asked or self.exit_code is None
        for number, patience_s in _PATIENCE_S.items():
            if self.exit_code is not None:
                break
            os.killpg(self._process.pid, number)
            self._wait(patience_s)
        return self._process.wait()

    def _wait(self, patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        while self.exit_code is None and time.monotonic() < deadline:
            time.sleep(_POLL_S)


class Children:
    """Processes that end together; use it as a context manager."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def add(self, child: Child) -> Child:
        """Watch a further process and return it."""
        self._children.append(child)
        return child

    def check(self) -> None:
        """Raise :class:`ChildDiedError` when one of them is gone."""
        for child in self._children:
            child.check()

    def stop(self) -> dict[str, int]:
        """End all, the last one first, and return the exit codes by name."""
        return {child.name: child.stop() for child in reversed(self._children)}

    def __enter__(self) -> Children:
        """Return the group itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all, whatever happened."""
        self.stop()
