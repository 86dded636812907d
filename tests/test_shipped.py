"""The models that ship: that each loads, is what its card says, and is refused when it is damaged."""

import subprocess
import sys

import pytest
import torch

from pocketr1 import checkpoints, shipped, story
from pocketr1.checkpoints import CheckpointError, digest
from pocketr1.distillation import distil, filter_traces
from pocketr1.fast_writing import FastWriter
from pocketr1.pipeline import answers, texts
from pocketr1.report_card import PARTS, evaluate, together

MOST_BYTES = 3_000_000
AS_GOOD = 0.1
"""How far pass@1 may be away on another machine, where the last bits of all numbers are others."""


def path_of(name):
    return shipped.shelf() / f"{name}.safetensors"


def test_all_models_are_there_and_no_others():
    assert shipped.names() == sorted(story.SHIPPED)


@pytest.mark.parametrize("name", story.SHIPPED)
def test_a_model_loads_is_small_and_is_the_one_on_its_card(name):
    model = shipped.load(name)
    assert path_of(name).stat().st_size < MOST_BYTES
    assert f"`{digest(model.state_dict())}`" in shipped.card(name)


def test_the_models_tell_the_story_again():
    found = {}
    for name in ("base", "r1-zero"):
        results = evaluate(FastWriter(shipped.load(name)), [("calc", 3), ("run", 3)], count=6, samples=8)
        found[name] = together(results)
    assert found["r1-zero"].pass_at_1.low > found["base"].pass_at_1.high
    assert found["r1-zero"].parts.works > 0.9 > found["base"].parts.works
    assert found["r1-zero"].length > 1.5 * found["base"].length


def test_a_damaged_file_is_refused_by_name(tmp_path):
    content = bytearray(path_of("student").read_bytes())
    content[-1] ^= 1
    (tmp_path / "student.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"student\.safetensors is damaged"):
        shipped.load("student", tmp_path)
    (tmp_path / "student.safetensors").write_bytes(content[:100])
    with pytest.raises(CheckpointError, match=r"student\.safetensors cannot be read"):
        shipped.load("student", tmp_path)


def test_a_file_that_holds_something_else_is_refused_by_name(tmp_path):
    for about in ({}, {"config": {"vocab": 3}}):
        checkpoints.save(tmp_path / "odd.safetensors", {"x": torch.zeros(1)}, about)
        with pytest.raises(CheckpointError, match=r"odd\.safetensors holds no language model"):
            shipped.load("odd", tmp_path)


def test_weights_that_do_not_fit_their_configuration_are_refused_by_name(tmp_path):
    _, about = checkpoints.load(path_of("student"))
    checkpoints.save(tmp_path / "odd.safetensors", {"x": torch.zeros(1)}, about)
    with pytest.raises(CheckpointError, match=r"odd\.safetensors holds no language model"):
        shipped.load("odd", tmp_path)


def test_a_model_that_there_is_not_is_named_with_those_that_there_are():
    with pytest.raises(CheckpointError, match=r"r2\.safetensors; there are base, r1, r1-zero"):
        shipped.load("r2")


def test_the_student_is_made_again_from_its_teacher():
    settings, seed = story.Settings(), 100
    traces = []
    for rollouts in answers(shipped.load("r1"), PARTS, settings.traces, seed + 1):
        traces += filter_traces(rollouts.problems[:: settings.traces.samples], texts(rollouts))
    student = shipped.load("small-base")
    list(distil(student, traces, settings.distillation, seed))
    if digest(student.state_dict()) == digest(shipped.load("student").state_dict()):
        return  # on the machine that made it, to the last bit
    made, kept = (together(evaluate(FastWriter(model))) for model in (student, shipped.load("student")))
    assert abs(made.pass_at_1.mean - kept.pass_at_1.mean) < AS_GOOD


TRAIN = """
import resource, sys
from pocketr1.__main__ import main

assert main(["train", "--output", sys.argv[1]]) == 0
assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2**20
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory in Linux's kilobytes")
def test_one_command_makes_them_all_again_in_less_than_a_gigabyte(tmp_path):
    subprocess.run([sys.executable, "-c", TRAIN, str(tmp_path)], check=True)
    for name in story.SHIPPED:
        (again, made), (kept, shown) = (
            checkpoints.load(folder / f"{name}.safetensors") for folder in (tmp_path, shipped.shelf())
        )
        made, shown = (together(story.results_from(about["results"])) for about in (made, shown))
        assert digest(again) == digest(kept) or abs(made.pass_at_1.mean - shown.pass_at_1.mean) < AS_GOOD
