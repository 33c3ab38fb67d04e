"""A small MCP server on standard input and output, with one tool whose schema is nested."""

from mcp.server.fastmcp import FastMCP
from pydantic import BaseModel

server = FastMCP("weather")


class Place(BaseModel):
    """A place."""

    city: str


@server.tool()
def get_weather(place: Place) -> str:
    """Say what the weather is like in a place."""
    return f"It is sunny in {place.city}."


if __name__ == "__main__":
    server.run()
