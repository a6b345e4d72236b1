"""The methods of the JSON-RPC API, each with its parameters and under both of its names."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import dns.version

from gonemaster_api.errors import BadRequest
from gonemaster_api.state import State
from gonemaster_api.use_cases.lookups import look_up_public_addresses, look_up_public_delegation
from gonemaster_api.use_cases.submission.zonemaster import DEFAULT_PROFILE, public_profiles, start_batch, start_test
from gonemaster_api.v1.jobs.schemas import MAX_UNDELEGATED
from gonemaster_api.web.rate_limits import Bucket
from gonemaster_api.zonemaster import types
from gonemaster_api.zonemaster.errors import InvalidParams, WrongParameter, refused
from gonemaster_api.zonemaster.progress import progress_percent
from gonemaster_api.zonemaster.results import (
    find_test,
    ids_of_tests,
    overall_result,
    params_document,
    result_document,
    time_of,
)
from gonemaster_api.zonemaster.users import add_batch_user, require_batch_user
from gonemaster_db.batches.batches import count_statuses
from gonemaster_db.batches.zonemaster_tests import (
    finished_tests,
    get_numbered_batch,
    list_past_tests,
    running_tests,
    waiting_tests,
)
from gonemaster_db.core.errors import BatchNotFound
from gonemaster_db.core.ids import id_of_test
from gonemaster_db.core.states import WAITING, JobStatus, RunStatus
from gonemaster_engine.findings.messages import locales
from gonemaster_engine.texts import Text
from gonemaster_engine.version import __version__
from gonemaster_tasks.config.settings import Settings

Params = Mapping[str, Any]
Call = Callable[[State, Params], Any]
MAX_HISTORY = 1000
_DIGEST = re.compile("(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{96})")
_FILTER = re.compile("all|delegated|undelegated")
_TEST_ID = types.text(re.compile("[0-9a-f]{16}"))
_CLIENT = types.text(re.compile("[a-zA-Z0-9+~_.: -]{1,50}"))
_USERNAME = types.text(re.compile("[a-zA-Z0-9.@-]{1,50}"))
_API_KEY = types.text(re.compile("[a-zA-Z0-9_-]{1,512}"))
_STATES = {"waiting": waiting_tests, "running": running_tests, "finished": finished_tests}


@dataclass(frozen=True)
class Method:
    """A method: what it does, its parameters, and the rate limit that counts its calls."""

    call: Call
    params: Mapping[str, types.Type] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    bucket: Bucket = Bucket.READ
    is_enabled: Callable[[Settings], bool] = lambda _settings: True
    replaced_by: Mapping[str, str] = field(default_factory=dict)  # required parameters that another one replaces

    def check(self, params: Any) -> dict[str, Any]:
        """Return checked parameters. Raises InvalidParams."""
        given = params if isinstance(params, dict) else {}
        required = [name for name in self.required if self.replaced_by.get(name) not in given]
        found: dict[str, Any] = types.record(self.params, required)(params)
        return found


def _version_info(_state: State, _params: Params) -> dict[str, str]:
    return {
        "zonemaster_backend": f"gonemaster {__version__}",
        "zonemaster_engine": f"gonemaster {__version__}",
        "zonemaster_ldns": f"dnspython {dns.version.version}",
    }


def _profile_names(state: State, _params: Params) -> list[str]:
    return sorted({DEFAULT_PROFILE, *public_profiles(state)})


def _language_tags(_state: State, _params: Params) -> list[str]:
    return locales()


def _host_by_name(state: State, params: Params) -> list[dict[str, str]]:
    name = params["hostname"]
    return [{name: address} for address in look_up_public_addresses(state, name) or ["0.0.0.0"]]  # noqa: S104


def _parent_zone_data(state: State, params: Params) -> dict[str, Any]:
    found = look_up_public_delegation(state, params["domain"])
    return {"ns_list": found["nameservers"], "ds_list": found["ds_records"]}


def _start_domain_test(state: State, params: Params) -> str:
    try:
        return start_test(state, params)
    except BadRequest as error:
        _refuse_params(error, params)


def _refuse_params(error: BadRequest, options: Params, prefix: str = "") -> NoReturn:
    """Convert an error of the submission into an error of the parameter that caused it."""
    message, details = error.message, error.details or {}
    match error.code:
        case "profile_not_found":
            problems = [WrongParameter(f"{prefix}/profile", message)]
        case "private_undelegated_ip":
            given = enumerate(options["nameservers"])
            indexes = [index for index, item in given if (item["ns"], item.get("ip")) == (details["ns"], details["ip"])]
            problems = [WrongParameter(f"{prefix}/nameservers/{index}/ip", message) for index in indexes]
        case "invalid_domain" if "invalid" in details:
            problems = [WrongParameter(f"/domains/{item['index']}", item["reason"]) for item in details["invalid"]]
        case _:
            raise refused(message, code=error.code)
    raise InvalidParams(problems) from error


def _test_progress(state: State, params: Params) -> int:
    return progress_percent(state, find_test(state, params["test_id"]))


def _test_params(state: State, params: Params) -> dict[str, Any]:
    return params_document(find_test(state, params["test_id"]))


def _test_results(state: State, params: Params) -> dict[str, Any]:
    return result_document(state, params["id"], language=params["language"])


def _test_history(state: State, params: Params) -> list[dict[str, Any]]:
    wanted = params.get("filter", "all")
    with state.store.read_only() as session:
        tests = list_past_tests(
            session,
            params["frontend_params"]["domain"],
            undelegated=None if wanted == "all" else wanted == "undelegated",
            limit=min(params.get("limit", 200), MAX_HISTORY),
            offset=params.get("offset", 0),
        )
    return [
        {
            "id": id_of_test(test.public_id),
            "created_at": time_of(test.created_at),
            "undelegated": test.undelegated,
            "overall_result": overall_result(test.status, test.worst_level),
        }
        for test in tests
    ]


def _add_api_user(state: State, params: Params) -> int:
    return add_batch_user(state, params["username"], params["api_key"])


def _add_batch_job(state: State, params: Params) -> int:
    require_batch_user(state, params)
    options = params.get("test_params", {})
    try:
        return start_batch(state, params["domains"], options)
    except BadRequest as error:
        _refuse_params(error, options, "/test_params")


def _batch_status(state: State, params: Params) -> dict[str, Any]:
    try:
        with state.store.read_only() as session:
            batch = get_numbered_batch(session, params["batch_id"])
            counts = count_statuses(session, batch.id)
            chosen = {name: read for name, read in _STATES.items() if params.get(f"list_{name}_tests")}
            listed = {name: ids_of_tests(read(session, batch)) for name, read in chosen.items()}
    except BatchNotFound as error:
        raise refused(Text("Unknown batch"), batch_id=params["batch_id"]) from error
    return {
        "waiting_count": sum(counts[status] for status in WAITING),
        "running_count": counts[JobStatus.RUNNING],
        "finished_count": sum(counts[status] for status in RunStatus),
    } | {f"{name}_tests": ids for name, ids in listed.items() if ids}


_NAMESERVER = types.record({"ns": types.domain, "ip": types.address}, ("ns",))
_DS = types.record(
    {
        "keytag": types.integer(least=0, most=65535, message=Text("Keytag must be a positive integer")),
        "algorithm": types.integer(least=0, most=255, message=Text("Algorithm must be a positive integer")),
        "digtype": types.integer(least=0, most=255, message=Text("Digest type must be a positive integer")),
        "digest": types.text(_DIGEST, Text("Invalid digest format")),
    },
    ("digest", "algorithm", "digtype", "keytag"),
)
_BATCH_PARAMS = {
    "ipv4": types.boolean,
    "ipv6": types.boolean,
    "nameservers": types.array(_NAMESERVER, at_most=MAX_UNDELEGATED),
    "ds_info": types.array(_DS, at_most=MAX_UNDELEGATED),
    "profile": types.profile,
    "client_id": _CLIENT,
    "client_version": _CLIENT,
    "config": types.text(),
    "priority": types.integer(),
    "queue": types.integer(),
}
_PAGE = {
    "offset": types.integer(least=0),
    "limit": types.integer(least=0),
    "filter": types.text(_FILTER),
}
_USER = {"username": _USERNAME, "api_key": _API_KEY}
# Members of a list are checked together by the submission, which also removes duplicate names.
_DOMAINS = types.array(lambda name: name, at_least=1)
_TEST = {"test_id": _TEST_ID}


METHODS: dict[str, Method] = {
    "version_info": Method(_version_info),
    "profile_names": Method(_profile_names),
    "get_language_tags": Method(_language_tags),
    "get_host_by_name": Method(_host_by_name, {"hostname": types.domain}, ("hostname",)),
    "get_data_from_parent_zone": Method(
        _parent_zone_data, {"domain": types.domain, "language": types.language}, ("domain",)
    ),
    "start_domain_test": Method(
        _start_domain_test,
        {"domain": types.domain, "language": types.language} | _BATCH_PARAMS,
        ("domain",),
        Bucket.WRITE,
    ),
    "test_progress": Method(_test_progress, _TEST, ("test_id",)),
    "get_test_params": Method(_test_params, _TEST, ("test_id",)),
    "get_test_results": Method(_test_results, {"id": _TEST_ID, "language": types.language}, ("id", "language")),
    "get_test_history": Method(
        _test_history,
        _PAGE | {"frontend_params": types.record({"domain": types.domain}, ("domain",))},
        ("frontend_params",),
    ),
    "add_api_user": Method(
        _add_api_user, _USER, ("username", "api_key"), is_enabled=lambda settings: settings.zonemaster_add_api_user
    ),
    "add_batch_job": Method(
        _add_batch_job,
        _USER | {"batch_api_key": _API_KEY, "domains": _DOMAINS, "test_params": types.record(_BATCH_PARAMS)},
        ("username", "api_key", "domains"),
        replaced_by={"username": "batch_api_key", "api_key": "batch_api_key"},
    ),
    "batch_status": Method(
        _batch_status,
        {"batch_id": types.integer(least=1)} | {f"list_{name}_tests": types.boolean for name in _STATES},
        ("batch_id",),
    ),
}


def _second(name: str, wrap: str = "", **renamed: str) -> Method:
    """Return a method under its second name: `renamed` parameters, and a result in an object with one member."""
    method = METHODS[name]
    first = {second: first for first, second in renamed.items()}

    def call(state: State, params: Params) -> Any:
        result = method.call(state, {first.get(key, key): value for key, value in params.items()})
        return {wrap: result} if wrap else result

    named = {renamed.get(key, key): check for key, check in method.params.items()}
    return replace(method, call=call, params=named, required=tuple(renamed.get(key, key) for key in method.required))


def _with_job_ids(method: Method, change: Callable[[Any], Any]) -> Method:
    return replace(method, call=lambda state, params: change(method.call(state, params)))


def _renamed(document: Mapping[str, Any], old: str) -> dict[str, Any]:
    return {"job_id" if key == old else key: value for key, value in document.items()}


def _history(tests: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {"history": [_renamed(test, "id") for test in tests]}


METHODS |= {
    "system_versions": _second("version_info"),
    "conf_profiles": _second("profile_names", "profiles"),
    "conf_languages": _second("get_language_tags", "languages"),
    "lookup_address_records": _second("get_host_by_name", "address_records"),
    "lookup_delegation_data": _second("get_data_from_parent_zone"),
    "job_create": _second("start_domain_test", "job_id"),
    "job_status": _second("test_progress", "progress", test_id="job_id"),
    "job_params": _second("get_test_params", test_id="job_id"),
    "job_results": _with_job_ids(_second("get_test_results", id="job_id"), lambda found: _renamed(found, "hash_id")),
    "domain_history": _with_job_ids(_second("get_test_history", frontend_params="params"), _history),
    "user_create": _second("add_api_user", "success"),
    "batch_create": _second("add_batch_job", "batch_id", test_params="job_params"),
}
