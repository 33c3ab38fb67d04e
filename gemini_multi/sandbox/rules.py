"""The rules by which the sandbox answers.

In order:

1.  A tool must be called (`ANY`, `required`, a named tool): the answer is a call whose arguments are the smallest
    instance of its schema. The tools that the prompt names are called, all of them at once. If it names none, the first
    tool that was not yet called in this turn is called.
2.  The last turn holds tool results, or images that a tool returned: the answer is a text that quotes them. If the
    prompt contains " then ", the tools that it names are first called one after the other.
3.  The prompt requests tools (by name; by all significant words of a name, such as "weather" for `get_weather`; by "the
    tool" if there is only one): the answer holds calls as in 1.
4.  The request has a JSON format: the smallest instance of its schema, or an object with the quoted keys of the prompt.
5.  Any other request: a text that quotes the prompt.
"""

from __future__ import annotations

import json
import re
from typing import Final

from gemini_multi.sandbox.answer import Answer
from gemini_multi.sandbox.instance import Instances, smallest
from gemini_multi.sandbox.json_value import JsonObject, JsonValue, an_object
from gemini_multi.sandbox.prompt import Function, Prompt

_EMPTY_WORDS: Final = frozenset({"get", "set", "the", "tool", "function", "my", "a", "run", "do", "call", "unicode"})
_THE_TOOL: Final = re.compile(r"\b(?:use|using|with|call) (?:the|this|your|a) (?:tool|function)\b", re.IGNORECASE)
_KEYS: Final = re.compile(r"((?:['\"`]\w+['\"`][, and]*)+) keys?\b")
_KEY: Final = re.compile(r"['\"`](\w+)['\"`]")


def answer(prompt: Prompt) -> Answer:
    """Answer by the rules above."""
    tools = _tools_to_call(prompt)
    if tools:
        return Answer(
            tool_calls=[(tool.name, _arguments(tool, prompt.last_user_text)) for tool in tools],
            thoughts=_thoughts(prompt),
        )
    if prompt.turns[-1].role == "tool" and not prompt.wants_json:
        return Answer(_quote_results(prompt), thoughts=_thoughts(prompt))
    text = _json(prompt) if prompt.wants_json else _quote_prompt(prompt)
    return Answer(text, thoughts=_thoughts(prompt))


def _tools_to_call(prompt: Prompt) -> tuple[Function, ...]:
    if prompt.mode == "none" or not prompt.tools:
        return ()
    called = {call.name for turn in prompt.current_turn for call in turn.calls}
    one_by_one = " then " in prompt.last_user_text
    left = tuple(tool for tool in _named(prompt) if tool.name not in called)
    left = left[:1] if one_by_one else left
    if prompt.mode == "any":
        return left or (_next(prompt, called),)
    return left if one_by_one or prompt.turns[-1].role != "tool" else ()


def _next(prompt: Prompt, called: set[str]) -> Function:
    tools = prompt.callable_tools
    return next((tool for tool in tools if tool.name not in called), tools[0])


def _named(prompt: Prompt) -> tuple[Function, ...]:
    text = prompt.last_user_text
    tools = prompt.callable_tools
    found = sorted((place, tool.name) for tool in tools if (place := _place(tool.name, text)) >= 0)
    by_name = {tool.name: tool for tool in tools}
    if found:
        return tuple(by_name[name] for _, name in found)
    mentioned = tuple(tool for tool in tools if _is_mentioned(tool.name, text))
    if mentioned:
        return mentioned
    return tools if len(tools) == 1 and _THE_TOOL.search(text) else ()


def _place(name: str, text: str) -> int:
    found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)
    return found.start() if found else -1


def _is_mentioned(name: str, text: str) -> bool:
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word and word not in _EMPTY_WORDS]
    found = set(re.findall(r"[a-z0-9]+", text.lower()))
    return bool(words) and all(len(word) > 2 and word in found for word in words)


def _arguments(tool: Function, text: str) -> JsonObject:
    # Numbers and words are not taken from the tool's own name.
    built = Instances(re.sub(rf"\b{re.escape(tool.name)}\b", " ", text), tool.schema).build(
        {"type": "object", **tool.schema}
    )
    return an_object(built)


def _quote_results(prompt: Prompt) -> str:
    results = "; ".join(
        f"{result.name or 'the tool'} gave “{result.content[:400]}”" for result in prompt.turns[-1].results
    )
    return f"Sandbox answer — {results}."


def _quote_prompt(prompt: Prompt) -> str:
    text = " ".join(prompt.last_user_text.split())[:200]
    seen = [media.lower() for turn in prompt.turns for media in turn.media]
    with_media = f" I was shown: {', '.join(seen)}." if seen else ""
    return f"Hello from the Gemini sandbox — you said “{text}”.{with_media}"


def _json(prompt: Prompt) -> str:
    text = prompt.last_user_text
    if prompt.output_schema is not None:
        value: JsonValue = smallest(prompt.output_schema, text)
    else:
        quoted = _KEYS.search(text)
        names = _KEY.findall(quoted.group(1)) if quoted else ["answer"]
        schema: JsonObject = {
            "type": "object",
            "properties": {name: {"type": "string"} for name in names},
            "required": [*names],
        }
        value = smallest(schema, _KEYS.sub(" ", text))
    return json.dumps(value, ensure_ascii=False)


def _thoughts(prompt: Prompt) -> str:
    if not prompt.include_thoughts:
        return ""
    return f"**Sandbox thoughts**\n\nThe last thing asked is “{prompt.last_user_text[:80]}”; the rules decide."
