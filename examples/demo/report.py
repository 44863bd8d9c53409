"""What the demo prints, and the count of what it checked."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.syntax import Syntax
from rich.table import Table

WIDTH = 100
TICK_S = 0.1
SAY_SO_EVERY_S = 10
TRIES = 3

T = TypeVar("T")


class Mismatch(Exception):
    """A figure is not what the documents say."""


@dataclass
class Figure:
    """One checked figure."""

    what: str
    said: str
    came: str
    holds: bool


@dataclass
class Report:
    """Prints sections and counts checks. A mismatch ends the demo at once."""

    console: Console = field(
        default_factory=lambda: Console(width=WIDTH, highlight=False, emoji=False)
    )
    passed: int = 0
    failed: int = 0
    _pending: list[Figure] = field(default_factory=list)

    def section(self, letter: str, title: str, text: str) -> None:
        self.console.print()
        self.console.rule(f"[bold]{letter} · {title}", align="left")
        self.console.print(text, style="dim", markup=False)
        self.console.print()

    def note(self, text: str) -> None:
        self.console.print(f"  {text}", style="dim", markup=False)

    def warn(self, text: str) -> None:
        self.console.print(f"  ! {text}", style="bold yellow", markup=False)

    def expect(self, what: str, came: Any, said: Any) -> None:
        """Checks that a figure is exactly what the documents say."""
        self._check(Figure(what, in_words(said), in_words(came), came == said))

    def expect_if(self, what: str, holds: bool, came: Any, said: str) -> None:
        """Checks a figure for which the documents allow more than one value."""
        self._check(Figure(what, said, in_words(came), holds))

    def _check(self, figure: Figure) -> None:
        self._pending.append(figure)
        if figure.holds:
            self.passed += 1
            return
        self.failed += 1
        self.show_checks()
        raise Mismatch(f"{figure.what}: {figure.came} instead of {figure.said}")

    def show_checks(self) -> None:
        """Prints the checks made since the last call."""
        if not self._pending:
            return
        table = Table(box=box.SIMPLE, width=WIDTH - 2, pad_edge=False)
        table.add_column("checked", ratio=5)
        table.add_column("as documented", ratio=3)
        table.add_column("came back", ratio=3)
        table.add_column("", width=5)
        for figure in self._pending:
            mark = "[green]ok" if figure.holds else "[bold red]WRONG"
            cells = (escape(text) for text in (figure.what, figure.said, figure.came))
            table.add_row(*cells, mark)
        self._pending.clear()
        self.console.print(table)

    def rows(self, headings: list[str], rows: list[list[Any]]) -> None:
        table = Table(box=box.ROUNDED, header_style="bold")
        for index, heading in enumerate(headings):
            table.add_column(heading, justify="left" if index == 0 else "right")
        for row in rows:
            table.add_row(*(escape(str(cell)) for cell in row))
        self.console.print(table)

    def json(self, title: str, body: Any) -> None:
        text = Syntax(json.dumps(body, indent=2), "json", background_color="default")
        self.console.print(Panel(text, title=title, title_align="left", width=WIDTH - 20))

    async def wait_until(self, when: float, why: str) -> None:
        """Waits for an instant of `time.monotonic`, visibly."""
        total = when - time.monotonic()
        if total < 2:
            await asyncio.sleep(max(0.0, total))
        elif self.console.is_terminal:
            await self._wait_with_bar(when, total, why)
        else:
            await self._wait_with_lines(when, why)

    async def _wait_with_bar(self, when: float, total: float, why: str) -> None:
        columns = (TextColumn("  {task.description}"), BarColumn(40), TimeRemainingColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task(why, total=total)
            while (left := when - time.monotonic()) > 0:
                progress.update(task, completed=total - left)
                await asyncio.sleep(min(TICK_S, left))

    async def _wait_with_lines(self, when: float, why: str) -> None:
        while (left := when - time.monotonic()) > 0:
            self.note(f"{why}: {left:.0f} s left")
            sys.stdout.flush()
            await asyncio.sleep(min(SAY_SO_EVERY_S, left))


def in_words(value: Any) -> str:
    """A value as a person writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "\n".join(f"{key}: {in_words(item)}" for key, item in value.items())
    if isinstance(value, set):
        return ", ".join(sorted(map(in_words, value)))
    if isinstance(value, list):
        return "\n".join(map(in_words, value))
    return str(value)


class TooSlow(Exception):
    """This machine took longer than the window that was to be shown."""

    def __init__(self, seconds: float, window_s: float) -> None:
        super().__init__(f"this machine took {seconds:.2f} s for what must fit {window_s:g} s")


def in_time(began: float, window_s: float) -> None:
    """Raises `TooSlow` if the window that began then is over."""
    seconds = time.monotonic() - began
    if seconds >= window_s:
        raise TooSlow(seconds, window_s)


async def patiently(report: Report, attempt: Callable[[int], Awaitable[T]]) -> T:
    """Repeats `attempt` where it was `TooSlow`, and says so: a burst that does
    not fit its window proves nothing, so it passes nothing."""
    for number in range(1, TRIES + 1):
        try:
            return await attempt(number)
        except TooSlow as slow:
            report.warn(f"attempt {number} of {TRIES} proves nothing: {slow}")
    raise Mismatch(f"{TRIES} attempts were too slow")
