"""The learner's desk: copies of the notebooks, and updates that lose nothing a learner wrote."""

import json
from pathlib import Path

import pytest

from pocketr1 import __main__ as command_line
from pocketr1.workbook import desk
from pocketr1.workbook.course import CourseError
from tests.made_up_course import change, make_course

NAME = "00_numbers.ipynb"


def notebook(*sources: str) -> str:
    cells = [
        {"cell_type": "code", "id": str(number), "source": [source]} for number, source in enumerate(sources)
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The made-up course, with a notebook made by hand: what the desk copies need not be built."""
    root = make_course(tmp_path / "course")
    publish(root, "version 1")
    return root


def publish(root: Path, *sources: str) -> None:
    """Give the course's notebook a new text, as an update of the course does."""
    path = root / "notebooks" / NAME
    path.parent.mkdir(exist_ok=True)
    path.write_text(notebook(*sources), encoding="utf-8")


def texts(work: Path) -> dict[str, str]:
    """The notebooks of a work folder, each as the sources of its cells."""
    return {
        path.relative_to(work).as_posix(): "|".join(
            "".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]
        )
        for path in sorted(work.rglob("*.ipynb"))
    }


def test_a_first_start_copies_the_notebooks_and_says_nothing(root, work):
    assert desk.prepare(root) == []
    assert texts(work) == {NAME: "version 1"}


def test_a_second_start_writes_nothing(root, work):
    desk.prepare(root)
    before = {path: path.stat().st_mtime_ns for path in work.iterdir()}
    assert desk.prepare(root) == []
    assert {path: path.stat().st_mtime_ns for path in work.iterdir()} == before


def test_an_unchanged_copy_is_updated_silently(root, work):
    desk.prepare(root)
    publish(root, "version 2")
    assert desk.prepare(root) == []
    assert texts(work) == {NAME: "version 2"}


def test_outputs_metadata_and_an_empty_cell_that_lab_saved_are_no_change(root, work):
    desk.prepare(root)
    saved = json.loads((work / NAME).read_text())
    saved["cells"][0] |= {
        "outputs": [{"output_type": "stream"}],
        "execution_count": 7,
        "metadata": {"trusted": True},
    }
    saved["cells"].append({"cell_type": "code", "id": "new", "source": "\n"})
    saved["metadata"]["language_info"] = {"version": "3.12.1"}
    (work / NAME).write_text(json.dumps(saved), encoding="utf-8")
    publish(root, "version 2")
    assert desk.prepare(root) == []
    assert texts(work) == {NAME: "version 2"}


def test_a_changed_copy_is_never_touched_and_the_new_one_lies_beside_it(root, work):
    desk.prepare(root)
    change(work / NAME, "version 1", "mine")
    assert desk.prepare(root) == []
    publish(root, "version 2")
    (message,) = desk.prepare(root)
    assert "has changes of your own" in message
    assert "00_numbers-updated.ipynb" in message
    assert texts(work) == {"00_numbers-updated.ipynb": "version 2", NAME: "mine"}


def test_the_learner_is_told_once_and_may_delete_the_new_one(root, work):
    desk.prepare(root)
    change(work / NAME, "version 1", "mine")
    publish(root, "version 2")
    desk.prepare(root)
    assert desk.prepare(root) == []
    (work / "00_numbers-updated.ipynb").unlink()
    assert desk.prepare(root) == []
    assert texts(work) == {NAME: "mine"}


def test_the_next_update_replaces_an_untouched_new_one(root, work):
    desk.prepare(root)
    change(work / NAME, "version 1", "mine")
    for version in ("version 2", "version 3"):
        publish(root, version)
        assert len(desk.prepare(root)) == 1
    assert texts(work) == {"00_numbers-updated.ipynb": "version 3", NAME: "mine"}


def test_work_in_the_new_one_is_not_touched_either(root, work):
    desk.prepare(root)
    change(work / NAME, "version 1", "mine")
    publish(root, "version 2")
    desk.prepare(root)
    change(work / "00_numbers-updated.ipynb", "version 2", "mine too")
    publish(root, "version 3")
    (message,) = desk.prepare(root)
    assert "00_numbers-updated-2.ipynb" in message
    assert texts(work) == {
        "00_numbers-updated-2.ipynb": "version 3",
        "00_numbers-updated.ipynb": "mine too",
        NAME: "mine",
    }


def test_a_deleted_copy_comes_back(root, work):
    desk.prepare(root)
    (work / NAME).unlink()
    desk.prepare(root)
    assert texts(work) == {NAME: "version 1"}


