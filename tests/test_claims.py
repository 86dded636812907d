import json
import subprocess
from dataclasses import replace

import pytest

from pocketr1.__main__ import main
from pocketr1.claims import CLAIMS, report, run, table, write_page
from pocketr1.claims import recorded_results as results
from pocketr1.claims.claim import SEEDS, Claim, SeedRecord, false_success, sign_test, verdict
from pocketr1.claims.latent_attention import absorbed_against_naive, rope_between_the_matrices
from pocketr1.claims.page import PAGE, page


def measure(seed):
    measured.append(seed)
    return {"arm": float(seed), "control": 1.5}


measured: list[int] = []

TOY = Claim(
    name="toy",
    statement="The arm beats its control.",
    published="never",
    here="numbers that count up",
    decides="the arm is larger",
    misleads="everywhere",
    measure=measure,
    holds=lambda numbers: numbers["arm"] > numbers["control"],
)
SURE = replace(TOY, name="sure", holds=lambda numbers: True)


@pytest.fixture(autouse=True)
def nothing_measured_yet():
    measured.clear()


def records(*arms):
    return {seed: SeedRecord({"arm": arm, "control": 1.5}, 0.0, "", {}, "") for seed, arm in enumerate(arms)}


def test_only_five_of_five_count():
    assert sign_test(5, 5) == 1 / 32
    assert sign_test(4, 5) == 1
    assert verdict(TOY, {}) == "not run yet"
    assert verdict(TOY, records(2, 2, 2, 2)) == "not decided: 4 of 5 seeds recorded"
    assert verdict(TOY, records(2, 2, 2, 2, 1)) == "not reproduced here: 4 of 5 seeds"
    assert "5 of 5 seeds (one-sided sign test, p = 0.03)" in verdict(TOY, records(2, 2, 2, 2, 2))


def test_an_exact_claim_has_a_bound_and_no_p():
    assert (
        verdict(replace(SURE, exact=True), records(1, 1, 1, 1, 1)) == "true within its bound in 5 of 5 seeds"
    )


def test_twelve_claims_of_nothing_succeed_once_with_a_third():
    assert false_success(12) == pytest.approx(0.317, abs=1e-3)


def test_every_seed_is_run_once_recorded_and_reported(tmp_path):
    lines = list(run([TOY], tmp_path))
    assert measured == list(SEEDS)
    assert lines[-1].endswith("not reproduced here: 3 of 5 seeds")
    assert [line.split()[-1] for line in lines[:5]] == ["(no)", "(no)", "(yes)", "(yes)", "(yes)"]
    stored = results.read(TOY, tmp_path)
    assert stored[4].numbers == {"arm": 4.0, "control": 1.5}
    assert set(stored[0].versions) == {"python", "torch"}


def test_a_run_that_was_stopped_goes_on_with_the_first_missing_seed(tmp_path):
    running = run([TOY], tmp_path)
    next(running), next(running)
    running.close()
    list(run([TOY], tmp_path))
    assert measured == [0, 1, 2, 3, 4]


def test_several_claims_are_run_seed_by_seed(tmp_path):
    order = [line.partition(":")[0] for line in run([TOY, SURE], tmp_path)]
    assert order[:4] == ["toy, seed 0", "sure, seed 0", "toy, seed 1", "sure, seed 1"]


def test_a_seed_is_recorded_once(tmp_path):
    list(run([TOY], tmp_path))
    with pytest.raises(ValueError, match="recorded once"):
        results.add(TOY, 0, results.read(TOY, tmp_path)[0], tmp_path)


def test_the_report_says_when_the_experiment_was_changed_since(tmp_path):
    list(run([TOY], tmp_path))
    assert "changed after" not in "\n".join(report(TOY, tmp_path))
    path = tmp_path / "toy.json"
    content = json.loads(path.read_text())
    content["seeds"]["3"]["experiment"] = "another"
    path.write_text(json.dumps(content))
    assert "changed after" in "\n".join(report(TOY, tmp_path))


@pytest.mark.parametrize("text", ["", "{}", '{"seeds": {"0": {"what": 1}}}', '{"seeds": 3}'])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "toy.json").write_text(text)
    with pytest.raises(ValueError, match="toy.json"):
        results.read(TOY, tmp_path)


def test_the_table_names_each_claim_and_what_luck_would_give(tmp_path):
    list(run([SURE], tmp_path))
    text = "\n".join(table([TOY, SURE], tmp_path))
    assert "toy                        not run yet" in text
    assert "any of the 2 claims" in text
    assert "a chance of at most 6%" in text
    assert "luck" not in "\n".join(table([replace(SURE, exact=True)], tmp_path))


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
def test_every_recorded_seed_is_of_the_experiment_as_it_is(claim):
    stored = results.read(claim)
    assert set(stored) <= set(SEEDS)
    assert all(record.experiment == results.experiment_of(claim) for record in stored.values())


