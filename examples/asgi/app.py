"""A payment API under a Slidegate policy.

    pip install ./py starlette uvicorn
    uvicorn app:app --app-dir examples/asgi

    curl -i -H 'Authorization: Bearer key_a1' http://127.0.0.1:8000/v1/payment/7

``SLIDEGATE_POLICY`` names the policy file; the default is
``policies/endpoint-limits.toml``. ``key_a1`` and ``key_a2`` belong to one
merchant and share its pool; ``key_b1`` belongs to another.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from slidegate import Limiter, Policy
from slidegate.asgi import RateLimitMiddleware, Scope
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

MERCHANTS = {"key_a1": "m_a", "key_a2": "m_a", "key_b1": "m_b"}
DEFAULT_POLICY = Path(__file__).parents[2] / "policies" / "endpoint-limits.toml"


def merchant_of(scope: Scope) -> str | None:
    """The merchant whose API key the request shows."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, key = value.decode("latin-1").partition(" ")
            return MERCHANTS.get(key) if scheme.lower() == "bearer" else None
    return None


def answer(what: str, status: int = 200) -> Callable[[Request], Awaitable[Response]]:
    """A handler that says what it did."""

    async def handler(request: Request) -> Response:
        return JSONResponse({"did": what, **request.path_params}, status)

    return handler


ROUTES = [
    Route("/v1/payment", answer("create payment", 201), methods=["POST"]),
    Route("/v1/payment/list", answer("list payments")),
    Route("/v1/payment/{id}", answer("get payment")),
    Route("/v1/payment-link", answer("create link", 201), methods=["POST"]),
    Route("/v1/payment-link/list", answer("list links")),
    Route("/v1/payment-link/{id}", answer("get link")),
    Route("/v1/payment-link/{id}", answer("update link"), methods=["PATCH"]),
    Route("/v1/payment-link/{id}", answer("delete link"), methods=["DELETE"]),
]

policy = Policy.from_file(os.environ.get("SLIDEGATE_POLICY", DEFAULT_POLICY))
app = RateLimitMiddleware(
    Starlette(routes=ROUTES), Limiter(policy), merchant=merchant_of
)
