"""What teachers see: a lesson's guide, and many learners' progress in one table."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pocketr1.__main__ import main
from pocketr1.workbook.collecting import AT_MOST, collected
from pocketr1.workbook.course import CourseError, read_course
from pocketr1.workbook.lessons import read_lesson
from pocketr1.workbook.teaching import guide, notes, plain
from tests.made_up_course import change, make_course

ROOT = Path(__file__).resolve().parents[1]
COURSE = read_course(ROOT)


# --- a lesson's guide ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", COURSE.ready, ids=lambda lesson: lesson.id)
def test_the_notes_are_the_cells_for_teachers(lesson):
    """Jupytext, which builds the notebooks, finds the same cells as the reader that needs no jupytext."""
    cells = [cell.source for cell in read_lesson(COURSE, lesson).cells if cell.teacher]
    source = (ROOT / "lessons" / f"{lesson.id}.py").read_text(encoding="utf-8")
    assert [note.text for note in notes(source)] == cells


def test_a_guide_has_headings_minutes_and_exercises(tmp_path):
    said = guide("00", make_course(tmp_path))
    assert said.startswith("00  Numbers: 10 minutes")
    assert "core exercises alone" not in said  # it has no others
    assert "half" in said and "solutions/00_numbers.ipynb" in said
    assert said.endswith("== Halves ==\n\nWait until everybody is here.")


def test_a_guide_says_how_long_the_core_exercises_take(tmp_path):
    root = make_course(tmp_path)
    extra = '[[lesson.exercise]]\nname = "numbers.third"\ndifficulty = 1\nimportance = "extra"\nminutes = 3\n'
    later = '[[lesson]]\nid = "01_later"'
    change(root / "lessons/course.toml", later, extra + later)
    assert "With the core exercises alone: 7 minutes." in guide("00", root)


def test_a_guide_to_a_planned_lesson_is_one_sentence(tmp_path):
    with pytest.raises(CourseError, match="^Lesson 01, Later, is planned"):
        guide("1", make_course(tmp_path))


def test_plain_text_has_no_signs_and_code_stays():
    assert plain(r"**For teachers.** Say $\sqrt{d}$, *not* `d ** 2 * x`.") == "Say √d, not `d ** 2 * x`."


# --- many learners ---------------------------------------------------------------------------------------


def write(path: Path, **exercises: tuple[str, int]) -> Path:
    """A record of progress: for each exercise of the made-up course its status and tries."""
    records = {
        f"numbers.{name}": {"status": status, "attempts": tries}
        for name, (status, tries) in exercises.items()
    }
    kept = {"format": 1, "reference_only": False, "exercises": records, "predictions": {}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept), encoding="utf-8")
    return path


@pytest.fixture
def course(tmp_path):
    return make_course(tmp_path / "course")


def rows(said: str) -> dict[str, list[str]]:
    """The rows of the first table: the words behind each learner's name."""
    block = said.split("\n\n")[1]
    return {line.split()[0]: line.split()[1:] for line in block.splitlines()[1:]}


def test_learners_are_called_what_their_folder_or_file_is_called(course, tmp_path):
    room = tmp_path / "room"
    write(room / "anna" / "work" / "progress.json", half=("right", 1))
    write(room / "ben" / "progress.json", half=("not yet", 4))
    write(room / "cleo.json")
    write(tmp_path / "dora" / "work" / "progress.json", half=("right", 2))
    said, problems = collected([str(room), str(tmp_path / "dora" / "work")], course)
    assert problems == []
    assert rows(said) == {
        "anna": ["✓", "1", "1"],
        "ben": ["✗", "0", "4"],
        "cleo": ["○", "0", "0"],
        "dora": ["✓", "1", "2"],
    }


def test_each_exercise_is_counted(course, tmp_path):
    for number, status in enumerate(["right", "right", "not yet", "not attempted"]):
        write(tmp_path / f"{number}.json", half=(status, number))
    said, _ = collected([str(tmp_path)], course)
    (row,) = [line.split() for line in said.splitlines() if line.startswith("00 half ")]
    assert row[2:] == ["2", "1", "1", "6"]  # right, not yet, not attempted, tries


def test_stuck_are_those_with_most_tries_and_no_right_answer(course, tmp_path):
    for name, status, tries in [
        ("a", "not yet", 3),
        ("b", "not yet", 9),
        ("c", "right", 20),
        ("d", "not yet", 2),
    ]:
        write(tmp_path / f"{name}.json", half=(status, tries))
    stuck = collected([str(tmp_path)], course)[0].split("\n\n")[-1]
    assert [line.split()[0] for line in stuck.splitlines()[1:]] == ["b", "a"]


