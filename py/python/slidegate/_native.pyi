"""The engine behind the package ``slidegate``; import that instead."""

import os
from typing import Final, Literal, SupportsFloat, SupportsIndex, final

__all__ = [
    "MAX_ENDPOINT_BYTES",
    "PROBLEM_MEDIA_TYPE",
    "Decision",
    "Limiter",
    "ManualClock",
    "Policy",
    "__version__",
]

__version__: Final[str]

MAX_ENDPOINT_BYTES: Final[int]
"""The longest endpoint text, in bytes of UTF-8."""

PROBLEM_MEDIA_TYPE: Final[str]
"""The media type of ``Decision.problem_json``."""

@final
class Policy:
    """A validated policy: what is limited, and how much.

    Immutable; share one between threads and limiters as you like. Made by
    ``from_file`` or ``from_toml``.
    """

    @staticmethod
    def from_file(path: str | os.PathLike[str]) -> Policy:
        """Reads a policy from a TOML file of at most 8 MiB.

        Raises the OSError that opening or reading it met (FileNotFoundError,
        PermissionError, …), or PolicyError with every mistake in the text.
        """

    @staticmethod
    def from_toml(text: str) -> Policy:
        """Reads a policy from TOML text of at most 8 MiB.

        Raises PolicyError with every mistake in the text.
        """

@final
class ManualClock:
    """A clock that stands still until it is told to move.

    ``unix`` is its wall time at the origin, in Unix seconds: an int is exact, a
    float is taken to the nearest nanosecond. Negative, infinite or too large
    (beyond the year 2262) is a ValueError. Wall time moves in step with elapsed
    time. Every method may be called from any thread at once.
    """

    def __new__(cls, unix: SupportsFloat | SupportsIndex = 0.0) -> ManualClock: ...
    @staticmethod
    def from_unix_ns(unix_ns: SupportsIndex) -> ManualClock:
        """A clock at its origin whose wall time is a whole number of nanoseconds.

        Raises ValueError for a negative number or one above 2**64 - 1.
        """

    def advance(self, seconds: SupportsFloat | SupportsIndex) -> None:
        """Moves the clock by ``seconds``, to the nearest whole microsecond.

        That is the engine's tick: advancing by a decision's ``retry_after``
        lands exactly on the instant at which the request is admitted. A negative
        number steps back, at most to the origin. Raises ValueError for nan, an
        infinity, or a number out of range.
        """

    def advance_ns(self, nanoseconds: SupportsIndex) -> None:
        """Moves the clock by whole nanoseconds.

        A negative number steps back, at most to the origin.
        """

    def set_elapsed_ns(self, elapsed_ns: SupportsIndex) -> None:
        """Sets the time elapsed since the origin, in nanoseconds.

        Raises ValueError for a negative number or one above 2**64 - 1.
        """

    @property
    def elapsed_ns(self) -> int:
        """Nanoseconds elapsed since the origin."""

    @property
    def unix(self) -> float:
        """The wall time now, in Unix seconds; ``unix_ns`` is exact."""

    @property
    def unix_ns(self) -> int:
        """The wall time now, in Unix nanoseconds."""

