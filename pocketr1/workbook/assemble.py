"""From a lesson's cells to its two notebooks: the learner's, with scaffolds, and the solved one.

Everything is made from text: nothing is executed, and nothing heavy is imported. The same sources give the
same notebooks: each cell's id comes from the lesson's number and the cell's key.
"""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, v4

from .course import Course, CourseError, ExerciseEntry, Lesson
from .lessons import Cell, LessonSource
from .scaffold import read_source, scaffold

DIFFICULTIES = ("a first step", "easy", "medium", "hard", "very hard")

KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "name": "python", "pygments_lexer": "ipython3"},
}
"""What a notebook says of its kernel. Always the same, whichever Python executed it."""


@dataclass(frozen=True)
class Notebooks:
    """The two notebooks of one lesson. `lines` has, for a cell's id, the line of the source it comes from."""

    source: LessonSource
    unsolved: NotebookNode
    solved: NotebookNode
    lines: dict[str, int]


def assemble(course: Course, source: LessonSource) -> Notebooks:
    """Make the two notebooks of a lesson.

    Raises:
        CourseError: if an exercise has no reference answer or no check, or two cells would have one id.
    """
    assembly = _Assembly(course, source)
    assembly.add_all()
    return Notebooks(
        source,
        _notebook(assembly.unsolved, source, solved=False),
        _notebook(assembly.solved, source, solved=True),
        assembly.lines,
    )


class _Assembly:
    """The cells collected so far. Unsolved and solved cells have the same ids."""

    def __init__(self, course: Course, source: LessonSource):
        self.course = course
        self.source = source
        self.number = source.lesson.number
        self.unsolved: list[NotebookNode] = []
        self.solved: list[NotebookNode] = []
        self.lines: dict[str, int] = {}
        self.entries = {entry.name: entry for entry in source.lesson.exercises}
        self.last_key = "head"
        self.texts = 0

    def add_all(self) -> None:
        self._markdown("head", 1, _head(self.course, self.source))
        for cell in self.source.cells:
            if cell.kind == "markdown":
                self._text(cell)
            elif cell.kind == "code":
                self._code(cell)
            else:
                self._exercise(cell)

    def _text(self, cell: Cell) -> None:
        # Cells for teachers are counted too, so that one more of them changes no learner's cell.
        self.texts += 1
        if not cell.teacher:
            self._markdown(f"{self.last_key}-text-{self.texts}", cell.line, cell.source)

    def _code(self, cell: Cell) -> None:
        assert cell.key is not None
        self._start(cell.key)
        unsolved: dict[str, Any] = {"pocketr1": {"role": "code"}}
        solved: dict[str, Any] = unsolved
        if cell.exempt:
            solved = {"pocketr1": {"exempt": cell.exempt, "role": "code"}, "tags": ["nbval-ignore-output"]}
        self._pair(cell.key, cell.line, cell.source, unsolved, cell.source, solved)

    def _exercise(self, cell: Cell) -> None:
        entry = self.entries[cell.exercise or ""]
        _require_check(self.course.root, entry, self.source.path, cell.line)
        answer = read_source(entry, self.course.root)
        name = entry.function
        self._start(name)
        self._markdown(f"{name}-label", cell.line, _label(entry))
        self._pair(
            name,
            cell.line,
            scaffold(answer, cell.source),
            {"pocketr1": {"exercise": entry.name, "role": "scaffold"}},
            answer.text,
            {"pocketr1": {"exercise": entry.name, "role": "answer"}},
        )
        check = {"pocketr1": {"exercise": entry.name, "role": "check"}}
        self._pair(f"{name}-check", cell.line, f"check({name})", check, f"check({name})", check)

    def _start(self, key: str) -> None:
        self.last_key = key
        self.texts = 0

    def _markdown(self, key: str, line: int, text: str) -> None:
        cell_id = self._id(key, line)
        for cells in (self.unsolved, self.solved):
            cells.append(v4.new_markdown_cell(text, id=cell_id))

    def _pair(
        self,
        key: str,
        line: int,
        text: str,
        metadata: dict[str, Any],
        solved: str,
        solved_metadata: dict[str, Any],
    ) -> None:
        cell_id = self._id(key, line)
        self.unsolved.append(v4.new_code_cell(text, id=cell_id, metadata=metadata))
        self.solved.append(v4.new_code_cell(solved, id=cell_id, metadata=solved_metadata))

    def _id(self, key: str, line: int) -> str:
        cell_id = f"{self.number}-{key}"
        if cell_id in self.lines:
            other = self.lines[cell_id]
            raise CourseError(
                f"its cell id {cell_id!r} was used before, at line {other}", self.source.path, line
            )
        if len(cell_id) > 64:
            raise CourseError(f"the cell id {cell_id!r} is longer than 64 letters", self.source.path, line)
        self.lines[cell_id] = line
        return cell_id


