"""The type stubs: against the module, and against what users write."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import slidegate
import slidegate.asgi

HERE = Path(__file__).parent


def run(*arguments: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=HERE, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_stubs_are_those_of_the_module() -> None:
    run("mypy.stubtest", "slidegate")


def test_what_users_write_is_well_typed() -> None:
    config = HERE.parent / "pyproject.toml"
    run("mypy", "--strict", "--config-file", str(config), "usage.py")


def test_the_package_says_that_it_is_typed() -> None:
    package = Path(slidegate.__file__).parent
    assert (package / "py.typed").is_file()
    assert (package / "_native.pyi").is_file()


@pytest.mark.parametrize("module", [slidegate, slidegate.asgi])
def test_everything_public_has_a_docstring(module: object) -> None:
    for name in module.__all__:  # type: ignore[attr-defined]
        thing = getattr(module, name)
        if isinstance(thing, str | int):
            continue
        assert inspect.getdoc(thing), name
        for member, value in vars(thing).items():
            # A dataclass has its fields' docstrings in its source only.
            if inspect.ismemberdescriptor(value):
                continue
            if not member.startswith("_") and not isinstance(value, str):
                assert inspect.getdoc(value), f"{name}.{member}"
