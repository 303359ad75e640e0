"""Route logs that mean harm: a sentence or a sound table, and no file, no network, no memory."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hydranet.errors import InputError, one_line
from hydranet.evaluation.route_log import RouteLog, read_route_log, write_route_log
from hydranet.specialisation import branch_load, confusion, open_route_table
from hydranet.specialisation.connection import connect

ROWS, BRANCHES = 40, 4


@pytest.fixture
def log(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path / "routes.parquet"
    write_route_log(
        path,
        RouteLog(
            rng.integers(0, 3, ROWS).astype(np.int32), rng.integers(0, 3, ROWS).astype(np.int32),
            rng.random(ROWS).astype(np.float16),
            rng.normal(size=(ROWS, BRANCHES)).astype(np.float16),
            np.tile(np.array([0, 1], np.int16), (ROWS, 1)), rng.random((ROWS, BRANCHES)) < 0.5,
        ),
    )  # fmt: skip
    return path


def mutated(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data))
        data[at : at + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
    return bytes(data[: rng.randrange(len(data))] if rng.random() < 0.1 else data)


def test_logs_with_any_bytes_changed(log: Path) -> None:
    rng = random.Random("logs")
    whole = log.read_bytes()
    tables, sentences = 0, set()
    for _ in range(600):
        log.write_bytes(mutated(whole, rng))
        for read in (lambda: _ask(log), lambda: read_route_log(log)):
            try:
                read()
            except InputError as error:
                sentences.add(str(error))
            else:
                tables += 1
    assert 0 < tables < 300
    assert all(one.isprintable() and len(one) < 600 for one in sentences)


def _ask(path: Path) -> None:
    table = open_route_table(path, num_classes=3)
    assert 0 < table.rows <= ROWS
    assert confusion(table).counts.sum() == table.rows
    if table.num_branches:
        assert np.isfinite(branch_load(table).share).all()
    table.close()


def long_list(log: Path, length: int) -> bytes:
    """A log in some 8 kB, one list of which has so many entries; its schema says 2 for all."""
    table = pq.read_table(log).slice(0, 4)
    schema = pq.ParquetFile(log).metadata.metadata[b"ARROW:schema"].decode()
    lists = [np.zeros(length, np.int16), *[np.zeros(2, np.int16)] * 3]
    fired = pa.array(lists, pa.list_(pa.int16()))
    table = table.set_column(table.column_names.index("fired"), "fired", fired)
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, table.schema, store_schema=False, compression="zstd") as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"ARROW:schema": schema})
    return sink.getvalue()


def varint(number: int, length: int = 0) -> bytes:
    """As Thrift writes it, in at least so many bytes."""
    number, out = number << 1, b""
    while number > 127 or len(out) + 1 < length:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def test_a_list_that_is_longer_than_the_schema_says_is_refused_unread(log: Path) -> None:
    content = long_list(log, 10**6)
    assert len(content) < 20_000
    log.write_bytes(content)
    assert pq.read_schema(log).field("fired").type == pa.list_(pa.int16(), 2)
    tracemalloc.start()
    with pytest.raises(InputError, match="as many values in every row, 2, but it holds 1,000,006"):
        open_route_table(log, num_classes=3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * 2**20


def test_a_footer_that_hides_the_long_list_is_found_out(log: Path) -> None:
    content = bytearray(long_list(log, 10**6))
    (length,) = struct.unpack("<I", content[-8:-4])
    footer = bytes(content[-8 - length : -8])
    told = varint(10**6 + 6)
    assert told in footer
    content[-8 - length : -8] = footer.replace(told, varint(8, len(told)))
    log.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        open_route_table(log, num_classes=3)


def claiming(log: Path, what: str, count: int) -> bytes:
    """The log with a footer that says that so many columns or row groups follow."""
    content = log.read_bytes()
    (length,) = struct.unpack("<I", content[-8:-4])
    footer = content[-8 - length : -8]
    columns = footer.index(b"\x19") + 1  # the footer's first list; then how many, and of what
    at = columns if what == "columns" else footer.index(b"\x19\x1c", columns) + 1
    assert footer[at] & 15 == 12, "a list of structures"
    number, digits = count, b""
    while number > 127:
        digits += bytes([number & 127 | 128])
        number >>= 7
    footer = footer[:at] + b"\xfc" + digits + bytes([number]) + footer[at + 1 :]
    return content[: -8 - length] + footer + struct.pack("<I", len(footer)) + b"PAR1"


_READS = """
import pathlib, re, sys
from hydranet.errors import InputError
from hydranet.evaluation.route_log import read_route_log
from hydranet.specialisation import open_route_table

def megabytes(what):
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(what + r":\\s+(\\d+)", status)[1]) // 1000

path, before = pathlib.Path(sys.argv[1]), megabytes("VmRSS")
for read in (lambda: open_route_table(path, num_classes=3), lambda: read_route_log(path)):
    try:
        read()
    except InputError as error:
        print(error)
print(megabytes("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize("what", ["columns", "row groups"])
def test_a_footer_gets_no_memory_for_what_it_only_claims(log: Path, what: str) -> None:
    """In a process of its own: what another test has used would hide it."""
    log.write_bytes(claiming(log, what, 999_999))
    done = subprocess.run([sys.executable, "-c", _READS, str(log)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *said, megabytes = done.stdout.splitlines()
    assert len(said) == 2, "both refuse it"
    assert all("cannot be read" in sentence for sentence in said)
    assert int(megabytes) < 80, "what Arrow and its dataset reader load is some 45"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_parquet('{other}')",
        "SELECT * FROM '{other}'",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_blob('{other}')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM parquet_metadata('{other}')",
        "SELECT * FROM read_csv('https://example.org/a.csv')",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "COPY (SELECT 1) TO '{log}' (FORMAT parquet)",
        "EXPORT DATABASE '{folder}/out'",
        "IMPORT DATABASE '{folder}'",
        "ATTACH '{folder}/new.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '{folder}/evil.duckdb_extension'",
        "SET enable_external_access = true",
        "SET allowed_paths = ['{other}']",
        "SET allowed_directories = ['/']",
        "SET lock_configuration = false",
        "SET memory_limit = '100GB'",
        "SET temp_directory = '{folder}'",
        "RESET enable_external_access",
        "PRAGMA enable_profiling = 'json'",
        "CREATE SECRET s (TYPE http)",
    ],
)
def test_duckdb_reaches_the_given_file_and_nothing_else(log: Path, sql: str) -> None:
    other = log.with_name("other.parquet")
    other.write_bytes(log.read_bytes())
    before = {path.name: path.read_bytes() for path in log.parent.iterdir()}
    connection = connect([log])
    found = connection.execute("SELECT count(*) FROM read_parquet(?)", [str(log)]).fetchone()
    assert found == (ROWS,)
    with pytest.raises(duckdb.Error):
        connection.execute(sql.format(other=other, log=log, folder=log.parent)).fetchall()
    if "COPY" not in sql:
        assert {path.name: path.read_bytes() for path in log.parent.iterdir()} == before
    assert not (log.parent / "out.csv").exists()


def test_what_a_file_says_of_itself_stands_on_one_line(log: Path) -> None:
    table = pq.read_table(log)
    odd = "x\n\x1b[31m" + "y" * 5000
    pq.write_table(table.rename_columns([odd, *table.column_names[1:]]), log)
    for read in (lambda: open_route_table(log, num_classes=3), lambda: read_route_log(log)):
        with pytest.raises(InputError, match="needs a column index") as caught:
            read()
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 400
    assert one_line(" a\n\tb\0 ") == "a b\N{REPLACEMENT CHARACTER}"
