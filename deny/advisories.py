"""The facts of the RustSec advisories, for networks that cannot reach them.

cargo-deny wants the advisory database as a git repository. Where that cannot be
fetched, it is given one made of the facts in advisories.jsonl: which versions of
which crate an advisory is about. Source: https://github.com/RustSec/advisory-db.

    python deny/advisories.py snapshot CLONE     # facts of a clone, to advisories.jsonl
    python deny/advisories.py repository DIR     # a git repository of these facts
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FACTS = Path(__file__).with_name("advisories.jsonl")
FIELDS = ("id", "package", "date", "informational", "withdrawn")
VERSIONS = ("patched", "unaffected")


def facts(advisory: Path) -> dict[str, object]:
    """What an advisory is about, without its text."""
    import tomllib

    head = advisory.read_text(encoding="utf-8").split("```toml", 1)[1].split("```", 1)[0]
    table = tomllib.loads(head)
    found = {name: table["advisory"][name] for name in FIELDS if name in table["advisory"]}
    versions = table.get("versions", {})
    return found | {name: versions[name] for name in VERSIONS if versions.get(name)}


def snapshot(clone: Path) -> None:
    """Writes the facts of every advisory in a clone of the database."""
    date = ["git", "-C", str(clone), "log", "-1", "--format=%cs"]
    as_of = subprocess.run(date, capture_output=True, text=True, check=True).stdout.strip()
    names = ["git", "-C", str(clone), "ls-files", "crates/*.md"]
    files = subprocess.run(names, capture_output=True, text=True, check=True).stdout.split()
    lines = [json.dumps({"as_of": as_of, "source": "https://github.com/RustSec/advisory-db"})]
    lines += [json.dumps(facts(clone / name)) for name in sorted(files)]
    FACTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines) - 1} advisories as of {as_of}")


def markdown(fact: dict[str, object]) -> str:
    """An advisory in the database's own form."""
    keys = "".join(f"{name} = {json.dumps(fact[name])}\n" for name in FIELDS if name in fact)
    ranges = {"patched": [], **{name: fact[name] for name in VERSIONS if name in fact}}
    versions = "".join(f"{name} = {json.dumps(value)}\n" for name, value in ranges.items())
    url = f"https://rustsec.org/advisories/{fact['id']}.html"
    head = f'[advisory]\n{keys}url = "{url}"\n\n[versions]\n{versions}'
    return f"```toml\n{head}```\n\n# {fact['id']}\n\nSee {url}\n"


def repository(folder: Path) -> None:
    """Makes a git repository of the facts."""
    header, *lines = FACTS.read_text(encoding="utf-8").splitlines()
    for line in lines:
        fact = json.loads(line)
        file = folder / "crates" / fact["package"] / f"{fact['id']}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(markdown(fact), encoding="utf-8")
    git = ["git", "-C", str(folder), "-c", "user.name=facts", "-c", "user.email=facts@localhost"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "Facts"]):
        subprocess.run([*git, *command], check=True)
    print(f"{len(lines)} advisories as of {json.loads(header)['as_of']}")


if __name__ == "__main__":
    {"snapshot": snapshot, "repository": repository}[sys.argv[1]](Path(sys.argv[2]))
