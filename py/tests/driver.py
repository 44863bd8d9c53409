"""A tiny ASGI server side: one request in process, and what the app sent."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from slidegate.asgi import ASGIApp, Message, Scope


@dataclass
class Answer:
    """All that an app sent for one request."""

    messages: list[Message] = field(default_factory=list)

    @property
    def start(self) -> Message:
        assert self.messages[0]["type"] == "http.response.start"
        return self.messages[0]

    @property
    def status(self) -> int:
        status: int = self.start["status"]
        return status

    @property
    def headers(self) -> list[tuple[str, str]]:
        """In order, repeated ones repeated."""
        fields = self.start.get("headers", ())
        return [
            (bytes(n).decode("latin-1"), bytes(v).decode("latin-1")) for n, v in fields
        ]

    def header(self, name: str) -> str | None:
        """The only one of this name, if any."""
        values = [value for n, value in self.headers if n.lower() == name]
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else None

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.messages[1:])

    @property
    def problem(self) -> dict[str, Any]:
        assert self.header("content-type") == "application/problem+json"
        assert self.header("content-length") == str(len(self.body))
        problem: dict[str, Any] = json.loads(self.body)
        assert problem["type"] == "about:blank"
        assert problem["status"] == self.status
        return problem


def http(method: str = "GET", path: str = "/", **more: Any) -> Scope:
    """The scope of a request, with the server's usual keys."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(errors="replace"),
        "root_path": "",
        "query_string": b"",
        "headers": [],
        **more,
    }


def request(app: ASGIApp, method: str = "GET", path: str = "/", **more: Any) -> Answer:
    """Sends one request without a body."""
    answer = Answer()
    asyncio.run(serve(app, http(method, path, **more), answer))
    return answer


async def serve(app: ASGIApp, scope: Scope, answer: Answer) -> None:
    """Serves one scope; an exception of the app propagates."""

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        answer.messages.append(message)

    await app(scope, receive, send)
