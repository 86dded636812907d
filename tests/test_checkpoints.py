import pytest
import torch
from safetensors.torch import save_file

from pocketr1.checkpoints import MARK, CheckpointError, digest, load, save

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2])}
ABOUT = {"steps": 3, "name": "small"}


def test_what_is_saved_comes_back_with_what_is_known_about_it(tmp_path):
    path = tmp_path / "deep" / "model.safetensors"
    written = save(path, TENSORS, ABOUT)
    tensors, about = load(path)
    assert about == ABOUT
    assert digest(tensors) == written == digest(TENSORS)
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert [p.name for p in path.parent.iterdir()] == ["model.safetensors"]  # nothing is left beside it


def test_equal_weights_make_equal_files(tmp_path):
    for name in ("one", "two"):
        save(tmp_path / name, TENSORS, ABOUT)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_digest_sees_a_name_a_shape_and_a_value():
    changed = [
        {"a": TENSORS["a"], "c": TENSORS["b"]},
        {"a": TENSORS["a"].reshape(3, 2), "b": TENSORS["b"]},
        {"a": TENSORS["a"] + 1e-6, "b": TENSORS["b"]},
    ]
    assert len({digest(TENSORS), *(digest(tensors) for tensors in changed)}) == 4


def test_views_and_parameters_can_be_saved(tmp_path):
    tied = torch.nn.Parameter(torch.eye(4))
    save(tmp_path / "m", {"one": tied, "two": tied[:, ::2], "again": tied}, {})
    assert torch.equal(load(tmp_path / "m")[0]["two"], torch.eye(4)[:, ::2])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint .*nothing"):
        load(tmp_path / "nothing")


def test_a_cut_off_file_is_refused_by_name(tmp_path):
    path = tmp_path / "cut.safetensors"
    save(path, TENSORS, ABOUT)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CheckpointError, match="cut.safetensors cannot be read"):
        load(path)


def test_a_changed_weight_is_noticed(tmp_path):
    path = tmp_path / "bent.safetensors"
    save(path, TENSORS, ABOUT)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="do not match its hash"):
        load(path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_somebody_elses_file_is_refused(tmp_path, metadata):
    save_file(TENSORS, tmp_path / "foreign", metadata=metadata)
    with pytest.raises(CheckpointError, match="foreign is no checkpoint of this course"):
        load(tmp_path / "foreign")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "model"
    save(path, TENSORS, ABOUT)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        save(path, TENSORS, {"not json": object()})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("header", ["{}", "no JSON", "[]", '{"about": {}}'])
def test_a_header_that_cannot_be_read_is_refused_by_name(tmp_path, header):
    path = tmp_path / "odd.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata={MARK: header})
    with pytest.raises(CheckpointError, match=r"odd\.safetensors is damaged: its header"):
        load(path)
