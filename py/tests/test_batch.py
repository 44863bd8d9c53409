"""Many checks in one call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import policy_of
from slidegate import MAX_ENDPOINT_BYTES, Limiter, ManualClock, RequestError
from test_threads import hammer

LimiterOf = Callable[..., Limiter]
PAY = "POST /pay"

# Beyond the size from which the interpreter is released.
LARGE = 5_000


@pytest.mark.parametrize("size", [0, 1, 7, 100, LARGE])
def test_a_batch_answers_as_one_by_one(limiter_of: LimiterOf, size: int) -> None:
    rules = (("*", "40/s 90/min"), (PAY, "30/s"), ("GET /pay/:id", "20/s"))
    batch, single = limiter_of(*rules), limiter_of(*rules)
    endpoints = (PAY, "GET /pay/7", "GET /healthz", "GET /other", "")
    items = [
        (f"m{n % 9}", endpoints[n % len(endpoints)], 1 + n % 3) for n in range(size)
    ]
    decisions = batch.check_many(items)
    assert decisions == [single.check(m, e, cost=c) for m, e, c in items]
    assert type(decisions) is list


def test_a_cost_is_one_unless_given(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "10/s"))
    items: list[Any] = [("m", ""), (b"m", "", 3), ("m", "", True)]
    assert [d.remaining for d in limiter.check_many(items)] == [9, 6, 5]


def test_any_iterable_will_do(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "10/s"))

    def items() -> Iterator[tuple[str, str]]:
        # Nobody else holds these texts while they are judged.
        for _ in range(LARGE):
            yield "".join(("m", "n")), "GET " + "/long" * 9

    decisions = limiter.check_many(items())
    assert len(decisions) == LARGE
    assert sum(d.allowed for d in decisions) == 10
    assert limiter.check_many(iter(())) == []


BAD = [
    (("", PAY), "invalid_merchant"),
    ((b"m" * 1025, PAY), "invalid_merchant"),
    (("m", PAY, 0), "invalid_cost"),
    (("m", PAY, -1), "invalid_cost"),
    (("m", PAY, 2**32), "invalid_cost"),
    (("m", ""), "invalid_endpoint"),
    (("m", "POST"), "invalid_endpoint"),
    (("m", "POST /" + "x" * MAX_ENDPOINT_BYTES), "invalid_endpoint"),
]


@pytest.mark.parametrize("size", [4, LARGE])
@pytest.mark.parametrize(("bad", "code"), BAD)
def test_one_that_cannot_be_judged_charges_none(
    limiter_of: LimiterOf, bad: tuple[Any, ...], code: str, size: int
) -> None:
    limiter = limiter_of((PAY, "10/s"))
    items: list[Any] = [("m", PAY)] * size
    items[-2] = bad
    with pytest.raises(RequestError, match=f"^item {size - 2}: ") as caught:
        limiter.check_many(items)
    assert (caught.value.code, caught.value.index) == (code, size - 2)
    assert limiter.peek("m", PAY).remaining == 10


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "m",
        ["m", PAY],
        (),
        ("m",),
        ("m", PAY, 1, 1),
        (None, PAY),
        (7, PAY),
        ("m", None),
        ("m", b"POST /pay"),
        ("m", PAY, None),
        ("m", PAY, 1.0),
    ],
)
def test_one_of_a_wrong_type_charges_none(limiter_of: LimiterOf, bad: Any) -> None:
    limiter = limiter_of((PAY, "10/s"))
    with pytest.raises(TypeError, match="item 1"):
        limiter.check_many([("m", PAY), bad])
    assert limiter.peek("m", PAY).remaining == 10


def test_a_merchant_without_utf8_is_named_too(limiter_of: LimiterOf) -> None:
    limiter = limiter_of((PAY, "10/s"))
    with pytest.raises(ValueError, match=r"item 1: .*surrogates"):
        limiter.check_many([("m", PAY), ("\udc80", PAY)])
    assert limiter.peek("m", PAY).remaining == 10


@pytest.mark.parametrize("items", [None, 7, "mn", {"m": 1}])
def test_what_is_no_batch_is_a_type_error(limiter_of: LimiterOf, items: Any) -> None:
    with pytest.raises(TypeError):
        limiter_of((PAY, "10/s")).check_many(items)


def test_an_error_of_the_iterable_passes(limiter_of: LimiterOf) -> None:
    limiter = limiter_of((PAY, "10/s"))

    def items() -> Iterator[tuple[str, str]]:
        yield "m", PAY
        raise KeyError("mine")

    class Cost:
        def __index__(self) -> int:
            raise KeyError("mine")

    for batch in (items(), [("m", PAY), ("m", PAY, Cost())]):
        with pytest.raises(KeyError, match="mine"):
            limiter.check_many(batch)
    assert limiter.peek("m", PAY).remaining == 10


@pytest.mark.parametrize("size", [16, LARGE])
def test_batches_of_several_threads_share_one_count(size: int) -> None:
    limiter = Limiter(policy_of(("*", "2000/h")), max_keys=8, clock=ManualClock(0))

    def work(_: int) -> int:
        return sum(d.allowed for d in limiter.check_many([("m", "")] * size * 2))

    expected = min(2000, 8 * size * 2)
    assert hammer(work) == expected


def test_a_large_batch_lets_other_threads_run() -> None:
    limiter = Limiter(policy_of(("*", "9/h")), max_keys=60_000)
    items = [(f"m{n}", f"GET /{n}") for n in range(60_000)]
    done = threading.Event()
    # Of a batch that holds the interpreter, another thread sees no time pass: it
    # would be switched to after the call at the earliest.
    seen = 0

    def look() -> None:
        nonlocal seen
        while not done.is_set():
            seen += 0 < limiter.keys() < len(items)

    thread = threading.Thread(target=look)
    thread.start()
    decisions = limiter.check_many(items)
    done.set()
    thread.join()
    assert all(d.allowed for d in decisions)
    assert seen > 0
