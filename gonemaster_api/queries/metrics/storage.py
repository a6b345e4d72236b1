"""The storage of the database: its size by table, its growth, and when its disk will be full."""

from datetime import timedelta
from typing import Any

from gonemaster_api.state import State
from gonemaster_db.core.clock import utcnow
from gonemaster_db.service.sizes import DatabaseSize, read_sizes

_LIFE_S = 60.0
MAX_SCANNED = 1 << 30  # A scan of a larger SQLite file takes longer than a request may.
MAX_DAYS = 36_500  # A later date says nothing.


def read_storage(state: State) -> dict[str, Any]:
    """Return the sizes, at most a minute old."""
    document: dict[str, Any] = state.recent.get("storage", lambda: _measure(state), life_s=_LIFE_S)
    return document


def _measure(state: State) -> dict[str, Any]:
    now = utcnow()
    sizes = read_sizes(state.store, now=now, max_scanned=MAX_SCANNED)
    days = sizes.days_until_full
    return {
        "total_bytes": sizes.total,
        "growth_per_day_bytes": sizes.growth_per_day,
        "runs": sizes.runs,
        "runs_of_last_day": sizes.runs_of_last_day,
        "free_bytes": sizes.free,
        "full_at": None if days is None or days > MAX_DAYS else now + timedelta(days=days),
        "retention_days": state.settings.retention_days,
        "tables": [_table(sizes, name, size) for name, size in sizes.tables],
    }


def _table(sizes: DatabaseSize, name: str, size: int) -> dict[str, Any]:
    return {"name": name, "bytes": size, "growth_per_day_bytes": sizes.growth_of(size)}
