"""Batches: rows from a file become requests, and answers become lines of a results file.

This package reads rows, writes results, and runs many rows at once, on one machine or on several. It uses the public
client only, and only `gemini_multi.batch` imports it.
"""
