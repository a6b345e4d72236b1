"""Compares two views in DuckDB, of which at least one is in files (see gonemaster_db.analysis.comparison).

A side whose view is in the database is copied to tables of DuckDB first. Results by domain are arrays of positions.
"""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Integer, select, type_coerce
from sqlalchemy.orm import Session

from gonemaster_db.analysis.clusters import MAX_CLUSTERS, MAX_SHOWN, Cluster, find_clusters, names_of
from gonemaster_db.analysis.column_views import comparing_sql as sql
from gonemaster_db.analysis.column_views.statements import Statements
from gonemaster_db.analysis.comparison import ChangeCategory, Cost, Moved, TagChange, TagSide, effects_of, read_tags
from gonemaster_db.analysis.tag_changes import TagKey, TagRules
from gonemaster_db.analysis.views.parts import in_parts
from gonemaster_db.analysis.views.rows import read_members
from gonemaster_db.core.connection.deadlines import check_deadline
from gonemaster_db.models import SnapshotDomain
from gonemaster_db.runs.causes import CauseChange, changes_of_causes, read_cause_sets

_SIDES = ("before", "after")
_BATCH = 100_000


@dataclass(frozen=True)
class DuckDbComparison:
    """The differences between two views; `columns` are arrays of positions, as a stored comparison has them."""

    columns: Mapping[str, Sequence["array[int]"]]
    tags: Sequence[TagChange]
    causes: Sequence[CauseChange]
    totals: Mapping[str, Any]
    clusters: Sequence[Cluster]


def compare_in_duckdb(
    session: Session,
    connection: Any,
    views: tuple[int, int],
    schemas: tuple[str | None, str | None],
    *,
    rules: TagRules,
    cost: Cost,
    cap: int,
) -> DuckDbComparison:
    """Compare two views by ID; `schemas` are those with the tables of views in files, None for views in the database.

    Temporary tables of the connection hold what is compared; the caller closes it.

    Raises TimeLimitExceeded if the session has a time limit.
    """
    statements = Statements(connection, partial(check_deadline, session))
    try:
        return _Comparing(session, connection, statements, views, schemas).compare(rules, cost, cap)
    finally:
        statements.close()


