"""A learner's whole way: every exercise of every lesson, answered otherwise than the package does, in their
own notebooks. At the end the distilled model, from attention up, is made by the functions in `mine`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Set
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from pocketr1.workbook import desk
from pocketr1.workbook.build import CELL_TIMEOUT, execution_environment
from pocketr1.workbook.catalogue import Exercise, course, exercises, find_exercise
from pocketr1.workbook.examination import RIGHT
from pocketr1.workbook.files import ROOT
from pocketr1.workbook.journal import read_book
from pocketr1.workbook.mine import NOT_TAUGHT
from pocketr1.workbook.scaffold import read_source
from tests.test_answers import ANSWERS
from tests.typed_answers import cell_of, imported

SLOW_STYLES = ("loop", "double", "float64")
"""Words in the names of answers that are right, but slow, or of another precision than what comes after."""

LAST = "11_distillation"

MAKERS = {"forward", "generate", "roll_out", "update", "distil"}
"""What makes a model whatever its pieces are. In this lesson none of it may be the package's own."""

FROM_ATTENTION_UP = {
    *("attend", "split_heads", "merge_heads", "rms_norm", "rotations", "rope"),
    *("next_token_loss", "sft_mask", "exact_reward", "filter_traces"),
}
"""Exercises that the distilled student is certainly made by, whatever style they are answered in."""

LISTENER = """
import json as _json, sys as _sys
_called = set()

def _listen(frame, event, argument):
    if event == "call":
        code = frame.f_code
        _called.add((code.co_filename, code.co_name))

def _before(info):
    if "check(" not in info.raw_cell:
        _sys.setprofile(_listen)

def _after(result):
    _sys.setprofile(None)

get_ipython().events.register("pre_run_cell", _before)
get_ipython().events.register("post_run_cell", _after)
"""
"""Notes every Python function that a lesson's cells call, but for those of the checks."""

TOLD = "print(_json.dumps([sorted(_called), type(student).__module__]))"


def typed(exercise: Exercise, given: Set[str]) -> str:
    """The cell that the learner types: the first right answer that has a text, plain ones first."""
    answers = ANSWERS[exercise.module].RIGHT[exercise.function]
    plain = sorted(answers, key=lambda each: any(word in each.__name__ for word in SLOW_STYLES))
    cells = (cell_of(answer, exercise.function, given) for answer in plain if hasattr(answer, "__name__"))
    return next(cell for cell in cells if cell is not None)


def is_taught(file: Path) -> bool:
    """Whether a file is one of the package's teaching modules: what `mine` has its own of."""
    package = ROOT / "pocketr1"
    return file.is_relative_to(package) and not set(file.relative_to(package).parts) & set(NOT_TAUGHT)


def solve(path: Path) -> dict[str, str]:
    """Put an answer into every exercise of a learner's copy; the cells by the exercise's name."""
    notebook = nbformat.read(path, as_version=4)
    given = imported(next(cell.source for cell in notebook.cells if cell.cell_type == "code"))
    answers = {}
    for cell in notebook.cells:
        about = cell.metadata.get("pocketr1", {})
        if about.get("role") == "scaffold":
            exercise = find_exercise(about["exercise"])
            assert exercise is not None
            cell.source = answers[exercise.name] = typed(exercise, given)
    nbformat.write(notebook, path)
    return answers


def run(path: Path, first: str = "", last: str = "") -> NotebookNode:
    """Execute a copy from top to bottom, and keep its outputs in it."""
    notebook = nbformat.read(path, as_version=4)
    extra = [nbformat.v4.new_code_cell(text) for text in (first, last)]
    notebook.cells = [extra[0], *notebook.cells, extra[1]]
    NotebookClient(notebook, timeout=CELL_TIMEOUT, kernel_name="python3").execute()
    nbformat.write(notebook, path)
    return notebook


def said_by_check(notebook: NotebookNode) -> dict[str, str]:
    """What each check printed, by the exercise's name."""
    checks = [cell for cell in notebook.cells if cell.metadata.get("pocketr1", {}).get("role") == "check"]
    return {cell.metadata["pocketr1"]["exercise"]: printed(cell) for cell in checks}


def printed(cell: NotebookNode) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All lessons that are ready, in order, in one work folder. Trainings are cut short."""
    folder = tmp_path_factory.mktemp("learner")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (execution_environment(folder) | {"POCKETR1_FEW_STEPS": "1"}).items():
            patch.setenv(name, value)
        desk.prepare()
        work = Path(os.environ["POCKETR1_WORK"])
        answers: dict[str, str] = {}
        notebooks = {}
        for lesson in course().ready:
            path = work / f"{lesson.id}.ipynb"
            answers |= solve(path)
            hooks = (LISTENER, TOLD) if lesson.id == LAST else ("", "")
            notebooks[lesson.id] = run(path, *hooks)
        return {"work": work, "answers": answers, "notebooks": notebooks, "book": read_book()}


def test_every_answer_is_found_right_and_kept(way):
    said = {name: text for book in way["notebooks"].values() for name, text in said_by_check(book).items()}
    assert set(said) == set(way["answers"]) == {exercise.name for exercise in exercises()}
    odd = {
        name: text
        for name, text in said.items()
        if way["book"].record(name).status != RIGHT or "`mine` runs on it" not in " ".join(text.split())
    }
    assert odd == {}


def test_no_answer_is_the_package_s_own(way):
    for exercise in exercises():
        text = way["answers"][exercise.name]
        assert "pocketr1" not in text and read_source(exercise.entry).text.strip() not in text


def test_the_distilled_model_is_made_by_the_learner_s_functions(way):
    called, home = json.loads(printed(way["notebooks"][LAST].cells[-1]))
    assert home == "mine.model"
    written = {exercise.name for exercise in exercises() if not isinstance(exercise.reference, type)}
    package = [(Path(file).stem, name) for file, name in called if is_taught(Path(file))]
    assert not {f"{module}.{name}" for module, name in package} & written
    assert not {name for _, name in package} & MAKERS
    own = {name for file, name in called if Path(file).is_relative_to(way["work"] / "mine")}
    assert own >= MAKERS | FROM_ATTENTION_UP
