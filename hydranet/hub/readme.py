"""The model card of a checkpoint, README.md on the Hugging Face Hub, from card.json. Light.

Every figure is the card's own, so that the two cannot differ.
"""

from __future__ import annotations

import re

from hydranet.checkpoints.card import Card

PAPER = "https://openaccess.thecvf.com/content_cvpr_2018/html/Mullapudi_HydraNets_Specialized_Dynamic_CVPR_2018_paper.html"
_PLACEHOLDER = "USER/NAME"


def card_text(card: Card, repo_id: str | None = None) -> str:
    """The model card in Markdown, without its metadata.

    `repo_id`: the repository that the example loads from; a placeholder unless given.
    """
    sections = [
        f"# {_plain(card.name)}",
        _what(card),
        _example(repo_id or _PLACEHOLDER),
        _figures(card),
        _by_k(card),
        _training(card),
        _classes(card),
        _limits(card),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _what(card: Card) -> str:
    config, costs = card.architecture, card.costs
    takes = f"It takes RGB images of {config.image_size} × {config.image_size} pixels"
    if not config.is_dynamic:
        return (
            f"{config.title} tells {config.num_classes:,} classes apart. {takes}, and every image "
            "runs all of it."
        )
    chosen = (
        f"a gate scores {costs.num_branches} branches for each image, and the best {costs.k} run"
        if config.has_subtasks
        else f"of its {costs.num_branches} {card.policy.branches} at most {costs.k} run"
    )
    return (
        f"{config.title} tells {config.num_classes:,} classes apart. {takes}, and each image runs "
        f"only a part of it: {chosen} ([HydraNets, CVPR 2018]({PAPER}))."
    )


def _example(repo_id: str) -> str:
    return f"""```python
import hydranet

model = hydranet.from_pretrained("{repo_id}")
answer = hydranet.predict(model, [hydranet.read_image("photo.jpg")])[0]
print(model.card.class_names[answer.best], answer.fired, answer.macs)
```"""


def _figures(card: Card) -> str:
    costs, test = card.costs, card.test
    rows = [
        ("top-1", f"{test.top1:.2f} %"),
        ("top-5", f"{test.top5:.2f} %"),
        ("parameters", f"{costs.parameters:,}"),
        ("MACs of one image", f"{costs.routed_macs:,}"),
    ]
    if card.architecture.is_dynamic:
        rows.append(("MACs if all branches ran", f"{costs.all_branches_macs:,}"))
    if test.hit_rate_by_k:
        rows.append((f"hit rate at k = {costs.k}", f"{test.hit_rate_by_k[costs.k - 1]:.2f} %"))
    table = "\n".join(["| figure | value |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)])
    return (
        f"## Figures\n\n{table}\n\nMeasured on the {test.images:,} test images of "
        f"{_plain(card.data.name)} with the stored half-precision weights. MACs are "
        "multiply–accumulates of convolution and linear layers, exact; the paper's "
        "MADDs are twice as many."
    )


def _by_k(card: Card) -> str:
    test = card.test
    if not test.top1_by_k:
        return ""
    rows = [
        f"| {k} | {card.costs.macs(k):,} | {test.top1_by_k[k - 1]:.2f} % |"
        for k in range(1, card.costs.num_branches + 1)
    ]
    head = ["| k | MACs | top-1 |", "|---|---|---|"]
    return "## Accuracy by number of branches that run\n\n" + "\n".join([*head, *rows])


def _training(card: Card) -> str:
    recipe, data, where = card.recipe, card.data, card.provenance
    origin = ""
    if recipe.start:
        origin += f" It began as a copy of {_plain(recipe.start)}."
    if recipe.teacher:
        origin += f" Its teacher was {_plain(recipe.teacher)}."
    if card.before:
        earlier = (
            f"{_plain(training.name)} ({training.recipe.epochs} epochs on "
            f"{_plain(training.provenance.hardware)}, top-1 {training.top1:.2f} %)"
            for training in card.before
        )
        origin += f" Trained before it: {', '.join(earlier)}."
    versions = ", ".join(f"{name} {version}" for name, version in where.versions.items())
    return (
        f"## Training\n\n{recipe.epochs} epochs on {data.train_images:,} images of "
        f"{_plain(data.name)}, with {data.validation_images:,} more held out for choices.{origin} "
        f"{where.created}, {where.seconds / 60:.0f} min on {_plain(where.hardware)}; "
        f"{_plain(versions)}. "
        "`card.json` holds every setting, the history of every epoch and the SHA-256 of data and "
        "weights."
    )


def _classes(card: Card) -> str:
    if not card.subtasks:
        return ""
    rows = [
        f"| {branch} | {', '.join(_plain(card.class_names[c]) for c in classes)} |"
        for branch, classes in enumerate(card.subtasks)
    ]
    return "## Subtasks\n\n" + "\n".join(["| branch | classes meant for it |", "|---|---|", *rows])


def _limits(card: Card) -> str:
    return (
        "## Limits\n\nOne training run: differences under a point may be chance. An image of none "
        f"of its classes still gets one of them as an answer. It saw "
        f"{_plain(card.data.name)} alone, and on other images its accuracy is not known."
    )


def _plain(text: str) -> str:
    """Names are text: what Markdown would read as markup, a table's end or HTML is escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", " ".join(text.split()))
