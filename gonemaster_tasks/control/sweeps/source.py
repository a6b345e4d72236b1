"""The lines of an upload or a file, plain or gzip, read in blocks: neither the whole source nor a long line is held."""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from gonemaster_db.analysis.columns.location import LocationUnusable, location
from gonemaster_db.analysis.columns.schema import ColumnsMissing
from gonemaster_db.batches.uploads import read_part
from gonemaster_db.core.errors import UploadNotFound
from gonemaster_db.core.session import Store
from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import normalize_domain
from gonemaster_engine.texts import Text
from gonemaster_tasks.errors import SourceInvalid

_BLOCK = 1 << 20  # bytes, also of decompressed content, so that a gzip bomb fills no memory
MAX_LINE = 4096  # bytes; a JSON line has the name and little else
_GZIP = b"\x1f\x8b"
_IS_URI = "://"


@dataclass(frozen=True, slots=True)
class Block:
    """Some bytes of a source, and their place for error messages."""

    place: str
    content: bytes


def open_blocks(store: Store, source: Mapping[str, Any], folder: str) -> Iterator[Block]:
    """Yield the content of a source, compressed as it is. `folder` is the setting `sweep_files`.

    Raises:
        SourceInvalid: the file or upload cannot be read.
    """
    return _blocks_of_upload(store, source) if "upload_id" in source else _blocks_of_file(source["file"], folder)


def _blocks_of_upload(store: Store, source: Mapping[str, Any]) -> Iterator[Block]:
    for number in range(1, source["parts"] + 1):
        try:
            with store.read_only() as session:
                content = read_part(session, source["upload_id"], number)
        except UploadNotFound:
            raise SourceInvalid(
                Text("part {number} of the upload is missing: it has expired; upload the file again", number=number)
            ) from None
        yield Block(Text("part {number}", number=number), content)


def _blocks_of_file(name: str, folder: str) -> Iterator[Block]:
    place = Text("file {name}", name=name)
    try:
        with _open_file(name, folder) as file:
            while content := file.read(_BLOCK):
                yield Block(place, bytes(content))
    except (OSError, LocationUnusable, ColumnsMissing) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SourceInvalid(Text("file {name} cannot be read: {reason}", name=name, reason=reason)) from error


def _open_file(name: str, folder: str) -> Any:
    if _IS_URI in folder:
        return location(folder).open_input(check_file_name(name))
    return file_path(name, folder).open("rb")


def check_file_name(name: str) -> str:
    """Return a name that stays below its folder.

    Raises:
        SourceInvalid: the name is absolute or leaves the folder.
    """
    if not name or name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/"):
        raise SourceInvalid(Text("file must be a path below the folder of the setting sweep_files, without .."))
    return name


def file_path(name: str, folder: str) -> Path:
    """Return the path of a file below a folder.

    Raises:
        SourceInvalid: no files are allowed, or the name leaves the folder, also by a symbolic link.
    """
    if not folder:
        raise SourceInvalid(Text("files are not allowed: set sweep_files to their folder, or upload the names"))
    root = Path(folder).resolve()
    path = (root / check_file_name(name)).resolve()
    if not path.is_relative_to(root):
        raise SourceInvalid(Text("file must be a path below the folder of the setting sweep_files, without .."))
    return path


def fingerprint(source: Mapping[str, Any], folder: str) -> str:
    """Return a text that differs after a file has changed; empty for uploads, which never change.

    Raises:
        SourceInvalid: the file cannot be read.
    """
    if "upload_id" in source:
        return ""
    try:
        if _IS_URI in folder:
            return str(location(folder).size(check_file_name(source["file"])))
        found = file_path(source["file"], folder).stat()
    except (OSError, LocationUnusable, ColumnsMissing) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SourceInvalid(Text("file {name} cannot be read: {reason}", name=source["file"], reason=reason)) from error
    return f"{found.st_size}:{found.st_mtime_ns}"


@dataclass(slots=True)
class Line:
    """A line of a source: its number from 1, its content without the line end, and where it begins."""

    number: int
    content: bytes
    place: str


def lines_of(blocks: Iterable[Block]) -> Iterator[Line]:
    """Yield the lines of a source. A line above MAX_LINE is cut one byte after this limit.

    Raises:
        SourceInvalid: the compressed content is damaged or incomplete.
    """
    rest, number, began = b"", 0, ""  # `began` is the place where `rest` begins
    for block in _plain(blocks):
        if not rest:
            began = block.place
        *lines, rest = (rest + block.content).split(b"\n")
        for content in lines:
            number += 1
            yield Line(number, content, began)
            began = block.place
        rest = rest[: MAX_LINE + 1]
    if rest:
        yield Line(number + 1, rest, began)


def _plain(blocks: Iterable[Block]) -> Iterator[Block]:
    """Decompress blocks if the source starts like gzip; the members of several gzip files may follow each other."""
    rest = iter(blocks)
    first = next(rest, None)
    if first is None:
        return
    if not first.content.startswith(_GZIP):
        yield first
        yield from rest
        return
    reader = _Gzip()
    for block in chain((first,), rest):
        yield from reader.read(block)
    reader.finish()


class _Gzip:
    """A decompressor of gzip members, whose output is limited per step."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._is_open = False
        self._place = ""

    def read(self, block: Block) -> Iterator[Block]:
        # Zero bytes may follow a member, as tar and block devices append them.
        data, self._place = block.content if self._is_open else block.content.lstrip(b"\0"), block.place
        while data:
            try:
                plain = self._member.decompress(data, _BLOCK)
            except zlib.error as error:
                raise self._damaged(str(error).rpartition(": ")[2]) from error
            self._is_open = not self._member.eof
            if plain:
                yield Block(block.place, plain)
            data = self._member.unconsumed_tail
            if self._member.eof:
                data = self._member.unused_data.lstrip(b"\0")
                self._member = zlib.decompressobj(wbits=31)

    def finish(self) -> None:
        if self._is_open:
            raise self._damaged("the end is missing")

    def _damaged(self, reason: str) -> SourceInvalid:
        text = Text(
            "{place}: damaged gzip content ({reason}); compress the file again and upload it again",
            place=self._place,
            reason=reason,
        )
        return SourceInvalid(text)


def name_of(line: bytes) -> str:
    """Return the normalised name in a line; empty for an empty line or a comment.

    A line is a name, with or without a comment after #, a JSON string, or a JSON object with the name in `domain`.

    Raises:
        InvalidDomain: the line has no valid name.
    """
    if len(line) > MAX_LINE:
        raise InvalidDomain(_shown(line), Text("the line has more than {limit} bytes", limit=MAX_LINE))
    start = line[:1]
    if start in b'{"' and start:
        return normalize_domain(_from_json(line))
    try:
        text = line.partition(b"#")[0].decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise InvalidDomain(_shown(line), Text("it is not UTF-8")) from None
    return normalize_domain(text) if text else ""


def _from_json(line: bytes) -> str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise InvalidDomain(_shown(line), Text("the line is not valid JSON")) from None
    name = value.get("domain") if isinstance(value, dict) else value
    if not isinstance(name, str):
        raise InvalidDomain(_shown(line), Text("the line has no text in domain"))
    return name


def _shown(line: bytes) -> str:
    return line[:255].decode("utf-8", "backslashreplace")
