"""Oxen.ai's endpoints: chat completions and the list of models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gemini_multi.sandbox import chat, chat_reading, chat_rules, chat_shapes, models
from gemini_multi.sandbox.json_value import JsonObject, JsonValue, a_text
from gemini_multi.sandbox.outcome import OutcomeBuilder
from gemini_multi.sandbox.refusal import Refused, bad
from gemini_multi.sandbox.reply import Reply
from gemini_multi.sandbox.shape import check_shape
from gemini_multi.sandbox.visit import Visit, as_object, chat_reply, json_reply

_UPSTREAM: Final = "oxen"
_BY_STATUS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("invalid_params", "Invalid parameters supplied, please check your request and try again."),
    401: ("unauthenticated", "You must be authenticated to perform this action."),
    402: ("insufficient_credits", "You have run out of credits."),
    403: ("forbidden", "You are not allowed to perform this action."),
    404: ("resource_not_found", "Resource not found."),
    429: ("rate_limited", "Too many requests, please try again later."),
    500: ("internal_server_error", "Something went wrong."),
    502: ("upstream", "The model provider returned an error."),
}


def refusal(refused: Refused) -> JsonObject:
    """Write the error body: the long envelope, or the short one with a message only."""
    kind, title = _BY_STATUS.get(refused.status, ("error", "Something went wrong."))
    if refused.code == "message_only":
        return {"error": {"message": refused.message}}
    kind = refused.code if isinstance(refused.code, str) else kind
    error: JsonObject = {"type": kind, "title": title}
    if refused.status == 502:
        return {"error": error, "status": 502}
    if refused.message:
        error["detail"] = refused.message
    return {"error": error, "status": "error", "status_message": kind}


def _admit(visit: Visit) -> None:
    if visit.bearer != visit.state.keys["oxen"]:
        raise Refused(401, "")


def chat_completions(visit: Visit) -> Reply:
    """Answer `POST /chat/completions`."""
    _admit(visit)
    request = as_object(visit)
    problem = check_shape(chat_shapes.OXEN, request)
    if problem is not None:
        raise bad(f"{problem.path}: {problem.message}")
    model_id = a_text(request.get("model"))
    if not model_id:
        raise bad("You must specify a model to call", "message_only")
    if model_id not in models.OXEN:
        raise Refused(404, f"Model not found: {model_id}", "message_only")
    model = models.read_model(model_id)
    for check in chat_rules.OXEN:
        check(request, model)
    prompt = chat_reading.read(request, model_id)
    builder = OutcomeBuilder(visit.state, _UPSTREAM, gives_call_ids=True)
    # The provider does not document signatures. The sandbox issues them and does not require them.
    outcome = visit.outcome(prompt, builder, is_native=False, requires_signatures=False)
    return chat_reply(outcome, chat.OXEN, request, headers={})


def list_models(visit: Visit) -> Reply:
    """Answer `GET /models`."""
    _admit(visit)
    rows: list[JsonValue] = [_row(model) for model in models.OXEN]
    return json_reply({"object": "list", "data": rows})


def one_model(visit: Visit) -> Reply:
    """Answer `GET /models/{id}`."""
    _admit(visit)
    if visit.parameters["model"] not in models.OXEN:
        raise Refused(404, f"Model not found: {visit.parameters['model']}", "message_only")
    return json_reply(_row(visit.parameters["model"]))


def _row(model: str) -> JsonObject:
    return {
        "id": model,
        "object": "model",
        "created": 1_750_000_000,
        "owned_by": "oxen",
        "display_name": model,
        "model_type": "base",
        "endpoint": "/chat/completions",
        "capabilities": {"input": ["text", "image", "audio", "video"], "output": ["text"]},
        "developer": {"name": "Google"},
        "request_schema": None,
    }
