"""The whole story, made very small: that stages follow each other, go on, repeat themselves and refuse."""

from dataclasses import replace

import pytest
import torch

from pocketr1 import __main__, checkpoints, pipeline, report_card, shipped, story
from pocketr1.cards import table
from pocketr1.report_card import PARTS, together
from pocketr1.story import CONTROLS, SHIPPED, STAGES, Story
from tests.tiny_story import TINY


@pytest.fixture(autouse=True)
def fluent_models(monkeypatch):
    """Tiny models never answer rightly. Let what they write be right, so that later stages have documents."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(report_card, "LONGEST", 4)
    monkeypatch.setattr(pipeline, "LONGEST", 4)
    documents = pipeline.faultless_documents(PARTS, 6, seed=1)
    monkeypatch.setattr(pipeline, "as_documents", lambda rollouts: documents)
    monkeypatch.setattr(story, "filter_traces", lambda problems, texts: documents)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("story")


@pytest.fixture
def chapters(folder):
    return list(Story(folder, 100, TINY).run(with_controls=True))


def weights(folder, name):
    return checkpoints.load(folder / f"{name}.safetensors")[0]


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_every_stage_leaves_a_model_its_results_and_a_card(folder, chapters):
    assert [chapter.name for chapter in chapters] == list(STAGES | CONTROLS)
    for chapter in chapters:
        assert tuple(chapter.results) == PARTS
        assert shipped.load(chapter.name, folder).config.dim == 8
        assert f"# {chapter.name}" in shipped.card(chapter.name, folder)
        assert checkpoints.digest(weights(folder, chapter.name)) in shipped.card(chapter.name, folder)


def test_the_table_names_every_model_and_chance(chapters):
    text = "\n".join(table(chapters))
    assert all(f"\n{name} " in text for name in STAGES | CONTROLS)
    assert "chance" in text and "pass@1" in text
    assert str(together(chapters[0].results).pass_at_1) in text


def test_every_stage_costs_something_and_only_teaching_pays_a_teacher(chapters):
    bills = {chapter.name: chapter.bill for chapter in chapters}
    assert all(bill.training > 0 for bill in bills.values() if not bill.rollouts)
    paying = {"second-fine-tuning", "student", "own-samples"}
    assert {name for name, bill in bills.items() if bill.teacher} == paying
    reinforced = {"r1-zero", "reasoning-rl", "r1", "small-rl", "random-reward"}
    assert {name for name, bill in bills.items() if bill.rollouts} == reinforced


def test_the_control_arm_stops_when_it_has_cost_what_the_student_cost(folder, tmp_path, chapters):
    for name in ("small-base", "student"):
        (tmp_path / f"{name}.safetensors").write_bytes((folder / f"{name}.safetensors").read_bytes())
    long = replace(TINY, student_rl=replace(TINY.student_rl, steps=500))
    arm = Story(tmp_path, 100, long)
    arm._make(STAGES["small-rl"])
    step = next(chapter for chapter in chapters if chapter.name == "small-rl").bill.operations / 2
    budget = arm.chapter("student").bill.operations
    assert budget <= arm.bill.operations < budget + 2 * step


def test_a_finished_stage_is_not_run_again(folder, chapters, monkeypatch):
    monkeypatch.setattr(Story, "_make", lambda self, stage: pytest.fail(f"{stage.name} was run again"))
    assert list(Story(folder, 100, TINY).run(with_controls=True)) == chapters


def test_a_run_goes_on_with_the_stage_that_is_missing_and_repeats_it_bit_for_bit(folder, chapters):
    before = weights(folder, "r1")
    (folder / "r1.safetensors").unlink()
    list(Story(folder, 100, TINY).run())
    assert same(weights(folder, "r1"), before)


@pytest.mark.parametrize("other", [Story, lambda folder, seed, tiny: Story(folder, 101, TINY)])
def test_files_of_another_seed_or_other_settings_are_refused_by_name(folder, chapters, other):
    changed = replace(TINY, zero=replace(TINY.zero, learning_rate=1.0))
    with pytest.raises(
        checkpoints.CheckpointError, match=r"(base|r1-zero)\.safetensors was made with another"
    ):
        list(other(folder, 100, changed).run())


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("r1-zero", "r1_zero"),
        ("cold-start", "cold_start"),
        ("reasoning-rl", "reasoning_rl"),
        ("r1", "final_rl"),
    ],
)
def test_what_is_random_in_a_stage_depends_on_the_story_s_seed(tmp_path, monkeypatch, name, function):
    seeds = []
    monkeypatch.setattr(pipeline, function, lambda model, seed, plan: iter(seeds.append(seed) or ()))
    assert list(STAGES[name].train(Story(tmp_path, 103, TINY), None)) == []
    assert seeds == [103]


def test_stages_start_where_the_pipeline_says(folder, chapters):
    starts = pipeline.stage_starts()
    names = {"cold start": "cold-start", "reasoning RL": "reasoning-rl", "final RL": "r1"}
    names |= {"second fine-tuning": "second-fine-tuning", "base": "base"}
    assert {names[stage]: names[start] for stage, start in starts.items()} == {
        name: STAGES[name].starts for name in list(names.values()) if name != "base"
    }


def test_the_main_run_leaves_the_control_arms_out(folder, chapters):
    assert [chapter.name for chapter in Story(folder, 100, TINY).run()] == list(STAGES)


def test_the_student_s_arms_learn_from_as_many_documents_of_each_author(folder, chapters):
    sets, prices = Story(folder, 100, TINY).authors
    assert len({len(documents) for documents in sets.values()}) == 1
    assert prices["no teacher"] == 0 < prices["teacher"]
    assert all(each.problem.split == "train" for documents in sets.values() for each in documents)


def test_what_ships_is_made():
    assert set(SHIPPED) <= set(STAGES)


def test_the_command_trains_into_the_folder_it_is_given_and_prints_the_table(
    folder, chapters, monkeypatch, capsys
):
    class Tiny(Story):
        def __init__(self, where, seed):
            super().__init__(where, seed, TINY)

    monkeypatch.setattr(story, "Story", Tiny)
    assert __main__.main(["train", "--output", str(folder)]) == 0
    printed, complaints = capsys.readouterr()
    assert complaints == ""
    assert all(f"\n{name} " in printed for name in STAGES)
    assert "\npass@k of base:\n" in printed and "\ndirect answers  0." in printed
    assert "random-reward" not in printed and str(folder) in printed
    assert __main__.main(["train", "--output", str(folder), "--controls"]) == 0
    assert "\nrandom-reward " in capsys.readouterr().out
    assert __main__.main(["train", "--output", str(folder), "--seed", "3"]) == 2
    assert "base.safetensors was made with another seed" in capsys.readouterr().err
