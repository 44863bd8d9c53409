"""Options of a limiter, and the policies that it cannot put into force."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from conftest import policy_of
from slidegate import IncompatiblePolicyError, Limiter, Policy, PolicyError


def test_a_limit_above_max_limit_is_refused() -> None:
    with pytest.raises(IncompatiblePolicyError, match="100") as caught:
        Limiter(policy_of(("*", "101/s")), max_keys=8, max_limit=100)
    assert isinstance(caught.value, PolicyError)
    assert (caught.value.code, caught.value.rule) == ("limit_too_large", "rule-0")
    assert caught.value.mistakes == []
    limiter = Limiter(policy_of(("*", "100/s")), max_keys=8, max_limit=100)
    with pytest.raises(IncompatiblePolicyError, match="100"):
        limiter.swap(policy_of(("*", "101/s")))
    assert limiter.policy_version == 1
    assert limiter.check("m", cost=100).remaining == 0


def bucketed(windows: str, precision: str) -> Policy:
    return Policy.from_toml(
        'version = 1\n[[rule]]\nname = "r"\nmatch = "*"\n'
        f'windows = ["{windows}"]\nprecision = "{precision}"\n'
    )


def test_a_rule_keeps_its_precision() -> None:
    limiter = Limiter(bucketed("9/s", "exact"), max_keys=8)
    refused = pytest.raises(IncompatiblePolicyError, match="would become bucketed")
    with refused as caught:
        limiter.swap(bucketed("9/s", "bucketed"))
    assert (caught.value.code, caught.value.rule) == ("precision", "r")
    assert limiter.policy_version == 1


def test_the_error_survives_pickling() -> None:
    limiter = Limiter(policy_of(("*", "9/s")), max_keys=8, max_limit=9)
    with pytest.raises(IncompatiblePolicyError) as caught:
        limiter.swap(policy_of(("*", "10/s")))
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.code, copy.rule) == (
        str(caught.value),
        "limit_too_large",
        "rule-0",
    )
    assert copy.mistakes == []


@pytest.mark.parametrize("max_limit", [0, -1, 2_049, 2**32, 2**70])
def test_a_max_limit_out_of_range_is_a_value_error(max_limit: int) -> None:
    with pytest.raises(ValueError, match="max_limit"):
        Limiter(policy_of(("*", "1/s")), max_keys=8, max_limit=max_limit)


@pytest.mark.parametrize(
    "options",
    [{"max_limit": 1.0}, {"max_limit": None}, {"names": 1}, {"key_counters": None}],
)
def test_options_of_a_wrong_type(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Limiter(policy_of(("*", "1/s")), max_keys=8, **options)


def test_what_overflows_shares_one_pool() -> None:
    limiter = Limiter(policy_of(("*", "9/h")), max_keys=0, on_full="overflow")
    decisions = [limiter.check(str(merchant)) for merchant in range(200)]
    pooled = [d for d in decisions if d.untracked]
    assert limiter.untracked == len(pooled) >= 100
    assert [d.outcome for d in pooled[:10]] == ["allowed"] * 9 + ["denied"]
    assert sum(d.allowed for d in pooled) == 9
    assert all(d.allowed and not d.untracked for d in decisions if d not in pooled)
    assert limiter.rule_usage("rule-0").untracked == len(pooled)
    assert "untracked" in repr(pooled[0])
    assert pooled[0].http_status() is None


@pytest.mark.parametrize("on_full", ["deny", "admit"])
def test_untracked_is_said_of_uncounted_requests_too(on_full: Any) -> None:
    limiter = Limiter(policy_of(("*", "9/h")), max_keys=0, on_full=on_full)
    decisions = [limiter.check(str(merchant), receipt=True) for merchant in range(99)]
    for decision in decisions:
        assert decision.untracked == (decision.outcome == "untracked")
    untracked = next(d for d in decisions if d.untracked)
    assert untracked.precision is None
    assert limiter.refund(untracked) is False
