"""The conformance vectors, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from slidegate import Limiter, ManualClock, Policy, RequestError

FILES = sorted((ROOT / "tests" / "vectors").glob("*.jsonl"))
FIELDS = (
    "outcome",
    "allowed",
    "rule",
    "limit",
    "window_ns",
    "remaining",
    "retry_after_ns",
    "reset_at_ns",
    "policy_version",
)
FEWEST_STEPS = 1_000

Json = dict[str, Any]


def lines(path: Path) -> Iterator[Json]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def answer(limiter: Limiter, step: Json) -> Json:
    """What the limiter says to a step, as the vectors write it."""
    if step["op"] == "swap":
        return {"policy_version": limiter.swap(Policy.from_toml(step["policy"]))}
    call = {"check": limiter.check, "peek": limiter.peek}[step["op"]]
    try:
        decision = call(step["merchant"], step["endpoint"], cost=step["cost"])
    except RequestError as error:
        return {"error": error.code}
    return {field: getattr(decision, field) for field in FIELDS}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_timeline_is_answered_as_the_reference_does(path: Path) -> None:
    steps = lines(path)
    header = next(steps)
    assert header["vectors"] == 1
    clock = ManualClock.from_unix_ns(header["unix_ns"])
    policy = Policy.from_toml(header["policy"])
    limiter = Limiter(policy, max_keys=header["max_keys"], clock=clock)
    for number, step in enumerate(steps, start=2):
        clock.set_elapsed_ns(step["now_ns"])
        assert answer(limiter, step) == step["expect"], f"{path.name}:{number}"


def test_there_are_vectors_enough() -> None:
    assert FILES, "tests/vectors is empty"
    assert sum(1 for path in FILES for _ in lines(path)) - len(FILES) > FEWEST_STEPS
