"""Kill commands at random moments, and look at what is left after each kill.

    python benchmarks/faults.py --kills 100

Each command runs on tiny data in a process of its own, is killed with SIGKILL at a random moment of
its usual duration, and is started again until it ends by itself. After every kill all that can be
read must be whole, either as it stood before or as it should become; and in the end the command
must have written, byte for byte, what it writes when nobody kills it. Prints JSON; the exit code is
1 if anything was otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from hydranet.machine import hardware, versions

CLASSES = {"red": (200, 60, 60), "green": (60, 200, 60), "blue": (60, 60, 200)}
TIMED = {"card.json", "state.safetensors"}
"""These say how long things took, so two runs never write the same."""


@dataclass(frozen=True)
class Command:
    """What is killed. `replaces`: it writes another whole file in place of one, and back again, so
    that what a kill leaves may be either."""

    name: str
    work: Callable[[], None]
    replaces: bool = False


@dataclass
class Found:
    """How often a command was killed and how often it came to its end, how long it takes when
    nobody kills it, and sentences about what was wrong."""

    kills: int = 0
    ends: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


_HERE = ("--checkpoints", "checkpoints", "--threads", "1")
_WITH = ("--data", "data", *_HERE, "--device", "cpu")
_TRAIN = (
    "train", "resnet8", "--image-size", "16", "--batch-size", "16",
    "--validation-images", "6", "--learning-rate", "0.05", "--compile", "off",
    "--precision", "float32", *_WITH,
)  # fmt: skip


def main() -> None:
    """Run it all and print what was found."""
    parser = argparse.ArgumentParser(description="Kill commands at random moments.")
    parser.add_argument("--kills", type=int, default=100, help="of all commands together")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.mkdir("files")
        os.environ["HYDRANET_CACHE"] = "cache"  # each command works in that folder
        succeed(_make_data)
        succeed(lambda: _hydranet((*_TRAIN, "--runs", "first", "--epochs", "1")))
        found = {}
        every = commands()
        for place, command in enumerate(every):
            share = (given.kills + place) // len(every)  # they add up to all
            found[command.name] = vars(kill(command, share, draw))
        os.chdir("/")
    said = {"hardware": hardware(), "versions": versions(), "seed": given.seed, "commands": found}
    print(json.dumps(said, indent=1))
    sys.exit(any(one["wrong"] for one in found.values()))


def commands() -> tuple[Command, ...]:
    """All that writes files."""
    route = ("route", "data", "--checkpoint", "resnet8", *_HERE)
    run = (*_TRAIN, "--runs", "runs", "--epochs", "4", "--resume", "--seed", "1")
    return (
        Command("train", partial(_hydranet, run)),
        Command("evaluate", partial(_hydranet, ("evaluate", "resnet8", "--json", *_WITH))),
        Command("route", partial(_hydranet, (*route, "--out", "routes", "--part", "8"))),
        Command("route log", partial(_hydranet, (*route, "--log", "log"))),
        Command("export", _export),
        Command("write", _write_again_and_again, replaces=True),
    )


def kill(command: Command, kills: int, draw: random.Random) -> Found:
    """Kill one command so many times; afterwards the files stand as they did before."""
    found = Found()
    shutil.copytree("files", "before")
    before = _digests()
    started = time.perf_counter()
    succeed(command.work)
    found.seconds = round(time.perf_counter() - started, 2)
    alone = _digests()
    _restore()
    while found.kills < kills:
        child = start(command.work)
        time.sleep(draw.uniform(0, found.seconds))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            found.kills += 1
            found.wrong += _what_is_wrong(command, before, alone)
        else:  # it was faster than usual
            found.wrong += _end(command, status, alone)
            found.ends += 1
    child = start(command.work)
    found.wrong += _end(command, os.waitpid(child, 0)[1], alone)
    found.ends += 1
    shutil.rmtree("before")
    return found


def _end(command: Command, status: int, alone: dict[str, str]) -> list[str]:
    """What is wrong with how a command ended; the files go back to how they were before it.

    What a command that `replaces` writes follows from what stood there, so a kill may change that:
    its end must be as whole as what a kill leaves, no more.
    """
    wrong = []
    if status:
        wrong.append(f"ended with code {os.waitstatus_to_exitcode(status)}: {_last_words()}")
    elif command.replaces:
        wrong += _what_cannot_be_read()
    elif _digests() != alone:
        wrong.append("ended with other results than when nobody kills it")
    _restore()
    return wrong


def _restore() -> None:
    shutil.rmtree("files")
    shutil.copytree("before", "files")


def _what_is_wrong(command: Command, before: dict[str, str], alone: dict[str, str]) -> list[str]:
    """What a kill left that it must not leave: nothing, if all is well."""
    wrong = _what_cannot_be_read()
    after = _digests()
    wrong += [f"{path} is gone" for path in before if path in alone and path not in after]
    if not command.replaces:  # and there the hash on the card is the proof
        wrong += [
            f"{path} is neither as it was nor as it should become"
            for path, digest in after.items()
            if digest not in (before.get(path), alone.get(path))
        ]
    return wrong


def _what_cannot_be_read() -> list[str]:
    return [_last_words()] if os.waitpid(start(_read_all), 0)[1] else []


def _read_all() -> None:
    """In a child: read what readers read. Raises where anything is not whole."""
    import pyarrow.parquet as pq
    from safetensors import safe_open

    from hydranet.checkpoints import list_checkpoints, load
    from hydranet.engines.onnx.cache import read as read_graphs
    from hydranet.files import cache_folder

    good, damaged = list_checkpoints(Path("checkpoints"))
    if damaged or [one.name for one in good] != ["resnet8"]:
        raise RuntimeError(f"checkpoints: {len(good)} sound, {[one.reason for one in damaged]}")
    load("resnet8", Path("checkpoints"))
    for path in Path("runs").glob("*/state.safetensors"):
        with safe_open(path, framework="pt") as file:
            json.loads(file.metadata()["run"])
            for name in file.keys():  # noqa: SIM118 # it is no dictionary
                file.get_tensor(name)
    for folder in ("routes", "log"):
        for path in Path(folder).glob("*.parquet"):
            pq.read_table(path)
    for path in cache_folder("onnx").glob("*.graphs"):
        if read_graphs(path.stem) is None:
            raise RuntimeError(f"{path} is not whole")


def _digests() -> dict[str, str]:
    """The SHA-256 of each file that readers see, under its path, but of those that hold times.

    What a writer has begun is hidden by a dot. A checkpoint of which the replacement was cut short
    stands under another name, and is read from there.
    """
    found = {}
    for path in sorted(Path("files").rglob("*"), reverse=True):  # the usual name wins
        name = str(path.relative_to("files")).replace(".previous-", "")
        if path.is_file() and "/." not in f"/{name}" and path.name not in TIMED:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def start(work: Callable[[], None]) -> int:
    """Do `work` in a child that has loaded everything already; the number of its process.

    Loading takes seconds in which nothing can go wrong, and most kills would fall into them.
    """
    if child := os.fork():
        return child
    code = 1
    try:
        with open("words", "w") as words:
            os.dup2(words.fileno(), 1)
            os.dup2(words.fileno(), 2)
        os.chdir("files")
        work()
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def succeed(work: Callable[[], None]) -> None:
    """Do `work` in a child, undisturbed; RuntimeError if it fails."""
    if os.waitpid(start(work), 0)[1]:
        raise RuntimeError(_last_words())


def _last_words() -> str:
    return " | ".join(Path("words").read_text().splitlines()[-3:])


def _hydranet(arguments: tuple[str, ...]) -> None:
    from hydranet.cli import main as hydranet

    sys.argv = ["hydranet", *arguments]
    hydranet()


def _export() -> None:
    """The graphs that the onnx engine keeps for its next start."""
    from hydranet.checkpoints import find_checkpoint
    from hydranet.engines import open_engine

    open_engine(find_checkpoint("resnet8", Path("checkpoints")), "onnx")


def _write_again_and_again() -> None:
    """Another checkpoint and this one in turn, each in place of the one that stands there."""
    from dataclasses import replace

    from hydranet.checkpoints import (
        ROUTES,
        encode_weights,
        find_checkpoint,
        load,
        write_checkpoint,
    )
    from hydranet.evaluation.route_log import read_route_log

    root = Path("checkpoints")
    model = load("resnet8", root)
    assert model.card is not None, "a loaded network has its card"
    here = find_checkpoint("resnet8", root).folder  # a kill may have left it under another name
    routes = read_route_log(here / ROUTES)
    written = []
    for factor in (0.5, 2.0):  # halves and doubles are exact: the second is the first one again
        for parameter in model.parameters():
            parameter.mul_(factor)
        weights, digest = encode_weights(model)
        written.append((replace(model.card, weights_sha256=digest), weights))
    for _ in range(200):
        for card, weights in written:
            write_checkpoint(root, card=card, weights=weights, routes=routes)


def _make_data() -> None:
    """40 small images of each of three colours."""
    import numpy as np
    from PIL import Image

    draw = np.random.default_rng(0)
    for name, colour in CLASSES.items():
        Path("data", name).mkdir(parents=True)
        for index in range(40):
            pixels = np.clip(colour + draw.integers(-30, 30, (16, 16, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(Path("data", name, f"{index:02}.png"))


if __name__ == "__main__":
    import hydranet.cli.train
    import hydranet.explain.attributions
    import hydranet.training.job  # noqa: F401 # the children shall find all of it loaded

    main()
