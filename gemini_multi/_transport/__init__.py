"""Bytes over the network: the only package that moves them, and the only one that knows an HTTP library.

What belongs here: one interface (`interface.py`), an adapter for each library, the pools of connections, and the
inflater. It knows neither providers nor dialects nor retries: it sends one request once, and says what came back.
It imports values (`_types`, `errors`) and HTTP libraries, the latter only when the first call is made.

An answer can be closed early at any moment: by its reader, by a cancellation, by Ctrl-C, by the garbage collector, and,
with `interrupt`, from another thread. All that a caller needs beyond sending and reading is built on that.
"""
