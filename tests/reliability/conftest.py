"""Fixtures of the reliability tests: the servers of the integration tests."""

from tests.integration.conftest import postgres_server, postgres_url, valkey_url

__all__ = ["postgres_server", "postgres_url", "valkey_url"]
