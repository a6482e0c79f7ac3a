"""SERVE.md says what the running page says of its endpoints, and its Python runs as written."""

from __future__ import annotations

import re

from gradio_client import Client

from tests import serve_document
from tests.trust.serving import served

TEXT = serve_document.DOCUMENT.read_text(encoding="utf-8")


def test_the_document_is_that_of_the_running_page_and_its_python_runs(tmp_path, capsys):
    with served(tmp_path) as (url, _):
        api = Client(url, verbose=False).view_api(return_format="dict", print_info=False)
        assert serve_document.document(api) == TEXT, "run `python -m tests.serve_document --write`"
        (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
        exec(compile(code.replace("http://127.0.0.1:7860", url), "SERVE.md", "exec"), {})
    said = capsys.readouterr().out
    assert "baseline I'm sorry" in said or "baseline I " in said
    assert said.count("#") == 2


def test_every_parameter_is_explained():
    cells = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| `")]
    assert len(cells) == sum(len(row) == 4 and len(row[3]) > 5 for row in cells) > 60
