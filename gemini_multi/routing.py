"""The possible routes of a request: which providers, in which order, and through which of their endpoints."""

from __future__ import annotations

from gemini_multi._routing.routes import PreparedRequest, Route, arranged, check, routes

__all__ = ["PreparedRequest", "Route", "arranged", "check", "routes"]