def test_the_commands_print_the_table_and_refuse_an_unknown_claim(capsys):
    assert main(["claims"]) == 0
    assert "mla_absorbed" in capsys.readouterr().out
    assert main(["claims", "mla_absorbed"]) == 0
    assert "published" in capsys.readouterr().out
    assert main(["claims", "run", "nonsense"]) == 2
    assert "there is no claim nonsense" in capsys.readouterr().err
    assert main(["claims", "run"]) == 2
    assert "name the claims to run; there are mla_absorbed" in capsys.readouterr().err


def test_a_commit_is_dirty_by_code_and_not_by_results(tmp_path, monkeypatch):
    package = tmp_path / "pocketr1"
    folder = package / "claims" / "recorded"
    folder.mkdir(parents=True)
    code, record = package / "grpo.py", folder / "one.json"
    monkeypatch.setattr(results, "LIBRARY", package)
    monkeypatch.setattr(results, "FOLDER", folder)
    assert results.commit() == "unknown"
    for path in (code, record):
        path.write_text("1")
    for command in ("init -q", "add .", "-c user.name=a -c user.email=a@b commit -qm one"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    clean = results.commit()
    record.write_text("2")
    assert results.commit() == clean and len(clean) == 12
    code.write_text("2")
    assert results.commit() == f"{clean}-dirty"


def test_another_library_has_another_digest_and_another_docstring_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "LIBRARY", tmp_path)
    found = []
    for text in ('"""One."""\nx = 1\n', '"""Two."""\nx = 1\n', '"""One."""\nx = 2\n'):
        (tmp_path / "grpo.py").write_text(text)
        (tmp_path / "claims").mkdir(exist_ok=True)
        (tmp_path / "claims" / "family.py").write_text(text)
        found.append(results.library())
    assert found[0] == found[1] != found[2]


def test_latent_attention_off_the_recorded_seeds():
    numbers = absorbed_against_naive(100)
    assert 0 < numbers["error"] < 1e-5
    assert numbers["cached numbers"] == 36
    residuals = rope_between_the_matrices(100)
    assert residuals["residual with RoPE"] > 0.5
    assert residuals["residual without"] < 1e-6


def test_a_text_may_be_mended_and_the_experiment_stays_the_same(tmp_path, monkeypatch):
    sources = [
        'def f(n):\n    """Old."""\n    return n["a"]\nC = Claim(here="old", measure=f)\n',
        'def f(n):\n    """New."""\n    return n["a"]\n\nC = Claim(here="new", measure=f)\n',
        'def f(n):\n    """Old."""\n    return n["b"]\nC = Claim(here="old", measure=f)\n',
    ]
    digests = []
    for source in sources:
        monkeypatch.setattr(results.inspect, "getsource", lambda module, source=source: source)
        digests.append(results.experiment_of(TOY))
    assert digests[0] == digests[1] != digests[2]


def test_an_experiment_includes_the_modules_it_imports(monkeypatch):
    sources = {"pocketr1.claims.balancing": "from .small_models import trained\nMISLEADS = 'old'"}
    sources["pocketr1.claims.small_models"] = "STEPS = 1"

    def digest():
        monkeypatch.setattr(results.inspect, "getsource", lambda module: sources[module.__name__])
        return results.experiment_of(CLAIMS["batch_wise_loss"])

    first = digest()
    sources["pocketr1.claims.balancing"] = "from .small_models import trained\nMISLEADS = 'new'"
    assert digest() == first
    sources["pocketr1.claims.small_models"] = "STEPS = 2"
    assert digest() != first


def test_what_was_tried_is_reported_where_something_was(tmp_path):
    assert "also tried" not in "\n".join(report(TOY, tmp_path))
    assert "also tried        all day" in "\n".join(report(replace(TOY, tried="all day"), tmp_path))


def test_a_page_has_every_claim_its_texts_and_its_seeds(tmp_path):
    list(run([TOY], tmp_path))
    text = page([TOY, SURE], tmp_path)
    assert "| [The arm beats its control.](#toy) | not reproduced here: 3 of 5 seeds |" in text
    assert "- **where it misleads**: everywhere" in text
    assert "| arm | 0 | 1 | 2 | 3 | 4 |" in text
    assert "| **agrees** | no | no | yes | yes | yes |" in text
    assert "- **verdict**: not run yet" in text
    assert "any of the 2 claims" in text


def test_the_page_that_is_read_is_that_of_the_records(tmp_path):
    write_page(list(CLAIMS.values()), tmp_path / "page.md")
    assert PAGE.read_text(encoding="utf-8") == (tmp_path / "page.md").read_text(encoding="utf-8")


def test_the_command_writes_the_page(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr("pocketr1.claims.write_page", written.append)
    assert main(["claims", "page"]) == 0
    assert written == [list(CLAIMS.values())]


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
def test_a_seed_can_be_run_again_and_measures_the_same_things(claim):
    """Not the same numbers: another processor rounds otherwise, and a training carries that far."""
    records = results.read(claim)
    numbers = claim.measure(0)
    assert not records or set(numbers) == set(records[min(records)].numbers)
    assert claim.holds(numbers) or not claim.exact
