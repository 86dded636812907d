"""The toy world: words, programs, problems, documents, and what a completion says."""

import random
import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketr1.programs import MEANINGS, SIZE_LIMIT, STEP_LIMIT
from pocketr1.worlds import (
    HARDER_LEVELS,
    LANGUAGES,
    TEXTBOOK,
    TRAINED_LEVELS,
    VOCABULARY,
    WEB,
    Document,
    Habits,
    Problem,
    ProgramError,
    Recipe,
    Test,
    UnknownWordError,
    Vocabulary,
    chance,
    corpus,
    document,
    judge,
    problems,
    read,
    run_program,
)
from pocketr1.worlds.corpus import slip
from pocketr1.worlds.problems import OPERATIONS, all_programs, kind
from pocketr1.worlds.vocabulary import TAGS

LEVELS = [
    (skill, level)
    for levels in (TRAINED_LEVELS, HARDER_LEVELS)
    for skill, span in levels.items()
    for level in span
]
ALL = dict.fromkeys(LEVELS, 1.0)
ONE_OF_EACH = {skill: problems(skill, 1, 1, seed=100)[0] for skill in TRAINED_LEVELS}
word_rows = st.lists(st.sampled_from(VOCABULARY.words), max_size=80)
digit_lists = st.lists(st.integers(0, 9), max_size=SIZE_LIMIT).map(tuple)
mechanical = st.lists(st.sampled_from((*MEANINGS, "again")), max_size=80)


def worked(text: str, **habits: float) -> Document:
    """A worked English document about the `run` problem whose body is `text`."""
    steps, digits = (part.split() for part in text.split(":"))
    start = tuple(map(int, digits))
    answer = tuple(map(str, run_program(steps, start)))
    body = (*steps, ":", *digits)
    problem = Problem("run", len(steps), "english", body, answer, start, tuple(steps))
    return document(problem, "worked", "english", random.Random(3), Habits(**habits))


# Words and tokens


def test_a_vocabulary_of_a_few_dozen_words_with_pad_and_end():
    assert len(VOCABULARY) < 50
    assert (VOCABULARY.words[VOCABULARY.pad], VOCABULARY.words[VOCABULARY.end]) == ("<pad>", "<end>")


@given(word_rows)
def test_decoding_undoes_encoding(words):
    kept = [word for word in words if word != "<pad>"]
    assert VOCABULARY.decode(VOCABULARY.encode(words)) == " ".join(kept)
    assert VOCABULARY.encode(" ".join(words)) == VOCABULARY.encode(words)


def test_an_unknown_word_is_named_with_the_nearest_known_one():
    with pytest.raises(UnknownWordError, match="'ad3' is not one of .* did you mean 'add3'"):
        VOCABULARY.encode("find run ad3")


def test_a_word_that_is_like_no_other_gets_no_suggestion():
    with pytest.raises(UnknownWordError, match="of the vocabulary$"):
        VOCABULARY.encode("§§§§§")


@pytest.mark.parametrize("token", [-1, len(VOCABULARY)])
def test_an_id_outside_the_vocabulary_is_refused(token):
    with pytest.raises(UnknownWordError, match=f"token id {token} is outside"):
        VOCABULARY.decode([2, token])


def test_a_vocabulary_has_no_word_twice():
    with pytest.raises(ValueError, match="twice in the vocabulary: b"):
        Vocabulary(("a", "b", "b"))


def test_batches_are_padded_on_the_side_that_is_asked_for():
    right, lengths = VOCABULARY.pad_batch([[5, 6, 7], [8], []])
    left, _ = VOCABULARY.pad_batch([[5, 6, 7], [8], []], side="left")
    assert right.tolist() == [[5, 6, 7], [8, 0, 0], [0, 0, 0]]
    assert left.tolist() == [[5, 6, 7], [0, 0, 8], [0, 0, 0]]
    assert lengths.tolist() == [3, 1, 0]


def test_an_empty_batch_and_an_unknown_side_are_refused():
    with pytest.raises(ValueError, match="at least one row"):
        VOCABULARY.pad_batch([])
    with pytest.raises(ValueError, match="'left' or 'right', not 'top'"):
        VOCABULARY.pad_batch([[1]], side="top")


