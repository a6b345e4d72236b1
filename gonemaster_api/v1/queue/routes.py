"""The queue: look at it, pause it, take jobs out."""

from gonemaster_api.blueprint import Blueprint

blueprint = Blueprint("queue", __name__, url_prefix="/queue", description="What waits, and in which order")
