"""Refusals that the server decides before the application sees a request; the application words the response."""

from flask import Flask, request

REFUSAL = "gonemaster.refusal"  # environ key: the ApiError to answer with, or None


def register_refusals(app: Flask) -> None:
    """Answer with the error that the server has set. Register this before hooks that use the database."""
    app.before_request(_refuse)


def _refuse() -> None:
    if refusal := request.environ.get(REFUSAL):
        raise refusal
