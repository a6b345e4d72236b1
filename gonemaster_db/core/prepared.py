"""Statements that PostgreSQL parses and plans once a connection.

A third of what a job cost the server was the parsing and planning of the same few statements. psycopg2 does not prepare
statements, but the server does what SQL asks: PREPARE, then EXECUTE with values.
"""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple, cast
from weakref import WeakSet

from sqlalchemy import BindParameter, Connection, Dialect, Executable, bindparam, literal_column, null, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.visitors import replacement_traverse

from gonemaster_db.core.engine import commits_each_statement, is_pooled
from gonemaster_db.core.errors import StoreConflict

_KNOWN = "gonemaster_prepared"
# The name is unknown or taken: a pooler gave the connection of another client. The result has other columns: a
# migration has changed a type.
_UNUSABLE = {"26000", "42P05", "0A000"}
_BY_INDEX = "SET LOCAL enable_seqscan = off; "
_WITHOUT_FLUSH = "SET LOCAL synchronous_commit = off; "
_refusing: WeakSet[Dialect] = WeakSet()


class _Form(NamedTuple):
    """How PostgreSQL is told; `name` depends on the whole statement, so that two releases may share a connection."""

    name: str
    prepare: str
    execute: Executable
    execute_lazily: Executable


class Prepared:
    """A statement with RETURNING or SELECT whose parameters have types and no Python defaults.

    PostgreSQL keeps its plan until tables or their statistics change, so a plan made for a small table serves a large
    one. So it may not read a whole table that has an index, and compares no column of another index than the one it
    needs by `=` or a range.
    """

    def __init__(self, statement: Executable, *, may_be_lost: bool = False) -> None:
        """With `may_be_lost` its commit, where it commits by itself, does not wait for the disk."""
        self.statement = statement
        self._may_be_lost = may_be_lost

    def execute(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Execute it; returns a CursorResult. A database that keeps none for us gets it in full from then on.

        Raises:
            StoreConflict: it was found now that the database keeps none; nothing was done by this statement.
        """
        dialect = connection.dialect
        if dialect.name != "postgresql" or dialect in _refusing or is_pooled(connection):
            return connection.execute(self.statement, values)
        try:
            known: set[str] = connection.info.setdefault(_KNOWN, set())
            if self._form.name not in known:
                connection.exec_driver_sql(self._form.prepare)
                known.add(self._form.name)
            lazy = self._may_be_lost and commits_each_statement(connection)
            return connection.execute(self._form.execute_lazily if lazy else self._form.execute, values)
        except DBAPIError as error:
            if getattr(error.orig, "pgcode", None) not in _UNUSABLE:
                raise
            _refusing.add(dialect)
            raise StoreConflict(f"prepared statements are not used any more: {error.orig}".strip()) from error

    @cached_property
    def _form(self) -> _Form:
        assert isinstance(self.statement, ClauseElement)  # noqa: S101
        # Not psycopg2's own dialect: that one writes %(name)s.
        dialect = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
        compiled: Any = _with_constants(self.statement, dialect).compile(dialect=dialect)
        parameters: dict[str, BindParameter[Any]] = {name: compiled.binds[name] for name in compiled.positiontup}
        types = ", ".join(_type_name(parameter, dialect) for parameter in parameters.values())
        body = f"({types}) AS {compiled.string}"
        name = "gonemaster_" + hashlib.blake2b(body.encode(), digest_size=8).hexdigest()
        places = ", ".join(f":{key}" for key in parameters)
        constants = [_value(key, one) for key, one in parameters.items()]
        result = compiled.statement.exported_columns

        def told(settings: str) -> Executable:
            return text(f"{settings}EXECUTE {name} ({places})").bindparams(*constants).columns(*result)

        # In one message: settings of a message without BEGIN end with it.
        return _Form(name, f"PREPARE {name} {body}", told(_BY_INDEX), told(_BY_INDEX + _WITHOUT_FLUSH))


def _type_name(parameter: BindParameter[Any], dialect: Dialect) -> str:
    return parameter.type.compile(dialect).partition(" COLLATE ")[0]


def _value(key: str, parameter: BindParameter[Any]) -> BindParameter[Any]:
    """Return the parameter of EXECUTE; a constant that could not be written into the statement brings its value."""
    if parameter.required:
        return bindparam(key, type_=parameter.type)
    return bindparam(key, parameter.value, type_=parameter.type)


def _with_constants(statement: ClauseElement, dialect: Dialect) -> ClauseElement:
    """Write the constants into the statement: each parameter costs the server a microsecond or two."""

    def written(element: Any, **_: Any) -> Any:
        if not isinstance(element, BindParameter) or element.required:
            return None
        if element.value is None:
            return null()
        render = element.type.dialect_impl(dialect).literal_processor(dialect)
        return None if render is None else literal_column(render(element.value), element.type)

    return cast("ClauseElement", replacement_traverse(statement, {}, written))
