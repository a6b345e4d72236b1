"""Files in an object store: the same interface as a folder, and errors of the store with a remedy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from gonemaster_db.analysis.columns.fact_files import folder_of, read_facts_file, to_table, write_facts_file
from gonemaster_db.analysis.columns.location import Location, LocationUnusable, location
from gonemaster_db.core.session import Store
from tests.db.analysis.columns.test_files import rows_of
from tests.support.analysis.cohorts import made_facts

DENIED = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"""


@pytest.fixture
def place(tmp_path: Path) -> Location:
    """A file system that is not local for the service: no rename, and paths that other programs cannot open."""
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    return Location("s3://bucket", SubTreeFileSystem(str(bucket), LocalFileSystem()), "")


def test_facts_are_written_read_listed_and_deleted(store: Store, place: Location) -> None:
    place.filesystem.create_dir(folder_of(1, 2))
    facts = made_facts(store, ["b.example", "a.example"])
    file = write_facts_file(place, folder_of(1, 2), [to_table(rows_of(facts))], run_keys=[1, 2])
    assert not place.is_local
    assert [row["domain"] for row in read_facts_file(place, file.name).to_pylist()] == ["a.example", "b.example"]
    assert [(found.name, found.size) for found in place.walk("facts")] == [(file.name, file.size)]
    place.delete([file.name])
    assert list(place.walk("facts")) == []


def parts() -> Iterator[bytes]:
    yield b"half"
    raise RuntimeError("stopped")


def write(place: Location, name: str, content: Iterator[bytes]) -> None:
    with place.open_output(name) as file:
        for part in content:
            file.write(part)


def test_a_writer_that_fails_leaves_no_object(place: Location) -> None:
    with pytest.raises(RuntimeError, match="stopped"):
        write(place, "half.parquet", parts())
    assert list(place.walk()) == []


class _Refusing(BaseHTTPRequestHandler):
    """An S3 server that denies each request."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(403)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(DENIED)))
        self.end_headers()
        self.wfile.write(DENIED)

    do_POST = do_GET = do_DELETE = do_PUT  # noqa: N815 - names of the base class


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-of-a-test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-a-test")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"s3://bucket/x?endpoint_override=127.0.0.1:{server.server_port}&scheme=http&region=eu-north-1"
        finally:
            server.shutdown()
            thread.join()


def test_an_object_store_that_refuses_is_named_with_a_remedy(refusing: str) -> None:
    with pytest.raises(LocationUnusable) as failure:
        location(refusing).check()
    text = str(failure.value)
    assert text.startswith("s3://bucket/x: ")
    assert "ACCESS_DENIED" in text
    assert text.endswith("the credentials and permissions of the service")
    assert "secret-of-a-test" not in text
