"""The builder: lessons/*.py become notebooks/ (exercises blank) and solutions/ (solved and executed).

    python -m pocketr1 build            all lessons
    python -m pocketr1 build 02         one lesson
    python -m pocketr1 build --check    executes nothing: are the built files those that the sources give?

A solution remembers, as a digest, the code cells that its outputs were made with, so that `--check` notices a
source that was changed without executing it again. The digest covers the notebook's own cells, answers
included, and not the rest of the package: otherwise a comment in one module would make every lesson stale.
Whether the outputs are still true is what the run with nbval finds out (`python -m pocketr1 test-notebooks`).
"""

import copy
import hashlib
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from .assemble import KERNEL, Notebooks, assemble
from .course import Course, CourseError, Lesson, read_course
from .files import ROOT, write_atomically
from .lessons import check_lesson_files, read_lesson

CELL_TIMEOUT = 180
"""Seconds. No cell should take over 45 on a quiet core; a slow or busy machine gets four times as long."""

WIDGET = "application/vnd.jupyter.widget-view+json"
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
MACHINE = re.compile(
    r"(?<![\w/.:<-])/(?:home|Users|root|tmp|var|opt|usr|private|mnt)/[\w.-]+"  # a folder of this machine
    r"|\b[A-Za-z]:\\\w+"  # the same on Windows
    r"|site-packages"
    r"|\b0x[0-9a-fA-F]{6,}"  # the address of an object
)


def build(root: Path = ROOT, names: Sequence[str] = ()) -> Iterator[str]:
    """Build the lessons called `names`, or all that are ready. Yields a sentence for each file written.

    Raises:
        CourseError: if a source is wrong, a cell fails, or an output shows something of this machine. The
            files of the lessons before it are written; those of this lesson are as they were.
    """
    course = read_course(root)
    check_lesson_files(course)
    for notebooks in [_assembled(course, lesson) for lesson in _chosen(course, names)]:
        lesson = notebooks.source.lesson
        solved = execute(notebooks)
        for folder, notebook in (("notebooks", notebooks.unsolved), ("solutions", solved)):
            path = f"{folder}/{lesson.id}.ipynb"
            write_atomically(root / path, to_text(notebook))
            yield f"wrote {path}"


def check(root: Path = ROOT, names: Sequence[str] = ()) -> list[str]:
    """Compare the built notebooks with their sources, executing nothing. Each difference gives a sentence.

    Raises:
        CourseError: if a source is wrong.
    """
    course = read_course(root)
    check_lesson_files(course)
    problems = [] if names else list(_strays(course))
    for lesson in _chosen(course, names):
        notebooks = _assembled(course, lesson)
        command = f"Run: python start.py build {lesson.number}"
        for folder, expected in (
            ("notebooks", notebooks.unsolved),
            ("solutions", with_digest(notebooks.solved)),
        ):
            path = f"{folder}/{lesson.id}.ipynb"
            difference = _difference(root / path, expected, executed=folder == "solutions")
            if difference:
                problems.append(f"{path} {difference}. {command}")
    return problems


def execute(notebooks: Notebooks) -> NotebookNode:
    """The solved notebook with its outputs, cleaned of everything that differs from run to run.

    Raises:
        CourseError: at the line of the cell that raised, took too long, or shows something of this machine.
    """
    notebook = with_digest(notebooks.solved)
    with tempfile.TemporaryDirectory(prefix="pocketr1-") as folder:
        # A folder without any surroundings: a cell cannot depend on, or print, what happens to lie beside it.
        _run(notebook, notebooks, Path(folder))
    _clean(notebook)
    for cell in notebook.cells:
        shown = next(_of_this_machine(cell), None)
        if shown:
            message = f"the output of cell {cell.id!r} shows {shown!r}, which differs from machine to machine"
            raise CourseError(message, notebooks.source.path, notebooks.lines[cell.id])
    return notebook


