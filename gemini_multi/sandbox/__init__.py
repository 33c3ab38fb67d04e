"""A local imitation of Cloudflare AI, AIMLAPI and Oxen.ai, for tests and for experiments without a key.

It shares no code with the rest of `gemini_multi`, so it is an independent check of it.
"""

from gemini_multi.sandbox.answer import Answer
from gemini_multi.sandbox.sandbox import Sandbox
from gemini_multi.sandbox.state import Recorded

__all__ = ["Answer", "Recorded", "Sandbox"]
