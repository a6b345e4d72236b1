"""Checks of the data that the package contains: root hints, trust anchors and special-purpose registries.

The doctor compares hints and anchors with the answers of root servers. `reference-data check` also compares all files
with their sources at IANA, or with copies of them in a folder.
"""

import asyncio
import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from gonemaster_api.server.doctor.findings import DoctorResult, as_text, has_issues, ok, skipped, warning
from gonemaster_db.core.clock import utcnow
from gonemaster_engine.addresses import REGISTRIES
from gonemaster_engine.dnssec.anchors import ANCHORS_FILE, parse_anchors, root_anchors
from gonemaster_engine.dnssec.records import Ds, key_tag
from gonemaster_engine.errors import EngineError
from gonemaster_engine.resources import DEFAULT_HINTS, Hints, load_anchors, load_hints, parse_hints
from gonemaster_engine.run.priming import PrimedRoot, hint_differences, hints_date, prime, unknown_keys
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.reference_data.download import download

_OLD = timedelta(days=365)
_MAX_OCTETS = 100_000
_UPGRADE = "upgrade gonemaster; until then, name a current file in root_hints_path"
_SOURCES = {
    DEFAULT_HINTS.name: "https://www.internic.net/domain/named.root",
    ANCHORS_FILE.name: "https://data.iana.org/root-anchors/root-anchors.xml",
} | {
    name: f"https://www.iana.org/assignments/{name.removesuffix('.csv')}/{name.removesuffix('.csv')}-1.csv"
    for name in REGISTRIES
}


def check_root(settings: Settings) -> list[DoctorResult]:
    """Compare root hints and trust anchors with the answers of a root server (RFC 9609)."""
    path = settings.root_hints_path or DEFAULT_HINTS
    try:
        hints, anchors = load_hints(path), load_anchors(path)
    except EngineError as error:
        return [skipped("root", str(error))]
    if not settings.root_hints_path:
        anchors = root_anchors()
    sources = (settings.source_addr4, settings.source_addr6)
    primed = asyncio.run(prime(hints, port=settings.dns_port, sources=sources))
    return [
        _hints_result(hints, hints_date(path.read_text("utf-8")), primed),
        _anchors_result(anchors, primed, is_private=bool(settings.root_hints_path)),
    ]


def _hints_result(hints: Hints, updated: date | None, primed: PrimedRoot | None) -> DoctorResult:
    of = f"root hints of {updated}" if updated else "root hints"
    if primed is None:
        if updated and utcnow().date() - updated > _OLD:
            text = f"{of}, older than a year, and no root server answers that could confirm them"
            return warning("root", text, f"run gonemaster-server reference-data check, or {_UPGRADE}")
        return skipped("root", f"{of}: no root server answers")
    found = list(hint_differences(hints, primed.servers))
    if found:
        return warning("root", f"{of}: {'; '.join(found)} (answer of {primed.address})", _UPGRADE)
    return ok("root", f"{of}: {primed.address} confirms all {len(hints)} servers")


def _anchors_result(anchors: Sequence[Ds], primed: PrimedRoot | None, *, is_private: bool) -> DoctorResult:
    if not anchors:
        return skipped("root", "the file of root_hints_path has no DS records, so the root is not validated")
    if primed is None or not primed.keys:
        return skipped("root", "trust anchors: no root server sends the keys of the root")
    tags = ", ".join(str(anchor.tag) for anchor in anchors)
    unknown = unknown_keys(primed.keys, anchors)
    if unknown:
        keys = ", ".join(str(key_tag(key.rdata)) for key in unknown)
        text = f"the root has the key {keys}, which is not among the trust anchors {tags}"
        advice = (
            "correct the DS records in root_hints_path" if is_private else "upgrade gonemaster before the key signs"
        )
        return warning("root", text, advice)
    return ok("root", f"trust anchors {tags} cover all keys that sign the keys of the root")


def check_reference_data(settings: Settings, folder: Path | None) -> int:
    """Compare the files of the package with their sources, and print the findings. Return 1 if any differs.

    `folder` has copies of the sources, for machines without access to IANA.
    """
    findings = [*check_root(settings), *(_compared(name, settings, folder) for name in _SOURCES)]
    sys.stdout.write(as_text(findings))
    return 1 if has_issues(findings) else 0


def _compared(name: str, settings: Settings, folder: Path | None) -> DoctorResult:
    place = str(folder / name) if folder else _SOURCES[name]
    own = (DEFAULT_HINTS.parent / name).read_text("utf-8")
    try:
        raw = (folder / name).read_bytes() if folder else _downloaded(place, settings)
        found = list(_DIFFERENCES[Path(name).suffix](own, raw.decode("utf-8")))
    except (OSError, ValueError, EngineError) as error:
        text = f"cannot be compared: {place}: {error}"
        return warning(name, text, "allow the download, or download the file elsewhere and use --from DIR")
    if found:
        return warning(name, f"differs from {place}: {'; '.join(found)}", "upgrade gonemaster, or report this")
    return ok(name, f"agrees with {place}")


def _downloaded(url: str, settings: Settings) -> bytes:
    return download(url, limit=settings.external_data_timeout, max_octets=_MAX_OCTETS)


def _other_hints(own: str, current: str) -> Iterator[str]:
    return hint_differences(parse_hints(own), parse_hints(current))


def _other_anchors(own: str, current: str) -> Iterator[str]:
    ours, theirs = ({(each.ds.tag, each.ds.digest): each for each in parse_anchors(text)} for text in (own, current))
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in theirs:
            yield f"IANA no longer lists the anchor {key[0]}"
        elif key not in ours:
            yield f"the anchor {key[0]} is missing"
        elif ours[key] != theirs[key]:
            yield f"the anchor {key[0]} has another period of validity"


def _other_blocks(own: str, current: str) -> Iterator[str]:
    ours, theirs = ({row["Address Block"]: row for row in csv.DictReader(text.splitlines())} for text in (own, current))
    for block in sorted(ours.keys() ^ theirs.keys()):
        yield f"{' '.join(block.split())} is {'missing' if block in theirs else 'no longer registered'}"
    for block in sorted(ours.keys() & theirs.keys()):
        if ours[block]["Globally Reachable"] != theirs[block]["Globally Reachable"]:
            yield f"{block} is now globally reachable: {theirs[block]['Globally Reachable']}"


_DIFFERENCES: dict[str, Callable[[str, str], Iterator[str]]] = {
    ".root": _other_hints,
    ".xml": _other_anchors,
    ".csv": _other_blocks,
}
