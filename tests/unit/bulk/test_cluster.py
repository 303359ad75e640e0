"""Routes by the workers of a Ray cluster: a single process's rows, whatever befalls a worker."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import hostile_zips as hostile
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from pyarrow import fs
from shell import Shell

from hydranet.bulk import batch, sources
from hydranet.bulk.batch import BATCH, RUN, BatchRouter
from hydranet.bulk.parts import Summary, route_to_parts
from hydranet.bulk.remote import Place, Remote, place
from hydranet.bulk.rows import Settings
from hydranet.checkpoints import Checkpoint, find_checkpoint
from hydranet.cluster import plan as cluster_plan
from hydranet.cluster import ray_cluster, route
from hydranet.cluster.plan import Part, Plan, plan
from hydranet.cluster.reading import read_part
from hydranet.cluster.results import Results
from hydranet.cluster.worker import Worker
from hydranet.engines import open_engine
from hydranet.errors import InputError

# Ray sets its own deprecated settings when it starts.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")

PART = BATCH + 22
SETTINGS = Settings(k=3, threshold=0.26)


@pytest.fixture(scope="session")
def workers() -> Iterator[int]:
    """A cluster of this process's own with two CPUs, for all tests: it takes seconds to start."""
    with ray_cluster.connected(None, workers=2) as count:
        yield count


@pytest.fixture
def checkpoint(tmp_path: Path, make_checkpoint) -> Checkpoint:
    names = ("red", "blue", *"cdefgh")
    return find_checkpoint(make_checkpoint("tiny", tmp_path / "checkpoints", class_names=names))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Pictures, an archive and tables, some of what is in them unreadable."""
    root = tmp_path / "in"
    for number in range(40):
        path = root / ("red" if number % 2 else "blue") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(hostile.picture(number, 16) if number % 9 else b"no picture")
    entries = [(f"red/{number}.png", hostile.picture(number, 16)) for number in range(100)]
    (root / "c.zip").write_bytes(hostile.zipped(*entries, ("d.zip", b"PK")))
    cells = [
        {"bytes": hostile.picture(n, 16), "path": None} if n % 50 else None for n in range(300)
    ]
    table = pa.table({"img": cells, "label": [n % 9 for n in range(300)]})
    pq.write_table(table, root / "e.parquet", row_group_size=70)
    (root / "f.parquet").write_bytes(b"PAR1 and no more")
    pq.write_table(pa.table({"other": [0, 1]}), root / "g.parquet")
    return root


def alone(checkpoint: Checkpoint, images: Path, out: Path) -> tuple[Summary, pa.Table]:
    """What a single process makes of them."""
    router = BatchRouter(open_engine(checkpoint, gpu=False), SETTINGS)
    summary = route_to_parts(router, sources.iterate([images]), out, part_images=PART)
    return summary, pq.read_table(out)


def planned(images: Place) -> Plan:
    return plan([images], without=None, part_images=PART)


def on_cluster(checkpoint: Checkpoint, images: Place, out: Place, workers: int) -> Summary:
    results, found = Results(out), planned(images)
    results.claim(checkpoint.card, SETTINGS, found)
    return route.route_on_cluster(checkpoint, found, results, SETTINGS, workers=workers)


def rows(out: Place) -> pa.Table:
    """All rows of the parts in their order, as if they were in one."""
    results = Results(out)
    table = ds.dataset(
        results.path, filesystem=results.filesystem, format="parquet", partitioning="hive"
    ).to_table()
    parts = [index // PART for index in table["index"].to_pylist()]
    assert table["part"].to_pylist() == parts
    return table.drop_columns("part").sort_by("index")


def same(first: Summary, second: Summary) -> bool:
    fields = ("images", "rejected", "branches", "macs", "parts", "reasons")
    return all(getattr(first, name) == getattr(second, name) for name in fields)


def test_the_rows_are_those_of_a_single_process_also_after_a_stop(
    checkpoint: Checkpoint,
    images: Path,
    tmp_path: Path,
    workers: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To the last bit. Parts that are whole are left alone, others are done again."""
    monkeypatch.setattr(cluster_plan, "RUN", BATCH)
    out = tmp_path / "out"
    summary, expected = alone(checkpoint, images, tmp_path / "alone")
    assert summary.images == 40 + 101 + 300 + 2
    assert summary.rejected == 5 + 1 + 6 + 2
    assert set(expected["label_class"].to_pylist()) > {"red", "blue", None}
    found = on_cluster(checkpoint, images, out, workers)
    assert found.now == summary.images
    assert same(found, summary)
    assert rows(out).schema.equals(expected.schema, check_metadata=True)
    assert rows(out).equals(expected)

    assert len(list((out / "part=0").iterdir())) == 2
    kept = [path.read_bytes() for path in sorted((out / "part=1").iterdir())]
    next((out / "part=0").iterdir()).unlink()
    cut = next((out / "part=2").iterdir())
    cut.write_bytes(cut.read_bytes()[:-9])
    again = on_cluster(checkpoint, images, out, workers)
    assert again.now == summary.images - PART
    assert same(again, summary)
    assert rows(out).equals(expected)
    assert [path.read_bytes() for path in sorted((out / "part=1").iterdir())] == kept
    assert on_cluster(checkpoint, images, out, workers).now == 0