class _Comparing:
    def __init__(
        self,
        session: Session,
        connection: Any,
        statements: Statements,
        views: tuple[int, int],
        schemas: tuple[str | None, str | None],
    ) -> None:
        self._session, self._connection, self._statements = session, connection, statements
        self._views, self._schemas = views, schemas

    def compare(self, rules: TagRules, cost: Cost, cap: int) -> DuckDbComparison:
        tags = [read_tags(self._session, view_id, rules) for view_id in self._views]
        keys = sorted({*tags[0], *tags[1]})
        for side, view_id, schema, of_view in zip(_SIDES, self._views, self._schemas, tags, strict=True):
            if schema is None:
                self._copy_domains(side, view_id)
                self._copy_tags(side, view_id, [row.position for row in of_view.values()])
            else:
                self._link(side, schema)
        self._write_keys(keys, tags, rules, cost)
        for name, query in sql.tables(cap).items():
            self._statements.run(f"CREATE TEMP TABLE {name} AS {query}")
        return DuckDbComparison(
            columns={name: self._columns(name, count) for name, count in sql.RESULTS.items()},
            tags=self._tag_changes(keys, tags, rules),
            causes=self._causes(),
            totals=self._totals(),
            clusters=self._clusters() if self._schemas[1] else self._clusters_in_database(),
        )

    def _link(self, side: str, schema: str) -> None:
        columns = "position, name, score, grade, worst_level AS level, cause_set_id AS causes"
        domains = f"SELECT {columns} FROM {schema}.snapshot_domains"
        self._statements.run(f"CREATE TEMP VIEW {side}_domains AS {domains}")
        members = f"SELECT position, other FROM {schema}.members_tag_domain"
        self._statements.run(f"CREATE TEMP VIEW {side}_tags AS {members}")

    def _copy_domains(self, side: str, view_id: int) -> None:
        self._statements.run(f"CREATE TEMP TABLE {side}_domains ({sql.DOMAINS})")
        level = type_coerce(SnapshotDomain.worst_level, Integer)
        own = (SnapshotDomain.position, SnapshotDomain.name, SnapshotDomain.score, SnapshotDomain.grade)
        query = select(*own, level, SnapshotDomain.cause_set_id).where(SnapshotDomain.view_id == view_id)
        for part in in_parts(self._session, query, SnapshotDomain, view_id):
            self._insert(f"{side}_domains", list(zip(*part, strict=True)), "isisii")

    def _copy_tags(self, side: str, view_id: int, positions: Sequence[int]) -> None:
        self._statements.run(f"CREATE TEMP TABLE {side}_tags ({sql.TAGS})")
        for position in positions:
            domains = read_members(self._session, view_id, "tag", position, "domain")
            self._insert(f"{side}_tags", [[position] * len(domains), domains], "ii")

    def _write_keys(
        self, keys: Sequence[TagKey], tags: Sequence[Mapping[TagKey, Any]], rules: TagRules, cost: Cost
    ) -> None:
        self._statements.run(f"CREATE TEMP TABLE keys ({sql.KEYS})")
        rows = []
        for number, key in enumerate(keys):
            was, now = (side.get(key) for side in tags)
            levels = _side(was).level, _side(now).level
            effects = [value for effect in effects_of(key, *levels, rules, cost) for value in effect]
            ends = (None if row is None else row.position for row in (was, now))
            rows.append((number, *ends, *effects, levels[0] != levels[1] and None not in levels))
        if rows:
            self._insert("keys", list(zip(*rows, strict=True)), "iiifififib")

    def _insert(self, table: str, columns: Sequence[Sequence[Any]], types: str) -> None:
        import pyarrow as pa

        known = {"i": pa.int32(), "s": pa.string(), "f": pa.float64(), "b": pa.bool_()}
        arrays = [pa.array(column, known[kind]) for column, kind in zip(columns, types, strict=True)]
        self._connection.register("part", pa.table(arrays, names=[f"c{at}" for at in range(len(arrays))]))
        self._statements.run(f"INSERT INTO {table} SELECT * FROM part")
        self._connection.unregister("part")

    def _columns(self, table: str, count: int) -> list["array[int]"]:
        found = [array("i") for _ in range(count)]
        casts = ", ".join(f"#{at + 1}::INTEGER" for at in range(count))
        for batch in self._connection.sql(f"SELECT {casts} FROM {table}").to_arrow_reader(_BATCH):
            check_deadline(self._session)
            for column, values in zip(found, batch.columns, strict=True):
                data = memoryview(values.buffers()[1])[4 * values.offset : 4 * (values.offset + len(values))]
                column.frombytes(data)
        return found

    def _tag_changes(
        self, keys: Sequence[TagKey], tags: Sequence[Mapping[TagKey, Any]], rules: TagRules
    ) -> list[TagChange]:
        counted = {key: (appeared, cleared) for key, appeared, cleared in self._rows("SELECT * FROM counted")}
        found = []
        for number, key in enumerate(keys):
            was, now = (_side(side.get(key)) for side in tags)
            appeared, cleared = counted.get(number, (0, 0))
            if appeared or cleared or was.level != now.level:
                tag_class = rules.classify(key, was.level, now.level)
                found.append(TagChange(key, was.level, now.level, was.count, now.count, appeared, cleared, tag_class))
        return found

    def _causes(self) -> list[CauseChange]:
        sides = [Counter(dict(self._rows(sql.CAUSES.format(side)))) for side in _SIDES]
        pairs = {(was, now): number for was, now, number in self._rows(sql.CAUSE_CHANGES)}
        sets = read_cause_sets(self._session, {*sides[0], *sides[1]})
        return changes_of_causes(sets, sides[0], sides[1], pairs)

    def _totals(self) -> dict[str, Any]:
        ((earlier, later, common, compared, improved, regressed, same),) = self._rows(sql.TOTALS)
        means = [_mean(*self._rows(sql.SCORES.format(side))[0]) for side in _SIDES]
        grades = [dict(self._rows(sql.GRADES.format(side))) for side in _SIDES]
        matrix = sorted(self._rows(sql.GRADE_CHANGES), key=lambda row: (str(row[0]), str(row[1])))
        categories = dict(self._rows(sql.CATEGORIES))
        return {
            "from_domain_count": earlier,
            "to_domain_count": later,
            "common": common,
            "added": later - common,
            "removed": earlier - common,
            "compared": compared,
            "improved": improved,
            "regressed": regressed,
            "identical_score": same,
            "from_mean_score": means[0],
            "to_mean_score": means[1],
            "from_grades": grades[0],
            "to_grades": grades[1],
            "grade_changes": [{"from_grade": old, "to_grade": new, "count": count} for old, new, count in matrix],
            "domain_categories": {
                category.name.lower(): categories.get(category.value, 0) for category in ChangeCategory
            },
        }

    def _clusters_in_database(self) -> list[Cluster]:
        columns = self._columns("moved", sql.RESULTS["moved"])
        moved = [Moved(b, a, delta, why, ChangeCategory(kind)) for b, a, delta, why, kind in zip(*columns, strict=True)]
        return find_clusters(self._session, self._views[1], moved)

    def _clusters(self) -> list[Cluster]:
        schema = self._schemas[1]
        self._statements.run("CREATE TEMP TABLE shifts AS SELECT a, delta FROM moved WHERE delta <> 0")
        rows = self._rows(sql.clusters(schema, MAX_CLUSTERS, MAX_SHOWN))
        keys = [
            [(key["kind"], key["position"] if key["kind"] in sql.CLUSTERED else key["text"]) for key in row[4]]
            for row in rows
        ]
        names = names_of(self._session, self._views[1], [key for of_group in keys for key in of_group])
        return [
            Cluster([names[key] for key in of_group], size, lowest, highest, first)
            for (size, lowest, highest, first, _), of_group in zip(rows, keys, strict=True)
        ]

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._statements.rows(query)


def _side(row: Any) -> TagSide:
    return TagSide() if row is None else TagSide(row.level, row.domain_count)


def _mean(total: int | None, number: int) -> float | None:
    return round(total / number, 2) if number and total is not None else None
