"""Primitives: word statistics of documents, symbols of time series, permutations within groups."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.columns import Local, Table, local_table
from dh2o.rapids.evaluator import Env
from dh2o.rapids.passes import gather
from dh2o.rapids.prim_matrix import number_matrix
from dh2o.rapids.selectors import column_at, columns_r
from dh2o.rapids.table import primitive
from dh2o.rapids.tile_strings import lower, split_texts
from dh2o.rapids.values import Val, ValFrame, ValNums, ValStrs

__all__: list[str] = []

MOST_SYMBOLS = 1_000_000


@primitive(
    "tf-idf",
    "ary:frame doc:int text:int preprocess:bool case_sensitive:bool",
    "Columns DocID, Word, TF, IDF = ln((documents + 1) / (documents with the word + 1)), TF-IDF.",
)
def tf_idf(
    _env: Env, table: Table, doc: int, text: int, preprocess: bool, case_sensitive: bool
) -> Val:
    if not table.n_rows:
        raise RapidsError("Empty input frame provided.")
    picks = (doc, text)
    if not all(0 <= i < table.n_cols for i in picks):
        raise RapidsError(
            "Provided column index is out of bounds. Number of columns in the input frame: "
            f"{table.n_cols}"
        )
    if not table.columns[picks[0]].is_number or not table.columns[picks[1]].is_string:
        raise RapidsError(
            "Incorrect format of input frame. Following row format is expected: (numeric) "
            "documentID, (string) " + ("documentContent." if preprocess else "words.")
        )
    import pyarrow.compute as pc

    held = gather(table.select(picks), "tf-idf")
    ids, texts = (c.expr.values for c in held.columns if isinstance(c.expr, Local))
    counts: Counter[tuple[float, str]] = Counter()
    filled = pc.fill_null(texts, "")
    cased = filled if case_sensitive else lower(filled)
    contents = split_texts(cased, r"\s+") if preprocess else [[t] for t in cased.to_pylist()]
    for number, words in zip(ids.tolist(), contents, strict=True):
        counts.update((number, word) for word in words if word or not preprocess)
    n_documents = table.n_rows if preprocess else len(set(ids.tolist()))
    return ValFrame(_weights(counts, n_documents))


def _weights(counts: Counter[tuple[float, str]], n_documents: int) -> Table:
    import pyarrow as pa

    with_word = Counter(word for _, word in counts)
    rows = sorted(counts, key=lambda pair: (pair[1], pair[0]))
    tf = np.array([counts[row] for row in rows], dtype=np.float64)
    idf = np.array([math.log((n_documents + 1) / (with_word[word] + 1)) for _, word in rows])
    return local_table(
        ["DocID", "Word", "TF", "IDF", "TF-IDF"],
        [
            np.array([number for number, _ in rows]),
            pa.array([word for _, word in rows], pa.large_string()),
            tf,
            idf,
            tf * idf,
        ],
        [VecType.NUMERIC, VecType.STRING, *([VecType.NUMERIC] * 3)],
    )


@primitive(
    "isax",
    "ary:frame words:int cardinality:int optimize:bool",
    "Each row as a series in symbols: iSax_index and one column a word, c0, c1, ...",
)
def isax(_env: Env, table: Table, words: int, cardinality: int, optimize: bool) -> Val:
    import pyarrow as pa
    from scipy.special import ndtri

    n_words, n_symbols = words, cardinality
    if n_words <= 0:
        raise RapidsError("numWords must be greater than 0!")
    if n_symbols <= 0:
        raise RapidsError("maxCardinality must be greater than 0!")
    if n_symbols > MOST_SYMBOLS:
        raise RapidsError(f"maxCardinality must be at most {MOST_SYMBOLS}, got {n_symbols}.")
    series = number_matrix(table, "isax")
    scores = _word_scores(series, n_words)
    edges = ndtri(np.arange(1, n_symbols) / n_symbols)
    symbols = np.searchsorted(edges, scores, side="left").astype(np.float64)
    symbols[np.isnan(scores)] = 0.0  # a series without spread has the first symbol, as in H2O
    sizes = [n_symbols] * n_words
    if optimize:
        for w in range(n_words):
            found, symbols[:, w] = np.unique(symbols[:, w], return_inverse=True)
            sizes[w] = len(found)
    texts = ["_".join(f"{int(s)}^{n}" for s, n in zip(row, sizes, strict=True)) for row in symbols]
    names = ["iSax_index", *(f"c{w}" for w in range(n_words))]
    kinds = [VecType.STRING] + [VecType.NUMERIC] * n_words
    return ValFrame(local_table(names, [pa.array(texts, pa.large_string()), *symbols.T], kinds))


def _word_scores(series: np.ndarray, n_words: int) -> np.ndarray:
    """Return by how many standard deviations the mean of each word is off the mean of its series.

    H2O's words overlap (the word that starts at column i is i + step columns long), columns count
    once for each word they are in, and the deviation is the one around the words' means.
    """
    n_cols = series.shape[1]
    step = n_cols // n_words
    if not step:
        raise RapidsError(f"isax needs at least {n_words} columns for {n_words} words.")
    words = [series[:, i : 2 * i + step] for i in range(0, step * n_words, step)]
    n_values = sum(word.shape[1] for word in words)
    means = np.stack([word.mean(axis=1) for word in words], axis=1)
    total = sum(word.sum(axis=1) for word in words)
    spread = sum(((w - w.mean(axis=1)[:, None]) ** 2).sum(axis=1) for w in words)
    with np.errstate(all="ignore"):
        deviation = np.sqrt(spread / (n_values - 1))
        scores: np.ndarray = (means - (total / n_values)[:, None]) / deviation[:, None]
    return scores


@primitive(
    "grouped_permute",
    "ary:frame column:int by:cols direction:int amount:int",
    "Within groups, all pairs of a value that is a debit (D) and one that is not, with amounts.",
)
def grouped_permute(
    _env: Env,
    table: Table,
    column: int,
    by: ValNums | ValStrs,
    direction: int,
    amount: int,
) -> Val:
    group = columns_r(table, by)
    if len(group) != 1:
        raise RapidsError("grouped_permute groups by exactly one column.")
    held = gather(table, "grouped_permute")
    given = (column, direction, amount)
    column, direction, amount = (column_at(table, i, "grouped_permute") for i in given)
    picks = [group[0], column, direction, amount]
    columns = [held.columns[i] for i in picks]
    arrays = [c.expr.values for c in columns if isinstance(c.expr, Local)]
    if not columns[2].is_enum or any(c.is_string for c in columns):
        raise RapidsError(
            "grouped_permute needs a categorical direction (D is a debit) and no string columns; "
            f"{table.names[direction]!r} is {columns[2].type}."
        )
    debits_are = (columns[2].domain or ()).index("D") if "D" in (columns[2].domain or ()) else -1
    sums: dict[float, tuple[dict[float, float], dict[float, float]]] = {}
    for key, value, way, sum_ in zip(*arrays, strict=True):
        sides = sums.setdefault(key, ({}, {}))
        side = sides[0 if way == debits_are else 1]
        side[value] = side.get(value, 0.0) + sum_
    rows = [
        (key, a, b, x, y)
        for key, (debits, credits_) in sums.items()
        for a, x in debits.items()
        for b, y in credits_.items()
    ]
    names = [table.names[group[0]], "In", "Out", "InAmnt", "OutAmnt"]
    made = np.array(rows, dtype=np.float64).reshape(len(rows), 5)
    sources = [columns[0], columns[1], columns[1], columns[3], columns[3]]
    kinds = [c.type for c in sources]
    domains = [c.domain for c in sources]
    return ValFrame(local_table(names, list(made.T), kinds, domains))
