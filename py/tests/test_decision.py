"""Decision: its figures, its headers, its body, and that it cannot change."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from conftest import NEW_YEAR, policy_of
from slidegate import PROBLEM_MEDIA_TYPE, Decision, Limiter, ManualClock, Policy

LimiterOf = Callable[..., Limiter]


def test_an_admission(limiter_of: LimiterOf, clock: ManualClock) -> None:
    limiter = limiter_of(("*", "100/s 400/min"))
    decision = limiter.check("m", cost=3)
    assert decision.outcome == "allowed"
    assert decision.allowed is True
    assert bool(decision) is True
    assert decision.rule == "rule-0"
    assert (decision.limit, decision.remaining) == (100, 97)
    assert (decision.window, decision.window_ns) == ("100/s", 10**9)
    assert decision.retry_after is None
    assert decision.retry_after_ns is None
    assert decision.reset_at == NEW_YEAR + 1
    assert decision.reset_at_ns == (NEW_YEAR + 1) * 10**9
    assert decision.policy_version == 1
    assert decision.http_status() is None
    assert decision.headers() == [
        ("X-RateLimit-Limit", "100"),
        ("X-RateLimit-Remaining", "97"),
        ("X-RateLimit-Reset", str(NEW_YEAR + 1)),
    ]


def test_a_denial(limiter_of: LimiterOf, clock: ManualClock) -> None:
    limiter = limiter_of(("*", "2/s"))
    limiter.check("m", cost=2)
    clock.advance_ns(249_999_001)
    decision = limiter.check("m")
    assert (decision.outcome, decision.allowed) == ("denied", False)
    assert not decision
    assert decision.remaining == 0
    # 750,000.999 µs remain, rounded up.
    assert decision.retry_after_ns == 750_000_999
    assert decision.retry_after == 0.750001
    assert decision.reset_at == NEW_YEAR + 1
    assert decision.http_status() == 429
    assert decision.headers() == [
        ("X-RateLimit-Limit", "2"),
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Reset", str(NEW_YEAR + 1)),
        ("Retry-After", "1"),
    ]
    body = json.loads(decision.problem_json())
    assert body["type"] == "about:blank"
    assert body["status"] == 429
    assert body["title"] == "Too Many Requests"
    assert body["retryAfter"] == 1
    assert (body["rule"], body["window"]) == ("rule-0", "2/s")
    assert PROBLEM_MEDIA_TYPE == "application/problem+json"


def test_reset_at_is_rounded_up() -> None:
    clock = ManualClock.from_unix_ns(NEW_YEAR * 10**9 + 1)
    decision = Limiter(policy_of(("*", "2/s")), max_keys=8, clock=clock).check("m")
    assert decision.reset_at_ns == (NEW_YEAR + 1) * 10**9 + 1
    assert decision.reset_at == NEW_YEAR + 2


def test_retry_after_is_at_least_one_second_in_the_header(
    limiter_of: LimiterOf, clock: ManualClock
) -> None:
    limiter = limiter_of(("*", "1/5ms"))
    limiter.check("m")
    denied = limiter.check("m")
    assert denied.retry_after == 0.005
    assert denied.headers()[-1] == ("Retry-After", "1")
    assert json.loads(denied.problem_json())["retryAfter"] == 1


@pytest.mark.parametrize(
    ("unmatched", "endpoint", "outcome", "status"),
    [
        ("allow", "GET /healthz", "exempt", None),
        ("allow", "GET /else", "unmatched", None),
        ("deny", "GET /else", "unmatched", 403),
    ],
)
def test_without_a_window_there_are_no_figures(
    limiter_of: LimiterOf, unmatched: str, endpoint: str, outcome: str, status: int
) -> None:
    decision = limiter_of(("GET /a", "1/s"), unmatched=unmatched).check("m", endpoint)
    assert (decision.outcome, decision.http_status()) == (outcome, status)
    assert decision.allowed is (status is None)
    assert decision.headers() == []
    for name in ("rule", "limit", "remaining", "window", "window_ns"):
        assert getattr(decision, name) is None, name
    for name in ("retry_after", "retry_after_ns", "reset_at", "reset_at_ns"):
        assert getattr(decision, name) is None, name


def test_a_cost_above_the_limit_has_a_window_and_no_retry(
    limiter_of: LimiterOf,
) -> None:
    decision = limiter_of(("*", "2/s 3/min")).check("m", cost=3)
    assert (decision.outcome, decision.allowed) == ("never", False)
    assert (decision.limit, decision.remaining, decision.window) == (2, 2, "2/s")
    assert decision.retry_after is None
    assert decision.http_status() == 429
    assert [name for name, _ in decision.headers()] == [
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
    ]
    assert "retryAfter" not in json.loads(decision.problem_json())


def test_a_full_table_has_no_figures() -> None:
    limiter = Limiter(policy_of(("*", "2/h")), max_keys=0)
    decisions = [limiter.check(str(merchant)) for merchant in range(64)]
    decision = next(d for d in decisions if d.outcome == "untracked")
    assert (decision.allowed, decision.headers()) == (False, [])
    assert decision.http_status() == 503
    assert json.loads(decision.problem_json())["status"] == 503


def test_decisions_are_equal_if_all_they_say_is(
    limiter_of: LimiterOf, clock: ManualClock
) -> None:
    first, second = limiter_of(("*", "9/s")), limiter_of(("*", "9/s"))
    a, b = first.check("m"), second.check("n")
    assert a == b
    assert hash(a) == hash(b)
    assert a != first.check("m")
    assert a != "allowed"


def test_the_rule_is_its_name(clock: ManualClock) -> None:
    def limiter(*names: str) -> Limiter:
        rule = '[[rule]]\nname = "{0}"\nmatch = "GET /{0}"\nwindows = ["9/s"]\n'
        text = "version = 1\n" + "".join(rule.format(name) for name in names)
        return Limiter(Policy.from_toml(text), max_keys=8, clock=clock)

    both, one = limiter("x", "y"), limiter("y")
    # The same rule stands second in one policy and first in the other.
    assert both.peek("m", "GET /y") == one.peek("m", "GET /y")
    assert hash(both.peek("m", "GET /y")) == hash(one.peek("m", "GET /y"))
    assert both.peek("m", "GET /x") != one.peek("m", "GET /y")


def test_a_decision_cannot_be_made_or_changed(limiter_of: LimiterOf) -> None:
    with pytest.raises(TypeError):
        Decision()
    with pytest.raises(TypeError):
        Decision.__new__(Decision)
    decision = limiter_of(("*", "9/s")).check("m")
    with pytest.raises(AttributeError):
        decision.allowed = False  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del decision.rule


def test_a_decision_shows_what_it_says(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "1/s"))
    assert repr(limiter.check("m")) == (
        "<slidegate.Decision allowed rule=rule-0 window=1/s remaining=0 "
        "policy_version=1>"
    )
    assert repr(limiter.check("m")) == (
        "<slidegate.Decision denied rule=rule-0 window=1/s remaining=0 "
        "retry_after=1 policy_version=1>"
    )
    exempt = limiter.check("m", "GET /healthz")
    assert repr(exempt) == "<slidegate.Decision exempt policy_version=1>"
