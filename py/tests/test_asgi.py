"""The middleware, one request at a time and without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import pytest
from conftest import NEW_YEAR, policy_of
from driver import Answer, http, request, serve
from slidegate import Limiter, ManualClock, Policy, RequestError
from slidegate.asgi import (
    ASGIApp,
    Message,
    RateLimitMiddleware,
    Receive,
    Scope,
    Send,
    endpoint_of,
)

LimiterOf = Callable[..., Limiter]


class App:
    """An app that answers as told and counts its calls."""

    def __init__(self, status: int = 200, headers: Any = None) -> None:
        self.calls = 0
        self.start: Message = {"type": "http.response.start", "status": status}
        if headers is not None:
            self.start["headers"] = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls += 1
        await send(self.start)
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})


def merchant_m(scope: Scope) -> str:
    return "m"


def limited(app: ASGIApp, limiter: Limiter, **options: Any) -> RateLimitMiddleware:
    return RateLimitMiddleware(app, limiter, **{"merchant": merchant_m, **options})


def test_an_admitted_response_gets_the_headers(limiter_of: LimiterOf) -> None:
    app = App(headers=[(b"content-type", b"text/plain")])
    answer = request(limited(app, limiter_of(("GET /a", "5/s"))), path="/a")
    assert answer.headers == [
        ("content-type", "text/plain"),
        ("x-ratelimit-limit", "5"),
        ("x-ratelimit-remaining", "4"),
        ("x-ratelimit-reset", str(NEW_YEAR + 1)),
    ]
    assert answer.status == 200
    assert answer.messages[1:] == [
        {"type": "http.response.body", "body": b"a", "more_body": True},
        {"type": "http.response.body", "body": b"b"},
    ]


def test_the_headers_replace_those_of_the_app(limiter_of: LimiterOf) -> None:
    theirs = [
        (b"X-RateLimit-Limit", b"9"),
        (b"x-ratelimit-remaining", b"9"),
        (b"x-ratelimit-remaining", b"8"),
        (b"retry-after", b"7"),
    ]
    app = App(headers=tuple(theirs))
    answer = request(limited(app, limiter_of(("*", "5/s"))))
    assert answer.header("x-ratelimit-limit") == "5"
    assert answer.header("x-ratelimit-remaining") == "4"
    # An admission has none of its own, so the app's stays.
    assert answer.header("retry-after") == "7"
    assert app.start["headers"] == tuple(theirs)


def test_an_app_that_names_no_headers_gets_them(limiter_of: LimiterOf) -> None:
    answer = request(limited(App(), limiter_of(("*", "5/s"))))
    assert answer.header("x-ratelimit-remaining") == "4"


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_errors_of_the_app_get_the_headers_and_stay_counted(
    limiter_of: LimiterOf, status: int
) -> None:
    limiter = limiter_of(("*", "5/s"))
    answer = request(limited(App(status), limiter))
    assert (answer.status, answer.header("x-ratelimit-remaining")) == (status, "4")
    assert answer.header("retry-after") is None
    assert limiter.peek("m").remaining == 4


def test_an_exception_stays_counted_and_propagates(limiter_of: LimiterOf) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    limiter = limiter_of(("*", "5/s"))
    with pytest.raises(ZeroDivisionError):
        request(limited(broken, limiter))
    assert limiter.peek("m").remaining == 4


def test_a_disconnect_stays_counted(limiter_of: LimiterOf) -> None:
    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await asyncio.Event().wait()

    async def leave(app: ASGIApp) -> Answer:
        answer = Answer()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(serve(app, http(), answer), 0.01)
        return answer

    limiter = limiter_of(("*", "5/s"))
    answer = asyncio.run(leave(limited(endless, limiter)))
    assert answer.header("x-ratelimit-remaining") == "4"
    assert limiter.peek("m").remaining == 4


def test_a_denial_answers_429_and_is_not_counted(
    limiter_of: LimiterOf, clock: ManualClock
) -> None:
    app, limiter = App(), limiter_of(("GET /a", "2/min"))
    middleware = limited(app, limiter)
    for _ in range(2):
        assert request(middleware, path="/a").status == 200
    clock.advance(0.5)
    for _ in range(5):
        answer = request(middleware, path="/a")
        assert answer.status == 429
        assert answer.problem["retryAfter"] == 60
        assert answer.header("retry-after") == "60"
        assert answer.header("x-ratelimit-limit") == "2"
        assert answer.header("x-ratelimit-remaining") == "0"
        assert answer.header("x-ratelimit-reset") == str(NEW_YEAR + 60)
        decision = limiter.peek("m", "GET /a")
        assert answer.body.decode() == decision.problem_json()
    assert app.calls == 2
    clock.advance(59.5)
    assert request(middleware, path="/a").status == 200


def test_a_cost_above_the_limit_answers_429_without_a_retry(
    limiter_of: LimiterOf,
) -> None:
    app = App()
    answer = request(limited(app, limiter_of(("*", "2/s")), cost=3))
    assert (answer.status, app.calls) == (429, 0)
    assert "retryAfter" not in answer.problem
    assert answer.header("retry-after") is None
    assert answer.header("x-ratelimit-limit") == "2"


@pytest.mark.parametrize(("on_full", "status"), [("deny", 503), ("admit", 200)])
def test_a_full_table_answers_503_or_lets_through(
    on_full: Literal["deny", "admit"], status: int
) -> None:
    limiter = Limiter(policy_of(("*", "9/h")), max_keys=0, on_full=on_full)
    merchants = (str(number) for number in range(64))
    late = next(m for m in merchants if limiter.check(m).outcome == "untracked")
    app = App()
    answer = request(limited(app, limiter, merchant=lambda scope: late))
    assert (answer.status, app.calls) == (status, int(status == 200))
    assert answer.header("x-ratelimit-limit") is None
    if status == 503:
        assert answer.problem["title"] == "Service Unavailable"


def test_an_unmatched_endpoint_is_refused_where_the_policy_says_so(
    limiter_of: LimiterOf,
) -> None:
    app = App()
    limiter = limiter_of(("GET /a", "5/s"), unmatched="deny")
    answer = request(limited(app, limiter), path="/b")
    assert (answer.status, app.calls) == (403, 0)
    assert answer.problem["title"] == "Forbidden"
    assert answer.header("x-ratelimit-limit") is None


@pytest.mark.parametrize("path", ["/healthz", "/else"])
def test_without_a_window_the_response_is_left_alone(
    limiter_of: LimiterOf, path: str
) -> None:
    app = App(headers=[(b"x-ratelimit-limit", b"9")])
    answer = request(limited(app, limiter_of(("GET /a", "1/s"))), path=path)
    assert answer.start is app.start


def test_who_belongs_to_no_merchant_is_refused(limiter_of: LimiterOf) -> None:
    app = App()
    middleware = limited(app, limiter_of(("*", "1/s")), merchant=lambda scope: None)
    for path in ("/a", "/healthz"):
        answer = request(middleware, path=path)
        assert (answer.status, app.calls) == (403, 0)
        assert answer.problem["title"] == "Forbidden"


@pytest.mark.parametrize("merchant", ["", "m" * 1_025, b""])
def test_a_merchant_of_a_bad_length_is_refused(
    limiter_of: LimiterOf, merchant: str | bytes
) -> None:
    app, limiter = App(), limiter_of(("*", "1/s"))
    for on_missing in ("deny", "allow"):
        middleware = limited(
            app, limiter, merchant=lambda scope: merchant, on_missing=on_missing
        )
        answer = request(middleware)
        assert (answer.status, app.calls, limiter.keys()) == (403, 0, 0)
        assert answer.problem["title"] == "Forbidden"


def test_or_passes_without_a_limit(limiter_of: LimiterOf) -> None:
    app = App()
    middleware = limited(
        app,
        limiter_of(("*", "1/s")),
        merchant=lambda scope: None,
        on_missing="allow",
    )
    for _ in range(3):
        assert request(middleware).start is app.start
    assert app.calls == 3


def test_a_merchant_may_be_bytes_and_may_be_awaited(limiter_of: LimiterOf) -> None:
    async def merchant(scope: Scope) -> bytes | None:
        await asyncio.sleep(0)
        return b"\xff" if scope["path"] == "/a" else None

    limiter = limiter_of(("*", "5/s"))
    middleware = limited(App(), limiter, merchant=merchant)
    assert request(middleware, path="/a").status == 200
    assert limiter.peek(b"\xff").remaining == 4
    assert request(middleware, path="/b").status == 403


def test_each_merchant_has_its_own_pool(limiter_of: LimiterOf) -> None:
    middleware = limited(
        App(), limiter_of(("*", "1/s")), merchant=lambda scope: scope["path"]
    )
    statuses = [request(middleware, path=p).status for p in ("/a", "/a", "/b", "/b")]
    assert statuses == [200, 429, 200, 429]


def test_endpoint_and_cost_may_be_told(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("GET /orders/:id", "9/s"))
    middleware = limited(
        App(),
        limiter,
        endpoint=lambda scope: "GET /orders/:id",
        cost=lambda scope: len(scope["path"]),
    )
    assert request(middleware, path="/xyz").header("x-ratelimit-remaining") == "5"
    fixed = limited(App(), limiter, endpoint=lambda scope: "GET /orders/:id", cost=2)
    assert request(fixed).header("x-ratelimit-remaining") == "3"


def test_an_empty_endpoint_is_the_merchant_alone(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(("*", "9/s"), ("GET /a", "1/s"))
    middleware = limited(App(), limiter, endpoint=lambda scope: "")
    for _ in range(3):
        assert request(middleware, path="/a").status == 200
    assert limiter.peek("m").remaining == 6


@pytest.mark.parametrize("text", ["nonsense", ""])
def test_a_text_that_is_no_endpoint_is_not_the_clients_fault(
    limiter_of: LimiterOf, text: str
) -> None:
    limiter = limiter_of(("GET /a", "1/s"))
    with pytest.raises(RequestError):
        request(limited(App(), limiter, endpoint=lambda scope: text))


def test_an_endpoint_function_may_refuse_a_path(limiter_of: LimiterOf) -> None:
    def refusing(scope: Scope) -> str:
        raise RequestError("no such path", "invalid_endpoint")

    middleware = limited(App(), limiter_of(("GET /a", "1/s")), endpoint=refusing)
    assert request(middleware).status == 400


@pytest.mark.parametrize("kind", ["lifespan", "websocket", "else"])
def test_other_scopes_pass_through_untouched(limiter_of: LimiterOf, kind: str) -> None:
    seen: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend((scope, receive, send))

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError

    scope: Scope = {"type": kind, "path": "/a"}
    limiter = limiter_of(("*", "1/s"))

    async def serve_other() -> None:
        await limited(app, limiter)(scope, receive, send)

    asyncio.run(serve_other())
    assert seen == [scope, receive, send]
    assert limiter.keys() == 0


def test_head_is_refused_with_the_headers_of_get_and_no_body(
    limiter_of: LimiterOf,
) -> None:
    middleware = limited(App(), limiter_of(("GET /a", "1/min")))
    assert request(middleware, "HEAD", "/a").status == 200
    get = request(middleware, "GET", "/a")
    for method in ("HEAD", "head"):
        head = request(middleware, method, "/a")
        assert head.status == 429
        assert (head.headers, head.body) == (get.headers, b"")
        assert head.messages[-1]["type"] == "http.response.body"
    assert get.body != b""


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/" + "x" * 8_192, 414),
        # Three bytes each once they are escaped.
        ("GET", "/" + " " * 3_000, 414),
        ("GET", "payment", 400),
        ("GET", "http://host/payment", 400),
        ("GET", "/payment\n", 400),
        ("GET", "/\n", 400),
        ("G(T", "/payment", 400),
        ("G" * 33, "/payment", 400),
        ("", "/payment", 400),
    ],
)
def test_what_the_limiter_cannot_judge_does_not_reach_the_app(
    limiter_of: LimiterOf, method: str, path: str, status: int
) -> None:
    app, limiter = App(), limiter_of(("GET /payment", "1/s"))
    answer = request(limited(app, limiter), method, path)
    assert (answer.status, app.calls) == (status, 0)
    assert answer.problem["title"] in ("Bad Request", "URI Too Long")
    assert limiter.keys() == 0


def test_other_refusals_are_the_servers_and_do_not_reach_the_app(
    limiter_of: LimiterOf,
) -> None:
    app, limiter = App(), limiter_of(("*", "1/s"))
    for options, error in [
        ({"merchant": lambda scope: "\udc80"}, UnicodeEncodeError),
        ({"merchant": lambda scope: 7}, TypeError),
        ({"cost": lambda scope: 0}, RequestError),
        ({"cost": lambda scope: 0.5}, TypeError),
        ({"endpoint": lambda scope: None}, TypeError),
        ({"endpoint": lambda scope: "GET /\udc80"}, UnicodeEncodeError),
    ]:
        with pytest.raises(error):
            request(limited(app, limiter, **options))  # type: ignore[arg-type]
    assert (app.calls, limiter.keys()) == (0, 0)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"on_missing": "refuse"}, ValueError),
        ({"merchant": "m"}, TypeError),
        ({"endpoint": "GET /"}, TypeError),
        ({"cost": 0}, ValueError),
        ({"cost": -1}, ValueError),
        ({"cost": 2**32}, ValueError),
        ({"cost": 1.5}, TypeError),
    ],
)
def test_bad_options_are_refused_at_once(
    limiter_of: LimiterOf, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        limited(App(), limiter_of(("*", "1/s")), **options)


def test_an_app_with_a_root_path_of_its_own_cannot_be_wrapped(
    limiter_of: LimiterOf,
) -> None:
    app = App()
    app.root_path = ""  # type: ignore[attr-defined]
    limited(app, limiter_of(("*", "1/s")))
    app.root_path = "/api"  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="add_middleware"):
        limited(app, limiter_of(("*", "1/s")))
    limited(app, limiter_of(("*", "1/s")), endpoint=lambda scope: "GET /a")


def test_a_policy_is_no_limiter() -> None:
    policy = Policy.from_toml("version = 1")
    with pytest.raises(TypeError, match="limiter"):
        RateLimitMiddleware(App(), policy, merchant=merchant_m)  # type: ignore[arg-type]


def test_the_merchant_has_to_be_told(limiter_of: LimiterOf) -> None:
    with pytest.raises(TypeError, match="merchant"):
        RateLimitMiddleware(App(), limiter_of(("*", "1/s")))  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/v1/payment", "GET /v1/payment"),
        ("", "GET /"),
        ("*", "GET *"),
        ("/a%2Fb", "GET /a%252Fb"),
        ("/a?b#c d", "GET /a%3Fb%23c%20d"),
        ("/a\tb\x00\x7f", "GET /a%09b%00%7F"),
        ("/é€", "GET /%C3%A9%E2%82%AC"),
        ("/\udc80", "GET /%3F"),
        ("/a;b=c,d/{e}|'~", "GET /a;b=c,d/{e}|'~"),
        ("//a/./b/..", "GET //a/./b/.."),
        ("/a\nb", "GET /a%0Ab"),
    ],
)
def test_the_text_of_a_path_escapes_what_it_cannot_hold(path: str, text: str) -> None:
    assert endpoint_of(http(path=path)) == text


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"path": "/api/v1/a", "root_path": "/api"}, "GET /v1/a"),
        ({"path": "/api", "root_path": "/api"}, "GET /"),
        ({"path": "/apis/a", "root_path": "/api"}, "GET /apis/a"),
        ({"path": "/v1/a", "root_path": "/api"}, "GET /v1/a"),
        # Inside a Mount("/v1") of an app that the server runs under /api.
        (
            {"path": "/api/v1/a", "root_path": "/api/v1", "app_root_path": "/api"},
            "GET /v1/a",
        ),
        ({"path": "/v1/a", "root_path": "/v1", "app_root_path": ""}, "GET /v1/a"),
    ],
)
def test_the_text_is_below_the_servers_root(more: dict[str, str], text: str) -> None:
    assert endpoint_of(http(**more)) == text


def test_requests_at_once_are_admitted_up_to_the_limit(limiter_of: LimiterOf) -> None:
    started = 0

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal started
        started += 1
        await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": 200})

    async def all_at_once(app: ASGIApp) -> list[int]:
        answers = [Answer() for _ in range(50)]
        calls: list[Awaitable[None]] = [serve(app, http(), a) for a in answers]
        await asyncio.gather(*calls)
        return [answer.status for answer in answers]

    statuses = asyncio.run(all_at_once(limited(slow, limiter_of(("*", "20/h")))))
    assert (started, statuses.count(200), statuses.count(429)) == (20, 20, 30)
