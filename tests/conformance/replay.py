#!/usr/bin/env python3
"""Replays the conformance vectors through a program and compares every field.

    replay.py [--vectors FOLDER] PROGRAM [ARGUMENT...]

The program reads steps from its standard input and prints a line for each, as
tests/c/replay.c describes. Exits with 1 if a step differs, or if there are no
vectors.
"""

import argparse
import json
import pathlib
import subprocess
import sys

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "vectors"
MAX_SHOWN = 10

COLUMNS = (
    "status",
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
STATUS = {"invalid_merchant": 2, "invalid_cost": 3, "invalid_endpoint": 4}
ABSENT = "-"
# What the steps that decide nothing answer.
ANSWERS = {"swap": {"policy_version"}, "refund": set(), "reset": set()}


class BadVectors(Exception):
    pass


def read_vectors(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    header, *steps = [json.loads(line) for line in lines]
    if header.get("vectors") != 2 or not steps:
        raise BadVectors("not a vector file of version 2 with steps")
    return header, steps


def hexadecimal(text):
    return text.encode("utf-8").hex()


def feed(header, steps):
    """The program's input."""
    lines = [(hexadecimal(header["policy"]), header["unix_ns"], header["max_keys"])]
    lines += [(step["op"], step["now_ns"], *arguments(step)) for step in steps]
    return "".join("\t".join(map(str, line)) + "\n" for line in lines)


def arguments(step):
    """What a step's line has after the operation and the time."""
    match step["op"]:
        case "swap":
            return (hexadecimal(step["policy"]),)
        case "refund":
            return (step["receipt"],)
        case "reset":
            rule = step["rule"]
            return (hexadecimal(step["merchant"]), ABSENT if rule is None else hexadecimal(rule))
        case "check" | "peek":
            merchant, endpoint = hexadecimal(step["merchant"]), hexadecimal(step["endpoint"])
            return (merchant, endpoint, step["cost"], step.get("receipt", ABSENT))
        case op:
            raise BadVectors(f"an unknown step: {op}")


def shown(value):
    if value is None:
        return ABSENT
    return str(int(value) if isinstance(value, bool) else value)


def expected_row(step):
    """What the program ought to print, column by column."""
    expect = step["expect"]
    row = dict.fromkeys(COLUMNS, ABSENT)
    if "error" in expect:
        return row | {"status": str(STATUS[expect["error"]]), "outcome": "none", "allowed": "0"}
    row["status"] = "0"
    if step["op"] in ANSWERS:
        wanted = ANSWERS[step["op"]]
        row["outcome"] = step["op"]
    else:
        wanted = set(COLUMNS) - {"status"}
    if set(expect) != wanted:
        raise BadVectors(f"expect has the fields {sorted(expect)}, not {sorted(wanted)}")
    return row | {name: shown(value) for name, value in expect.items()}


def differences(row, line):
    found = line.split("\t")
    if len(found) != len(COLUMNS):
        return [f"a line of {len(found)} fields: {line!r}"]
    pairs = zip(COLUMNS, found, strict=True)
    return [f"{name}: got {got}, expected {row[name]}" for name, got in pairs if got != row[name]]


def replay(path, program):
    """Replays one file; returns the number of steps and of those that differ."""
    header, steps = read_vectors(path)
    rows = [expected_row(step) for step in steps]
    text = feed(header, steps)
    run = subprocess.run(program, input=text, capture_output=True, text=True, check=False)
    # Not splitlines: only a newline ends a line.
    lines = run.stdout.removesuffix("\n").split("\n")
    if run.returncode != 0 or len(lines) != len(steps):
        sys.stderr.write(run.stderr)
        print(f"{path.name}: exit status {run.returncode}, {len(lines)} answers to {len(steps)} steps")
        return len(steps), len(steps)
    failed = 0
    for number, (step, row, line) in enumerate(zip(steps, rows, lines, strict=True), start=2):
        wrong = differences(row, line)
        if not wrong:
            continue
        failed += 1
        if failed <= MAX_SHOWN:
            call = {name: value for name, value in step.items() if name != "expect"}
            print(f"{path.name}:{number}: {json.dumps(call)[:400]}")
            print("".join(f"    {difference}\n" for difference in wrong), end="")
    print(f"{path.name}: {len(steps)} steps, {failed} failed")
    return len(steps), failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=pathlib.Path, default=VECTORS, metavar="FOLDER")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.program:
        parser.error("which program?")
    paths = sorted(arguments.vectors.glob("*.jsonl"))
    if not paths:
        sys.exit(f"no vectors in {arguments.vectors}")
    total = failures = 0
    for path in paths:
        try:
            steps, failed = replay(path, arguments.program)
        except (BadVectors, ValueError, KeyError) as error:
            sys.exit(f"{path.name}: {type(error).__name__}: {error}")
        total += steps
        failures += failed
    print(f"{' '.join(arguments.program)}: {total - failures} passed, {failures} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
