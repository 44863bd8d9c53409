"""Puts the figures of a run into docs/performance.md.

    make bench && python benches/document.py

It reads build/peers/results.json and criterion's estimates, writes every table that
stands between `<!-- figures: NAME -->` and `<!-- end -->`, and copies the plots that the
document shows. So no figure in a table is typed, and all of them are of one run. What
the prose says of them is to be read again afterwards.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "performance"
RUN = ROOT / "build" / "peers"
ESTIMATES = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "criterion"
BLOCK = re.compile(r"(<!-- figures: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

# Rows of the first table, and the lines of a work in its columns.
WORKS = {
    "one hot key, mostly denied": "hot",
    "uniform keys": "uniform",
    "Zipf(1.0) keys": "zipf",
    "growing logs (units 2 to 17 of each key)": "growing",
    "fresh keys (insertion)": "fresh",
    "two windows, 100/s and 400/min, Zipf keys": "windows",
}
COLUMNS = {
    "`allow`": "slidegate",
    "prepared": "slidegate, prepared key",
    "`TscClock`": "slidegate, TSC clock",
    "batches of 16": "slidegate, allow_each of 16",
    "`check`": "slidegate, check",
    "governor": "governor",
    "exact log": "exact log",
    "trypema": "trypema",
    "limitador": "limitador",
}
THREADS = {"one hot key": "hot", "uniform keys": "uniform", "Zipf keys": "zipf", "distinct keys": "distinct"}
THREAD_LINES = ("slidegate", "governor", "exact log")
THREAD_COLUMNS = {"1 thread": ", 1 thread", "2 threads": "", "4 threads (on two cores)": ", 4 threads"}
PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9, "p99.99": 99.99}
MEMORY_LINES = ("slidegate", "slidegate, names not kept", "governor", "exact log", "trypema", "limitador")
MEMORY = ("1", "10", "20", "100")
ADMISSION = ("slidegate", "governor", "limitador", "trypema", "exact log")
PARTS = (
    "clock",
    "compare-and-swap, uncontended",
    "load of a far line",
    "windows of one rule, denied",
    "windows of one rule, admitted",
    "rules of one request, denied",
    "one key, denied",
)
SIGNS = {"at_most": "≤", "at_least": "≥", "exactly": "="}


def number(value: float) -> str:
    """Three digits, as far as that makes sense."""
    if value >= 30:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def spread(summary: dict, show=lambda value: f"{value:.2f}") -> str:
    """A median and its quartiles."""
    median, lower, upper = (show(summary[key]) for key in ("median", "lower", "upper"))
    return f"{median} ({lower}–{upper})"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"|{'|'.join(line)}|\n" if line[0] == "---" else f"| {' | '.join(line)} |\n" for line in lines)


class Run:
    """What a run of `make bench` left."""

    def __init__(self) -> None:
        path = RUN / "results.json"
        if not path.exists():
            sys.exit("there is no run to take figures from: make bench")
        self.results = json.loads(path.read_text(encoding="utf-8"))
        self.works = {work["name"]: work for work in self.results["works"]}
        wanted = [*WORKS.values(), *(f"threads-{work}" for work in THREADS.values())]
        wanted += [f"memory-{live}" for live in MEMORY]
        missing = [name for name in wanted if name not in self.works]
        missing += [name for name in ("histograms", "admission") if not self.results.get(name)]
        if missing or self.results["scale"]["name"] != "full":
            what = f"without {', '.join(missing)}" if missing else "in smaller sizes"
            sys.exit(f"{path} is of a run {what}; a whole one is: make bench")

    def line(self, work: str, name: str) -> dict | None:
        """A contestant's figures in a work."""
        lines = self.works[work]["lines"]
        return next((line for line in lines if line["name"] == name), None)

    def machine(self) -> str:
        """Where it ran."""
        machine, rounds = self.results["machine"], self.results["scale"]["rounds"]
        return (
            f"{machine['processor']}, {machine['threads']} cores; load {machine['load_before']:.1f} before and "
            f"{machine['load_after']:.1f} after the run of {machine['seconds'] / 60:.0f} minutes; {rounds} rounds.\n"
        )

    def beside(self) -> str:
        """Works by contestants: nanoseconds, and ratios to governor."""

        def cell(work: str, name: str) -> str:
            line = self.line(work, name)
            if line is None:
                return ""
            ratio = f" ({line['ratio']['median']:.2f})" if line.get("ratio") else ""
            return number(line["figure"]["median"]) + ratio

        rows = [[title, *(cell(work, name) for name in COLUMNS.values())] for title, work in WORKS.items()]
        return table(["ns a call (ratio)", *COLUMNS], rows)

    def targets(self) -> str:
        """Every claim, and what came of it."""
        claims = [claim for work in self.results["works"] for claim in work["claims"]]
        claims += self.results["admission"]["claims"]
        head = ["what", "against", "target", "figure", "least to largest", ""]
        return table(head, [self.judged(claim) for claim in claims])

    @staticmethod
    def judged(claim: dict) -> list[str]:
        """A claim's row."""
        ((sign, bound),) = claim["target"].items()
        what, target = [claim["what"], claim["against"]], f"{SIGNS[sign]} {bound:.2f}"
        value = claim.get("value")
        if value is None:
            return [*what, target, "", "", "not measured"]
        least = f"{value['min']:.2f}–{value['max']:.2f}"
        return [*what, target, spread(value), least, "met" if claim["met"] else "**missed**"]

    def threads(self) -> str:
        """Throughput by threads."""
        rows = []
        for title, work in THREADS.items():
            for name in THREAD_LINES:
                lines = [self.line(f"threads-{work}", name + suffix) for suffix in THREAD_COLUMNS.values()]
                figures = [spread(line["figure"], number) if line else "" for line in lines]
                rows.append([f"{title}, {name}", *figures])
        return table(["million calls a second", *THREAD_COLUMNS], rows)

    def tails(self) -> str:
        """Percentiles."""
        rows = []
        for line in self.results["histograms"]:
            points = dict(map(tuple, line["points"]))
            figures = [number(points[percentile]) for percentile in PERCENTILES.values()]
            rows.append([f"{line['keys']}, {line['name']}", *figures])
        return table(["ns a call, groups of 8", *PERCENTILES], rows)

    def memory(self) -> str:
        """Bytes a key."""
        rows = []
        for name in MEMORY_LINES:
            lines = [self.line(f"memory-{live}", name) for live in MEMORY]
            rows.append([name, *(number(line["figure"]["median"]) if line else "" for line in lines)])
        keys = f"{self.results['scale']['memory_keys']:,}"
        return table([f"bytes a key, {keys} keys", *(f"{live} live" for live in MEMORY)], rows)

    def admission(self) -> str:
        """The most that any window held, as a multiple of its limit."""
        of = self.results["admission"]["rows"]
        over = {(row["pattern"], row["name"]): f"{row['over']:.2f}" for row in of}
        patterns = dict.fromkeys(row["pattern"] for row in of)
        rows = [[pattern, *(over.get((pattern, name), "") for name in ADMISSION)] for pattern in patterns]
        return table(["the most in any window", *ADMISSION], rows)


