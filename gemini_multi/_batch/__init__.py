"""Batches: rows from a file become requests, and answers become lines of a results file.

What belongs here: reading rows, writing results, and running many rows at once, on one machine or on several. It uses
the public client only, and nothing imports it but `gemini_multi.batch`.
"""
