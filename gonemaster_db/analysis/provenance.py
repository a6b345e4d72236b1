"""The origin of a snapshot's facts: engine, profile, times, and the levels of message tags."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gonemaster_db.core.upsert import insert
from gonemaster_db.models import EffectiveProfile, FactDomainSummary, Profile, Vocabulary


@dataclass(frozen=True, slots=True)
class Provenance:
    """The common properties of a snapshot's runs; if engines or profiles differ, those of most domains."""

    domain_count: int = 0
    first_run_at: datetime | None = None
    last_run_at: datetime | None = None
    engine_version: str = ""
    has_mixed_versions: bool = False
    effective_profile_id: int | None = None
    profile_id: int | None = None
    profile_name: str = ""
    has_mixed_profiles: bool = False


def read_provenance(session: Session, snapshot_id: int) -> Provenance:
    """Read the properties of the runs that a snapshot's facts come from."""
    facts = FactDomainSummary
    columns = (facts.engine_version, facts.effective_profile_id, facts.profile_id, facts.profile_name)
    numbers = (func.count(), func.min(facts.finished_at), func.max(facts.finished_at))
    query = select(*columns, *numbers).where(facts.snapshot_id == snapshot_id).group_by(*columns)
    return provenance_of(session, session.execute(query).all())


def provenance_of(session: Session, groups: Sequence[Sequence[Any]]) -> Provenance:
    """Return the common properties of groups of runs.

    A group has engine version, effective profile, profile and its name, number of domains, first and last time.
    """
    if not groups:
        return Provenance()
    versions = _by_frequency((group[0], group[4]) for group in groups if group[0])
    profiles = _by_frequency(((group[2], "" if group[2] is not None else group[3]), group[4]) for group in groups)
    (profile_id, profile_name), *_ = profiles
    names = _by_frequency((group[3], group[4]) for group in groups)
    return Provenance(
        domain_count=sum(group[4] for group in groups),
        first_run_at=min(group[5] for group in groups),
        last_run_at=max(group[6] for group in groups),
        engine_version=versions[0] if versions else "",
        has_mixed_versions=len(versions) > 1,
        effective_profile_id=_by_frequency((group[1], group[4]) for group in groups)[0],
        profile_id=_existing_profile(session, profile_id),
        profile_name=profile_name or names[0],
        has_mixed_profiles=len(profiles) > 1,
    )


def vocabulary_id(session: Session, effective_profile_id: int | None) -> int | None:
    """Find or create the vocabulary of an effective profile, its message tag levels; None if it is unknown."""
    if effective_profile_id is None:
        return None
    document = session.scalar(select(EffectiveProfile.document).where(EffectiveProfile.id == effective_profile_id))
    levels = json.loads(document).get("test_levels") if document else None
    if not isinstance(levels, dict):
        return None
    text = json.dumps(levels, sort_keys=True, separators=(",", ":"))
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    known = select(Vocabulary.id).where(Vocabulary.digest == digest)
    if (found := session.scalar(known)) is not None:
        return found
    session.execute(insert(session, Vocabulary).values(digest=digest, levels=text).on_conflict_do_nothing())
    return session.scalar(known)


def _by_frequency(counted: Any) -> Sequence[Any]:
    """Return the values by number of domains, largest first; ties are sorted by text in descending order."""
    sums: Counter[Any] = Counter()
    for value, number in counted:
        sums[value] += number
    return sorted(sums, key=lambda value: (sums[value], repr(value)), reverse=True)


def _existing_profile(session: Session, profile_id: int | None) -> int | None:
    return None if profile_id is None else session.scalar(select(Profile.id).where(Profile.id == profile_id))
