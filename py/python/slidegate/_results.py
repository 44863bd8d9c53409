"""The results that are plain data; the native module makes them.

They are dataclasses, so that ``dataclasses.asdict`` turns them into what a
monitoring system takes.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KeyCounters", "KeyUsage", "RuleUsage", "Window"]


@dataclass(frozen=True, slots=True)
class Window:
    """How a merchant stands in one window of a rule."""

    rule: str
    """The name of the rule that the window belongs to."""
    window: str
    """The window as a policy writes it, such as "100/min"."""
    window_ns: int
    """Its length in nanoseconds."""
    limit: int
    """Units that it admits per length."""
    live: int
    """Units that count in it: with the charge when a check admitted, as they
    stand otherwise."""
    remaining: int
    """Units that it still admits."""
    blocks: bool
    """Whether it holds the request back."""
    retry_after_ns: int
    """Nanoseconds until it does so no more if nothing else comes; 0 unless it
    blocks."""
    reset_at_ns: int
    """Unix time in nanoseconds: of that instant for a window that blocks, else of
    the moment when its oldest live unit expires; now if it is empty. The wall clock
    is read for each window by itself."""


@dataclass(frozen=True, slots=True)
class RuleUsage:
    """What became of the requests that a rule governed, since the limiter was made.

    A request of several rules is counted by each of them if it was admitted, and
    by those that denied it if it was denied. The numbers are summed while others
    count: those of requests are right for some moment of the call, `units` may hold a
    part of a request that is counted meanwhile.
    """

    admitted: int
    """Requests admitted and charged."""
    units: int
    """Units charged; refunds are not subtracted."""
    denied: int
    """Requests denied because a window of this rule was full."""
    untracked: int
    """Requests whose key found no room."""


@dataclass(frozen=True, slots=True)
class KeyCounters:
    """Statistics of one key since it got its place in the table.

    It loses the place when it was idle for longer than the longest window. Requests
    that race with its first one may be missing.
    """

    admitted: int
    """Requests admitted."""
    denied: int
    """Requests denied because a window of this key was full."""
    peak: int
    """The most units that counted at once in the window that was tightest."""


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """How much a key, one rule of one merchant, uses at the moment."""

    rule: str
    """The rule's name."""
    merchant: bytes
    """The merchant; empty for a rule with ``per = "all"``."""
    windows: tuple[Window, ...]
    """How each window of the rule stands."""
    counters: KeyCounters | None
    """Statistics of the key; None unless the limiter has ``key_counters``."""

    @property
    def utilisation(self) -> float:
        """The used part of the window that is used most.

        0 is unused, 1 full; more where a limit was lowered.
        """
        return max((w.live / w.limit for w in self.windows), default=0.0)


# Where users find them, and what a traceback shows.
for _class in (KeyCounters, KeyUsage, RuleUsage, Window):
    _class.__module__ = "slidegate"
del _class
