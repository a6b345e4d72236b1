"""Packet cache files: the responses of a run, saved to a file and restored instead of querying again.

Source: contract cli.md section 1.1. A file is one JSON document, plain or compressed with gzip: `format`, `version`,
`checksum` (SHA-256 of the canonical document with an empty checksum), and the lists `nameservers`, `zone_transfers`,
`recursor` and `asn`. A key lists only the properties that differ from an ordinary query.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

from gonemaster_engine import names
from gonemaster_engine.asn.cache import Code, Origin
from gonemaster_engine.errors import CacheFileError, WireError
from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.server.pending import Undecided
from gonemaster_engine.net.wire.messages import Edns, Response
from gonemaster_engine.net.wire.rrtypes import CLASS_NUMBER
from gonemaster_engine.zonemaster.cbor_recording import looks_like_cbor, read_cbor
from gonemaster_engine.zonemaster.recording import (
    MAX_TIME,
    is_truncated,
    looks_like_recording,
    read_recording,
    recording_time,
)

FORMAT = "gonemaster.packet-cache"
VERSION = 3
READABLE_VERSIONS = (2, 3)  # version 2 lacks the transport of a response
MAX_OCTETS = 512 * 1024 * 1024  # maximum size of an uncompressed file

_GZIP_MAGIC = b"\x1f\x8b"
_TRANSFER_TYPES = frozenset({"AXFR", "IXFR"})

_Document: TypeAlias = Mapping[str, Any]
_T = TypeVar("_T")


class CachedAnswer(NamedTuple):
    """One query to one address and its response; None if there was no usable response."""

    address: str
    key: QueryKey
    response: Response | None


@dataclass(frozen=True, slots=True)
class PacketCache:
    """The content of a file."""

    answers: list[CachedAnswer] = field(default_factory=list)
    origins: dict[str, Origin] = field(default_factory=dict)  # AS lookups, by address
    undecided: list[Undecided] = field(default_factory=list)  # queries without a response and without a verdict
    problems: list[str] = field(default_factory=list)  # skipped entries, and why
    recorded_at: float | None = None  # time of the last answer, POSIX seconds; None in files of earlier versions


def write_cache(
    path: str | Path,
    answers: Iterable[CachedAnswer],
    *,
    origins: Mapping[str, Origin] | None = None,
    undecided: Iterable[Undecided] = (),
    recorded_at: float | None = None,
    compress: bool = False,
    max_entries: int = 0,
) -> int:
    """Write a file atomically and return the number of its entries; a name that ends in .gz implies compression.

    `recorded_at` (POSIX seconds) is the time at which a run that restores the file validates the answers.

    Raises:
      CacheFileError: there are more than `max_entries` (0: no limit) entries, or the file cannot be written.
    """
    path = Path(path)
    document = _document(answers, origins or {}, undecided, recorded_at)
    count = sum(len(document[section]) for section in ("nameservers", "zone_transfers", "asn"))
    if 0 < max_entries < count:
        raise CacheFileError(
            f"the packet cache has {count} entries, the limit is {max_entries}; the file was not written"
        )
    octets = json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    if compress or path.suffix == ".gz":
        octets = gzip.compress(octets, mtime=0)
    try:
        _replace(path, octets)
    except OSError as error:
        raise CacheFileError(f"cannot write the packet cache {path}: {error}") from error
    return count


def read_cache(path: str | Path, *, strict: bool = False) -> PacketCache:
    """Read a file of this format or a Zonemaster recording (text or CBOR), plain or compressed.

    Damaged entries are skipped and listed as problems, unless `strict`.

    Raises:
      CacheFileError: the file cannot be read, is truncated or has another format or, if `strict`, is damaged.
    """
    octets = _unpacked(Path(path))
    problems: list[str] = []
    try:
        cache = _parse(octets, problems)
    except ValueError as error:
        raise CacheFileError(f"cannot read the packet cache {path}: {error}") from error
    if strict and problems:
        raise CacheFileError(f"the packet cache {path} is damaged: {problems[0]} ({len(problems)} problems)")
    return cache


def checksum(document: _Document) -> str:
    """Return the SHA-256 of the canonical document with an empty checksum, in hexadecimal."""
    canonical = json.dumps({**document, "checksum": ""}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _document(
    answers: Iterable[CachedAnswer],
    origins: Mapping[str, Origin],
    undecided: Iterable[Undecided],
    recorded_at: float | None,
) -> dict[str, Any]:
    entries = sorted(map(_answer_entry, answers), key=_entry_order)
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "nameservers": [entry for entry in entries if entry["key"]["qtype"] not in _TRANSFER_TYPES],
        "zone_transfers": [entry for entry in entries if entry["key"]["qtype"] in _TRANSFER_TYPES],
        "recursor": [],  # answers to the recursor are stored with those of the name servers
        "asn": [_origin_entry(address, origins[address]) for address in sorted(origins)],
    }
    if found := sorted(map(_undecided_entry, undecided), key=_entry_order):
        document["undecided"] = found
    if recorded_at is not None:
        document["recorded_at"] = int(recorded_at)
    return {**document, "checksum": checksum(document)}


def _entry_order(entry: _Document) -> tuple[str, str]:
    return entry["address"], json.dumps(entry["key"], sort_keys=True)


def _answer_entry(answer: CachedAnswer) -> dict[str, Any]:
    entry: dict[str, Any] = {"address": answer.address, "key": _key_entry(answer.key)}
    response = answer.response
    if response is None:
        return {**entry, "no_message": True}
    return {
        **entry,
        "answer_from": response.source,
        "transport": "tcp" if response.over_tcp else "udp",
        "message": base64.b64encode(response.wire).decode("ascii"),
    }


def _undecided_entry(query: Undecided) -> dict[str, Any]:
    return {**query._asdict(), "key": _key_entry(query.key)}


def _key_entry(key: QueryKey) -> dict[str, Any]:
    entry = {name: value for name, value in key._asdict().items() if value != QueryKey._field_defaults.get(name)}
    if key.edns is not None:
        entry["edns"] = _edns_entry(key.edns)
    if key.qname_octets is not None:
        entry["qname_octets"] = key.qname_octets.hex()
    return entry


def _edns_entry(edns: Edns) -> dict[str, Any]:
    return {
        "version": edns.version,
        "payload": edns.payload,
        "do": edns.do,
        "z": edns.z,
        "extended_rcode": edns.extended_rcode,
        "options": [[code, value.hex()] for code, value in edns.options],
    }


def _origin_entry(address: str, origin: Origin) -> dict[str, Any]:
    return {
        "ip": address,
        "asns": list(origin.asns),
        "prefix": origin.prefix,
        "raw": origin.raw,
        "code": origin.code.value,
        "source": origin.source,
    }


def _replace(path: Path, octets: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(octets)
            file.flush()
            Path(file.name).chmod(0o666 & ~_umask())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _unpacked(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP_MAGIC
        with gzip.open(path) if packed else path.open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise CacheFileError(f"cannot read the packet cache {path}: {error}") from error
    if len(octets) > MAX_OCTETS:
        raise CacheFileError(f"the packet cache {path} is larger than {MAX_OCTETS} bytes")
    return octets


def _parse(octets: bytes, problems: list[str]) -> PacketCache:
    """Return the content of a file. Raises ValueError if it has no entries that could be used, or is truncated."""
    if looks_like_recording(octets):
        text = octets.decode("utf-8", "replace")
        if is_truncated(text):
            raise ValueError("the recording is truncated")
        answers = [CachedAnswer(*item) for item in read_recording(text, problems)]
        return PacketCache(answers, problems=problems, recorded_at=recording_time(text))
    if looks_like_cbor(octets):
        recording = read_cbor(octets, problems)
        found = [CachedAnswer(*item) for item in recording.answers]
        return PacketCache(found, problems=problems, recorded_at=recording.recorded_at)
    try:
        document = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not a packet cache and not a Zonemaster recording, or truncated: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"the format is not {FORMAT}")
    if document.get("version") not in READABLE_VERSIONS:
        readable = " and ".join(map(str, READABLE_VERSIONS))
        raise ValueError(f"version {document.get('version')!r} is not supported; supported versions are {readable}")
    if document.get("checksum") != checksum(document):
        problems.append("the checksum does not match")
    return PacketCache(
        _answers(document, problems),
        _origins(document, problems),
        list(_each(document, "undecided", _read_undecided, problems)),
        problems,
        _recorded_at(document, problems),
    )


def _recorded_at(document: _Document, problems: list[str]) -> float | None:
    value = document.get("recorded_at")
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_TIME):
        return value
    problems.append("recorded_at is not a time")
    return None


def _answers(document: _Document, problems: list[str]) -> list[CachedAnswer]:
    answers = [*_each(document, "nameservers", _read_answer, problems)]
    answers += _each(document, "zone_transfers", _read_answer, problems)
    for several in _each(document, "recursor", _read_recursor, problems):
        answers += several
    return answers


def _origins(document: _Document, problems: list[str]) -> dict[str, Origin]:
    return dict(_each(document, "asn", _read_origin, problems))


def _each(document: _Document, section: str, read: Callable[[Any], _T], problems: list[str]) -> Iterator[_T]:
    entries = document.get(section) or []
    if not isinstance(entries, list):
        problems.append(f"{section} is not a list")
        return
    for position, entry in enumerate(entries):
        try:
            yield read(entry)
        except (WireError, KeyError, TypeError, ValueError, AttributeError) as error:
            problems.append(f"{section}[{position}]: {type(error).__name__}: {error}")


def _read_answer(entry: Any) -> CachedAnswer:
    key = _read_key(entry["key"])
    address = names.canonical_address(entry["address"])
    if entry.get("no_message"):
        return CachedAnswer(address, key, None)
    over_tcp = key.tcp if "transport" not in entry else {"udp": False, "tcp": True}[entry["transport"]]
    return CachedAnswer(address, key, _read_message(entry, key, entry.get("answer_from") or address, over_tcp=over_tcp))


def _read_undecided(entry: Any) -> Undecided:
    address = names.canonical_address(entry["address"])
    return Undecided(str(entry["name"]), address, _read_key(entry["key"]), int(entry["sent"]), float(entry["loss"]))


def _read_message(entry: Any, key: QueryKey, source: str, *, over_tcp: bool) -> Response:
    wire = base64.b64decode(entry["message"], validate=True)
    return Response(wire, source=source, over_tcp=over_tcp, qclass=CLASS_NUMBER[key.qclass])


def _read_key(entry: Any) -> QueryKey:
    fields = dict(entry)
    fields["qname"] = names.canonical(fields["qname"])
    if fields.get("edns") is not None:
        fields["edns"] = _read_edns(fields["edns"])
    if fields.get("qname_octets") is not None:
        fields["qname_octets"] = bytes.fromhex(fields["qname_octets"])
    key = QueryKey(**fields)
    hash(key)  # a list in it counts as damage, too
    return key


def _read_edns(entry: Any) -> Edns:
    options = tuple((int(code), bytes.fromhex(value)) for code, value in entry["options"])
    return Edns(**{**entry, "options": options})


def _read_recursor(entry: Any) -> list[CachedAnswer]:
    """Read an answer of the recursor; it is attributed to each of the queried servers."""
    key = QueryKey(names.canonical(entry["name"]), entry["qtype"], entry.get("qclass", "IN"))
    answers = []
    for server in entry["nameservers"]:
        address = names.canonical_address(server["address"] if isinstance(server, dict) else server.rpartition("/")[2])
        answers.append(CachedAnswer(address, key, _read_message(entry, key, address, over_tcp=False)))
    return answers


def _read_origin(entry: Any) -> tuple[str, Origin]:
    asns = tuple(sorted(int(asn) for asn in entry["asns"]))
    origin = Origin(Code(entry["code"]), asns, str(entry["prefix"]), str(entry["raw"]), str(entry.get("source", "")))
    return names.canonical_address(entry["ip"]), origin
