"""Values of entry arguments, serialised so that equal values have equal text."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gonemaster_db.core.json_text import dump_json
from gonemaster_db.runs.documents.caches import EntryType
from gonemaster_db.runs.run_documents import StoredRun


def canonical_json(value: Any) -> str:
    """Return a value as JSON text; keys keep the order of the test case, which is always the same."""
    return dump_json(value)


def readable(text: str) -> str:
    """Return a serialised value for display: a string without quotes, any other value as JSON."""
    value = json.loads(text)
    return value if isinstance(value, str) else dump_json(value)


def values_of_run(run: StoredRun, kinds: Mapping[int, EntryType]) -> Iterator[tuple[str, str, str]]:
    """Yield message tag, argument and value for each argument of each entry. Raises DocumentDamaged."""
    document = run.full_document
    for position, number in enumerate(run.kinds):
        tag = kinds[number].tag
        args = document.arguments(position)
        if isinstance(args, dict):
            for argument, value in args.items():
                yield tag, argument, canonical_json(value)
