"""The named endpoints, called by gradio_client on a running page: what they answer, refuse, keep apart and stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

import playground as sp
from playground.library import atlas as atlases
from playground.limits import PUBLIC, tightened
from playground.services.session import Workbench
from playground.ui.endpoints import ENDPOINTS
from playground.ui.endpoints.call import MOST_SETS
from tests.trust.serving import served

PROMPTS = ["Tell me about kites.", "How do I bake bread?"]
SHIPPED = "organism-refusals-power-3-9"
NAMES = [function.__name__ for function in ENDPOINTS]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Workbench]]:
    with served(tmp_path_factory.mktemp("vectors")) as running:
        yield running


@pytest.fixture(scope="module")
def visit(site: tuple[str, Workbench], tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Client]:
    return lambda: Client(site[0], verbose=False, download_files=str(tmp_path_factory.mktemp("files")))


@pytest.fixture(scope="module")
def client(visit: Callable[[], Client]) -> Client:
    return visit()


@pytest.fixture(scope="module")
def found(client: Client) -> dict[str, Any]:
    answer: dict[str, Any] = client.predict(
        "power", 3, 9, prompts=PROMPTS, vectors=2, with_vectors=True, api_name="/find"
    )
    return answer


def test_six_endpoints_are_public_and_every_event_of_the_page_is_private(client):
    api = client.view_api(return_format="dict", print_info=False)
    assert list(api["named_endpoints"]) == [f"/{name}" for name in NAMES]
    assert api["unnamed_endpoints"] == {}
    public = [one["api_name"] for one in client.config["dependencies"] if one["api_visibility"] != "private"]
    # The event of the mixer is no handler: gr.render makes it, and no client can call it.
    assert [name for name in public if name in NAMES] == NAMES
    assert set(public) - set(NAMES) <= {"apply"}


def test_load_answers_what_is_loaded(client, site):
    answer = client.predict("organism", api_name="/load")
    assert answer["state"] == "done"
    assert answer["fingerprint"] == site[1].require().fingerprint
    assert (answer["blocks"], answer["width"]) == (site[1].require().block_count, site[1].require().width)


def test_find_answers_what_the_library_finds(found, site):
    own = sp.find("power", site[1].require(), PROMPTS, 3, 9, 2)
    assert found["rows"] == own.vectors.tolist()
    assert found["singular_values"] == pytest.approx(own.value("singular_values").tolist())
    assert len(found["scales"]) == 4  # two rows, both signs


def test_the_file_of_a_find_is_the_set(found):
    loaded = sp.load_vectors(found["file"])
    assert loaded.vectors.tolist() == found["rows"]


def test_generate_with_a_found_set_is_the_librarys_own_token_by_token(client, found, site):
    own = sp.load_vectors(found["file"])
    scale = 0.2 * found["residual_norm"]
    answer = client.predict(
        PROMPTS, [f"{found['name']}#0@{scale}", f"{found['name']}#1@-{scale}"], max_new_tokens=16, api_name="/generate"
    )
    result = sp.generate(
        site[1].require(), PROMPTS, [own[0] * scale, own[1] * -scale], baseline=True, max_new_tokens=16
    )
    assert [row["token_ids"] for row in answer["rows"]] == [list(row.token_ids) for row in result.rows]
    assert len({row["text"] for row in answer["rows"][:3]}) > 1  # the pushes do something


def test_measure_answers_what_the_library_measures(client, found, site):
    answer = client.predict(
        "choices", "organism-oversight", [found["name"]], ["0"], scales=[-0.2, 0.2], unit="r", count=4, controls=2,
        api_name="/measure",
    )  # fmt: skip
    own = sp.load_vectors(found["file"])
    result = sp.measure(
        site[1].require(), "choices", own, "organism-oversight", (-0.2, 0.2), "r", rows=[0], max_items=4, controls=2
    )
    assert answer["state"] == "done"
    assert [row["mean"] for row in answer["rows"]] == pytest.approx([row["mean"] for row in result.facts()["rows"]])


def test_measure_follows_the_next_token_of_a_recipe(client, found):
    answer = client.predict(
        "next-token", "organism-refusals", recipe=f"{found['name']}#0@1", scales=[0.0, 5.0], count=2,
        settings={"tokens": 3}, api_name="/measure",
    )  # fmt: skip
    assert answer["state"] == "done"
    assert len(answer["tokens"]) == 3


def test_scan_answers_texts_in_groups_and_a_file(client, found, site):
    answer = client.predict(
        found["name"], "0", "plus", [0.1, 0.3], "r", PROMPTS[:1], max_new_tokens=8, api_name="/scan"
    )
    own = sp.scan(
        site[1].require(), sp.load_vectors(found["file"]), PROMPTS[:1], (0.1, 0.3), "r", rows=[0], signs=(1,),
        sampling=sp.Sampling(8),
    )  # fmt: skip
    assert [cell["text"] for cell in answer["cells"]] == [cell.text for cell in own.cells]
    assert '"cells"' in Path(answer["file"]).read_text(encoding="utf-8")


def test_atlas_on_few_layers_answers_its_pairs_and_a_file(client):
    answer = client.predict(PROMPTS[:1], source=0, target=3, vectors=2, kl=0.2, api_name="/atlas")
    made = atlases.load(Path(answer["file"]))
    assert answer["pairs"] == made.pairs.tolist() == [[s, t] for s in range(3) for t in range(s + 1, 4)]
    assert answer["singular_values"] == made.singular_values.tolist()
    assert "KL at 0.2 r" in answer["effects"]


def test_two_clients_do_not_see_each_others_sets(client, visit, found):
    other = visit()
    with pytest.raises(AppError, match="Expected a set of the library, got"):
        other.predict(PROMPTS, [f"{found['name']}#0@1"], api_name="/generate")
    client.predict(PROMPTS[:1], [f"{found['name']}#0@1"], max_new_tokens=1, api_name="/generate")


def test_a_session_keeps_its_newest_sets(visit):
    mine = visit()
    names = [
        mine.predict("random", 1, prompts=PROMPTS, seed=seed, scales=False, api_name="/find")["name"]
        for seed in range(MOST_SETS + 1)
    ]
    assert len(set(names)) == MOST_SETS + 1
    with pytest.raises(AppError, match="Expected a set of the library"):
        mine.predict(PROMPTS[:1], [f"{names[0]}#0@1"], max_new_tokens=1, api_name="/generate")
    for name in (names[1], names[-1]):
        mine.predict(PROMPTS[:1], [f"{name}#0@1"], max_new_tokens=1, api_name="/generate")


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("load", {"model": "no/such model"}, "Expected "),
        ("load", {"adapter": "/nowhere"}, "Expected the folder of an adapter at '/nowhere', but there is none"),
        ("load", {"device": "toaster"}, "Expected a device: auto, cuda or cpu, got 'toaster'; choose one of them."),
        ("find", {"method": "magic", "source": 1, "prompts": PROMPTS}, "Expected a method: power,"),
        ("find", {"method": "power", "source": 1.5, "prompts": PROMPTS}, "Expected source as a whole number, got 1.5;"),
        ("find", {"method": "power", "source": 1, "target": 2}, "Expected prompts or a prompt_set, got both or neit"),
        ("find", {"method": "power", "source": 1, "target": 99, "prompts": PROMPTS}, "Expected a target layer from 2"),
        (
            "find",
            {"method": "power", "source": 1, "target": 2, "prompt_set": "/etc/passwd"},
            "Expected a prompt set that ships: ",
        ),
        (
            "find",
            {"method": "power", "source": 1, "target": 2, "prompts": PROMPTS, "settings": {"memory_budget": 1}},
            "Expected settings of power, got 'memory_budget'; it has ",
        ),
        ("generate", {"prompts": "Hello"}, "Expected prompts as a list of texts, got 'Hello'; change it."),
        ("generate", {"prompts": PROMPTS, "max_new_tokens": 10**9}, "Expected a number of new tokens from 1 to "),
        ("generate", {"prompts": PROMPTS, "recipes": ["/etc/passwd#0@1"]}, "Expected a set of the library, got “/etc"),
        ("generate", {"prompts": PROMPTS, "recipes": [f"{SHIPPED}#999@1"]}, "Expected "),
        ("measure", {"analysis": "weight", "prompt_set": "organism-oversight"}, "Expected an analysis: choices, "),
        ("measure", {"analysis": "choices", "prompt_set": "organism-oversight"}, "Expected the names of vector sets "),
        (
            "measure",
            {
                "analysis": "replies",
                "prompt_set": "organism-oversight",
                "vectors": [SHIPPED],
                "settings": {"samples": 2.0},
            },
            "Expected samples as a whole number, got 2.0; change it.",
        ),
        ("scan", {"vectors": SHIPPED, "prompts": PROMPTS, "signs": "left"}, "Expected signs: both, plus or minus, got"),
        ("atlas", {"prompts": PROMPTS, "source": 9, "target": 2}, "Expected "),
        ("atlas", {"prompts": PROMPTS, "target": 10**9}, "Expected a target layer from 1 to 11, got 1000000000;"),
        ("atlas", {"prompts": PROMPTS, "swing": 0.2}, "Expected swing with a prompt_set of choice items"),
    ],
)  # fmt: skip
def test_a_bad_value_is_one_sentence(client, capsys, name, values, said):
    with pytest.raises(AppError) as refused:
        client.predict(**values, api_name=f"/{name}")
    message = str(refused.value)
    assert message.startswith(said)
    assert "\n" not in message
    assert message.endswith((".", ")"))
    assert "Traceback" not in capsys.readouterr().err


def test_without_a_client_the_last_values_may_be_left_out(site):
    asked = f"{site[0]}/gradio_api/call/generate"
    event = httpx.post(asked, json={"data": [["Hello"], None, "prompt"]}, timeout=60).json()["event_id"]
    said = httpx.get(f"{asked}/{event}", timeout=60).text
    assert '"state": "done"' in said
    assert '"positions": "prompt"' in said
    event = httpx.post(asked, json={"data": []}, timeout=60).json()["event_id"]
    said = httpx.get(f"{asked}/{event}", timeout=60).text
    assert "Expected prompts as a list of texts, got None; change it." in said


def test_a_cancel_ends_the_job(client, site):
    job = client.submit("melbo", 1, 9, prompts=PROMPTS, vectors=64, settings={"steps": 5000}, api_name="/find")
    wait_until(lambda: site[1].jobs.running is not None)
    wait_until(lambda: any(one["state"] == "running" and one["share"] for one in job.outputs()))
    job.cancel()
    wait_until(lambda: site[1].jobs.running is None)


def wait_until(true: Callable[[], Any], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_public_page_refuses_what_it_refuses_on_the_page(tmp_path):
    with tightened(PUBLIC), served(tmp_path, public=True) as (url, _):
        stranger = Client(url, verbose=False)
        with pytest.raises(AppError, match="Expected a model of the list, got “gpt2”; this public page loads no other"):
            stranger.predict("gpt2", api_name="/load")
        with pytest.raises(AppError, match="Expected a model of the list, got “organism . adapter /tmp”"):
            stranger.predict("organism", adapter="/tmp", api_name="/load")
        with pytest.raises(AppError, match=f"Expected a number of new tokens from 1 to {PUBLIC.new_tokens}, got 257"):
            stranger.predict(PROMPTS, max_new_tokens=257, api_name="/generate")
        answer = stranger.predict("random", 1, prompts=PROMPTS, scales=False, api_name="/find")
        text = stranger.predict(PROMPTS, [f"{answer['name']}#0@1"], max_new_tokens=2, api_name="/generate")
        assert len(text["rows"]) == 4
