"""The manual clock, and that a denial names the exact instant."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import pytest
from conftest import NEW_YEAR, policy_of
from slidegate import Limiter, ManualClock

CASES = 4_000
UNITS_US = {
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "day": 86_400_000_000,
}
LONGEST_US = 366 * UNITS_US["day"]


def random_windows(rng: random.Random) -> dict[int, str]:
    """One or two windows by their length in microseconds."""
    windows = {}
    for _ in range(2):
        unit = rng.choice(list(UNITS_US))
        most = LONGEST_US // UNITS_US[unit]
        # Every order of magnitude is as likely as another, and so are both ends.
        count = min(most, max(1, int(most ** rng.uniform(-0.05, 1.05))))
        windows[count * UNITS_US[unit]] = f"{rng.randint(1, 12)}/{count}{unit}"
    return windows


def deny(rng: random.Random, limiter: Limiter, clock: ManualClock) -> int:
    """Charges until a request of some cost is denied; returns its cost."""
    cost = rng.randint(1, 3)
    while True:
        decision = limiter.check("m", cost=cost)
        if decision.outcome == "never":
            cost -= 1
        elif decision.outcome == "denied":
            return cost
        else:
            assert decision.window_ns is not None
            clock.advance_ns(rng.randrange(decision.window_ns // 12))


def test_advancing_by_retry_after_admits_and_a_microsecond_less_never() -> None:
    rng = random.Random(20_260_101)
    for _ in range(CASES):
        windows = " ".join(random_windows(rng).values())
        clock = ManualClock(rng.choice([0, 0.25, NEW_YEAR, NEW_YEAR + rng.random()]))
        clock.advance_ns(rng.randrange(2_000))
        limiter = Limiter(policy_of(("*", windows)), max_keys=2, clock=clock)
        clock.advance_ns(rng.randrange(10**10))
        cost = deny(rng, limiter, clock)
        denied_at = clock.elapsed_ns
        denied = limiter.check("m", cost=cost)
        wait, wait_ns = denied.retry_after, denied.retry_after_ns
        assert wait is not None
        assert wait_ns is not None

        clock.set_elapsed_ns(denied_at + wait_ns - 1)
        assert not limiter.peek("m", cost=cost), (windows, denied)
        clock.set_elapsed_ns(denied_at + wait_ns)
        assert limiter.peek("m", cost=cost), (windows, denied)

        clock.set_elapsed_ns(denied_at)
        clock.advance(wait - 1e-6)
        assert not limiter.peek("m", cost=cost), (windows, denied)
        clock.set_elapsed_ns(denied_at)
        clock.advance(wait)
        assert clock.elapsed_ns == denied_at + round(Fraction(wait) * 10**6) * 1_000
        assert limiter.check("m", cost=cost), (windows, denied)


def test_the_cases_reach_from_a_millisecond_to_366_days() -> None:
    rng = random.Random(1)
    lengths = {length for _ in range(CASES) for length in random_windows(rng)}
    assert (min(lengths), max(lengths)) == (UNITS_US["ms"], LONGEST_US)
    assert len(lengths) > CASES // 4


def test_advance_takes_the_nearest_microsecond() -> None:
    clock = ManualClock()
    for seconds, elapsed_ns in [
        (1, 10**9),
        (0.1, 11 * 10**8),
        (0.000_000_4, 11 * 10**8),
        (0.000_000_6, 1_100_001_000),
        (-0.000_001, 11 * 10**8),
        (-1, 10**8),
        (-5.0, 0),
        (-0.0, 0),
        (True, 10**9),
    ]:
        clock.advance(seconds)
        assert clock.elapsed_ns == elapsed_ns, seconds


def test_the_last_microsecond_survives_long_waits() -> None:
    clock = ManualClock()
    for micros in (LONGEST_US, LONGEST_US - 1, LONGEST_US + 1, 2**48 - 1):
        clock.set_elapsed_ns(0)
        clock.advance(micros / 1e6)
        assert clock.elapsed_ns == micros * 1_000


def test_advance_ns_steps_both_ways() -> None:
    clock = ManualClock(7)
    clock.advance_ns(1_500)
    clock.advance_ns(-1)
    assert (clock.elapsed_ns, clock.unix_ns) == (1_499, 7_000_001_499)
    clock.advance_ns(-2_000)
    assert (clock.elapsed_ns, clock.unix) == (0, 7.0)


def test_the_origin_is_exact() -> None:
    assert ManualClock().unix_ns == 0
    assert ManualClock(NEW_YEAR).unix_ns == NEW_YEAR * 10**9
    assert ManualClock(9_223_372_035).unix_ns == 9_223_372_035 * 10**9
    assert ManualClock(unix=NEW_YEAR + 0.5).unix_ns == NEW_YEAR * 10**9 + 5 * 10**8
    assert ManualClock.from_unix_ns(2**64 - 1).unix_ns == 2**64 - 1
    nearest = round(Fraction(NEW_YEAR + 0.1) * 10**9)
    assert ManualClock(NEW_YEAR + 0.1).unix_ns == nearest


@pytest.mark.parametrize(
    "seconds", [math.nan, math.inf, -math.inf, 1e300, 10**30, 10**400]
)
def test_what_is_no_time_is_a_value_error(seconds: float) -> None:
    clock = ManualClock(3)
    for call in (clock.advance, ManualClock):
        with pytest.raises(ValueError, match="seconds"):
            call(seconds)
    assert clock.unix_ns == 3 * 10**9


def test_a_number_out_of_range_is_a_value_error() -> None:
    clock = ManualClock()
    for negative in (-1, -0.5):
        with pytest.raises(ValueError, match="1970"):
            ManualClock(negative)
    for ns in (-1, 2**64):
        with pytest.raises(ValueError, match="unix_ns"):
            ManualClock.from_unix_ns(ns)
        with pytest.raises(ValueError, match="elapsed_ns"):
            clock.set_elapsed_ns(ns)
    for ns in (2**63, -(2**63) - 1):
        with pytest.raises(ValueError, match="step"):
            clock.advance_ns(ns)
    assert clock.elapsed_ns == 0


@pytest.mark.parametrize("value", [None, "1", b"1", [1]])
def test_a_wrong_type_is_a_type_error(value: Any) -> None:
    clock = ManualClock()
    with pytest.raises(TypeError):
        ManualClock(value)
    with pytest.raises(TypeError):
        ManualClock.from_unix_ns(value)
    for call in (clock.advance, clock.advance_ns, clock.set_elapsed_ns):
        with pytest.raises(TypeError):
            call(value)


def test_nanoseconds_are_whole() -> None:
    clock = ManualClock()
    for call in (ManualClock.from_unix_ns, clock.advance_ns, clock.set_elapsed_ns):
        with pytest.raises(TypeError):
            call(1.5)  # type: ignore[arg-type]


def test_a_clock_that_steps_back_mints_nothing(clock: ManualClock) -> None:
    limiter = Limiter(policy_of(("*", "2/s")), max_keys=8, clock=clock)
    clock.advance(10)
    assert limiter.check("m", cost=2)
    clock.advance(-10)
    denied = limiter.check("m")
    assert denied.retry_after == 11.0