def parts() -> str:
    """Criterion's medians, with the median deviation."""
    rows = []
    for part in PARTS:
        paths = sorted((ESTIMATES / part).glob("**/new/estimates.json"), key=in_order)
        if not paths:
            sys.exit(f"criterion has no estimates of {part}: make bench")
        for path in paths:
            estimates = json.loads(path.read_text(encoding="utf-8"))
            median, deviation = (estimates[key]["point_estimate"] for key in ("median", "median_abs_dev"))
            name = str(path.parent.parent.relative_to(ESTIMATES)).replace("/", ": ")
            rows.append([name, number(median), f"± {number(deviation)}"])
    return table(["part", "ns", ""], rows)


def in_order(path: Path) -> list[str | int]:
    """2 before 16."""
    words = re.split(r"(\d+)", str(path))
    return [int(word) if word.isdigit() else word for word in words]


def main() -> int:
    """Writes the document."""
    run = Run()
    blocks = {name: getattr(run, name) for name in ("machine", "beside", "targets", "threads", "tails", "memory", "admission")}
    blocks["parts"] = parts
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(BLOCK.sub(lambda block: block[1] + blocks[block[2]]() + block[3], text), encoding="utf-8")
    for plot in set(re.findall(r"\(performance/([\w-]+\.svg)\)", text)):
        shutil.copy(RUN / "plots" / plot, PLOTS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
