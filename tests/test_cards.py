from pocketr1.cards import Bill, Chapter, Made, aligned, card, cost_of, markdown, row, shape_of, table
from pocketr1.evaluation import Decomposition
from pocketr1.pretraining import STUDENT, new_model
from pocketr1.report_card import Result

RESULT = Result((1.0, 0.5), 4, Decomposition(0.75, 0.9, 0.3), 12.4, 0.6, 0.8, 0.0001)
CHAPTER = Chapter(
    "student", {("calc", 2): RESULT, ("run", 3): RESULT}, Bill(3 * 10**9, 10**9, 2 * 10**9, 7.4)
)


def test_a_row_has_pass_at_1_with_its_interval_chance_and_what_stands_behind_it():
    assert row(RESULT) == ["0.75 [0.50, 1.00]", "0.000", "0.75", "0.90", "0.30", "12", "0.60", "0.80"]


def test_the_table_has_a_line_for_each_model_its_cost_and_each_part_with_chance():
    lines = list(table([CHAPTER, CHAPTER]))
    assert lines[0].split("  ")[0] == "model" and lines[0].endswith("seconds")
    assert lines[1].split()[0] == "student" and lines[1].split()[-2:] == ["6", "7"]
    assert lines[4:] == [
        "pass@1 by skill and level:",
        "model    calc 2  run 3",
        "student  0.75    0.75",
        "student  0.75    0.75",
        "chance   0.00    0.00",
    ]


def test_columns_are_as_wide_as_their_widest_cell():
    assert list(aligned([["a", "bbb", "c"], ["aa", "b", ""]])) == ["a   bbb  c", "aa  b"]


def test_markdown_has_a_head():
    assert markdown([["a", "b"], ["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_a_bill_adds_up():
    assert CHAPTER.bill.operations == 6 * 10**9
    assert cost_of(CHAPTER.bill).startswith(
        "6 x 10^9 floating-point operations (training 3, rollouts 1, writing"
    )
    assert cost_of(CHAPTER.bill).endswith("in 7 seconds of one core")


def test_a_card_says_where_a_model_comes_from_and_what_it_can_do():
    model = new_model(STUDENT, 0)
    text = card(Made("student", "traces", "small-base", 100, "abc"), model, CHAPTER)
    for part in (
        "# student",
        "`small-base`",
        "train --seed 100",
        "`abc`",
        "| run 3 | 0.75",
        "| all | 0.75",
        "2 test problems",
    ):
        assert part in text
    assert "random numbers" in card(Made("base", "a corpus", None, 100, "abc"), model, CHAPTER)
    assert shape_of(model).startswith("59,568 parameters: 2 layers of width 48 (attention: Heads")
