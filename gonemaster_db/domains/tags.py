"""Domain tags and their memberships."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import AmbiguousProfile, ProfileNotFound, TagExists, TagInUse, TagNotFound
from gonemaster_db.core.recent_totals import EXACT, cached_totals, recent, recent_total
from gonemaster_db.core.upsert import insert
from gonemaster_db.domains.tag_summaries import TagSummary, count_newest, stored_summaries
from gonemaster_db.models import Cohort, Domain, DomainTag, Profile, Tag

CHUNK = 5000
# Built once: a statement with its own list of names is a reference cycle, which keeps the names in memory until the
# garbage collector runs.
_PROFILES_OF_DOMAINS = (
    select(Domain.name, Tag.default_profile_id)
    .join(DomainTag, DomainTag.domain_id == Domain.id)
    .join(Tag, Tag.name == DomainTag.tag)
    .where(Domain.name.in_(bindparam("names", expanding=True)), Tag.default_profile_id.is_not(None))
    .distinct()
    .order_by(Domain.name, Tag.default_profile_id)
)


@dataclass(frozen=True, slots=True)
class ListedTag:
    """A tag with the number of its domains."""

    tag: Tag
    domain_count: int


def list_tags(session: Session, *, limit: int = 100, offset: int = 0) -> list[ListedTag]:
    """List tags by name."""
    tags = session.scalars(select(Tag).order_by(Tag.name).limit(limit).offset(offset)).all()
    numbers = _stored_numbers(session, [tag.name for tag in tags])
    recent_ones = cached_totals(session, [_key(tag.name) for tag in tags])
    names = [tag.name for tag in tags if tag.name not in numbers and _key(tag.name) not in recent_ones]
    query = select(DomainTag.tag, func.count()).where(DomainTag.tag.in_(names)).group_by(DomainTag.tag)
    counted: Counter[str] = Counter({row[0]: row[1] for row in session.execute(query)})
    for name in {tag.name for tag in tags} - numbers.keys():
        numbers[name] = recent_total(session, _key(name), partial(counted.__getitem__, name))
    return [ListedTag(tag, numbers[tag.name]) for tag in tags]


def count_tags(session: Session) -> int:
    """Count the tags."""
    return session.scalar(select(func.count()).select_from(Tag)) or 0


def list_tag_names(session: Session, *, limit: int) -> Sequence[str]:
    """Return the first tag names without counting their domains."""
    return session.scalars(select(Tag.name).order_by(Tag.name).limit(limit)).all()


def find_tag_names(session: Session, part: str, *, limit: int) -> Sequence[str]:
    """Return the first tag names that contain a text, ignoring case."""
    query = select(Tag.name).where(func.lower(Tag.name).contains(part.lower(), autoescape=True))
    return session.scalars(query.order_by(Tag.name).limit(limit)).all()


def get_tag(session: Session, name: str) -> ListedTag:
    """Read a tag. Raises TagNotFound."""
    tag = _tag(session, name)
    stored = _stored_numbers(session, [name])
    return ListedTag(tag, stored[name] if stored else count_tag_domains(session, name))


def require_tag(session: Session, name: str) -> None:
    """Check that a tag exists, without counting its domains. Raises TagNotFound."""
    _tag(session, name)


def create_tag(session: Session, name: str, *, description: str = "", now: datetime) -> Tag:
    """Create a tag. Raises TagExists."""
    row = {"name": name, "description": description, "created_at": now}
    inserted = insert(session, Tag).values(row).on_conflict_do_nothing().returning(Tag.name)
    if session.execute(inserted).first() is None:
        raise TagExists(name)
    return session.scalars(select(Tag).where(Tag.name == name)).one()


def describe_tag(session: Session, name: str, description: str) -> Tag:
    """Change the description. Raises TagNotFound."""
    tag = _tag(session, name)
    tag.description = description
    session.flush()
    return tag


def delete_tag(session: Session, name: str) -> None:
    """Remove a tag and its memberships; domains and runs are not deleted.

    Raises: TagNotFound: The tag does not exist. TagInUse: A cohort uses the tag.
    """
    tag = _tag(session, name)
    # Checked first: the foreign key would refuse it too, but only after the memberships were removed.
    if session.scalar(select(Cohort.id).where(Cohort.source_tag == name)) is not None:
        raise TagInUse(name)
    session.delete(tag)
    try:
        session.flush()
    except IntegrityError as error:
        raise TagInUse(name) from error


def set_default_profile(session: Session, name: str, profile_id: int | None) -> None:
    """Set or clear the profile for jobs of the tag's domains. Raises TagNotFound, ProfileNotFound."""
    tag = _tag(session, name)
    if profile_id is not None and session.get(Profile, profile_id) is None:
        raise ProfileNotFound(profile_id)
    tag.default_profile_id = profile_id
    session.flush()


def ensure_tags(session: Session, names: Iterable[str], *, now: datetime) -> None:
    """Create the tags that do not exist."""
    rows = [{"name": name, "description": "", "created_at": now} for name in sorted(set(names))]
    if rows:
        session.execute(insert(session, Tag).on_conflict_do_nothing(), rows)


def tag_domains(session: Session, names: Iterable[str], domain_ids: Iterable[int], *, now: datetime) -> None:
    """Add each domain to each tag; create missing tags."""
    tags = sorted(set(names))
    ensure_tags(session, tags, now=now)
    for chunk in chunks(sorted(set(domain_ids)), CHUNK):
        rows = [{"domain_id": domain_id, "tag": tag} for tag in tags for domain_id in chunk]
        if rows:
            session.execute(insert(session, DomainTag).on_conflict_do_nothing(), rows)


