"""Policies: files, texts, and every mistake at once."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from slidegate import Limiter, Mistake, Policy, PolicyError

BROKEN = """\
version = 1
[[rule]]
name = "pay"
match = "POST /pay"
windows = ["0/s", "1/s", "1/week"]
colour = "red"
"""


@pytest.mark.parametrize("name", ["merchant-limits", "endpoint-limits"])
def test_a_file_is_read_by_str_and_by_path(root: Path, name: str) -> None:
    path = root / "policies" / f"{name}.toml"
    from_str, from_path = Policy.from_file(str(path)), Policy.from_file(path)
    assert repr(from_str) == repr(from_path)
    assert repr(Policy.from_toml(path.read_text())) == repr(from_str)


def test_every_mistake_is_listed_with_its_place() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_toml(BROKEN)
    mistakes = caught.value.mistakes
    assert [(m.line, m.field) for m in mistakes] == [
        (5, "rule[0].windows[0]"),
        (5, "rule[0].windows[2]"),
        (6, "rule[0].colour"),
    ]
    assert mistakes[0].column == 12
    for mistake in mistakes:
        assert isinstance(mistake, Mistake)
        assert mistake.message in str(caught.value)
        assert f"line {mistake.line}, column {mistake.column}" in str(caught.value)


def test_a_policy_error_is_a_value_error_and_survives_pickling() -> None:
    with pytest.raises(ValueError, match="3 mistakes") as caught:
        Policy.from_toml(BROKEN)
    error = caught.value
    assert isinstance(error, PolicyError)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.mistakes) == (str(error), error.mistakes)


def test_a_file_with_mistakes_is_a_policy_error(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(BROKEN)
    with pytest.raises(PolicyError) as caught:
        Policy.from_file(path)
    assert len(caught.value.mistakes) == 3


def test_a_missing_file_is_file_not_found_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(FileNotFoundError) as caught:
        Policy.from_file(path)
    assert caught.value.filename == str(path)
    assert str(caught.value) == f"[Errno 2] No such file or directory: {str(path)!r}"


def test_other_unreadable_files_are_the_oserror_that_they_are(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        Policy.from_file(tmp_path)
    with pytest.raises(NotADirectoryError):
        Policy.from_file(Path(__file__) / "policy.toml")
    if os.geteuid() != 0:
        path = tmp_path / "secret.toml"
        path.touch(mode=0)
        with pytest.raises(PermissionError):
            Policy.from_file(path)


def test_a_file_that_is_not_text_is_a_policy_error(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(b"version = 1 # \xff")
    with pytest.raises(PolicyError, match="UTF-8") as caught:
        Policy.from_file(path)
    assert caught.value.mistakes == []


def test_a_path_with_a_nul_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="NUL"):
        Policy.from_file("a\0b")


@pytest.mark.parametrize("path", [None, 3, ["policy.toml"]])
def test_what_is_no_path_is_a_type_error(path: object) -> None:
    with pytest.raises(TypeError):
        Policy.from_file(path)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [None, 3, b"version = 1"])
def test_what_is_no_text_is_a_type_error(text: object) -> None:
    with pytest.raises(TypeError):
        Policy.from_toml(text)  # type: ignore[arg-type]


def test_a_policy_is_made_by_its_two_readers_only() -> None:
    with pytest.raises(TypeError):
        Policy()
    with pytest.raises(TypeError):
        Policy.__new__(Policy)


def test_one_policy_serves_many_limiters(root: Path) -> None:
    policy = Policy.from_file(root / "policies" / "merchant-limits.toml")
    first, second = Limiter(policy, max_keys=8), Limiter(policy, max_keys=8)
    first.allow("m", cost=100)
    assert second.peek("m").remaining == 100
