"""Cloudflare's three endpoints: the run endpoint, chat completions, and Google AI Studio behind the gateway."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

from gemini_multi.sandbox import chat, chat_reading, chat_rules, chat_shapes, models, native
from gemini_multi.sandbox.json_value import JsonObject, JsonValue, a_text, an_object
from gemini_multi.sandbox.native_rules import call_ids
from gemini_multi.sandbox.outcome import Outcome, OutcomeBuilder, prompt_counts
from gemini_multi.sandbox.refusal import Refused, bad
from gemini_multi.sandbox.reply import Reply
from gemini_multi.sandbox.shape import check_shape
from gemini_multi.sandbox.visit import Visit, as_object, bearer, chat_reply, encoded, json_reply, native_stream

_UPSTREAM: Final = "vertex"
_STUDIO_UPSTREAM: Final = "ai-studio"

_BY_STATUS: Final[Mapping[int, tuple[int, str]]] = {
    400: (7003, "Model execution failed (User Input Error): Invalid value at messages"),
    401: (10000, "Authentication error"),
    402: (2021, "Insufficient balance; add money to your gateway or use BYOK"),
    403: (7003, "Forbidden: Model or provider could not be resolved for spend-limit enforcement"),
    404: (7003, "Model not found: google/gemini-unknown"),
    405: (7001, "GET not supported for requested URI."),
    408: (3007, "Request timeout"),
    413: (3006, "Request is too large"),
    422: (2017, "Prompt blocked due to security configurations"),
    424: (2016, "Prompt blocked due to security configurations"),
    429: (2003, "Rate limited"),
    503: (7013, "Service unavailable"),
}
_BY_CODE: Final[Mapping[int, str]] = {
    2001: "Please configure AI Gateway in the Cloudflare dashboard",
    2002: "Failed to parse model output",
    2008: "Invalid provider",
    2009: "Unauthorized",
    2045: "Spend limit reached",
    2047: "Invalid User Credentials",
    3036: "You have used up your daily free allocation",
    3040: "Capacity temporarily exceeded, please try again.",
}
_ROUTER_CODES: Final = frozenset({7001, 10000})
"""Codes of the REST API in front of the gateway. Its envelope differs from the gateway's."""
_GOOGLE_STATUSES: Final[Mapping[int, tuple[str, str]]] = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    500: ("INTERNAL", "An internal error has occurred. Please retry."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "The request timed out. Please try again."),
}


def refusal(refused: Refused) -> JsonObject:
    """Write the error body of the REST API, in the envelope of the REST API or of the gateway behind it."""
    code, usual = _BY_STATUS.get(refused.status, (7000, "Internal server error"))
    code = refused.code if isinstance(refused.code, int) else code
    message = refused.message or _BY_CODE.get(code, usual)
    entry: JsonObject = {"code": code, "message": message}
    if code in _ROUTER_CODES or message.startswith("Could not route"):
        return {"result": None, "success": False, "errors": [entry], "messages": []}
    description = "User Input Error" if refused.status == 400 else message
    return {
        "success": False,
        "result": [],
        "messages": [],
        "error": [entry],
        "name": "AiGatewayError",
        "httpCode": refused.status,
        "internalCode": code,
        "description": description,
        "message": message,
        "requestId": str(uuid.uuid4()),
    }


def studio_refusal(refused: Refused, *, retry_after: float | None = None) -> JsonObject:
    """Write the error body of Google AI Studio, or of the gateway if the gateway itself refuses the request."""
    if isinstance(refused.code, int):
        return refusal(refused)
    status, usual = _GOOGLE_STATUSES.get(refused.status, ("UNKNOWN", "Unknown error."))
    details: list[JsonValue] = []
    if refused.code == "API_KEY_INVALID":
        details.append(
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": refused.code, "domain": "googleapis.com"}
        )
    if retry_after is not None:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after:g}s"})
    error: JsonObject = {"code": refused.status, "message": refused.message or usual, "status": status}
    return {"error": {**error, "details": details} if details else error}


def _admit(visit: Visit) -> None:
    if visit.bearer != visit.state.keys["cloudflare"]:
        raise Refused(401, "Authentication error", 10000)
    if visit.parameters["account"] != visit.state.account:
        raise Refused(404, f"Could not route to {visit.path}, perhaps your object identifier is invalid?", 7003)
    if visit.method != "POST":
        raise Refused(405, f"{visit.method} not supported for requested URI.", 7001)


def _headers(*, streams: bool = False) -> dict[str, str]:
    log_id = uuid.uuid4().hex
    headers = {"cf-aig-log-id": log_id, "cf-aig-request-id": log_id, "cf-aig-event-id": uuid.uuid4().hex}
    headers |= {"cf-aig-cache-status": "MISS", "cf-aig-step": "0"}
    return {**headers, "cf-aig-run-id": uuid.uuid4().hex} if streams else headers


def _known(model: str) -> None:
    if not model:
        raise bad("Model ID missing", 7000)
    if model not in models.CLOUDFLARE:
        raise Refused(404, f"Model not found: {model}", 7003)


def _outcome_builder(visit: Visit, *, gives_call_ids: bool) -> OutcomeBuilder:
    return OutcomeBuilder(visit.state, _UPSTREAM, gives_call_ids)


