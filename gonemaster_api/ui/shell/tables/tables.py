"""Columns of tables."""

from dataclasses import dataclass

from gonemaster_api.ui.shell.urls import here


@dataclass(frozen=True)
class Column:
    """A column: `sort` is the API sort key, to which `_asc` and `_desc` are added.

    `first` is the direction of the first click; with `only` it is the only direction. `style` has CSS classes (`num`,
    `p2`, `p3`, `pick`, `acts`, `w0`); the label of a column `acts` is for screen readers only.
    """

    label: str
    sort: str = ""
    style: str = ""
    first: str = "asc"
    only: bool = False
    words: tuple[str, str] = ("_asc", "_desc")

    def state(self, current: str) -> str:
        """Return the value of aria-sort, empty if the table is not sorted by this column."""
        if not self.sort:
            return ""
        ends = {self.sort + self.words[0]: "ascending", self.sort + self.words[1]: "descending"}
        return ends.get(current, "")

    def url(self, current: str) -> str:
        """Return the URL that sorts the table by this column, in the opposite direction if it already is."""
        up, down = self.sort + self.words[0], self.sort + self.words[1]
        chosen = up if self.first == "asc" else down
        if not self.only and current == chosen:
            chosen = down if chosen == up else up
        return here(sort=chosen)


def column(label: str, sort: str = "", style: str = "", **more: object) -> Column:
    """Create a column in a template."""
    return Column(label, sort, style, **more)  # type: ignore[arg-type]  # the template tests check it
