"""Batches: what is shuffled, cropped and mirrored is still the image set."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hydranet.data import ImageSet
from hydranet.data.augmentation import LEAST_OWN
from hydranet.data.batches import Batches, evaluation_batch
from hydranet.data.normalisation import Normalisation
from hydranet.errors import InputError
from hydranet.registry import model_config

SIDE, COUNT = 6, 23
BYTES = Normalisation((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255))  # leaves pixels as they are


@pytest.fixture
def source() -> ImageSet:
    """Each image has its own label; no pixel is black, so that padding can be told."""
    images = np.random.default_rng(0).integers(1, 256, (COUNT, SIDE, SIDE, 3), dtype=np.uint8)
    return ImageSet("made", images, np.arange(COUNT), tuple(map(str, range(COUNT))))


def windows(image: np.ndarray, padding: int) -> dict[bytes, tuple[int, int, bool]]:
    """Every window that may come of an (H, W, 3) image, by its pixels: where, and whether mirrored.

    Slow and obvious: pad, cut out, mirror what was cut out. That is the same set as the windows of
    the mirrored image.
    """
    padded = np.pad(image, ((padding, padding), (padding, padding), (0, 0)))
    found = {}
    for top in range(2 * padding + 1):
        for left in range(2 * padding + 1):
            cut = padded[top : top + SIDE, left : left + SIDE]
            found[cut.tobytes()] = (top, left, False)
            found[cut[:, ::-1].tobytes()] = (top, left, True)
    return found


def to_bytes(image: torch.Tensor) -> bytes:
    return image.permute(1, 2, 0).round().to(torch.uint8).contiguous().numpy().tobytes()


@pytest.mark.parametrize("padding", [0, 2, 4])
def test_crops_are_windows_of_the_padded_image_or_of_its_mirror(
    source: ImageSet, padding: int
) -> None:
    batches = Batches(source, BYTES)
    seen = set()
    for seed in range(12):
        for images, labels, *_ in batches.shuffled(5, seed=seed, padding=padding):
            assert images.shape == (5, 3, SIDE, SIDE)
            for image, label in zip(images, labels.tolist(), strict=True):
                found = windows(source.images[label], padding).get(to_bytes(image))
                assert found is not None
                seen.add(found)
    tops, lefts, mirrored = (set(values) for values in zip(*seen, strict=True))
    assert tops == lefts == set(range(2 * padding + 1))
    assert mirrored == {False, True}


def test_images_of_a_batch_are_cropped_one_by_one(source: ImageSet) -> None:
    images, labels, *_ = next(Batches(source, BYTES).shuffled(20, seed=0))
    places = {
        windows(source.images[label], 4)[to_bytes(image)]
        for image, label in zip(images, labels.tolist(), strict=True)
    }
    assert len(places) > 10


@pytest.mark.parametrize(("size", "full"), [(5, 4), (23, 1), (100, 1), (1, 23), (12, 1)])
def test_shuffled_yields_full_batches_and_each_image_at_most_once(
    source: ImageSet, size: int, full: int
) -> None:
    found = [batch.labels for batch in Batches(source, BYTES).shuffled(size, seed=0)]
    assert [len(labels) for labels in found] == [min(size, COUNT)] * full
    everything = torch.cat(found).tolist()
    assert len(set(everything)) == len(everything)
    assert size == 1 or everything != sorted(everything)


def test_the_seed_decides(source: ImageSet) -> None:
    batches = Batches(source, BYTES)
    first, again, other = (list(batches.shuffled(7, seed=s)) for s in (3, 3, 4))
    for batch, same in zip(first, again, strict=True):
        assert torch.equal(batch.images, same.images)
        assert torch.equal(batch.labels, same.labels)
    assert not torch.equal(first[0].labels, other[0].labels)


def test_rows_say_which_images_they_are(source: ImageSet) -> None:
    batches = Batches(source, BYTES)
    for batch in batches.shuffled(7, seed=3):
        assert torch.equal(batches.labels[batch.rows], batch.labels)


@pytest.mark.parametrize(("size", "ranks"), [(8, 2), (9, 3), (5, 1)])
def test_processes_share_what_one_sees_alone(source: ImageSet, size: int, ranks: int) -> None:
    batches = Batches(source, BYTES)
    alone = list(batches.shuffled(size, seed=3))
    parts = [list(batches.shuffled(size, seed=3, rank=rank, ranks=ranks)) for rank in range(ranks)]
    for whole, *shared in zip(alone, *parts, strict=True):
        for name in ("images", "labels", "rows"):
            joined = torch.cat([getattr(part, name) for part in shared])
            assert torch.equal(joined, getattr(whole, name))


def test_a_batch_that_cannot_be_shared_is_refused(source: ImageSet) -> None:
    with pytest.raises(InputError, match="by 2 processes, but has 7 images"):
        next(Batches(source, BYTES).shuffled(7, seed=0, rank=1, ranks=2))


def test_shuffling_leaves_the_global_generator_alone(source: ImageSet) -> None:
    before = torch.get_rng_state()
    list(Batches(source, BYTES).shuffled(7, seed=3))
    assert torch.equal(torch.get_rng_state(), before)


def test_in_order_is_every_image_as_it_is(source: ImageSet) -> None:
    batches = Batches(source, BYTES)
    found = list(batches.in_order(10))
    assert [len(labels) for _, labels in found] == [10, 10, 3]
    assert torch.cat([labels for _, labels in found]).tolist() == list(range(COUNT))
    images = torch.cat([images for images, _ in found])
    assert [to_bytes(image) for image in images] == [image.tobytes() for image in source.images]
    assert len(batches) == COUNT


def test_normalisation(source: ImageSet) -> None:
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.25, 0.125)
    images, _ = next(Batches(source, Normalisation(mean, std)).in_order(COUNT))
    expected = (source.images / 255 - np.array(mean)) / np.array(std)
    np.testing.assert_allclose(images.permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)
    assert images.dtype == torch.float32


def test_the_statistics_of_a_set_normalise_it(source: ImageSet) -> None:
    normalisation = Normalisation(*source.channel_statistics())
    images, _ = next(Batches(source, normalisation).in_order(COUNT))
    torch.testing.assert_close(images.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        images.std(dim=(0, 2, 3), correction=0), torch.ones(3), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize(
    ("mean", "std"),
    [((0.0, 0.0), (1.0, 1.0, 1.0)), ((0.0,) * 3, (1.0,)), ((0.0,) * 3, (1.0, 0.0, 1.0))],
)
def test_a_normalisation_checks_itself(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="three means and three positive deviations"):
        Normalisation(mean, std)


@pytest.mark.parametrize("side", [1, 3, 4])
def test_a_square_of_each_image_is_erased_and_nothing_else_changes(
    source: ImageSet, side: int
) -> None:
    """The square may lie half outside, so it covers from a quarter of itself to all."""
    batches = Batches(source, Normalisation((2.0, 2.0, 2.0), (0.5, 0.5, 0.5)))  # nothing is 0
    sizes = set()
    for seed in range(8):
        plain = next(batches.shuffled(20, seed=seed))
        erased = next(batches.shuffled(20, seed=seed, erase=side))
        assert torch.equal(plain.labels, erased.labels)
        gone = erased.images == 0  # (B, 3, H, W)
        assert torch.equal(erased.images[~gone], plain.images[~gone])
        for mask in gone[:, 0]:
            rows, columns = mask.any(dim=1), mask.any(dim=0)
            assert torch.equal(mask, rows[:, None] & columns[None, :]), "one rectangle"
            sizes.add((int(rows.sum()), int(columns.sum())))
        assert torch.equal(gone, gone[:, :1].expand_as(gone)), "in all channels"
    assert max(sizes) == (side, side)
    assert min(min(size) for size in sizes) == (side + 1) // 2


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_patch_of_each_image_is_that_of_the_one_before(source: ImageSet, share: float) -> None:
    batches = Batches(source, BYTES)
    mixed = 0
    for seed in range(8):
        plain = next(batches.shuffled(20, seed=seed))
        found = next(batches.shuffled(20, seed=seed, cutmix=share))
        assert torch.equal(plain.labels, found.labels)
        assert torch.equal(plain.own, torch.ones(20))
        before = plain.images.roll(1, dims=0)
        for image, (own, other) in enumerate(zip(plain.images, before, strict=True)):
            pasted = (found.images[image] != own).any(dim=0)
            rows = torch.arange(SIDE)[pasted.any(dim=1)]
            columns = torch.arange(SIDE)[pasted.any(dim=0)]
            patch = torch.zeros(SIDE, SIDE, dtype=torch.bool)
            if len(rows):
                patch[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
            assert torch.equal(found.images[image], torch.where(patch, other, own))
            assert float(found.own[image]) <= 1 - float(pasted.float().mean()) + 1e-6
            assert LEAST_OWN <= float(found.own[image]) <= 1
            mixed += float(found.own[image]) < 1
    assert abs(mixed / 160 - 0.9 * share) < 0.15, "a patch of less than a pixel is none"


def test_without_erasing_and_mixing_nothing_is_drawn_for_them(source: ImageSet) -> None:
    """Runs from before there were these repeat bit by bit."""
    batches = Batches(source, BYTES)
    for plain, again in zip(
        batches.shuffled(5, seed=1), batches.shuffled(5, seed=1, erase=0, cutmix=0.0), strict=True
    ):
        assert torch.equal(plain.images, again.images)


@pytest.mark.parametrize(
    ("changes", "images"),
    [
        ({}, 250),
        ({"image_size": 128}, 128),
        ({"image_size": 224}, 41),
        ({"image_size": 1024}, 2),
        ({"num_classes": 10_000, "num_branches": 200}, 4),
        ({"num_classes": 100_000, "num_branches": 632}, 1),
    ],
)
def test_large_images_and_many_logits_are_run_a_few_at_a_time(
    changes: dict[str, int], images: int
) -> None:
    assert evaluation_batch(model_config("hydra_res_d1", **changes)) == images