def run(visit: Visit) -> Reply:
    """Answer `POST …/ai/run`. The shape of `input` determines the dialect."""
    _admit(visit)
    body = as_object(visit)
    model, given = a_text(body.get("model")), an_object(body.get("input"))
    _known(model)
    if "messages" in given:
        return _chat(visit, given, model, wraps=True)
    if "contents" not in given:
        raise _user_error(bad("Invalid value at contents: Invalid input: expected array, received undefined"))
    try:
        outcome = _native(visit, given, model)
    except Refused as refused:
        raise _user_error(refused) from None
    return json_reply(_wrapped(visit, native.document(outcome, is_vertex=True)), headers=_headers())


def _native(visit: Visit, given: JsonObject, model: str) -> Outcome:
    request = native.validated(given, model, is_vertex=True)
    for call_id in call_ids(request):
        if not visit.state.marks.is_call_id(_UPSTREAM, a_text(call_id)):
            raise bad(f"Unable to submit request because function call id {call_id!r} is not one that was issued.")
    prompt = native.read(request, model)
    required = models.read_model(model).is_gemini_3
    return visit.outcome(
        prompt, _outcome_builder(visit, gives_call_ids=False), is_native=True, requires_signatures=required
    )


def _user_error(refused: Refused) -> Refused:
    return Refused(refused.status, f"Model execution failed (User Input Error): {refused.message}", refused.code)


def _wrapped(visit: Visit, answer: JsonObject) -> JsonObject:
    if visit.state.wrapping == "bare":
        return answer
    inner: JsonObject = answer
    if visit.state.wrapping == "result_state":
        inner = {"state": "Completed", "result": answer, "gatewayMetadata": {"keySource": "Unified"}}
    return {"result": inner, "success": True, "errors": [], "messages": []}


def chat_completions(visit: Visit) -> Reply:
    """Answer `POST …/ai/v1/chat/completions`."""
    _admit(visit)
    body = as_object(visit)
    model = a_text(body.get("model"))
    _known(model)
    return _chat(visit, body, model, wraps=False)


def _chat(visit: Visit, request: JsonObject, model_id: str, *, wraps: bool) -> Reply:
    model = models.read_model(model_id)
    try:
        problem = check_shape(chat_shapes.CLOUDFLARE, request)
        if problem is not None:
            raise bad(f"Invalid value at {problem.path}: {problem.message}")
        for check in chat_rules.CLOUDFLARE:
            check(request, model)
        prompt = chat_reading.read(request, model_id)
        builder = _outcome_builder(visit, gives_call_ids=True)
        outcome = visit.outcome(prompt, builder, is_native=False, requires_signatures=model.is_gemini_3)
    except Refused as refused:
        raise _user_error(refused) from None
    streams = request.get("stream") is True
    reply = chat_reply(outcome, chat.CLOUDFLARE, request, headers=_headers(streams=streams))
    if streams or not wraps:
        return reply
    return json_reply(_wrapped(visit, chat.completion(outcome, chat.CLOUDFLARE)), headers=_headers())


def studio(visit: Visit) -> Reply:
    """Answer `POST …/google-ai-studio/v1beta/models/{model}:{method}` on the gateway."""
    _admit_to_gateway(visit)
    model, _, method = visit.parameters["action"].partition(":")
    if model not in models.STUDIO or method not in {"generateContent", "streamGenerateContent", "countTokens"}:
        raise Refused(
            404,
            f"models/{model} is not found for API version {visit.parameters['version']}, or is not supported for "
            f"{method}. Call ModelService.ListModels to see the list of available models and their supported methods.",
        )
    if method == "countTokens":
        prompt = native.read(native.counted(as_object(visit), model), model)
        return json_reply(native.count_document(prompt_counts(prompt)), headers=_headers())
    request = native.validated(as_object(visit), model, is_vertex=False)
    prompt = native.read(request, model)
    is_gemini_3 = models.read_model(model).is_gemini_3
    builder = OutcomeBuilder(visit.state, _STUDIO_UPSTREAM, gives_call_ids=is_gemini_3)
    outcome = visit.outcome(prompt, builder, is_native=True, requires_signatures=is_gemini_3)
    if method == "streamGenerateContent":
        as_events = visit.query.get("alt") == "sse"
        return native_stream(outcome, is_vertex=False, as_events=as_events, headers=_headers())
    return json_reply(native.document(outcome, is_vertex=False), headers=_headers())


def _admit_to_gateway(visit: Visit) -> None:
    token, google_key = visit.state.keys["cloudflare"], visit.headers.get("x-goog-api-key", "")
    gateway_key = bearer(visit.headers.get("cf-aig-authorization", "")) or visit.bearer
    if visit.parameters["account"] != visit.state.account:
        raise bad("Please configure AI Gateway in the Cloudflare dashboard", 2001)
    if gateway_key and gateway_key != token:
        raise Refused(401, "Unauthorized", 2009)
    if not gateway_key and google_key != token:
        if google_key:
            raise bad("API key not valid. Please pass a valid API key.", "API_KEY_INVALID")
        raise Refused(401, "Unauthorized", 2009)
    if visit.method != "POST":
        raise Refused(405, f"{visit.method} not supported for requested URI.", 7001)


def studio_error(visit: Visit, refused: Refused, retry_after: float | None = None) -> bytes:
    """Write the error in AI Studio's form. A stream without server-sent events gets an array with one error."""
    body = studio_refusal(refused, retry_after=retry_after)
    in_array = ":streamGenerateContent" in visit.path and visit.query.get("alt") != "sse"
    return encoded([body] if in_array else body)
