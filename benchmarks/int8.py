"""int8 against single precision: speed, size and top-1 of the checkpoints that were quantised.

    python benchmarks/int8.py [NAME …] [--rounds N] [--out FILE]

Speed: `hydranet bench`'s measurement of the engines onnx and int8 in turns, on one core, images of
noise, branches drawn evenly; as a ratio within each round. Size: of the weights in single precision
and of the int8 graphs, both as they are run. Top-1: from the cards, where `hydranet quantise` put
what it measured on the test images. Prints JSON. Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hydranet.bench.measure import measure_all
from hydranet.bench.ratios import ratios
from hydranet.bench.subjects import Subject
from hydranet.checkpoints import Checkpoint, find_checkpoint, list_checkpoints
from hydranet.engines.int8.engine import Int8Engine
from hydranet.machine import hardware, versions

BATCHES = (1, 16, 64, 256)
ENGINES = ("onnx", "int8")
_FLOAT_BYTES = 4


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.names:
        found = [find_checkpoint(name) for name in given.names]
    else:
        found = [one for one in list_checkpoints()[0] if one.card.int8 is not None]
    text = json.dumps(_report(found, given.rounds), indent=1)
    if given.out:
        given.out.write_text(text + "\n")
    print(text)


def _report(found: list[Checkpoint], rounds: int) -> dict[str, Any]:
    subjects = [Subject(checkpoint, trained=True) for checkpoint in found]
    report = measure_all(subjects, engines=ENGINES, batches=BATCHES, rounds=rounds)
    faster = [ratio.to_json() for ratio in ratios(report, subjects) if ratio.line == "int8"]
    return {
        "machine": hardware(),
        "versions": versions(),
        "rounds": rounds,
        "networks": {one.name: _network(one) for one in found},
        "runs": [run.to_json() for run in report.runs],
        "ratios": faster,
    }


def _network(checkpoint: Checkpoint) -> dict[str, Any]:
    card = checkpoint.card
    assert card.int8 is not None, "the engine has opened it"
    return {
        "float_bytes": _FLOAT_BYTES * card.costs.parameters,
        "int8_bytes": Int8Engine(checkpoint).size,
        **asdict(card.int8),
    }


if __name__ == "__main__":
    main()