def test_a_worker_killed_mid_run_changes_nothing(
    shell: Shell, checkpoint: Checkpoint, images: Path, tmp_path: Path, workers: int, monkeypatch
) -> None:
    """Neither the rows nor the one object on standard output; nor was torch or the app loaded."""
    died = tmp_path / "died"

    class Mortal(Worker):
        def tables(self, part: Part) -> Iterator[pa.Table]:
            assert not {"torch", "streamlit", "plotly", "app"} & set(sys.modules)
            for number, table in enumerate(super().tables(part)):
                if number and not died.exists():
                    died.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                yield table

    monkeypatch.setattr(route, "Worker", Mortal)
    _, expected = alone(checkpoint, images, tmp_path / "alone")
    command = (
        "route", images, "--checkpoint", checkpoint.folder, "--k", SETTINGS.k, "--threshold",
        SETTINGS.threshold, "--part", PART, "--engine", "ray", "--out", tmp_path / "out",
    )  # fmt: skip
    said = shell.json(*command, "--workers", workers)
    assert died.exists()
    assert (said["images"], said["rejected"], said["images_now"], said["parts"]) == (
        443,
        14,
        443,
        3,
    )
    assert rows(tmp_path / "out").equals(expected)
    code, _, err = shell(*command, "--workers", 3)
    assert code == 2
    assert "must have a CPU for each worker, but it has 2" in err


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """An address in a bucket of a server of this process's own, as a pattern for names."""
    server = pytest.importorskip("moto.moto_server.threaded_moto_server")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    started = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    started.start()
    host, port = started.get_host_and_port()
    behind = f"?endpoint_override={host}:{port}&scheme=http&region=us-east-1"
    s3, _ = fs.FileSystem.from_uri(f"s3://me:secret@photos{behind}&allow_bucket_creation=true")
    s3.create_dir("photos")
    yield f"s3://me:secret@photos/{{}}{behind}"
    started.stop()


def upload(images: Path, to: Remote) -> None:
    fs.copy_files(
        str(images), to.path, source_filesystem=fs.LocalFileSystem(),
        destination_filesystem=to.filesystem,
    )  # fmt: skip


def test_images_and_routes_may_lie_in_a_bucket(
    checkpoint: Checkpoint, images: Path, tmp_path: Path, workers: int, bucket: str
) -> None:
    inside, out = place(bucket.format("in")), place(bucket.format("out"))
    assert isinstance(inside, Remote)
    upload(images, inside)
    summary, expected = alone(checkpoint, images, tmp_path / "alone")
    found = on_cluster(checkpoint, inside, out, workers)
    assert (found.images, found.rejected, found.macs) == (443, 14, summary.macs)
    table = rows(out)
    names = [f"s3://photos/in{name[len(str(images)) :]}" for name in expected["file"].to_pylist()]
    assert table["file"].to_pylist() == names
    assert table.drop_columns(["file", "reason"]).equals(expected.drop_columns(["file", "reason"]))
    assert table["reason"].is_valid().equals(expected["reason"].is_valid())


def test_fsspec_opens_what_arrow_does_not_know(images: Path) -> None:
    there = place(f"fsspec+file://{images}")
    assert isinstance(there, Remote)
    local, remote = planned(images), planned(there)
    assert remote.counts == local.counts
    assert [file.path for file in remote.files] == [str(file) for file in local.files]


def test_batches_are_those_of_a_single_process(images: Path) -> None:
    found = planned(images)
    assert found.sizes() == {0: PART, 1: PART, 2: 443 - 2 * PART}
    firsts = []
    for part in found.parts(without=[1]):
        assert part.images == found.sizes()[part.number]
        firsts += [batch.first for batch in read_part(part)]
    starts = range(0, PART, BATCH), range(2 * PART, 443, BATCH)
    assert firsts == [first for start in starts for first in start]


