"""Domain tags and their memberships."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Select, bindparam, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gonemaster_db.chunks import chunks
from gonemaster_db.errors import AmbiguousProfile, ProfileNotFound, TagExists, TagInUse, TagNotFound
from gonemaster_db.models import Cohort, Domain, DomainTag, Profile, Tag
from gonemaster_db.recent_totals import kept_totals, recent_total
from gonemaster_db.upsert import insert

_CHUNK = 5000
# Made once: a statement with its own list of names is a reference cycle, which keeps the names until it is collected.
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


@dataclass(frozen=True, slots=True)
class TagSummary:
    """Counts of the newest runs of a tag's domains by level (`ok` is below NOTICE) and grade."""

    tag: str
    domain_count: int
    ok: int
    notice: int
    warning: int
    error: int
    critical: int
    grades: Mapping[str, int]


def list_tags(session: Session, *, limit: int = 100, offset: int = 0) -> list[ListedTag]:
    """List tags by name."""
    tags = session.scalars(select(Tag).order_by(Tag.name).limit(limit).offset(offset)).all()
    known = kept_totals(session, [_key(tag.name) for tag in tags])
    names = [tag.name for tag in tags if _key(tag.name) not in known]
    query = select(DomainTag.tag, func.count()).where(DomainTag.tag.in_(names)).group_by(DomainTag.tag)
    counted: Counter[str] = Counter({row[0]: row[1] for row in session.execute(query)})
    return [
        ListedTag(tag, recent_total(session, _key(tag.name), partial(counted.__getitem__, tag.name))) for tag in tags
    ]


def get_tag(session: Session, name: str) -> ListedTag:
    """Read a tag. Raises TagNotFound."""
    row = session.execute(_with_counts().where(Tag.name == name)).one_or_none()
    if row is None:
        raise TagNotFound(name)
    return ListedTag(*row)


def require_tag(session: Session, name: str) -> None:
    """Check that a tag exists, without counting its domains. Raises TagNotFound."""
    _tag(session, name)


def create_tag(session: Session, name: str, *, description: str = "", now: datetime) -> Tag:
    """Create a tag. Raises TagExists."""
    row = {"name": name, "description": description, "created_at": now}
    made = insert(session, Tag).values(row).on_conflict_do_nothing().returning(Tag.name)
    if session.execute(made).first() is None:
        raise TagExists(name)
    return session.scalars(select(Tag).where(Tag.name == name)).one()


def describe_tag(session: Session, name: str, description: str) -> Tag:
    """Change the description. Raises TagNotFound."""
    tag = _tag(session, name)
    tag.description = description
    session.flush()
    return tag


def delete_tag(session: Session, name: str) -> None:
    """Remove the tag and its memberships; domains and runs stay.

    Raises:
        TagNotFound: no such tag.
        TagInUse: a cohort is made from it.
    """
    tag = _tag(session, name)
    # Asked before: the foreign key would refuse it as well, but only after the memberships are gone.
    if session.scalar(select(Cohort.id).where(Cohort.source_tag == name)) is not None:
        raise TagInUse(name)
    session.delete(tag)
    try:
        session.flush()
    except IntegrityError as error:
        raise TagInUse(name) from error


def set_default_profile(session: Session, name: str, profile_id: int | None) -> None:
    """Set or clear the profile that jobs for the tag's domains use. Raises TagNotFound, ProfileNotFound."""
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
    """Add each of the domains to each of the tags; missing tags are created."""
    tags = sorted(set(names))
    ensure_tags(session, tags, now=now)
    for chunk in chunks(sorted(set(domain_ids)), _CHUNK):
        rows = [{"domain_id": domain_id, "tag": tag} for tag in tags for domain_id in chunk]
        if rows:
            session.execute(insert(session, DomainTag).on_conflict_do_nothing(), rows)


