"""Checkpoints to and from the Hugging Face Hub: its own code, with a folder in the Hub's place."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import HfApi, ModelCard

import hydranet
from hydranet.checkpoints import CARD, FILES, WEIGHTS, load
from hydranet.checkpoints.int8_note import INT8
from hydranet.cli import main
from hydranet.errors import InputError
from hydranet.hub import fetch_checkpoint, from_pretrained, push_to_hub, save_pretrained
from hydranet.hub.readme import card_text
from hydranet.models import HydraNet

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(params=["hydra_res_d1", "resnet8", "multihead_resnet"])
def checkpoint(request: pytest.FixtureRequest, make_checkpoint: Any, tmp_path: Path) -> Path:
    return make_checkpoint("mine", tmp_path / "checkpoints", model=request.param)


@pytest.fixture
def hydra(make_checkpoint: Any, tmp_path: Path) -> Path:
    return make_checkpoint("mine", tmp_path / "checkpoints")


def cached(files: Path, cache: Path, repo: str = "me/mine") -> Path:
    """`files` as huggingface_hub's cache holds a repository that was downloaded."""
    folder = cache / f"models--{repo.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    return Path(shutil.copytree(files, folder / "snapshots" / COMMIT))


def logits(model: Any, x: torch.Tensor) -> torch.Tensor:
    output = model(x)
    return output.logits if isinstance(model, HydraNet) else output


def test_what_is_saved_comes_back(checkpoint: Path, tmp_path: Path) -> None:
    saved = save_pretrained(checkpoint, tmp_path / "saved")
    model, original = from_pretrained(saved), load(checkpoint)
    assert model.card == original.card
    assert not model.training
    x = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(logits(model, x), logits(original, x))
    architecture = json.loads((saved / "config.json").read_text())
    assert architecture["family"] == model.config.family


def test_it_comes_back_by_the_hubs_own_cache(checkpoint: Path, tmp_path: Path) -> None:
    cached(save_pretrained(checkpoint, tmp_path / "saved"), tmp_path / "cache")
    model = hydranet.from_pretrained("me/mine", cache_dir=tmp_path / "cache", local_files_only=True)
    assert model.card == load(checkpoint).card


def test_a_push_uploads_just_what_is_saved(
    hydra: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def create_repo(self: HfApi, *, repo_id: str, private: bool | None, exist_ok: bool) -> Any:
        asked.update(private=private, exist_ok=exist_ok)
        return type("Url", (), {"repo_id": repo_id})

    def upload_folder(
        self: HfApi, *, repo_id: str, folder_path: Path, delete_patterns: list[str], **_: Any
    ) -> str:
        asked.update(delete=delete_patterns)
        shutil.copytree(folder_path, tmp_path / "hub" / repo_id)
        return f"address of {repo_id}"

    monkeypatch.setattr(HfApi, "create_repo", create_repo)
    monkeypatch.setattr(HfApi, "upload_folder", upload_folder)
    assert push_to_hub(hydra, "me/mine", private=True, license="mit") == "address of me/mine"
    lacks = [name for name in FILES if not (hydra / name).exists()]
    assert lacks
    assert asked == {"private": True, "exist_ok": True, "delete": lacks}
    uploaded = tmp_path / "hub" / "me" / "mine"
    of_checkpoint = {path.name for path in hydra.iterdir()}
    assert {path.name for path in uploaded.iterdir()} == of_checkpoint | {
        "config.json", "README.md"
    }  # fmt: skip
    assert from_pretrained(uploaded).card == load(hydra).card
    card = ModelCard.load(uploaded / "README.md")
    assert card.data.license == "mit"
    assert 'hydranet.from_pretrained("me/mine")' in card.content


def test_nothing_of_another_checkpoint_or_project_is_mixed_in(hydra: Path, tmp_path: Path) -> None:
    saved = save_pretrained(hydra, tmp_path / "saved")
    (saved / INT8).write_text("of another checkpoint")
    (saved / "notes.txt").write_text("the user's own")
    save_pretrained(hydra, saved)
    assert not (saved / INT8).exists()
    assert (saved / "notes.txt").exists()
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "README.md").write_text("of a project")
    with pytest.raises(InputError, match=r"README\.md would be replaced"):
        save_pretrained(hydra, tmp_path / "project")
    assert (tmp_path / "project" / "README.md").read_text() == "of a project"


