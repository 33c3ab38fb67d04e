"""Puts a conversation into the order that Gemini accepts, and decides which thought signatures are sent.

Gemini answers 400 to histories that other models accept: results that do not follow their calls at once, a missing
result, a first turn of the model, empty parts. Both dialects encode the result of `conversation`, so the rules are
written only here.

A thought signature is valid only at the upstream that issued it. Gemini 3 refuses a tool loop in which the first call
of a step has no signature. For histories from other providers, Google documents a dummy value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pydantic_core import to_json

from gemini_multi.catalog import Model
from gemini_multi.types import Message, Opaque, Part, Role, Signature, Text, Thought, ToolCall, ToolResult

PLACEHOLDER: Final = "."
"""The text of a user turn that Gemini requires and the caller did not send."""

DUMMY: Final = "skip_thought_signature_validator"
"""A value that tells the provider not to require a signature: https://ai.google.dev/gemini-api/docs/thought-signatures."""

_SPEAKERS: Final = ("user", "assistant")

NOT_RUN: Final = "The function was not run."
_LONGEST_SHOWN: Final = 2_000
"""Maximum number of characters of unreadable arguments that the model gets back."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A history that follows Gemini's rules for turns."""

    system: tuple[Message, ...]
    """The system messages, from any position in the history."""
    turns: tuple[Message, ...]
    """Turns of `user`, `assistant` and `tool`, starting with `user`. The results follow a turn with calls."""


@dataclass(slots=True)
class _Step:
    """A turn, with the calls in it and the results found for them so far."""

    message: Message
    calls: tuple[ToolCall, ...] = ()
    results: dict[int, ToolResult] = field(default_factory=dict[int, ToolResult])
    last_result: int = -1
    """The position of the last of the results in the history."""

    def accept(self, result: ToolResult, place: int) -> bool:
        """Add a result from position `place` of the history, if it answers a call without a result."""
        for position, call in enumerate(self.calls):
            is_answer = result.call_id == call.id if result.call_id else result.name == call.name
            if is_answer and position not in self.results:
                self.results[position] = replace(result, call_id=call.id, name=result.name or call.name)
                self.last_result = place
                return True
        return False

    def add(self, remark: Message) -> None:
        """Add a text to the turn that the model wrote before all results had come, after a blank line."""
        has_texts = all(any(isinstance(part, Text) for part in one.parts) for one in (self.message, remark))
        gap = (Text("\n\n"),) if has_texts else ()
        self.message = replace(self.message, parts=(*self.message.parts, *gap, *remark.parts))

    def turns(self) -> list[Message]:
        """Return the turn and, in the order of its calls, one result for each."""
        if not self.calls:
            return [self.message]
        results = (self.results.get(position) or _not_run(call) for position, call in enumerate(self.calls))
        return [self.message, Message("tool", tuple(results))]


def conversation(messages: Sequence[Message], model: Model) -> Conversation:
    """Repair a history by the turn rules of Gemini, without a change to the given messages."""
    system: list[Message] = []
    if all(message.role in _SPEAKERS and plain_text(message) for message in messages):
        turns = list(messages)
    else:
        turns = _turns([item for message in messages for item in _items(message, system)])
    if not turns or turns[0].role != "user":
        turns.insert(0, Message.user(PLACEHOLDER))
    # Without the user's empty last message, the request would ask the model to continue its own turn.
    is_users_turn = bool(messages) and messages[-1].role == "user"
    if turns[-1].role == "assistant" and (is_users_turn or not model.allows_prefill):
        turns.append(Message.user(PLACEHOLDER))
    return Conversation(tuple(system), tuple(turns))


def plain_text(message: Message) -> str | None:
    """Return the text of a message that holds only text, as most turns of a long history do."""
    if len(message.parts) == 1:
        part = message.parts[0]
        if isinstance(part, Text) and part.signature is None and part.cache_control is None:
            return part.text
    return None


def _items(message: Message, system: list[Message]) -> Sequence[_Step | ToolResult]:
    """Split a message into its turn and the results in it. The texts of a system message are added to `system`."""
    if message.role in _SPEAKERS and plain_text(message):
        return [_Step(message)]
    parts = [part for part in message.parts if not _is_empty(part)]
    results = [part for part in parts if isinstance(part, ToolResult)]
    rest = tuple(part for part in parts if not isinstance(part, ToolResult))
    if message.role == "system":
        if texts := tuple(part for part in rest if isinstance(part, Text)):
            system.append(_with_parts(message, "system", texts))
        rest = tuple(part for part in rest if not isinstance(part, Text))
    if not rest:
        return results
    if message.role != "assistant":
        return [*results, _Step(_with_parts(message, "user", rest))]
    calls = tuple(part for part in rest if isinstance(part, ToolCall))
    return [_Step(_with_parts(message, "assistant", rest), calls), *results]


def _with_parts(message: Message, role: Role, parts: tuple[Part, ...]) -> Message:
    if len(parts) == len(message.parts) and role == message.role:
        return message
    return Message(role, parts, name=message.name)


def _turns(items: Sequence[_Step | ToolResult]) -> list[Message]:
    """Move every result to its call: in the latest earlier step with an open call, else in the first later step."""
    steps: list[_Step] = []
    orphans: list[tuple[int, ToolResult]] = []
    for position, item in enumerate(items):
        if isinstance(item, _Step):
            steps.append(item)
        elif not any(step.accept(item, position) for step in reversed(steps)):
            orphans.append((position, item))
    unclaimed = {position for position, result in orphans if not _is_claimed(items, position, result)}
    return [turn for step in _joined(items, unclaimed) for turn in step.turns()]


