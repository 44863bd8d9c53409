"""The figures of the two API documents, by hand."""

from __future__ import annotations

import pytest
from conftest import NEW_YEAR, document
from slidegate import Limiter, ManualClock

# The table of the endpoint document: 1 minute each.
ENDPOINTS = [
    ("POST /v1/payment", "create-payment", 100),
    ("GET /v1/payment/:id", "get-payment", 300),
    ("GET /v1/payment/list", "list-payments", 200),
    ("POST /v1/payment-link", "create-payment-link", 50),
    ("GET /v1/payment-link/:id", "get-payment-link", 100),
    ("GET /v1/payment-link/list", "list-payment-links", 100),
    ("PATCH /v1/payment-link/:id", "update-payment-link", 50),
    ("DELETE /v1/payment-link/:id", "delete-payment-link", 50),
]


@pytest.fixture
def merchants(clock: ManualClock) -> Limiter:
    return Limiter(document("merchant-limits"), max_keys=64, clock=clock)


@pytest.fixture
def endpoints(clock: ManualClock) -> Limiter:
    return Limiter(document("endpoint-limits"), max_keys=64, clock=clock)


def admitted(limiter: Limiter, endpoint: str, tries: int, merchant: str = "m_1") -> int:
    return sum(limiter.allow(merchant, endpoint) for _ in range(tries))


def test_100_a_second_and_400_a_minute(merchants: Limiter, clock: ManualClock) -> None:
    for second in range(4):
        assert admitted(merchants, "GET /any", 150) == 100, second
        denied = merchants.check("m_1", "GET /any")
        if second < 3:
            assert (denied.window, denied.retry_after) == ("100/s", 1.0)
        clock.advance(1)
    # 400 within the first three seconds: the minute is used up until 60 s.
    denied = merchants.check("m_1", "GET /any")
    assert (denied.limit, denied.remaining, denied.window) == (400, 0, "400/min")
    assert denied.retry_after == 56.0
    assert denied.headers()[-2:] == [
        ("X-RateLimit-Reset", str(NEW_YEAR + 60)),
        ("Retry-After", "56"),
    ]
    clock.advance(55.999_999)
    assert not merchants.allow("m_1", "GET /any")
    clock.advance(0.000_001)
    assert admitted(merchants, "GET /any", 150) == 100


def test_the_merchant_total_is_over_all_endpoints(merchants: Limiter) -> None:
    assert admitted(merchants, "GET /a", 60) == 60
    assert admitted(merchants, "POST /b", 60) == 40
    assert admitted(merchants, "", 60, merchant="m_2") == 60
    assert admitted(merchants, "DELETE /c", 60, merchant="m_2") == 40


@pytest.mark.parametrize(("template", "rule", "limit"), ENDPOINTS)
def test_each_endpoint_has_its_minute(
    endpoints: Limiter, clock: ManualClock, template: str, rule: str, limit: int
) -> None:
    for spent in range(limit):
        # All ids of a route share one pool.
        decision = endpoints.check("m_1", template.replace(":id", f"id-{spent}"))
        assert (decision.rule, decision.limit) == (rule, limit)
        assert decision.remaining == limit - 1 - spent
        assert decision.window == f"{limit}/min"
    denied = endpoints.check("m_1", template.replace(":id", "another"))
    assert (denied.outcome, denied.rule) == ("denied", rule)
    assert denied.headers() == [
        ("X-RateLimit-Limit", str(limit)),
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Reset", str(NEW_YEAR + 60)),
        ("Retry-After", "60"),
    ]
    for other, other_rule, other_limit in ENDPOINTS:
        if other_rule != rule:
            left = endpoints.peek("m_1", other.replace(":id", "x")).remaining
            assert left == other_limit
    assert endpoints.peek("m_2", template.replace(":id", "x")).remaining == limit


def test_a_burst_waits_about_a_minute(endpoints: Limiter, clock: ManualClock) -> None:
    pay = "POST /v1/payment"
    assert admitted(endpoints, pay, 200) == 100
    clock.advance(59.999_999)
    assert admitted(endpoints, pay, 200) == 0
    clock.advance(0.000_001)
    assert admitted(endpoints, pay, 200) == 100


def test_the_minute_slides(endpoints: Limiter, clock: ManualClock) -> None:
    pay = "POST /v1/payment"
    assert admitted(endpoints, pay, 50) == 50
    clock.advance(30)
    assert admitted(endpoints, pay, 200) == 50
    clock.advance(30)
    assert admitted(endpoints, pay, 200) == 50
    clock.advance(29)
    denied = endpoints.check("m_1", pay)
    assert (denied.retry_after, denied.reset_at) == (1.0, NEW_YEAR + 90)


def test_what_the_document_does_not_name_is_not_limited(endpoints: Limiter) -> None:
    decision = endpoints.check("m_1", "POST /webhooks/outgoing")
    assert (decision.outcome, decision.allowed) == ("unmatched", True)
    assert decision.headers() == []
