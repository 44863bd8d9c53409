"""The exceptions of this package; the native module raises them too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

__all__ = [
    "IncompatiblePolicyError",
    "Mistake",
    "PolicyError",
    "ReceiptError",
    "RequestError",
]


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


class IncompatiblePolicyError(PolicyError):
    """A valid policy that this limiter cannot put into force."""

    code: Literal["precision", "limit_too_large"]
    """Why: a rule keeps its precision, and a bucketed rule the lengths of its
    windows, for the life of a limiter; or an exact limit is above ``max_limit``."""

    rule: str
    """The rule's name."""

    def __init__(
        self, message: str, code: Literal["precision", "limit_too_large"], rule: str
    ) -> None:
        """Takes the message, its code and the rule."""
        super().__init__(message)
        self.args = (message, code, rule)
        self.code = code
        self.rule = rule

    def __str__(self) -> str:
        """The message alone."""
        return str(self.args[0])


class RequestError(ValueError):
    """A request that a limiter cannot judge; nothing was charged."""

    code: Literal[
        "invalid_merchant", "invalid_cost", "invalid_endpoint", "unknown_rule"
    ]
    """Which part of the request it was; the same words in every language."""

    index: int | None
    """Which item of ``check_many`` it was, from 0; None for another call."""

    def __init__(
        self,
        message: str,
        code: Literal[
            "invalid_merchant", "invalid_cost", "invalid_endpoint", "unknown_rule"
        ],
        index: int | None = None,
    ) -> None:
        """Takes the message, its code and the item."""
        # All go to the base, so that the error survives pickling.
        super().__init__(message, code, index)
        self.code = code
        self.index = index

    def __str__(self) -> str:
        """The message alone."""
        return str(self.args[0])


class ReceiptError(ValueError):
    """A decision that cannot be refunded, or not by this limiter."""

    code: Literal["no_receipt", "refunded", "foreign_receipt"]
    """Why: it was not asked for with ``receipt=True``, it was refunded already,
    or another limiter made it, which may still refund it."""

    def __init__(
        self, message: str, code: Literal["no_receipt", "refunded", "foreign_receipt"]
    ) -> None:
        """Takes the message and its code."""
        super().__init__(message, code)
        self.code = code

    def __str__(self) -> str:
        """The message alone."""
        return str(self.args[0])


# Where users find them, and what a traceback shows.
for _class in (
    IncompatiblePolicyError,
    Mistake,
    PolicyError,
    ReceiptError,
    RequestError,
):
    _class.__module__ = "slidegate"
del _class
