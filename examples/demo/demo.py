"""Slidegate, shown: real servers, real requests, and every figure checked.

    python demo.py --gateway target/release/slidegate-gateway --policies policies \\
        --embed-c build/embed-c --embed-cpp build/embed-cpp --asgi-app examples/asgi

`make demo` builds all of these and runs it. It ends with status 0 only if every
figure is what the two API documents say.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from pathlib import Path

import embedded
import endpoint_limits
import merchant_limits
from report import Mismatch, Report


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Shows Slidegate at work.")
    parser.add_argument("--gateway", type=Path, required=True, help="slidegate-gateway")
    parser.add_argument("--policies", type=Path, required=True, help="folder of policies")
    parser.add_argument("--embed-c", type=Path, required=True, help="the C program")
    parser.add_argument("--embed-cpp", type=Path, required=True, help="the C++ program")
    parser.add_argument("--asgi-app", type=Path, required=True, help="folder of app.py")
    return parser.parse_args()


async def show(report: Report, args: argparse.Namespace) -> None:
    endpoint_policy = args.policies / "endpoint-limits.toml"
    merchant_policy = args.policies / "merchant-limits.toml"
    async with contextlib.AsyncExitStack() as stack:
        exhausted = await endpoint_limits.exhaust(report, args.gateway, endpoint_policy, stack)
        rust = embedded.of_burst(
            "Rust",
            "HTTP, axum and tower",
            exhausted.burst,
            await endpoint_limits.others_are_untouched(report, exhausted),
        )
        await endpoint_limits.webhooks_are_delivered(report, exhausted)
        await merchant_limits.run(report, args.gateway, merchant_policy)
        await every_language(report, args, endpoint_policy, rust)
        await endpoint_limits.the_named_time_is_true(report, exhausted)


async def every_language(
    report: Report, args: argparse.Namespace, policy: Path, rust: embedded.Verdict
) -> None:
    report.section(
        "f",
        "one policy file, every language",
        "The same 120 requests of m_a under the same endpoint-limits.toml.",
    )
    verdicts = [
        rust,
        embedded.native("C", args.embed_c, policy),
        embedded.native("C++", args.embed_cpp, policy),
        await embedded.python(report, args.asgi_app, policy),
    ]
    embedded.compare(report, verdicts)


def main() -> int:
    # So that a SIGTERM stops the children too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report()
    began = time.monotonic()
    try:
        asyncio.run(show(report, arguments()))
    except KeyboardInterrupt:
        report.warn("stopped")
        return 130
    except Mismatch as mismatch:
        report.warn(str(mismatch))
        report.failed = max(report.failed, 1)
    except Exception as error:  # A server that broke down, say: no figure, no pass.
        report.warn(f"{type(error).__name__}: {error}")
        report.failed = max(report.failed, 1)
    seconds = time.monotonic() - began
    report.console.print()
    report.console.print(f"  every figure is checked; this took {seconds:.0f} s", style="dim")
    report.console.print(f"demo: {report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