# Programs


@pytest.mark.parametrize(
    ("program", "result"),
    [
        ("", (4, 8, 2, 1)),
        ("add3", (7, 1, 5, 4)),
        ("mul3", (2, 4, 6, 3)),
        ("mul7", (8, 6, 4, 7)),
        ("tot", (4, 2, 4, 5)),
        ("rev", (1, 2, 8, 4)),
        ("rot", (8, 2, 1, 4)),
        ("swap", (8, 4, 2, 1)),
        ("dup", (4, 8, 2, 1, 4, 8, 2, 1)),
        ("rev add3", (4, 5, 1, 7)),
        ("rot again", (2, 1, 4, 8)),
        ("rot again again", (4, 8, 2, 1)),  # rot, rot, and both of them again
        ("rot again rev", (8, 4, 1, 2)),
        ("again add1", (5, 9, 3, 2)),
    ],
)
def test_what_programs_do(program, result):
    assert run_program(program.split(), (4, 8, 2, 1)) == result


@pytest.mark.parametrize("number", range(1, 6))
def test_adding(number):
    assert run_program([f"add{number}"], (0, 9)) == (number, number - 1)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (["dup"] * 3, "longer than 16 digits"),
        (["add1"] + ["again"] * 7, "more than 64 steps"),
        (["add1"] + ["again"] * 10**6, "more than 64 steps"),
        (["rev"] * 65, "more than 64 steps"),
        (["__import__('os')"], "is not an operation"),
        (["add"], "'add' is not an operation"),
        (["9**9**9"], "is not an operation"),
        (["again", "7"], "'7' is not an operation"),
    ],
)
def test_programs_that_ask_for_too_much_or_are_nonsense(program, reason):
    with pytest.raises(ProgramError, match=reason.replace("*", r"\*").replace("(", r"\(")):
        run_program(program, (4, 8, 2, 1))


def test_the_limits_themselves_are_allowed():
    assert run_program(["rev"] * STEP_LIMIT, (1, 2)) == (1, 2)
    assert len(run_program(["dup"] * 2, (4, 8, 2, 1))) == SIZE_LIMIT


@pytest.mark.parametrize("digits", [(10,), (-1,), (1,) * 17])
def test_a_program_runs_on_short_lists_of_digits(digits):
    with pytest.raises(ProgramError, match="at most 16 digits from 0 to 9"):
        run_program(["rev"], digits)


@given(mechanical, digit_lists)
def test_any_program_ends_with_digits_or_with_a_reason(program, digits):
    try:
        result = run_program(program, digits)
    except ProgramError as reason:
        assert str(reason)
    else:
        assert len(result) <= SIZE_LIMIT
        assert all(digit in range(10) for digit in result)


@given(st.lists(st.text(max_size=5), max_size=5))
def test_any_text_is_harmless(program):
    try:
        run_program(program, (1, 2, 3, 4))
    except ProgramError as reason:
        assert str(reason)


def test_hostile_programs_cost_next_to_nothing():
    start = time.process_time()
    for program in (["add1"] + ["again"] * 63, ["dup"] * 64, ["again"] * 64, ["nonsense"] * 10**5):
        for _ in range(100):
            with pytest.raises(ProgramError):
                run_program(program, (1, 2, 3, 4))
            if program == ["again"] * 64:
                break
    assert time.process_time() - start < 1


@pytest.mark.parametrize("operation", OPERATIONS["write"])
def test_no_operation_of_a_problem_loses_anything(operation):
    lists = list(product(range(10), repeat=2)) + [(1, 2, 3, 4), (4, 3, 2, 1)]
    assert len({run_program([operation], digits) for digits in lists}) == len(lists)


def test_every_answer_is_equally_likely():
    program = ["tot", "rev", "mul7", "swap", "add5"]
    assert len({run_program(program, digits) for digits in product(range(10), repeat=4)}) == 10_000


# Problems