def _is_claimed(items: Sequence[_Step | ToolResult], position: int, result: ToolResult) -> bool:
    """Whether a step after a result accepts it, or the result repeats an earlier one."""
    later = (item for item in items[position:] if isinstance(item, _Step))
    return any(step.accept(result, position) for step in later) or any(
        result in step.results.values() for step in items if isinstance(step, _Step)
    )


def _joined(items: Sequence[_Step | ToolResult], unclaimed: set[int]) -> list[_Step]:
    """Move a text of the model between a call and its result into the call's turn; write unclaimed results as text.

    The result moves to its call. Otherwise the model's text would follow the result, as a separate turn.
    """
    waiting: list[_Step] = []
    kept: list[_Step] = []
    for position, item in enumerate(items):
        waiting = [step for step in waiting if step.last_result > position]
        if isinstance(item, ToolResult):
            kept += [_Step(Message("user", _as_text(item)))] if position in unclaimed else []
        elif waiting and item.message.role == "assistant" and not item.calls:
            waiting[-1].add(item.message)
        else:
            waiting.append(item)
            kept.append(item)
    return kept


def _not_run(call: ToolCall) -> ToolResult:
    raw = call.invalid_arguments
    reason = "" if raw is None else f" Its arguments are no JSON object: {raw[:_LONGEST_SHOWN]}"
    return ToolResult(call.id, call.name, (Text(NOT_RUN + reason),), is_error=True)


def _as_text(result: ToolResult) -> tuple[Part, ...]:
    texts = [part.text for part in result.content if isinstance(part, Text)]
    if result.value is not None and not texts:
        texts = [to_json(result.value, fallback=str).decode()]
    label = "Error" if result.is_error else "Result"
    text = f"{label} of the function `{result.name or result.call_id}`: " + "\n".join(texts)
    return (Text(text), *(part for part in result.content if not isinstance(part, Text)))


def _is_empty(part: Part) -> bool:
    """Whether a part has no content to send. Unsigned thoughts are never sent."""
    if isinstance(part, Text):
        return not part.text and part.signature is None
    if isinstance(part, Thought):
        return part.signature is None
    return isinstance(part, Opaque) and not part.data


def sign(turns: Sequence[Message], *, issuer: str, required: bool, distrust: bool = False) -> tuple[Message, ...]:
    """Keep the signatures that are valid at `issuer`, remove the others, and add dummies where a signature is required.

    Args:
        turns: A history that follows the rules for turns.
        issuer: The upstream that the history is sent to.
        required: Whether the first call of each step of the current turn must be signed.
        distrust: Treat all signatures as invalid, because the provider has refused one.
    """
    accepted = None if distrust else issuer
    begin = len(turns)
    if required:  # only in the turns after the user's last turn
        begin = max((position for position, turn in enumerate(turns) if turn.role == "user"), default=-1)
    signed: list[Message] = []
    for position, message in enumerate(turns):
        must_sign = position > begin
        is_bare = message.role != "assistant" or plain_text(message) is not None
        if is_bare or not (must_sign or any(map(signature_of, message.parts))):
            signed.append(message)
            continue
        parts = _once([kept for part in message.parts if (kept := _accepted(part, accepted)) is not None])
        if must_sign:
            parts = _with_dummy(parts, issuer)
        if parts:
            signed.append(message if parts == message.parts else replace(message, parts=parts))
    return tuple(signed)


def signature_of(part: Part) -> Signature | None:
    """Return the signature of a part. Results of functions have none."""
    return None if isinstance(part, ToolResult) else part.signature


def bare_signature(part: Part) -> str | None:
    signature = signature_of(part)
    return None if signature is None else signature.thought_signature()


def _accepted(part: Part, issuer: str | None) -> Part | None:
    """Remove a signature of another issuer. Return `None` for a part that holds nothing else."""
    if isinstance(part, ToolResult) or part.signature is None or part.signature.issuer == issuer:
        return part
    if isinstance(part, Thought) or (isinstance(part, Text) and not part.text):
        return None
    return replace(part, signature=None)


def _once(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Keep a signature that a provider sent at two positions only at the position where it is required.

    A signature that is sent twice is billed twice.
    """
    calls = {bare_signature(part) for part in parts if isinstance(part, ToolCall)}
    seen = set[str]()
    kept: list[Part] = []
    for part in parts:
        bare = bare_signature(part)
        is_again = bare is not None and (bare in seen or (bare in calls and not isinstance(part, ToolCall)))
        if (once := _accepted(part, None) if is_again else part) is not None:
            kept.append(once)
        if bare is not None and not is_again:
            seen.add(bare)
    return tuple(kept)


def _with_dummy(parts: tuple[Part, ...], issuer: str) -> tuple[Part, ...]:
    """Add the dummy to the first call unless the step is signed already."""
    for position, part in enumerate(parts):
        if isinstance(part, ToolCall):
            if bare_signature(part) is not None or any(map(_signs_message, parts)):
                return parts
            dummy = Signature(DUMMY, carrier="thoughtSignature", issuer=issuer)
            return (*parts[:position], replace(part, signature=dummy), *parts[position + 1 :])
    return parts


def _signs_message(part: Part) -> bool:
    """Whether the part's signature belongs to the whole message and names its call itself."""
    signature = signature_of(part)
    return signature is not None and signature.carrier == "reasoning_details" and bare_signature(part) is not None
