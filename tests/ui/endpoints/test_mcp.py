"""The endpoints as tools of an MCP server, spoken to by a real MCP client; and the flag that serves them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import httpx
import pytest

import app
from playground.cli import serve
from playground.errors import InputError
from playground.ui.endpoints import ENDPOINTS
from tests.trust.serving import served

NAMES = [function.__name__ for function in ENDPOINTS]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("mcp")  # an extra; tests/requirements.txt asks for it
    with served(tmp_path_factory.mktemp("vectors"), mcp=True) as (address, _):
        yield address


def speak(url: str, ask: Callable[[Any], Awaitable[Any]]) -> Any:
    """What `ask` makes of a session with the MCP server of a page."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def run() -> Any:
        async with (
            streamable_http_client(f"{url}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await ask(session)

    return asyncio.run(run())


def call(url: str, name: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a tool."""
    said = speak(url, lambda session: session.call_tool(name, arguments))
    assert not said.isError, said.content
    answer: dict[str, Any] = json.loads(said.content[0].text)
    return answer


def test_the_tools_are_the_six_endpoints_with_every_parameter_explained(url):
    tools = speak(url, lambda session: session.list_tools()).tools
    assert [tool.name for tool in tools] == NAMES
    for tool in tools:
        assert len(tool.description) > 60
        assert all(one["description"] for one in tool.inputSchema["properties"].values())


def test_a_set_that_is_found_is_used_by_another_call(url):
    found = call(url, "find", method="random", source=1, prompts=["Hello"], vectors=1, scales=False)
    answer = call(url, "generate", prompts=["Hello"], recipes=[f"{found['name']}#0@3"], max_new_tokens=4)
    assert [row["recipe"] for row in answer["rows"]] == ["", f"{found['name']}#0@3"]
    assert answer["state"] == "done"


def test_a_file_is_an_address_of_this_server(url):
    found = call(url, "find", method="random", source=1, prompts=["Hello"], vectors=1, scales=False)
    assert found["file"].startswith("/gradio_api/file=")
    assert httpx.get(url + found["file"]).content[8:9] == b"{"  # the head of a safetensors file


def test_a_bad_value_is_one_sentence(url):
    said = speak(url, lambda session: session.call_tool("generate", {"prompts": ["Hello"], "recipes": ["none#0@1"]}))
    assert said.isError
    assert said.content[0].text == (
        "Expected a set of the library, got “none”, which is not there; choose another one."
    )


def test_a_cookie_of_one_client_shuts_out_no_other(url):
    body = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "generate", "arguments": {"prompts": ["Hello"], "max_new_tokens": 1}},
    }  # fmt: skip
    accepted = {"accept": "application/json, text/event-stream"}
    for cookie in ("playground-visitor=" + 43 * "a", "playground-visitor=" + 43 * "b"):
        answer = httpx.post(f"{url}/gradio_api/mcp/", json=body, headers=accepted | {"cookie": cookie}, timeout=60)
        assert '"isError":false' in answer.text


def test_nothing_but_a_post_is_taken(url):
    refused = httpx.get(f"{url}/gradio_api/mcp/")
    assert refused.status_code == 405
    assert refused.json() == {"detail": "Expected a POST to the MCP server, got GET; use an MCP client."}
    for path in ("sse", "schema", "messages/"):
        assert httpx.get(f"{url}/gradio_api/mcp/{path}").status_code == 404


def test_there_is_no_mcp_server_without_the_flag(tmp_path):
    with served(tmp_path) as (address, _):
        assert httpx.post(f"{address}/gradio_api/mcp/", json={}).status_code == 404


def test_the_flag_without_the_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(serve, "find_spec", lambda name: None)
    with pytest.raises(InputError, match='Expected the package mcp, version 1, with --mcp, got none; run `pip install'):
        app.parse(["--mcp"])


@pytest.mark.skipif(find_spec("mcp") is None, reason="an extra; tests/requirements.txt asks for it")
def test_the_flag_is_taken_with_the_package_and_refused_with_accounts():
    assert version("mcp").startswith("1.")
    assert app.parse(["--mcp"]).mcp
    with pytest.raises(InputError, match="Expected --mcp without --auth, got both"):
        app.parse(["--mcp", "--auth", "a:b"])
