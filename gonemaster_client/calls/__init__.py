"""The requests of the API by resource. A function returns a description that `Client` or `AsyncClient` sends."""
