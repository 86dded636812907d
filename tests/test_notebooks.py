"""The run with nbval bites: what could make a green run test nothing turns it red, with a sentence."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pocketr1.workbook import build as builder
from pocketr1.workbook.nbval_run import SOLVED, UNSOLVED, run
from tests.made_up_course import change, make_course

SOLUTION = "solutions/00_numbers.ipynb"
NOTEBOOK = "notebooks/00_numbers.ipynb"


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_course(tmp_path_factory.mktemp("built") / "course with a space")
    list(builder.build(root))
    return root


@pytest.fixture
def course(built_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built_once, tmp_path / "course with a space"))


def change_cell(path: Path, name: str, edit: Callable[[dict[str, Any]], Any]) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    edit(next(cell for cell in notebook["cells"] if cell["id"] == name))
    path.write_text(json.dumps(notebook), encoding="utf-8")


def test_a_good_course_passes_and_what_was_run_is_counted(course, work):
    report = run(course)
    assert report.problems == []
    assert report.lines == [
        "unsolved: 1 notebook, 5 cells run, 1 exercise not attempted",
        "solved: 1 notebook, 5 cells run, 4 cells compared, 1 exempt",
        "  exempt: 00-by-chance: drawn anew in each run",
    ]
    assert not work.exists(), "the learner's own folder was used"


def test_a_stored_output_that_is_no_longer_true_a_broken_answer_and_a_skipped_cell_fail(course):
    change(course / SOLUTION, "return number / 2", "return number / 3")
    change(course / SOLUTION, '"3.0\\n"', '"4.0\\n"')
    change(course / SOLUTION, "nbval-ignore-output", "nbval-skip")
    answer, output, skipped = run(course, [SOLVED]).problems
    assert answer.startswith(f"{SOLUTION}, cell '00-half-check' does not give its stored output:")
    assert "not yet: 2.0 is not half of 6" in answer
    assert output.startswith(f"{SOLUTION}, cell '00-see-it' does not give its stored output:")
    assert skipped.startswith(f"{SOLUTION}, cell '00-by-chance' was not run to its end")


def test_a_broken_answer_whose_verdict_was_stored_too_still_fails(course):
    """As when a reference is broken and the solution built again: outputs agree, and are wrong."""
    change(course / SOLUTION, "return number / 2", "return number / 3")
    change(course / SOLUTION, "right: three and three is six", "not yet: 2.0 is not half of 6")
    change(
        course / SOLUTION, 'print(\\"not yet: 2.0 is not half of 6', 'print(\\"right: three and three is six'
    )
    (problem,) = run(course, [SOLVED]).problems
    says = "should be 'right', but its check said: not yet: 2.0 is not half of 6"
    assert problem == f"{SOLUTION}: exercise 'numbers.half' {says}"


def test_a_cell_that_was_left_unrun_fails(course):
    change_cell(course / SOLUTION, "00-see-it", lambda cell: cell.update(execution_count=None, outputs=[]))
    (problem,) = run(course, [SOLVED]).problems
    assert problem.startswith(f"{SOLUTION}, cell '00-see-it' was not run")


@pytest.mark.parametrize("track", [UNSOLVED, SOLVED], ids=lambda track: track.name)
def test_a_notebook_that_is_not_in_the_manifest_fails(course, track):
    shutil.copy(course / track.folder / "00_numbers.ipynb", course / track.folder / "07_extra.ipynb")
    (problem,) = run(course, [track]).problems
    assert problem == f"{track.folder}/07_extra.ipynb is no ready lesson of lessons/course.toml"


@pytest.mark.parametrize("track", [UNSOLVED, SOLVED], ids=lambda track: track.name)
def test_a_lesson_of_the_manifest_without_a_notebook_fails(course, track):
    (course / track.folder / "00_numbers.ipynb").unlink()
    (problem,) = run(course, [track]).problems
    assert problem.startswith(f"{track.folder}/00_numbers.ipynb is missing")


def test_a_manifest_without_a_ready_lesson_fails(course):
    change(course / "lessons/course.toml", 'status = "ready"', 'status = "planned"')
    assert any("nothing would be tested" in problem for problem in run(course, [SOLVED]).problems)


@pytest.mark.parametrize("tag", ["nbval-skip", "nbval-ignore-output", "raises-exception"])
def test_a_cell_that_silences_nbval_without_a_reason_fails(course, tag):
    change_cell(course / SOLUTION, "00-see-it", lambda cell: cell["metadata"].update(tags=[tag]))
    (problem,) = run(course, [SOLVED]).problems
    assert problem == f"{SOLUTION}, cell '00-see-it' has the tag '{tag}' and gives no reason"


def test_a_cell_that_silences_nbval_by_a_comment_fails(course):
    change(course / SOLUTION, '"print(6 / 2)"', '"# NBVAL_IGNORE_OUTPUT\\n", "print(6 / 3)"')
    (problem,) = run(course, [SOLVED]).problems
    assert "silences nbval by a comment" in problem


def test_an_unsolved_notebook_that_raises_or_comes_solved_fails(course):
    change(course / NOTEBOOK, "print(6 / 2)", "unknown")
    change(course / NOTEBOOK, 'raise NotImplementedError(\\"half is yours to write\\")', "return number / 2")
    raises, solved = run(course, [UNSOLVED]).problems
    assert raises.startswith(f"{NOTEBOOK}, cell '00-see-it' raises an exception:")
    assert "name 'unknown' is not defined" in raises
    says = "should be 'not attempted', but its check said: right: three and three is six"
    assert solved == f"{NOTEBOOK}: exercise 'numbers.half' {says}"


def test_an_exercise_without_a_check_cell_fails(course):
    change_cell(course / NOTEBOOK, "00-half-check", lambda cell: cell.update(metadata={}))
    (problem,) = run(course, [UNSOLVED]).problems
    assert problem == f"{NOTEBOOK} has no check cell for the exercise 'numbers.half'"


def test_notebooks_share_no_work_folder_and_few_steps_are_for_the_unsolved_track_alone(course):
    """Two notebooks in each track, in two processes. Each fails if it finds the work folder of the other."""
    change(course / "lessons/course.toml", 'status = "planned"', 'status = "ready"')
    first, second = course / "lessons/00_numbers.py", course / "lessons/01_later.py"
    own = "import os\n\nos.makedirs(os.environ['POCKETR1_WORK'])\nprint(os.environ.get('POCKETR1_FEW_STEPS'))"
    change(first, "print(6 / 2)", own)
    few = """print("not attempted" if __import__("os").environ.get("POCKETR1_FEW_STEPS") == "1" else "oh")"""
    change(first, 'print("not attempted: write half")', few)
    second.write_text(f'# %% key="own"\n{own}\n', encoding="utf-8")
    list(builder.build(course))
    assert '"None\\n"' in (course / "solutions/01_later.ipynb").read_text(encoding="utf-8")
    report = run(course)
    assert report.problems == []
    assert report.lines[:2] == [
        "unsolved: 2 notebooks, 6 cells run, 1 exercise not attempted",
        "solved: 2 notebooks, 6 cells run, 5 cells compared, 1 exempt",
    ]
