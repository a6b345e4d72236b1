"""Errors of the documentation site."""


class SiteError(Exception):
    """The site cannot be built; the message names the page and what is wrong."""
