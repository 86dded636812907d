"""Progress: kept whole through crashes, two kernels at once, and files that cannot be read or written."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from filelock import FileLock

from pocketr1 import workbook
from pocketr1.workbook import journal
from pocketr1.workbook.course import Course, ExerciseEntry, Lesson
from pocketr1.workbook.journal import Book, Record, read_book, table, table_of, update

ROOT = Path(__file__).parents[1]

ENTRIES = (ExerciseEntry("attention.scores", 1, "core", 6), ExerciseEntry("attention.softmax", 2, "extra", 7))
LESSON = Lesson("02_attention", "Attention", "?", 70, "ready", (), (), ("attention",), ENTRIES)
PLANNED = Lesson(
    "03_transformer", "Later", "?", 70, "planned", (), (), (), (ExerciseEntry("t.r", 1, "core", 1),)
)
COURSE = Course(ROOT, (LESSON, PLANNED), ())


def attempt(name: str) -> None:
    def change(book: Book) -> None:
        book.record(name).attempts += 1

    update(change)


def test_what_lessons_import_is_there_and_comes_late() -> None:
    code = (
        "import sys, pocketr1.workbook as workbook\n"
        "assert 'torch' not in sys.modules\n"
        "assert all(callable(getattr(workbook, name)) or name == 'colours' for name in workbook.__all__)\n"
        "import pocketr1.workbook.notebook\n"
        "assert callable(workbook.progress) and callable(workbook.examine) and callable(workbook.exercises)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    with pytest.raises(AttributeError):
        _ = workbook.nothing


def test_a_new_book_is_empty_and_makes_no_file(work: Path) -> None:
    assert read_book() == Book()
    assert not work.exists()


def test_what_is_kept_comes_back(work: Path) -> None:
    def change(book: Book) -> None:
        book.records["attention.scores"] = Record("right", 3, "then", "later", "digest", True)
        book.predictions["02/order"] = "ça ne change rien"
        book.reference_only = True

    written = update(change)
    assert read_book() == written
    assert "ça" in (work / "progress.json").read_text(encoding="utf-8")
    assert not list(work.glob("*.tmp"))


def test_the_table_counts_and_says_whose() -> None:
    records = {"attention.scores": Record("right", 2, yours=True), "attention.softmax": Record("not yet", 1)}
    assert table_of(COURSE, Book(records)) == textwrap.dedent(
        """\
        02  Attention: 1 of 2 right
            ✓ right          scores   core   yours      2 checks
            ✗ not yet        softmax  extra  on loan    1 check

        In all: 1 of 2 right; of the core exercises, 1 of 1.

        yours      `mine` runs on your answer.
        on loan    `mine` runs on the course's own piece."""
    )
    assert "○ not attempted  scores   core   on loan" in table_of(COURSE, Book())
    assert "core   yours" not in table_of(COURSE, Book(records, reference_only=True))


def test_the_table_has_a_legend_for_the_words_in_it() -> None:
    def said(*records: Record, alone: bool = False) -> str:
        names = [entry.name for entry in ENTRIES]
        book = Book(dict(zip(names, records, strict=False)), reference_only=alone)
        return " ".join(table_of(COURSE, book).partition("core exercises")[2].split())

    assert "yours" not in said(Record("not yet", 1))
    assert "Right and on loan" not in said(Record("not yet", 1))
    assert "Right and on loan: `mine` could not take the answer" in said(Record("right", 1))
    assert "use_reference(False)" in said(Record("right", 1, yours=True), alone=True)
    assert "Right and on loan" not in said(Record("right", 1, yours=True), alone=True)
    kept = said(Record("right", 1, yours=True, on_purpose=True))
    assert "unchecked `mine` runs on what you gave to keep(...)" in kept and "yours" not in kept


def test_the_table_tells_what_is_wrong_with_the_file(work: Path) -> None:
    work.mkdir()
    (work / "progress.json").write_text("{")
    assert "progress.damaged-1.json" in table()
    assert "damaged" not in table()