def test_a_part_may_be_cut_where_a_batch_begins_anyhow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where batches end early because their files are large."""
    monkeypatch.setattr(batch, "BATCH_BYTES", 9 * len(hostile.picture(1, 16)))
    entries = [(f"{number:05}.png", hostile.picture(1, 16)) for number in range(2 * RUN + 40)]
    (tmp_path / "a.zip").write_bytes(hostile.zipped(*entries[: RUN + 7]))
    (tmp_path / "b.zip").write_bytes(hostile.zipped(*entries[RUN + 7 :]))
    (part,) = plan([tmp_path], without=None, part_images=3 * RUN).parts()
    runs = list(part.runs())
    assert [(run.number, run.first, run.images) for run in runs] == [
        (0, 0, RUN), (0, RUN, RUN), (0, 2 * RUN, 40),
    ]  # fmt: skip
    assert [len(run.pieces) for run in runs] == [1, 2, 1]
    whole = [batch.files for batch in read_part(part)]
    assert [batch.files for run in runs for batch in read_part(run)] == whole
    assert len(whole[0]) == 9


def test_a_file_that_changes_while_it_is_read_is_an_error(images: Path) -> None:
    (part, *_) = list(planned(images).parts(without=[0]))
    table = pq.read_table(images / "e.parquet")
    pq.write_table(table.slice(0, 5), images / "e.parquet")
    with pytest.raises(OSError, match="has changed since its images were counted"):
        list(read_part(part))


def test_damage_in_a_table_costs_its_row_group_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = pa.table({"img": [hostile.picture(n % 5, 16) for n in range(600)]})
    pq.write_table(table, path, row_group_size=200, use_dictionary=False, compression="zstd")
    column = pq.read_metadata(path).row_group(1).column(0)
    content = bytearray(path.read_bytes())
    content[column.data_page_offset : column.data_page_offset + 16] = bytes(16)
    path.write_bytes(content)
    whole = list(sources.items_of(path))
    assert sources.count_of(path) == len(whole) == 600
    lost = [number for number, item in enumerate(whole) if not loads(item)]
    assert lost == list(range(200, 400))
    for start, stop in ((0, 600), (150, 250), (390, 410), (399, 400)):
        part = list(sources.items_of(path, start, stop))
        assert [item.name for item in part] == [item.name for item in whole[start:stop]]
        assert [loads(item) for item in part] == [loads(item) for item in whole[start:stop]]


def loads(item) -> bool:
    try:
        return bool(item.load())
    except InputError:
        return False


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def test_what_cannot_work_is_a_sentence_before_the_work(
    shell: Shell,
    checkpoint: Checkpoint,
    images: Path,
    tmp_path: Path,
    closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before a cluster is connected to, let alone used."""
    monkeypatch.setattr(ray_cluster.ray, "init", None)
    monkeypatch.setattr(ray_cluster.ray, "is_initialized", lambda: False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    silent = f"s3://photos/x?endpoint_override=127.0.0.1:{closed_port}&scheme=http&region=us-east-1"
    common = ("--checkpoint", checkpoint.folder, "--engine", "ray")
    to_out = ("--out", tmp_path / "out", *common)
    other = tmp_path / "other"
    Results(other).claim(checkpoint.card, Settings(k=1), planned(images))
    for command, said in (
        ((images, *to_out, "--address", f"127.0.0.1:{closed_port}"), "cannot be reached"),
        ((images, *to_out, "--address", "somewhere"), "must be host:port or auto"),
        ((images, *to_out, "--k", 5), "must be from 1 to 4"),
        ((silent, *to_out), "cannot be reached"),
        ((images, *common, "--out", images / "f.parquet" / "x"), "cannot be reached or written"),
        (("nosuch://x", *to_out), "cannot be opened"),
        ((tmp_path / "missing", *to_out), "There is no file or folder"),
        ((images, *common, "--out", other), "holds routes of other images"),
        ((images, *common, "--log", tmp_path / "log"), "do not go with --engine ray"),
        ((images, *to_out, "--threads", 1), "do not go with --engine ray"),
        (("s3://x/y", "--checkpoint", checkpoint.folder, "--out", "o"), "only --engine ray"),
        ((images, "--checkpoint", checkpoint.folder, "--out", "o", "--workers", 2), "goes with"),
    ):
        code, out, err = shell("route", *command)
        assert (code, out) == (2, ""), command
        assert said in err
        assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_without_ray_the_command_says_how_to_get_it(
    shell: Shell, checkpoint: Checkpoint, images: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.delitem(sys.modules, "hydranet.cluster.ray_cluster")
    monkeypatch.setitem(sys.modules, "ray", None)
    command = ("--checkpoint", checkpoint.folder, "--engine", "ray", "--out", tmp_path / "out")
    code, _, err = shell("route", images, *command)
    assert code == 2
    assert err == (
        "This needs Ray, which is not installed here. Install it with: pip install ray[data]\n"
    )