@pytest.mark.parametrize(("skill", "level"), LEVELS)
@pytest.mark.parametrize("split", ["train", "test"])
def test_problems_are_what_was_asked_for_and_their_answers_are_right(skill, level, split):
    for problem in problems(skill, level, 20, seed=100, split=split):
        assert (problem.skill, problem.level, problem.split) == (skill, level, split)
        assert len(problem.steps) == level
        assert all(kind(a) != kind(b) for a, b in zip(problem.steps, problem.steps[1:], strict=False))
        assert judge(problem, problem.answer) is None
        assert problem.prompt[:2] == (LANGUAGES[problem.language].ask, skill)
        assert problem.prompt[-1] == "?"
        assert VOCABULARY.encode(problem.prompt)


def test_problems_come_from_their_seed_alone():
    state = random.getstate()
    first = problems("run", 3, 10, seed=100)
    assert first == problems("run", 3, 10, seed=100)
    assert first != problems("run", 3, 10, seed=101)
    assert first[:4] == problems("run", 3, 4, seed=100)
    assert random.getstate() == state


def test_problems_of_a_known_seed_stay_the_same():
    assert [" ".join(problem.prompt) for problem in problems("run", 2, 2, seed=100)] == KNOWN_PROBLEMS


def test_train_and_test_never_share_a_problem_whatever_the_language():
    sides = {}
    for split in ("train", "test"):
        many = problems("calc", 1, 3000, seed=100, split=split)
        sides[split] = {problem.body for problem in many}
    assert not sides["train"] & sides["test"]
    english, latin = (problems("write", 1, 1, seed=100, language=name)[0] for name in LANGUAGES)
    assert english.body == latin.body
    assert english.prompt != latin.prompt
    assert english.split == latin.split


def test_one_problem_in_ten_is_kept_for_testing():
    generator = random.Random(100)
    bodies = [tuple(str(generator.randrange(10)) for _ in range(4)) for _ in range(4000)]
    made = [Problem("calc", 1, "english", ("add1", ":", *body), (), (), ()) for body in bodies]
    share = sum(problem.split == "test" for problem in made) / len(made)
    assert share == pytest.approx(0.1, abs=0.02)


def test_the_language_is_a_coin_unless_it_is_given():
    mixed = [problem.language for problem in problems("calc", 2, 200, seed=100)]
    assert 70 < mixed.count("latin") < 130
    assert {problem.language for problem in problems("calc", 2, 20, 100, language="latin")} == {"latin"}


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"skill": "sing"}, "'sing' is not one of the skills calc, run, write"),
        ({"level": 0}, "a level is 1 or more, not 0"),
        ({"split": "dev"}, "the split is 'train' or 'test', not 'dev'"),
        ({"language": "klingon"}, "'klingon' is not one of the languages english, latin"),
    ],
)
def test_problems_that_there_are_not(wrong, complaint):
    with pytest.raises(ValueError, match=complaint):
        problems(**{"skill": "calc", "level": 1, "count": 1, "seed": 1, **wrong})


def test_arithmetic_has_no_rearranging():
    used = {step for problem in problems("calc", 7, 50, seed=100) for step in problem.steps}
    assert not used & {"rev", "rot", "swap"}
    used = {step for problem in problems("run", 7, 50, seed=100) for step in problem.steps}
    assert used == set(OPERATIONS["run"])


def test_the_judge_of_digits():
    problem = problems("run", 2, 1, seed=100)[0]
    assert judge(problem, list(problem.answer)) is None
    for wrong in ((), problem.answer[:-1], (*problem.answer, "1"), problem.answer[::-1], ("rev",)):
        assert judge(problem, wrong) == "these are not the right digits"


def test_the_judge_of_programs_runs_them():
    tests = (Test((4, 8, 2, 1), (4, 5, 1, 7)), Test((0, 3, 3, 9), (2, 6, 6, 3)))
    problem = Problem("write", 2, "english", (), ("rev", "add3"), (4, 8, 2, 1), ("rev", "add3"), tests)
    assert judge(problem, ("rev", "add3")) is None
    assert judge(problem, ("add3", "rev")) is None  # another way to write it
    assert judge(problem, ("rev", "add1", "add2")) is None
    assert judge(problem, ("rev",)) == "the program fails test 1"
    assert judge(problem, ()) == "the program is empty"
    assert judge(problem, ("4", "5", "1", "7")) == "'4' is not an operation on a list"
    assert judge(problem, ["dup"] * 9) == "the list grows longer than 16 digits"


