"""Translates LangChain's messages, including histories of other chat models, to the core's messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from gemini_multi.errors import ConfigurationError
from gemini_multi.types import Message, Part, Role, Text, ToolResult
from langchain_gemini_multi._ai_messages import assistant_parts
from langchain_gemini_multi._content_blocks import content_parts, tool_result

_ROLES: Final[dict[Role, tuple[str, ...]]] = {
    # A tool result holds the id of its tool call. A chat message has no such id, so it is a message of the user.
    "user": ("user", "human", "tool", "function"),
    "assistant": ("assistant", "ai", "model"),
    "system": ("system", "developer"),
}


def to_core(messages: Sequence[BaseMessage] | str) -> tuple[Message, ...]:
    """Translate a conversation, or a prompt of the user.

    Nothing is reordered or merged here, because the core knows each provider's turn rules.

    Raises:
        ConfigurationError: A message or a content block is of a kind that cannot be sent.
    """
    if isinstance(messages, str):
        return (Message("user", (Text(messages),)),)
    names: dict[str, str] = {}
    translated: list[Message] = []
    for message in messages:
        try:
            translated.extend(_translated(message, names))
        except RecursionError:
            raise ConfigurationError("The content of a message nests too deep. Flatten it.") from None
    return tuple(translated)


def _translated(message: BaseMessage, names: dict[str, str]) -> list[Message]:
    """Translate one message. `names` collects the function name for each call id."""
    match message:
        case AIMessage():
            parts = assistant_parts(message)
            names.update({call["id"]: call["name"] for call in message.tool_calls if call["id"]})
            return [Message("assistant", tuple(parts), name=message.name)]
        case ToolMessage(tool_call_id=call_id, status=status):
            name = message.name or names.get(call_id, "")
            return [Message("tool", (tool_result(call_id, name, message.content, is_error=status == "error"),))]
        case FunctionMessage():
            return [Message("tool", (tool_result("", message.name, message.content, is_error=False),))]
        case SystemMessage():
            return [Message("system", tuple(content_parts(message.content)), name=message.name)]
        case HumanMessage():
            return _user(content_parts(message.content), message.name, names)
        case ChatMessage():
            return [_spoken(message)]
        case _:
            raise ConfigurationError(
                f"A {type(message).__name__} cannot be sent to a model. "
                "Use human, AI, system, tool, function or chat messages."
            )


def _user(parts: list[Part], name: str | None, names: Mapping[str, str]) -> list[Message]:
    """Separate tool results from a message of the user. Anthropic's format puts them there."""
    found = [part for part in parts if isinstance(part, ToolResult)]
    results = [replace(part, name=part.name or names.get(part.call_id, "")) for part in found]
    rest = tuple(part for part in parts if not isinstance(part, ToolResult))
    messages = [Message("tool", tuple(results))] if results else []
    if rest or not results:
        messages.append(Message("user", rest, name=name))
    return messages


def _spoken(message: ChatMessage) -> Message:
    """Translate a message by its role. A message of the model may hold parts that only a model writes."""
    role: Role | None = next((role for role, names in _ROLES.items() if message.role.lower() in names), None)
    if role is None:
        known = sorted(name for names in _ROLES.values() for name in names)
        raise ConfigurationError(f"The role {message.role!r} of a ChatMessage is not one of {known!r}.")
    if role == "assistant":
        parts = assistant_parts(AIMessage(message.content, additional_kwargs=message.additional_kwargs))
    else:
        parts = content_parts(message.content)
    return Message(role, tuple(parts), name=message.name)
