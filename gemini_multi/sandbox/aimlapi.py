"""AIMLAPI's endpoints: chat completions and the list of models."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from gemini_multi.sandbox import chat, chat_reading, chat_rules, chat_shapes, models
from gemini_multi.sandbox.json_value import JsonObject, JsonValue, a_text
from gemini_multi.sandbox.outcome import Outcome, OutcomeBuilder
from gemini_multi.sandbox.prompt import Prompt
from gemini_multi.sandbox.refusal import Refused, bad
from gemini_multi.sandbox.reply import Reply
from gemini_multi.sandbox.shape import Problem, check_shape
from gemini_multi.sandbox.visit import Visit, as_object, chat_reply, json_reply

_UPSTREAM: Final = "aimlapi"
_KEEP_ALIVE: Final = b": OPENROUTER PROCESSING\n\n"
_MESSAGES: Final[Mapping[int, str]] = {
    400: "Body validation error!",
    401: "This request requires a valid API key. You can create a new API key on the Billing page: https://aimlapi.com/app/keys",
    402: "Payment required",
    403: "You've run out of credits. Please top up your balance or update your payment method to continue: https://aimlapi.com/app/billing/",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Something wrong with the server. Please, try again later.",
    502: "Bad Gateway",
    503: "Service unavailable",
    504: "Generation timeout",
}
_TOO_SMALL: Final = "max_tokens or model output limit was reached"


def refusal(visit: Visit, refused: Refused) -> JsonObject:
    """Write the error body, in the flat form that the provider documents."""
    return {
        "message": refused.message or _MESSAGES.get(refused.status, "Internal server error"),
        "path": visit.path.removeprefix("/aimlapi"),
        "requestId": str(uuid.uuid4()),
        "statusCode": str(refused.status),
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def chat_completions(visit: Visit) -> Reply:
    """Answer `POST /v1/chat/completions`."""
    if visit.bearer != visit.state.keys["aimlapi"]:
        raise Refused(401, "")
    request = as_object(visit)
    family = _family(request)
    _shaped(check_shape(chat_shapes.aimlapi(a_text(request["model"]), family), request))
    model = models.read_model(a_text(request["model"]))
    for check in chat_rules.AIMLAPI:
        check(request, model)
    prompt = _prompt(request, family)
    signs = family[0] in "CD"
    builder = OutcomeBuilder(visit.state, _UPSTREAM, gives_call_ids=True)
    outcome = visit.outcome(prompt, builder, is_native=False, requires_signatures=signs and model.is_gemini_3)
    if prompt.max_tokens is not None and outcome.counts.thoughts >= prompt.max_tokens:
        raise bad(_TOO_SMALL)
    return chat_reply(
        outcome, chat.aimlapi(family), request, headers=_headers(visit, outcome, request), keep_alive=_KEEP_ALIVE
    )


def _family(request: JsonObject) -> str:
    model = request.get("model")
    if not isinstance(model, str):
        _shaped(Problem("model", "Required" if model is None else "Invalid input: expected string"))
    family = models.AIMLAPI.get(a_text(model))
    if family is None:
        raise Refused(404, f"Model {model} not found")
    return family


def _shaped(problem: Problem | None) -> None:
    if problem is not None:
        raise bad(f"Body validation error!\n{problem.path}: {problem.message}")


def _prompt(request: JsonObject, family: str) -> Prompt:
    prompt = chat_reading.read(request, a_text(request["model"]))
    thinks = models.read_model(prompt.model).thinking_tokens(prompt.effort) > 0
    # Only the request schemas of families C and D have `extra_content`; the other families drop it.
    turns = (
        prompt.turns
        if family[0] in "CD"
        else tuple(
            replace(turn, signatures=(), calls=tuple(replace(call, signature="") for call in turn.calls))
            for turn in prompt.turns
        )
    )
    return replace(prompt, turns=turns, include_thoughts=bool(prompt.effort) and thinks, cached_content="")


def _headers(visit: Visit, outcome: Outcome, request: JsonObject) -> dict[str, str]:
    headers = {"x-inference-id": str(uuid.uuid4())}
    own_id = visit.headers.get("x-client-request-id")
    if own_id:
        headers["x-client-request-id"] = own_id
    if request.get("stream") is not True:
        cost = chat.cost(outcome)
        headers["x-aimlapi-credits-used"] = str(cost["credits_used"])
        headers["x-aimlapi-usd-spent"] = str(cost["usd_spent"])
    return headers


def list_models(_: Visit) -> Reply:
    """Answer `GET /v1/models`, which needs no key."""
    rows: list[JsonValue] = [_row(model) for model in models.AIMLAPI]
    return json_reply({"object": "list", "data": rows})


def _row(model: str) -> JsonObject:
    info: JsonObject = {
        "name": model.rpartition("/")[2],
        "developer": "Google",
        "contextLength": 1_000_000,
        "outputMax": 65_536,
    }
    aliases: list[JsonValue] = [model.rpartition("/")[2]]
    return {"id": model, "info": info, "type": "openai/chat-completions", "aliases": aliases, "tags": ["sandbox"]}