def test_a_program_must_pass_every_test():
    tests = (Test((1, 1, 1, 1), (2, 2, 2, 2)), Test((1, 2, 3, 4), (2, 3, 4, 5)))
    problem = Problem("write", 1, "english", (), ("add1",), (1, 1, 1, 1), ("add1",), tests)
    assert judge(problem, ("add1", "rev")) == "the program fails test 2"


@pytest.mark.parametrize("skill", ["calc", "run"])
def test_chance_of_digits(skill):
    problem = problems(skill, 5, 1, seed=100)[0]
    assert chance(problem) == pytest.approx(1e-4)
    assert chance(problem, tries=64) == pytest.approx(1 - (1 - 1e-4) ** 64)


def test_chance_of_programs_counts_those_that_pass():
    problem = problems("write", 1, 1, seed=100)[0]
    assert chance(problem) == pytest.approx(1 / 11)
    assert chance(problem, tries=2) == pytest.approx(1 - (10 / 11) ** 2)
    assert len(all_programs(1)) == 11
    assert len(all_programs(2)) == 11**2 - 5**2 - 2**2 - 4  # no two adds, no two muls, no other twice
    commuting = Problem("write", 2, "english", (), (), (), (), (Test((4, 8, 2, 1), (4, 5, 1, 7)),))
    passing = [steps for steps in all_programs(2) if run_program(steps, (4, 8, 2, 1)) == (4, 5, 1, 7)]
    assert {("rev", "add3"), ("add3", "rev")} <= set(passing)
    assert chance(commuting) == pytest.approx(len(passing) / len(all_programs(2)))


# Documents


def test_a_direct_document():
    problem = problems("run", 2, 1, seed=100)[0]
    direct = document(problem, "direct", "english", random.Random(1))
    assert direct.completion == ("<answer>", *problem.answer, "</answer>")
    assert direct.words == (*problem.prompt, *direct.completion, "<end>")
    assert VOCABULARY.decode(direct.tokens) == " ".join(direct.words)
    assert direct.words[: direct.prompt_length] == problem.prompt


def test_a_worked_document():
    assert " ".join(worked("rev add3 : 4 8 2 1").completion) == (
        "<think> 4 8 2 1 then rev 1 2 8 4 then add3 4 5 1 7 </think> <answer> 4 5 1 7 </answer>"
    )


def test_every_list_stands_six_words_after_the_one_it_is_made_from():
    text = worked("rev add3 tot : 4 8 2 1").words
    lists = [(4, 8, 2, 1), (1, 2, 8, 4), (4, 5, 1, 7), (4, 9, 0, 7)]
    expected = [lists[0], *lists, lists[-1]]
    start = text.index(":") + 1
    found = [text[place : place + 4] for place in range(start, start + 6 * len(expected), 6)]
    assert found == [tuple(map(str, digits)) for digits in expected]


def test_a_worked_program_is_tried_on_the_first_test():
    problem = problems("write", 2, 1, seed=100)[0]
    text = document(problem, "worked", "latin", random.Random(1)).completion
    assert text[1:5] == tuple(map(str, problem.tests[0].given))
    assert text[13:17] == tuple(map(str, problem.tests[0].wanted))
    assert read(text).answer == problem.steps


def test_a_slip_that_nobody_notices_is_built_upon():
    text = worked("add1 add2 : 1 1 1 1", slips=1.0)
    reading = read(text.completion)
    first = tuple(map(int, text.completion[7:11]))
    assert sum(a != b for a, b in zip(first, (2, 2, 2, 2), strict=True)) == 1
    assert reading.answer == text.completion[13:17]
    assert judge(text.problem, reading.answer) is not None
    assert reading.waits == 0


def test_a_slip_that_is_noticed_is_taken_back():
    text = worked("add1 rev : 1 1 1 1", slips=1.0, checks=1.0)
    words = text.completion
    assert words[5:7] == ("then", "add1")
    assert words[11:17] == ("wait", "add1", "2", "2", "2", "2")
    reading = read(words)
    assert judge(text.problem, reading.answer) is None
    assert (reading.steps, reading.waits) == (2, 2)