@final
class Limiter:
    """An exact sliding-window rate limiter.

    ``max_keys`` is how many keys (a rule and a merchant each, with an admission
    in the rule's longest window) it must be able to hold at once; each reserves
    33 KiB of address space and uses memory only from its first admission on.
    ``on_full`` says what becomes of a request whose key finds no room: "deny"
    refuses it, "admit" lets it through uncounted. ``clock`` is a ManualClock, or
    None for the machine's own.

    Raises ValueError for another ``on_full`` or a negative ``max_keys``,
    MemoryError where address space is refused.

    Every method may be called from any thread at once; none blocks, and there is
    no background thread. A process that forks gets a limiter of its own in each
    child: it begins with the parent's counts, and from then on each counts for
    itself.
    """

    def __new__(
        cls,
        policy: Policy,
        *,
        max_keys: SupportsIndex = 262_144,
        on_full: Literal["deny", "admit"] = "deny",
        clock: ManualClock | None = None,
    ) -> Limiter: ...
    def allow(
        self, merchant: str | bytes, endpoint: str = "", *, cost: SupportsIndex = 1
    ) -> bool:
        """As ``check``, but answers only whether the request may proceed.

        It is faster.
        """

    def check(
        self, merchant: str | bytes, endpoint: str = "", *, cost: SupportsIndex = 1
    ) -> Decision:
        """Decides a request and, if it is admitted, charges it.

        ``cost`` units (1 to 2**32 - 1) go to every rule that governs the request:
        all or none. ``merchant`` is 1 to 1,024 opaque bytes; a str stands for its
        UTF-8, so "m" and b"m" are one merchant. ``endpoint`` is a text such as
        "POST /v1/payment"; an empty one is the merchant alone, governed by the
        policy's "*" rules.

        A refusal is a Decision, not an exception. Raises RequestError, which is a
        ValueError, for a merchant, endpoint or cost that cannot be judged, and
        TypeError for a wrong type; then nothing was charged.
        """

    def peek(
        self, merchant: str | bytes, endpoint: str = "", *, cost: SupportsIndex = 1
    ) -> Decision:
        """Decides as ``check`` would, and charges nothing."""

    def swap(self, policy: Policy) -> int:
        """Puts another policy into force and returns its version.

        Histories carry over by rule name: a raised limit admits the difference at
        once, a lowered one counts what was admitted before. A check that began
        before the swap may still decide under the old policy; every decision says
        which version it used.

        Raises RuntimeError after 65,536 different rule names; the old policy then
        stays in force.
        """

    def keys(self) -> int:
        """How many keys (a rule and a merchant each) the table holds.

        Idle ones are included. It walks the whole table: for monitoring, not for
        every request.
        """

    @property
    def policy_version(self) -> int:
        """The version of the policy in force; the first is 1."""

    @property
    def untracked(self) -> int:
        """How many requests found no room for their key so far."""

@final
class Decision:
    """The answer to one check or peek. Immutable.

    It describes one window, the binding one: when denied, the window with the
    latest retry instant; when allowed, the window with the least remaining.
    ``rule``, ``limit``, ``remaining``, ``window`` and ``reset_at`` are None where
    no window was consulted (exempt, unmatched, untracked).

    ``bool(decision)`` is ``decision.allowed``. Two decisions are equal if all
    they say is equal.
    """

    @property
    def outcome(
        self,
    ) -> Literal["allowed", "denied", "exempt", "unmatched", "untracked", "never"]:
        """How the request was decided.

        "untracked": the table is full; "never": the cost exceeds a limit.
        """

    @property
    def allowed(self) -> bool:
        """Whether the request may proceed."""

    @property
    def rule(self) -> str | None:
        """The name of the rule that the binding window belongs to."""

    @property
    def limit(self) -> int | None:
        """Units that the binding window admits per length."""

    @property
    def remaining(self) -> int | None:
        """Units left in the binding window.

        After the charge when a check admitted, as they stand otherwise.
        """

    @property
    def window(self) -> str | None:
        """The binding window as a policy writes it, such as "100/min"."""

    @property
    def window_ns(self) -> int | None:
        """The length of the binding window in nanoseconds."""

    @property
    def retry_after(self) -> float | None:
        """Seconds until this same request would be admitted if nothing else came.

        Rounded up to whole microseconds; None unless denied.
        """

    @property
    def retry_after_ns(self) -> int | None:
        """As ``retry_after``, in nanoseconds and exact."""

    @property
    def reset_at(self) -> int | None:
        """Unix time in whole seconds, rounded up, at which the window resets.

        Of the retry instant when denied, else of the moment when the window's
        oldest live unit expires.
        """

    @property
    def reset_at_ns(self) -> int | None:
        """As ``reset_at``, in nanoseconds and exact."""

    @property
    def policy_version(self) -> int:
        """The version of the policy that decided."""

    def headers(self) -> list[tuple[str, str]]:
        """The response headers as (name, value).

        X-RateLimit-Limit, -Remaining and -Reset, then Retry-After (whole seconds,
        rounded up, at least 1) when denied. Empty where no window was consulted.
        """

    def http_status(self) -> int | None:
        """The HTTP status for a refusal; None when allowed.

        429 when denied or never, 503 when untracked, 403 when unmatched.
        """

    def problem_json(self) -> str:
        """The RFC 9457 body for a refusal, the same text as in Rust.

        Its media type is ``PROBLEM_MEDIA_TYPE``. A denial has the integer
        "retryAfter", equal to the Retry-After header.
        """

    def __bool__(self) -> bool:
        """Whether the request may proceed."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
