"""Secrets that stay hidden in `repr`, `str`, errors, logs and the plain text of a pickle."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Final, TypeAlias

from pydantic import SecretStr

from gemini_multi.errors import ConfigurationError
from gemini_multi.providers import environment

_SHOWN: Final = "**********"
_MASKED_FROM: Final = 8
"""The shortest key that is masked in texts. A shorter key may be a part of an ordinary word."""
_SHOWN_FROM: Final = 16
"""The shortest key whose first characters are shown."""


class Key:
    """A secret that came from an argument or from an environment variable.

    If the secret came from an environment variable, a pickle holds only the variable's name, and loading the pickle
    reads the variable again. If the secret was passed, a pickle holds the secret itself. The secret is encoded, so that
    it is not plain text, but it is not encrypted: protect such a pickle like the secret.
    """

    __slots__ = ("_value", "_variables", "source")

    def __init__(self, value: str, variables: tuple[str, ...] = (), source: str = "the key that was passed") -> None:
        self._value = value
        self._variables = variables
        """The environment variables that may hold the secret, if it was read there."""
        self.source = source
        """The origin of the secret, for messages."""

    @classmethod
    def of(cls, given: KeyArgument, *, variables: tuple[str, ...], argument: str) -> Key:
        """Return the given secret, or the first of the environment variables. Errors name `argument`."""
        if isinstance(given, Key):
            return given
        value = given if isinstance(given, str) or given is None else given.get_secret_value()
        if value is not None and value.strip():
            source = f"`{argument}`"
            return cls(_checked(value.strip(), source), source=source)
        found = environment.first_set(*variables)
        if found is None:
            advice = f"Set the `{variables[0]}` environment variable or pass it" if variables else "Pass the key"
            raise ConfigurationError(f"{advice} as `{argument}`.")
        source = f"the environment variable `{found}`"
        return cls(_checked(environment.read(found) or "", source), variables, source)

    @property
    def fingerprint(self) -> str:
        """A name for this secret. It differs from the names of other secrets and does not reveal the secret."""
        return hashlib.blake2b(self._value.encode(), digest_size=8, person=b"gemini-multi").hexdigest()

    def reveal(self) -> str:
        """Return the secret, for the request's header only."""
        return self._value

    def masked(self, value: Any) -> Any:  # noqa: ANN401  # returns the type of its argument
        """Return texts, and lists and mappings of them, without this secret."""
        if isinstance(value, str):
            return value.replace(self._value, _SHOWN) if len(self._value) >= _MASKED_FROM else value
        if isinstance(value, (tuple, list)):
            return type(value)(map(self.masked, value))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if isinstance(value, dict):
            return {self.masked(name): self.masked(inner) for name, inner in value.items()}  # pyright: ignore[reportUnknownVariableType]
        return value

    def __repr__(self) -> str:
        return f"Key('{_SHOWN}')"

    def __str__(self) -> str:
        return _SHOWN

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Key):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(("gemini_multi.Key", self._value))

    def __copy__(self) -> Key:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Key:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        if self._variables:
            return _from_environment, (self._variables,)
        return _decoded, (base64.b85encode(self._value.encode()[::-1]).decode("ascii"),)


KeyArgument: TypeAlias = str | SecretStr | Key | None
"""The forms in which a secret may be passed; `None` reads the environment."""


def _from_environment(variables: tuple[str, ...]) -> Key:
    return Key.of(None, variables=variables, argument="the provider's key argument")


def _decoded(text: str) -> Key:
    return Key(base64.b85decode(text)[::-1].decode())


def _checked(value: str, source: str) -> str:
    wrong = next((character for character in value if not "!" <= character <= "~"), None)
    if wrong is None:
        return value
    shown = value[:3] if len(value) >= _SHOWN_FROM and value[:3].isalnum() and value[:3].isascii() else ""
    raise ConfigurationError(
        f"The key in {source} ({shown}…, {len(value)} characters) contains {_described(wrong)}, which no HTTP header "
        "can carry: a key is printable ASCII without white space. Copy it again."
    )


def _described(character: str) -> str:
    if character.isspace():
        return f"white space ({character!r})"
    import unicodedata  # needed only for an error message

    return f"the character U+{ord(character):04X} ({unicodedata.name(character, 'a control character')})"
