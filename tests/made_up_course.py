"""A small course in a folder of its own, for tests of the builder, the desk and the run with nbval.

Its lessons import nothing: each brings a `check` of its own that prints the three verdicts.
"""

from pathlib import Path

COURSE = """\
[[lesson]]
id = "00_numbers"
title = "Numbers"
question = "What is half of something?"
minutes = 10
status = "ready"
needs = []
objectives = ["halve a number"]
runs_on = ["numbers"]

[[lesson.exercise]]
name = "numbers.half"
difficulty = 1
importance = "core"
minutes = 2

[[lesson]]
id = "01_later"
title = "Later"
question = "What comes next?"
minutes = 10
status = "planned"
needs = ["00_numbers"]
objectives = []
runs_on = []

[paths.afternoon]
title = "An afternoon"
hours = 2
lessons = ["00_numbers", "01_later"]
exercises = "core"
also = []
then = "halve anything"
"""

LESSON = """\
# %% [markdown]
# ## Halves
#
# A question.

# %% key="setup"
def check(function):
    try:
        answer = function(6)
    except NotImplementedError:
        print("not attempted: write half")
    else:
        print("right: three and three is six" if answer == 3 else f"not yet: {answer} is not half of 6")

# %% [markdown] tags=["teacher"]
# Wait until everybody is here.

# %% exercise="numbers.half"
# 1. Divide `number` by two.
#
# 2. Return it.

# %% [markdown]
# <details><summary>A hint</summary>Two.</details>

# %% key="see-it"
print(6 / 2)

# %% key="by-chance" exempt="drawn anew in each run"
print(10**40 + 1)
"""

NUMBERS = '''\
"""Numbers."""


def half(number: float) -> float:
    """Half of `number`."""
    # A comment that belongs to the answer.
    return number / 2
'''

CHECKS = """\
CHECKS: dict[str, object] = {"half": None}
"""


def make_course(root: Path) -> Path:
    """Write the made-up course's sources into `root`, unbuilt, and return `root`."""
    files = {
        "lessons/course.toml": COURSE,
        "lessons/00_numbers.py": LESSON,
        "pocketr1/numbers.py": NUMBERS,
        "pocketr1/checks/numbers.py": CHECKS,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return root


def change(path: Path, old: str, new: str) -> None:
    """Replace `old`, which must occur, by `new` in the file `path`."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} does not hold {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8", newline="\n")
