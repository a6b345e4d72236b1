"""Chart geometry, and chart macros with gaps and missing values."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gonemaster_api.ui.analysis.diff import GRADES
from gonemaster_api.ui.shell.charts.charts import bounds, last_point, parts_of_bar, path, stacked, ticks, top_of
from gonemaster_api.ui.shell.texts.formats import slug

STATIC = Path(__file__).parent.parent.parent / "gonemaster_api" / "static"


@pytest.mark.parametrize(
    ("numbers", "top"), [([], 2), ([0, None], 2), ([3], 4), ([499], 600), ([600], 600), ([7e6], 8e6)]
)
def test_a_scale_ends_at_a_round_number(numbers: list[float | None], top: float) -> None:
    assert top_of(numbers) == top
    assert ticks(top) == [top, top / 2, 0]


def test_a_gap_is_not_drawn_as_zero() -> None:
    assert path([0, None, 10, 5], 10) == "M0.0 100.0M66.7 0.0L100.0 50.0"
    assert last_point([1, None], 2) == (0.0, 50.0)
    assert last_point([None], 2) is None
    assert bounds([None, 5.0]) == (4.0, 6.0)


def test_bars_fill_their_place() -> None:
    parts = parts_of_bar([("ok", 1), ("notice", 0), ("error", 3)])
    assert [(part.key, part.x) for part in parts] == [("ok", 0), ("error", 25)]
    assert parts_of_bar([("ok", 0)]) == []
    columns = list(stacked([[("s1", 3), ("error", 1)], []], 4))
    assert [(part.y, part.height) for part in columns] == [(25, 75), (0, 25)]


def test_macros_say_in_words_what_a_chart_shows(client: FlaskClient) -> None:
    source = """{% from "components/charts.html"
      import lines, spark, bars, ring, legend, dist, chart_table with context %}
    {{ lines([("", [1, none, 3]), ("s2", [none, none, none])], "Score, 3 now", x=["a", "b"], marks=[(50, "2.0")]) }}
    {{ spark([], "none") }}{{ bars([("<x>", 5)]) }}{{ ring("A+", 99) }}{{ ring(none, none) }}
    {{ legend([("ok", "OK", 4, "80 %", "/x")]) }}{{ dist([("ok", 4)], "OK 4") }}{{ chart_table("", ["a"], [["1"]]) }}"""
    with client.application.test_request_context("/"):
        made = client.application.jinja_env.from_string(source).render()
    assert {"Score, 3 now", "none", "OK 4", "Grade A+, score 99 of 100"} <= set(
        re.findall('aria-label="([^"]*)"', made)
    )
    assert "&lt;x&gt;" in made
    assert "<x>" not in made


@pytest.mark.parametrize("grade", GRADES)
def test_the_arc_of_each_grade_has_a_colour(grade: str) -> None:
    sheet = (STATIC / "components.css").read_text(encoding="utf-8")
    assert re.search(rf"\.ring \.arc\.{slug(grade)}(?:,[^{{]*)? {{ stroke: var\(--\w+-fill\)", sheet)
