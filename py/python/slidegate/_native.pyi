"""The engine behind the package ``slidegate``; import that instead."""

import os
from collections.abc import Iterable, Iterator
from typing import Final, Literal, SupportsFloat, SupportsIndex, final

from slidegate._results import KeyUsage, RuleUsage, Window

__all__ = [
    "MAX_ENDPOINT_BYTES",
    "PROBLEM_MEDIA_TYPE",
    "Decision",
    "Key",
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

    ``max_keys`` is how many keys (a rule and a merchant each, with an admission in
    the longest window of any rule of the same precision) it must be able to hold at
    once; 0 is the smallest table, 16 keys. Bucketed rules have a table of their own,
    of the same number. Each key reserves 99 KiB of address space, and 117 KiB more
    from the first policy with a bucketed rule on; it uses memory only from its first
    admission on. ``max_limit`` is the largest limit of an exact window in any policy
    of its life, at most 2,048; a smaller one reserves less address space for the keys
    of exact rules, and lowers the ceiling of ``refund``, to twice this limit or
    somewhat more.

    ``on_full`` says what becomes of a request whose key finds no room: "deny"
    refuses it, "admit" lets it through uncounted, "overflow" counts it in a pool
    that all keys without room of its rule share, and that no reset touches; it is
    then "allowed" or "denied", with ``untracked``. ``names`` keeps merchants' names
    for ``usage`` and ``top``; ``key_counters`` counts each key's requests.
    ``clock`` is a ManualClock, or None for the machine's own.

    Raises ValueError for another ``on_full``, or a ``max_keys`` or ``max_limit``
    out of range, IncompatiblePolicyError for a policy with a larger limit,
    MemoryError where address space is refused.

    Every method may be called from any thread at once; no check blocks but where it
    loads the policy anew, as a thread's first call and its first after a swap do,
    and there is no background thread. A process that forks gets a limiter of its own
    in each child: it begins with the parent's counts, and from then on each counts
    for itself.
    """

    def __new__(
        cls,
        policy: Policy,
        *,
        max_keys: SupportsIndex = 262_144,
        max_limit: SupportsIndex = 2_048,
        on_full: Literal["deny", "admit", "overflow"] = "deny",
        names: bool = True,
        key_counters: bool = False,
        clock: ManualClock | None = None,
    ) -> Limiter: ...
    def allow(
        self, merchant: str | bytes, endpoint: str = "", *, cost: SupportsIndex = 1
    ) -> bool:
        """As ``check``, but answers only whether the request may proceed.

        It is faster.
        """

    def check(
        self,
        merchant: str | bytes,
        endpoint: str = "",
        *,
        cost: SupportsIndex = 1,
        receipt: bool = False,
        windows: bool = False,
    ) -> Decision:
        """Decides a request and, if it is admitted, charges it.

        ``cost`` units (1 to 2**32 - 1) go to every rule that governs the request:
        all or none. ``merchant`` is 1 to 1,024 opaque bytes; a str stands for its
        UTF-8, so "m" and b"m" are one merchant. ``endpoint`` is a text such as
        "POST /v1/payment"; an empty one is the merchant alone, governed by the
        policy's "*" rules.

        With ``receipt`` the decision can be given to ``refund``, once. With
        ``windows`` its ``windows`` say how every governing window stands. One
        call gives the one or the other: both are a ValueError.

        A refusal is a Decision, not an exception. Raises RequestError, which is a
        ValueError, for a merchant, endpoint or cost that cannot be judged, and
        TypeError for a wrong type; then nothing was charged. Raises RuntimeError
        where the state contradicts itself, because something else wrote to its
        memory, or where other threads were faster a million times in a row; what
        was charged before was lent back. One alone may be such a race; if it comes
        again for one key, make a new limiter.
        """

    def peek(
        self,
        merchant: str | bytes,
        endpoint: str = "",
        *,
        cost: SupportsIndex = 1,
        windows: bool = False,
    ) -> Decision:
        """Decides as ``check`` would, and charges nothing."""

    def check_many(
        self,
        items: Iterable[
            tuple[str | bytes, str] | tuple[str | bytes, str, SupportsIndex]
        ],
    ) -> list[Decision]:
        """Decides many requests in their order, and returns their decisions.

        ``items`` are tuples (merchant, endpoint) or (merchant, endpoint, cost), as
        ``check`` takes them. The clock is read once, and all are decided under one
        policy, so the answers are those of one check after the other at one
        instant: a denial charges nothing and the others count.

        All items are looked at first: one that cannot be judged raises TypeError,
        ValueError or RequestError (with its ``index``), and nothing was charged.
        If a swap meanwhile takes the last "*" rule away, which makes an empty
        endpoint an error, the rest of the batch was charged. From 4,096 items on
        other Python threads run meanwhile.
        """

    def prepare(self, merchant: str | bytes, endpoint: str) -> Key:
        """Resolves a merchant and an endpoint once.

        It is for callers who check them often. ``endpoint`` is a route such as
        "GET /v1/payment/:id", never a concrete path and never empty: a limiter
        takes 4,096 different ones in its life, and gives none back.

        Raises RequestError for a merchant or an endpoint that cannot be judged,
        RuntimeError for the 4,097th endpoint.
        """

    def refund(self, decision: Decision) -> bool:
        """Gives back what a check with ``receipt=True`` charged.

        Returns whether any of it still counted, which does not say how much is
        lent; False where the check charged nothing. The units stay in the log, and
        as many more are lent until the oldest refunded unit of the key leaves its
        window: capacity may return for a shorter time than the admission took it,
        never for longer. A key charges at most 4,096 units, refunded ones
        included, in its longest window (2**24 under a bucketed rule, fewer with a
        smaller ``max_limit``); beyond that refunds lend in part. A decision that
        is not refunded stays charged.

        Of several threads one gets through. Raises ReceiptError, which is a
        ValueError, for a decision without a receipt, one that was refunded, or
        one of another limiter, which may still refund it.
        """

    def reset(self, merchant: str | bytes, rule: str | None = None) -> int:
        """Makes a merchant's history as if it had never been.

        Under one rule, or under all rules that this limiter ever had; returns how
        many of its keys had one. Capacity is free at once, and earlier receipts
        lend nothing.

        A check that commits before a key's reset is forgotten, one after it
        counts; several rules are reset one after the other. A rule with
        ``per = "all"`` is reset, for everybody, only if it is named. Units in an
        overflow pool stay counted. The first charge after it is stamped a
        microsecond (under a bucketed rule 1,024) after the key's last unit at the
        earliest; resets and charges that repeat faster add up.

        Raises RequestError for a merchant that cannot be judged, and for a rule
        that no policy of this limiter had.
        """

    def swap(self, policy: Policy) -> int:
        """Puts another policy into force and returns its version.

        Histories carry over by rule name: a raised limit admits the difference at
        once, a lowered one counts what was admitted before; a window that is
        longer than all before it knows of older units only those that still
        counted. A check that began before the swap may still decide under the old
        policy; every decision says which version it used.

        Raises IncompatiblePolicyError for a rule with another precision than
        before, for new lengths of a bucketed rule's windows, or for a limit above
        ``max_limit``; RuntimeError after 65,536 different rule names; MemoryError
        where the first policy with a bucketed rule gets no address space for its
        table. The old policy then stays in force.
        """

    def keys(self) -> int:
        """How many keys (a rule and a merchant each) the table holds.

        Idle ones are included. It walks the whole table: for monitoring, not for
        every request.
        """

    def rule_usage(self, rule: str) -> RuleUsage:
        """What became of the requests that a rule governed.

        Raises RequestError for a rule that no policy of this limiter had.
        """

    def key_usage(self, merchant: str | bytes, rule: str) -> KeyUsage | None:
        """How much a merchant uses of a rule at the moment.

        None if it has no key, because it has no units that count. Raises
        RequestError for a merchant that cannot be judged, and for a rule that the
        policy in force does not have.
        """

    def usage(self) -> Iterator[KeyUsage]:
        """All keys of rules in force, in no order, each of its own instant.

        Empty for a limiter with ``names=False``. The iterator walks over the whole
        table as it goes on, up to 256 keys ahead; other Python threads run
        meanwhile. It is for one thread at a time: RuntimeError tells a second one
        inside a call.
        """

    def top(self, n: SupportsIndex) -> list[KeyUsage]:
        """The ``n`` keys that use most of their limit, the fullest first.

        Empty for a limiter with ``names=False``. It walks over the whole table,
        and other Python threads run meanwhile. Raises ValueError for a negative
        ``n``.
        """

    @property
    def policy_version(self) -> int:
        """The version of the policy in force; the first is 1."""

    @property
    def untracked(self) -> int:
        """How many requests found no room for their key so far."""

@final
class Key:
    """A merchant and an endpoint that ``Limiter.prepare`` resolved once.

    For callers who check them often: no hashing, no route, and no look-up while
    the key stays where it was. It stays valid for the limiter's life, across
    policy swaps, evictions and resets; the policy in force at the call decides.
    It keeps its limiter alive. Any number of threads may share it.
    """

    def allow(self, *, cost: SupportsIndex = 1) -> bool:
        """As ``Limiter.allow``. Under several rules it looks the keys up."""

    def check(self, *, cost: SupportsIndex = 1) -> Decision:
        """As ``Limiter.check``: decides, and charges what it admits.

        Raises RequestError for a cost that is not 1 to 2**32 - 1.
        """

    def peek(self, *, cost: SupportsIndex = 1) -> Decision:
        """As ``Limiter.peek``: decides, and charges nothing."""

    @property
    def merchant(self) -> bytes:
        """The merchant's bytes."""

    @property
    def endpoint(self) -> str:
        """The route, as it was given."""

@final
class Decision:
    """The answer to one check or peek. Immutable, save that a receipt is spent.

    It describes one window, the binding one: when denied, the window with the
    latest retry instant; when allowed, the window with the least remaining. Ties
    go to the longer window, then to the earlier rule: the "*" rules come first,
    then the endpoint's, each in the order of the policy. ``rule``, ``limit``,
    ``remaining``, ``window``, ``precision`` and ``reset_at`` are None where no
    window was consulted (exempt, unmatched, untracked).

    ``bool(decision)`` is ``decision.allowed``. Two decisions are equal if all
    they say is equal; a receipt is not part of it. A decision cannot be copied or
    pickled, because its receipt is good for one refund.
    """

    @property
    def outcome(
        self,
    ) -> Literal["allowed", "denied", "exempt", "unmatched", "untracked", "never"]:
        """How the request was decided.

        "untracked": the table is full, and no overflow pool counts the request;
        "never": the cost exceeds a limit.
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
    def precision(self) -> Literal["exact", "bucketed"] | None:
        """How exactly the binding window's rule counts.

        "exact": every unit leaves at its own microsecond; "bucketed": up to 1/128
        of the window late, never early.
        """

    @property
    def windows(self) -> tuple[Window, ...]:
        """How every governing window stands.

        Those of the "*" rules first, then those of the endpoint's, each in the
        order of the policy. A rule whose key finds no room leaves its windows out;
        "never" has only the one that the cost exceeds. Empty unless the call asked
        with ``windows=True``.
        """

    @property
    def untracked(self) -> bool:
        """Whether the table had no room for a key of this request.

        Then it was counted in its rule's overflow pool or not at all; see
        ``on_full`` of ``Limiter``.
        """

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
        oldest live unit expires; now if it is empty.
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
