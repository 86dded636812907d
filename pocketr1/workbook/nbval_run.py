"""Every notebook, executed from top to bottom by nbval, on both tracks.

The unsolved notebooks must run without an error with nothing solved, and every exercise in them must be "not
attempted". The solved ones are executed too, and every output is compared with the stored one, unless its
cell says why it cannot be. Trainings are cut to a few steps (POCKETR1_FEW_STEPS=1) in the unsolved track, and
nowhere else.

nbval passes some things silently: a cell that was never run, a notebook that nobody listed, a cell marked to
be skipped. So each track is checked before it is run, and what was run is counted.

This module is also the plugin that it hands to pytest, which gives every notebook a work folder of its own
and notes what each cell did.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from .build import CELL_TIMEOUT, execution_environment
from .course import Course, read_course
from .files import ROOT
from .lessons import NBVAL_MARKER

RECORD = "POCKETR1_NBVAL_RECORD"
FOLDER = "POCKETR1_NBVAL_FOLDER"
"""Environment variables for the plugin: the file for what happened, and the folder to work in."""

PROCESSES = 2
VERDICT = re.compile("not attempted|not yet|right")
"""What a check says first."""

SILENCING_TAGS = {"nbval-skip", "nbval-ignore-output", "raises-exception", "nbval-raises-exception"}


@dataclass(frozen=True)
class Track:
    """One way of running all notebooks: those in `folder`, with nbval's `option`."""

    name: str
    folder: str
    option: str
    few_steps: bool


UNSOLVED = Track("unsolved", "notebooks", "--nbval-lax", few_steps=True)
SOLVED = Track("solved", "solutions", "--nbval", few_steps=False)


@dataclass(frozen=True)
class Outcome:
    """What one cell did. `shown` is the text it printed or displayed; `failure` is empty if it passed."""

    notebook: str
    cell: str
    about: dict[str, Any]
    compared: bool
    shown: str
    failure: str


class Report:
    """What came of a run: sentences for what is wrong, and lines to print."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.lines: list[str] = []


def run(root: Path = ROOT, tracks: Sequence[Track] = (UNSOLVED, SOLVED)) -> Report:
    """Run the notebooks of the course in `root`.

    Raises:
        CourseError: if course.toml is wrong.
    """
    course = read_course(root)
    report = Report()
    for track in tracks:
        problems = list(_before(course, track))
        report.problems += problems
        if not problems:
            _run_track(course, track, report)
    return report


def _before(course: Course, track: Track) -> Iterator[str]:
    """What is seen to be wrong without running: strays, and cells that nbval would pass silently."""
    names = {f"{lesson.id}.ipynb" for lesson in course.ready}
    found = {path.name for path in (course.root / track.folder).glob("*.ipynb")}
    if not names:
        yield "lessons/course.toml has no lesson that is ready: nothing would be tested"
    for name in sorted(found - names):
        yield f"{track.folder}/{name} is no ready lesson of lessons/course.toml"
    for name in sorted(names - found):
        yield f"{track.folder}/{name} is missing: lessons/course.toml says that the lesson is ready"
    for lesson in course.ready:
        path = course.root / track.folder / f"{lesson.id}.ipynb"
        if path.name in found:
            yield from _silent_cells(path, track, {entry.name for entry in lesson.exercises})


def _silent_cells(path: Path, track: Track, exercises: set[str]) -> Iterator[str]:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        where = f"{track.folder}/{path.name}, cell {cell.get('id')!r}"
        about = cell.metadata.get("pocketr1", {})
        if track is SOLVED and cell.execution_count is None:
            yield f"{where} was not run, so its output would not be compared. Build the lesson again"
        silencing = SILENCING_TAGS & set(cell.metadata.get("tags", []))
        if silencing and not about.get("exempt"):
            yield f"{where} has the tag {', '.join(sorted(silencing))!r} and gives no reason"
        if NBVAL_MARKER.search(cell.source):
            yield f'{where} silences nbval by a comment; a lesson says exempt="the reason"'
        if about.get("role") == "check":
            exercises = exercises - {about.get("exercise")}
    for name in sorted(exercises):
        yield f"{track.folder}/{path.name} has no check cell for the exercise {name!r}"


def _run_track(course: Course, track: Track, report: Report) -> None:
    outcomes, crash = _execute(course, track)
    report.problems += [outcome.failure for outcome in outcomes if outcome.failure]
    if crash:
        report.problems.append(f"{track.folder}: pytest stopped:\n{crash}")
    cells = {name: _code_cells(course.root / track.folder / f"{name}.ipynb") for name in _ready_ids(course)}
    missing = sum(cells.values()) - len(outcomes)
    if missing and not crash:
        report.problems.append(f"{track.folder}: {missing} of {sum(cells.values())} code cells were not run")
    report.problems += list(_wrong_verdicts(course, track, outcomes))
    report.lines += _summary(course, track, outcomes)


def _ready_ids(course: Course) -> list[str]:
    return [lesson.id for lesson in course.ready]


def _code_cells(path: Path) -> int:
    return sum(cell.cell_type == "code" for cell in nbformat.read(path, as_version=4).cells)


def _wrong_verdicts(course: Course, track: Track, outcomes: list[Outcome]) -> Iterator[str]:
    """Where a check that was run did not say what this track wants of every exercise."""
    wanted = "not attempted" if track is UNSOLVED else "right"
    checks = {(found.notebook, found.about["exercise"]): found for found in outcomes if _is_check(found)}
    for lesson in course.ready:
        for entry in lesson.exercises:
            outcome = checks.get((lesson.id, entry.name))
            if outcome and not outcome.failure and _verdict(outcome) != wanted:
                said = (outcome.shown.strip().splitlines() or ["nothing"])[0]
                where = f"{track.folder}/{lesson.id}.ipynb: exercise {entry.name!r}"
                yield f"{where} should be {wanted!r}, but its check said: {said}"


def _is_check(outcome: Outcome) -> bool:
    return outcome.about.get("role") == "check"


def _verdict(outcome: Outcome) -> str | None:
    """The status that a check cell showed: "not attempted", "not yet" or "right"."""
    said = VERDICT.search(outcome.shown.casefold())
    return said[0] if said else None


def _summary(course: Course, track: Track, outcomes: list[Outcome]) -> list[str]:
    start = f"{track.name}: {_counted(len(course.ready), 'notebook')}, {_counted(len(outcomes), 'cell')} run"
    if track is UNSOLVED:
        exercises = sum(_verdict(outcome) == "not attempted" for outcome in outcomes if _is_check(outcome))
        return [f"{start}, {_counted(exercises, 'exercise')} not attempted"]
    exempt = [outcome for outcome in outcomes if not outcome.compared]
    lines = [f"{start}, {_counted(len(outcomes) - len(exempt), 'cell')} compared, {len(exempt)} exempt"]
    return lines + [f"  exempt: {outcome.cell}: {outcome.about.get('exempt')}" for outcome in exempt]


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _execute(course: Course, track: Track) -> tuple[list[Outcome], str]:
    """Run one track in its own pytest. Returns what each cell did, and pytest's words if it broke off."""
    with tempfile.TemporaryDirectory(prefix="pocketr1-") as name:
        folder = Path(name)
        record = folder / "record.jsonl"
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        environment = execution_environment(folder) | {RECORD: str(record), FOLDER: str(folder)}
        # Only the plugins named below: another one's start-up costs seconds in each process.
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        if track.few_steps:
            environment["POCKETR1_FEW_STEPS"] = "1"
        processes = min(PROCESSES, len(course.ready))
        # By file: the cells of one notebook need one kernel.
        spread = ["-p", "xdist", "-n", str(processes), "--dist", "loadfile"] if processes > 1 else []
        command = [
            *(sys.executable, "-m", "pytest", "-q", "--color=no", "--noconftest"),
            *("-c", str(folder / "pytest.ini"), f"--rootdir={course.root}"),
            *("-p", "no:cacheprovider", "-p", "nbval", "-p", __name__, *spread),
            *(track.option, "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT}"),
            *(f"--nbval-kernel-startup-timeout={CELL_TIMEOUT}", str(course.root / track.folder)),
        ]
        finished = subprocess.run(command, env=environment, cwd=folder, capture_output=True, encoding="utf-8")
        rows = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    outcomes = [Outcome(**json.loads(row)) for row in rows]
    failed = any(outcome.failure for outcome in outcomes)
    explained = finished.returncode == 0 or (finished.returncode == 1 and failed)
    return outcomes, "" if explained else finished.stdout + finished.stderr


