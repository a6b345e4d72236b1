"""Routes of test cases: their purpose and the texts of their message tags."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.errors import NotFound
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.parsing import LocaleQuerySchema
from gonemaster_api.state import state
from gonemaster_api.v1.spec.schemas import (
    TestcaseDetailSchema,
    TestcaseQuerySchema,
    TestcasesSchema,
)
from gonemaster_engine.findings.messages import DEFAULT_LOCALE, advice, best_locale, description, template
from gonemaster_engine.findings.references import reference
from gonemaster_engine.testcases.catalogue import cases, select
from gonemaster_engine.testcases.registry import Case

blueprint = Blueprint("spec", __name__, url_prefix="/spec/testcases", description="Specifications of test cases")


@blueprint.route("")
class Testcases(MethodView):
    """List of test cases."""

    @blueprint.arguments(TestcaseQuerySchema, location="query")
    @blueprint.response(200, TestcasesSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List test cases, optionally of one module."""
        module = (query.get("module") or query.get("category") or "").upper()
        items = [_shown(case) for case in cases().values() if module in ("", case.module)]
        return {"items": items, "total": len(items)}


@blueprint.route("/<testcase_id>")
class TestcaseById(MethodView):
    """One test case."""

    @blueprint.arguments(LocaleQuerySchema, location="query")
    @blueprint.response(200, TestcaseDetailSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, query: dict[str, Any], testcase_id: str) -> dict[str, Any]:
        """Show a test case with the texts of its message tags."""
        case = cases().get(testcase_id.lower())
        if case is None:
            raise NotFound("test case", testcase_id)
        locale = best_locale(query["locale"])
        tags = [
            {
                "tag": tag.name,
                "message": template(tag.name, case.module, locale=locale),
                "advice": advice(tag.name, case.module, locale=locale),
                "reference": found.url if (found := reference(tag.name, case.id)) else None,
            }
            for tag in case.tags
        ]
        return _shown(case, locale) | {"locale": locale, "tags": tags}


def _shown(case: Case, locale: str = DEFAULT_LOCALE) -> dict[str, Any]:
    text = description(case.purpose, locale=locale)
    document: dict[str, Any] = {"id": case.id, "module": case.module, "description": text}
    exclude = state().settings.exclude
    if exclude and case in select(exclude):
        document["excluded"] = True
    return document
