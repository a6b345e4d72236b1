"""Batch jobs for all domains of a tag, created while the domains are read."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.errors import AmbiguousProfile
from gonemaster_db.core.records import NewJob
from gonemaster_db.domains.profiles import get_profile
from gonemaster_db.domains.tags import default_profile_ids, iter_tag_domains
from gonemaster_db.models import Priority
from gonemaster_tasks.control.policies.stored import find_policy, policy_reference

CHUNK = 5000


def jobs_of_tag(
    session: Session, tag: str, *, profile_id: int | None, origin: str, policy: str | None = None
) -> Iterator[NewJob]:
    """Yield a job for each domain of a tag, with the given profile or the default one of its tags.

    Raises:
        AmbiguousProfile: the tags of a domain have different default profiles.
        ProfileNotFound: the profile does not exist.
        PolicyError: the policy does not exist any more.
    """
    config: dict[str, Any] = {"origin": origin}
    if policy is not None:
        config["policy"] = policy_reference(find_policy(session, policy))

    @cache
    def name_of(profile_id: int) -> str:
        return get_profile(session, profile_id).name

    profile_ids = [] if profile_id is None else [profile_id]
    for names in chunks(iter_tag_domains(session, tag), CHUNK):
        defaults = {} if profile_ids else default_profile_ids(session, names)
        for name in names:
            chosen = _only(name, profile_ids or defaults.get(name, []))
            yield NewJob(
                name,
                priority=Priority.BATCH,
                profile_id=chosen,
                profile_name="" if chosen is None else name_of(chosen),
                config=config,
            )


def _only(domain: str, profile_ids: list[int]) -> int | None:
    if len(profile_ids) > 1:
        raise AmbiguousProfile(profile_ids, domain)
    return profile_ids[0] if profile_ids else None
