"""The test command's sums, and that it does not take nothing for a success."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests import everything

REPORT = """<testsuites><testsuite tests="10" failures="2" errors="1" skipped="3"/></testsuites>"""
UNSOLVED = "unsolved: 2 notebooks, 50 cells run, 7 exercises asked for their verdict\n"
SOLVED = "solved: 2 notebooks, 60 cells run, 40 cells compared, 20 exempt\n"


def finishing(monkeypatch: pytest.MonkeyPatch, code: int, printed: str = "") -> None:
    """Let every command end with `code`, having printed `printed`."""
    done = subprocess.CompletedProcess([], code, stdout=printed)
    monkeypatch.setattr(subprocess, "run", lambda *command, **how: done)


def test_a_report_is_counted(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT, encoding="utf-8")
    assert everything.read_report(tmp_path / "report.xml") == Counter(passed=4, failed=3, skipped=3, tests=7)


def test_both_tracks_of_notebooks_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    finishing(monkeypatch, 0, UNSOLVED + SOLVED)
    wanted = {"notebooks": 4, "cells run": 110, "cells compared": 40, "passed": 1}
    assert everything.notebooks() == Counter(wanted)


@pytest.mark.parametrize(("code", "printed"), [(1, UNSOLVED + SOLVED), (0, ""), (0, UNSOLVED)])
def test_notebooks_that_fail_or_compare_nothing_are_a_failure(
    monkeypatch: pytest.MonkeyPatch, code: int, printed: str
) -> None:
    finishing(monkeypatch, code, printed)
    assert everything.notebooks()["failed"] == 1


def test_pytest_that_ran_no_test_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    finishing(monkeypatch, 5)
    assert everything.tests() == Counter(failed=1)


def test_a_tool_s_exit_code_is_its_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    finishing(monkeypatch, 0)
    assert everything.one_check("ruff") == Counter(passed=1)
    finishing(monkeypatch, 1)
    assert everything.one_check("ruff") == Counter(failed=1)


def test_the_last_line_is_the_sum() -> None:
    results = [
        everything.Result("ruff", Counter(failed=1), 1.0),
        everything.Result("unit tests", Counter(passed=8, skipped=2, tests=8), 2.0),
        everything.Result("browser", Counter(skipped=1), 0.0),
    ]
    *table, totals, last = everything.summary(results)
    assert "FAILED" in table[1] and "passed" in table[2] and "skipped" in table[3]
    assert totals == "8 tests, 0 notebooks, 0 cells run, 0 cells compared"
    assert last == "8 passed, 1 failed, 3 skipped"
