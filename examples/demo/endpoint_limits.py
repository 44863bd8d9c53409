"""Sections a to c and g: 100 payments a minute, per merchant and endpoint."""

from __future__ import annotations

import contextlib
import queue
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

import servers
from client import LIST, PAY, ROW_HEADINGS, SHOW, Burst, Client, Reply, alternating
from report import Report, in_time, patiently

# Were the burst slower, a denial would rightly name less than 59 seconds.
BURST_S = 1.0
MINUTE = 60.0
# Header values are whole seconds, rounded up.
ROUNDING_S = 1.5
MEDIA_TYPE = "application/problem+json"


@dataclass
class Exhausted:
    """A gateway whose merchant m_a has used up POST /v1/payment."""

    client: Client
    admin_url: str
    burst: Burst


async def exhaust(
    report: Report, binary: Path, policy: Path, stack: contextlib.AsyncExitStack
) -> Exhausted:
    """Section a. The gateway runs until `stack` is closed."""
    report.section(
        "a",
        "100 payments a minute",
        "endpoint-limits: 120 concurrent POST /v1/payment of merchant m_a, API keys key_a1 and\n"
        "key_a2 in turn. Both keys share one pool of 100 a minute.",
    )

    async def attempt(_: int) -> tuple[Client, str, Burst]:
        # A fresh gateway has empty windows, so a repetition need not wait.
        url, admin_url = stack.enter_context(servers.gateway(binary, policy))
        client = await stack.enter_async_context(Client(url))
        burst = await client.burst(alternating(120), PAY)
        in_time(burst.began, BURST_S)
        return client, admin_url, burst

    client, admin_url, burst = await patiently(report, attempt)
    _show(report, burst)
    _check(report, burst)
    report.show_checks()
    return Exhausted(client, admin_url, burst)


def _show(report: Report, burst: Burst) -> None:
    rows = []
    if burst.admitted:
        rows.append(burst.admitted[0].row("the first admitted"))
        rows.append(burst.admitted[-1].row("the last admitted"))
    if burst.denied:
        rows.append(burst.denied[0].row("a refused one"))
    report.note(f"120 responses in {burst.seconds:.2f} s")
    report.rows(ROW_HEADINGS, rows)
    if burst.denied:
        report.json("the body of the 429 (application/problem+json)", burst.denied[0].body)


def _check(report: Report, burst: Burst) -> None:
    report.expect("answers 200", len(burst.admitted), 100)
    report.expect("answers 429", len(burst.denied), 20)
    limits = {reply.limit for reply in burst.replies}
    report.expect("X-RateLimit-Limit of all 120", limits, {100})
    counted_down = [reply.remaining for reply in burst.admitted] == list(range(99, -1, -1))
    report.expect("Remaining counts down from 99 to 0", counted_down, True)
    report.expect("Remaining of every 429", {r.remaining for r in burst.denied}, {0})
    retries = {reply.retry_after for reply in burst.denied}
    report.expect_if("Retry-After of every 429", retries <= {59, 60}, retries, "59 … 60 s")
    same = all(reply.body["retryAfter"] == reply.retry_after for reply in burst.denied)
    report.expect("retryAfter in the body equals it", same, True)
    off = max(abs(r.reset - (r.unix + r.retry_after)) for r in burst.denied)
    report.expect("X-RateLimit-Reset is that instant", off <= ROUNDING_S, True)
    media_types = {reply.content_type for reply in burst.denied}
    report.expect("media type of every 429", media_types, {MEDIA_TYPE})
    rules = {reply.body["rule"] for reply in burst.denied}
    report.expect("the rule that every 429 names", rules, {"create-payment"})
    unasked = [reply for reply in burst.admitted if reply.retry_after is not None]
    report.expect("answers 200 with a Retry-After", len(unasked), 0)


