"""A middleware for Starlette, FastAPI and every other ASGI framework.

It imports no framework. Put it outermost, so that its headers are on the
framework's own error pages too::

    app = RateLimitMiddleware(Starlette(routes=...), limiter, merchant=merchant_of)

or, where those may go without and for ``FastAPI(root_path=...)``, within::

    app.add_middleware(RateLimitMiddleware, limiter=limiter, merchant=merchant_of)
"""

from __future__ import annotations

import inspect
import json
import operator
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from slidegate import (
    MAX_ENDPOINT_BYTES,
    PROBLEM_MEDIA_TYPE,
    Decision,
    Limiter,
    RequestError,
)

__all__ = ["RateLimitMiddleware", "endpoint_of"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Merchant: TypeAlias = str | bytes | None

_MAX_COST = 2**32 - 1
# What an endpoint text may hold as it is: '%' begins an escape, '?' and '#' cut
# the path short, and blanks, control and other characters have no place in it.
_PLAIN = "".join(chr(c) for c in range(0x21, 0x7F) if chr(c) not in "%?#")

_TITLES = {400: "Bad Request", 403: "Forbidden", 414: "URI Too Long"}


class RateLimitMiddleware:
    """Limits the HTTP requests to an ASGI app.

    Only ``http`` scopes are limited; ``lifespan`` and ``websocket`` pass through.

    A request is charged before the app runs, so one that ends in an error, an
    exception or a disconnect stays counted; one that is refused here is not. An
    admitted request's response gets the decision's headers in place of any of
    the same names, errors and streams included; there are none where the policy
    exempts the route or has no rule for it. A refusal is an RFC 9457
    ``application/problem+json`` response, for which the app does not run:

    ====== =====================================================================
    status why
    ====== =====================================================================
    429    over the limit, with ``Retry-After``; or a cost above the limit, without
    503    the limiter's table is full, under ``on_full="deny"``
    403    no rule for the endpoint, under ``unmatched = "deny"``; or no merchant,
           or one of a bad length
    400    a method or path that the limiter cannot judge
    414    a path of more than 8,192 bytes, escapes included
    ====== =====================================================================

    What ``merchant``, ``endpoint`` and ``cost`` raise, and what the limiter raises of
    their answers, is not the client's doing: it propagates, and the server answers it.

    It may serve any number of requests at once and never blocks the event loop.
    """

    def __init__(
        self,
        app: ASGIApp,
        limiter: Limiter,
        *,
        merchant: Callable[[Scope], Merchant | Awaitable[Merchant]],
        endpoint: Callable[[Scope], str] | None = None,
        cost: int | Callable[[Scope], int] = 1,
        on_missing: Literal["deny", "allow"] = "deny",
    ) -> None:
        """Wraps ``app``.

        ``merchant`` says whose request a scope is, at once or as an awaitable:
        the merchant that the credentials belong to, not the API key, because all
        keys of a merchant share its pool. Its answer must be authenticated, or
        one merchant can spend another's limit. For ``None``, ``on_missing`` says
        what happens: "deny" answers 403, also on exempt routes; "allow" lets the
        request pass without a limit.

        ``endpoint`` gives the endpoint text; by default it is `endpoint_of`. For a
        request whose method or path it cannot judge it raises RequestError with the
        code "invalid_endpoint", which is answered with 400; a text that is no endpoint
        is its own fault.
        ``cost`` is the units of a request, from 1 on, or says them for a scope.

        Raises ValueError for another ``on_missing``, a cost out of range, or an
        app with a root path of its own (``FastAPI(root_path=...)``), TypeError
        where a callable is none.
        """
        if on_missing not in ("deny", "allow"):
            raise ValueError(f'on_missing is "deny" or "allow", not {on_missing!r}')
        if not isinstance(limiter, Limiter):
            raise TypeError("limiter is not a slidegate.Limiter")
        if not callable(merchant):
            raise TypeError("merchant is not a callable that takes the scope")
        if endpoint is not None and not callable(endpoint):
            raise TypeError("endpoint is not a callable that takes the scope")
        if endpoint is None and getattr(app, "root_path", None):
            # It strips that path too, and from out here nobody can see that.
            raise ValueError("the app has a root path of its own; use add_middleware")
        if not callable(cost) and not 1 <= operator.index(cost) <= _MAX_COST:
            raise ValueError(f"the cost is not a number from 1 to {_MAX_COST}")
        self._app = app
        self._limiter = limiter
        self._merchant = merchant
        self._endpoint = endpoint_of if endpoint is None else endpoint
        self._cost = cost
        self._admits_missing = on_missing == "allow"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        merchant = self._merchant(scope)
        if inspect.isawaitable(merchant):
            merchant = await merchant
        if merchant is None:
            if self._admits_missing:
                return await self._app(scope, receive, send)
            detail = "The request belongs to no known merchant."
            return await _respond(scope, send, 403, _problem(403, detail))
        decision = self._decide(merchant, scope)
        if isinstance(decision, _Malformed):
            body = _problem(decision.status, decision.detail)
            return await _respond(scope, send, decision.status, body)
        headers = _headers(decision)
        status = decision.http_status()
        if status is not None:
            body = decision.problem_json().encode()
            return await _respond(scope, send, status, body, headers)
        await self._app(scope, receive, _dressed(send, headers) if headers else send)

    def _decide(self, merchant: str | bytes, scope: Scope) -> Decision | _Malformed:
        """The decision, or why the request's merchant, method or path allows none.

        Another error is not the client's doing: it propagates, and the app does
        not run.
        """
        text, is_clients = "", True
        try:
            text = self._endpoint(scope)
            is_clients = self._endpoint is endpoint_of
            cost = self._cost(scope) if callable(self._cost) else self._cost
            return self._limiter.check(merchant, text, cost=cost)
        except RequestError as error:
            if error.code == "invalid_merchant":
                return _Malformed(403, "The request belongs to no valid merchant.")
            if error.code != "invalid_endpoint" or not is_clients:
                raise
        if len(text.encode()) > MAX_ENDPOINT_BYTES:
            return _Malformed(414, "The path is too long.")
        return _Malformed(400, "The method or the path is malformed.")


def endpoint_of(scope: Scope) -> str:
    r"""The endpoint text of an HTTP scope: its method and path.

    The path is the one that the app's router sees: ``scope["path"]`` without the
    server's ``root_path`` (as of ``uvicorn --root-path``), but with the prefix of
    a Starlette ``Mount``. The server has decoded it; what an endpoint text cannot
    hold as it is (``%``, ``?``, ``#``, blanks, control and non-ASCII characters)
    is encoded again. An empty path is ``/``. An app that routes by anything else
    (``raw_path``, a header) needs an ``endpoint`` of its own.

    Raises RequestError for a path with a line feed at its end: a router that
    matches with regular expressions ending in ``$``, such as Starlette's, takes
    it for the path without, so that it would reach a limited handler by a path
    that no rule names.
    """
    path = _routed_path(scope)
    if path.endswith("\n"):
        raise RequestError("the path ends in a line feed", "invalid_endpoint")
    escaped = quote(path or "/", safe=_PLAIN, errors="replace")
    return f"{scope['method']} {escaped}"


def _routed_path(scope: Scope) -> str:
    # Starlette's Mount extends root_path, and keeps the server's under this key.
    root: str = scope.get("app_root_path", scope.get("root_path", ""))
    path: str = scope["path"]
    # "/api" is not the root of "/apis". Some servers leave the root out.
    rest = path.removeprefix(root)
    return rest if rest == "" or rest.startswith("/") else path


class _Malformed:
    """A request whose method or path the limiter cannot judge."""

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail


def _problem(status: int, detail: str) -> bytes:
    body = {
        "type": "about:blank",
        "title": _TITLES[status],
        "status": status,
        "detail": detail,
    }
    return json.dumps(body, separators=(",", ":")).encode()


def _headers(decision: Decision) -> list[tuple[bytes, bytes]]:
    fields = decision.headers()
    return [(name.lower().encode(), value.encode()) for name, value in fields]


def _dressed(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    """A ``send`` that puts ``headers`` on the response."""
    ours = {name for name, _ in headers}

    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            theirs = message.get("headers", ())
            kept = [(n, v) for n, v in theirs if bytes(n).lower() not in ours]
            message = {**message, "headers": kept + headers}
        await send(message)

    return dressed


async def _respond(
    scope: Scope,
    send: Send,
    status: int,
    problem: bytes,
    headers: list[tuple[bytes, bytes]] | None = None,
) -> None:
    """Answers with a problem; HEAD gets the headers that GET would get, alone."""
    described = [
        (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
        (b"content-length", str(len(problem)).encode()),
    ]
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": described + (headers or []),
    }
    await send(start)
    body = b"" if scope["method"].upper() == "HEAD" else problem
    await send({"type": "http.response.body", "body": body})
