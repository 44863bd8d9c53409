"""Several Python threads on one limiter."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from conftest import policy_of
from slidegate import Limiter, ManualClock

THREADS = 8
TRIES = 2_000


@pytest.fixture(autouse=True)
def switching_often() -> Iterator[None]:
    """Makes threads take turns as often as Python can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def hammer(work: Callable[[int], int]) -> int:
    """Runs `work` in every thread at once; returns the sum of its answers."""
    answers = [0] * THREADS
    gate = threading.Barrier(THREADS)

    def run(number: int) -> None:
        gate.wait()
        answers[number] = work(number)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(answers)


@pytest.mark.parametrize("limit", [1, 100, 2_048])
def test_exactly_the_limit_is_admitted(limit: int) -> None:
    policy = policy_of(("*", f"{limit}/h"))
    limiter = Limiter(policy, max_keys=64, clock=ManualClock(0))
    assert hammer(lambda _: sum(limiter.allow("m") for _ in range(TRIES))) == limit
    assert limiter.peek("m").remaining == 0


def test_check_and_allow_and_peek_share_one_count() -> None:
    limiter = Limiter(policy_of(("*", "999/h")), max_keys=64, clock=ManualClock(0))

    def work(number: int) -> int:
        charge = limiter.check if number % 2 else limiter.allow
        admitted = 0
        for _ in range(TRIES):
            admitted += 3 * bool(charge("m", cost=3))
            left = limiter.peek("m").remaining
            assert left is not None
            assert 0 <= left <= 999
        return admitted

    assert hammer(work) == 999


def test_a_moving_clock_and_swaps_never_admit_too_much() -> None:
    clock = ManualClock(0)
    small, large = policy_of(("*", "10/s")), policy_of(("*", "20/s"))
    limiter = Limiter(small, max_keys=64, clock=clock)
    seconds = 5

    def work(number: int) -> int:
        if number:
            return sum(limiter.allow("m") for _ in range(TRIES))
        for step in range(seconds * 10):
            clock.advance(0.1)
            limiter.swap(large if step % 2 else small)
        return 0

    # The first instant, and each whole second after it, admits 20 at most.
    assert hammer(work) <= 20 * (seconds + 1)
    assert limiter.policy_version == 1 + seconds * 10


def test_every_thread_may_have_a_merchant_of_its_own() -> None:
    limiter = Limiter(policy_of(("*", "7/h")), max_keys=1_000, clock=ManualClock(0))

    def work(number: int) -> int:
        return sum(
            limiter.allow(f"{number}-{merchant}")
            for merchant in range(50)
            for _ in range(9)
        )

    assert hammer(work) == THREADS * 50 * 7
    assert limiter.keys() == THREADS * 50