def test_a_checkpoint_is_not_written_over_itself(hydra: Path) -> None:
    before = {path.name: path.read_bytes() for path in hydra.iterdir()}
    with pytest.raises(InputError, match="checkpoint's own folder"):
        save_pretrained(hydra, hydra)
    assert {path.name: path.read_bytes() for path in hydra.iterdir()} == before


def test_the_model_card_has_the_cards_figures(checkpoint: Path, tmp_path: Path) -> None:
    card = load(checkpoint).card
    assert card is not None
    readme = ModelCard.load(save_pretrained(checkpoint, tmp_path / "saved") / "README.md")
    assert readme.data.library_name == "hydranet"
    assert readme.data.pipeline_tag == "image-classification"
    assert "license" not in readme.data.to_dict()
    found = {result.metric_name: result.metric_value for result in readme.data.eval_results}
    assert found == {"top-1": card.test.top1, "top-5": card.test.top5}
    for figure in (card.costs.parameters, card.costs.routed_macs, card.data.train_images):
        assert f"{figure:,}" in readme.text
    for k, top1 in enumerate(card.test.top1_by_k, 1):
        assert f"| {k} | {card.costs.macs(k):,} | {top1:.2f} % |" in readme.text
    assert all(name in readme.text for name in card.class_names) == bool(card.subtasks)


def test_the_model_card_tells_what_was_trained_before(make_checkpoint: Any, tmp_path: Path) -> None:
    first = load(make_checkpoint("first_one", tmp_path, model="resnet8")).card
    assert first is not None
    second = load(make_checkpoint("then", tmp_path, model="resnet8", before=first.trainings)).card
    assert second is not None
    earlier = r"Trained before it: first\_one (2 epochs on a test, top-1 40.00 %)."
    assert earlier in card_text(second)
    assert "Trained before it" not in card_text(first)


def test_names_of_classes_are_no_markup(make_checkpoint: Any, tmp_path: Path) -> None:
    names = ("a|b", "<img src=x>", "[x](y)", "d  | e", "`f`", "g", "h", "i")
    folder = make_checkpoint("odd", tmp_path, class_names=names)
    card = load(folder).card
    assert card is not None
    text = card_text(card)
    assert r"a\|b, `" not in text
    assert r"a\|b" in text
    assert r"\<img src=x\>" in text
    assert r"\[x\](y)" in text
    assert "d \\| e" in text
    assert r"\`f\`" in text


def test_a_save_replaces_what_was_there(hydra: Path, make_checkpoint: Any, tmp_path: Path) -> None:
    save_pretrained(hydra, tmp_path / "saved")
    other = make_checkpoint("other", tmp_path, model="resnet8")
    save_pretrained(other, tmp_path / "saved")
    assert from_pretrained(tmp_path / "saved").card == load(other).card
    assert "# other" in (tmp_path / "saved" / "README.md").read_text()


def test_changed_weights_are_refused_both_ways(hydra: Path, tmp_path: Path) -> None:
    saved = save_pretrained(hydra, tmp_path / "saved")
    for folder in (saved, hydra):
        weights = bytearray((folder / WEIGHTS).read_bytes())
        weights[-1] ^= 1
        (folder / WEIGHTS).write_bytes(weights)
    with pytest.raises(InputError, match="does not have the SHA-256 on its card"):
        from_pretrained(saved)
    with pytest.raises(InputError, match="does not have the SHA-256 on its card"):
        fetch_checkpoint(saved, root=tmp_path / "here")
    assert not (tmp_path / "here").exists()
    with pytest.raises(InputError, match="does not have the SHA-256 on its card"):
        save_pretrained(hydra, tmp_path / "again")


