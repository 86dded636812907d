"""The course as `lessons/course.toml` tells it: lessons, their exercises, and the paths through them.

Nothing exists outside that file: a lesson that it does not list is refused, and so is an exercise. Reading it
takes milliseconds and imports nothing heavy.
"""

import re
import tomllib
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from .files import ROOT

LESSON_ID = re.compile(r"\d\d_[a-z0-9_]+")
EXERCISE_NAME = re.compile(r"[a-z_][a-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*")
STATUSES = ("ready", "planned")
IMPORTANCES = ("core", "extra")
TAKES = ("core", "all")  # which exercises of its lessons a path has


class CourseError(Exception):
    """Something in the course's sources is wrong, at a line of a file; or a lesson was asked for that is not
    there.

    Attributes:
        path: the file, relative to the course's root folder; None where no file is to blame.
        line: the line, counted from 1, or None when the whole file is meant.
    """

    def __init__(self, message: str, path: str | None = None, line: int | None = None):
        place = path if line is None else f"{path}:{line}"
        super().__init__(f"{place}: {message}" if path else message)
        self.path = path
        self.line = line


@dataclass(frozen=True)
class ExerciseEntry:
    """One exercise, as course.toml lists it. The code itself is `function` in `pocketr1/<module>.py`."""

    name: str
    difficulty: int
    importance: str
    minutes: int

    @property
    def module(self) -> str:
        return self.name.split(".")[0]

    @property
    def function(self) -> str:
        return self.name.split(".")[1]

    @property
    def core(self) -> bool:
        return self.importance == "core"


@dataclass(frozen=True)
class Lesson:
    """One lesson. `minutes` is a learner's time; `needs` are ids of earlier lessons."""

    id: str
    title: str
    question: str
    minutes: int
    status: str
    needs: tuple[str, ...]
    objectives: tuple[str, ...]
    runs_on: tuple[str, ...]
    exercises: tuple[ExerciseEntry, ...]

    @property
    def number(self) -> str:
        return self.id[:2]

    @property
    def ready(self) -> bool:
        return self.status == "ready"


@dataclass(frozen=True)
class LearningPath:
    """A way through the course in a given time.

    `lessons` are ids; some may be planned. `takes` is "core" or "all": which of their exercises it has.
    `also` are single ones on top. `exercises` are the names of all these, in order. `then` says what one can
    do at the end, after "you can". `minutes` is the time of the lessons, without the exercises left out.
    """

    name: str
    title: str
    hours: int
    then: str
    lessons: tuple[str, ...]
    takes: str
    also: tuple[str, ...]
    exercises: tuple[str, ...]
    minutes: int


@dataclass(frozen=True)
class Course:
    """All lessons in order, and the paths. `root` is the folder the course was read from."""

    root: Path
    lessons: tuple[Lesson, ...]
    paths: tuple[LearningPath, ...]

    @property
    def ready(self) -> tuple[Lesson, ...]:
        return tuple(lesson for lesson in self.lessons if lesson.ready)

    @cached_property
    def exercises(self) -> tuple[ExerciseEntry, ...]:
        return tuple(entry for lesson in self.lessons for entry in lesson.exercises)

    def lesson(self, name: str) -> Lesson:
        """The lesson called `name`: its id ("02_attention"), its number ("02", "2") or its file's name.

        Raises:
            KeyError: if there is none; the message lists those that exist.
        """
        wanted = name.removesuffix(".ipynb").removesuffix(".py")
        for lesson in self.lessons:
            if wanted == lesson.id or (wanted.isdigit() and int(wanted) == int(lesson.number)):
                return lesson
        known = ", ".join(lesson.id for lesson in self.lessons)
        raise KeyError(f"There is no lesson {name!r}. The lessons are: {known}.")

    def ready_lesson(self, name: str) -> Lesson:
        """The lesson called `name`, as somebody typed it, if it is ready.

        Raises:
            CourseError: if there is none, or it is planned: a sentence for whoever typed the name.
        """
        try:
            lesson = self.lesson(name)
        except KeyError:
            ready = ", ".join(lesson.id for lesson in self.ready)
            raise CourseError(f"There is no lesson {name!r}. Ready are: {ready}.") from None
        if not lesson.ready:
            raise CourseError(f"Lesson {lesson.number}, {lesson.title}, is planned. It cannot be opened yet.")
        return lesson

    def exercise(self, name: str) -> ExerciseEntry:
        """The exercise called `name`, with its module ("attention.scores") or without ("scores").

        Raises:
            KeyError: if course.toml lists no such exercise.
        """
        for entry in self.exercises:
            if name in (entry.name, entry.function):
                return entry
        raise KeyError(f"There is no exercise {name!r} in lessons/course.toml.")

    def lesson_of(self, entry: ExerciseEntry) -> Lesson:
        """The lesson that `entry` belongs to."""
        return next(lesson for lesson in self.lessons if entry in lesson.exercises)


