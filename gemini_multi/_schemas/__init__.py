"""JSON Schema, all of it: check values, repair answers, translate schemas for the wires.

Knows no wire and no provider.
"""
