"""Declarative base, naming convention and column types shared by all tables."""

import enum
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A timestamp that is always aware and in UTC; naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC. Raises ValueError for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Attach UTC: SQLite returns naive values, PostgreSQL values in the connection's time zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class SmallCode(TypeDecorator[str]):
    """A word of a fixed list, stored as its index: append to the list, never change its order."""

    impl = SmallInteger
    cache_ok = True
    NONE = -1

    def __init__(self, words: Sequence[str], *, none_as_code: bool = False) -> None:
        """Set the list of words; with `none_as_code` None is stored as -1, for columns of a primary key."""
        super().__init__()
        self.words = tuple(words)
        self.none_as_code = none_as_code

    def process_bind_param(self, value: str | None, dialect: Dialect) -> int | None:
        """Return the code of a word. Raises ValueError for a word that is not in the list."""
        if value is None:
            return self.NONE if self.none_as_code else None
        return self.words.index(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> str | None:
        """Return the word of a code."""
        return None if value is None or value == self.NONE else self.words[value]


class CompressedText(TypeDecorator[str]):
    """A long text, stored compressed: one byte for the format (1: zlib), then the data."""

    impl = LargeBinary
    cache_ok = True
    _ZLIB = b"\x01"

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Compress the text."""
        return None if value is None else self._ZLIB + zlib.compress(value.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """Decompress the text. Raises ValueError for an unknown format."""
        if value is None:
            return None
        data = bytes(value)
        if data[:1] != self._ZLIB:
            raise ValueError(f"unknown format of compressed text: {data[:1]!r}")
        return zlib.decompress(data[1:]).decode()


def code_text(length: int) -> TypeEngine[str]:
    """Return a type for ASCII codes that both databases compare byte by byte."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def enum_text(values: type[enum.StrEnum], length: int = 16) -> Enum:
    """Return a type that stores the values of an enumeration as text of up to `length` characters."""
    # A native PostgreSQL type would need a migration for each new value, and SQLite has no such type.
    return Enum(values, native_enum=False, length=length, values_callable=lambda e: [m.value for m in e])


# None is stored as NULL, not as the JSON value null, which IS NULL would not find.
JSON_TYPE = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
ROW_ID_TYPE = BigInteger().with_variant(Integer(), "sqlite")  # SQLite generates row ids for INTEGER only
DOMAIN_TYPE = code_text(253)
ID_TYPE = code_text(40)

UtcTime = Annotated[datetime, mapped_column(UtcDateTime())]
DomainName = Annotated[str, mapped_column(DOMAIN_TYPE)]
LevelName = Annotated[str, mapped_column(code_text(8))]
OpaqueId = Annotated[str, mapped_column(ID_TYPE)]
RowId = Annotated[int, mapped_column(ROW_ID_TYPE)]
Json = Annotated[Any, mapped_column(JSON_TYPE)]


class Base(DeclarativeBase):
    """Base class of all tables."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012  # read by SQLAlchemy as a class attribute
        datetime: UtcDateTime(),
        str: Text(),
        dict[str, Any]: JSON_TYPE,
        list[dict[str, Any]]: JSON_TYPE,
    }
