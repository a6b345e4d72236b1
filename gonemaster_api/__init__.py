"""HTTP API, server command and web pages."""
