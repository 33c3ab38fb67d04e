"""An OpenAI-compatible endpoint over `AsyncClient`, for frameworks and languages that have their own model interface.

This package holds the HTTP code on the caller's side. It uses only public modules of the core, and nothing imports it.
Every request becomes a `ChatRequest`, and every answer is written from the core's events. Nothing is forwarded raw.
"""

try:
    from gemini_multi.server.app import application
    from gemini_multi.server.running import serve
    from gemini_multi.server.settings import ServerSettings
except ModuleNotFoundError as error:
    message = f'The server needs {error.name}, which is not installed: pip install "gemini-multi[server]"'
    raise ModuleNotFoundError(message, name=error.name) from error

__all__ = ["ServerSettings", "application", "serve"]
