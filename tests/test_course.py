"""course.toml: what it says of the real course, and how each mistake in it is named."""

from pathlib import Path

import pytest

from pocketr1.workbook.course import CourseError, read_course
from pocketr1.workbook.files import write_atomically
from pocketr1.workbook.ways import ways
from tests.made_up_course import change, make_course


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_course(tmp_path / "course")


def test_the_real_course_reads_and_its_lessons_are_in_order():
    course = read_course()
    numbers = [lesson.number for lesson in course.lessons]
    assert numbers == sorted(numbers)
    assert {"00_welcome", "02_attention"} <= {lesson.id for lesson in course.ready}


PATHS = read_course().paths


@pytest.mark.parametrize("path", PATHS, ids=[path.name for path in PATHS])
def test_the_hours_of_each_path_are_those_of_what_is_in_it(path):
    """Room for breaks and for late people, and no more: from a quarter to a half of the minutes on top."""
    assert 1.25 <= path.hours * 60 / path.minutes <= 1.5


def test_the_longest_path_leaves_nothing_out():
    course = read_course()
    path = course.paths[-1]
    assert list(path.lessons) == [lesson.id for lesson in course.lessons]
    assert list(path.exercises) == [entry.name for entry in course.exercises]


def test_a_path_takes_the_core_exercises_and_those_that_it_names(root):
    extra = '[[lesson.exercise]]\nname = "numbers.{}"\ndifficulty = 1\nimportance = "extra"\nminutes = 3\n'
    toml = root / "lessons/course.toml"
    change(toml, '[[lesson]]\nid = "01_later"', extra.format("third") + extra.format("tenth") + LATER_LESSON)
    change(toml, "also = []", 'also = ["numbers.tenth"]')
    (path,) = read_course(root).paths
    assert path.exercises == ("numbers.half", "numbers.tenth")
    assert path.minutes == 10 + 10 - 3  # two lessons, less the exercise that is left out


def test_the_ways_through_say_what_is_planned(root):
    lines = [
        "An afternoon, 2 hours",
        "    lessons: 00; planned, not there yet: 01",
        "    exercises: the core ones",
        "    then you can halve anything",
    ]
    assert ways(read_course(root)).splitlines() == lines


def test_a_lesson_is_found_by_number_by_id_and_by_file(root):
    course = read_course(root)
    assert {course.lesson(name).id for name in ("00", "0", "00_numbers", "00_numbers.ipynb")} == {
        "00_numbers"
    }
    with pytest.raises(KeyError, match="The lessons are: 00_numbers, 01_later"):
        course.lesson("7")


def test_an_exercise_is_found_with_and_without_its_module(root):
    course = read_course(root)
    assert course.exercise("half") is course.exercise("numbers.half")
    assert course.lesson_of(course.exercise("half")).id == "00_numbers"
    with pytest.raises(KeyError):
        course.exercise("third")


LATER_LESSON = '[[lesson]]\nid = "01_later"'
LESSON, LATER, EXERCISE = 'id = "00_numbers"', 'id = "01_later"', 'name = "numbers.half"'

PATH = "[paths.afternoon]"

MISTAKES = [
    ('status = "ready"', 'status = "done"', LESSON, "'status' is 'done'; it can be ready or planned"),
    ("minutes = 10", "minutes = true", LESSON, "'minutes' should be a whole number"),
    ('title = "Numbers"\n', "", LESSON, "has no 'title'"),
    ('title = "Numbers"', 'titel = "Numbers"', LESSON, "unknown key 'titel'"),
    ("needs = []", 'needs = "none"', LESSON, "should be a list"),
    ("minutes = 2", "minutes = 0", EXERCISE, "at least 1"),
    ("difficulty = 1", "difficulty = 6", EXERCISE, "from 1 to 5"),
    ('importance = "core"', 'importance = "nice"', EXERCISE, "it can be core or extra"),
    (EXERCISE, 'name = "half"', 'name = "half"', "needs a name such as"),
    ('needs = ["00_numbers"]', 'needs = ["02_x"]', LATER, "is not an earlier lesson"),
    (LATER, 'id = "00_later"', 'id = "00_later"', "two lessons have the number 00"),
    (LATER, 'id = "later"', 'id = "later"', "needs an id such as"),
    ("also = []", 'also = ["numbers.third"]', PATH, "'numbers.third', which is no exercise of its lessons"),
    ('lessons = ["00_numbers", "01_later"]', 'lessons = ["07_x"]', PATH, "'07_x', which is no lesson"),
    ('exercises = "core"', 'exercises = "some"', PATH, "it can be core or all"),
    ("minutes = 2", "minutes = = 2", "minutes = = 2", "is not TOML"),
]


@pytest.mark.parametrize(("old", "new", "place", "says"), MISTAKES, ids=[mistake[3] for mistake in MISTAKES])
def test_a_mistake_is_named_with_its_line(root, old, new, place, says):
    toml = root / "lessons/course.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    line = toml.read_text(encoding="utf-8").splitlines().index(place) + 1
    with pytest.raises(CourseError, match=f"^lessons/course.toml:{line}: .*{says}"):
        read_course(root)


def test_two_exercises_of_one_name_are_refused(root):
    again = '[[lesson.exercise]]\nname = "other.half"\ndifficulty = 1\nimportance = "extra"\nminutes = 1\n'
    change(root / "lessons/course.toml", "[paths", again + "[paths")
    with pytest.raises(CourseError, match="two exercises are called 'half'"):
        read_course(root)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(CourseError, match="^lessons/course.toml: cannot be read"):
        read_course(tmp_path)


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    write_atomically(path, "old\n")

    def full(descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, "new\n")
    assert path.read_bytes() == b"old\n"
    assert [child.name for child in tmp_path.iterdir()] == ["file.txt"]
