"""Generated facts of a TLD: files like those of the projector, with any number of domains, in seconds a million.

Findings, times and grades are those of runs of the bundled sweep, which the projector itself has put into columns. Each
domain has an operator, drawn by Zipf's law as in real TLDs (few operators host most domains, and most operators host
few), and the operator has name servers, addresses, prefixes and one AS. Large operators have several sets of servers.
In a later snapshot some domains have other findings, and some have moved to another operator.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select

from gonemaster_db.analysis.columns.fact_files import folder_of, read_facts_file, write_facts_file
from gonemaster_db.analysis.columns.files import NewFile
from gonemaster_db.analysis.columns.location import Location, location
from gonemaster_db.core.session import open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.runner import upgrade
from gonemaster_db.models import AnalysisFile
from gonemaster_tasks.maintenance.projection.columns import ColumnProjector, ColumnSettings
from tests.support.analysis.cohorts import make_batch, make_cohort
from tests.support.analysis.runs import run_batch

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
SAMPLE = 2000
CHANGED, MOVED = 0.02, 0.005  # shares of the domains from one snapshot to the next
_ZIPF = 1.15
_DOMAINS_FOR_AN_OPERATOR = 300
_DOMAINS_FOR_A_SET = 5000  # of name servers, of the largest operator
_SYLLABLES = pa.array([consonant + vowel for consonant in "bdfghklmnprstvwz" for vowel in "aeio"])
_FIRST_AS = 4_200_000_000


@dataclass(frozen=True)
class Population:
    """A TLD with its number of domains; the same numbers give the same facts."""

    domains: int
    base: Any  # facts of real runs, as pyarrow.Table

    @property
    def operators(self) -> int:
        return max(50, self.domains // _DOMAINS_FOR_AN_OPERATOR)

    def write(self, place: Location, cohort_id: int, snapshot_id: int, *, nth: int, rows: int = 100_000) -> Any:
        """Yield the files of the nth snapshot, each with domains from everywhere, as runs finish in any order."""
        order = np.random.default_rng(7).permutation(self.domains)
        folder, first_key = folder_of(cohort_id, snapshot_id), nth * self.domains + 1
        for first in range(0, self.domains, rows):
            numbers = order[first : first + rows]
            keys = first_key + first + np.arange(len(numbers))
            yield self._file(place, folder, numbers, keys, nth)

    def _file(self, place: Location, folder: str, numbers: Any, keys: Any, nth: int) -> NewFile:
        return write_facts_file(place, folder, [self.table(numbers, keys, nth)], run_keys=keys.tolist())

    def table(self, numbers: Any, keys: Any, nth: int) -> Any:
        """Return the facts of domains (by number), whose runs have these keys, in the nth snapshot."""
        source = _hashed(numbers, 1) % len(self.base)
        for earlier in range(1, nth + 1):
            changed = _hashed(numbers, 100 + earlier) % 10_000 < CHANGED * 10_000
            source = np.where(changed, _hashed(numbers, 200 + earlier) % len(self.base), source)
        rank = self._operators(numbers, nth)
        table = self.base.take(pa.array(source))
        at = pa.array((keys * 1000).astype("int64"), pa.int64())
        begin = int((BEGIN + nth * timedelta(days=30)).timestamp()) * 1_000_000
        finished = pc.cast(pc.add(at, begin), pa.timestamp("us", tz="UTC"))
        endpoints, origins, asns = _networks(table, rank, _hashed(numbers, 3), self.domains // _DOMAINS_FOR_A_SET)
        names = _names(numbers)
        run_ids = pc.binary_join_element_wise("job_", pc.cast(pa.array(keys), pa.string()), "")
        replaced = {
            "domain": names, "run_id": run_ids, "run_key": pa.array(keys), "domain_id": pa.array(numbers + 1),
            "finished_at": finished, "projected_at": finished, "endpoints": endpoints, "origins": origins, "asns": asns,
            "batch_id": pa.array([f"batch_{nth}"] * len(numbers)),
        }  # fmt: skip
        for name, column in replaced.items():
            place = table.schema.get_field_index(name)
            table = table.set_column(place, table.schema.field(place), column.cast(table.schema.field(place).type))
        return table

    def _operators(self, numbers: Any, nth: int) -> Any:
        """Return the rank of each domain's operator; 0 is the largest."""
        drawn = _hashed(numbers, 2)
        for earlier in range(1, nth + 1):
            moved = _hashed(numbers, 300 + earlier) % 10_000 < MOVED * 10_000
            drawn = np.where(moved, _hashed(numbers, 400 + earlier), drawn)
        shares = np.cumsum(np.arange(1, self.operators + 1, dtype="float64") ** -_ZIPF)
        return np.searchsorted(shares, drawn / 2**63 * shares[-1])


def population(domains: int) -> Population:
    """Return a population with the facts of the bundled sweep."""
    return Population(domains, _base())


