"""Sections d and e: 100 a second and 400 a minute, then an announced spike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

import httpx

import servers
from client import LIST, PAY, ROW_HEADINGS, Burst, Client, Reply, alternating
from report import Report, in_time, patiently

SECOND = 1.0
MINUTE = 60.0

SPIKE = """\
version = 1
unmatched = "allow"

[[rule]]
name = "merchant-total"
match = "*"
windows = ["300/s", "2000/min"]
"""

BROKEN = """\
version = 1
[[rule]]
name = "merchant-total"
match = "*"
windows = ["0/s", "2000/fortnight"]
"""


@dataclass
class Visit:
    """Merchant m_a at a gateway that never saw it before."""

    report: Report
    client: Client
    admin_url: str
    began: float

    @property
    def used(self) -> int:
        """All that was admitted so far."""
        return self.client.admitted["key_a1"] + self.client.admitted["key_a2"]

    def in_its_minute(self) -> None:
        """Past a minute the first admissions expire, and totals prove nothing."""
        in_time(self.began, MINUTE)


async def run(report: Report, binary: Path, policy: Path) -> None:
    """Both sections, at one gateway."""

    async def attempt(_: int) -> None:
        # A fresh gateway has empty windows, so a repetition need not wait.
        with servers.gateway(binary, policy) as (url, admin_url):
            async with Client(url) as client:
                visit = Visit(report, client, admin_url, time.monotonic())
                await _two_windows(visit)
                await _fill_the_minute(visit)
                await _swap_in_the_spike(visit)
                await _use_up_the_spike(visit)

    await patiently(report, attempt)


async def _two_windows(visit: Visit) -> None:
    report = visit.report
    report.section(
        "d",
        "100 a second and 400 a minute",
        "merchant-limits: 120 concurrent requests of m_a. The refused ones say which window is\n"
        "full and when to come back.",
    )
    burst, early = await _burst_in_a_second(visit, 120, then=LIST)
    last = burst.denied[-1] if burst.denied else early
    await asyncio.sleep(max(0.0, last.at + (last.retry_after or 0) - time.monotonic()))
    right = await visit.client.send("key_a2", PAY)
    report.note(f"120 responses in {burst.seconds:.2f} s")
    _show(report, burst, early.row("sent right after"), right.row("at the named time"))
    report.expect("answers 200", len(burst.admitted), 100)
    report.expect("answers 429", len(burst.denied), 20)
    _check_denials(report, burst.denied, 100, "100/s", range(1, 2), "1 s")
    report.expect("a request before the named time", early.status, 429)
    report.expect("a request at the named time", right.status, 200)
    report.show_checks()


async def _burst_in_a_second(visit: Visit, size: int, then: tuple[str, str]) -> tuple[Burst, Reply]:
    """A burst and one request after it, all within one second."""

    async def attempt(number: int) -> tuple[Burst, Reply]:
        if number > 1:
            await asyncio.sleep(SECOND)
        burst = await visit.client.burst(alternating(size), PAY)
        after = await visit.client.send("key_a1", then)
        in_time(burst.began, SECOND)
        return burst, after

    return await patiently(visit.report, attempt)


async def _drain(visit: Visit, size: int, per_second: int) -> Reply:
    """Sends bursts until something but the second refuses; answers the refusal."""
    while True:
        burst = await visit.client.burst(alternating(size), PAY)
        refused = [reply for reply in burst.denied if reply.limit != per_second]
        visit.in_its_minute()
        visit.report.note(f"{visit.used:>5} admitted after {time.monotonic() - visit.began:.1f} s")
        if refused:
            return refused[-1]
        await asyncio.sleep(max((reply.retry_after or 0 for reply in burst.denied), default=0))


async def _fill_the_minute(visit: Visit) -> None:
    report = visit.report
    report.note("filling the minute, a burst of 120 each second:")
    refused = await _drain(visit, 120, per_second=100)
    other = await visit.client.send("key_b1", PAY)
    visit.in_its_minute()
    report.rows(ROW_HEADINGS, [refused.row("m_a, refused by the minute"), other.row("m_b")])
    report.expect("admitted to m_a in this minute", visit.used, 400)
    _check_denials(report, [refused], 400, "400/min", range(20, 61), "tens of seconds")
    report.expect("m_b meanwhile", other.status, 200)
    report.show_checks()


async def _swap_in_the_spike(visit: Visit) -> None:
    report = visit.report
    report.section(
        "e",
        "an announced spike, swapped in while running",
        'PUT /admin/policy with windows = ["300/s", "2000/min"]. m_a has used its 400 and would\n'
        "wait for most of a minute.",
    )
    # So that what the second still holds of section d does not blur the figure.
    await asyncio.sleep(SECOND)
    before = await visit.client.send("key_a1", PAY)
    async with httpx.AsyncClient(base_url=visit.admin_url, trust_env=False) as admin:
        swapped = await admin.put("/admin/policy", content=SPIKE)
        burst, _ = await _burst_in_a_second(visit, 320, then=LIST)
        visit.in_its_minute()
        broken = await admin.put("/admin/policy", content=BROKEN)
    report.note(f"320 responses in {burst.seconds:.2f} s")
    _show(report, burst, before=before.row("just before the swap"))
    report.expect("just before the swap", before.status, 429)
    report.expect("the limit that refused it", before.limit, 400)
    report.expect("PUT /admin/policy", swapped.json(), {"policy_version": 2})
    report.expect("at once, of 320: answers 200", len(burst.admitted), 300)
    report.expect("answers 429", len(burst.denied), 20)
    _check_denials(report, burst.denied, 300, "300/s", range(1, 2), "1 s")
    mistakes = [f"line {m['line']}: {m['field']}" for m in broken.json().get("mistakes", [])]
    report.expect("PUT of a policy with two mistakes", broken.status_code, 422)
    places = ["line 5: rule[0].windows[0]", "line 5: rule[0].windows[1]"]
    report.expect("the mistakes named", mistakes, places)
    report.show_checks()


async def _use_up_the_spike(visit: Visit) -> None:
    report = visit.report
    report.note("using up the raised minute, a burst of 320 each second:")
    refused = await _drain(visit, 320, per_second=300)
    report.rows(ROW_HEADINGS, [refused.row("m_a, refused by the minute")])
    report.expect("admitted since the swap: 2000 less the 400", visit.used - 400, 1600)
    _check_denials(report, [refused], 2000, "2000/min", range(20, 61), "tens of seconds")
    report.show_checks()


def _show(
    report: Report, burst: Burst, *after: list[object], before: list[object] | None = None
) -> None:
    rows = [before] if before else []
    if burst.admitted:
        rows.append(burst.admitted[0].row("the first admitted"))
        rows.append(burst.admitted[-1].row("the last admitted"))
    if burst.denied:
        rows.append(burst.denied[0].row("a refused one"))
    report.rows(ROW_HEADINGS, [*rows, *after])


def _check_denials(
    report: Report,
    denied: list[Reply],
    limit: int,
    window: str,
    retries: Container[int | None],
    words: str,
) -> None:
    report.expect("the limit that a 429 names", {r.limit for r in denied}, {limit})
    report.expect("the window in its body", {r.body["window"] for r in denied}, {window})
    named = sorted({reply.retry_after or 0 for reply in denied})
    report.expect_if(
        "its Retry-After",
        all(r in retries for r in named),
        ", ".join(f"{s} s" for s in named),
        words,
    )
    same = all(reply.body["retryAfter"] == reply.retry_after for reply in denied)
    report.expect("retryAfter in its body equals Retry-After", same, True)