def test_weights_of_what_is_no_checkpoint_are_not_fetched(
    hydra: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = cached(save_pretrained(hydra, tmp_path / "saved"), tmp_path / "cache")
    (snapshot / CARD).write_text("{}")
    monkeypatch.setattr("hydranet.hub.repository.snapshot_download", None)
    with pytest.raises(InputError, match="The card must have format"):
        from_pretrained("me/mine", cache_dir=tmp_path / "cache", local_files_only=True)


@pytest.mark.parametrize("content", ["[1]", "{", "[" * 100_000])
def test_a_config_that_is_none_is_a_sentence(hydra: Path, tmp_path: Path, content: str) -> None:
    saved = save_pretrained(hydra, tmp_path / "saved")
    (saved / "config.json").write_text(content)
    with pytest.raises(InputError, match=r"The config\.json of .* cannot be read"):
        from_pretrained(saved)


@pytest.mark.parametrize(
    ("repo", "said"),
    [
        ("a/b/c", "must be a repository of the Hugging Face Hub, such as user/name"),
        ("me/none", "not in this machine's cache"),
    ],
)
def test_a_repository_that_cannot_be_had(repo: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        from_pretrained(repo, cache_dir=tmp_path, local_files_only=True)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [(from_pretrained, ("me/mine",)), (push_to_hub, ("{hydra}", "me/mine"))],
)
def test_a_hub_that_cannot_be_reached(
    hydra: Path, monkeypatch: pytest.MonkeyPatch, call: Any, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="Hugging Face Hub cannot be reached"):
        call(*(argument.format(hydra=hydra) for argument in arguments))


def test_without_the_package_a_sentence_names_it(
    hydra: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "hydranet.hub.repository", raising=False)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"pip install 'hydranet-explorer\[hub\]'"):
        save_pretrained(hydra, tmp_path / "saved")


def test_fetched_ones_are_among_the_checkpoints(hydra: Path, tmp_path: Path) -> None:
    saved, root = save_pretrained(hydra, tmp_path / "saved"), tmp_path / "here"
    assert fetch_checkpoint(saved, root=root).name == "mine"
    assert fetch_checkpoint(saved, name="again", root=root).folder == root / "again"
    good, damaged = hydranet.list_checkpoints(root)
    assert [c.name for c in good] == ["again", "mine"]
    assert not damaged
    with pytest.raises(InputError, match=r"There is a checkpoint 'mine' in .* already"):
        fetch_checkpoint(saved, root=root)
    (root / "mine").rename(root / ".previous-mine")  # as a replacement that was cut short leaves it
    with pytest.raises(InputError, match=r"There is a checkpoint 'mine' in .* already"):
        fetch_checkpoint(saved, root=root)
    for name in ("../mine", ".mine", ""):
        with pytest.raises(InputError, match="must be that of one folder"):
            fetch_checkpoint(saved, name=name, root=root)


def test_push_and_fetch_from_the_command_line(
    hydra: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hydranet", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    here = ("--checkpoints", hydra.parent)
    code, out, _ = run("push", "mine", "--to", tmp_path / "saved", *here, "--json")
    assert code == 0
    assert json.loads(out) == {"checkpoint": "mine", "at": str(tmp_path / "saved")}
    code, out, _ = run("fetch", tmp_path / "saved", "--name", "again", *here, "--json")
    assert code == 0
    assert json.loads(out)["folder"] == str(hydra.parent / "again")
    for both in (("push", "mine"), ("push", "mine", "me/mine", "--to", tmp_path)):
        code, _, err = run(*both, *here)
        assert code == 2
        assert "Name either a repository of the Hub" in err
