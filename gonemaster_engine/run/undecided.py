"""Queries without a verdict: packets to the server were lost, so its silence proves nothing.

A test case sees no response. When it ends, its findings that may be due to the missing response are removed, and the
run reports the queries instead, once per address.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.tags import SERVER_KEYS
from gonemaster_engine.net.server.pending import Answer, Undecided
from gonemaster_engine.run_log import Log

TAG = "NO_ANSWER_UNDECIDED"


def without_undecided(
    entries: Iterable[Entry], undecided: Mapping[Answer, Undecided], queried: Collection[Answer]
) -> list[Entry]:
    """Return the entries of a test case without the problems that undecided queries may have caused.

    `queried` are the answers that the case itself requested. Problems are entries at NOTICE and above. A problem of
    several servers loses the undecided ones; a problem that names no server is removed if the case itself has an
    undecided query.
    """
    if not undecided:
        return list(entries)
    own = {each.address for answer, each in undecided.items() if answer in queried}
    if not own:
        return list(entries)
    found = []
    for entry in entries:
        if entry.level < Level.NOTICE:
            found.append(entry)
        elif (args := _decided(entry.args, own)) is not None:
            found.append(entry._replace(args=args))
    return found


def _decided(args: Mapping[str, Any], addresses: Collection[str]) -> dict[str, Any] | None:
    """Return the arguments of a problem without these addresses, or None if no server is left."""
    if args.get("address") in addresses:
        return None
    lists = {key: value for key, value in args.items() if key in SERVER_KEYS}
    if not lists:
        return dict(args) if "address" in args else None
    left = {
        key: [each for each in servers if not isinstance(each, dict) or each.get("address") not in addresses]
        for key, servers in lists.items()
    }
    return {**args, **left} if any(left.values()) else None


def report_undecided(undecided: Iterable[Undecided], log: Log) -> None:
    """Add an entry for each address with undecided queries, with the number of queries and packets."""
    by_address: dict[str, list[Undecided]] = {}
    for each in undecided:
        by_address.setdefault(each.address, []).append(each)
    for address, queries in by_address.items():
        loss = max(each.loss for each in queries)
        log.defer(
            TAG,
            ns=min(each.name for each in queries),
            address=address,
            query_types=sorted({each.key.qtype for each in queries}),
            queries=len(queries),
            packets=sum(each.sent for each in queries),
            loss=round(100 * loss),
        )
