"""The pages on which anyone tests a domain; the setting `public_ui_path` says where they are."""

from gonemaster_api.ui.public.about.views import blueprint as about
from gonemaster_api.ui.public.badge.views import blueprint as badge
from gonemaster_api.ui.public.form.views import blueprint as form
from gonemaster_api.ui.public.result.views import blueprint as result

BLUEPRINTS = (form, result, about, badge)
