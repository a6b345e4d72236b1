"""Which of the name servers that a run queried serve the tested zone."""

from collections.abc import Iterable, Iterator, Mapping

from gonemaster_db.core.levels import at_least
from gonemaster_db.core.records import EntryRecord

_SHOWN = at_least("INFO")
# Entries of these modules have no arguments that name other servers.
_OF_OWN_SERVERS = frozenset({"ADDRESS", "CONNECTIVITY", "NAMESERVER"})


def own_servers(entries: Iterable[EntryRecord]) -> set[str]:
    """Return the names of the zone's own name servers that entries mention."""
    found = (entry for entry in entries if entry.module in _OF_OWN_SERVERS and entry.level in _SHOWN)
    return {name for entry in found for name in _names_in(entry)}


def _names_in(entry: EntryRecord) -> Iterator[str]:
    listed = entry.args.get("servers")
    for item in [entry.args, *(listed if isinstance(listed, list) else ())]:
        if isinstance(item, Mapping) and isinstance(item.get("ns"), str):
            yield item["ns"]
