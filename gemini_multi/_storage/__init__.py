"""Counts, leases and reservations for limits and budgets, in this process or on a Redis server.

What belongs here: storing these values. Nothing here decides which provider gets a request. The package imports only
public values and errors.
"""