def untag_domains(session: Session, name: str, domains: Iterable[str]) -> int:
    """Remove domains, given by name, from a tag; returns the number of removed memberships."""
    removed = 0
    for chunk in chunks(sorted(set(domains)), _CHUNK):
        ids = select(Domain.id).where(Domain.name.in_(chunk))
        gone = delete(DomainTag).where(DomainTag.tag == name, DomainTag.domain_id.in_(ids))
        options = {"synchronize_session": False}
        removed += len(session.scalars(gone.returning(DomainTag.domain_id), execution_options=options).all())
    return removed


def tags_of_domains(session: Session, domain_ids: Sequence[int]) -> dict[int, list[str]]:
    """List the tags of each domain by name; a domain without tags is absent."""
    query = select(DomainTag.domain_id, DomainTag.tag).where(DomainTag.domain_id.in_(domain_ids))
    tags: dict[int, list[str]] = {}
    for domain_id, tag in session.execute(query.order_by(DomainTag.tag)):
        tags.setdefault(domain_id, []).append(tag)
    return tags


def count_tag_domains(session: Session, name: str) -> int:
    """Count the domains of a tag; 0 if there is no such tag."""
    query = select(func.count()).select_from(DomainTag).where(DomainTag.tag == name)
    return recent_total(session, _key(name), lambda: session.scalar(query) or 0)


def iter_tag_domains(session: Session, name: str) -> Iterator[str]:
    """Yield the names of a tag's domains in order, in constant memory."""
    last = ""
    query = select(Domain.name).join(DomainTag, DomainTag.domain_id == Domain.id).where(DomainTag.tag == name)
    while names := session.scalars(query.where(Domain.name > last).order_by(Domain.name).limit(_CHUNK)).all():
        yield from names
        last = names[-1]


def default_profile_id(session: Session, domain: str, *, tags: Iterable[str] = ()) -> int | None:
    """Return the default profile of a domain's tags and of `tags`, which it is about to join; None if they have none.

    Raises:
        AmbiguousProfile: the tags have different ones.
    """
    own = default_profile_ids(session, [domain]).get(domain, [])
    found = sorted({*own, *profile_ids_of_tags(session, tags)})
    if len(found) > 1:
        raise AmbiguousProfile(found)
    return found[0] if found else None


def profile_ids_of_tags(session: Session, names: Iterable[str]) -> list[int]:
    """Return the default profiles of tags; a missing tag has none."""
    query = select(Tag.default_profile_id).where(Tag.name.in_(set(names)), Tag.default_profile_id.is_not(None))
    return sorted({found for found in session.scalars(query) if found is not None})


def default_profile_ids(session: Session, domains: Iterable[str]) -> dict[str, list[int]]:
    """Return the default profiles of the tags of many domains by name; a domain without one is absent."""
    found: dict[str, list[int]] = {}
    for chunk in chunks(domains, _CHUNK):
        for domain, profile_id in session.execute(_PROFILES_OF_DOMAINS, {"names": chunk}):
            if profile_id is not None:
                found.setdefault(domain, []).append(profile_id)
    return found


def summarise_tag(session: Session, name: str) -> TagSummary:
    """Count the newest runs of the tag's domains. Raises TagNotFound, also for a tag without domains."""
    members = select(DomainTag.domain_id).where(DomainTag.tag == name)
    columns = (Domain.latest_rank, Domain.latest_grade)
    by_rank: Counter[int] = Counter()
    grades: Counter[str] = Counter()
    counted = select(*columns, func.count()).where(Domain.id.in_(members)).group_by(*columns)
    for rank, grade, number in session.execute(counted):
        by_rank[rank] += number
        if grade is not None:
            grades[grade] += number
    if not by_rank:
        raise TagNotFound(name)
    ok, notice, warning, error, critical = (by_rank[rank] for rank in range(5))
    return TagSummary(name, by_rank.total(), ok, notice, warning, error, critical, grades)


def _key(name: str) -> tuple[str, str]:
    return "domains of tag", name


def _with_counts() -> "Select[Tag, int]":
    counted = select(func.count()).where(DomainTag.tag == Tag.name).correlate(Tag).scalar_subquery()
    return select(Tag, counted)


def _tag(session: Session, name: str) -> Tag:
    tag = session.scalar(select(Tag).where(Tag.name == name))
    if tag is None:
        raise TagNotFound(name)
    return tag
