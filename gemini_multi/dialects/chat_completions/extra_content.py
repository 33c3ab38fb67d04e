"""Signatures in `extra_content`, in the form that callers of an OpenAI-compatible endpoint get and send back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from gemini_multi.types import JsonValue, Signature, SignatureCarrier

_OURS: Final = "gemini_multi"
"""The namespace, inside `extra_content`, for values that Google's own form has no field for."""
_CARRIERS: Final[dict[str, SignatureCarrier]] = {carrier: carrier for carrier in get_args(SignatureCarrier)}


def extra_content(signature: Signature | None, *, synthetic_id: bool = False) -> dict[str, JsonValue] | None:
    """Write a signature in the form of Google's OpenAI endpoint, with its issuer and its carrier in our namespace."""
    ours: dict[str, JsonValue] = {"synthetic_id": True} if synthetic_id else {}
    if signature is None:
        return {_OURS: ours} if ours else None
    ours |= {"carrier": signature.carrier, "issuer": signature.issuer}
    if signature.carrier == "extra_content" and isinstance(signature.payload, dict):
        return {**signature.payload, _OURS: ours}
    bare = signature.thought_signature()
    if not isinstance(signature.payload, str):
        ours["payload"] = signature.payload
    return {_OURS: ours} if bare is None else {"google": {"thought_signature": bare}, _OURS: ours}


def signature_of(extra: Mapping[str, JsonValue] | None, issuer: str) -> Signature | None:
    """Read a signature. `issuer` is the issuer of a signature without a stated issuer."""
    if not extra:
        return None
    ours = extra.get(_OURS)
    ours = ours if isinstance(ours, dict) else {}
    payload: JsonValue = {name: value for name, value in extra.items() if name != _OURS}
    carrier = _CARRIERS.get(str(ours.get("carrier")), "extra_content")
    if carrier != "extra_content":
        bare = Signature(payload, carrier="extra_content", issuer="").thought_signature()
        payload = ours.get("payload", bare)
    return Signature(payload, carrier=carrier, issuer=str(ours.get("issuer") or issuer)) if payload else None


def is_synthetic(extra: Mapping[str, JsonValue] | None) -> bool:
    """Whether a call's id must not count as the provider's: this library made it, or its origin is unknown."""
    ours = (extra or {}).get(_OURS)
    return not isinstance(ours, dict) or ours.get("synthetic_id") is True
