"""Routes of public jobs: submit, follow, read the result. There is no list: a client needs the id of a job."""

from functools import partial
from typing import Any

from flask.views import MethodView

from gonemaster_api.public.jobs.schemas import (
    AsnNamesSchema,
    NewPublicJobSchema,
    PublicJobResultSchema,
    PublicJobSchema,
)
from gonemaster_api.public.revalidation import REVALIDATED, tagged
from gonemaster_api.queries.jobs.public_jobs import (
    find_public,
    find_public_run,
    public_job_document,
    read_asns,
    read_public_chain,
    result_version,
)
from gonemaster_api.queries.runs.results import parts_for_public
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.idempotency import answer_once
from gonemaster_api.rest.parsing import LocaleQuerySchema
from gonemaster_api.state import State, state
from gonemaster_api.use_cases.lookups import name_asns
from gonemaster_api.use_cases.score_backfill import read_scored_result
from gonemaster_api.use_cases.submission.public import submit_public_job
from gonemaster_api.v1.runs.chain_schemas import DnssecChainSchema
from gonemaster_api.web.clients import client_key
from gonemaster_db.models import Run

_RESULT_AGE = "public, max-age=300"
_CHAIN_AGE = "max-age=300"
_NAMES_AGE = "max-age=86400"

blueprint = Blueprint("public_jobs", __name__, url_prefix="/jobs", description="Public tests of single domains")


@blueprint.route("")
class Jobs(MethodView):
    """Submission of jobs."""

    @blueprint.arguments(NewPublicJobSchema)
    @blueprint.response(201, PublicJobSchema)
    @blueprint.submits(
        invalid="missing_domain, invalid_domain, invalid_tests, testcase_excluded, too_many_tests, invalid_min_level, "
        "profile_not_found, profile_overrides_not_allowed, private_undelegated_ip, ..."
    )
    @blueprint.refuses(_429="rate_limited")
    def post(self, request_body: dict[str, Any]) -> Any:
        """Queue a test of one domain. A repeated request with the same Idempotency-Key gets the first response."""
        shared = state()
        return answer_once(
            shared,
            PublicJobSchema,
            201,
            lambda keep: submit_public_job(shared, request_body, keep=keep),
            owner=f"public {client_key()}",
        )


@blueprint.route("/<public_id>")
class JobById(MethodView):
    """One waiting, running or finished job."""

    @blueprint.response(200, PublicJobSchema)
    @blueprint.refuses(_404="not_found", _429="rate_limited")
    def get(self, public_id: str) -> Any:
        """Show a job."""
        shared = state()
        return public_job_document(shared, find_public(shared, public_id)), {"Cache-Control": REVALIDATED}


@blueprint.route("/<public_id>/result")
class JobResult(MethodView):
    """The result of a job."""

    @blueprint.arguments(LocaleQuerySchema, location="query")
    @blueprint.response(200, PublicJobResultSchema)
    @blueprint.refuses(_404="not_found, even for an existing job until it has finished", _429="rate_limited")
    def get(self, query: dict[str, Any], public_id: str) -> Any:
        """Show the result of a finished job."""
        shared = state()
        run = find_public_run(shared, public_id)
        version = result_version(shared, run, locale=query["locale"])
        read = partial(_public_result, shared, run, query["locale"])
        return tagged(version, read, caching=_RESULT_AGE, has_parameters=False)


def _public_result(shared: State, run: Run, locale: str) -> dict[str, Any]:
    document = read_scored_result(shared, run.id, locale=locale, shown=parts_for_public(shared.settings))
    has_chain = document["has_dnssec_chain"] and shared.settings.show_dnssec_chain_public
    return document | {"job_id": run.public_id, "has_dnssec_chain": has_chain}


@blueprint.route("/<public_id>/dnssec-chain")
class Chain(MethodView):
    """The DNSSEC chain of trust of a job."""

    @blueprint.response(200, DnssecChainSchema)
    @blueprint.refuses(_404="not_found, no_chain_data", _429="rate_limited", _500="lookup_failed, internal_error")
    def get(self, public_id: str) -> Any:
        """Show the DNSSEC chain of trust of a job."""
        version, chain = read_public_chain(state(), public_id)
        return tagged(version, lambda: chain, caching=_CHAIN_AGE, has_parameters=False)


@blueprint.route("/<public_id>/asn-names")
class AsnNames(MethodView):
    """Names of the ASes of a job."""

    @blueprint.response(200, AsnNamesSchema)
    @blueprint.refuses(_404="not_found, even for an existing job until it has finished", _429="rate_limited")
    def get(self, public_id: str) -> Any:
        """Show the holders of the ASes in the result of a job; waits at most three seconds for missing names."""
        shared = state()
        document = name_asns(shared, read_asns(shared, public_id))
        return document, {"Cache-Control": _NAMES_AGE if document["complete"] else "no-store"}
