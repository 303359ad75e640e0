"""What a card says of its network, in sentences and as a table of settings. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from app.words.policies import how_many_words
from app.words.teacher import with_or_without
from hydranet.checkpoints.card import Card
from hydranet.config import HydraConfig


def architecture_words(card: Card) -> str:
    """What the network is made of and what of it runs. No text of strangers is in it."""
    costs, shape = card.costs, card.architecture
    title = shape.title[0].upper() + shape.title[1:]
    size = (
        f"{costs.parameters:,} parameters; images of {shape.image_size}×{shape.image_size}, "
        f"{shape.num_classes} classes."
    )
    if not shape.is_dynamic:
        return f"{title}, a static network: every image runs all of it. {size}"
    policy = card.policy
    if isinstance(shape, HydraConfig) and not policy.gate:
        return (
            f"{title}: one trunk and {costs.num_branches} heads, of which the first {costs.k} run; "
            f"their logits are averaged, and no gate chooses. {size}"
        )
    if not isinstance(shape, HydraConfig):
        return f"{title}: {how_many_words(policy, costs)}, chosen by its {policy.gate}. {size}"
    width = shape.branch_width
    narrow = "" if width == 1 else f", with {100 * width:.3g} % of its channels"
    return (
        f"{title}: the stem of {shape.static.title}, then {costs.num_branches} branches that are "
        f"each a copy of what follows in it{narrow}. The gate runs {costs.k} of them for an image, "
        f"and the combiner adds their features, weighted. {size}"
    )


def recipe_words(card: Card) -> str:
    """The settings that matter most, and what was trained before."""
    recipe = card.recipe
    before = f" Before that: {before_words(card)}." if card.before else ""
    start = f"as a copy of {recipe.start}" if recipe.start else "from scratch"
    teacher = f"with {recipe.teacher} as its teacher" if recipe.teacher else "without a teacher"
    return (
        f"{recipe.epochs} epochs in batches of {recipe.batch_size}, {start}, {teacher}; learning "
        f"rate up to {recipe.learning_rate:g}, seed {recipe.seed}.{before}"
    )


def before_words(card: Card) -> str:
    """The trainings that came first, each with what it reached; empty where there was none."""
    return "; ".join(
        f"{training.name}, {training.recipe.epochs} epochs "
        f"{with_or_without(training.recipe.teacher)} on {training.provenance.hardware}, "
        f"{training.top1:.2f} %"
        for training in card.before
    )


def epochs_of_all(card: Card) -> str:
    """The epochs of each of its trainings, oldest first, as a sum: 30 + 100 + 10."""
    return " + ".join(str(training.recipe.epochs) for training in card.trainings)


def provenance_words(card: Card) -> str:
    """Where, when and with what it was trained."""
    run = card.provenance
    versions = ", ".join(f"{package} {version}" for package, version in run.versions.items())
    threads = "1 thread" if run.threads == 1 else f"{run.threads} threads"
    return (
        f"Trained {run.created} on {run.hardware} with {threads}, {run.seconds / 60:.0f} minutes; "
        f"{versions}. Tested once, on {card.test.images:,} images. Weights: SHA-256 "
        f"{card.weights_sha256[:12]}…"
    )


def recipe_table(cards: Sequence[Card]) -> pd.DataFrame:
    """Every setting as text, a column for each network."""
    recipes = [card.recipe.to_json() for card in cards]
    return pd.DataFrame(
        {"Setting": list(recipes[0])}
        | {
            card.name: ["none" if value is None else str(value) for value in recipe.values()]
            for card, recipe in zip(cards, recipes, strict=True)
        }
    )


def differing(table: pd.DataFrame) -> pd.DataFrame:
    """The settings in which the networks differ; all where there is but one."""
    values = table.drop(columns="Setting")
    return table if values.shape[1] < 2 else table[values.nunique(axis=1) > 1]
