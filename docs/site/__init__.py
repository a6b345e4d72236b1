"""The documentation site: docs/ and generated pages, built by Sphinx. `make site` builds it."""