def test_a_skipped_step_is_done_all_the_same_and_the_last_one_is_never_skipped():
    text = worked("rev add3 rot : 4 8 2 1", skips=1.0)
    assert " ".join(text.completion[1:11]) == "4 8 2 1 then rot 5 1 7 4"
    assert judge(text.problem, read(text.completion).answer) is None


def test_the_language_may_change_half_way():
    words = worked("rev add3 rot : 4 8 2 1", mixing=1.0).completion
    assert [word for word in words if word in ("then", "deinde")] == ["deinde", "then", "deinde"]


def test_an_untidy_document_has_no_think_tags():
    words = worked("rev : 4 8 2 1", untidy=1.0).completion
    assert words[0] == "4"
    assert not {"<think>", "</think>"} & set(words)
    assert not read(words).tidy


@given(st.tuples(*[st.integers(0, 9)] * 4), st.integers(0, 10**6))
def test_a_slip_is_one_wrong_digit(digits, seed):
    wrong = slip(digits, random.Random(seed))
    assert sum(a != b for a, b in zip(digits, wrong, strict=True)) == 1


@settings(max_examples=30)
@given(st.integers(100, 10**6), st.sampled_from(LEVELS), st.sampled_from(["direct", "worked"]))
def test_a_faultless_document_is_right_and_says_what_it_is(seed, part, style):
    problem = problems(*part, 1, seed)[0]
    for language in LANGUAGES:
        reading = read(document(problem, style, language, random.Random(seed)).completion)
        assert judge(problem, reading.answer) is None
        assert reading.worked == (style == "worked")
        assert reading.tidy == reading.worked
        assert reading.consistency(language) == 1.0


def test_documents_of_a_style_or_language_that_there_is_not():
    problem = problems("run", 1, 1, seed=100)[0]
    with pytest.raises(ValueError, match="a document is 'direct' or 'worked', not 'sung'"):
        document(problem, "sung", "english", random.Random(1))
    with pytest.raises(ValueError, match="'klingon' is not one of the languages"):
        document(problem, "worked", "klingon", random.Random(1))


def test_a_corpus_follows_its_recipe():
    habits = Habits(slips=0.1, checks=0.5, skips=0.1, mixing=0.0, untidy=0.2)
    recipe = Recipe({("calc", 2): 3.0, ("run", 4): 1.0}, worked=0.4, translated=0.25, habits=habits)
    documents = corpus(recipe, 3000, seed=100)
    readings = [read(text.completion) for text in documents]
    thinkers = [i for i, reading in enumerate(readings) if reading.worked]
    assert len(thinkers) / 3000 == pytest.approx(0.4, abs=0.03)
    assert sum(text.problem.skill == "calc" for text in documents) / 3000 == pytest.approx(0.75, abs=0.03)
    foreign = [readings[i].consistency(documents[i].problem.language) == 0 for i in thinkers]
    assert sum(foreign) / len(foreign) == pytest.approx(0.25, abs=0.05)
    untidy = [not readings[i].tidy for i in thinkers]
    assert sum(untidy) / len(untidy) == pytest.approx(0.2, abs=0.05)
    assert {text.problem.split for text in documents} == {"train"}
    wrong = [judge(documents[i].problem, readings[i].answer) is not None for i in thinkers]
    assert 0.05 < sum(wrong) / len(wrong) < 0.25


def test_a_corpus_comes_from_its_seed_and_its_side():
    recipe = Recipe(ALL, worked=0.5, habits=Habits(slips=0.1, checks=0.5))
    assert corpus(recipe, 50, seed=100) == corpus(recipe, 50, seed=100)
    assert corpus(recipe, 50, seed=100)[:10] == corpus(recipe, 10, seed=100)
    assert corpus(recipe, 50, seed=100) != corpus(recipe, 50, seed=101)
    assert {text.problem.split for text in corpus(recipe, 50, seed=100, split="test")} == {"test"}


