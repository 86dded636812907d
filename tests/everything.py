"""Run every check of the course, one after the other, and add up. `python start.py test` runs this file.

The closing line counts each test, and each check that is not made of tests, once. A check that fails without
saying how many tests failed counts as one failure.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BROWSER = "tests/test_browser.py"
NOTEBOOK_COUNTS = ("notebooks", "cells run", "cells compared")


@dataclass(frozen=True)
class Result:
    """What one check came to. `counts` has the keys passed, failed and skipped, and what else it counted."""

    name: str
    counts: Counter[str]
    seconds: float


def main(arguments: list[str]) -> int:
    """Run all checks; with --full, the slow tests too. Return 1 if any failed."""
    full = ["--full"] if "--full" in arguments else []
    checks = {
        "ruff": lambda: one_check("ruff", "check", "."),
        "types": lambda: one_check("mypy"),
        "built notebooks": lambda: one_check("pocketr1", "build", "--check"),
        "unit tests": lambda: tests(f"--ignore={BROWSER}", "-n", "2", "--dist", "loadfile", *full),
        "notebooks": notebooks,
        "browser": lambda: tests(BROWSER, *full),
    }
    with tempfile.TemporaryDirectory(prefix="pocketr1-work-") as folder:
        os.environ["POCKETR1_WORK"] = str(Path(folder, "work"))
        results = [timed(name, check) for name, check in checks.items()]
    print(*summary(results), sep="\n")
    return int(any(result.counts["failed"] for result in results))


def timed(name: str, check: Callable[[], Counter[str]]) -> Result:
    """Announce a check, run it, and take its time."""
    print(f"\n== {name}", flush=True)
    start = time.monotonic()
    return Result(name, check(), time.monotonic() - start)


def one_check(module: str, *arguments: str) -> Counter[str]:
    """Run a module that either passes or fails."""
    code = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT).returncode
    return Counter({"failed" if code else "passed": 1})


def tests(*arguments: str) -> Counter[str]:
    """Run pytest, and count the tests from the report that it writes."""
    with tempfile.TemporaryDirectory(prefix="pocketr1-report-") as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "-q", "-rs", f"--junit-xml={report}", *arguments]
        code = subprocess.run(command, cwd=ROOT).returncode
        counts = read_report(report) if report.exists() else Counter[str]()
    if code and not counts["failed"]:
        counts["failed"] = 1
    return counts


def read_report(report: Path) -> Counter[str]:
    """Count the tests in a report in JUnit's format."""
    counts: Counter[str] = Counter()
    for suite in ElementTree.parse(report).iter("testsuite"):
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        passed = int(suite.get("tests", 0)) - failed - skipped
        counts.update({"passed": passed, "failed": failed, "skipped": skipped})
    counts["tests"] = counts["passed"] + counts["failed"]
    return counts


def notebooks() -> Counter[str]:
    """Run every notebook, unsolved and solved. Both tracks are in the counts."""
    command = [sys.executable, "-m", "pocketr1", "test-notebooks"]
    finished = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    print(finished.stdout, end="", flush=True)
    counts = Counter(dict.fromkeys(NOTEBOOK_COUNTS, 0))
    for number, what in re.findall(rf"(\d+) ({'|'.join(NOTEBOOK_COUNTS)})", finished.stdout):
        counts[what] += int(number)
    well = finished.returncode == 0 and all(counts.values())  # a run that compared nothing has tested nothing
    counts["passed" if well else "failed"] = 1
    return counts


def summary(results: list[Result]) -> Iterator[str]:
    """The lines that end a run."""
    totals = sum((result.counts for result in results), Counter[str]())
    yield ""
    for result in results:
        verdict = "FAILED" if result.counts["failed"] else "passed" if result.counts["passed"] else "skipped"
        yield f"{result.name:<16} {verdict:<8} {result.seconds:6.0f} s"
    yield ", ".join(
        f"{totals[what]} {what}" for what in ("tests", "notebooks", "cells run", "cells compared")
    )
    yield f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
