"""Policies of jobs and runs: bundled ones of the engine, and stored ones."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import PolicyNotFound
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.domains.policies import get_policy, list_policies
from gonemaster_db.models import Run, StoredPolicy
from gonemaster_engine.findings.causes.model import Cause
from gonemaster_engine.policies.policy import Policy, load, names, unknown_policy
from gonemaster_engine.policies.verdict import PolicyVerdict, judge
from gonemaster_engine.testcases.catalogue import select
from gonemaster_tasks.control.verdicts import as_reported

_MAX_CACHED = 100
_APART = ("name", "version")  # keys of a document that have columns


def document_to_store(policy: Policy) -> dict[str, Any]:
    """Return the document of a policy without its name and version."""
    return {key: value for key, value in policy.as_dict().items() if key not in _APART}


def policy_of_row(row: StoredPolicy) -> Policy:
    """Return a stored policy. Raises PolicyError if this engine does not know a tag or test case of it any more."""
    return load({**row.document, "name": row.name, "version": str(row.version)})


def find_policy(session: Session, name: str) -> Policy:
    """Return the bundled or stored policy of a name. Raises PolicyError."""
    if name in names():
        return load(name)
    try:
        return policy_of_row(get_policy(session, name))
    except PolicyNotFound:
        known = [*names(), *(row.name for row in list_policies(session))]
        raise unknown_policy(name, known) from None


def policy_reference(policy: Policy) -> dict[str, str]:
    """Return name and version of a policy, as jobs store them."""
    return {"name": policy.name, "version": policy.version}


def read_policy_version(session: Session, name: str, version: str) -> Policy | None:
    """Return a version of a policy; None for a bundled policy of another release, or if there is none.

    Raises PolicyError.
    """
    if name in names():
        bundled = load(name)
        return bundled if bundled.version == version else None
    try:
        return policy_of_row(get_policy(session, name, int(version)))
    except (PolicyNotFound, ValueError):
        return None


@dataclass
class PolicyCache:
    """The policies of recent jobs of a process; a version never changes."""

    _known: LRUCache[tuple[str, str], Policy | None] = field(default_factory=lambda: LRUCache(_MAX_CACHED))

    def get(self, store: Store, reference: Mapping[str, str]) -> Policy | None:
        """Return the policy of a job. Raises PolicyError."""
        key = reference["name"], reference["version"]
        if key not in self._known:
            with store.read_only() as session:
                self._known[key] = read_policy_version(session, *key)
        return self._known[key]


def judge_run_by_policy(
    policy: Policy,
    run: Run,
    entries: Iterable[EntryRecord],
    causes: Sequence[Cause],
    *,
    profile: str | None,
    exclude: Collection[str] = (),
) -> PolicyVerdict:
    """Return the verdict of a policy on a stored run; `profile` is its effective profile as JSON text."""
    document = json.loads(profile) if profile else {}
    tests = run.config.get("tests")
    selected = [case.id for case in select(tests or (), exclude)]
    planned = selected if tests else [case for case in selected if case in document.get("test_cases", ())]
    net = document.get("net", {})
    families = [family for family in ("ipv4", "ipv6") if net.get(family, True)]
    reported = [as_reported(row) for row in entries]
    return judge(policy, reported, domain=run.domain, planned=planned, families=families, causes=causes)
