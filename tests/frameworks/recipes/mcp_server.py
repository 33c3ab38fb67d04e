"""A small MCP server on standard input and output, with one tool whose schema is nested."""

from pydantic import BaseModel

try:
    from mcp.server.mcpserver import MCPServer
except ModuleNotFoundError:  # mcp 1
    from mcp.server.fastmcp import FastMCP as MCPServer

server = MCPServer("weather")


class Place(BaseModel):
    """A place."""

    city: str


@server.tool()
def get_weather(place: Place) -> str:
    """Say what the weather is like in a place."""
    return f"It is sunny in {place.city}."


if __name__ == "__main__":
    server.run()
