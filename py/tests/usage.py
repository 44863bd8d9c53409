"""What a user writes; `mypy --strict` reads it, and nothing runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import slidegate
from slidegate.asgi import RateLimitMiddleware, Scope, endpoint_of
from starlette.applications import Starlette
from typing_extensions import assert_type


def decide(limiter: slidegate.Limiter) -> None:
    decision = limiter.check(b"m", "POST /v1/payment", cost=2)
    assert_type(decision, slidegate.Decision)
    assert_type(limiter.allow("m"), bool)
    assert_type(limiter.peek("m", endpoint="GET /").remaining, int | None)
    assert_type(decision.retry_after, float | None)
    assert_type(decision.reset_at, int | None)
    assert_type(decision.headers(), list[tuple[str, str]])
    assert_type(decision.http_status(), int | None)
    assert_type(decision.problem_json(), str)
    assert_type(limiter.swap(slidegate.Policy.from_file(Path("a"))), int)
    assert_type((limiter.policy_version, limiter.untracked), tuple[int, int])
    assert_type(limiter.keys(), int)
    assert_type(decision.precision, Literal["exact", "bucketed"] | None)
    assert_type((decision.untracked, decision.allowed), tuple[bool, bool])
    assert_type(limiter.peek("m", windows=True).windows, tuple[slidegate.Window, ...])


def undo(limiter: slidegate.Limiter) -> None:
    decision = limiter.check("m", "POST /v1/payment", receipt=True)
    try:
        assert_type(limiter.refund(decision), bool)
    except slidegate.ReceiptError as error:
        code = error.code
        assert_type(code, Literal["no_receipt", "refunded", "foreign_receipt"])
    assert_type(limiter.reset(b"m"), int)
    assert_type(limiter.reset("m", "create-payment"), int)


def decide_often(limiter: slidegate.Limiter) -> None:
    batch = limiter.check_many([("m", "GET /"), (b"m", "GET /", 2)])
    assert_type(batch, list[slidegate.Decision])
    limiter.check_many((merchant, "GET /") for merchant in ("m", "n"))
    key = limiter.prepare("m", "GET /v1/payment/:id")
    assert_type(key, slidegate.Key)
    assert_type(key.check(cost=2), slidegate.Decision)
    assert_type((key.allow(), key.peek().remaining), tuple[bool, int | None])
    assert_type((key.merchant, key.endpoint), tuple[bytes, str])


def watch(limiter: slidegate.Limiter) -> None:
    for usage in limiter.usage():
        assert_type(usage, slidegate.KeyUsage)
        assert_type(usage.counters, slidegate.KeyCounters | None)
        assert_type(usage.utilisation, float)
    assert_type(limiter.top(5), list[slidegate.KeyUsage])
    assert_type(limiter.key_usage("m", "total"), slidegate.KeyUsage | None)
    assert_type(limiter.rule_usage("total"), slidegate.RuleUsage)


def make() -> slidegate.Limiter:
    clock = slidegate.ManualClock(1_767_225_600)
    clock.advance(0.5)
    clock.advance_ns(5)
    assert_type((clock.unix, clock.unix_ns), tuple[float, int])
    try:
        policy = slidegate.Policy.from_toml("version = 1")
    except slidegate.PolicyError as error:
        assert_type(error.mistakes, list[slidegate.Mistake])
        assert_type(error.mistakes[0].line, int)
        raise
    slidegate.Limiter(policy, max_limit=100, names=False, key_counters=True)
    return slidegate.Limiter(policy, max_keys=9, on_full="overflow", clock=clock)


def refuse(error: slidegate.RequestError) -> None:
    code = error.code
    assert_type(
        code,
        Literal["invalid_merchant", "invalid_cost", "invalid_endpoint", "unknown_rule"],
    )
    assert_type(error.index, int | None)


def refuse_policy(error: slidegate.IncompatiblePolicyError) -> None:
    assert_type((error.rule, error.mistakes), tuple[str, list[slidegate.Mistake]])


async def merchant_later(scope: Scope) -> bytes | None:
    return None


def merchant_now(scope: Scope) -> str | None:
    return None


def serve(app: Starlette, limiter: slidegate.Limiter) -> None:
    RateLimitMiddleware(app, limiter, merchant=merchant_later, on_missing="allow")
    RateLimitMiddleware(app, limiter, merchant=merchant_now, endpoint=endpoint_of)
    RateLimitMiddleware(app, limiter, merchant=merchant_now, cost=lambda scope: 2)
    app.add_middleware(RateLimitMiddleware, limiter=limiter, merchant=merchant_now)


def misuse(limiter: slidegate.Limiter, policy: slidegate.Policy) -> None:
    limiter.check(7)  # type: ignore[arg-type]
    limiter.check("m", "GET /", 2)  # type: ignore[call-arg]
    limiter.check("m").allowed = True  # type: ignore[misc]
    slidegate.Limiter(policy, on_full="Deny")  # type: ignore[arg-type]
    slidegate.Limiter(policy, clock=0.0)  # type: ignore[arg-type]
