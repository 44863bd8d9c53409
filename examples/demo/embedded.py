"""Section f: the same policy file, embedded in every language."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import servers
from client import LIST, PAY, Burst, Client, alternating
from report import Mismatch, Report, in_time, patiently

PATIENCE_S = 60
BURST_S = 1.0


@dataclass
class Verdict:
    """What one language made of 120 requests and two bystanders."""

    language: str
    how: str
    admitted: int
    denied: int
    retry_after_s: int | None
    other_merchant: bool
    other_endpoint: bool

    def cells(self) -> Iterator[Any]:
        yield from (self.language, self.how, self.admitted, self.denied)
        yield f"{self.retry_after_s} s"
        for ok in (self.other_merchant, self.other_endpoint):
            yield "admitted" if ok else "refused"


async def bystanders(client: Client) -> tuple[bool, bool]:
    """Whether m_b may still pay, and m_a still list its payments."""
    other_merchant = await client.send("key_b1", PAY)
    other_endpoint = await client.send("key_a1", LIST)
    return other_merchant.admitted, other_endpoint.admitted


def of_burst(language: str, how: str, burst: Burst, others: tuple[bool, bool]) -> Verdict:
    retries = {reply.retry_after for reply in burst.denied}
    retry_after_s = max((retry or 0 for retry in retries), default=None)
    return Verdict(language, how, len(burst.admitted), len(burst.denied), retry_after_s, *others)


def native(language: str, program: Path, policy: Path) -> Verdict:
    """Runs a program that links the library; its last line is its verdict."""
    done = subprocess.run(
        [str(program), str(policy)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if done.returncode != 0:
        raise Mismatch(f"{program} ended with {done.returncode}: {done.stderr.strip()}")
    said = json.loads(done.stdout.strip().splitlines()[-1])
    if said.pop("language") != language:
        raise Mismatch(f"{program} is not the {language} program")
    return Verdict(language=language, how="links libslidegate", **said)


async def python(report: Report, app_dir: Path, policy: Path) -> Verdict:
    """Asks the ASGI app under uvicorn."""

    async def attempt(_: int) -> Verdict:
        # A fresh server has empty windows, so a repetition need not wait.
        with servers.asgi(app_dir, policy) as url:
            async with Client(url) as client:
                burst = await client.burst(alternating(120), PAY)
                in_time(burst.began, BURST_S)
                others = await bystanders(client)
                return of_burst("Python", "HTTP, ASGI under uvicorn", burst, others)

    return await patiently(report, attempt)


def compare(report: Report, verdicts: list[Verdict]) -> None:
    """One table, one line a language; every figure is checked."""
    headings = ["language", "how", "200", "429", "retry after", "other merchant", "other endpoint"]
    report.rows(headings, [list(verdict.cells()) for verdict in verdicts])
    for verdict in verdicts:
        name, retry = verdict.language, verdict.retry_after_s
        report.expect(f"{name}: admitted of 120", verdict.admitted, 100)
        report.expect(f"{name}: refused", verdict.denied, 20)
        report.expect_if(f"{name}: retry after", retry in (59, 60), f"{retry} s", "59 … 60 s")
        report.expect(f"{name}: other merchant admitted", verdict.other_merchant, True)
        report.expect(f"{name}: other endpoint admitted", verdict.other_endpoint, True)
    report.show_checks()
