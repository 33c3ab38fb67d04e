"""Failover: when a provider is out of credit or down, the next one answers, and the answer tells what happened.

On the sandbox the failures are made; with keys of two providers or more, this shows which one answered.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core.messages import AIMessage

from gemini_multi import AllRoutesFailed
from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti


def main() -> None:
    """Ask while all is well, while one provider fails, and while all do."""
    with providers() as sandbox:
        model = ChatGeminiMulti(model="gemini-2.5-flash-lite", max_retries=0)
        print(f"asking {', then '.join(model.provider_names)}")
        show("all well", model.invoke("Hello"))
        if sandbox is None:
            return

        sandbox.fail("cloudflare", status=402)
        show("Cloudflare out of credit", model.invoke("Hello"))

        # Cloudflare rests now: it is asked last. The next in the list breaks off before the first word of a stream.
        sandbox.fail("aimlapi", fault="cut", after=0)
        first, *rest = model.stream("Hello")
        show("AIMLAPI cut off, in a stream", sum(rest, first))

        for provider in model.provider_names:
            sandbox.fail(provider, status=503)
        try:
            model.invoke("Hello")
        except AllRoutesFailed as error:
            print(f"all down: {error}")


def show(case: str, answer: AIMessage) -> None:
    """Print which provider answered, and which were asked before."""
    facts = answer.response_metadata
    attempts = ", ".join(f"{one['provider']} {one['outcome']} ({one['status']})" for one in facts["attempts"])
    print(f"{case}: {facts['provider']} answered; {attempts}")


@contextmanager
def providers() -> Iterator[Sandbox | None]:
    """Ask the providers that have a key; without any, the sandbox."""
    if any(os.environ.get(name) for name in ("CLOUDFLARE_API_TOKEN", "AIMLAPI_API_KEY", "OXEN_API_KEY")):
        yield None
        return
    with Sandbox() as sandbox:
        os.environ.update(sandbox.environment())
        print("No key is set: this runs on the sandbox, which has no model: its answers repeat what they were asked.")
        yield sandbox


if __name__ == "__main__":
    main()
