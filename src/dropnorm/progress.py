"""Progress with time left: a live bar in a terminal, a line now and then in a log."""

import time
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LOG_EVERY = 30.0  # seconds between lines where there is no terminal


class StepProgress:
    """Follows the steps of one stack of replicas; use it as a context manager and call `update(step)` at will."""

    def __init__(self, label: str, total: int, console: Console, first: int = 0):
        """first: the step from which a resumed run goes on."""
        self.label, self.total, self.console, self._first = label, total, console, first
        self._bar = None
        if console.is_terminal:
            columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
            columns += [TextColumn("elapsed"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()]
            self._bar = Progress(*columns, console=console)
            self._task = self._bar.add_task(label, total=total, completed=first)

    def __enter__(self) -> "StepProgress":
        self._started = time.monotonic()
        self._next_line = self._started + LOG_EVERY
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def update(self, step: int) -> None:
        if self._bar:
            self._bar.update(self._task, completed=step)
        elif time.monotonic() >= self._next_line and step > self._first:
            self._next_line += LOG_EVERY
            self._line(step)

    def _line(self, step: int) -> None:
        spent, done = time.monotonic() - self._started, step - self._first
        left = timedelta(seconds=round(spent / done * (self.total - step)))
        self.console.print(f"{self.label}: step {step:,} of {self.total:,}, {left} left", highlight=False)
