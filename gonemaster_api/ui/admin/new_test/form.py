"""The form of a new test: converts user input to an API request, with one error per field or row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
from flask import request
from werkzeug.datastructures import MultiDict

from gonemaster_api.errors import ApiError, BadRequest
from gonemaster_api.state import State
from gonemaster_api.ui.shell.forms.forms import SUMMARY, Form, first_message
from gonemaster_api.ui.shell.forms.typed_names import invalid_name_reason, without_url
from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.use_cases.submission.jobs import check_targets, read_name, read_nameserver, read_options
from gonemaster_api.v1.jobs.schemas import MAX_UNDELEGATED, NewJobSchema
from gonemaster_tasks.config.profiles import is_guarded

NS_CELLS = ("ns", "ip")
DS_CELLS = ("keytag", "algorithm", "digtype", "digest")
_FIELD_OF_CODE = {
    "missing_domain": "domain",
    "invalid_domain": "domain",
    "invalid_tags": "tags",
    "invalid_tests": "tests",
    "testcase_excluded": "tests",
    "invalid_min_level": "min_level",
    "invalid_profile_id": "profile_id",
    "profile_not_found": "profile_id",
    "ambiguous_profile": "profile_id",
    "policy_not_found": "policy",
    "invalid_policy": "policy",
}
_SCHEMA_FIELDS = {name: name for name in ("tags", "tests", "min_level", "profile_id", "policy")}
_CELL_TEXTS = {
    "keytag": mark("The key tag must be a number from 0 to 65535."),
    "algorithm": mark("The algorithm must be a number from 0 to 255."),
    "digtype": mark("The digest type must be a number from 0 to 255."),
    "digest": mark("The digest must have an even number of hexadecimal digits, at most 128."),
}


@dataclass(frozen=True)
class Row:
    """A row of name servers or DS records: cells by name, and errors."""

    kind: str
    number: int
    cells: Mapping[str, str]
    errors: Mapping[str, str]

    @property
    def is_empty(self) -> bool:
        """Whether all cells are empty."""
        return not any(self.cells.values())


class TestForm(Form):
    """The submitted form. Keys of `errors` name a field or a cell of a row, such as `ns.0.ip` or `ds.2.digest`."""

    __test__ = False  # Pytest must not collect this class.

    @classmethod
    def read(cls, given: MultiDict[str, str]) -> "TestForm":
        """Read the fields from a submitted form or from a query string."""
        lists = {name: [text.strip() for text in texts] for name, texts in given.lists()}
        return cls({name: texts[0] for name, texts in lists.items()}, lists)

    @property
    def was_sent(self) -> bool:
        """Whether a browser submitted the form: only then a missing checkbox means off."""
        return bool(self["form"])

    def ticked(self, name: str) -> bool:
        """Return whether a checkbox is selected; it is before the first submission."""
        return bool(self[name]) or not self.was_sent

    def rows(self, kind: str, *, removed: str = "") -> list[Row]:
        """Return the rows of a kind, `ns` or `ds`, without the row that a button such as `ns-1` removes."""
        names = NS_CELLS if kind == "ns" else DS_CELLS
        columns = [self.all(name) for name in names]
        count = min(MAX_UNDELEGATED + 1, max(map(len, columns)))
        found = []
        for number in range(count):
            cells = {
                name: texts[number] if number < len(texts) else "" for name, texts in zip(names, columns, strict=True)
            }
            errors = {name: self.errors[key] for name in names if (key := f"{kind}.{number}.{name}") in self.errors}
            if removed != f"{kind}-{number}":
                found.append(Row(kind, number, cells, errors))
        return found

    def document(self) -> dict[str, Any]:
        """Return the API request of the form, without empty rows and fields."""
        found: dict[str, Any] = {
            "domain": without_url(self["domain"]),
            "tags": split_values(self["tags"]),
            "tests": split_values(self["tests"]),
            "min_level": self["min_level"],
            "profile_id": _number(self["profile_id"]),
            "policy": self["policy"],
            "ipv4_disabled": not self.ticked("ipv4"),
            "ipv6_disabled": not self.ticked("ipv6"),
            "nameservers": [_nameserver(row) for row in self.rows("ns") if not row.is_empty],
            "ds_info": [_ds(row) for row in self.rows("ds") if not row.is_empty],
        }
        return {name: value for name, value in found.items() if value not in ("", None, [], False)} | {
            "domain": found["domain"]
        }

    def fill(self, found: Mapping[str, Any]) -> None:
        """Replace the rows with the name servers and DS records of a lookup."""
        for name in NS_CELLS:
            self.lists[name] = [server.get(name, "") for server in found["nameservers"]]
        for name in DS_CELLS:
            self.lists[name] = [str(ds[name]) for ds in found["ds_records"]]

    def check_all(self, state: State) -> dict[str, Any]:
        """Validate all fields, record each error at its field, and return the deserialised API request."""
        document = self.document()
        try:
            loaded: dict[str, Any] = NewJobSchema().load(document)
        except ma.ValidationError as error:
            loaded = {}
            self._record_schema(error.messages_dict)
        self._check_domain()
        self._check_nameservers(state)
        if self.is_valid:
            try:
                read_options(state, loaded, origin="admin")
            except BadRequest as error:
                self.refuse(error)
        return loaded

    def refuse(self, error: ApiError) -> None:
        """Record a refusal of a use case at its field."""
        name = _FIELD_OF_CODE.get(error.code, SUMMARY)
        self.fail(name, error.message, error.code)

    def _check_domain(self) -> None:
        try:
            read_name(without_url(self["domain"]))
        except BadRequest as error:
            if error.code == "missing_domain":
                self.fail("domain", gettext("Enter a domain name."), error.code)
            else:
                reason = invalid_name_reason(self["domain"])
                self.fail("domain", gettext("Invalid domain name: %(reason)s.", reason=reason), error.code)

    def _check_nameservers(self, state: State) -> None:
        guarded = not self["profile_id"] and is_guarded(state.settings, ())  # A profile may allow such an address.
        for row in self.rows("ns"):
            if not row.is_empty:
                self._check_nameserver(row, guarded=guarded)

    def _check_nameserver(self, row: Row, *, guarded: bool) -> None:
        try:
            found = read_nameserver({**row.cells, "ip": ""})
        except BadRequest as error:
            text = gettext("Invalid name server name.")
            self.fail(f"ns.{row.number}.ns", text, error.code)
            found = {"ns": "ns.example"}
        try:
            check_targets([read_nameserver({"ns": found["ns"], "ip": row.cells["ip"]})], guarded=guarded)
        except BadRequest as error:
            text = gettext("Invalid IPv4 or IPv6 address.")
            if error.code == "private_undelegated_ip":
                text = gettext("Only globally reachable addresses are allowed.")
            self.fail(f"ns.{row.number}.ip", text, error.code)

    def _record_schema(self, messages: Mapping[str, Any]) -> None:
        for name, found in messages.items():
            if name == "ds_info" and isinstance(found, dict):
                self._record_ds(found)
            elif name == "nameservers" and isinstance(found, dict):
                continue  # Each row is validated separately.
            elif name in ("ds_info", "nameservers"):
                most = gettext("At most %(most)s rows are allowed.", most=MAX_UNDELEGATED)
                self.fail("undelegated", most, "invalid_undelegated")
            elif name != "domain":
                self.fail(_SCHEMA_FIELDS.get(name, SUMMARY), first_message(found), f"invalid_{name}")

    def _record_ds(self, found: Mapping[int, Any]) -> None:
        numbers = [row.number for row in self.rows("ds") if not row.is_empty]
        for row, cells in found.items():
            for name in cells:
                text = gettext(_CELL_TEXTS[name]) if name in _CELL_TEXTS else first_message(cells)
                self.fail(f"ds.{numbers[row]}.{name}", text, "invalid_undelegated")


def split_values(text: str) -> list[str]:
    """Split the text of a multi-value field at commas and line ends."""
    return list(dict.fromkeys(word for part in text.splitlines() for raw in part.split(",") if (word := raw.strip())))


def sent_form() -> TestForm:
    """Return the submitted form, or the form filled in from the query string of a GET request."""
    return TestForm.read(request.form if request.method == "POST" else request.args)


def _nameserver(row: Row) -> dict[str, Any]:
    return {"ns": row.cells["ns"]} | ({"ip": row.cells["ip"]} if row.cells["ip"] else {})


def _ds(row: Row) -> dict[str, Any]:
    numbers = {name: _number(row.cells[name]) for name in ("keytag", "algorithm", "digtype")}
    return numbers | {"digest": "".join(row.cells["digest"].split())}


def _number(text: str) -> int | str:
    """Convert digits to a number; return other text unchanged for the schema to refuse."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text


def padded(rows: Sequence[Row], kind: str, *, more: bool) -> Iterator[Row]:
    """Yield the rows, with an empty row if there are no rows or another row was requested."""
    yield from rows
    if more or not rows:
        names = NS_CELLS if kind == "ns" else DS_CELLS
        yield Row(kind, len(rows), dict.fromkeys(names, ""), {})
