"""Groups of cells with similar texts, by hierarchical clustering.

TF-IDF of words and word pairs, and average linkage on the cosine distance, both scikit-learn's: no embedding, no model,
and no number of groups to choose.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground.services.scan.cell import Cell, Group

TOKEN = r"\w+|[^\w\s]+"
"""Words, and marks such as the brackets of code, which distinguish texts as well as words do."""
APART = 0.9
"""Cosine distance from which groups are kept apart."""
MOST = 2000
"""Different texts that are clustered; of more, the rest join the most similar groups."""
MOST_CHARACTERS = 10_000
"""Characters of a text that are compared: more than any scan generates."""
NAME_WORDS = 3
OPENING_WORDS = 4
NOISE = "noise"


def group_cells(cells: Sequence[Cell], baselines: Sequence[Cell]) -> tuple[Group, ...]:
    """Groups of `cells`, every cell in one, the largest first and noise last."""
    noise = tuple(number for number, cell in enumerate(cells) if cell.noise)
    sound = [number for number, cell in enumerate(cells) if not cell.noise]
    texts = [cells[number].text for number in sound] + [cell.text for cell in baselines]
    found = group_texts(texts)
    plain = set(found.labels[len(sound) :])
    members: dict[int, list[int]] = {}
    for place in range(len(sound)):
        members.setdefault(found.labels[place], []).append(place)
    groups = []
    for label in sorted(members, key=lambda label: (-len(members[label]), members[label])):
        typical = sorted(members[label], key=lambda place: -found.typical[place])
        groups.append(Group(found.names[label], tuple(sound[place] for place in typical), label in plain))
    return (*groups, *([Group(NOISE, noise)] if noise else []))


@dataclass(frozen=True)
class TextGroups:
    """For every text its group (`labels`) and its similarity to the mean of that group (`typical`, 0 to 1); for every
    group a short name.
    """

    labels: tuple[int, ...]
    typical: tuple[float, ...]
    names: tuple[str, ...]


def group_texts(texts: Sequence[str]) -> TextGroups:
    """Groups of texts that use the same words. Texts without any word or mark are a group of their own."""
    different = list(dict.fromkeys(text for text in texts if re.search(TOKEN, text)))
    place = {text: number for number, text in enumerate(different)}
    if not different:
        return TextGroups((0,) * len(texts), (1.0,) * len(texts), ("nothing",) * bool(texts))
    weights = _weights(different)
    found = _clusters(weights)
    count = int(found.max()) + 1
    typical = np.asarray(weights.multiply(_means(weights, found, norm=True)[found]).sum(axis=1)).ravel()
    empty = count
    labels = tuple(int(found[place[text]]) if text in place else empty for text in texts)
    written = [text for text in texts if text in place]
    names = _names(written, [int(found[place[text]]) for text in written])
    return TextGroups(
        labels,
        tuple(float(typical[place[text]]) if text in place else 1.0 for text in texts),
        (*names, *(["nothing"] if empty in labels else [])),
    )


def _weights(texts: Sequence[str]) -> Any:
    """TF-IDF of words and word pairs: a sparse matrix (n, terms), rows of norm 1."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # takes a second: not before it is needed

    reader = TfidfVectorizer(token_pattern=TOKEN, ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32)
    return reader.fit_transform([text[:MOST_CHARACTERS] for text in texts])


def _means(weights: Any, found: np.ndarray, norm: bool = False) -> Any:
    """The mean of the rows of every group, or with `norm` that of norm 1: a sparse matrix (groups, terms).

    Never a dense one: texts that have nothing in common are as many groups as texts, and their terms are millions.
    """
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    shape = (int(found.max()) + 1, len(found))
    belongs = csr_matrix((np.ones(len(found), weights.dtype), (found, np.arange(len(found)))), shape=shape)
    means = normalize(belongs, norm="l1") @ weights
    return normalize(means) if norm else means


def _clusters(weights: Any) -> np.ndarray:
    """The group (n,) of every row of `weights`, numbered from 0."""
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.metrics.pairwise import cosine_distances

    count = weights.shape[0]
    if count == 1:
        return np.zeros(1, dtype=int)
    some = np.unique(np.linspace(0, count - 1, min(count, MOST)).astype(int))
    solver = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=APART
    )
    found = np.full(count, -1)
    found[some] = solver.fit_predict(cosine_distances(weights[some]))
    rest = np.flatnonzero(found < 0)
    if len(rest):
        top = int(found.max()) + 1
        # The mean similarity to a group's members is what average linkage goes by.
        likeness = (weights[rest] @ _means(weights[some], found[some]).T).toarray()
        nearest = likeness.argmax(axis=1)
        alone = likeness.max(axis=1) < 1 - APART
        found[rest] = np.where(alone, top + np.cumsum(alone) - 1, nearest)
    return found


def _names(texts: Sequence[str], labels: Sequence[int]) -> list[str]:
    """A name for every group: the opening that its texts share, or else words that most of them have and other texts
    lack.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    words = {text: set(re.findall(r"[^\W\d_]{2,}", text[:MOST_CHARACTERS])) for text in set(texts)}
    everywhere = Counter(word for text in texts for word in words[text])
    groups: dict[int, list[str]] = {}
    for text, label in zip(texts, labels, strict=True):
        groups.setdefault(label, []).append(text)
    names = []
    for label in sorted(groups):
        own = groups[label]
        opening, inside = _opening(own), Counter(word for text in own for word in words[text])
        others = max(len(texts) - len(own), 1)
        weight = {
            word: count / len(own) - (everywhere[word] - count) / others
            for word, count in inside.items()
            if word.lower() not in ENGLISH_STOP_WORDS
        }
        chosen = sorted(weight.items(), key=lambda item: (-round(item[1], 3), -len(item[0]), item[0]))
        called = " · ".join(word for word, _ in chosen[:NAME_WORDS])
        called = called or " ".join(own[0].split(None, OPENING_WORDS)[:OPENING_WORDS])
        names.append(f"{opening} …" if opening else called)
    return names


def _opening(texts: Sequence[str]) -> str:
    """The longest opening of 2 to OPENING_WORDS words that three in four texts share; "" for none."""
    for count in range(OPENING_WORDS, 1, -1):
        opening, shared = Counter(" ".join(text.split(None, count)[:count]) for text in texts).most_common(1)[0]
        if shared >= 0.75 * len(texts) and len(opening.split()) == count:
            return opening
    return ""