@pytest.mark.parametrize("record", [None, "", "[]", "{"])
def test_without_its_record_the_desk_still_touches_nothing_that_differs(root, work, record):
    desk.prepare(root)
    change(work / NAME, "version 1", "mine")
    (work / desk.RECORD).unlink()
    if record is not None:
        (work / desk.RECORD).write_text(record, encoding="utf-8")
    desk.prepare(root)
    assert texts(work)[NAME] == "mine"


@pytest.mark.parametrize(
    "rubbish", [b"", b"{", b"[]", b'{"cells": 3}', b"\xff\xfe\x00", b'{"cells": [{}]}', b"[" * 100_000]
)
def test_a_copy_that_cannot_be_read_is_set_aside_and_told(root, work, rubbish):
    desk.prepare(root)
    (work / NAME).write_bytes(rubbish)
    (message,) = desk.prepare(root)
    assert "could not be read" in message
    assert json.loads((work / NAME).read_text())
    (kept,) = work.glob("00_numbers-unreadable-*.ipynb")
    assert kept.read_bytes() == rubbish
    assert kept.name in message


def test_a_crash_before_the_record_is_written_costs_nothing(root, work, monkeypatch):
    desk.prepare(root)
    change(work / NAME, "version 1", "mine")
    publish(root, "version 2")
    with monkeypatch.context() as patch:
        patch.setattr(desk._Desk, "remember", lambda self: None)
        desk.prepare(root)
    assert len(desk.prepare(root)) == 1
    assert texts(work) == {"00_numbers-updated.ipynb": "version 2", NAME: "mine"}


def test_reset_restores_the_notebook_and_keeps_the_old_one(root, work):
    desk.prepare(root)
    change(work / NAME, "version 1", "mine")
    message = desk.reset("00", root)
    (backup,) = (work / "backups").iterdir()
    assert f"kept as backups/{backup.name}" in message
    assert texts(work) == {NAME: "version 1", f"backups/{backup.name}": "mine"}
    assert desk.prepare(root) == []


@pytest.mark.parametrize("published", ["version 1", "version 2"])
def test_reset_keeps_no_copy_of_what_was_not_changed(root, work, published):
    desk.prepare(root)
    publish(root, published)
    for _ in range(2):
        assert "changed nothing" in desk.reset("00", root)
    assert texts(work) == {NAME: published}


def test_two_resets_in_one_second_keep_two_backups(root, work):
    desk.prepare(root)
    for text in ("first", "second"):
        (work / NAME).write_text(notebook(text), encoding="utf-8")
        desk.reset("0", root)
    assert sorted(texts(work / "backups").values()) == ["first", "second"]


def test_reset_makes_a_notebook_where_there_is_none_and_mends_an_unreadable_one(root, work):
    assert "There was none" in desk.reset("00_numbers", root)
    (work / NAME).write_bytes(b"\xff")
    desk.reset("00", root)
    assert "version 1" in (work / NAME).read_text(encoding="utf-8")
    (backup,) = (work / "backups").iterdir()
    assert backup.read_bytes() == b"\xff"


@pytest.mark.parametrize(
    ("name", "says"), [("01", "is planned"), ("9", "There is no lesson '9'"), ("x", "Ready are: 00_numbers")]
)
def test_reset_of_another_lesson_is_one_sentence(root, name, says):
    with pytest.raises(CourseError, match=says):
        desk.reset(name, root)


def test_a_course_that_was_not_built_is_one_sentence(root):
    (root / "notebooks" / NAME).unlink()
    with pytest.raises(
        CourseError, match="notebooks/00_numbers.ipynb: cannot be read. Run: python start.py build 00"
    ):
        desk.prepare(root)


# The commands


def test_prepare_copies_the_real_course(work, capsys):
    assert command_line.main(["prepare"]) == 0
    assert (work / "02_attention.ipynb").exists()
    assert command_line.main(["reset", "2"]) == 0
    assert "02_attention.ipynb is as new" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["reset", "77"], ["build", "77"], ["build", "--check", "16"]])
def test_an_error_is_one_line_and_exit_code_2(words, capsys):
    assert command_line.main(words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith(("There is no lesson '77'", "Lesson 16, Capstone, is planned"))


def test_an_unwritable_folder_is_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("POCKETR1_WORK", str(tmp_path / "file" / "work"))
    assert command_line.main(["prepare"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
