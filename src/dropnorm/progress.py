"""Progress with time left: a live bar in a terminal, a line now and then in a log."""

import time
from collections import deque
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
LINES_BACK = 4  # time left is reckoned from the pace since so many lines ago: steps of one run can differ in cost


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
        now = time.monotonic()
        self._next_line = now + LOG_EVERY
        self._marks = deque([(now, self._first)], maxlen=LINES_BACK)
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def update(self, step: int) -> None:
        if self._bar:
            self._bar.update(self._task, completed=step)
        elif time.monotonic() >= self._next_line and step > self._marks[-1][1]:
            self._next_line += LOG_EVERY
            self._line(step)

    def _line(self, step: int) -> None:
        now = time.monotonic()
        then, step_then = self._marks[0]
        self._marks.append((now, step))
        left = timedelta(seconds=round((now - then) / (step - step_then) * (self.total - step)))
        self.console.print(f"{self.label}: step {step:,} of {self.total:,}, {left} left", highlight=False)
