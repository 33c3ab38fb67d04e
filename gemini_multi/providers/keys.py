"""Secrets that do not show: not in `repr`, `str`, errors, logs, or the plain text of a pickle."""

from __future__ import annotations

import base64
import hmac
from typing import Final, TypeAlias

from pydantic import SecretStr

from gemini_multi.errors import ConfigurationError
from gemini_multi.providers import environment

_SHOWN: Final = "**********"


class Key:
    """A secret that came from an argument or from an environment variable.

    A pickle holds the variable's name when the secret came from there, and reads it again when it is loaded; a secret
    that was passed is carried along, encoded so that it is not readable at a glance. That is no encryption: treat a
    pickle as what it carries.
    """

    __slots__ = ("_value", "_variables")

    def __init__(self, value: str, variables: tuple[str, ...] = ()) -> None:
        """Keep the secret; `variables` are where it was read from, if it was."""
        self._value = value
        self._variables = variables

    @classmethod
    def of(cls, given: KeyArgument, *, variables: tuple[str, ...], argument: str) -> Key:
        """Take what was given or read the environment.

        Args:
            given: The secret as passed, in any form.
            variables: Environment variables to look at, in order, when nothing was passed.
            argument: How to pass it, for the message, such as `Oxen(api_key=...)`.

        Raises:
            ConfigurationError: There is none, or it cannot be sent in a header.
        """
        if isinstance(given, Key):
            return given
        value = given if isinstance(given, str) or given is None else given.get_secret_value()
        if value is not None and value.strip():
            return cls(_checked(value.strip(), argument))
        found = environment.read(*variables)
        if found is None:
            raise ConfigurationError(f"Set the `{variables[0]}` environment variable or pass it as `{argument}`.")
        return cls(_checked(found, f"the environment variable `{variables[0]}`"), variables)

    def reveal(self) -> str:
        """Return the secret, for the request's header only."""
        return self._value

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
"""A secret as it may be passed; without one, the environment is read."""


def _from_environment(variables: tuple[str, ...]) -> Key:
    return Key.of(None, variables=variables, argument="the provider's key argument")


def _decoded(text: str) -> Key:
    return Key(base64.b85decode(text)[::-1].decode())


def _checked(value: str, source: str) -> str:
    if not value.isascii() or any(character.isspace() or not character.isprintable() for character in value):
        raise ConfigurationError(
            f"The key given by {source} contains white space, control or non-ASCII characters, which no HTTP header "
            "can carry. Copy it again."
        )
    return value
