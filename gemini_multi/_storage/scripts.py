"""What Redis does in one step, by its own clock: leases that expire, and money that is set aside.

An amount is in billionths of a dollar, a time in milliseconds. A reservation that expires counts as spent, since the
provider may have billed it; its amount is kept as a negative number, so that a settlement that comes late after all
puts it right.
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
"""Give 1 when all sets have room and the lease is entered, else 0."""

RENEW: Final = (
    _NOW
    + """
-- KEYS: sets of leases. ARGV: milliseconds, then ids.
for _, key in ipairs(KEYS) do
    for i = 2, #ARGV do redis.call('ZADD', key, 'XX', now + ARGV[1], ARGV[i]) end
end
"""
)
"""Extend what is still held; nothing that has expired comes back."""

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
"""Give 1 when the money is set aside, else 0; and what is spent and set aside."""

SETTLE: Final = """
-- KEYS: as above. ARGV: id, cost.
local amount = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or 0)
local cost = tonumber(ARGV[2])
if amount < 0 then cost = cost + amount else redis.call('HINCRBY', KEYS[1], 'reserved', 0 - amount) end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return redis.call('HINCRBY', KEYS[1], 'spent', cost)
"""
"""Replace what was set aside by what it cost; give what is spent."""
