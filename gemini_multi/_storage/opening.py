"""Opens the storage for a client's settings."""

from __future__ import annotations

from gemini_multi._storage.interface import Storage
from gemini_multi.errors import ConfigurationError
from gemini_multi.rate_limits import SharedStorage


def open_storage(settings: SharedStorage | None) -> Storage:
    """Open a storage. No connection is made yet.

    Raises:
        ConfigurationError: A package is missing.
    """
    try:
        from gemini_multi._storage.memory import MemoryStorage
        from gemini_multi._storage.redis_server import RedisStorage
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f'Rate limits and shared budgets need {error.name}: pip install "gemini-multi[redis]"'
        ) from error
    return MemoryStorage() if settings is None else RedisStorage(settings)
