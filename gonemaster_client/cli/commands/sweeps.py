"""Commands about sweeps."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gonemaster_client.calls import sweeps
from gonemaster_client.cli import EXIT_OK, UsageError
from gonemaster_client.cli.commands.batches import follow
from gonemaster_client.cli.session import Session
from gonemaster_client.sources.files import SourceError

_COLUMNS = {
    "Batch": "batch_id", "Jobs": "job_count", "Duplicates": "duplicate_count", "Invalid": "invalid_count",
}  # fmt: skip
_FINISHED = {"ID": "batch_id", "Status": "status", "Total": "domain_count", "Jobs": "status_counts"}


def create(session: Session, options: argparse.Namespace) -> int:
    """Upload a file, queue tests of its names, and wait for them if asked."""
    path = Path(options.file)
    upload = _upload_of(session, options, path)
    parts = _send(session, path, upload)
    request = _request(options) | {"upload_id": upload["upload_id"], "parts": parts}
    filled = session.finished(session.client.send(sweeps.create(key=options.key, **request)))
    if not options.wait:
        session.output.document(filled, _COLUMNS)
        return EXIT_OK
    session.output.document(follow(session, filled["batch_id"]), _FINISHED)
    return EXIT_OK


def _upload_of(session: Session, options: argparse.Namespace, path: Path) -> Any:
    if options.resume:
        return session.client.send(sweeps.show(options.resume))
    if not path.is_file():
        raise SourceError(f"{path}: not a file; standard input cannot be uploaded in parts")
    upload = session.client.send(sweeps.begin(path.name[:255]))
    sys.stderr.write(
        f"upload {upload['upload_id']}: if it is interrupted, repeat the command with --resume and this ID\n"
    )
    return upload


def _send(session: Session, path: Path, upload: Any) -> int:
    """Send the parts that have not arrived, and return the number of all parts."""
    arrived, number = {part["number"]: part["sha256"] for part in upload["parts"]}, 0
    size, sent = path.stat().st_size, 0
    with session.bar("Upload", unit="bytes") as bar:
        for number, content in enumerate(_parts(path, upload["max_part_size"]), 1):
            if number not in arrived:
                session.client.send(sweeps.send(upload["upload_id"], number, content))
            elif arrived[number] != hashlib.sha256(content).hexdigest():
                raise UsageError(
                    f"part {number} of the upload differs from {path}: repeat the command without --resume"
                )
            sent += len(content)
            bar.show(sent, size, "bytes")
    if not number:
        raise SourceError(f"{path}: the file is empty")
    return number


def _parts(path: Path, size: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while content := file.read(size):
                yield content
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from None


def _request(options: argparse.Namespace) -> Any:
    wishes = {
        "tests": options.tests,
        "min_level": options.min_level,
        "profile_id": options.profile_id,
        "tags": options.tag,
        "name": options.name,
        "description": options.description,
        "snapshot_intent": options.snapshot,
        "skip_invalid": options.skip_invalid,
    }
    return {name: value for name, value in wishes.items() if value}