def _base() -> Any:
    """Project runs of the sweep with the projector of the service, and read its file."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(StoreSettings(dsn=f"{folder}/base.db"))
        upgrade(store)
        make_cohort(store)
        run_batch(store, make_batch(store), [f"d{number}.example" for number in range(SAMPLE)])
        place = Path(folder) / "facts"
        ColumnProjector().project(store, ColumnSettings(str(place)), floor="NOTICE", now=lambda: BEGIN)
        with store.read_only() as session:
            (name,) = session.scalars(select(AnalysisFile.name))
        table = read_facts_file(location(str(place)), name).combine_chunks()
        store.close()
        return table


def _hashed(numbers: Any, seed: int) -> Any:
    """Return a pseudo-random number below 2**63 for each number (SplitMix64)."""
    with np.errstate(over="ignore"):
        mixed = numbers.astype("uint64") * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed * 0x632BE59BD9B4E019 % 2**64)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(1)).astype("int64")


def _names(numbers: Any) -> Any:
    """Return pronounceable domains, a different one for each number below 2**30."""
    mixed = (numbers.astype("int64") * 0x9E3779B1) % 64**5
    parts = [_SYLLABLES.take(pa.array((mixed >> 6 * place) & 63)) for place in range(5)]
    return pc.binary_join_element_wise(*parts, ".xtld", "")


def _networks(table: Any, rank: Any, luck: Any, sets: int) -> tuple[Any, Any, Any]:
    """Return endpoints, origins and ASes of domains whose operators have these ranks; the largest has `sets` sets."""
    column = table.column("endpoints").combine_chunks()
    flat, parents = column.flatten(), column.value_parent_indices().to_numpy()
    offsets = column.offsets.to_numpy()
    nth = np.arange(len(flat)) - np.repeat(offsets[:-1] - offsets[0], np.diff(offsets))
    owner = rank[parents]
    pools = np.maximum(1, sets // (owner + 1))
    pool = luck[parents] % pools
    names = _joined("ns", nth + 1, "-", pool, ".op", owner, ".example")
    old = flat.field("address")
    is6, has = pc.match_substring(old, ":"), pc.not_equal(old, "")
    v4 = _joined("10.", (owner >> 8) & 255, ".", owner & 255, ".", (pool * 4 + nth) % 250 + 1, "")
    v6 = _joined("2001:db8:", owner >> 8, ":", (owner & 255) + (pool >> 4) * 256, "::", (pool & 15) * 16 + nth + 1, "")
    address = pc.if_else(has, pc.if_else(is6, v6, v4), "")
    fields = {field.name: flat.field(field.name) for field in flat.type}
    fields |= {"nameserver": names, "address": address} | _times(fields, _hashed(luck[parents] + nth, 4))
    struct = pa.StructArray.from_arrays(list(fields.values()), fields=list(flat.type))
    endpoints = pa.ListArray.from_arrays(column.offsets, struct, type=column.type)
    return endpoints, _origins(table, parents, owner, address, is6, has), _asns(table, parents, rank, is6, has)


def _times(fields: dict[str, Any], luck: Any) -> dict[str, Any]:
    """Return the times with another factor for each endpoint, because no two measurements are equal."""
    factor = pa.array(0.7 + 0.6 * (luck / 2**63))
    return {
        name: pc.cast(pc.round(pc.multiply(pc.cast(fields[name], pa.float64()), factor), 3), pa.float32())
        for name in ("avg_ms", "min_ms", "max_ms")
    }


def _origins(table: Any, parents: Any, owner: Any, address: Any, is6: Any, has: Any) -> Any:
    """Return an origin for each endpoint with an address."""
    kept = has.to_numpy(zero_copy_only=False)
    number = pa.array(_FIRST_AS + owner[kept])
    prefix4 = _joined("10.", (owner >> 8) & 255, ".", owner & 255, ".0/24", np.zeros(len(owner), "int64"), "")
    prefix4 = pc.utf8_slice_codeunits(prefix4, 0, -1)
    prefix6 = _joined("2001:db8:", owner >> 8, "::/48", np.zeros(len(owner), "int64"), "")
    prefix6 = pc.utf8_slice_codeunits(prefix6, 0, -1)
    kind = table.schema.field("origins").type
    struct = pa.StructArray.from_arrays(
        [
            address.filter(has),
            pa.ListArray.from_arrays(pa.array(np.arange(len(number) + 1), pa.int32()), number),
            pc.if_else(is6, prefix6, prefix4).filter(has),
            pa.array(["found"] * len(number)),
        ],
        names=["address", "asns", "prefix", "status"],
    )
    counts = np.bincount(parents[kept], minlength=len(table))
    return _as_list(struct, counts, kind)


def _asns(table: Any, parents: Any, rank: Any, is6: Any, has: Any) -> Any:
    six = np.zeros(len(table), bool)
    four = np.zeros(len(table), bool)
    kept, families = has.to_numpy(zero_copy_only=False), is6.to_numpy(zero_copy_only=False)
    six[parents[kept & families]] = True
    four[parents[kept & ~families]] = True
    counts = four.astype(int) + six
    owners = np.repeat(rank, counts)
    family = np.stack([np.where(four, 4, 0), np.where(six, 6, 0)], axis=1).reshape(-1)
    struct = pa.StructArray.from_arrays(
        [pa.array(_FIRST_AS + owners), pa.array(family[family > 0], pa.int16())], names=["asn", "family"]
    )
    return _as_list(struct, counts, table.schema.field("asns").type)


def _as_list(struct: Any, counts: Any, kind: Any) -> Any:
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, struct.cast(kind.value_type), type=kind)


def _joined(*parts: Any) -> Any:
    """Join texts and arrays of numbers, in turn."""
    arrays = [part if isinstance(part, str) else pc.cast(pa.array(part), pa.string()) for part in parts]
    return pc.binary_join_element_wise(*arrays, "")
