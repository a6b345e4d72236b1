"""The differences between two policies, each with its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gonemaster_engine.policies.policy import Policy
from gonemaster_engine.profile.schema import Document

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
KINDS = (ADDED, REMOVED, CHANGED)


@dataclass(frozen=True, slots=True)
class PolicyDifference:
    """A value that one of two policies has, or that differs; an item of a list is named by its value."""

    path: str
    kind: str  # one of KINDS
    before: Any = None
    after: Any = None


def diff_policies(before: Policy, after: Policy) -> list[PolicyDifference]:
    """Return the differences, ordered by path; names and versions are not compared."""
    return sorted(_differences("", _comparable(before), _comparable(after)), key=lambda each: each.path)


def _comparable(policy: Policy) -> Document:
    """Return the document with its suites by name."""
    document = policy.as_dict()
    suites = {
        suite["name"]: {key: value for key, value in suite.items() if key != "name"} for suite in document["suites"]
    }
    kept = {key: value for key, value in document.items() if key not in ("name", "version", "suites")}
    return {**kept, "suites": suites}


def _differences(path: str, before: Any, after: Any) -> Iterator[PolicyDifference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in {**before, **after}:
            below = f"{path}.{key}" if path else str(key)
            if key not in before:
                yield PolicyDifference(below, ADDED, after=after[key])
            elif key not in after:
                yield PolicyDifference(below, REMOVED, before=before[key])
            else:
                yield from _differences(below, before[key], after[key])
    elif isinstance(before, list) and isinstance(after, list):
        yield from (PolicyDifference(path, REMOVED, before=item) for item in before if item not in after)
        yield from (PolicyDifference(path, ADDED, after=item) for item in after if item not in before)
    elif before != after:
        yield PolicyDifference(path, CHANGED, before, after)
