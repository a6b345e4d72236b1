"""Documents that are written in a quick way are those that marshmallow writes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import marshmallow as ma
import pytest

from gonemaster_api.rest.dumping import Dumper
from gonemaster_api.rest.fields import Instant, JsonBoolean, LevelName

MOMENT = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)


class Kind(StrEnum):
    FIRST = "first"


class Leaf(ma.Schema):
    name = ma.fields.String(required=True)
    count = ma.fields.Integer(dump_default=7)


class Whole(ma.Schema):
    text = ma.fields.String()
    level = LevelName()
    number = ma.fields.Integer()
    shown = ma.fields.Integer(as_string=True)
    ratio = ma.fields.Float()
    flag = JsonBoolean()
    at = Instant(allow_none=True)
    day = ma.fields.Date()
    anything = ma.fields.Raw()
    members = ma.fields.Dict()
    numbers = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer())
    words = ma.fields.List(ma.fields.String())
    moments = ma.fields.List(Instant())
    leaf = ma.fields.Nested(Leaf, allow_none=True)
    leaves = ma.fields.List(ma.fields.Nested(Leaf))
    more_leaves = ma.fields.Nested(Leaf, many=True)
    names = ma.fields.Pluck(Leaf, "name", many=True)
    own = ma.fields.Nested(lambda: Whole(only=("text", "own")))
    renamed = ma.fields.String(attribute="source", data_key="shown-as")
    below = ma.fields.Integer(attribute="leaf.count")
    given = ma.fields.String(dump_default=lambda: "by default")
    secret = ma.fields.String(load_only=True)


class WithMethod(ma.Schema):
    text = ma.fields.String()
    made = ma.fields.Method("make")

    def make(self, _obj: Any) -> int:
        return 5


class WithHook(ma.Schema):
    text = ma.fields.String()

    @ma.post_dump
    def add(self, document: dict[str, Any], **_: Any) -> dict[str, Any]:
        return document | {"added": True}


@dataclass
class Thing:
    name: str
    count: int | None = None


FULL = {
    "text": "a", "level": "INFO", "number": 3, "shown": 4, "ratio": 1.5, "flag": True, "at": MOMENT,
    "day": MOMENT.date(), "anything": {"a": [1]}, "members": {"b": 2}, "numbers": {1: "2"}, "words": ["c", "d"],
    "moments": [MOMENT, None], "leaf": {"name": "e", "count": 1}, "leaves": [{"name": "f"}, {"name": "g", "count": 2}],
    "more_leaves": [{"name": "h"}], "names": [{"name": "i"}], "own": {"text": "j", "own": {"text": "k"}},
    "source": "l", "secret": "m", "unknown": "n",
}  # fmt: skip


@pytest.mark.parametrize(
    "obj",
    [
        FULL,
        {},
        dict.fromkeys(FULL),
        FULL | {"text": 5, "level": Kind.FIRST, "number": "6", "ratio": 2, "flag": "yes", "words": (1, Kind.FIRST)},
        FULL | {"number": True, "leaf": Thing("o"), "leaves": (Thing("p", 4),), "at": "2026"},
    ],
    ids=["full", "empty", "nothing", "other types", "objects"],
)
def test_documents_of_dictionaries(obj: dict[str, Any]) -> None:
    schema = Whole()
    written, expected = Dumper(schema)(obj), schema.dump(obj)
    assert (written, list(written)) == (expected, list(expected))
    assert [type(value) for value in written.values()] == [type(value) for value in expected.values()]


@pytest.mark.parametrize(
    ("schema", "obj"),
    [
        (Leaf(), Thing("q")),
        (Leaf(many=True), [Thing("r", 2), {"name": "s"}]),
        (Leaf(many=True), None),
        (Leaf(only=("name",)), {"name": "t", "count": 1}),
        (WithMethod(), {"text": "u"}),
        (WithHook(), {"text": "v"}),
    ],
    ids=["object", "many", "none of many", "some fields", "method", "hook"],
)
def test_documents_of_other_kinds(schema: ma.Schema, obj: Any) -> None:
    assert Dumper(schema)(obj) == schema.dump(obj)


def test_one_or_many_as_the_caller_says() -> None:
    things = [Thing("w"), Thing("x")]
    assert Dumper(Leaf())(things, many=True) == Leaf().dump(things, many=True)
    assert Dumper(Leaf(many=True))(things[0], many=False) == Leaf(many=True).dump(things[0], many=False)


def test_what_cannot_be_written_fails_as_before() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Dumper(Leaf())({"name": "y", "count": "many"})
