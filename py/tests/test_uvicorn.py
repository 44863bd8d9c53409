"""The middleware under a real server: errors, streams, disconnects, refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from conftest import policy_of
from server import Server, serving, wait_until
from slidegate import Limiter, ManualClock
from slidegate.asgi import RateLimitMiddleware, Scope
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

LIMIT = 4


@dataclass
class Shop:
    """A served app with a limiter of four an hour for each route."""

    limiter: Limiter
    server: Server

    def remaining(self, path: str) -> int | None:
        return self.limiter.peek("m", f"GET {path}").remaining


async def plain(request: Request) -> Response:
    return PlainTextResponse("plain", headers={"X-RateLimit-Limit": "7"})


async def refused(request: Request) -> Response:
    raise HTTPException(402)


async def broken(request: Request) -> Response:
    raise ZeroDivisionError


async def stream(request: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(0)
            yield b"chunk"

    return StreamingResponse(chunks())


async def hang(request: Request) -> Response:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return PlainTextResponse("nobody reads this")


HANDLERS = {f"/{f.__name__}": f for f in (plain, refused, broken, stream, hang)}


@pytest.fixture(params=["h11", "httptools"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    rules = [(f"GET {path}", f"{LIMIT}/h") for path in HANDLERS]
    limiter = Limiter(policy_of(*rules), max_keys=64, clock=ManualClock(0))
    app = Starlette(routes=[Route(path, HANDLERS[path]) for path in HANDLERS])
    limited = RateLimitMiddleware(app, limiter, merchant=lambda scope: "m")
    with serving(limited, http=request.param) as server:
        yield Shop(limiter, server)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/plain", 200, b"plain"),
        ("/refused", 402, b"Payment Required"),
        ("/broken", 500, b"Internal Server Error"),
        ("/stream", 200, b"chunk"),
    ],
)
def test_every_response_is_counted_and_says_so(
    shop: Shop, path: str, status: int, body: bytes
) -> None:
    for left in range(LIMIT - 1, -1, -1):
        response = shop.server.send("GET", path)
        assert (response.status, body in response.body) == (status, True)
        assert response.headers.get_all("x-ratelimit-limit") == [str(LIMIT)]
        assert response.headers["x-ratelimit-remaining"] == str(left)
        assert response.headers["x-ratelimit-reset"] == "3600"
        assert response.headers["retry-after"] is None
    for _ in range(2):
        response = shop.server.send("GET", path)
        assert response.status == 429
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["retry-after"] == "3600"
        assert json.loads(response.body)["retryAfter"] == 3600
    head = shop.server.send("HEAD", path)
    assert (head.status, head.body) == (429, b"")
    assert head.headers["content-length"] == response.headers["content-length"]


def test_who_leaves_stays_counted(shop: Shop) -> None:
    for left in range(LIMIT - 1, -1, -1):
        with shop.server.connect() as sock:
            sock.sendall(b"GET /hang HTTP/1.1\r\nHost: test\r\n\r\n")
            wait_until(lambda left=left: shop.remaining("/hang") == left)
    assert shop.server.send("GET", "/hang").status == 429


def test_a_connection_outlives_a_refusal(shop: Shop) -> None:
    for _ in range(LIMIT):
        shop.server.send("GET", "/plain")
    with shop.server.connect() as sock:
        received = b""
        for _ in range(3):
            sock.sendall(b"GET /plain HTTP/1.1\r\nHost: test\r\n\r\n")
            received += sock.recv(65_536)
            wait_until(lambda: True)
        sock.sendall(
            b"GET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
        )
        received += b"".join(iter(lambda: sock.recv(65_536), b""))
    assert received.count(b"HTTP/1.1 429") == 3
    assert received.count(b"HTTP/1.1 404") == 1


def test_it_serves_as_a_middleware_of_starlette() -> None:
    app = Starlette(routes=[Route("/plain", plain)])
    limiter = Limiter(policy_of(("*", "1/h")), max_keys=64)

    def merchant(scope: Scope) -> str:
        return "m"

    app.add_middleware(RateLimitMiddleware, limiter=limiter, merchant=merchant)
    with serving(app) as server:
        statuses = [server.send("GET", "/plain").status for _ in range(2)]
    assert statuses == [200, 429]
