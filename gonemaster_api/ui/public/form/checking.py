"""Validates the submitted form: builds the request for a job, or reports problems by field."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gonemaster_api.errors import ApiError, BadRequest
from gonemaster_api.ui.public.form.choices import HEX_DIGITS, digest_name
from gonemaster_api.ui.public.form.typed_fields import MAX_ROWS, DsRow, NameserverRow, TypedFields
from gonemaster_api.ui.shell.forms.typed_names import invalid_name_reason, without_url
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import language_of
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_api.use_cases.submission.jobs import check_targets, read_name
from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import normalize_domain

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){1,64}")
_HIGHEST = {"keytag": 65535, "algorithm": 255, "digtype": 255}
_FIELD_OF_CODE = {
    "missing_domain": "domain",
    "invalid_domain": "domain",
    "profile_not_found": "profile",
    "invalid_profile_id": "profile",
    "private_undelegated_ip": "nameservers",
    "invalid_undelegated": "nameservers",
}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A problem with a field, its API error code, and the language of the text; by default that of the page."""

    text: str
    code: str
    language: str = ""


@dataclass(slots=True)
class CheckedForm:
    """The job request, or problems by field if the form is invalid."""

    request: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, FieldProblem] = field(default_factory=dict)

    def note(self, name: str, text: str, code: str) -> None:
        """Record the first problem of a field."""
        self.problems.setdefault(name, FieldProblem(text, code))


def check(typed: TypedFields, *, guarded: bool) -> CheckedForm:
    """Validate all fields and report all problems together. With `guarded`, only global addresses are allowed."""
    checked = CheckedForm()
    _check_domain(typed.domain, checked)
    if not (typed.ipv4 or typed.ipv6):
        checked.note("families", _("At least one of IPv4 and IPv6 is needed to query name servers."), "bad_request")
    nameservers = [found for row in enumerate(typed.nameservers) if (found := _nameserver(*row, checked, guarded))]
    records = [found for row in enumerate(typed.ds) if (found := _ds(*row, checked))]
    for name, rows in (("nameservers", typed.nameservers), ("ds", typed.ds)):
        if len(rows) > MAX_ROWS:
            text = _("At most %(most)s rows are allowed.", most=MAX_ROWS)
            checked.note(name, text, "invalid_undelegated")
    checked.request |= {
        "ipv4_disabled": not typed.ipv4,
        "ipv6_disabled": not typed.ipv6,
        "profile_id": _profile_id(typed.profile, checked),
        "nameservers": nameservers,
        "ds_info": records,
    }
    return checked


def refused(error: ApiError) -> dict[str, FieldProblem]:
    """Return the refusal of a submission by the field that caused it; the key is empty if no field did."""
    problem = FieldProblem(in_language(error.message), error.code, language_of(error.message))
    return {_FIELD_OF_CODE.get(error.code, ""): problem}


def _check_domain(text: str, checked: CheckedForm) -> None:
    if not text.strip():
        checked.note("domain", _("Enter a domain name, for example example.com."), "missing_domain")
        return
    try:
        checked.request["domain"] = read_name(without_url(text))
    except BadRequest as error:
        checked.note("domain", _("Invalid domain name: %(reason)s.", reason=invalid_name_reason(text)), error.code)


def _profile_id(text: str, checked: CheckedForm) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    checked.note("profile", _("This profile does not exist. Choose one from the list."), "profile_not_found")
    return None


def _nameserver(number: int, row: NameserverRow, checked: CheckedForm, guarded: bool) -> dict[str, str] | None:
    if row.is_empty:
        return None
    found: dict[str, str] = {}
    try:
        found["ns"] = normalize_domain(row.ns)
    except InvalidDomain:
        text = _("Invalid name server name: %(reason)s.", reason=invalid_name_reason(row.ns))
        checked.note(f"ns-{number}", text, "invalid_undelegated")
    if row.ip.strip():
        _check_address(f"ip-{number}", row.ip.strip(), found, checked, guarded=guarded)
    return found if "ns" in found else None


def _check_address(name: str, text: str, found: dict[str, str], checked: CheckedForm, *, guarded: bool) -> None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        checked.note(name, _("Enter an IP address, for example 192.0.2.53 or 2001:db8::53."), "invalid_undelegated")
        return
    try:
        check_targets([{"ns": found.get("ns", ""), "ip": str(address)}], guarded=guarded)
    except BadRequest as error:
        text = _("This address is not allowed. Only globally reachable addresses are queried.")
        checked.note(name, text, error.code)
        return
    found["ip"] = str(address)


def _ds(number: int, row: DsRow, checked: CheckedForm) -> dict[str, Any] | None:
    if row.is_empty:
        return None
    found: dict[str, Any] = dict(_numbers(number, row, checked))
    digest = re.sub(r"\s", "", row.digest)
    length = HEX_DIGITS.get(found.get("digtype", -1))
    if length is not None and len(digest) != length:
        text = _(
            "A digest of type %(name)s must have %(length)s hex digits; this one has %(given)s.",
            name=digest_name(found["digtype"]),
            length=length,
            given=len(digest),
        )
        checked.note(f"digest-{number}", text, "invalid_undelegated")
    elif not _HEX.fullmatch(digest):
        text = _("A digest must have an even number of hex digits (0 to 9, A to F), at most 128.")
        checked.note(f"digest-{number}", text, "invalid_undelegated")
    return found | {"digest": digest.lower()}


def _numbers(number: int, row: DsRow, checked: CheckedForm) -> Iterator[tuple[str, int]]:
    for name, highest in _HIGHEST.items():
        text = getattr(row, name).strip()
        if text.isascii() and text.isdigit() and len(text) <= len(str(highest)) and int(text) <= highest:
            yield name, int(text)
        else:
            wrong = _("Enter a whole number from 0 to %(highest)s.", highest=highest)
            checked.note(f"{name}-{number}", wrong, "invalid_undelegated")
