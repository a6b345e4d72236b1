"""Grades and levels of many runs as the parts of a bar."""

from collections.abc import Mapping
from dataclasses import dataclass

from gonemaster_api.ui.shell.texts.words import severity

GRADES = {"A+": "ap", "A": "ok", "B": "notice", "C": "warning", "D": "error", "F": "critical"}
_LEVELS = ("ok", "notice", "warning", "error", "critical")


@dataclass(frozen=True)
class BarPart:
    """A part of a bar: the class of its colour, what it stands for, and its number."""

    key: str
    name: str
    count: int

    @property
    def pair(self) -> tuple[str, int]:
        """Class and number, as the macro of bars takes them."""
        return self.key, self.count


def grade_parts(grades: Mapping[str, int]) -> list[BarPart]:
    """Return the grades that there are, best first."""
    return [BarPart(key, grade, grades[grade]) for grade, key in GRADES.items() if grades.get(grade)]


def level_parts(levels: Mapping[str, int]) -> list[BarPart]:
    """Return the worst levels that there are, mildest first; those below NOTICE are `ok`."""
    sums = dict.fromkeys(_LEVELS, 0)
    for level, count in levels.items():
        sums[severity(level)] = sums.get(severity(level), 0) + count
    return [BarPart(level, level, sums[level]) for level in _LEVELS if sums[level]]
