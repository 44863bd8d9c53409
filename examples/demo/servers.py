"""The processes that the demo starts, and the merchant's webhook receiver."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

START_S = 20
STOP_S = 10
READY = re.compile(r"listening (http://\S+) admin (http://\S+)")


@contextlib.contextmanager
def _running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Runs a child and stops it, whatever happens in between."""
    with subprocess.Popen(command, text=True, **options) as child:
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()


@contextlib.contextmanager
def gateway(binary: Path, policy: Path) -> Iterator[tuple[str, str]]:
    """The Rust gateway under `policy`; yields its API's and its admin's URL."""
    command = [str(binary), "--policy", str(policy)]
    with _running(command, stdout=subprocess.PIPE) as child:
        lines: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=lambda: lines.put(child.stdout.readline()), daemon=True)
        reader.start()
        try:
            line = lines.get(timeout=START_S)
        except queue.Empty:
            line = ""
        ready = READY.match(line)
        if not ready:
            raise RuntimeError(f"the gateway did not start; it said {line!r}")
        yield ready.group(1), ready.group(2)


@contextlib.contextmanager
def asgi(app_dir: Path, policy: Path) -> Iterator[str]:
    """The Python app under uvicorn; yields its URL."""
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "app:app", "--app-dir", str(app_dir)]
    command += ["--port", str(port), "--log-level", "warning"]
    env = {**os.environ, "SLIDEGATE_POLICY": str(policy)}
    with _running(command, env=env) as child:
        _await_port(port, child)
        yield f"http://127.0.0.1:{port}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _await_port(port: int, child: subprocess.Popen[str]) -> None:
    patience = time.monotonic() + START_S
    while time.monotonic() < patience:
        if child.poll() is not None:
            raise RuntimeError(f"uvicorn ended with status {child.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"uvicorn did not listen within {START_S} s")


@contextlib.contextmanager
def webhook_receiver() -> Iterator[tuple[str, queue.Queue[dict[str, Any]]]]:
    """A merchant's own HTTP server; yields its URL and what it receives."""
    received: queue.Queue[dict[str, Any]] = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            received.put({"path": self.path, **json.loads(self.rfile.read(length))})
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keeps the demo's own output readable."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", received
    finally:
        server.shutdown()
        server.server_close()