def read_course(root: Path = ROOT) -> Course:
    """Read and check `root/lessons/course.toml`.

    Raises:
        CourseError: if the file is missing or anything in it is wrong, naming the line.
    """
    return _Reader(root).course()


class _Reader:
    """Turns the file into dataclasses. It holds the text, so that each error can name its line."""

    path = "lessons/course.toml"

    def __init__(self, root: Path):
        self.root = root
        try:
            self.text = (root / self.path).read_text(encoding="utf-8")
        except OSError as error:
            raise CourseError(f"cannot be read ({error.strerror})", self.path) from None

    def course(self) -> Course:
        try:
            tables = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"at line (\d+)", str(error))
            raise CourseError(f"is not TOML: {error}", self.path, int(found[1]) if found else None) from None
        self._only(tables, {"lesson", "paths"}, "the file", "")
        lessons = tuple(self._lesson(table) for table in self._tables(tables, "lesson", "the file", ""))
        course = Course(self.root, lessons, ())
        self._check_lessons(course)
        self._check_exercises(course)
        return replace(course, paths=tuple(self._paths(tables.get("paths", {}), lessons)))

    def _lesson(self, table: dict[str, Any]) -> Lesson:
        name = self._value(table, "id", str, "a lesson", "[[lesson]]")
        owner, near = f"lesson {name!r}", f'id = "{name}"'
        if not LESSON_ID.fullmatch(name):
            raise self._error(f"{owner} needs an id such as '02_attention'", near)
        self._only(
            table, {field.name for field in fields(Lesson)} - {"exercises"} | {"exercise"}, owner, near
        )
        lesson = Lesson(
            id=name,
            title=self._value(table, "title", str, owner, near),
            question=self._value(table, "question", str, owner, near),
            minutes=self._whole(table, "minutes", owner, near),
            status=self._one_of(table, "status", STATUSES, owner, near),
            needs=self._words(table, "needs", owner, near),
            objectives=self._words(table, "objectives", owner, near),
            runs_on=self._words(table, "runs_on", owner, near),
            exercises=tuple(
                self._exercise(entry, owner) for entry in self._tables(table, "exercise", owner, near)
            ),
        )
        return lesson

    def _exercise(self, table: dict[str, Any], lesson: str) -> ExerciseEntry:
        name = self._value(table, "name", str, f"an exercise of {lesson}", "[[lesson.exercise]]")
        owner, near = f"exercise {name!r}", f'name = "{name}"'
        if not EXERCISE_NAME.fullmatch(name):
            raise self._error(f"{owner} needs a name such as 'attention.scores'", near)
        self._only(table, {field.name for field in fields(ExerciseEntry)}, owner, near)
        difficulty = self._whole(table, "difficulty", owner, near)
        if difficulty > 5:
            raise self._error(f"{owner} has difficulty {difficulty}; it goes from 1 to 5", near)
        importance = self._one_of(table, "importance", IMPORTANCES, owner, near)
        return ExerciseEntry(name, difficulty, importance, self._whole(table, "minutes", owner, near))

    def _paths(self, tables: dict[str, Any], lessons: tuple[Lesson, ...]) -> list[LearningPath]:
        return [self._path(name, table, lessons) for name, table in tables.items()]

    def _path(self, name: str, table: dict[str, Any], lessons: tuple[Lesson, ...]) -> LearningPath:
        owner, near = f"path {name!r}", f"[paths.{name}]"
        self._only(table, {"title", "hours", "then", "lessons", "exercises", "also"}, owner, near)
        wanted = self._words(table, "lessons", owner, near)
        takes = self._one_of(table, "exercises", TAKES, owner, near)
        also = self._words(table, "also", owner, near)
        self._known(wanted, [lesson.id for lesson in lessons], "lesson", owner, near)
        chosen = [lesson for lesson in lessons if lesson.id in wanted]
        offered = [entry for lesson in chosen for entry in lesson.exercises]
        self._known(also, [entry.name for entry in offered], "exercise of its lessons", owner, near)
        done = [entry for entry in offered if takes == "all" or entry.core or entry.name in also]
        left_out = sum(entry.minutes for entry in offered) - sum(entry.minutes for entry in done)
        return LearningPath(
            name=name,
            title=self._value(table, "title", str, owner, near),
            hours=self._whole(table, "hours", owner, near),
            then=self._value(table, "then", str, owner, near),
            lessons=wanted,
            takes=takes,
            also=also,
            exercises=tuple(entry.name for entry in done),
            minutes=sum(lesson.minutes for lesson in chosen) - left_out,
        )

    def _check_lessons(self, course: Course) -> None:
        seen: list[str] = []
        for lesson in course.lessons:
            near = f'id = "{lesson.id}"'
            if any(lesson.number == other[:2] for other in seen):
                raise self._error(f"two lessons have the number {lesson.number}", near)
            for need in lesson.needs:
                if need not in seen:
                    raise self._error(
                        f"lesson {lesson.id!r} needs {need!r}, which is not an earlier lesson", near
                    )
            seen.append(lesson.id)

    def _check_exercises(self, course: Course) -> None:
        functions: set[str] = set()
        for entry in course.exercises:
            if entry.function in functions:
                raise self._error(f"two exercises are called {entry.function!r}", f'name = "{entry.name}"')
            functions.add(entry.function)

    def _value(self, table: dict[str, Any], key: str, kind: type, owner: str, near: str) -> Any:
        if key not in table:
            raise self._error(f"{owner} has no {key!r}", near)
        # bool is an int to Python, but `minutes = true` is a mistake.
        if not isinstance(table[key], kind) or isinstance(table[key], bool):
            expected = {str: "a text", int: "a whole number", list: "a list"}[kind]
            raise self._error(f"{owner}: {key!r} should be {expected}, not {table[key]!r}", near)
        return table[key]

    def _whole(self, table: dict[str, Any], key: str, owner: str, near: str) -> int:
        number = int(self._value(table, key, int, owner, near))
        if number < 1:
            raise self._error(f"{owner}: {key!r} should be at least 1, not {number}", near)
        return number

    def _one_of(
        self, table: dict[str, Any], key: str, allowed: tuple[str, ...], owner: str, near: str
    ) -> str:
        value = str(self._value(table, key, str, owner, near))
        if value not in allowed:
            raise self._error(f"{owner}: {key!r} is {value!r}; it can be {' or '.join(allowed)}", near)
        return value

    def _words(self, table: dict[str, Any], key: str, owner: str, near: str) -> tuple[str, ...]:
        words = self._value(table, key, list, owner, near)
        if not all(isinstance(word, str) for word in words):
            raise self._error(f"{owner}: {key!r} should hold texts only", near)
        return tuple(words)

    def _known(self, names: tuple[str, ...], there: list[str], kind: str, owner: str, near: str) -> None:
        for name in names:
            if name not in there:
                raise self._error(f"{owner} lists {name!r}, which is no {kind}", near)

    def _tables(self, table: dict[str, Any], key: str, owner: str, near: str) -> list[dict[str, Any]]:
        entries = table.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self._error(f"{owner}: write [[{key}]] with two brackets", near)
        return entries

    def _only(self, table: dict[str, Any], known: set[str], owner: str, near: str) -> None:
        for key in table:
            if key not in known:
                raise self._error(f"{owner} has the unknown key {key!r}", near)

    def _error(self, message: str, near: str) -> CourseError:
        """The error, at the last line that begins with `near`: of two that clash, the second."""
        lines = [re.sub(r"\s*=\s*", " = ", line.strip()) for line in self.text.splitlines()]
        found = [number for number, line in enumerate(lines, 1) if near and line.startswith(near)]
        return CourseError(message, self.path, found[-1] if found else None)
