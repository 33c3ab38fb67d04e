"""Measures what a call costs, side by side with raw httpx and with other clients. `make bench`."""
