"""Prepared keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import policy_of
from slidegate import Key, Limiter, ManualClock, RequestError
from test_threads import hammer

LimiterOf = Callable[..., Limiter]
PAY = "GET /pay/:id"


def test_a_key_answers_as_its_limiter(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "10/s"), (PAY, "4/s"))
    key = limiter.prepare("m", PAY)
    assert key.peek() == limiter.peek("m", "GET /pay/7")
    assert key.check(cost=2).remaining == 2
    assert limiter.check("m", "GET /pay/7").remaining == 1
    assert key.allow(cost=2) is False
    assert key.allow() is True
    assert key.check() == limiter.check("m", "GET /pay/7")
    assert key.check(cost=5).outcome == "never"


def test_a_key_says_whose_it_is(limiter_of: LimiterOf) -> None:
    key = limiter_of((PAY, "4/s")).prepare("mé", PAY)
    assert (key.merchant, key.endpoint) == ("mé".encode(), PAY)
    assert repr(key) == r"<slidegate.Key b'm\xc3\xa9' GET /pay/:id>"


def test_a_key_outlives_resets_evictions_and_swaps(
    limiter_of: LimiterOf, clock: ManualClock
) -> None:
    limiter = limiter_of((PAY, "4/s"))
    key = limiter.prepare(b"m", PAY)
    key.check(cost=4)
    limiter.reset("m")
    assert key.check().remaining == 3
    limiter.swap(policy_of((PAY, "9/s")))
    assert (key.check().remaining, key.peek().policy_version) == (7, 2)
    clock.advance(2)
    for merchant in range(500):
        # Others take the key's slot in the meantime.
        limiter.allow(str(merchant), "GET /pay/7")
        clock.advance(0.1)
    clock.advance(2)
    assert key.check().remaining == 8
    limiter.swap(policy_of(("GET /x", "9/s"), unmatched="deny"))
    assert key.check().outcome == "unmatched"
    del limiter
    assert key.check().outcome == "unmatched"


@pytest.mark.parametrize(
    ("merchant", "endpoint", "code"),
    [
        ("", PAY, "invalid_merchant"),
        ("m" * 1025, PAY, "invalid_merchant"),
        ("m", "", "invalid_endpoint"),
        ("m", "GET", "invalid_endpoint"),
        ("m", "GET /pay?x=1", "invalid_endpoint"),
    ],
)
def test_what_cannot_be_prepared(
    limiter_of: LimiterOf, merchant: str, endpoint: str, code: str
) -> None:
    with pytest.raises(RequestError) as caught:
        limiter_of(("*", "9/s")).prepare(merchant, endpoint)
    assert caught.value.code == code


def test_the_endpoints_end(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "9/s"))
    for number in range(4_096):
        limiter.prepare("m", f"GET /{number}")
    limiter.prepare("n", "GET /0")
    with pytest.raises(RuntimeError, match=r"4,?096"):
        limiter.prepare("m", "GET /4096")


@pytest.mark.parametrize("call", ["allow", "check", "peek"])
@pytest.mark.parametrize("cost", [0, -1, 2**32])
def test_a_cost_that_cannot_be_judged(
    limiter_of: LimiterOf, call: str, cost: int
) -> None:
    key = limiter_of((PAY, "4/s")).prepare("m", PAY)
    with pytest.raises(RequestError) as caught:
        getattr(key, call)(cost=cost)
    assert caught.value.code == "invalid_cost"
    assert key.peek().remaining == 4


@pytest.mark.parametrize("call", ["allow", "check", "peek"])
@pytest.mark.parametrize(
    ("args", "kwargs"), [((1,), {}), ((), {"cost": 1.5}), ((), {"receipt": True})]
)
def test_wrong_arguments(
    limiter_of: LimiterOf, call: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    key = limiter_of((PAY, "4/s")).prepare("m", PAY)
    with pytest.raises(TypeError):
        getattr(key, call)(*args, **kwargs)


def test_a_key_is_made_by_its_limiter_only(limiter_of: LimiterOf) -> None:
    with pytest.raises(TypeError):
        Key()
    key = limiter_of((PAY, "4/s")).prepare("m", PAY)
    with pytest.raises(AttributeError):
        key.merchant = b"n"  # type: ignore[misc]


def test_threads_may_share_a_key() -> None:
    limiter = Limiter(policy_of((PAY, "100/h")), max_keys=8, clock=ManualClock(0))
    key = limiter.prepare("m", PAY)
    assert hammer(lambda _: sum(key.allow() for _ in range(200))) == 100
