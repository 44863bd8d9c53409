"""The conformance vectors, field by field.

A check may ask for a receipt, whose number a refund names. A refund and a reset
say nothing; what they changed is seen in the steps that follow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from slidegate import Decision, Limiter, ManualClock, Policy, RequestError

FILES = sorted((ROOT / "tests" / "vectors").glob("*.jsonl"))
FIELDS = (
    "outcome",
    "allowed",
    "rule",
    "limit",
    "window_ns",
    "precision",
    "remaining",
    "retry_after_ns",
    "reset_at_ns",
    "policy_version",
)
FEWEST_FILES = 49
FEWEST_STEPS = 16_000

Json = dict[str, Any]


def lines(path: Path) -> Iterator[Json]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


class Replay:
    """A limiter on the clock of one file, and the receipts it gave."""

    def __init__(self, header: Json) -> None:
        assert header["vectors"] == 2
        self.clock = ManualClock.from_unix_ns(header["unix_ns"])
        policy = Policy.from_toml(header["policy"])
        max_keys = header["max_keys"]
        self.limiter = Limiter(policy, max_keys=max_keys, clock=self.clock)
        self.receipts: dict[int, Decision] = {}

    def answer(self, step: Json) -> Json:
        """What the limiter says to a step, as the vectors write it."""
        self.clock.set_elapsed_ns(step["now_ns"])
        match step["op"]:
            case "swap":
                policy = Policy.from_toml(step["policy"])
                return {"policy_version": self.limiter.swap(policy)}
            case "refund":
                self.limiter.refund(self.receipts.pop(step["receipt"]))
                return {}
            case "reset":
                self.limiter.reset(step["merchant"], step.get("rule"))
                return {}
        try:
            decision = self.decide(step)
        except RequestError as error:
            return {"error": error.code}
        return {field: getattr(decision, field) for field in FIELDS}

    def decide(self, step: Json) -> Decision:
        merchant, endpoint, cost = step["merchant"], step["endpoint"], step["cost"]
        if step["op"] == "peek":
            return self.limiter.peek(merchant, endpoint, cost=cost)
        assert step["op"] == "check"
        if "receipt" not in step:
            return self.limiter.check(merchant, endpoint, cost=cost)
        decision = self.limiter.check(merchant, endpoint, cost=cost, receipt=True)
        self.receipts[step["receipt"]] = decision
        return decision


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_timeline_is_answered_as_the_reference_does(path: Path) -> None:
    steps = lines(path)
    replay = Replay(next(steps))
    for number, step in enumerate(steps, start=2):
        assert replay.answer(step) == step["expect"], f"{path.name}:{number}"


def test_there_are_vectors_enough() -> None:
    assert len(FILES) >= FEWEST_FILES, "vectors are missing"
    assert sum(1 for path in FILES for _ in lines(path)) - len(FILES) >= FEWEST_STEPS