def untag_domains(session: Session, name: str, domains: Iterable[str]) -> int:
    """Remove domains, given by name, from a tag; return the number of removed memberships."""
    removed = 0
    for chunk in chunks(sorted(set(domains)), CHUNK):
        ids = select(Domain.id).where(Domain.name.in_(chunk))
        deletion = delete(DomainTag).where(DomainTag.tag == name, DomainTag.domain_id.in_(ids))
        options = {"synchronize_session": False}
        removed += len(session.scalars(deletion.returning(DomainTag.domain_id), execution_options=options).all())
    return removed


def tags_of_domains(session: Session, domain_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return the tags of each domain, sorted by name; a domain without tags is absent."""
    query = select(DomainTag.domain_id, DomainTag.tag).where(DomainTag.domain_id.in_(domain_ids))
    tags: dict[int, list[str]] = {}
    for domain_id, tag in session.execute(query.order_by(DomainTag.tag)):
        tags.setdefault(domain_id, []).append(tag)
    return tags


def count_tag_domains(session: Session, name: str) -> int:
    """Count the domains of a tag; 0 if the tag does not exist."""
    query = select(func.count()).select_from(DomainTag).where(DomainTag.tag == name)
    return recent_total(session, _key(name), lambda: session.scalar(query) or 0)


def iter_tag_domains(session: Session, name: str) -> Iterator[str]:
    """Yield the names of a tag's domains in order, using constant memory."""
    last = ""
    query = select(Domain.name).join(DomainTag, DomainTag.domain_id == Domain.id).where(DomainTag.tag == name)
    while names := session.scalars(query.where(Domain.name > last).order_by(Domain.name).limit(CHUNK)).all():
        yield from names
        last = names[-1]


def count_tagged(session: Session, name: str, domains: Iterable[str]) -> int:
    """Count how many of the given domains have a tag."""
    counted = 0
    for chunk in chunks(domains, CHUNK):
        ids = select(Domain.id).where(Domain.name.in_(chunk))
        query = select(func.count()).select_from(DomainTag).where(DomainTag.tag == name, DomainTag.domain_id.in_(ids))
        counted += session.scalar(query) or 0
    return counted


def default_profile_id(session: Session, domain: str, *, tags: Iterable[str] = ()) -> int | None:
    """Return the default profile of a domain's tags and of `tags`, which it is about to join; None without a default.

    Raises: AmbiguousProfile: The tags have different default profiles.
    """
    profile_ids = default_profile_ids(session, [domain]).get(domain, [])
    return single_profile_id([*profile_ids, *profile_ids_of_tags(session, tags)])


def single_profile_id(found: Iterable[int]) -> int | None:
    """Return the only profile among the default profiles of tags, or None if there is none.

    Raises: AmbiguousProfile: The tags have different profiles.
    """
    ids = sorted(set(found))
    if len(ids) > 1:
        raise AmbiguousProfile(ids)
    return ids[0] if ids else None


def tags_by_default_profile(session: Session) -> dict[int, list[str]]:
    """Return the names of the tags that have a default profile, by profile ID."""
    found: dict[int, list[str]] = {}
    query = select(Tag.default_profile_id, Tag.name).where(Tag.default_profile_id.is_not(None)).order_by(Tag.name)
    for profile_id, name in session.execute(query):
        if profile_id is not None:
            found.setdefault(profile_id, []).append(name)
    return found


def profile_ids_of_tags(session: Session, names: Iterable[str]) -> list[int]:
    """Return the default profiles of tags; a missing tag has none."""
    distinct = set(names)
    if not distinct:
        return []
    query = select(Tag.default_profile_id).where(Tag.name.in_(distinct), Tag.default_profile_id.is_not(None))
    return sorted({found for found in session.scalars(query) if found is not None})


def default_profile_ids(session: Session, domains: Iterable[str]) -> dict[str, list[int]]:
    """Return the default profiles of the tags of each domain, by domain; a domain without one is absent."""
    found: dict[str, list[int]] = {}
    for chunk in chunks(domains, CHUNK):
        for domain, profile_id in session.execute(_PROFILES_OF_DOMAINS, {"names": chunk}):
            if profile_id is not None:
                found.setdefault(domain, []).append(profile_id)
    return found


def summarise_tag(session: Session, name: str) -> TagSummary:
    """Count the newest runs of a tag's domains. Raises TagNotFound, also for a tag without domains.

    The counts of a large tag may be a minute old, or a few seconds if no maintenance task stores them.
    """
    found = stored_summaries(session, [name], now=utcnow()).get(name)
    if found is None:
        key = ("summary of tag", name)
        found = recent(
            session, key, lambda: count_newest(session, name), large=lambda summary: summary.domain_count > EXACT
        )
    if not found.domain_count:
        raise TagNotFound(name)
    return found


def _key(name: str) -> tuple[str, str]:
    return "domains of tag", name


def _stored_numbers(session: Session, names: Sequence[str]) -> dict[str, int]:
    """Return the stored numbers of domains of large tags."""
    return {name: summary.domain_count for name, summary in stored_summaries(session, names, now=utcnow()).items()}


def _tag(session: Session, name: str) -> Tag:
    tag = session.scalar(select(Tag).where(Tag.name == name))
    if tag is None:
        raise TagNotFound(name)
    return tag
