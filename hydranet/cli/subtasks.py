"""`hydranet subtasks`: the classes in as many equal groups as there are branches."""

from __future__ import annotations

from typing import Annotated

import typer

from hydranet.cli.shared import (
    DataOption,
    DeviceOption,
    DownloadOption,
    JsonOption,
    RootOption,
    SkipOption,
    ThreadsOption,
    WorkersOption,
    checkpoints_root,
    pick_device,
    print_json,
    reading_workers,
)


def subtasks_command(
    checkpoint: Annotated[str, typer.Argument(help="A static network's checkpoint.")],
    data: DataOption,
    branches: Annotated[
        int | None, typer.Option(help="Number of branches N: about 2·√classes, unless given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of k-means.")] = 0,
    json: JsonOption = False,
    checkpoints: RootOption = None,
    download: DownloadOption = None,
    skip_unreadable: SkipOption = False,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    workers: WorkersOption = None,
) -> None:
    """Average a static network's features over each class, and cluster them in equal subtasks."""
    from hydranet.checkpoints import load
    from hydranet.data import load_images
    from hydranet.subtasks import balanced_clusters, branches_for, members
    from hydranet.training.run import class_features

    where = pick_device(device, threads)
    model = load(checkpoint, checkpoints_root(checkpoints))
    card = model.card
    assert card is not None, "a loaded network has its card"
    images = load_images(
        data,
        "train",
        image_size=card.architecture.image_size,
        download=download,
        skip_unreadable=skip_unreadable,
        workers=reading_workers(workers, where.type),
    )
    images.check_every_class_has_images()
    features = class_features(model, images, card.normalisation, device=where)
    count = branches_for(images.num_classes) if branches is None else branches
    groups = members(balanced_clusters(features, count, seed=seed), count)
    named = [[images.class_names[c] for c in group] for group in groups]
    if json:
        print_json({"checkpoint": checkpoint, "subtasks": named})
        return
    for branch, names in enumerate(named):
        print(f"{branch:>3}  {', '.join(names)}")
