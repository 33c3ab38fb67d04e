"""The ASGI application: its URLs, and the steps from a request to its reply."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gemini_multi.sandbox import aimlapi, cloudflare, oxen
from gemini_multi.sandbox.faults import FAULTS, Spoiling
from gemini_multi.sandbox.json_value import JsonValue, an_object
from gemini_multi.sandbox.refusal import Refused
from gemini_multi.sandbox.reply import Reply
from gemini_multi.sandbox.state import Failure, Provider, RawReply, Recorded, State
from gemini_multi.sandbox.visit import Visit, encoded

Answering = Callable[[Visit], Reply]
Error = Callable[[Visit, Refused, float | None], bytes]


@dataclass(frozen=True, slots=True)
class ServedEndpoint:
    """One documented URL; an ASGI application."""

    provider: Provider
    method: str
    answering: Answering
    error: Error
    state: State
    stopping: asyncio.Event

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        visit = self._visit(request, await request.body())
        self.state.record(_record(visit))
        await self._reply(visit).send(scope, receive, send, self.stopping)

    def _visit(self, request: Request, raw: bytes) -> Visit:
        body, is_json = _read(raw)
        return Visit(
            state=self.state,
            provider=self.provider,
            method=request.method,
            path=request.url.path,
            headers={name.lower(): value for name, value in request.headers.items()},
            query=dict(request.query_params),
            parameters={name: str(value) for name, value in request.path_params.items()},
            body=body,
            raw=raw,
            is_json=is_json,
        )

    def _reply(self, visit: Visit) -> Reply:
        plan = self.state.next_plan(self.provider)
        if isinstance(plan, RawReply):
            content_type = plan.headers.get("content-type", "application/json")
            return Reply(status=plan.status, headers=plan.headers, body=plan.body, content_type=content_type)
        if plan is not None and plan.fault is None:
            return self._failed(visit, plan)
        reply = self._answered(visit)
        return reply if plan is None else self._spoiled(visit, reply, plan)

    def _answered(self, visit: Visit) -> Reply:
        try:
            if visit.method != self.method:
                raise Refused(405, f"{visit.method} not supported for requested URI.")
            return self.answering(visit)
        except Refused as refused:
            return Reply(status=refused.status, body=self.error(visit, refused, None))

    def _failed(self, visit: Visit, plan: Failure) -> Reply:
        status = plan.status or 500
        body = (
            plan.body if plan.body is not None else self.error(visit, Refused(status, "", plan.code), plan.retry_after)
        )
        headers = {} if plan.retry_after is None else {"retry-after": f"{plan.retry_after:g}"}
        return Reply(status=status, body=body, headers=headers)

    def _spoiled(self, visit: Visit, reply: Reply, plan: Failure) -> Reply:
        error = self.error(visit, Refused(plan.status or 503, "", plan.code), plan.retry_after)
        if plan.fault in {"error_in_200", "error_in_stream"}:
            return FAULTS[plan.fault](Spoiling(reply, plan.after, plan.body if plan.body is not None else error))
        spoiled = FAULTS[plan.fault or "cut"](Spoiling(reply, plan.after, error))
        return spoiled if plan.status is None else replace(spoiled, status=plan.status)


def _read(raw: bytes) -> tuple[JsonValue, bool]:
    try:
        return json.loads(raw), True
    except ValueError:
        return raw.decode("utf-8", "replace"), False


def _record(visit: Visit) -> Recorded:
    body = an_object(visit.body)
    streams = ":streamGenerateContent" in visit.path or True in (
        body.get("stream"),
        an_object(body.get("input")).get("stream"),
    )
    return Recorded(visit.provider, visit.method, visit.path, visit.headers, visit.body, streams)


def _cloudflare_error(_: Visit, refused: Refused, __: float | None) -> bytes:
    return encoded(cloudflare.refusal(refused))


def _aimlapi_error(visit: Visit, refused: Refused, _: float | None) -> bytes:
    return encoded(aimlapi.refusal(visit, refused))


def _oxen_error(_: Visit, refused: Refused, __: float | None) -> bytes:
    return encoded(oxen.refusal(refused))


_CLOUDFLARE = "/client/v4/accounts/{account}/ai"
_ROUTES: Mapping[str, tuple[Provider, str, Answering, Error]] = {
    f"{_CLOUDFLARE}/run": ("cloudflare", "POST", cloudflare.run, _cloudflare_error),
    f"{_CLOUDFLARE}/v1/chat/completions": ("cloudflare", "POST", cloudflare.chat_completions, _cloudflare_error),
    "/v1/{account}/{gateway}/google-ai-studio/{version}/models/{action}": (
        "cloudflare",
        "POST",
        cloudflare.studio,
        cloudflare.studio_error,
    ),
    "/aimlapi/v1/chat/completions": ("aimlapi", "POST", aimlapi.chat_completions, _aimlapi_error),
    "/aimlapi/v1/models": ("aimlapi", "GET", aimlapi.list_models, _aimlapi_error),
    "/oxen/api/ai/chat/completions": ("oxen", "POST", oxen.chat_completions, _oxen_error),
    "/oxen/api/ai/models": ("oxen", "GET", oxen.list_models, _oxen_error),
    "/oxen/api/ai/models/{model}": ("oxen", "GET", oxen.one_model, _oxen_error),
}


def _no_route(visit: Visit) -> Reply:
    if visit.provider == "cloudflare":
        raise Refused(404, f"Could not route to {visit.path}, perhaps your object identifier is invalid?", 7003)
    raise Refused(404, "")


_ELSEWHERE: Mapping[str, tuple[Provider, str, Answering, Error]] = {
    "/aimlapi/{rest:path}": ("aimlapi", "POST", _no_route, _aimlapi_error),
    "/oxen/{rest:path}": ("oxen", "POST", _no_route, _oxen_error),
    "/{rest:path}": ("cloudflare", "POST", _no_route, _cloudflare_error),
}


def application(state: State, stopping: asyncio.Event) -> Starlette:
    """Build the application for a sandbox's state."""
    routes = [
        Route(path, ServedEndpoint(provider, method, answering, error, state, stopping))
        for path, (provider, method, answering, error) in {**_ROUTES, **_ELSEWHERE}.items()
    ]
    return Starlette(routes=routes)
