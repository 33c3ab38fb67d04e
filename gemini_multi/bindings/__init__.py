"""The code that both bindings share and that needs no framework: arguments, tools, media, outlines, metadata.

This package imports and names nothing of a framework. The core imports nothing from this package. Both bindings must
apply the same rules: a rule for both belongs here.
"""
