"""The end of a call when no provider gave an accepted answer: a flawed answer, or one error for all attempts."""

from __future__ import annotations

from collections.abc import Sequence

from gemini_multi._call.attempt_log import AttemptLog
from gemini_multi._call.judging import RetryableAnswer, UnwantedAnswer
from gemini_multi.errors import AllRoutesFailed, GeminiMultiError, UnsupportedFeature
from gemini_multi.types import Attempt


def deliverable(failures: Sequence[GeminiMultiError]) -> RetryableAnswer | None:
    """Choose the flawed answer that the caller gets, or `None` if there is none.

    An answer without content counts too: its usage was paid for, and the caller sees its finish reason.
    """
    flawed = [failure for failure in failures if isinstance(failure, RetryableAnswer)]
    unwanted = [answer for answer in flawed if isinstance(answer, UnwantedAnswer)]
    return (unwanted or flawed or [None])[-1]


def conclusion(failures: list[GeminiMultiError], attempt_log: AttemptLog) -> GeminiMultiError:
    """Make the error that the caller gets from the last failure of each route."""
    if not failures:
        return attempt_log.overdue()  # before any request was sent
    refusals = [failure for failure in failures if isinstance(failure, UnsupportedFeature)]
    if len(refusals) == len(failures):
        return _joined(refusals)
    single = _single(failures, attempt_log)
    if single is None:
        return _all_failed(failures, attempt_log.attempts)
    single.attempts = attempt_log.attempts
    return single


def _single(failures: list[GeminiMultiError], attempt_log: AttemptLog) -> GeminiMultiError | None:
    """Find the failure that explains the end: the one that ended the call, or the only one of a sent request."""
    if attempt_log.options.policy.verdict(failures[-1]) == "stop":
        return failures[-1]
    others = [failure for failure in failures if not isinstance(failure, UnsupportedFeature)]
    return others[0] if len(others) == 1 else None


def _all_failed(failures: list[GeminiMultiError], attempts: tuple[Attempt, ...]) -> AllRoutesFailed:
    message = "No provider answered:\n" + "\n".join(f"- {failure.message}" for failure in failures)
    if len(attempts) > len(failures):  # otherwise the lines already show each attempt
        message += "\nAttempts:\n" + "\n".join(f"- {_attempt_line(attempt)}" for attempt in attempts)
    return AllRoutesFailed(message, failures, attempts=attempts)


def _attempt_line(attempt: Attempt) -> str:
    waited = f" after a wait of {attempt.wait:.2f} s" if attempt.wait else ""
    status = f" {attempt.status}" if attempt.status is not None else ""
    code = f" ({attempt.code})" if attempt.code else ""
    return f"{attempt.provider} {attempt.model!r}{waited}: {attempt.error}{status}{code}, {attempt.duration:.2f} s"


def _joined(refusals: list[UnsupportedFeature]) -> UnsupportedFeature:
    """Merge the refusals of all providers into one error."""
    features = list(dict.fromkeys(feature for refusal in refusals for feature in refusal.features))
    providers = list(dict.fromkeys(name for refusal in refusals for name in refusal.providers))
    common = f"does not support {', '.join(features)} for"
    if len(refusals) > 1 and all(common in refusal.message for refusal in refusals):
        message = f"None of the providers ({', '.join(providers)}) supports {', '.join(features)} for this model."
    elif len(providers) > 1:
        messages = " ".join(refusal.message for refusal in refusals)
        message = f"No provider supports all that was asked. {messages}"
    else:
        message = " ".join(dict.fromkeys(refusal.message for refusal in refusals))
    return UnsupportedFeature(message, features=features, providers=providers)
