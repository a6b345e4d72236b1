"""Domain tags and which domains carry them."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from gonemaster_db.chunks import chunks
from gonemaster_db.models import DomainTag, Tag
from gonemaster_db.upsert import insert

_CHUNK = 5000


def ensure_tags(session: Session, names: Iterable[str], *, now: datetime) -> None:
    """Make the tags that do not exist."""
    rows = [{"name": name, "description": "", "created_at": now} for name in sorted(set(names))]
    if rows:
        session.execute(insert(session, Tag).on_conflict_do_nothing(), rows)


def tag_domains(session: Session, names: Iterable[str], domain_ids: Iterable[int], *, now: datetime) -> None:
    """Put each of the domains into each of the tags; tags that do not exist are made."""
    tags = sorted(set(names))
    ensure_tags(session, tags, now=now)
    for chunk in chunks(sorted(set(domain_ids)), _CHUNK):
        rows = [{"domain_id": domain_id, "tag": tag} for tag in tags for domain_id in chunk]
        if rows:
            session.execute(insert(session, DomainTag).on_conflict_do_nothing(), rows)
