from __future__ import annotations

import re

import pytest
from helpers import run

from dh2o.errors import RapidsError
from dh2o.rapids import PRIMITIVES, Env, Session, Val, ValNum, ValStr, reference_page, register
from dh2o.rapids.columns import Table

CLIENT_SYMBOLS = """
:= as.factor cols_py rm tmp= colnames= rows <= > h2o.runif cbind cols flatten & == is.na levels
append assign is.factor - as.numeric ls setproperty sumaxis != kfold_column as.character naCnt
is.numeric is.character GB abs + apply mean / * ifelse median getrow log max min quantile scale
sd var h2o.impute merge rbind relevel all any relevel.by.freq table < >= | unique sort !! match
% any.factor asin difflag1 entropy filterNACols h2o.random_stratified_split hist moment rename
replaceall replacefirst strDistance strsplit substring trim which getTimeZone listTimeZones
setTimeZone any.na countmatches tolower toupper ^ appendLevels columnsByType cor cut dropdup
intDiv kurtosis lstrip melt modulo_kfold_column na.omit not prod prod.na rep_len rstrip
skewness stratified_kfold_column strlen t distance tf-idf trunc x cumsum isax setDomain
setLevel cummax cummin cumprod h2o.fillna sumNA which.max which.min day dayOfWeek hour month
week year cos round signif sin tan ceiling cosh exp floor sqrt tanh acos acosh asinh atan atanh
cospi digamma expm1 gamma lgamma log10 log1p log2 sign sinh sinpi tanpi trigamma nlevels pivot
topn rank_within_groupby grep tokenize mktime as.Date ddply seq seq_len minNA maxNA h2o.mad
mode nrow ncol minute second millis num_valid_substrings grouped_permute scale_inplace none &&
|| ,
"""


def test_everything_that_clients_send_is_there(session: Session) -> None:
    assert [symbol for symbol in CLIENT_SYMBOLS.split() if symbol not in PRIMITIVES] == []


def test_the_reference_page_names_every_primitive(session: Session) -> None:
    page = reference_page()
    forms = set(re.findall(r"^\| `\((\S+?)[ )]", page.replace("\\|", "|"), re.MULTILINE))
    assert set(PRIMITIVES) <= forms
    assert all(prim.doc.endswith(".") for prim in PRIMITIVES.values())


def test_layers_above_add_primitives(session: Session) -> None:
    def twice(_env: Env, n: float, label: str | None) -> Val:
        return ValStr(f"{2 * n:g}{label or ''}")

    register("test.twice", "n:num label:str?", "Twice a number.", twice)
    try:
        assert run(session, "(test.twice 4)") == "8"
        assert run(session, "(test.twice 4 'x')") == "8x"
        assert run(session, "(test.twice 4 _)") == "8"
        with pytest.raises(RapidsError, match=r"\(test.twice n \[label\]\)"):
            run(session, "(test.twice)")
        with pytest.raises(RapidsError, match="'n' must be a number, found a string"):
            run(session, "(test.twice 'a')")
    finally:
        del PRIMITIVES["test.twice"]


def test_a_wrong_signature_is_refused_when_it_is_made() -> None:
    def nothing(_env: Env, _table: Table) -> Val:
        return ValNum(0.0)

    with pytest.raises(ValueError, match="Unknown parameter type"):
        register("test.bad", "x:what", "Nothing.", nothing)