async def others_are_untouched(report: Report, exhausted: Exhausted) -> tuple[bool, bool]:
    """Section b; answers whether the other merchant and endpoint were admitted."""
    report.section(
        "b",
        "nobody and nothing else is touched",
        "Limits are per merchant and per endpoint: m_b pays, and m_a still reads.",
    )
    client = exhausted.client
    requests = [
        ("m_b  POST /v1/payment", "key_b1", PAY, 100),
        ("m_a  GET /v1/payment/:id", "key_a1", SHOW, 300),
        ("m_a  GET /v1/payment/list", "key_a2", LIST, 200),
    ]
    replies = [await client.send(key, call) for _, key, call, _ in requests]
    report.rows(
        ROW_HEADINGS, [r.row(label) for r, (label, *_) in zip(replies, requests, strict=True)]
    )
    for reply, (label, _, _, limit) in zip(replies, requests, strict=True):
        report.expect(f"{label}: status", reply.status, 200)
        report.expect(f"{label}: its own limit", reply.limit, limit)
        report.expect(f"{label}: its own remaining", reply.remaining, limit - 1)
    report.show_checks()
    return replies[0].admitted, all(reply.admitted for reply in replies[1:])


async def webhooks_are_delivered(report: Report, exhausted: Exhausted) -> None:
    """Section c."""
    report.section(
        "c",
        "outgoing webhooks are not limited",
        "m_a has no payment left this minute, and its own server still hears from us.",
    )
    client = exhausted.client
    before = await client.send("key_a1", PAY)
    with servers.webhook_receiver() as (url, received):
        async with httpx.AsyncClient(trust_env=False) as admin:
            order = {"merchant": "m_a", "url": url}
            ordered = await admin.post(f"{exhausted.admin_url}/admin/webhook", json=order)
        event = _next(received)
    after = await client.send("key_a2", PAY)
    report.json("what m_a's receiver got", event)
    report.expect("POST /v1/payment of m_a before the delivery", before.status, 429)
    report.expect("the delivery", ordered.json(), {"delivered": True, "status": 204})
    report.expect("the merchant it was for", event.get("merchant"), "m_a")
    report.expect("where it arrived", event.get("path"), "/hook")
    report.expect("POST /v1/payment of m_a after the delivery", after.status, 429)
    report.show_checks()


def _next(received: queue.Queue[dict[str, Any]]) -> dict[str, Any]:
    try:
        return received.get(timeout=5)
    except queue.Empty:
        return {}


async def the_named_time_is_true(report: Report, exhausted: Exhausted) -> None:
    """Section g: back to the merchant of section a, a minute later."""
    report.section(
        "g",
        "the minute slides on",
        "Back to m_a of section a: refused until the time it was told, admitted then. All\n"
        "100 are back (one is used by then): the refusals have cost nothing.",
    )
    client = exhausted.client

    async def attempt(number: int) -> tuple[Reply, Reply, Burst]:
        burst = exhausted.burst
        if number > 1:
            burst = await client.burst(alternating(120), PAY)
        return await _come_back(report, client, burst)

    early, right, again = await patiently(report, attempt)
    report.rows(
        ROW_HEADINGS,
        [early.row("two seconds before"), right.row("at the named time")],
    )
    report.expect("two seconds before the named time", early.status, 429)
    retry = early.retry_after
    report.expect_if("its Retry-After", retry in (1, 2), retry, "1 … 2 s")
    report.expect("at the named time", right.status, 200)
    report.expect("of 120 more, answers 200", len(again.admitted), 99)
    report.expect("answers 429", len(again.denied), 21)
    report.show_checks()


async def _come_back(report: Report, client: Client, burst: Burst) -> tuple[Reply, Reply, Burst]:
    """Before the time that a burst was told, at it, and after."""
    retry_at = max(reply.at + (reply.retry_after or 0) for reply in burst.denied)
    await report.wait_until(retry_at - 2, "until that minute is over")
    early = await client.send("key_a1", PAY)
    in_time(burst.began, MINUTE)
    await report.wait_until(retry_at, "the last two seconds")
    right = await client.send("key_a2", PAY)
    # The burst was spread over a moment, and expires as it came.
    await report.wait_until(retry_at + burst.seconds, "the rest of the burst")
    again = await client.burst(alternating(120), PAY)
    return early, right, again