def test_the_table_needs_no_pytorch() -> None:
    code = (
        "import sys; from pocketr1.workbook.journal import table; table(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "null",
        "\0\0\0",
        '{"format": 1}',
        '{"format": "1", "exercises": {}, "predictions": {}, "reference_only": false}',
        '{"format": 1, "exercises": {"a.b": {}}, "predictions": {}, "reference_only": false}',
        '{"format": 1, "exercises": {"a.b": {"status": "well", "attempts": 1}}, "predictions": {}}',
        '{"format": 1, "exercises": {"a.b": {"status": "right", "attempts": 1, "more": 2}}}',
    ],
)
def test_a_damaged_file_is_set_aside(work: Path, damage: str) -> None:
    work.mkdir()
    path = work / "progress.json"
    path.write_text(damage)
    book = read_book()
    assert book.records == {} and book.writable
    assert book.complaint is not None and "progress.damaged-1.json" in book.complaint
    assert (work / "progress.damaged-1.json").read_text() == damage
    path.write_text(damage)
    assert "progress.damaged-2.json" in str(read_book().complaint)
    attempt("attention.scores")
    assert read_book().records["attention.scores"].attempts == 1


def test_bytes_that_are_no_text_are_set_aside(work: Path) -> None:
    work.mkdir()
    (work / "progress.json").write_bytes(b"\xff\xfe\x00")
    assert "set aside" in str(read_book().complaint)


def test_a_newer_file_is_left_alone(work: Path) -> None:
    work.mkdir()
    text = json.dumps({"format": journal.FORMAT + 1, "chapters": []})
    (work / "progress.json").write_text(text)
    attempt("attention.scores")
    assert "newer version" in str(read_book().complaint)
    assert (work / "progress.json").read_text() == text


def test_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("POCKETR1_WORK", str(tmp_path / "file" / "work"))
    book = update(lambda book: book.record("attention.scores"))
    assert "attention.scores" in book.records
    assert "could not be saved" in str(book.complaint)


def test_a_full_disk_is_told_and_keeps_the_old_file(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt("attention.scores")
    before = (work / "progress.json").read_text()

    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "write_atomically", full)
    calls = []
    book = update(lambda book: calls.append(book))
    assert "No space left on device" in str(book.complaint)
    assert len(calls) == 1
    assert (work / "progress.json").read_text() == before


def test_a_lock_that_stays_taken_is_told(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LOCK_SECONDS", 0.1)
    work.mkdir()
    with FileLock(work / ".progress.lock"):
        assert "could not be saved" in str(update(lambda book: None).complaint)


WRITER = """
import sys
from pocketr1.workbook.journal import update

def change(book):
    book.record(sys.argv[1]).attempts += 1
    book.predictions["long"] = "x" * 20000

for _ in range(int(sys.argv[2])):
    update(change)
"""


def writer(work: Path, name: str, times: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "POCKETR1_WORK": str(work)}
    return subprocess.Popen([sys.executable, "-c", WRITER, name, str(times)], cwd=ROOT, env=environment)


def test_two_kernels_lose_nothing(work: Path) -> None:
    kernels = [writer(work, name, 40) for name in ("a.one", "a.two")]
    assert [kernel.wait(120) for kernel in kernels] == [0, 0]
    assert {name: record.attempts for name, record in read_book().records.items()} == {
        "a.one": 40,
        "a.two": 40,
    }


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_kill_in_the_middle_loses_nothing(work: Path) -> None:
    generator = random.Random(0)
    kept = 0
    for _ in range(5):
        kernel = writer(work, "a.one", 100000)
        while read_book().record("a.one").attempts <= kept:
            time.sleep(0.005)
        time.sleep(0.1 * generator.random())
        kernel.send_signal(signal.SIGKILL)
        kernel.wait()
        book = read_book()
        assert book.complaint is None
        assert book.records["a.one"].attempts > kept
        kept = book.records["a.one"].attempts
    attempt("a.one")  # the lock went with the process that held it
    assert read_book().records["a.one"].attempts == kept + 1
    assert not list(work.glob("progress.damaged*"))
