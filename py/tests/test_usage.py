"""Who uses how much."""

from __future__ import annotations

import dataclasses
import pickle
import threading
from typing import Any

import pytest
from conftest import reserved_bytes
from slidegate import (
    KeyCounters,
    KeyUsage,
    Limiter,
    ManualClock,
    Policy,
    RequestError,
    RuleUsage,
)

POLICY = """
version = 1
[[rule]]
name = "platform"
match = "*"
per = "all"
windows = ["1000/s"]
[[rule]]
name = "pay"
match = "POST /pay"
windows = ["10/s", "100/min"]
cost = 2
"""
PAY = "POST /pay"


@pytest.fixture
def limiter(clock: ManualClock) -> Limiter:
    return made(clock)


def made(clock: ManualClock | None = None, **options: Any) -> Limiter:
    return Limiter(Policy.from_toml(POLICY), max_keys=2_000, clock=clock, **options)


def pay(limiter: Limiter, merchant: str, times: int) -> int:
    return sum(limiter.allow(merchant, PAY) for _ in range(times))


def test_a_rule_counts_what_became_of_its_requests(limiter: Limiter) -> None:
    assert pay(limiter, "a", 8) == 5
    limiter.peek("a", PAY)
    limiter.check("b", "GET /x", cost=3)
    assert limiter.rule_usage("pay") == RuleUsage(5, 10, 3, 0)
    assert limiter.rule_usage("platform") == RuleUsage(6, 8, 0, 0)


def test_a_rule_that_is_gone_keeps_its_figures(limiter: Limiter) -> None:
    pay(limiter, "a", 2)
    limiter.swap(Policy.from_toml("version = 1"))
    assert limiter.rule_usage("pay").admitted == 2
    assert limiter.rule_usage("platform").units == 2
    assert list(limiter.usage()) == []


def test_a_key_tells_how_its_windows_stand(limiter: Limiter) -> None:
    pay(limiter, "a", 3)
    usage = limiter.key_usage("a", "pay")
    assert usage is not None
    assert (usage.rule, usage.merchant, usage.counters) == ("pay", b"a", None)
    second, minute = usage.windows
    assert (second.window, second.live, second.remaining) == ("10/s", 6, 4)
    assert (minute.window, minute.live, minute.remaining) == ("100/min", 6, 94)
    assert usage.utilisation == 0.6
    assert limiter.key_usage(b"stranger", "pay") is None
    shared = limiter.key_usage("anyone", "platform")
    assert shared is not None
    assert (shared.merchant, shared.windows[0].live) == (b"", 3)


@pytest.mark.parametrize(
    ("merchant", "rule", "code"),
    [("", "pay", "invalid_merchant"), ("m", "other", "unknown_rule")],
)
def test_what_has_no_usage(
    limiter: Limiter, merchant: str, rule: str, code: str
) -> None:
    with pytest.raises(RequestError) as caught:
        limiter.key_usage(merchant, rule)
    assert caught.value.code == code


@pytest.mark.parametrize("rule", ["", "other", "é" * 9_999])
def test_an_unknown_rule_has_no_usage(limiter: Limiter, rule: str) -> None:
    with pytest.raises(RequestError, match="no rule named") as caught:
        limiter.rule_usage(rule)
    assert caught.value.code == "unknown_rule"
    assert len(str(caught.value)) < 200


def test_usage_lists_every_key(limiter: Limiter) -> None:
    assert list(limiter.usage()) == []
    for number in range(600):
        pay(limiter, f"m{number}", 1 + number % 2)
    usage = limiter.usage()
    assert iter(usage) is usage
    found = {(key.rule, key.merchant): key for key in usage}
    assert list(usage) == []
    assert len(found) == 601 == limiter.keys()
    for number in range(600):
        key = found["pay", f"m{number}".encode()]
        assert key.windows[0].live == 2 * (1 + number % 2)
    assert found["platform", b""].windows[0].live == sum(1 + n % 2 for n in range(600))


def test_usage_goes_on_as_its_limiter_does(limiter: Limiter) -> None:
    for number in range(600):
        pay(limiter, f"m{number}", 1)
    usage = limiter.usage()
    next(usage)
    for number in range(600):
        limiter.reset(f"m{number}")
    # What was found ahead is told as it was found, and no more than that.
    left = [key for key in usage if key.windows[0].live]
    assert len(left) <= 256


def test_usage_keeps_its_limiter() -> None:
    limiter = made()
    pay(limiter, "a", 1)
    usage = limiter.usage()
    del limiter
    assert sorted(key.rule for key in usage) == ["pay", "platform"]


def test_the_fullest_come_first(limiter: Limiter) -> None:
    for merchant, times in (("a", 1), ("b", 4), ("c", 3), ("d", 2)):
        pay(limiter, merchant, times)
    top = limiter.top(2)
    assert [(key.merchant, key.utilisation) for key in top] == [
        (b"b", 0.8),
        (b"c", 0.6),
    ]
    assert limiter.top(0) == []
    everyone = limiter.top(10**6)
    assert [key.merchant for key in everyone] == [b"b", b"c", b"d", b"a", b""]


@pytest.mark.parametrize(("n", "error"), [(-1, ValueError), (1.0, TypeError)])
def test_a_wrong_number_of_keys(
    limiter: Limiter, n: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        limiter.top(n)


def test_keys_are_counted_where_that_is_wanted(clock: ManualClock) -> None:
    limiter = made(clock, key_counters=True)
    pay(limiter, "a", 8)
    clock.advance(1)
    pay(limiter, "a", 1)
    usage = limiter.key_usage("a", "pay")
    assert usage is not None
    assert usage.counters == KeyCounters(admitted=6, denied=3, peak=10)


def test_without_names_nothing_is_listed(clock: ManualClock) -> None:
    limiter = made(clock, names=False)
    pay(limiter, "a", 1)
    assert list(limiter.usage()) == []
    assert limiter.top(9) == []
    assert limiter.key_usage("a", "pay") is not None
    assert limiter.rule_usage("pay").admitted == 1


def test_results_are_plain_data(clock: ManualClock) -> None:
    limiter = made(clock, key_counters=True)
    pay(limiter, "a", 2)
    usage = limiter.key_usage("a", "pay")
    for result in (usage, limiter.rule_usage("pay")):
        assert result is not None
        assert pickle.loads(pickle.dumps(result)) == result
        assert hash(result) == hash(dataclasses.replace(result))
        assert type(result).__module__ == "slidegate"
    assert isinstance(usage, KeyUsage)
    assert isinstance(usage.counters, KeyCounters)
    assert dataclasses.asdict(usage)["windows"][1]["live"] == 4
    assert KeyUsage("r", b"", (), None).utilisation == 0.0


def test_usage_is_told_while_others_check() -> None:
    limiter = made()
    done = threading.Event()

    def busy() -> None:
        number = 0
        while not done.is_set():
            number += 1
            limiter.allow(f"m{number % 500}", PAY)

    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        for key in limiter.usage():
            assert all(w.live <= w.limit for w in key.windows)
        assert len(limiter.top(5)) <= 5
        limiter.rule_usage("pay")
    done.set()
    for thread in threads:
        thread.join()


def test_an_iterator_half_way_lets_its_limiter_go() -> None:
    limiter = Limiter(Policy.from_toml(POLICY), max_keys=262_144)
    for number in range(300):
        pay(limiter, f"m{number}", 1)
    usage = limiter.usage()
    next(usage)
    reserved = reserved_bytes()
    del limiter
    assert reserved_bytes() == reserved
    del usage
    assert reserved - reserved_bytes() > 1 << 30