def test_the_textbook_is_worked_and_the_web_mostly_is_not():
    assert all(read(text.completion).worked for text in corpus(TEXTBOOK, 200, seed=100))
    web = [read(text.completion).worked for text in corpus(WEB, 1000, seed=100)]
    assert sum(web) / len(web) == pytest.approx(0.25, abs=0.04)
    trained = {(skill, level) for skill, levels in TRAINED_LEVELS.items() for level in levels}
    assert set(TEXTBOOK.parts) == set(WEB.parts) == trained


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_shares_are_probabilities(share):
    with pytest.raises(ValueError, match=f"slips is a probability from 0 to 1, not {share}"):
        Habits(slips=share)
    with pytest.raises(ValueError, match="worked is a probability"):
        Recipe(ALL, worked=share)
    with pytest.raises(ValueError, match="translated is a probability"):
        Recipe(ALL, worked=0.5, translated=share)


@pytest.mark.parametrize("parts", [{}, {("run", 1): 0.0}, {("run", 1): -1.0, ("run", 2): 2.0}])
def test_a_recipe_needs_parts(parts):
    with pytest.raises(ValueError, match="a recipe needs parts"):
        Recipe(parts, worked=0.5)


# Reading


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no <answer>"),
        ("<end>", "there is no <answer>"),
        ("4 8 2 1", "there is no <answer>"),
        ("<answer> 4 8 2 1", "the answer is not closed"),
        ("<answer> 4 </answer> 5", "something follows the answer"),
        ("<answer> 4 </answer> </think>", "something follows the answer"),
        ("<answer> 4 </answer> <answer> 5 </answer>", "there is more than one answer"),
        ("<answer> 4 <answer> 5 </answer>", "there is more than one answer"),
        ("<answer> 4 </answer> </answer>", "there is more than one answer"),
        ("</answer> 4 <answer>", "the answer is not closed"),
    ],
)
def test_completions_without_an_answer_say_why(text, why):
    reading = read(text)
    assert (reading.answer, reading.why, reading.tidy) == (None, why, False)


def test_a_completion_that_was_cut_off_has_no_answer():
    reading = read("<answer> 4 8 2 1 </answer>", ended=False)
    assert (reading.answer, reading.why) == (None, "it was cut off before its end")


def test_what_follows_the_end_is_ignored():
    assert read("<answer> 4 </answer> <end> 5 <pad>", ended=False).answer == ("4",)


def test_an_empty_answer_is_an_answer_and_a_wrong_one():
    assert read("<answer> </answer>").answer == ()
    assert all(judge(problem, ()) is not None for problem in ONE_OF_EACH.values())


@pytest.mark.parametrize(
    ("thinking", "tidy"),
    [
        ("<think> </think>", True),
        ("<think> then rev 1 2 </think>", True),
        ("", False),
        ("then rev 1 2", False),
        ("<think> then rev 1 2", False),
        ("then rev 1 2 </think>", False),
        ("</think> <think>", False),
        ("<think> <think> </think>", False),
        ("<think> </think> </think>", False),
        ("<think> </think> 4", False),
        ("4 <think> </think>", False),
        ("<think> </answer> </think>", False),
    ],
)
def test_tidiness(thinking, tidy):
    assert read(f"{thinking} <answer> 4 </answer>").tidy == tidy
    assert not read(f"{thinking} <answer> <think> </think> 4 </answer>").tidy


def test_languages_are_counted_in_the_thinking_alone():
    reading = read("<think> then rev 1 wait rev 2 deinde rot 3 </think> <answer> mane </answer>")
    assert reading.words == {"english": 2, "latin": 1}
    assert (reading.steps, reading.waits) == (2, 1)
    assert reading.consistency("english") == pytest.approx(2 / 3)
    assert reading.consistency("latin") == pytest.approx(1 / 3)
    assert read("<answer> 4 </answer>").consistency("latin") == 1.0


@given(word_rows, st.booleans())
def test_any_words_can_be_read_and_judged(words, ended):
    reading = read(words, ended)
    assert (reading.answer is None) == (reading.why is not None)
    if reading.answer is not None:
        assert not set(reading.answer) & set(TAGS[2:])
        assert judge(ONE_OF_EACH["run"], reading.answer) != ""
        assert judge(ONE_OF_EACH["write"], reading.answer) != ""


KNOWN_PROBLEMS = ["quaere run rev rot : 6 5 2 3 ?", "quaere run mul3 add1 : 8 5 3 5 ?"]
