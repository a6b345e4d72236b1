"""The Model Context Protocol (MCP): tools with which language models use the API."""
