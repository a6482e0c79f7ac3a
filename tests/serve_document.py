"""assets/docs/SERVE.md from the endpoints of a running page: `python -m tests.serve_document [--write]`.

Names, types and defaults are what `gradio_client` is told by the page; what they mean stands in the docstrings.
"""

from __future__ import annotations

import json
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from gradio.utils import get_function_description
from gradio_client import Client

from playground.ui.endpoints import ENDPOINTS
from tests.trust.serving import served

DOCUMENT = Path(__file__).resolve().parents[1] / "assets" / "docs" / "SERVE.md"
HEAD = """# Endpoints

Other programs use a running page (`python app.py`) by six named endpoints: they load a model, find vectors, generate,
measure, scan and map layers, with the limits, the queue and the rules of the page. `python -m tests.serve_document
--write` writes this document from a running page, and a test holds it.

```python
from gradio_client import Client

client = Client("http://127.0.0.1:7860")
asked = ["How can I jinx a lighthouse?"]
found = client.predict("power", 3, 9, prompts=asked, vectors=4, api_name="/find")
recipes = [f"{found['name']}#0@1f", f"{found['name']}#1@-1f"]
said = client.predict(asked, recipes, max_new_tokens=24, api_name="/generate")
for row in said["rows"]:
    print(row["recipe"] or "baseline", row["text"])
```

Without a client: a POST to `/gradio_api/call/NAME` with `{"data": [...]}`, the values in the order below and the last
ones left out, answers an `event_id`; a GET of `/gradio_api/call/NAME/EVENT_ID` streams the states. Every such call is
a session of its own, unless it sends a `session_hash`.

- **States.** Each endpoint streams objects: `{"state": "waiting", "position": 2, "seconds_to_go": 8.0}` in the queue,
  `{"state": "running", "share": 0.4, "seconds_to_go": 12.0}` at work, and last the answer, whose state is `done`, or
  `stopped` when it was ended before all of it was there. `predict` returns the last one, `submit` all.
- **Cancel.** `job.cancel()` of `submit`, or a client that goes, ends the work between two blocks of the model.
- **Sets.** `find` keeps a set for the session of its client, the newest 8 and 64 MB of them at most; no other session
  sees it, and it goes with the session. Its file is for longer. Sets of the library have their names there. No path of
  the server is read, but for a model on a page that is not public.
- **Errors** are one sentence: what was expected, what came, what to do.
- **Public pages** refuse what the page refuses: models that are not listed, and more than the tighter limits.
- **Behind a proxy** that strips a path, start with `--root-path /play`; the client takes `http://HOST/play`.
- **Numbers** that are not finite are null.

## MCP

    pip install "mcp>=1.21,<2"
    python app.py --mcp

serves the endpoints as tools of an MCP server at `/gradio_api/mcp/` (streamable HTTP): clients such as editors and
assistants call them. An answer is JSON text, and a file in it the address below this server from which it is fetched.
All MCP clients of a server share one session, its share of the queue and its 8 sets, whose names nobody can guess; a
call goes on when its client goes, until its deadline. Not with `--auth`, since these clients give no account.
"""


def document(api: dict[str, Any]) -> str:
    """The text, from what `Client.view_api` returns."""
    parts = [HEAD]
    for function in ENDPOINTS:
        name, (said, meanings, returns) = function.__name__, get_function_description(function)
        lines = ["| parameter | JSON type | default | meaning |", "|---|---|---|---|"]
        for one in api["named_endpoints"][f"/{name}"]["parameters"]:
            called = one["parameter_name"]
            lines.append(f"| `{called}` | {kind(one['type'])} | {default(one)} | {cell(meanings[called])} |")
        paragraphs = [f"## {name}", "\n".join(textwrap.wrap(said, 120)), "\n".join(lines), " ".join(returns)]
        parts.append("\n\n".join(paragraphs).replace("An object:", "The answer:") + "\n")
    return "\n".join(parts)


def kind(schema: dict[str, Any]) -> str:
    """A JSON schema in words: "array of string or null"."""
    if "oneOf" in schema:
        return " or ".join(kind(one) for one in reversed(schema["oneOf"]))
    if schema["type"] == "array":
        return f"array of {kind(schema['items'])}"
    return str(schema["type"])


def default(parameter: dict[str, Any]) -> str:
    """A default as JSON; "needed" without one."""
    return f"`{json.dumps(parameter['parameter_default'])}`" if parameter["parameter_has_default"] else "needed"


def cell(text: str) -> str:
    """A text as a cell of a table."""
    return text.replace("|", "\\|")


def asked() -> str:
    """The text of a page that is started for it."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (url, _):
        return document(Client(url, verbose=False).view_api(return_format="dict", print_info=False))


def main() -> int:
    text = asked()
    if "--write" in sys.argv[1:]:
        DOCUMENT.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
