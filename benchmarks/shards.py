"""Streamed shards: images/s and memory, against WebDataset's own pipeline and images in memory.

`python benchmarks/shards.py [ROUNDS [IMAGES]]` prints one JSON object. Each measurement is a fresh
process that takes batches of 128 for one epoch from JPEGs of 64×64 pixels and does nothing with
them, on one thread, with one process that reads; the ways take turns. Memory is the most that both
were resident, what they share counted once, at every tenth batch and beyond what there is after the
imports, for `IMAGES` (default 40,000) and a quarter of them. Linux only. The pipeline is what
WebDataset's documentation shows: shards and a buffer of 1,000 shuffled, Pillow, and torchvision's
RandomCrop, RandomHorizontalFlip, ToTensor and Normalize. In memory, reading comes first and is
timed with the epoch. Made-up pictures, smooth so that JPEGs have a usual size. Needs WebDataset and
torchvision.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import webdataset as wds
from PIL import Image
from torchvision import transforms

from hydranet.data import ImageSet
from hydranet.data.batches import batches_of
from hydranet.data.normalisation import Normalisation
from hydranet.data.shards import open_shards
from hydranet.machine import hardware, versions

SIDE, BATCH, CLASSES, PER_SHARD = 64, 128, 100, 1000
LOOK_EVERY = 10
HALF = Normalisation((0.5,) * 3, (0.25,) * 3)


def write(folder: Path, images: int) -> None:
    """Shards of made-up pictures."""
    rng = np.random.default_rng(0)
    for split, count in (("train", images), ("test", 2)):
        pattern = str(folder / f"{split}-%06d.tar")
        with wds.ShardWriter(pattern, maxcount=PER_SHARD, verbose=0, mtime=0) as writer:
            for number in range(count):
                small = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
                sink = io.BytesIO()
                small.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(sink, "JPEG", quality=90)
                sample = {"jpg": sink.getvalue(), "cls": str(number % CLASSES)}
                writer.write({"__key__": f"{number:08}", **sample})


def streamed(folder: Path) -> Iterator[int]:
    """Ours: an epoch after the index; the look at all images before training is left out."""
    images = open_shards(folder).images("train", image_size=SIDE, workers=1)
    for batch in batches_of(images, HALF).shuffled(BATCH, seed=0):
        yield len(batch.labels)


def held(folder: Path) -> Iterator[int]:
    """Ours, with all images in memory."""
    images = open_shards(folder).images("train", image_size=SIDE)
    pixels = images.pixels(np.arange(len(images)))
    in_memory = ImageSet("held", pixels, images.labels, images.class_names)
    for batch in batches_of(in_memory, HALF).shuffled(BATCH, seed=0):
        yield len(batch.labels)


def pipeline(folder: Path) -> Iterator[int]:
    """What WebDataset's documentation shows."""
    change = transforms.Compose(
        [
            transforms.RandomCrop(SIDE, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(HALF.mean, HALF.std),
        ]
    )
    shards = sorted(str(path) for path in folder.glob("train-*.tar"))
    source = wds.WebDataset(shards, shardshuffle=100).shuffle(1000).decode("pil")
    source = source.to_tuple("jpg", "cls").map_tuple(change, int).batched(BATCH, partial=False)
    for _, labels in wds.WebLoader(source, batch_size=None, num_workers=1):
        yield len(labels)


WAYS: dict[str, Callable[[Path], Iterator[int]]] = {
    "streamed": streamed,
    "webdataset": pipeline,
    "held": held,
}


def measure_here(way: str, folder: Path) -> dict[str, float]:
    """One epoch in this process: images/s, and megabytes beyond those after the imports."""
    torch.set_num_threads(1)
    before, began, images, most = _resident(), time.perf_counter(), 0, 0
    looking = 0.0
    for step, count in enumerate(WAYS[way](folder)):
        images += count
        if step % LOOK_EVERY == 0:
            look = time.perf_counter()
            most = max(most, _resident())
            looking += time.perf_counter() - look
    seconds = time.perf_counter() - began - looking
    return {"images_per_second": images / seconds, "megabytes": (most - before) / 2**10}


def _resident() -> int:
    """Kilobytes of this process and of those that it started, what they share counted once."""
    own = os.getpid()
    pids = [own, *Path(f"/proc/{own}/task/{own}/children").read_text().split()]
    texts = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
    lines = (line for text in texts for line in text.splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def measure(way: str, folder: Path) -> dict[str, float]:
    """The same in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--here", way, str(folder)],
        capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 1),
        "min": round(min(values), 1),
        "max": round(max(values), 1),
        "n": len(values),
    }


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--here"]:
        print(json.dumps(measure_here(sys.argv[2], Path(sys.argv[3]))))
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    images = int(sys.argv[2]) if len(sys.argv) > 2 else 40_000
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for count in (images // 4, images):
            shards = Path(folder, str(count))
            shards.mkdir()
            write(shards, count)
            found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
            for _ in range(rounds):
                for way in WAYS:
                    found[way].append(measure(way, shards))
            for way, results in found.items():
                spreads = {key: _spread([result[key] for result in results]) for key in results[0]}
                runs.append({"way": way, "images": count, **spreads})
    print(json.dumps({"machine": hardware(), "versions": versions(), "side": SIDE, "runs": runs}))


if __name__ == "__main__":
    main()
