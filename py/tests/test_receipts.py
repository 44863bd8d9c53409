"""Receipts: what a refund gives back, that it does so once, and resets."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress

import pytest
from conftest import policy_of, reserved_bytes, resident_bytes
from slidegate import Decision, Limiter, ManualClock, Policy, ReceiptError, RequestError
from test_threads import hammer

LimiterOf = Callable[..., Limiter]
PAY = "POST /pay"

SHARED = """
version = 1
[[rule]]
name = "platform"
match = "*"
per = "all"
windows = ["1000/s"]
[[rule]]
name = "pay"
match = "POST /pay"
windows = ["10/s"]
"""


def refusal(limiter: Limiter, decision: Decision) -> str:
    with pytest.raises(ReceiptError, match="decision") as caught:
        limiter.refund(decision)
    assert isinstance(caught.value, ValueError)
    return caught.value.code


def test_a_refund_gives_back_what_was_charged(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "10/s"), (PAY, "5/s"))
    decision = limiter.check("m", PAY, cost=3, receipt=True)
    assert decision.remaining == 2
    assert limiter.refund(decision) is True
    assert limiter.peek("m", PAY).remaining == 5
    assert limiter.peek("m").remaining == 10


def test_a_refund_is_for_once(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "10/s"))
    decision = limiter.check("m", cost=3, receipt=True)
    limiter.check("m", cost=3)
    limiter.refund(decision)
    for _ in range(2):
        assert refusal(limiter, decision) == "refunded"
    assert limiter.peek("m").remaining == 7


def test_without_a_receipt_nothing_is_refunded(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "10/s"))
    key_limiter = limiter_of((PAY, "10/s"))
    charged = [
        limiter.check("m"),
        limiter.check("m", receipt=False),
        limiter.check("m", windows=True),
        *limiter.check_many([("m", "")]),
    ]
    for decision in [*charged, limiter.peek("m")]:
        assert refusal(limiter, decision) == "no_receipt"
    assert limiter.peek("m").remaining == 6
    prepared = key_limiter.prepare("m", PAY).check()
    assert refusal(key_limiter, prepared) == "no_receipt"


def test_what_was_admitted_uncharged_can_be_refunded_too(
    limiter_of: LimiterOf,
) -> None:
    limiter = limiter_of((PAY, "1/s"))
    for endpoint in ("GET /healthz", "GET /else"):
        decision = limiter.check("m", endpoint, receipt=True)
        assert decision.allowed
        assert limiter.refund(decision) is False
        assert refusal(limiter, decision) == "refunded"
    limiter.check("m", PAY)
    denied = limiter.check("m", PAY, receipt=True)
    assert limiter.refund(denied) is False
    assert not limiter.allow("m", PAY)


def test_another_limiter_does_not_spend_the_receipt(limiter_of: LimiterOf) -> None:
    limiter, other = limiter_of(("*", "10/s")), limiter_of(("*", "10/s"))
    decision = limiter.check("m", receipt=True)
    assert refusal(other, decision) == "foreign_receipt"
    assert limiter.refund(decision) is True


def test_a_refund_after_the_window_lends_nothing(
    limiter_of: LimiterOf, clock: ManualClock
) -> None:
    limiter = limiter_of(("*", "10/s"))
    decision = limiter.check("m", cost=10, receipt=True)
    clock.advance(1)
    assert limiter.refund(decision) is False
    assert limiter.peek("m").remaining == 10


def test_a_receipt_survives_a_swap(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "10/s"))
    decision = limiter.check("m", cost=4, receipt=True)
    limiter.swap(policy_of(("*", "20/s")))
    assert limiter.refund(decision) is True
    assert limiter.peek("m").remaining == 20


def test_a_receipt_is_not_what_a_decision_says(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "10/s"))
    plain, held = limiter.check("m"), limiter.check("n", receipt=True)
    assert (plain, hash(plain), repr(plain)) == (held, hash(held), repr(held))
    limiter.refund(held)
    assert (plain, hash(plain), repr(plain)) == (held, hash(held), repr(held))


def test_a_receipt_cannot_be_copied(limiter_of: LimiterOf) -> None:
    decision = limiter_of(("*", "10/s")).check("m", receipt=True)
    for double in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="pickle"):
            double(decision)


def test_a_receipt_and_windows_are_not_had_at_once(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "10/s"))
    with pytest.raises(ValueError, match="not both"):
        limiter.check("m", receipt=True, windows=True)
    assert limiter.peek("m").remaining == 10


@pytest.mark.parametrize("other", [None, True, "decision", object()])
def test_a_refund_of_something_else_is_a_type_error(
    limiter_of: LimiterOf, other: object
) -> None:
    with pytest.raises(TypeError):
        limiter_of(("*", "10/s")).refund(other)  # type: ignore[arg-type]


def test_of_several_threads_one_refunds() -> None:
    limiter = Limiter(policy_of(("*", "1000/h")), max_keys=8, clock=ManualClock(0))
    rounds = 500
    decisions = [limiter.check("m", receipt=True) for _ in range(rounds)]

    def work(_: int) -> int:
        done = 0
        for decision in decisions:
            with suppress(ReceiptError):
                done += limiter.refund(decision)
        return done

    assert hammer(work) == rounds
    assert limiter.peek("m").remaining == 1000


def test_receipts_leave_nothing_behind() -> None:
    # More rules than a receipt holds in place, so that each has memory of its own.
    rules = [("*", "2000/ms"), ("*", "2001/ms"), ("*", "2002/ms"), ("*", "2003/ms")]
    clock = ManualClock(0)
    limiter = Limiter(policy_of(*rules), max_keys=64, clock=clock)

    def run(times: int) -> None:
        for number in range(times):
            decision = limiter.check("m", receipt=True)
            assert decision.allowed
            if number % 2:
                limiter.refund(decision)
            clock.advance_ns(1_000_000)

    run(20_000)
    blocks, resident = sys.getallocatedblocks(), resident_bytes()
    run(100_000)
    assert sys.getallocatedblocks() - blocks < 1_000
    # 100,000 receipts of 100 bytes and more would be 10 MiB.
    assert resident_bytes() - resident < 4 << 20


def test_a_decision_does_not_keep_its_limiter() -> None:
    limiter = Limiter(policy_of(("*", "10/s")), max_keys=262_144)
    decision = limiter.check("m", receipt=True)
    reserved = reserved_bytes()
    del limiter
    assert reserved - reserved_bytes() > 1 << 30
    another = Limiter(policy_of(("*", "10/s")), max_keys=8)
    assert refusal(another, decision) == "foreign_receipt"


def test_a_reset_frees_a_merchant_at_once(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "10/h"), (PAY, "5/h"))
    held = limiter.check("m", PAY, cost=5, receipt=True)
    limiter.check("n", PAY, cost=5)
    assert limiter.reset("m") == 2
    assert limiter.peek("m", PAY).remaining == 5
    limiter.refund(held)
    assert sum(limiter.allow("m", PAY) for _ in range(20)) == 5
    assert limiter.peek("n", PAY).remaining == 0
    assert limiter.reset("m") == 2
    assert limiter.reset("m") == 0
    assert limiter.reset("stranger") == 0


def test_a_reset_of_one_rule_leaves_the_others(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "10/h"), (PAY, "5/h"))
    limiter.check(b"m", PAY, cost=5)
    assert limiter.reset("m", "rule-1") == 1
    assert limiter.peek("m", PAY).remaining == 5
    assert limiter.peek("m").remaining == 5
    assert limiter.reset("m", rule="rule-0") == 1
    assert limiter.peek("m").remaining == 10
    # A rule that a swap took away may still be named.
    limiter.check("m", PAY)
    limiter.swap(policy_of(("*", "10/h")))
    assert limiter.reset("m", "rule-1") == 1


def test_everybodys_rule_is_reset_only_by_name(clock: ManualClock) -> None:
    limiter = Limiter(Policy.from_toml(SHARED), max_keys=64, clock=clock)
    limiter.check("m", "GET /other", cost=400)
    limiter.check("n", "GET /other", cost=400)
    assert limiter.reset("m") == 0
    assert limiter.peek("m", "GET /other").remaining == 200
    assert limiter.reset("m", "platform") == 1
    assert limiter.peek("m", "GET /other").remaining == 1000


@pytest.mark.parametrize(
    ("merchant", "rule", "code"),
    [
        ("", None, "invalid_merchant"),
        (b"m" * 1025, "rule-0", "invalid_merchant"),
        ("m", "", "unknown_rule"),
        ("m", "rule-1", "unknown_rule"),
        ("m", "r" * 10_000, "unknown_rule"),
    ],
)
def test_what_cannot_be_reset(
    limiter_of: LimiterOf, merchant: str | bytes, rule: str | None, code: str
) -> None:
    limiter = limiter_of(("*", "10/s"))
    limiter.check("m")
    with pytest.raises(RequestError) as caught:
        limiter.reset(merchant, rule)
    assert (caught.value.code, caught.value.index) == (code, None)
    assert limiter.peek("m").remaining == 9


@pytest.mark.parametrize("arguments", [(), (7,), ("m", 7), ("m", b"rule-0")])
def test_a_reset_of_a_wrong_type(
    limiter_of: LimiterOf, arguments: tuple[object, ...]
) -> None:
    with pytest.raises(TypeError):
        limiter_of(("*", "10/s")).reset(*arguments)  # type: ignore[arg-type]
