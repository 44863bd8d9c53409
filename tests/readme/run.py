"""Builds and runs the README's examples: C, C++ and Python.

The Rust one is a documentation test of the core package. Usage:

    python tests/readme/run.py LIBDIR BUILD
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def example(language: str) -> str:
    """The one fenced block of a language."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 1, f"the README has {len(blocks)} examples in {language}"
    return blocks[0]


def run(language: str, command: list[str], expected: str) -> None:
    """Runs an example from the root, as its policy path wants."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    if done.returncode != 0 or expected not in output:
        sys.exit(f"README, {language}: exit {done.returncode}, no {expected!r} in:\n{output}")
    print(f"README, {language}: ok")


def compiled(compiler: list[str], source: Path, libdir: Path) -> list[str]:
    program = source.with_suffix(".out")
    link = [f"-L{libdir}", "-lslidegate", f"-Wl,-rpath,{libdir}"]
    flags = ["-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}"]
    subprocess.run([*compiler, *flags, str(source), *link, "-o", str(program)], check=True)
    return [str(program)]


def main(libdir: Path, build: Path) -> None:
    build.mkdir(parents=True, exist_ok=True)
    sources = {name: build / f"example.{name}" for name in ("c", "cpp", "py")}
    for name, fence in (("c", "c"), ("cpp", "cpp"), ("py", "python")):
        sources[name].write_text(example(fence), encoding="utf-8")
    run("C", compiled(["cc", "-std=c11"], sources["c"], libdir), "allowed 1, remaining 99")
    cpp = compiled(["c++", "-std=c++17"], sources["cpp"], libdir)
    run("C++", cpp, "X-RateLimit-Remaining: 99")
    run("Python", [sys.executable, str(sources["py"])], "X-RateLimit-Remaining: 99")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
