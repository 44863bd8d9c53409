"""No spelling of a limited route escapes its limit.

A real Starlette app under a real uvicorn notes which handler ran. Whatever was
sent: if the handler of a limited route ran, that route's rule was charged.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Literal

import pytest
from conftest import document
from server import Received, Server, serving
from slidegate import Limiter, ManualClock
from slidegate.asgi import RateLimitMiddleware, Receive, Scope, Send
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, request_response

# Each rule of the document: an endpoint that it governs, and its limit.
RULES = {
    "create-payment": ("POST /v1/payment", 100),
    "get-payment": ("GET /v1/payment/7", 300),
    "list-payments": ("GET /v1/payment/list", 200),
    "create-payment-link": ("POST /v1/payment-link", 50),
    "get-payment-link": ("GET /v1/payment-link/7", 100),
    "list-payment-links": ("GET /v1/payment-link/list", 100),
    "update-payment-link": ("PATCH /v1/payment-link/7", 50),
    "delete-payment-link": ("DELETE /v1/payment-link/7", 50),
}
FUZZED = 1_200


@dataclass
class Api:
    """The app, who ran in it for which merchant, and its limiter."""

    limiter: Limiter
    ran: dict[str, str] = field(default_factory=dict)
    server: Server = field(default_factory=lambda: Server(0))
    http: Literal["h11", "httptools"] = "h11"

    def handler(self, rule: str) -> Callable[[Request], Awaitable[PlainTextResponse]]:
        async def handle(request: Request) -> PlainTextResponse:
            self.ran[request.headers["x-merchant"]] = rule
            return PlainTextResponse(rule)

        return handle

    def link_endpoint(self) -> type:
        """An ASGI endpoint that looks its methods up without case."""
        note = self.handler

        class Link:
            get = note("get-payment-link")
            head = get
            patch = note("update-payment-link")
            delete = note("delete-payment-link")

            def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
                self.connection = (scope, receive, send)

            def __await__(self) -> Generator[object, None, None]:
                scope, receive, send = self.connection
                handler = getattr(type(self), scope["method"].lower(), None)
                if handler is None:
                    return Response(status_code=405)(*self.connection).__await__()
                return request_response(handler)(scope, receive, send).__await__()

        return Link

    def mounted(self) -> list[BaseRoute]:
        """The routes below mounts, some of them with a mount of their own."""
        payments = [
            Route("/", self.handler("create-payment"), methods=["POST"]),
            Route("/list", self.handler("list-payments")),
            Route("/{id}", self.handler("get-payment")),
        ]
        links = [
            Route("/list", self.handler("list-payment-links")),
            Route("/{id}", self.link_endpoint()),
        ]
        create = self.handler("create-payment-link")
        below = [
            Route("/payment-link", create, methods=["POST"]),
            Mount("/payment-link", routes=links),
        ]
        return [
            Route("/v1/payment", self.handler("create-payment"), methods=["POST"]),
            Mount("/v1/payment", routes=payments),
            Mount("/v1", routes=below),
        ]

    def flat(self) -> list[BaseRoute]:
        """The routes as the document lists them."""
        create = (self.handler("create-payment"), self.handler("create-payment-link"))
        return [
            Route("/v1/payment", create[0], methods=["POST"]),
            Route("/v1/payment/list", self.handler("list-payments")),
            Route("/v1/payment/{id}", self.handler("get-payment")),
            Route("/v1/payment-link", create[1], methods=["POST"]),
            Route("/v1/payment-link/list", self.handler("list-payment-links")),
            Route("/v1/payment-link/{id}", self.link_endpoint()),
        ]

    def rooted(self) -> Starlette:
        """An app that sets a root path of its own, as FastAPI can."""

        class Rooted(Starlette):
            root_path = "/api"

            async def __call__(
                self, scope: Scope, receive: Receive, send: Send
            ) -> None:
                scope["root_path"] = self.root_path
                await super().__call__(scope, receive, send)

        app = Rooted(routes=self.flat())
        app.add_middleware(
            RateLimitMiddleware, limiter=self.limiter, merchant=merchant_of
        )
        return app

    def app(self, routes: list[BaseRoute]) -> RateLimitMiddleware:
        app = Starlette(routes=routes)
        return RateLimitMiddleware(app, self.limiter, merchant=merchant_of)

    def send(self, merchant: str, method: str, target: str) -> Received:
        response = self.server.send(method, target, x_merchant=merchant)
        self.check(merchant, response, f"{method} {target}")
        return response

    def check(self, merchant: str, response: Received, sent: str) -> None:
        """That what ran was charged, once; and said so."""
        rule = self.ran.get(merchant)
        if rule is None:
            return
        endpoint, limit = RULES[rule]
        left = self.limiter.peek(merchant, endpoint).remaining
        assert left == limit - 1, f"{sent!r} ran {rule} and left {left} of {limit}"
        assert response.headers["x-ratelimit-remaining"] is not None, sent


def merchant_of(scope: Scope) -> str:
    fields: dict[bytes, bytes] = dict(scope["headers"])
    return fields[b"x-merchant"].decode("latin-1")


@pytest.fixture(scope="module", params=["h11", "httptools"])
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    limiter = Limiter(document("endpoint-limits"), clock=ManualClock(0))
    api = Api(limiter, http=request.param)
    with serving(api.app(api.mounted()), http=api.http) as api.server:
        yield api


@pytest.fixture(scope="module")
def flat() -> Iterator[Api]:
    api = Api(Limiter(document("endpoint-limits"), clock=ManualClock(0)))
    with serving(api.app(api.flat())) as api.server:
        yield api


# What is sent, and which rule's handler runs for it below mounts, if any.
SPELLINGS = [
    ("POST", "/v1/payment", "create-payment"),
    ("GET", "/v1/payment/7", "get-payment"),
    ("GET", "/v1/payment/list", "list-payments"),
    ("POST", "/v1/payment-link", "create-payment-link"),
    ("GET", "/v1/payment-link/7", "get-payment-link"),
    ("GET", "/v1/payment-link/list", "list-payment-links"),
    ("PATCH", "/v1/payment-link/7", "update-payment-link"),
    ("DELETE", "/v1/payment-link/7", "delete-payment-link"),
    # HEAD is served by the GET handler.
    ("HEAD", "/v1/payment/7", "get-payment"),
    ("HEAD", "/v1/payment/list", "list-payments"),
    ("HEAD", "/v1/payment-link/7", "get-payment-link"),
    ("HEAD", "/v1/payment", None),
    ("OPTIONS", "/v1/payment", None),
    ("OPTIONS", "*", None),
    # Slashes.
    ("POST", "/v1/payment/", "create-payment"),
    ("GET", "/v1/payment/list/", None),
    ("GET", "/v1/payment/7/", None),
    ("POST", "//v1/payment", None),
    ("POST", "/v1//payment", None),
    ("GET", "/v1/payment//list", None),
    ("GET", "/v1/payment//7", None),
    # Escapes, which the server decodes once.
    ("POST", "/v1/%70ayment", "create-payment"),
    ("POST", "/%76%31/%70%61%79%6D%65%6e%74", "create-payment"),
    ("POST", "/v1%2Fpayment", "create-payment"),
    ("POST", "/v1/payment%2F", "create-payment"),
    ("GET", "/v1/payment/%6Cist", "list-payments"),
    ("GET", "/v1/payment%2flist", "list-payments"),
    ("GET", "/v1/payment/%256Cist", "get-payment"),
    ("GET", "/v1/payment/%252e", "get-payment"),
    ("GET", "/v1/payment/a%2Fb", None),
    ("GET", "/v1/payment/%zz", "get-payment"),
    ("GET", "/v1/payment/%", "get-payment"),
    ("GET", "/v1/payment/%ff", "get-payment"),
    ("GET", "/v1/payment/%C3%A9", "get-payment"),
    ("GET", "/v1/payment/%ED%B2%80", "get-payment"),
    ("GET", "/v1/payment/%00", "get-payment"),
    ("GET", "/v1/payment/a%20b", "get-payment"),
    ("GET", "/v1/payment/%09%7F", "get-payment"),
    # Queries, and encoded query marks, which belong to the path.
    ("GET", "/v1/payment/7?x=/v1/payment/list", "get-payment"),
    ("GET", "/v1/payment/list?", "list-payments"),
    ("GET", "/v1/payment/list%3Fx", "get-payment"),
    ("GET", "/v1/payment/list%23x", "get-payment"),
    ("GET", "/v1/payment/%3F", "get-payment"),
    ("GET", "/v1/payment/%23", "get-payment"),
    ("POST", "/v1/payment%3Fx", None),
    # Path parameters, and other marks.
    ("POST", "/v1/payment;x=1", None),
    ("GET", "/v1/payment/list;x", "get-payment"),
    ("GET", "/v1/payment/{id}", "get-payment"),
    ("GET", "/v1/payment/:id", "get-payment"),
    ("GET", "/v1/payment/*", "get-payment"),
    # Dot segments, which neither the server nor Starlette resolves.
    ("GET", "/v1/payment/.", "get-payment"),
    ("GET", "/v1/payment/..", "get-payment"),
    ("GET", "/v1/payment/%2e%2E", "get-payment"),
    ("GET", "/v1/payment/.list", "get-payment"),
    ("POST", "/v1/./payment", None),
    ("POST", "/v1/x/../payment", None),
    ("GET", "/v1/payment/./list", None),
    ("GET", "/v1/payment/x/../list", None),
    # A '$' matches before a line feed at the end.
    ("POST", "/v1/payment%0A", None),
    ("POST", "/v1/payment/%0A", None),
    ("POST", "/v1//payment-link%0A", None),
    ("GET", "/v1/payment/list%0A", None),
    ("GET", "/v1/payment/%0A", None),
    ("GET", "/v1/payment/a%0Ab", None),
    ("GET", "/v1/payment/%0Alist", None),
    ("GET", "/v1/payment/list%0D", "get-payment"),
    # Case, which matters in paths.
    ("POST", "/V1/payment", None),
    ("GET", "/v1/payment/LIST", "get-payment"),
    # Names that are no path below the root.
    ("GET", "/", None),
    ("GET", "/v1", None),
    ("GET", "/v1/", None),
]


@pytest.mark.parametrize(("method", "target", "rule"), SPELLINGS)
def test_a_handler_that_ran_was_charged(
    api: Api, method: str, target: str, rule: str | None
) -> None:
    merchant = f"{method} {target}"
    api.send(merchant, method, target)
    assert api.ran.get(merchant) == rule


@pytest.mark.parametrize(("method", "target", "rule"), SPELLINGS)
def test_nor_does_one_escape_without_mounts(
    flat: Api, method: str, target: str, rule: str | None
) -> None:
    merchant = f"{method} {target}"
    flat.send(merchant, method, target)
    if rule is not None and not target.endswith(("/", "%2F")):
        assert flat.ran.get(merchant) == rule


@pytest.mark.parametrize("target", ["/v1/payment/a%0Ab", "/v1/payment/%0Alist"])
def test_a_line_feed_within_a_name_reaches_the_handler(flat: Api, target: str) -> None:
    flat.send(target, "GET", target)
    assert flat.ran[target] == "get-payment"


@pytest.mark.parametrize("method", ["get", "post", "pAtCh", "dELETE", "M-SEARCH"])
@pytest.mark.parametrize(
    "target", ["/v1/payment", "/v1/payment/7", "/v1/payment-link/7"]
)
def test_a_method_in_another_case_does_not_escape(
    api: Api, method: str, target: str
) -> None:
    merchant = f"{method} {target}"
    api.send(merchant, method, target)
    # Only h11 lets such a method pass, and only the class takes it.
    runs = method.upper() in ("GET", "PATCH", "DELETE") and "link" in target
    assert (merchant in api.ran) is (runs and api.http == "h11")


@pytest.mark.parametrize(
    "target", ["http://test/v1/payment", "//test/v1/payment", "v1/payment"]
)
def test_other_forms_of_a_target_do_not_escape(api: Api, target: str) -> None:
    api.send(target, "POST", target)


def test_a_very_long_path_is_refused(api: Api) -> None:
    for target in ("/v1/payment/" + "x" * 9_000, "/v1/payment/" + "%20" * 3_000):
        response = api.send(target[:99], "GET", target)
        assert response.status == 414
        assert response.headers["content-type"] == "application/problem+json"
        assert target[:99] not in api.ran


def mutate(rng: random.Random, target: str) -> str:
    """One odd spelling more."""
    at = rng.randrange(1, len(target) + 1)
    odd = ["/", "//", "/.", "/..", "/./", ";", "%0A", "%0a", "%2F", "%3F", "%23", "?"]
    odd += [
        "%",
        "%25",
        "%00",
        "%20",
        "%09",
        ".",
        "%2e",
        "{",
        "}",
        ":",
        "*",
        "%E2%82%AC",
    ]
    kind = rng.randrange(3)
    if kind == 0:
        return target[:at] + rng.choice(odd) + target[at:]
    if kind == 1:
        # Sometimes one end of a path decides, so it is met more often.
        return target + rng.choice(odd)
    escape = f"%{ord(target[at - 1]):02{rng.choice('xX')}}"
    return target[: at - 1] + escape + target[at:]


def test_random_spellings_do_not_escape(api: Api) -> None:
    rng = random.Random(7)
    methods = ["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "get", "post"]
    before, odd = len(api.ran), 0
    for number in range(FUZZED):
        endpoint, _ = rng.choice(list(RULES.values()))
        method, plain = endpoint.split(" ")
        target = plain
        for _ in range(rng.randint(1, 4)):
            target = mutate(rng, target)
        if rng.random() < 0.2:
            method = rng.choice(methods)
        merchant = f"fuzz-{number}"
        api.send(merchant, method, target)
        odd += merchant in api.ran and target != plain
    # The test would show nothing if hardly any of them reached a handler.
    assert len(api.ran) - before >= odd > FUZZED // 5
    assert set(api.ran.values()) == set(RULES)


def test_a_root_path_of_the_server_changes_nothing() -> None:
    limiter = Limiter(document("endpoint-limits"), max_keys=64, clock=ManualClock(0))
    api = Api(limiter)
    with serving(api.app(api.mounted()), root_path="/api") as api.server:
        for method, target, rule in SPELLINGS:
            if target.startswith("/"):
                merchant = f"{method} {target}"
                api.send(merchant, method, target)
                assert api.ran.get(merchant) == rule


def test_a_root_path_of_the_app_opens_no_second_way() -> None:
    limiter = Limiter(document("endpoint-limits"), max_keys=64, clock=ManualClock(0))
    api = Api(limiter)
    with serving(api.rooted()) as api.server:
        for target in ("/v1/payment", "/api/v1/payment", "/api/api/v1/payment"):
            api.send(target, "POST", target)
    assert list(api.ran) == ["/v1/payment", "/api/v1/payment"]
