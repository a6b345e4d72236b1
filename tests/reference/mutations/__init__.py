"""Worlds for the fourteen cases: at least one world reaches each tag, and each limit has a world on either side."""

from __future__ import annotations

from typing import Final

from tests.reference.mutations import chains, denial, families, keys, parents, records, servers, signals, sizes, spf
from tests.reference.mutations.mutation import Mutation

_TABLES: Final = {
    "sizes": sizes.MUTATIONS,
    "keys": keys.MUTATIONS,
    "denial": denial.MUTATIONS,
    "parents": parents.MUTATIONS,
    "chains": chains.MUTATIONS,
    "signals": signals.MUTATIONS,
    "servers": servers.MUTATIONS,
    "records": records.MUTATIONS,
    "spf": spf.MUTATIONS,
    "families": families.MUTATIONS,
}

MUTATIONS: Final[dict[str, Mutation]] = {
    f"{group}/{name}": mutation for group, table in _TABLES.items() for name, mutation in table.items()
}
