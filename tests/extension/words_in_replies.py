"""Number of words in generated replies, over scales."""

from dataclasses import dataclass

from playground.analyses.analysis import Analysis, Cell, Column, Figure, Option, Quantity
from playground.analyses.common.over_texts import OverTexts, TextsResult, TextsRow, over_texts
from playground.analyses.common.parts import read_texts_request, read_texts_row, row_entry, texts_request_entry
from playground.library.prompt_set import PromptSet

AXIS = "words in a reply"
ANALYSIS = Analysis(
    name="words", label="Words", summary="How long replies are.", help=("How many words a reply has.",),
    asks="prompts, by name or file", sets=("prompts",), generates=True, counts="text",
    request=f"{__name__}:WordsRequest", run=f"{__name__}:run", document=__name__,
    quantity=Quantity(AXIS, "Words in a reply", "number of words", share=False, written=".1f"),
    columns=(
        Column("mean", "words", "words", 9, ".1f"),
        Column("low", head="shortest to longest", width=22, written=".0f"),
        Column("high", written=".0f"),
    ),
    figures=(Figure("curves", "Words", "Measure draws the number of words here.", axis=AXIS, share=False),),
    options=(Option("--longest", "count at most N words", "longest", "N", whole="a number of words", usual=100),),
)


@dataclass(frozen=True, kw_only=True)
class WordsRequest(OverTexts):
    KIND = "words"
    prompts: PromptSet
    longest: int = 100

    @property
    def asked(self):
        return self.prompts


@dataclass(frozen=True)
class WordsRow(TextsRow):
    mean: float
    low: float
    high: float

    @property
    def bounds(self):
        return self.mean, self.low, self.high


class WordsResult(TextsResult):
    def item_cells(self, row, place):
        return tuple(Cell(str(len(each.texts[place].split()))) for each in (self.baseline, row))


def run(loaded, request, load_set, emit=lambda event: None, cancelled=lambda: False):
    def row(place, texts):
        counts = [min(len(text.split()), request.longest) for text in texts]
        return WordsRow(**place, texts=tuple(texts), mean=sum(counts) / len(counts), low=min(counts), high=max(counts))

    return over_texts(loaded, request, load_set, row, WordsResult, emit, cancelled)


def to_fields(result):
    rows = [row_entry(row, "mean", "low", "high", "texts") for row in result.every_row]
    request = texts_request_entry(result.request) | {"longest": result.request.longest}
    return {"request": request, "baseline": rows[0], "rows": rows[1:]}


def from_fields(document, about):
    request = WordsRequest(longest=document["request"]["longest"], **read_texts_request(document["request"], ANALYSIS))
    rows = [
        WordsRow(**read_texts_row(entry, len(request.items), "items", "mean", "low", "high"))
        for entry in (document["baseline"], *document["rows"])
    ]
    return WordsResult(request, rows[0], tuple(rows[1:]), **about)


def count(document):
    return len(document["baseline"]["texts"])
