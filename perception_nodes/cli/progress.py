"""Progress on the terminal, the same for every command; it goes to stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

T = TypeVar('T')

console = Console(stderr=True)
"""Where words to the user go; stdout is kept for results that other programs read."""


def _columns() -> tuple[ProgressColumn, ...]:
    return (
        SpinnerColumn(),
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn('·'),
        TimeRemainingColumn(),
        TextColumn('{task.fields[note]}'),
    )


@contextmanager
def progress_bar(description: str, total: int | None) -> Iterator[Callable[..., None]]:
    """
    Show a bar; the value yielded is ``advance(steps=1, note='')``.

    :param description: what is being done, for example ``Rendering scenes``.
    :param total: number of steps, None when nobody knows.
    """
    with Progress(*_columns(), console=console) as progress:
        task = progress.add_task(description, total=total, note='')

        def advance(steps: int = 1, note: str | None = None) -> None:
            progress.update(task, advance=steps)
            if note is not None:
                progress.update(task, note=note)

        yield advance


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """
    Yield the items one by one and show how many are done.

    :param total: number of items; taken from ``len`` where there is one.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    with progress_bar(description, total) as advance:
        for item in items:
            yield item
            advance()
