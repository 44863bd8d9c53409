"""A real HTTP client, and what it gets back."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

LANES = 120
ADMITTED = (200, 201)

PAY = ("POST", "/v1/payment")
SHOW = ("GET", "/v1/payment/pay_1")
LIST = ("GET", "/v1/payment/list")

Call = tuple[str, str]


@dataclass(frozen=True)
class Reply:
    """One response: what the rate limit headers and the body say, and when."""

    status: int
    limit: int | None
    remaining: int | None
    reset: int | None
    retry_after: int | None
    content_type: str
    body: dict[str, Any]
    at: float
    unix: float

    @property
    def admitted(self) -> bool:
        return self.status in ADMITTED

    def row(self, label: str) -> list[Any]:
        """A row under `ROW_HEADINGS`."""
        reset = "" if self.reset is None else f"in {self.reset - self.unix:.0f} s"
        cells = (self.status, self.limit, self.remaining, reset, self.retry_after)
        return [label, *("" if cell is None else cell for cell in cells)]


ROW_HEADINGS = [
    "request",
    "status",
    "X-RateLimit-Limit",
    "-Remaining",
    "-Reset",
    "Retry-After",
]


@dataclass(frozen=True)
class Burst:
    """The replies to requests sent at once."""

    replies: list[Reply]
    began: float
    seconds: float

    @property
    def admitted(self) -> list[Reply]:
        """In the order in which the limiter admitted them."""
        admitted = [reply for reply in self.replies if reply.admitted]
        return sorted(admitted, key=lambda reply: -(reply.remaining or 0))

    @property
    def denied(self) -> list[Reply]:
        """In the order in which the answers came."""
        denied = [reply for reply in self.replies if reply.status == 429]
        return sorted(denied, key=lambda reply: reply.at)


class Client:
    """Merchants talking to one server; use it as an async context manager.

    It keeps one connection a lane, and every lane sends on its own: a burst is
    as concurrent as the machine allows, and not queued in a connection pool.
    """

    def __init__(self, base_url: str) -> None:
        one = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        # Plain HTTP to ourselves: no certificates to load, no proxy to ask.
        options = {"limits": one, "timeout": 30, "verify": False, "trust_env": False}
        self._lanes = [httpx.AsyncClient(base_url=base_url, **options) for _ in range(LANES)]
        # How many requests of each API key came through.
        self.admitted: Counter[str] = Counter()

    async def __aenter__(self) -> Client:
        # Opens the connections, with a key that authentication refuses: no
        # limit is touched.
        await self.burst(["key_unknown"] * LANES, PAY)
        return self

    async def __aexit__(self, *_: object) -> None:
        for lane in self._lanes:
            await lane.aclose()

    async def send(self, key: str, call: Call) -> Reply:
        return await self._send(self._lanes[0], key, _request(self._lanes[0], key, call))

    async def burst(self, keys: Sequence[str], call: Call) -> Burst:
        """Sends one request for each key, all at once."""
        queues: list[list[tuple[str, httpx.Request]]] = [[] for _ in self._lanes]
        for index, key in enumerate(keys):
            lane = index % LANES
            queues[lane].append((key, _request(self._lanes[lane], key, call)))

        async def drive(
            lane: httpx.AsyncClient, queue: list[tuple[str, httpx.Request]]
        ) -> list[Reply]:
            return [await self._send(lane, key, request) for key, request in queue]

        began = time.monotonic()
        replies = await asyncio.gather(*map(drive, self._lanes, queues))
        return Burst([r for lane in replies for r in lane], began, time.monotonic() - began)

    async def _send(self, lane: httpx.AsyncClient, key: str, request: httpx.Request) -> Reply:
        reply = _reply(await lane.send(request))
        self.admitted[key] += reply.admitted
        return reply


def _request(lane: httpx.AsyncClient, key: str, call: Call) -> httpx.Request:
    method, path = call
    return lane.build_request(method, path, headers={"authorization": f"Bearer {key}"})


def _reply(response: httpx.Response) -> Reply:
    is_json = "json" in response.headers.get("content-type", "")
    return Reply(
        status=response.status_code,
        limit=_number(response, "x-ratelimit-limit"),
        remaining=_number(response, "x-ratelimit-remaining"),
        reset=_number(response, "x-ratelimit-reset"),
        retry_after=_number(response, "retry-after"),
        content_type=response.headers.get("content-type", ""),
        body=response.json() if is_json else {},
        at=time.monotonic(),
        unix=time.time(),
    )


def _number(response: httpx.Response, name: str) -> int | None:
    value = response.headers.get(name)
    if value is None:
        return None
    if not value.isdecimal():
        raise ValueError(f"{name} is {value!r}, not a whole number")
    return int(value)


def alternating(count: int) -> list[str]:
    """Merchant m_a with its two API keys in turn."""
    return [("key_a1", "key_a2")[i % 2] for i in range(count)]
