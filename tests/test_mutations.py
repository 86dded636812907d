"""Do the tests notice when a sign, a mask, a scale, a detach or a normaliser is changed?

tests/mutations/MODULE.toml holds changes to a teaching module, or to a part of the toy world (worlds.PART),
and the file of tests that must fail with each of them. The slow tests make each change in a copy of the
package and run that file.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

DATA = ROOT / "tests" / "mutations"
FEWEST = 5
FAILED = 1  # pytest's exit code for tests that ran and failed; a file that cannot be run has another
MODULES = (
    "attention",
    "induction",
    "transformer",
    "sampling",
    "cache",
    "latent",
    "moe",
    "deepseekmoe",
    "generation",
    "rewards",
    "policy_gradient",
    "grpo",
    "distillation",
    "evaluation",
    "training",
    "tensors",
    "model",
    "configuration",
    "checkpoints",
    "fast_writing",
    "sizes",
    "programs",
    "rollouts",
    "pretraining",
    "story",
    "cards",
    "shipped",
    "fine_tuning",
    "pipeline",
    "report_card",
    "reinforce",
    "grpo_training",
    "worlds.vocabulary",
    "worlds.problems",
    "worlds.corpus",
    "worlds.reading",
)


@dataclass(frozen=True)
class Mutation:
    """One change to a module: the text `before` becomes `after`. `test` is the file that must notice."""

    module: str
    says: str
    before: str
    after: str
    test: str

    def of(self, source: str) -> str:
        """The module's source with the change made."""
        return source.replace(self.before, self.after)


def read(path: Path) -> list[Mutation]:
    """The mutations in a file, whose name is that of the module."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return [Mutation(path.stem, test=content["test"], **each) for each in content["mutation"]]


def source_of(module: str, root: Path = ROOT) -> Path:
    return (root / "pocketr1").joinpath(*module.split(".")).with_suffix(".py")


MUTATIONS = [mutation for path in sorted(DATA.glob("*.toml")) for mutation in read(path)]
TESTS = {mutation.module: mutation.test for mutation in MUTATIONS}


def name_of(mutation: Mutation) -> str:
    return f"{mutation.module}: {mutation.says}"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package and its tests, to be changed."""
    root = tmp_path_factory.mktemp("copy")
    for folder in ("pocketr1", "tests"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("start.py", "pyproject.toml"):
        shutil.copy(ROOT / file, root)
    return root


def run_tests(root: Path, test: str) -> int:
    """Run a file of tests in a copy; pytest's exit code."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    return subprocess.run(command, cwd=root, capture_output=True).returncode


@pytest.mark.parametrize("module", MODULES)
def test_every_teaching_module_has_mutations(module: str) -> None:
    assert sum(mutation.module == module for mutation in MUTATIONS) >= FEWEST


@pytest.mark.parametrize("mutation", MUTATIONS, ids=name_of)
def test_a_mutation_changes_one_place_of_its_module_and_leaves_it_python(mutation: Mutation) -> None:
    """Where this fails, the module was changed since: write the mutation anew."""
    source = source_of(mutation.module).read_text(encoding="utf-8")
    times = source.count(mutation.before)
    assert times == 1, f"`{mutation.before}` stands {times} times in {mutation.module}.py"
    assert mutation.of(source) != source
    compile(mutation.of(source), mutation.module, "exec")
    assert (ROOT / mutation.test).exists()


@pytest.mark.slow
@pytest.mark.parametrize("module", TESTS)
def test_without_a_mutation_the_tests_pass(module: str, copy: Path) -> None:
    assert run_tests(copy, TESTS[module]) == 0


@pytest.fixture
def mutated(request: pytest.FixtureRequest, copy: Path) -> Iterator[Mutation]:
    """A mutation, made in the copy, and unmade afterwards."""
    mutation: Mutation = request.param
    path = source_of(mutation.module, copy)
    source = path.read_text(encoding="utf-8")
    path.write_text(mutation.of(source), encoding="utf-8", newline="\n")
    yield mutation
    path.write_text(source, encoding="utf-8", newline="\n")


@pytest.mark.slow
@pytest.mark.parametrize("mutated", MUTATIONS, ids=name_of, indirect=True)
def test_a_mutation_is_noticed(mutated: Mutation, copy: Path) -> None:
    assert run_tests(copy, mutated.test) == FAILED
