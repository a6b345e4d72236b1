"""Health, features and locales of the service."""