def execution_environment(folder: Path) -> dict[str, str]:
    """The environment notebooks are executed in: this course, one thread, a work folder inside `folder`.

    Nothing of a test run around it gets through: pytest would take itself for one of that run's workers.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    variables = {name: value for name, value in inherited.items() if name != "POCKETR1_FEW_STEPS"}
    variables |= {
        "POCKETR1_WORK": str(folder / "work"),
        "CI": "true",  # no progress bars: how far one came when it was drawn depends on the machine
        # No start-up files and no history of whoever runs this.
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "0",
    }
    return variables


def to_text(notebook: NotebookNode) -> str:
    """The notebook as the text of its file. The same notebook gives the same text."""
    return nbformat.writes(notebook, version=4) + "\n"


def with_digest(notebook: NotebookNode) -> NotebookNode:
    """A copy that says, in its metadata, which code cells its outputs are made with."""
    copied = copy.deepcopy(notebook)
    code = [[cell.id, cell.source] for cell in notebook.cells if cell.cell_type == "code"]
    copied.metadata.pocketr1["outputs_of"] = hashlib.sha256(json.dumps(code).encode()).hexdigest()
    return copied


def _chosen(course: Course, names: Sequence[str]) -> Iterable[Lesson]:
    return [course.ready_lesson(name) for name in names] or course.ready


def _assembled(course: Course, lesson: Lesson) -> Notebooks:
    return assemble(course, read_lesson(course, lesson))


def _run(notebook: NotebookNode, notebooks: Notebooks, folder: Path) -> None:
    # Imported here, since `check` and everything else need no kernel.
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    current = [notebook.cells[0].id]
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=_this_python()),
        timeout=CELL_TIMEOUT,
        startup_timeout=CELL_TIMEOUT,
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
        on_cell_start=lambda cell, cell_index: current.append(cell.id),
    )
    try:
        client.execute(env=execution_environment(folder), stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        traceback = ANSI.sub("", error.traceback)
        problem = f"cell {current[-1]!r} raises {error.ename}: {error.evalue}\n{traceback}"
    except CellTimeoutError:
        problem = f"cell {current[-1]!r} takes more than {CELL_TIMEOUT} seconds"
    except DeadKernelError:
        problem = f"the kernel died in cell {current[-1]!r}"
    else:
        return
    raise CourseError(problem, notebooks.source.path, notebooks.lines[current[-1]])


def _this_python() -> Any:
    """Kernels of the Python that is running, whatever kernels the machine has under the same name."""
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    class ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            return KernelSpec(**get_kernel_dict())

    return ThisPython()


def _clean(notebook: NotebookNode) -> None:
    """Drop what is random or of this machine: widgets' identities, and which Python executed it."""
    about = notebook.metadata.pocketr1
    notebook.metadata = nbformat.from_dict({**KERNEL, "pocketr1": about})
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)


def _of_this_machine(cell: NotebookNode) -> Iterator[str]:
    """What the outputs of `cell` show that is true of this machine or this run alone."""
    places = {str(ROOT), str(Path.home()), tempfile.gettempdir()} - {"/"}
    for text in _texts(cell.get("outputs", [])):
        yield from (place for place in places if re.search(rf"(?<![\w.:]){re.escape(place)}(?![\w-])", text))
        yield from (found[0] for found in MACHINE.finditer(text))


def _texts(outputs: list[NotebookNode]) -> Iterator[str]:
    for output in outputs:
        yield output.get("text", "")
        for kind, content in output.get("data", {}).items():
            if kind not in ("image/png", "image/jpeg"):
                yield content if isinstance(content, str) else json.dumps(content)


def _strays(course: Course) -> Iterator[str]:
    names = {f"{lesson.id}.ipynb" for lesson in course.ready}
    for folder in ("notebooks", "solutions"):
        for path in sorted((course.root / folder).glob("*.ipynb")):
            if path.name not in names:
                yield f"{folder}/{path.name} is no ready lesson of lessons/course.toml. Delete or list it"


def _difference(path: Path, expected: NotebookNode, executed: bool) -> str | None:
    """What the stored notebook has that `expected` has not, but for the outputs of an executed one."""
    try:
        text = path.read_text(encoding="utf-8")
        stored = nbformat.v4.reads(text)
        bare = _without_outputs(stored) if executed else stored
        same_form = to_text(stored) == text
    except FileNotFoundError:
        return "is missing"
    except Exception:  # Whatever json and nbformat make of a broken file, it has to be built again.
        return "cannot be read as a notebook"
    if to_text(bare) == to_text(expected):
        return None if same_form else "was saved by another program"
    for found, wanted in zip(bare.cells, expected.cells, strict=False):
        if found != wanted:
            return f"differs from its sources in cell {wanted.id!r}"
    if len(bare.cells) != len(expected.cells):
        return f"has {len(bare.cells)} cells, but its sources give {len(expected.cells)}"
    about = stored.metadata.get("pocketr1", {})
    if about.get("outputs_of") != expected.metadata.pocketr1.get("outputs_of"):
        return "has outputs that were made with other code"
    return "differs from its sources in its metadata"


def _without_outputs(notebook: NotebookNode) -> NotebookNode:
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    return bare
