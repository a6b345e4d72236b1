"""The list of test cases, and the glossary."""

from flask import Blueprint, Response

from gonemaster_api.state import state
from gonemaster_api.ui.public.frame import public_page
from gonemaster_api.ui.public.glossary import glossary
from gonemaster_api.ui.public.result.findings import display_case
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_api.ui.shell.texts.words import module_name
from gonemaster_engine.findings.messages import best_locale, description
from gonemaster_engine.testcases.catalogue import modules, select

blueprint = Blueprint("ui_public_about", __name__, url_prefix="/about")


@blueprint.get("")
def show() -> Response:
    """List modules with their test cases, and the glossary."""
    locale, exclude = best_locale(language()), state().settings.exclude
    left_out = {case.id for case in select(exclude)} if exclude else set()
    listed = [
        (
            module_name(module.name),
            [
                (display_case(case.id), description(case.purpose, locale=locale), case.id in left_out)
                for case in module.cases
            ],
        )
        for module in modules().values()
    ]
    count = sum(len(cases) for _title, cases in listed) - len(left_out)
    return public_page("public/about/page.html", modules=listed, glossary=glossary(), count=count)