def checked_exercises(root: Path, module: str) -> set[str]:
    """The names that have a check in `root/pocketr1/checks/<module>.py`; none if there is no such file.

    The file is parsed, not imported: its checks need PyTorch, and the builder should not.

    Raises:
        CourseError: if the file does not parse, or its keys are not plain texts.
    """
    path = f"pocketr1/checks/{module}.py"
    try:
        tree = ast.parse((root / path).read_text(encoding="utf-8"))
    except OSError:
        return set()
    except SyntaxError as error:
        raise CourseError(f"{error.msg}: {(error.text or '').strip()}", path, error.lineno) from None
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "CHECKS":
            return _text_keys(node, path)
    raise CourseError("has no dictionary CHECKS", path)


def _text_keys(assignment: ast.stmt, path: str) -> set[str]:
    table = getattr(assignment, "value", None)
    if not isinstance(table, ast.Dict):
        raise CourseError('CHECKS should be a dictionary written out: {"name": ...}', path, assignment.lineno)
    names = set()
    for key in table.keys:
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            line = key.lineno if key else assignment.lineno
            raise CourseError("each key of CHECKS should be a text, the exercise's name", path, line)
        names.add(key.value)
    return names


def _require_check(root: Path, entry: ExerciseEntry, path: str, line: int) -> None:
    if entry.function not in checked_exercises(root, entry.module):
        message = f"exercise {entry.name!r} has no check in pocketr1/checks/{entry.module}.py"
        raise CourseError(message, path, line)


def _notebook(cells: list[NotebookNode], source: LessonSource, solved: bool) -> NotebookNode:
    about: dict[str, Any] = {"built_from": source.path, "lesson": source.lesson.id, "solved": solved}
    return v4.new_notebook(cells=cells, metadata={**KERNEL, "pocketr1": about})


def _head(course: Course, source: LessonSource) -> str:
    lesson = source.lesson
    parts = [
        f"# {lesson.number} · {lesson.title}",
        f"**{lesson.question}**",
        f"About {_minutes(lesson.minutes)}.",
    ]
    if lesson.needs:
        parts[-1] += f" Before it: {', '.join(_link(course.lesson(need)) for need in lesson.needs)}."
    if lesson.objectives:
        parts.append("At the end you can:")
        parts.append("\n".join(f"- {objective}" for objective in lesson.objectives))
    parts.append(f"<!-- Built from {source.path}. To change the course, edit that file. -->")
    return "\n\n".join(parts)


def _link(lesson: Lesson) -> str:
    name = f"{lesson.number} · {lesson.title}"
    return f"[{name}]({lesson.id}.ipynb)" if lesson.ready else f"{name} (planned)"


def _minutes(number: int) -> str:
    return "1 minute" if number == 1 else f"{number} minutes"


def _label(entry: ExerciseEntry) -> str:
    dots = "●" * entry.difficulty + "○" * (5 - entry.difficulty)
    word = DIFFICULTIES[entry.difficulty - 1]
    facts = f"{entry.importance.capitalize()} · difficulty {dots} {word} · about {_minutes(entry.minutes)}"
    return f"### Exercise: `{entry.function}`\n\n{facts}"
