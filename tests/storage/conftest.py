"""The Redis server that these tests share their counts through."""

from tests.redis_server import redis_server as redis_server
