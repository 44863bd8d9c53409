"""How every window stands."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable

import pytest
from conftest import NEW_YEAR
from slidegate import Limiter, ManualClock, Window

LimiterOf = Callable[..., Limiter]
PAY = "POST /pay"
S = 10**9


def test_every_governing_window_is_told(
    limiter_of: LimiterOf, clock: ManualClock
) -> None:
    limiter = limiter_of(("*", "100/s 400/min"), (PAY, "5/s"))
    limiter.check("m", PAY, cost=2)
    clock.advance(0.25)
    decision = limiter.check("m", PAY, cost=3, windows=True)
    reset = NEW_YEAR * S + S
    minute = NEW_YEAR * S + 60 * S
    assert decision.windows == (
        Window("rule-0", "100/s", S, 100, 5, 95, False, 0, reset),
        Window("rule-0", "400/min", 60 * S, 400, 5, 395, False, 0, minute),
        Window("rule-1", "5/s", S, 5, 5, 0, False, 0, reset),
    )
    assert (decision.rule, decision.remaining) == ("rule-1", 0)


def test_those_that_block_say_until_when(
    limiter_of: LimiterOf, clock: ManualClock
) -> None:
    limiter = limiter_of(("*", "2/s 3/min"), (PAY, "9/s"))
    limiter.check("m", PAY, cost=2)
    clock.advance(0.25)
    for ask in (limiter.check, limiter.peek):
        decision = ask("m", PAY, cost=2, windows=True)
        assert decision.outcome == "denied"
        second, minute, pay = decision.windows
        assert [w.blocks for w in decision.windows] == [True, True, False]
        assert (second.live, second.remaining) == (2, 0)
        assert second.retry_after_ns == 750_000_000
        assert second.reset_at_ns == NEW_YEAR * S + S
        assert (minute.live, minute.remaining) == (2, 1)
        assert minute.retry_after_ns == decision.retry_after_ns == 59_750_000_000
        assert (pay.live, pay.remaining, pay.retry_after_ns) == (2, 7, 0)


def test_a_peek_tells_without_charging(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "9/s"))
    for _ in range(2):
        (window,) = limiter.peek("m", cost=4, windows=True).windows
        assert (window.live, window.remaining) == (0, 9)


def test_who_does_not_ask_is_not_told(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "9/s"))
    assert limiter.check("m").windows == ()
    assert limiter.peek("m", windows=False).windows == ()
    assert limiter.check("m", receipt=True).windows == ()
    assert limiter.check("m", "GET /healthz", windows=True).windows == ()


def test_windows_are_part_of_what_a_decision_says(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "9/s"))
    told, again = (limiter.peek("m", windows=True) for _ in range(2))
    assert (told, hash(told)) == (again, hash(again))
    assert told != limiter.peek("m")
    other = limiter_of(("*", "9/s 99/min"))
    one = limiter.peek("m", windows=True)
    assert other.peek("m").window == one.window
    assert other.peek("m", windows=True) != one


def test_a_window_is_plain_data(limiter_of: LimiterOf) -> None:
    (window,) = limiter_of(("*", "9/s")).check("m", windows=True).windows
    assert dataclasses.asdict(window)["limit"] == 9
    assert pickle.loads(pickle.dumps(window)) == window
    assert repr(window).startswith("Window(rule='rule-0', window='9/s',")
    assert type(window).__module__ == "slidegate"
    with pytest.raises(dataclasses.FrozenInstanceError):
        window.limit = 10  # type: ignore[misc]


@pytest.mark.parametrize("keyword", ["windows", "receipt"])
@pytest.mark.parametrize("value", [None, 1, "yes"])
def test_a_wish_is_a_bool(limiter_of: LimiterOf, keyword: str, value: object) -> None:
    with pytest.raises(TypeError):
        limiter_of(("*", "9/s")).check("m", **{keyword: value})  # type: ignore[arg-type]


def test_an_exact_rule_says_so(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "9/s"))
    assert limiter.check("m").precision == "exact"
    assert limiter.check("m").untracked is False
    assert limiter.check("m", "GET /healthz").precision is None
