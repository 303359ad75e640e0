"""ZIPs of strangers: every one ends as images and reasons, or as one sentence."""

from __future__ import annotations

import io
import time
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import hostile_zips as hostile
import pytest

from hydranet.errors import InputError
from hydranet.intake.archives import Archive, Limits, open_archive

GOOD = hostile.picture(0)


def opened(content: bytes, limits: Limits | None = None) -> Archive:
    return open_archive(io.BytesIO(content), "photos.zip", limits)


def outcomes(archive: Archive) -> dict[str, str]:
    """What each item is: "image", or its reason."""
    found = {}
    for item in archive.items:
        try:
            found[item.name] = "image" if item.load().startswith(b"\x89PNG") else "other"
        except InputError as error:
            found[item.name] = str(error)
    return found


def test_only_pictures_are_listed_in_their_order() -> None:
    archive = opened(
        hostile.zipped(
            ("b.png", GOOD), ("folder/", b""), ("folder/a.JPG", GOOD), (".hidden.png", GOOD),
            ("__MACOSX/b.png", GOOD), ("folder/.DS_Store", b""), ("notes.txt", b"text"),
            ("README", b"text"),
        )
    )  # fmt: skip
    assert [item.name for item in archive.items] == ["photos.zip/b.png", "photos.zip/folder/a.JPG"]
    assert archive.items[0].load() == GOOD
    assert archive.skipped == 2


@pytest.mark.parametrize(
    ("content", "reasons"),
    [
        (hostile.zipped(("bomb.png", bytes(15 * 2**20)), ("a.png", GOOD)), ["times its size"]),
        (hostile.zipped(("bomb.png", bytes(40 * 2**20)), ("a.png", GOOD)), ["at most 20 MiB"]),
        (
            hostile.zipped(("inner.zip", hostile.zipped(("b.png", GOOD))), ("a.png", GOOD)),
            ["archive in an archive"],
        ),
        (hostile.encrypted(), ["encrypted"]),
        (hostile.zipped(("a.png", GOOD), method=zipfile.ZIP_BZIP2), ["another method"]),
        (hostile.zipped(("a.png", GOOD), method=zipfile.ZIP_LZMA), ["another method"]),
        (hostile.liar(100), ["damaged"]),
        (hostile.liar(10 * 2**20), ["times its size"]),
        (hostile.liar(4 * 2**30 - 1), ["at most 20 MiB"]),
    ],
)
def test_what_cannot_be_had_has_a_reason_and_the_rest_is_there(
    content: bytes, reasons: list[str]
) -> None:
    found = list(outcomes(opened(content)).values())
    bad = [text for text in found if text != "image"]
    assert len(bad) == len(reasons)
    assert all(part in text for part, text in zip(reasons, bad, strict=True)), bad
    assert len(found) == 1 or "image" in found


@pytest.mark.parametrize(
    "name",
    ["../../up.png", "/etc/at.png", "C:\\windows\\a.png", "..png", "a\nb.png", "\x1b[1m.png"],
)
def test_names_are_text(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    archive = opened(hostile.zipped((name, GOOD)))
    for item in archive.items:
        assert item.name.isprintable()
        assert item.load() == GOOD
    assert not list(tmp_path.iterdir()), "nothing is unpacked"


def test_a_long_name_is_cut_and_a_null_character_shown() -> None:
    (item,) = opened(hostile.zipped((hostile.LONG, GOOD))).items
    assert len(item.name) == 200
    assert item.name.endswith("a.png")
    assert item.load() == GOOD
    found = outcomes(opened(hostile.with_null()))
    assert found["photos.zip/good.png"] == "image"
    assert not any("\0" in name for name in found)


def test_two_entries_of_one_name_are_both_there() -> None:
    other = hostile.picture(1)
    items = opened(hostile.zipped(("a.png", GOOD), ("a.png", other))).items
    assert [item.load() for item in items] == [GOOD, other]


@pytest.mark.parametrize("count", [100_000, 400_000])
def test_too_many_entries_are_a_sentence_in_bounded_time_and_memory(count: int) -> None:
    content = hostile.many(count)
    started = time.monotonic()
    tracemalloc.start()
    with pytest.raises(InputError, match="at most 2,000 entries"):
        opened(content, Limits(entries=2_000))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 40 * 2**20
    assert time.monotonic() - started < 20


def test_as_many_entries_as_are_allowed_are_listed() -> None:
    assert len(opened(hostile.many(2_000), Limits(entries=2_000)).items) == 2_000
    with pytest.raises(InputError, match="at most 2,000 entries"):
        opened(hostile.many(2_001), Limits(entries=2_000))


def test_what_lies_beyond_the_total_is_not_unpacked() -> None:
    pictures = [hostile.picture(i, 200) for i in range(10)]
    content = hostile.zipped(*((f"{i}.png", png) for i, png in enumerate(pictures)))
    limits = Limits(total=sum(len(png) for png in pictures[:5]))
    found = list(outcomes(opened(content, limits)).values())
    assert found.count("image") == 5
    assert all("Split the archive" in text for text in found[5:])


@pytest.mark.parametrize("keep", [0, 1, 10, 0.3, 0.9, 0.999])
def test_a_truncated_archive_is_a_sentence(keep: float) -> None:
    content = hostile.zipped(("a.png", GOOD), ("b.png", GOOD))
    length = keep if isinstance(keep, int) else int(keep * len(content))
    with pytest.raises(InputError, match=r"photos\.zip must be a whole ZIP"):
        opened(content[:length])


def test_no_single_byte_that_changes_brings_it_down() -> None:
    content = hostile.zipped(("a.png", GOOD), ("b.png", b"no picture"))
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 0xFF
        with suppress(InputError):
            outcomes(opened(bytes(changed)))
