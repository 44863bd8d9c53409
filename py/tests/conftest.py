"""What several test files share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from slidegate import Limiter, ManualClock, Policy

ROOT = Path(__file__).parents[2]

# 2026-01-01T00:00:00Z
NEW_YEAR = 1_767_225_600


@pytest.fixture
def root() -> Path:
    """The top of the repository."""
    return ROOT


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NEW_YEAR)


@pytest.fixture
def limiter_of(clock: ManualClock) -> Callable[..., Limiter]:
    """Makes a small limiter of `match`, `windows` pairs, on the clock."""

    def make(*rules: tuple[str, str], unmatched: str = "allow") -> Limiter:
        return Limiter(policy_of(*rules, unmatched=unmatched), max_keys=64, clock=clock)

    return make


def policy_of(*rules: tuple[str, str], unmatched: str = "allow") -> Policy:
    """A policy of `match`, `windows` pairs; a rule is called `rule-N`."""
    text = f'version = 1\nunmatched = "{unmatched}"\nexempt = ["GET /healthz"]\n'
    for number, (match, windows) in enumerate(rules):
        quoted = ", ".join(f'"{window}"' for window in windows.split())
        text += f'[[rule]]\nname = "rule-{number}"\n'
        text += f'match = "{match}"\nwindows = [{quoted}]\n'
    return Policy.from_toml(text)


def document(name: str) -> Policy:
    """One of the two policies of the API documents."""
    return Policy.from_file(ROOT / "policies" / f"{name}.toml")


def reserved_bytes() -> int:
    """The process's address space."""
    return _statm(0)


def resident_bytes() -> int:
    """What of it is in memory."""
    return _statm(1)


def _statm(field: int) -> int:
    pages = Path("/proc/self/statm").read_text().split()[field]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
