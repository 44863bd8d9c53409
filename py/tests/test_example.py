"""The example, run as its docstring says."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from server import DEADLINE_S, Server, wait_until
from test_documents import ENDPOINTS


@contextmanager
def example(root: Path, policy: str | None) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = ["uvicorn", "app:app", "--app-dir", "examples/asgi", "--port", str(port)]
    environment = dict(os.environ)
    environment.pop("SLIDEGATE_POLICY", None)
    if policy is not None:
        environment["SLIDEGATE_POLICY"] = f"policies/{policy}.toml"
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=root, env=environment
    )
    try:
        wait_until(lambda: listens(port, process))
        yield Server(port)
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the example has ended"
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def test_all_keys_of_a_merchant_share_each_endpoints_pool(root: Path) -> None:
    with example(root, None) as server:
        for template, _, limit in ENDPOINTS:
            method, path = template.replace(":id", "7").split(" ")
            for spent in range(limit):
                key = f"Bearer key_a{1 + spent % 2}"
                response = server.send(method, path, authorization=key)
                assert response.status in (200, 201)
                left = response.headers["x-ratelimit-remaining"]
                assert left == str(limit - 1 - spent)
            for key in ("key_a1", "key_a2"):
                denied = server.send(method, path, authorization=f"Bearer {key}")
                assert denied.status == 429
            other = server.send(method, path, authorization="Bearer key_b1")
            assert other.headers["x-ratelimit-remaining"] == str(limit - 1)


@pytest.mark.parametrize("key", [None, "Bearer key_c1", "Basic key_a1", "Bearer"])
def test_an_unknown_key_is_refused(root: Path, key: str | None) -> None:
    headers = {} if key is None else {"authorization": key}
    with example(root, "merchant-limits") as server:
        assert server.send("GET", "/v1/payment/7", **headers).status == 403


def test_the_policy_is_the_environments(root: Path) -> None:
    with example(root, "merchant-limits") as server:
        response = server.send("GET", "/v1/payment/7", authorization="Bearer key_a1")
    assert response.headers["x-ratelimit-limit"] == "100"
    assert b'"get payment"' in response.body
