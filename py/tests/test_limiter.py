"""The contract of Limiter: answers, errors, and hands that slip."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Literal

import pytest
from conftest import policy_of
from slidegate import (
    MAX_ENDPOINT_BYTES,
    Limiter,
    ManualClock,
    Policy,
    RequestError,
)

LimiterOf = Callable[..., Limiter]
PAY = "POST /v1/payment"


def test_check_charges_and_peek_does_not(limiter_of: LimiterOf) -> None:
    limiter = limiter_of((PAY, "3/s"))
    assert limiter.peek("m", PAY).remaining == 3
    assert limiter.check("m", PAY).remaining == 2
    assert limiter.peek("m", PAY).remaining == 2
    assert limiter.allow("m", PAY) is True
    assert limiter.allow("m", PAY, cost=2) is False
    assert limiter.allow("m", PAY) is True
    assert limiter.allow("m", PAY) is False
    assert limiter.peek("m", PAY).outcome == "denied"


def test_cost_is_charged_as_a_whole_or_not_at_all(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "10/s"))
    assert limiter.check("m", cost=7).remaining == 3
    denied = limiter.check("m", cost=4)
    assert (denied.outcome, denied.remaining) == ("denied", 3)
    assert limiter.check("m", cost=3).remaining == 0


def test_a_merchant_is_its_bytes(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "10/s"))
    assert limiter.check("mé").remaining == 9
    assert limiter.check("mé".encode()).remaining == 8
    assert limiter.check(b"m\xe9").remaining == 9
    assert limiter.check(b"\xff\x00\xfe").remaining == 9
    assert limiter.check(b"\xff\x00\xfe").remaining == 8
    assert limiter.check("m" * 1024).allowed


def test_swap_keeps_the_history_and_counts_versions(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "10/s"))
    limiter.check("m", cost=8)
    assert limiter.policy_version == 1
    assert limiter.swap(policy_of(("*", "20/s"))) == 2
    assert limiter.policy_version == 2
    decision = limiter.check("m")
    assert (decision.remaining, decision.policy_version) == (11, 2)


def test_keys_are_counted_by_rule_and_merchant(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("GET /a", "10/s"), ("GET /b", "10/s"))
    assert limiter.keys() == 0
    for merchant in ("m", "n", "m"):
        limiter.allow(merchant, "GET /a")
    limiter.allow("m", "GET /b")
    limiter.peek("o", "GET /b")
    assert (limiter.keys(), limiter.untracked) == (3, 0)


@pytest.mark.parametrize(("on_full", "allowed"), [("deny", False), ("admit", True)])
def test_a_full_table_does_what_on_full_says(
    on_full: Literal["deny", "admit"], allowed: bool
) -> None:
    limiter = Limiter(policy_of(("*", "9/h")), max_keys=0, on_full=on_full)
    decisions = [limiter.check(str(merchant)) for merchant in range(200)]
    untracked = [d for d in decisions if d.outcome == "untracked"]
    assert untracked
    assert all(d.allowed is allowed for d in untracked)
    assert limiter.untracked == len(untracked)


@pytest.mark.parametrize("call", ["allow", "check", "peek"])
@pytest.mark.parametrize(
    ("merchant", "endpoint", "cost", "code"),
    [
        ("", PAY, 1, "invalid_merchant"),
        (b"", PAY, 1, "invalid_merchant"),
        ("m" * 1025, PAY, 1, "invalid_merchant"),
        ("é" * 513, PAY, 1, "invalid_merchant"),
        ("m", PAY, 0, "invalid_cost"),
        ("m", PAY, -1, "invalid_cost"),
        ("m", PAY, 2**32, "invalid_cost"),
        ("m", PAY, 10**40, "invalid_cost"),
        ("m", "", 1, "invalid_endpoint"),
        ("m", "POST", 1, "invalid_endpoint"),
        ("m", "POST v1", 1, "invalid_endpoint"),
        ("m", "P(ST /v1/payment", 1, "invalid_endpoint"),
        ("m", "POST /v1/pay ment", 1, "invalid_endpoint"),
        ("m", "POST /" + "x" * MAX_ENDPOINT_BYTES, 1, "invalid_endpoint"),
    ],
)
def test_what_cannot_be_judged_is_a_value_error(
    limiter_of: LimiterOf,
    call: str,
    merchant: str | bytes,
    endpoint: str,
    cost: int,
    code: str,
) -> None:
    limiter = limiter_of((PAY, "3/s"))
    with pytest.raises(ValueError, match=r"\w") as caught:
        getattr(limiter, call)(merchant, endpoint, cost=cost)
    assert isinstance(caught.value, RequestError)
    assert caught.value.code == code
    assert limiter.peek("m", PAY).remaining == 3


def test_a_merchant_without_utf8_is_a_value_error(limiter_of: LimiterOf) -> None:
    with pytest.raises(ValueError, match="surrogates"):
        limiter_of(("*", "3/s")).check("\udc80")


def test_a_cost_above_the_limit_is_never(limiter_of: LimiterOf) -> None:
    decision = limiter_of(("*", "3/s")).check("m", cost=2**32 - 1)
    assert (decision.outcome, decision.remaining) == ("never", 3)
    assert decision.retry_after is None


@pytest.mark.parametrize("call", ["allow", "check", "peek"])
@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((None,), {}),
        ((7,), {}),
        ((bytearray(b"m"),), {}),
        (("m", None), {}),
        (("m", b"POST /v1/payment"), {}),
        (("m", PAY, 1), {}),
        (("m", PAY), {"cost": 1.0}),
        (("m", PAY), {"cost": "1"}),
        (("m", PAY), {"cost": None}),
        (("m", PAY), {"weight": 1}),
    ],
)
def test_a_wrong_type_is_a_type_error(
    limiter_of: LimiterOf,
    call: str,
    args: tuple[object, ...],
    kwargs: dict[str, object],
) -> None:
    with pytest.raises(TypeError):
        getattr(limiter_of((PAY, "3/s")), call)(*args, **kwargs)


@pytest.mark.parametrize("on_full", ["", "Deny", "allow", "Overflow"])
def test_another_on_full_is_a_value_error(on_full: str) -> None:
    with pytest.raises(ValueError, match="on_full"):
        Limiter(policy_of(("*", "3/s")), on_full=on_full)  # type: ignore[arg-type]


@pytest.mark.parametrize("max_keys", [-1, 2**64])
def test_a_max_keys_out_of_range_is_a_value_error(max_keys: int) -> None:
    with pytest.raises(ValueError, match="max_keys"):
        Limiter(policy_of(("*", "3/s")), max_keys=max_keys)


def test_more_memory_than_there_is_is_a_memory_error() -> None:
    with pytest.raises(MemoryError, match="keys"):
        Limiter(policy_of(("*", "3/s")), max_keys=2**60)


@pytest.mark.parametrize(
    "options",
    [
        {"policy": None},
        {"policy": "version = 1"},
        {"clock": 0.0},
        {"clock": object()},
        {"max_keys": 1.5},
        {"on_full": None},
        {"other": 1},
    ],
)
def test_options_of_a_wrong_type_are_a_type_error(options: dict[str, object]) -> None:
    arguments: dict[str, object] = {"policy": policy_of(("*", "3/s")), **options}
    with pytest.raises(TypeError):
        Limiter(**arguments)  # type: ignore[arg-type]


def test_options_are_keywords() -> None:
    with pytest.raises(TypeError):
        Limiter(policy_of(("*", "3/s")), 8)  # type: ignore[call-arg]


def test_nothing_is_made_or_called_by_halves(limiter_of: LimiterOf) -> None:
    for class_ in (Limiter, Policy, ManualClock):
        with pytest.raises(TypeError):
            object.__new__(class_)
        with pytest.raises(TypeError):
            type("Sub", (class_,), {})
    with pytest.raises(TypeError):
        Limiter.__new__(Limiter)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Limiter.check(None, "m")  # type: ignore[arg-type]
    limiter = limiter_of(("*", "3/s"))
    for attribute in ("policy_version", "untracked", "another"):
        with pytest.raises(AttributeError):
            setattr(limiter, attribute, 1)
    # __new__ alone makes a whole limiter, and __init__ again changes nothing.
    made = Limiter.__new__(Limiter, policy_of(("*", "3/s")), max_keys=8)
    assert made.check("m").remaining == 2


def test_a_child_after_fork_counts_for_itself() -> None:
    # In a process of its own: forking one that has threads is deprecated.
    script = """
import os, slidegate
limiter = slidegate.Limiter(slidegate.Policy.from_toml('''
version = 1
[[rule]]
name = "all"
match = "*"
windows = ["10/h"]
'''), max_keys=8)
limiter.check("m", cost=4)
child = os.fork()
if child == 0:
    os._exit(limiter.check("m", cost=5).remaining)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), limiter.peek("m").remaining)
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["1", "6"]


def test_the_machines_clock_is_the_default() -> None:
    limiter = Limiter(policy_of(("*", "1/366day")), max_keys=8)
    assert limiter.allow("m")
    denied = limiter.check("m")
    assert denied.retry_after is not None
    assert 366 * 86_400 - 60 < denied.retry_after <= 366 * 86_400
