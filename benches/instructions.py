"""Compares the instructions that Slidegate's operations take with the baseline.

    python benches/instructions.py              # exit 1 if an operation changed
    python benches/instructions.py accept       # what has changed is the baseline now
    python benches/instructions.py accept-all   # and the rest, but for noise

docs/performance.md has the baseline as a table, which is compared, too, and written.

What a count does not say: whether an instruction waits for memory or for another
core, and what it takes. A locked addition counts as a plain one.

The counts are of one compiler and one architecture: with any other nothing is
compared. That counts as skipped, and as a failure where CI is set in the
environment, so that whoever raises the compiler renews the baseline. The C library
and valgrind's processor (one with AVX2 or one without) matter less, but memcpy's
share may be some percent: where they differ, a note says so. `valgrind` and
`gungraun-runner` are looked for in PATH.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BASELINE = HERE / "instructions.json"
DOCUMENT = HERE.parent / "docs" / "performance.md"
WORKLOAD = HERE / "benches" / "instructions" / "workload.rs"
ACCEPT = "make instructions-accept"

# Changes, as parts of the baseline. A table hashes with a random secret, so counts
# of one binary differ, by less than NOISE.
CHANGED = 0.03
NOISE = 0.005


def requests() -> int:
    """How often each bench does its operation, as the benches have it."""
    text = WORKLOAD.read_text(encoding="utf-8")
    found = re.search(r"^pub const REQUESTS: usize = ([\d_]+);$", text, re.MULTILINE)
    if found is None:
        sys.exit(f"{WORKLOAD.name} does not say how many requests each bench makes")
    return int(found[1].replace("_", ""))


def compiler() -> str:
    """The compiler and what it compiles for, such as `rustc 1.95.0 (…) x86_64-…`."""
    rustc = os.environ.get("RUSTC", "rustc")
    done = subprocess.run([rustc, "-vV"], capture_output=True, text=True, check=True)
    version, *details = done.stdout.splitlines()
    host = next(line for line in details if line.startswith("host: "))
    return f"{version} {host.removeprefix('host: ')}"


def surroundings() -> str:
    """What else the counts depend on, a little: `glibc 2.36, valgrind-3.19.0, AVX2`."""
    valgrind = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True)
    processor = Path("/proc/cpuinfo")
    avx2 = processor.exists() and " avx2 " in processor.read_text(encoding="utf-8")
    parts = [" ".join(platform.libc_ver()), valgrind.stdout.strip(), "AVX2" if avx2 else "no AVX2"]
    return ", ".join(parts)


def count() -> dict[str, float]:
    """Runs the benches: the instructions of each operation, once."""
    bench = ["bench", "-q", "--locked", "-p", "slidegate-benches", "--bench", "instructions"]
    command = [os.environ.get("CARGO", "cargo"), *bench, "--", "--output-format=json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}")
    summaries = [json.loads(line) for line in done.stdout.splitlines()]
    times = requests()
    return dict(operation(summary, times) for summary in summaries)


def operation(summary: dict, times: int) -> tuple[str, float]:
    """An operation's name and instructions in a summary of gungraun."""
    profile = next(p for p in summary["profiles"] if p["tool"] == "Callgrind")
    instructions = profile["data"]["total"]["metrics"]["Ir"]["values"]["new"]
    name = f"{summary['function_name']}, {summary['id'].replace('_', ' ')}"
    return name, round(instructions / times, 1)


def compare(before: dict[str, float], now: dict[str, float]) -> list[str]:
    """Prints a table; returns what fails."""
    failures = []
    print(f"{'instructions':<32} {'baseline':>9} {'now':>9} {'change':>8}")
    for name in [*now, *(name for name in before if name not in now)]:
        old, new = before.get(name), now.get(name)
        if old is None or new is None:
            print(f"{name:<32} {old or '-':>9} {new or '-':>9}")
            failures.append(f"{name}: {'not in the baseline' if old is None else 'not counted'}")
            continue
        change = new / old - 1
        print(f"{name:<32} {old:>9.1f} {new:>9.1f} {change:>+8.1%}")
        if abs(change) > CHANGED:
            failures.append(f"{name}: {change:+.1%}")
    return failures


def table(instructions: dict[str, float]) -> str:
    """The table of the document."""
    rows = [f"| {name} | {count:,.0f} |" for name, count in instructions.items()]
    return "\n".join([*TABLE_HEAD, *rows]) + "\n"


TABLE_HEAD = ("| operation | instructions |", "|---|---|")


def write_document(instructions: dict[str, float]) -> None:
    """Puts the table in the place of the one that is there."""
    text = DOCUMENT.read_text(encoding="utf-8")
    start = text.index("\n".join(TABLE_HEAD))
    end = text.index("\n\n", start) + 1
    DOCUMENT.write_text(text[:start] + table(instructions) + text[end:], encoding="utf-8")


def check() -> int:
    """The gate: 0 if it passed or was skipped outside CI."""
    baseline = json.loads(BASELINE.read_text(encoding="utf-8"))
    if table(baseline["instructions"]) not in DOCUMENT.read_text(encoding="utf-8"):
        print(f"FAILED: the table in {DOCUMENT.name} is not the baseline's; {ACCEPT} writes it")
        return 1
    if reason := hindrance(baseline["compiler"]):
        print(f"skipped: instruction counts were NOT compared: {reason}")
        return int("CI" in os.environ)
    failures = compare(baseline["instructions"], count())
    if (found := surroundings()) != baseline["surroundings"]:
        print(f"note: the baseline is of {baseline['surroundings']}, this is {found}")
    if failures:
        # Fewer, too: else nothing would hold what was gained, or notice work left out.
        title = f"FAILED: changed by more than {CHANGED:.0%}, or not the baseline's operations:"
        print(title, *failures, f"if that is meant to be: {ACCEPT}", sep="\n  ")
    return int(bool(failures))


def hindrance(counted_with: str) -> str | None:
    """Why the counts cannot be compared."""
    if not shutil.which("valgrind"):
        return "valgrind is not installed"
    if flags := os.environ.get("RUSTFLAGS") or os.environ.get("CARGO_ENCODED_RUSTFLAGS"):
        return f"the baseline is of no RUSTFLAGS, here they are {flags}"
    if (found := compiler()) != counted_with:
        return f"the baseline is of {counted_with}, this is {found}; renew it with: {ACCEPT}"
    return None


def accept(least: float) -> int:
    """Writes the baseline; what changed by no more than `least` stays as it is."""
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed")
    before = {}
    if BASELINE.exists():
        before = json.loads(BASELINE.read_text(encoding="utf-8"))["instructions"]
    now = count()
    if before:
        compare(before, now)
    kept = {name: held(before.get(name), new, least) for name, new in now.items()}
    record = {"compiler": compiler(), "surroundings": surroundings(), "instructions": kept}
    BASELINE.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    write_document(kept)
    print(f"{len(kept)} operations written to {BASELINE.name} and {DOCUMENT.name}")
    return 0


def held(old: float | None, new: float, least: float) -> float:
    """The old count where the new one differs by no more than `least`."""
    return old if old and abs(new / old - 1) <= least else new


def main() -> int:
    """What the command line asks for."""
    match sys.argv[1:]:
        case []:
            return check()
        case ["accept"]:
            return accept(CHANGED)
        case ["accept-all"]:
            return accept(NOISE)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