def test_those_who_have_not_begun_are_named(course, tmp_path):
    for name, tries in [("anna", 0), ("ben", 1), ("cleo", 0)]:
        write(tmp_path / f"{name}.json", half=("not attempted", tries))
    assert "\n\nNot begun in lesson 00: anna, cleo.\n\n" in collected([str(tmp_path)], course)[0]


def test_one_lesson_alone_can_be_collected(tmp_path):
    """Of the real course: somebody who did lesson 01 has not begun lesson 02."""
    done = {"status": "right", "attempts": 2}
    kept = {"format": 1, "reference_only": False, "exercises": {"tensors.by_prompt": done}, "predictions": {}}
    (tmp_path / "anna.json").write_text(json.dumps(kept), encoding="utf-8")
    said, _ = collected([str(tmp_path)], ROOT, "02")
    assert rows(said) == {"anna": ["○" * len(COURSE.lesson("02").exercises), "0", "0"]}
    assert "by_prompt" not in said and "Not begun in lesson 02: anna." in said
    assert "Not begun in any lesson: nobody." in collected([str(tmp_path)], ROOT)[0]


def test_what_a_shown_solution_recorded_is_no_learner(course, tmp_path):
    for name in ("anna", "solved"):
        write(tmp_path / name / "progress.json")
    assert list(rows(collected([str(tmp_path)], course)[0])) == ["anna"]


def test_a_long_list_of_the_stuck_is_cut(course, tmp_path):
    for number in range(AT_MOST + 5):
        write(tmp_path / f"{number:02}.json", half=("not yet", 5))
    assert collected([str(tmp_path)], course)[0].endswith("and 5 more")


def test_nobody_is_stuck(course, tmp_path):
    assert "Nobody is stuck" in collected([str(write(tmp_path / "a.json", half=("right", 9)))], course)[0]


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"format": 1}', "nan", "[" * 5000, '{"format": 99}'])
def test_a_damaged_file_is_named_skipped_and_left_as_it_is(course, tmp_path, damage):
    write(tmp_path / "anna.json", half=("right", 1))
    bad = tmp_path / "ben.json"
    bad.write_text(damage, encoding="utf-8")
    said, problems = collected([str(tmp_path)], course)
    assert list(rows(said)) == ["anna"]
    assert len(problems) == 1 and "ben.json: skipped" in problems[0]
    assert bad.read_text(encoding="utf-8") == damage


def test_other_files_of_the_course_are_no_learners(course, tmp_path):
    write(tmp_path / "anna" / "work" / "progress.json")
    for name in ("notebooks.json", "progress.damaged-1.json"):
        (tmp_path / "anna" / "work" / name).write_text("{}", encoding="utf-8")
    said, problems = collected([str(tmp_path / "anna" / "work")], course)
    assert list(rows(said)) == ["anna"] and problems == []


def test_two_learners_of_one_name_are_both_there(course, tmp_path):
    one, other = (write(tmp_path / room / "anna.json") for room in ("left", "right"))
    said, _ = collected([str(one), str(other)], course)
    assert said.startswith("2 learners.") and "anna (2)" in said


def test_a_place_without_progress_is_named(tmp_path, capsys):
    assert main(["collect", str(tmp_path), str(tmp_path / "nowhere")]) == 1
    said = capsys.readouterr()
    assert said.err.count("no progress.json here") == 2 and "No learner's progress" in said.out


# --- the commands ----------------------------------------------------------------------------------------


def test_the_commands_print(work, capsys):
    assert main(["teach", "2"]) == 0
    assert "Ask the room" in capsys.readouterr().out
    write(work / "progress.json")
    assert main(["collect", str(work), "--lesson", "2"]) == 0
    assert "1 learner." in capsys.readouterr().out


def test_a_reader_that_has_seen_enough_is_no_error(work):
    """As `teach 02 | head -1` is."""
    command = [sys.executable, "-m", "pocketr1", "teach", "02"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as teach:
        assert teach.stdout and teach.stderr
        teach.stdout.close()
        assert teach.stderr.read() == b""
    assert teach.returncode == 0


def test_a_command_that_does_not_exist_is_one_line(capsys):
    with pytest.raises(SystemExit) as left:
        main(["prgress"])
    assert left.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "Did you mean `progress`?" in error


def test_the_help_sorts_commands_by_who_needs_them(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert (
        said.index("For learners")
        < said.index("  reset ")
        < said.index("For teachers")
        < said.index("  teach ")
    )
    assert said.index("  collect ") < said.index("For contributors") < said.index("  build ")
