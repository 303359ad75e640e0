"""Networks with a teacher and without one: only those alike are held against each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import app.page_scripts
from app import services
from app.charts.accuracy_cost import accuracy_cost
from app.charts.cost_axes import AXES
from app.charts.k_curves import dynamic_curve
from app.comparing.rows import AtThreshold, entries
from app.comparing.table import comparison_table
from app.words.teacher import alike_first, rule_words, unlike_words
from hydranet.checkpoints import find_checkpoint, list_checkpoints
from hydranet.checkpoints.card import DataNote
from hydranet.evaluation.metrics import Metrics
from hydranet.published import published_results
from hydranet.training.recipe import Recipe

PAGES = Path(app.page_scripts.__file__).parent
SHAPE = {"num_classes": 100, "image_size": 16, "widths": (4, 4, 8)}
HYDRA = {**SHAPE, "num_branches": 4, "k": 2}
TAUGHT = Recipe(epochs=2, validation_images=16, teacher="wise_*one*")
UNTAUGHT = Recipe(epochs=2, validation_images=16)
CIFAR = DataNote(
    name="cifar100", train_images=80, validation_images=16, test_images=24,
    train_sha256="0" * 64, test_sha256="1" * 64,
)  # fmt: skip


@pytest.fixture
def root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_checkpoint: Callable[..., Path]
) -> Path:
    """A HydraNet and a ResNet with a teacher, a HydraNet and a ResNet without, which pages read.

    The ResNet without is the nearer to both HydraNets in top-1.
    """
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(tmp_path))
    make_checkpoint("hydra_taught", tmp_path, shape=HYDRA, data=CIFAR, recipe=TAUGHT)
    make_checkpoint("hydra_plain", tmp_path, shape=HYDRA, data=CIFAR, recipe=UNTAUGHT)
    for name, recipe, top1, model in (
        ("res_plain", UNTAUGHT, 39.5, "resnet8"), ("res_taught", TAUGHT, 45.0, "resnet26"),
    ):  # fmt: skip
        make_checkpoint(
            name, tmp_path, model=model, shape=SHAPE, data=CIFAR, recipe=recipe,
            test=Metrics(images=24, top1=top1, top5=70.0),
        )  # fmt: skip
    return tmp_path


def open_page(page: str, **address: str) -> AppTest:
    found = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=60)
    for key, value in address.items():
        found.query_params[key] = value
    found.run()
    assert not found.exception
    return found


def words(page: AppTest) -> str:
    return "\n".join(e.value for e in [*page.markdown, *page.caption, *page.info])


def remove(root: Path, name: str) -> None:
    for file in (root / name).iterdir():
        file.unlink()
    (root / name).rmdir()
    services.checkpoints.clear()


def test_a_row_says_who_taught_it(root: Path) -> None:
    rows = entries(list_checkpoints(root)[0], published_results())
    by_name = {row.name: row for row in rows}
    assert by_name["res_taught"].teacher == "wise_*one*"
    assert by_name["res_plain"].teacher is None
    assert "2 epochs taught by wise_*one*, a test" in by_name["res_taught"].source
    assert "taught" not in by_name["res_plain"].source
    table = comparison_table(rows).set_index("Model")["Teacher"]
    assert table["hydra_taught"] == "wise_*one*"
    assert table["hydra_plain"] == "without a teacher"
    assert table.isna().sum() == len(published_results()), "of theirs we do not know"


def test_what_learned_from_a_teacher_once_did(
    root: Path, make_checkpoint: Callable[..., Path]
) -> None:
    """Whatever it was trained on afterwards."""
    taught = find_checkpoint(root / "res_taught").card
    make_checkpoint(
        "res_after", root, model="resnet26", shape=SHAPE, data=CIFAR, before=taught.trainings,
        recipe=replace(UNTAUGHT, epochs=7, start="res_taught"),
    )  # fmt: skip
    by_name = {row.name: row for row in entries(list_checkpoints(root)[0], [])}
    assert by_name["res_after"].teacher == "wise_*one*"
    assert "2 + 7 epochs taught by wise_*one*, a test" in by_name["res_after"].source
    page = AppTest.from_file(str(PAGES / "compare.py"), default_timeout=60)
    page.query_params["section"] = "Side by side"
    page.query_params["chosen"] = ["res_after", "res_plain"]
    page.run()
    assert not page.exception
    told = words(page).replace("\\", "").replace("\u00a0", " ")
    assert "Before that: res_taught, 2 epochs with a teacher on a test, 45.00 %." in told


def test_hover_says_who_taught_it(root: Path) -> None:
    rows = [row for row in entries(list_checkpoints(root)[0], []) if row.teacher]
    figure = accuracy_cost(rows, axis=AXES["MACs"])
    texts = [text for trace in figure.data for text in trace.hovertext or ()]
    assert len(texts) == 2 + 4, "two networks, and one at every k"
    for text in texts:
        assert "taught by wise_*one*" in text.replace("<br>", " ")
    dynamic = replace(rows[0], teacher="<b>", by_threshold=(AtThreshold(0.1, 1.5, 1.0, 39.0),))
    (text,) = dynamic_curve(dynamic, AXES["MACs"])["hovertext"]
    assert text.endswith("taught by &lt;b&gt;")


def test_compare_holds_like_against_like(root: Path) -> None:
    text = words(open_page("compare"))
    assert (
        "None of our static networks with a teacher takes as many MACs as **hydra\\_taught**"
        in text
    )
    assert "trained with a teacher, 40.00 %); the nearest is **res\\_taught**" in text
    assert "trained without a teacher, 40.00 %); the nearest is **res\\_plain**" in text
    assert "some were trained with a teacher and some without a teacher" in text
    assert "With a teacher, Hydra-ResNet against ResNet cannot be said: every such ResNet" in text


def test_compare_says_what_is_missing(root: Path) -> None:
    remove(root, "res_taught")
    text = words(open_page("compare"))
    (sentence,) = [line for line in text.split(". ") if "so it is held against none" in line]
    assert "**hydra\\_taught**" in sentence
    assert "with a teacher and none of our static networks was" in sentence
    assert "with a teacher takes as many MACs" not in text
    assert (
        "With a teacher, Hydra-ResNet against ResNet cannot be said: there is no ResNet with a "
        "teacher here."
    ) in text


def test_compare_says_nothing_of_teachers_where_there_are_none(root: Path) -> None:
    remove(root, "res_taught")
    remove(root, "hydra_taught")
    assert "teacher" not in words(open_page("compare"))


def test_training_runs_and_cards_name_the_teacher(root: Path) -> None:
    runs = open_page("compare", section="Training runs").dataframe[1].value
    assert dict(zip(runs["Checkpoint"], runs["Teacher"], strict=True)) == {
        "hydra_plain": "without a teacher", "hydra_taught": "wise_*one*",
        "res_plain": "without a teacher", "res_taught": "wise_*one*",
    }  # fmt: skip
    page = AppTest.from_file(str(PAGES / "compare.py"), default_timeout=60)
    page.query_params["section"] = "Side by side"
    page.query_params["chosen"] = ["hydra_taught", "res_plain"]
    page.run()
    assert not page.exception
    assert "not the architecture alone" in words(page)


@pytest.mark.parametrize(
    ("network", "beside", "words_of"),
    [("hydra_taught", "res_taught", "with a teacher"),
     ("hydra_plain", "res_plain", "without a teacher")],
)  # fmt: skip
def test_inspect_sets_like_beside_like(
    root: Path, network: str, beside: str, words_of: str
) -> None:
    page = open_page("inspect", network=network)
    (table,) = (m.value for m in page.markdown if "this route" in m.value)
    assert table.splitlines()[-1].startswith("| " + beside.replace("_", "\\_"))
    assert f"same training images, both {words_of}." in words(page)
    remove(root, beside)
    page = open_page("inspect", network=network)
    (table,) = (m.value for m in page.markdown if "this route" in m.value)
    assert "res\\_" not in table
    assert f"none was trained {words_of} on the same images as this one." in words(page)


@pytest.mark.parametrize(
    ("page", "section", "key"),
    [("inspect", {"view": "Second network"}, "other"),
     ("specialise", {"show": "Two networks"}, "against")],
)  # fmt: skip
def test_of_two_networks_the_first_offered_is_alike(
    root: Path, page: str, section: dict[str, str], key: str
) -> None:
    found = open_page(page, network="hydra_plain", **section)
    assert found.selectbox(key=key).value == "res_plain"
    assert "not the architecture alone" not in words(found)
    found.selectbox(key=key).select("res_taught").run()
    assert not found.exception
    assert "Trained with a teacher: res\\_taught; without a teacher: hydra\\_plain" in words(
        found
    ).replace("\\:", ":").replace("\\;", ";")


def test_words(root: Path) -> None:
    assert rule_words([None, None]) == rule_words([]) == ""
    assert rule_words(["a", "b"]) == "All of ours here were trained with a teacher."
    networks = [find_checkpoint(name, root) for name in ("res_taught", "hydra_plain", "res_plain")]
    cards = [network.card for network in networks]
    assert unlike_words(cards[1:]) == ""
    assert "Trained with a teacher: res_taught; without a teacher: hydra_plain, res_plain." in (
        unlike_words(cards)
    )
    assert [n.name for n in alike_first(cards[1], networks)] == [
        "hydra_plain", "res_plain", "res_taught",
    ]  # fmt: skip
