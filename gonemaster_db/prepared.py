"""Statements that PostgreSQL parses and plans once a connection.

A third of what a job cost the server was the parsing and planning of the same few statements. psycopg2 does not prepare
statements, but the server does what SQL asks: PREPARE, then EXECUTE with values.
"""

import hashlib
import itertools
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple
from weakref import WeakSet

from sqlalchemy import BindParameter, Connection, Dialect, Executable, bindparam, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import ClauseElement

from gonemaster_db.errors import StoreConflict

_KNOWN = "gonemaster_prepared"
# The name is unknown or taken: a pooler gave the connection of another client. The result has other columns: a
# migration has changed a type.
_UNUSABLE = {"26000", "42P05", "0A000"}
_refusing: WeakSet[Dialect] = WeakSet()


class _Form(NamedTuple):
    """How PostgreSQL is told; `name` depends on the whole statement, so that two releases may share a connection."""

    name: str
    prepare: str
    execute: Executable


class Prepared:
    """A statement with RETURNING or SELECT whose parameters have types and no Python defaults.

    PostgreSQL keeps its plan until tables or their statistics change, so a plan made for a small table serves a large
    one. One that looks for rows (`finds`) may not read a whole table that has an index, and compares no column of
    another index than the one it needs by `=` or a range.
    """

    def __init__(self, statement: Executable, *, finds: bool = True) -> None:
        self.statement = statement
        self._finds = finds

    def execute(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Execute it; returns a CursorResult. A database that keeps none for us gets it in full from then on.

        Raises:
            StoreConflict: it was found now that the database keeps none; nothing was done by this statement.
        """
        dialect = connection.dialect
        if dialect.name != "postgresql" or dialect in _refusing:
            return connection.execute(self.statement, values)
        try:
            known: set[str] = connection.info.setdefault(_KNOWN, set())
            if self._form.name not in known:
                connection.exec_driver_sql(self._form.prepare)
                known.add(self._form.name)
            return connection.execute(self._form.execute, values)
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
        compiled: Any = self.statement.compile(dialect=dialect)
        parameters: dict[str, BindParameter[Any]] = {name: compiled.binds[name] for name in compiled.positiontup}
        types = ", ".join(_type_name(parameter, dialect) for parameter in parameters.values())
        body = f"({types}) AS {compiled.string}"
        name = "gonemaster_" + hashlib.blake2b(body.encode(), digest_size=8).hexdigest()
        places = ", ".join(f":{key}" for key in parameters)
        careful = "SET LOCAL enable_seqscan = off; " if self._finds else ""
        execute = text(f"{careful}EXECUTE {name} ({places})")
        typed = execute.bindparams(*itertools.starmap(_value, parameters.items()))
        return _Form(name, f"PREPARE {name} {body}", typed.columns(*compiled.statement.exported_columns))


def _type_name(parameter: BindParameter[Any], dialect: Dialect) -> str:
    return parameter.type.compile(dialect).partition(" COLLATE ")[0]


def _value(key: str, parameter: BindParameter[Any]) -> BindParameter[Any]:
    """Return the parameter of EXECUTE; constants of the statement bring their values."""
    if parameter.required:
        return bindparam(key, type_=parameter.type)
    return bindparam(key, parameter.value, type_=parameter.type)
