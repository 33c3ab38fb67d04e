"""The two dialects (wire formats), each with an encoder of requests and a decoder of answers.

Pure: no I/O, no environment, no clock.
"""
