"""The public API, /pub/api/v1: one folder for each resource."""

from gonemaster_api.public.analysis.routes import blueprint as analysis

BLUEPRINTS = (analysis,)
