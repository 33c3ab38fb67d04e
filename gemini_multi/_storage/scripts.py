"""Redis scripts, each run as one step by the server's clock: leases that expire, and reservations of money.

An amount is in billionths of a dollar, a time in milliseconds. A reservation that expires counts as spent, because the
provider may have billed it. Its amount is stored as a negative number, so that a late settlement can correct it.
"""

from __future__ import annotations

from typing import Final

_NOW: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

LEASE: Final = (
    _NOW
    + """
-- KEYS: one set of leases per limit. ARGV: id, milliseconds, then a limit per set.
for i, key in ipairs(KEYS) do
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    if redis.call('ZCARD', key) >= tonumber(ARGV[2 + i]) then return 0 end
end
for _, key in ipairs(KEYS) do
    redis.call('ZADD', key, now + ARGV[2], ARGV[1])
end
return 1
"""
)
"""Return 1 if all sets have room and the lease was added, otherwise 0."""

RENEW: Final = (
    _NOW
    + """
-- KEYS: sets of leases. ARGV: milliseconds, then ids.
for _, key in ipairs(KEYS) do
    for i = 2, #ARGV do redis.call('ZADD', key, 'XX', now + ARGV[1], ARGV[i]) end
end
"""
)
"""Extend the leases and reservations that are still valid. Expired ones stay expired."""

RESERVE: Final = (
    _NOW
    + """
-- KEYS: sums, amounts by id, expiries by id. ARGV: id, milliseconds, amount, limit, spent as last seen.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
    local amount = tonumber(redis.call('HGET', KEYS[2], id))
    redis.call('HINCRBY', KEYS[1], 'spent', amount)
    redis.call('HINCRBY', KEYS[1], 'reserved', 0 - amount)
    redis.call('HSET', KEYS[2], id, -amount)
    redis.call('ZREM', KEYS[3], id)
end
local spent = tonumber(redis.call('HGET', KEYS[1], 'spent') or 0)
local reserved = tonumber(redis.call('HGET', KEYS[1], 'reserved') or 0)
if spent < tonumber(ARGV[5]) then -- the server has lost what it knew
    spent = tonumber(ARGV[5])
    redis.call('HSET', KEYS[1], 'spent', ARGV[5])
end
local limit, amount = tonumber(ARGV[4]), tonumber(ARGV[3])
if spent >= limit or spent + reserved + amount > limit then return {0, spent, reserved} end
redis.call('HSET', KEYS[2], ARGV[1], amount)
redis.call('HINCRBY', KEYS[1], 'reserved', amount)
redis.call('ZADD', KEYS[3], now + ARGV[2], ARGV[1])
return {1, spent, reserved}
"""
)
"""Return 1 if the money was reserved, otherwise 0; and the amounts spent and reserved."""

SETTLE: Final = """
-- KEYS: as above. ARGV: id, cost.
local amount = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or 0)
local cost = tonumber(ARGV[2])
if amount < 0 then cost = cost + amount else redis.call('HINCRBY', KEYS[1], 'reserved', 0 - amount) end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return redis.call('HINCRBY', KEYS[1], 'spent', cost)
"""
"""Replace a reservation by the actual cost; return the amount spent."""
