"""A new outcome of one run as one statement of PostgreSQL.

Of a hundred runs about five found what no run did before. With a statement for each table such a run took ten
messages and cost the server twice as much as any other.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Integer,
    LargeBinary,
    Table,
    bindparam,
    column,
    exists,
    func,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy import cast as cast_as
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator, TypeEngine

from gonemaster_db.core.prepared import Prepared
from gonemaster_db.models import ModuleOutcome, ModuleOutcomeKind, Outcome, OutcomeModule
from gonemaster_db.runs.documents.packing import digest_of, unpack

_OUTCOMES = cast("Table", Outcome.__table__)
_MODULES = cast("Table", ModuleOutcome.__table__)
_KINDS = cast("Table", ModuleOutcomeKind.__table__)
_PARTS = cast("Table", OutcomeModule.__table__)


class _Listed(TypeDecorator[list[Any]]):
    """An array that is sent as one text: of ARRAY[...] the server parses each element as an expression."""

    impl = ARRAY
    cache_ok = True

    def bind_processor(self, dialect: Any) -> Any:
        """Return the function that writes the text; octets in hexadecimal."""
        return lambda values: "{" + ",".join(map(_element, values)) + "}"


def _element(value: int | bytes) -> str:
    return f'"\\\\x{value.hex()}"' if isinstance(value, bytes) else str(value)


def create_by_one_statement(session: Session, packed: bytes, parts: Iterable[bytes], *, now: datetime) -> int | None:
    """Find or create the outcome with these packed kinds, and what its modules found; returns its id.

    None: another transaction creates some of it now. What this statement has created stays, and is found by the next.
    """
    by_digest = {digest_of(part): part for part in parts}
    digests = sorted(by_digest)
    counted = [
        (place, kind, number)
        for place, digest in enumerate(digests, 1)
        for kind, number in Counter(unpack(by_digest[digest])).items()
    ]
    places, kinds, counts = map(list, zip(*counted, strict=True))
    given: Mapping[str, Any] = {
        "digest": digest_of(packed), "kinds": packed, "created_at": now, "digests": digests, "places": places,
        "counted": kinds, "counts": counts,
    }  # fmt: skip
    number: int | None = _statement().execute(session.connection(), given).scalar()
    return number


@cache
def _statement() -> Prepared:
    """Build it once: constructing it costs more than executing it."""
    digest = bindparam("digest", type_=_OUTCOMES.c.digest.type)
    known = select(_OUTCOMES.c.id).where(_OUTCOMES.c.digest == digest).with_for_update(read=True, key_share=True)
    known_outcome = known.cte("known")
    is_new = ~exists(select(literal_column("1")).select_from(known_outcome))
    digests = _array("digests", LargeBinary())
    found = select(_MODULES.c.id).where(_MODULES.c.digest == func.any(digests)).order_by(_MODULES.c.digest)
    found_modules = found.with_for_update(read=True, key_share=True).cte("found")
    made_modules = _made_modules(digests, is_new).cte("made")
    modules = union_all(select(found_modules.c.id), select(made_modules.c.id)).cte("modules")
    # One that another transaction is creating is in neither: an outcome without it would be wrong for ever.
    is_whole = select(func.count()).select_from(modules).scalar_subquery() == func.cardinality(digests)
    row = select(digest, *(bindparam(name, type_=_OUTCOMES.c[name].type) for name in ("kinds", "created_at")))
    made = insert(_OUTCOMES).from_select(["digest", "kinds", "created_at"], row.where(is_new, is_whole))
    made_outcome = made.on_conflict_do_nothing().returning(_OUTCOMES.c.id).cte("outcome")
    of_outcome = select(modules.c.id, made_outcome.c.id).join_from(modules, made_outcome, true())
    parts = plain_insert(_PARTS).from_select(["module_outcome_id", "outcome_id"], of_outcome).cte("parts")
    outcome = union_all(select(known_outcome.c.id), select(made_outcome.c.id)).subquery()
    return Prepared(select(outcome.c.id).add_cte(_counted_kinds(digests, made_modules).cte("kinds_made"), parts))


def _made_modules(digests: ColumnElement[Any], is_new: ColumnElement[bool]) -> Any:
    """Insert the modules that are not there, in order of their digests as everywhere."""
    wanted = func.unnest(digests).table_valued(column("digest", LargeBinary()), name="wanted").render_derived()
    is_known = exists().where(_MODULES.c.digest == wanted.c.digest)
    rows = select(wanted.c.digest).where(is_new, ~is_known).order_by(wanted.c.digest)
    return (
        insert(_MODULES)
        .from_select(["digest"], rows)
        .on_conflict_do_nothing()
        .returning(_MODULES.c.id, _MODULES.c.digest)
    )


def _counted_kinds(digests: ColumnElement[Any], made: CTE) -> Any:
    """Insert the kinds of the new modules; `places` are those of the modules in the list of digests, from 1 on."""
    lists = (_array(name, Integer()) for name in ("places", "counted", "counts"))
    names = ("place", "kind_id", "count")
    counted = func.unnest(*lists).table_valued(*(column(name, Integer()) for name in names), name="counted")
    counted = counted.render_derived()
    is_of = counted.c.place == func.array_position(digests, made.c.digest)
    rows = select(counted.c.kind_id, made.c.id, counted.c.count).join_from(made, counted, is_of)
    return plain_insert(_KINDS).from_select(["kind_id", "module_outcome_id", "count"], rows)


def _array(name: str, element: TypeEngine[Any]) -> ColumnElement[Any]:
    return cast_as(bindparam(name, type_=_Listed(element)), ARRAY(element))
