"""A real uvicorn in a thread, and raw requests to it."""

from __future__ import annotations

import http.client
import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import uvicorn
from slidegate.asgi import ASGIApp

DEADLINE_S = 20


@dataclass(frozen=True)
class Received:
    """What came back over the wire."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass(frozen=True)
class Server:
    """Where a server listens."""

    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)

    def send(self, method: str, target: str, **headers: str) -> Received:
        """Sends the request line as it is written, which no client would do."""
        lines = [f"{method} {target} HTTP/1.1", "Host: test", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {headers[name]}" for name in headers]
        with self.connect() as sock:
            sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
            received = b"".join(iter(lambda: sock.recv(65_536), b""))
        return parse(received, method)


def parse(received: bytes, method: str) -> Received:
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, _, fields = head.partition(b"\r\n")
    status = int(status_line.split()[1])
    headers = http.client.parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
    # The server's own word on a line that it cannot read has one even so.
    if method.upper() == "HEAD" and not body.startswith(b"Invalid HTTP request"):
        assert body == b"", "a HEAD response has no body"
    return Received(status, headers, body)


@contextmanager
def serving(
    app: ASGIApp, http: Literal["h11", "httptools"] = "h11", root_path: str = ""
) -> Iterator[Server]:
    """Serves `app` on a free port until the block ends."""
    config = uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="off",
        log_config=None,
        root_path=root_path,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        wait_until(lambda: server.started)
        try:
            yield Server(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(DEADLINE_S)
    assert not thread.is_alive()


def wait_until(true: object) -> None:
    """Waits for what must come true soon."""
    assert callable(true)
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)
