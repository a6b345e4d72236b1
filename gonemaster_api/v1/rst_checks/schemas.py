"""Schemas of rehearsals of Registry System Testing."""

from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import Instant, QueryInteger, named
from gonemaster_api.rest.parsing import LocaleQuerySchema, QuerySchema, RequestSchema
from gonemaster_api.v1.jobs.schemas import STATUSES
from gonemaster_engine.rst.report import RstResult

STATES = ("queued", "running", "finished")
MEDIA_TYPES = {"html": "text/html", "txt": "text/plain"}
_RESULTS = tuple(result.value for result in RstResult)
_MAX_LIMIT = 200
_MAX_OFFSET = 10_000
EXAMPLE_INPUTS: dict[str, Any] = {
    "dns.nameservers": [
        {
            "name": "example",
            "nameservers": [
                {"name": "ns1.nic.example", "v4Addrs": ["198.41.0.4"], "v6Addrs": ["2001:503:ba3e::2:30"]},
                {"name": "ns2.nic.example", "v4Addrs": ["199.9.14.201"], "supportsDoT": True},
            ],
        }
    ],
    "dnssec.dsRecords": [
        {
            "name": "example",
            "dsRecords": [
                {
                    "keyTag": 12345,
                    "alg": 13,
                    "digestType": 2,
                    "digest": "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
                }
            ],
        }
    ],
    "dns.gluePolicy": "narrow",
}


class NewRstCheckSchema(RequestSchema):
    """A rehearsal to queue."""

    error_codes: ClassVar = {"inputs": "invalid_rst_inputs"}
    missing_codes: ClassVar = {"inputs": "missing_inputs"}
    example: ClassVar = {"inputs": EXAMPLE_INPUTS}

    inputs = ma.fields.Dict(
        keys=ma.fields.String(),
        required=True,
        metadata={
            "description": "input parameters of RST: `dns.nameservers`, `dnssec.dsRecords`, `dns.gluePolicy`;"
            " parameters of other suites are ignored"
        },
    )


class RstTldSchema(ma.Schema):
    """A TLD of a rehearsal."""

    name = ma.fields.String(required=True)
    job_id = ma.fields.String(required=True)
    status = ma.fields.String(required=True, metadata={"enum": [*STATUSES, "deleted"]})
    progress = ma.fields.Integer(required=True, metadata={"minimum": 0, "maximum": 100})


class RstCheckSchema(ma.Schema):
    """A rehearsal."""

    id = ma.fields.String(required=True, metadata={"example": "rst_0u3kq9ZbXa1hT5cR2mE"})
    created_at = Instant(required=True)
    state = named(STATES)
    result = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"enum": [*_RESULTS, None], "description": "null while it is not finished, and in lists"},
    )
    error_codes = ma.fields.List(ma.fields.String(), required=True)
    tlds = ma.fields.List(ma.fields.Nested(RstTldSchema), required=True)


class RstCheckListQuerySchema(QuerySchema):
    """The page to read."""

    limit = QueryInteger(load_default=50, validate=validate.Range(1, _MAX_LIMIT))
    offset = QueryInteger(load_default=0, validate=validate.Range(0, _MAX_OFFSET))


class RstCheckPageSchema(ma.Schema):
    """Rehearsals, newest first."""

    items = ma.fields.List(ma.fields.Nested(RstCheckSchema), required=True)
    total = ma.fields.Integer(required=True)


class RstReportQuerySchema(LocaleQuerySchema):
    """Form and language of a report."""

    format = ma.fields.String(load_default="json", validate=validate.OneOf(("json", *MEDIA_TYPES)))


class RstReportedFindingSchema(ma.Schema):
    """A finding of a test case."""

    tld = ma.fields.String(required=True)
    code = ma.fields.String(required=True, metadata={"description": "a code of RST, or `RST_...` for a note"})
    severity = ma.fields.String(required=True)
    message = ma.fields.String(required=True)
    advice = ma.fields.String(required=True)
    args = ma.fields.Dict(required=True)


class RstReportedCaseSchema(ma.Schema):
    """The result of a test case."""

    name = ma.fields.String(required=True, metadata={"example": "dns-zz-consistency"})
    result = named(_RESULTS)
    errorCodes = ma.fields.List(ma.fields.String(), required=True)  # noqa: N815  # as in RST's API
    tlds = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(), required=True)
    reasons = ma.fields.List(ma.fields.String(), required=True)
    findings = ma.fields.List(ma.fields.Nested(RstReportedFindingSchema), required=True)


class RstReportedSuiteSchema(ma.Schema):
    """The result of a suite."""

    name = ma.fields.String(required=True)
    result = named(_RESULTS)
    testCases = ma.fields.List(ma.fields.Nested(RstReportedCaseSchema), required=True)  # noqa: N815  # as in RST's API


class RstReportSchema(ma.Schema):
    """The report of a rehearsal, with the names of RST's API."""

    specification = ma.fields.String(required=True)
    program = ma.fields.String(required=True)
    startedAt = ma.fields.String(required=True, allow_none=True)  # noqa: N815  # as in RST's API
    finishedAt = ma.fields.String(required=True, allow_none=True)  # noqa: N815  # as in RST's API
    result = named(_RESULTS)
    errorCodes = ma.fields.List(ma.fields.String(), required=True)  # noqa: N815  # as in RST's API
    suites = ma.fields.List(ma.fields.Nested(RstReportedSuiteSchema), required=True)
    nameserverIdentities = ma.fields.List(ma.fields.Dict(), required=True)  # noqa: N815  # as in RST's API
    inputs = ma.fields.Dict(required=True)
    ignoredInputs = ma.fields.List(ma.fields.String(), required=True)  # noqa: N815  # as in RST's API