# What follows is the plugin: pytest calls these by name. With several processes, the first two are called
# where a cell is run, and `pytest_runtest_logreport` there and in the process that gathers the reports.


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give the notebook a work folder of its own, before its kernel starts."""
    os.environ["POCKETR1_WORK"] = str(Path(os.environ[FOLDER]) / item.path.stem / "work")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Generator[None, Any, None]:
    """Attach to the report what nbval knows of the cell."""
    outcome = yield
    report = outcome.get_result()
    error = call.excinfo
    if report.when != "call" and not error:
        return
    cell = item.cell
    fields = Outcome(
        notebook=item.path.stem,
        cell=cell.get("id", f"number {item.cell_num}"),
        about=dict(cell.metadata.get("pocketr1", {})),
        compared=bool(item.options["check"]),
        shown=_shown(item.test_outputs or []),
        failure="" if report.passed else _failure(item, report),
    )
    report.user_properties.append(("pocketr1", vars(fields)))


def pytest_runtest_logreport(report: Any) -> None:
    """Write down what one cell did, in the process that gathers the reports."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    for name, fields in report.user_properties:
        if name == "pocketr1":
            with open(os.environ[RECORD], "a", encoding="utf-8") as record:
                record.write(json.dumps(fields) + "\n")


def _shown(outputs: list[Any]) -> str:
    parts = []
    for output in outputs:
        parts.append(output.get("text", ""))
        data = output.get("data", {})
        parts += [data[kind] for kind in ("text/plain", "text/markdown", "text/html") if kind in data]
    return "\n".join(parts)


def _failure(item: Any, report: Any) -> str:
    where = f"{item.path.parent.name}/{item.path.name}, cell {item.cell.get('id')!r}"
    words = str(report.longrepr or report.outcome)
    reasons = {
        "Cell outputs differ": "does not give its stored output",
        "Cell execution caused an exception": "raises an exception",
        "Timeout of": f"takes more than {CELL_TIMEOUT} seconds, or its kernel died",
        "Unrun reference cell": "has outputs, but says that it was not run",
    }
    reason = next((said for start, said in reasons.items() if start in words), "was not run to its end")
    return f"{where} {reason}:\n{words}"
