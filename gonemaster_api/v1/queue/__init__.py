"""The queue: state, controls, health and audit."""
