"""What calls take from limits and budgets, in this process or on a Redis server.

What belongs here: keeping counts, leases and reservations. Nothing here decides which provider is asked. It imports
public values and errors only.
"""
