"""The pages on which anyone can test a domain; the setting `public_ui_path` is their path."""

from gonemaster_api.ui.public.about.views import blueprint as about
from gonemaster_api.ui.public.badge.views import blueprint as badge
from gonemaster_api.ui.public.form.views import blueprint as form
from gonemaster_api.ui.public.result.views import blueprint as result
from gonemaster_api.ui.public.shared.views import blueprint as shared

BLUEPRINTS = (form, result, shared, about, badge)
