"""The exceptions of this package; the native module raises them too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

__all__ = ["Mistake", "PolicyError", "RequestError"]


class Mistake(NamedTuple):
    """One mistake in a policy text."""

    line: int
    """Line in the text, from 1."""
    column: int
    """Column in the line, in characters, from 1."""
    field: str
    """The field, such as ``rule[0].windows[1]``; empty for a mistake of syntax."""
    message: str
    """What is wrong, and what would be right."""


class PolicyError(ValueError):
    """A policy text was refused; its message lists every mistake.

    A file that cannot be opened or read is an ``OSError`` instead.
    """

    mistakes: list[Mistake]
    """Every mistake in the order of its place; empty for a file that is not UTF-8."""

    def __init__(
        self, message: str, mistakes: Iterable[tuple[int, int, str, str]] = ()
    ) -> None:
        """Takes the whole message, and the mistakes that it lists."""
        super().__init__(message)
        self.mistakes = [Mistake(*mistake) for mistake in mistakes]


class RequestError(ValueError):
    """A request that a limiter cannot judge; nothing was charged."""

    code: Literal["invalid_merchant", "invalid_cost", "invalid_endpoint"]
    """Which part of the request it was; the same words in every language."""

    def __init__(
        self,
        message: str,
        code: Literal["invalid_merchant", "invalid_cost", "invalid_endpoint"],
    ) -> None:
        """Takes the message and its code."""
        # Both go to the base, so that the error survives pickling.
        super().__init__(message, code)
        self.code = code

    def __str__(self) -> str:
        """The message alone."""
        return str(self.args[0])


# Where users find them, and what a traceback shows.
for _class in (Mistake, PolicyError, RequestError):
    _class.__module__ = "slidegate"
del _class
