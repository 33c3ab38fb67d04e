"""Sends and receives bytes: the only package that does I/O, and the only one that imports an HTTP library.

What belongs here: one interface (in `session.py`, which performs the steps of a call over it), an adapter for each
library, and the pools of connections. The package does not know providers, dialects or retries: it sends one request
once and returns the response.
It imports values (`_types`, `errors`) and HTTP libraries. It imports an HTTP library when the first call is made.

A response can be closed early at any moment: by its reader, by a cancellation, by Ctrl-C, by the garbage collector,
and, with `interrupt`, from another thread. All other operations of a call are built on send, read and close.
"""
