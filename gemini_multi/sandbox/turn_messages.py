"""The upstream's messages about turns in a wrong order."""

from __future__ import annotations

from typing import Final

CALL_TURN: Final = (
    "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
)
RESPONSE_TURN: Final = "Please ensure that function response turn comes immediately after a function call turn."
COUNT: Final = (
    "Please ensure that the number of function response parts is equal to the number of function call parts "
    "of the function call turn."
)
MODEL_LAST: Final = "Requests ending with a model turn are not supported."
STOP_SEQUENCES: Final = (
    "* GenerateContentRequest.generation_config.stop_sequences: the number of stop sequences must not exceed 5.\n"
)
