"""From a trained network to a checkpoint: round the weights, measure them, write the card."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import torch

from hydranet.checkpoints import encode_weights, write_checkpoint
from hydranet.checkpoints.card import Card, DataNote, Provenance
from hydranet.data import LabelledImages
from hydranet.data.batches import batches_of
from hydranet.errors import InputError
from hydranet.evaluation.labelled import Evaluation, evaluate
from hydranet.machine import hardware, versions
from hydranet.models import Network, build
from hydranet.training.run import TrainedRun


def check_test(test: LabelledImages, class_names: tuple[str, ...]) -> None:
    """Raise InputError where the test images are of other classes than the training images."""
    if test.class_names != class_names:
        raise InputError(
            f"The test split of {test.name} must have the classes of its training split, "
            "in the same order."
        )


def finish(
    run: TrainedRun,
    *,
    name: str,
    test: LabelledImages,
    root: Path,
    device: torch.device,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Card:
    """Write the checkpoint `root/name` and return its card.

    All metrics are those of the weights as stored, in half precision. The test split is read here
    and nowhere else.

    Raises:
        InputError: the test split has other classes, or the checkpoint cannot be written.
    """
    check_test(test, run.train.class_names)
    weights, digest = encode_weights(run.model)
    stored = _stored(run, device)

    def measure(images: LabelledImages) -> Evaluation:
        batches = batches_of(images, run.normalisation, device=device)
        return evaluate(
            stored, batches, subtask_of_class=run.subtask_of_class, on_progress=on_progress
        )

    on_test, on_validation = measure(test), measure(run.validation)
    card = Card(
        name=name,
        architecture=run.config,
        class_names=run.train.class_names,
        subtask_of_class=(
            None if run.subtask_of_class is None else tuple(run.subtask_of_class.tolist())
        ),
        normalisation=run.normalisation,
        data=DataNote(
            name=test.name,
            train_images=len(run.train),
            validation_images=len(run.validation),
            test_images=len(test),
            train_sha256=run.train.sha256,
            test_sha256=test.sha256,
        ),
        test=on_test.metrics,
        validation=on_validation.metrics,
        recipe=run.recipe,
        history=tuple(run.history),
        provenance=Provenance(
            created=datetime.now(UTC).date().isoformat(),
            hardware=hardware(str(device)),
            threads=torch.get_num_threads(),
            versions=versions(),
            seconds=round(run.seconds, 1),
        ),
        weights_sha256=digest,
        before=run.before,
    )
    write_checkpoint(
        root,
        card=card,
        weights=weights,
        routes=on_test.routes,
        class_features=on_test.class_features,
    )
    return card


def _stored(run: TrainedRun, device: torch.device) -> Network:
    """The network as a reader of the checkpoint will have it: weights rounded to half precision."""
    model = build(run.config).to(device)
    model.load_state_dict(
        {
            name: value.half().float() if value.is_floating_point() else value
            for name, value in run.model.state_dict().items()
        }
    )
    model.eval()
    return model
