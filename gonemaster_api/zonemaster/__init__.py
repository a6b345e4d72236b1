"""The JSON-RPC API of Zonemaster-Backend, for programs that were written for it."""
