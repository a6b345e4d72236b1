"""The location of files: folders and URIs, complete files or none, and errors with a remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from gonemaster_db.analysis.columns.location import Location, LocationUnusable, location, without_credentials


@pytest.fixture(params=["", "file://"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    return location(f"{request.param}{tmp_path}/facts-of-all")


def test_files_are_written_listed_read_and_deleted(place: Location) -> None:
    assert list(place.walk()) == []
    for name in ("facts/one.parquet", "views/two.parquet"):
        with place.open_output(name) as file:
            file.write(name.encode())
    assert sorted(file.name for file in place.walk()) == ["facts/one.parquet", "views/two.parquet"]
    (one,) = place.walk("facts")
    assert (one.name, one.size) == ("facts/one.parquet", 17)
    assert one.modified_at is not None
    with place.open_input("views/two.parquet") as file:
        assert file.read() == b"views/two.parquet"
    assert [Path(path).is_file() for path in place.paths(["facts/one.parquet", "none"])] == [True, False]
    place.delete(["facts/one.parquet", "facts/none.parquet"])
    assert [file.name for file in place.walk()] == ["views/two.parquet"]
    place.check()
    assert place.is_local


def write(place: Location, parts: Iterable[bytes]) -> None:
    with place.open_output("facts/one.parquet") as file:
        for part in parts:
            file.write(part)


def failing() -> Iterator[bytes]:
    yield b"half"
    raise RuntimeError("stopped")


def test_a_writer_that_fails_leaves_no_file(place: Location) -> None:
    with pytest.raises(RuntimeError, match="stopped"):
        write(place, failing())
    assert list(place.walk()) == []


def test_names_stay_below_the_location(place: Location) -> None:
    for name in ("../outside", "/etc/passwd", "facts/../../outside"):
        with pytest.raises(ValueError, match="not a name below"):
            place.path(name)


def test_errors_name_the_file_and_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LocationUnusable, match=r"/file/x: .*a part of the path is a file; change analytics.location"):
        location(f"{tmp_path}/file/x").check()
    with (
        pytest.raises(LocationUnusable, match=r"none.parquet: No such file.*restore the file, or rebuild"),
        location(str(tmp_path)).open_input("none.parquet"),
    ):
        pass


def filling() -> Iterator[bytes]:
    """Fail like a write to a full disk."""
    with Path("/dev/full").open("wb", buffering=0) as full:
        full.write(b"x")
    yield b""


def test_a_full_disk_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(LocationUnusable, match=r"No space left on device; free space"):
        write(location(str(tmp_path)), filling())
    assert list(tmp_path.rglob("*.p*")) == []


@pytest.mark.parametrize("place", ["relative/folder", "gopher://example/x"])
def test_other_places_are_refused_with_what_is_allowed(place: str) -> None:
    with pytest.raises(LocationUnusable, match=r"use an absolute path, or a URI such as s3://bucket/folder"):
        location(place)


def test_credentials_are_not_shown() -> None:
    assert without_credentials("s3://key:secret@bucket/x?region=eu&secret=y") == "s3://bucket/x"
    assert without_credentials("/srv/facts") == "/srv/facts"
