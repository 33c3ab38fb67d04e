"""The two dialects (wire formats), each with an encoder of requests and a decoder of answers.

This package is pure: it uses no I/O, no environment and no clock.
"""
