"""Expressions whose results were read from H2O 3.46.0.12."""

from __future__ import annotations

import math

import pytest
from helpers import close, run

from dh2o.errors import RapidsError
from dh2o.rapids import Session

N = None
WEEK = [1, 6, N, 52, 29]

ON_F = {
    "(mean f True 0)": {"a": [1.1875], "b": [3], "c": [N], "s": [N], "t": N},
    "(sd (cols f [0 1]) True)": [2.576941016011038, 1.5811388300841898],
    "(median (cols f [0 1]) True)": [1.5, 3.0],
    '(var (cols f [0 1]) (cols f [0 1]) "complete.obs" True)': {
        "a": [6.640625, 0.9375],
        "b": [0.9375, 2.9166666666666665],
    },
    '(cor (cols f [0 1]) (cols f [0 1]) "complete.obs" "Pearson")': {
        "a0": [1, 0.2130214807490179],
        "b0": [0.2130214807490179, 1],
    },
    "(seq 1 1 0)": {"C1": [1]},
    "(cols (levels (:= f NaN [2 3 4] [])) 2)": {"C3": ["x", "y", "z"]},
    "(is.character (:= f NaN [2 3 4] []))": [0, 0, 0, 1, 0],
    "(which.max (cols f [1 2 3 4]) True 0)": {"b": [4], "c": [N], "s": [N], "t": [3]},
    '(as.Date (rows (as.factor (cols f 3)) [2]) "yyyy")': {"s": [N]},
    '(GB (rows f (> (cols f 1) 9)) [] sum 1 "rm" nrow 0 "all")': {"sum_b": [], "nrow": []},
    '(h2o.mad (cols f 1) "INTERPOLATE" 1.4826)': 1.4826,
    '(quantile (cols f [0 1]) [0.25 0.5 0.75] "interpolate" "_")': {
        "Probs": [0.25, 0.5, 0.75],
        "aQuantiles": [0.5625, 1.5, 2.125],
        "bQuantiles": [2, 3, 4],
    },
    "(cut (cols f 1) [0 2 5] [] False True 3)": {
        "b": ["(0.0,2.0]", "(0.0,2.0]", "(2.0,5.0]", "(2.0,5.0]", "(2.0,5.0]"]
    },
    "(apply (cols f [0 1]) 2 {x . (sum x)})": {"a": [N], "b": [15]},
    "(ddply f [2] {x . (mean (cols x [1]) True 0)})": {
        "c": [N, "x", "y", "z"],
        "ddply_C1": [5, 2, 2, 4],
    },
    "(cols (sort f [1] [-1]) 1)": {"b": [5, 4, 3, 2, 1]},
    "(as.factor (cols f 0))": {"a": ["1.5", N, "-2.25", "4.0", "1.5"]},
    "(levels (as.factor (cols f 3)))": {"C1": ["Foo bar", "Hello", "aaa", "hello world"]},
    "(cumsum (cols f 1) 0)": {"C1": [1, 3, 6, 10, 15]},
    "(difflag1 (cols f 1))": {"b": [N, 1, 1, 1, 1]},
    "(topn f 1 40 1)": {"Original_Row_Indices": [4, 3], "b": [5, 4]},
    "(mktime 2020 0 0 0 0 0 0)": 1577836800000,
    "(moment 2020 1 1 0 0 0 0)": {"time": [1577836800000]},
    "(skewness (cols f 1) True)": [0],
    "(kurtosis (cols f 1) True)": [1.7],
    "(entropy (cols f 3))": {"C1": [2.8453509366, 2.5216406363, N, 0, 1.9219280949]},
    '(strDistance (cols f 3) (cols f 3) "lv" True)': {"C1": [1, 1, N, 1, 1]},
    "(week (cols f 4))": {"t": WEEK},
    "({x y . (+ x y)} 2 3)": 5,
    "(, 1 2 3)": 3,
    "(filterNACols f 0.1)": [1],
    "(%% -5 3)": -2,
    "(intDiv -5 3)": -1,
    "(%/% -5 3)": -1,
    "(round -2.5 0)": -2,
    "(round 2.567 2)": 2.57,
    "(signif 123456 2)": 120000,
    "(/ 1 0)": math.inf,
    "(| 1.5 0)": 0,
    "(< (cols f 0) 2)": {"a": [1, 0, 1, 0, 1]},
    "(== (cols f 0) NaN)": {"C1": [0, 1, 0, 0, 0]},
    "(!= (cols f 0) 1.5)": {"C1": [0, 1, 1, 1, 0]},
    "(== (cols f 2) (cols f 2))": {"c": [1, 1, 1, 1, 1]},
    '(== (cols f 2) "x")': {"c": [1, 0, 1, 0, 0]},
    '(< (cols f 2) "y")': {"c": [1, 0, 1, 0, 0]},
    "(+ (cols f 2) 1)": {"c": [N] * 5},
    "(| (cols f 0) 1)": {"a": [1] * 5},
    "(| (cols f 0) 0)": {"a": [0, N, 0, 0, 0]},
    "(& (cols f 0) 0)": {"a": [0] * 5},
    "(& (cols f 0) 1)": {"a": [1, N, 1, 1, 1]},
    '(ifelse (> (cols f 1) 2) "hi" "lo")': {"C1": ["lo", "lo", "hi", "hi", "hi"]},
    "(ifelse (cols f 0) 1 0)": {"C1": [1, N, 1, 1, 1]},
    "(sum (cols f 0))": N,
    "(sumNA (cols f 0))": 4.75,
    "(naCnt f)": [1, 0, 1, 1, 1],
    "(is.na (cols f [0 2 3]))": {
        "isNA(a)": [0, 1, 0, 0, 0],
        "isNA(c)": [0, 0, 0, 0, 1],
        "isNA(s)": [0, 0, 1, 0, 0],
    },
    "(log (cols f 1))": {"log(b)": [math.log(v) for v in range(1, 6)]},
    "(cbind (cols f 1) 1)": {"b": [1, 2, 3, 4, 5], "1.0": [1] * 5},
    "(replaceall (cols f 3) 'o' '0' True)": {"C1": ["hell0 w0rld", "f00 bar", N, "aaa", "hell0"]},
    "(any.factor f)": 1,
    "(is.factor f)": [0, 0, 1, 0, 0],
    "(cols (na.omit f) 1)": {"b": [1, 4]},
    "(match (cols f 2) ['y' 'x'] nan 1)": {"C1": [2, 1, 2, N, N]},
}

ON_GF = {
    '(GB gf [0] mean 1 "rm" sum 2 "all" nrow 0 "all")': {
        "g": ["a", "b", "c"],
        "mean_v": [2, 2, 5],
        "sum_w": [6, 8, 6],
        "nrow": [2, 2, 1],
    },
    '(GB gf [0] mean 1 "all")': {"g": ["a", "b", "c"], "mean_v": [2, N, 5]},
    '(GB gf [0] mean 1 "ignore")': {"g": ["a", "b", "c"], "mean_v": [2, 1, 5]},
    '(GB gf [0] median 2 "all" max 2 "all")': {
        "g": ["a", "b", "c"],
        "median_w": [3, 4, 6],
        "max_w": [4, 5, 6],
    },
    "(table (cols gf 0) False)": {"g": ["a", "b", "c"], "Count": [2, 2, 1]},
    "(table (cols gf 0) (cols gf 2) False)": {
        "g": ["a", "b", "c"],
        "2.0": [1, 0, 0],
        "3.0": [0, 1, 0],
        "4.0": [1, 0, 0],
        "5.0": [0, 1, 0],
        "6.0": [0, 0, 1],
    },
    "(ncol (cols gf -1))": 3,
    "(rows (cols gf [0 1]) 7)": {"g": [N], "v": [N]},
    "(cols (cols gf [-1 -2]) 0)": {"w": [2, 3, 4, 5, 6]},
    "(cols (rows gf [-1 -2]) 2)": {"w": [4, 5, 6]},
    "(cols (:= gf 9 [1] []) 1)": {"v": [9] * 5},
    "(cols (:= gf NaN [1] [0]) 1)": {"v": [N, 2, 3, N, 5]},
    '(cols (append gf 7 "k") 4)': {"k": [7] * 5},
    '(merge (cols gf [0 1]) (cols gf [0 2]) False False [0] [0] "auto")': {
        "g": ["a", "a", "a", "a", "b", "b", "b", "b", "c"],
        "v": [1, 1, 3, 3, 2, 2, N, N, 5],
        "w": [2, 4, 2, 4, 3, 5, 3, 5, 6],
    },
    '(cols (rank_within_groupby gf [0] [1] [1] "rk" 0) [0 1 4])': {
        "g": ["a", "a", "b", "b", "c"],
        "v": [1, 3, N, 2, 5],
        "rk": [1, 2, N, 1, 1],
    },
    '(cols (dropdup gf [0] "first") [0 2])': {"g": ["a", "b", "c"], "w": [2, 3, 6]},
    '(melt gf ["g"] ["v" "w"] "variable" "value" False)': {
        "g": ["a", "a", "b", "b", "a", "a", "b", "b", "c", "c"],
        "variable": ["v", "w"] * 5,
        "value": [1, 2, 2, 3, 3, 4, N, 5, 5, 6],
    },
    '(pivot gf "w" "g" "v")': {
        "w": [2, 3, 4, 5, 6],
        "a": [1, N, 3, N, N],
        "b": [N, 2, N, N, N],
        "c": [N, N, N, N, 5],
    },
    "(scale (cols gf 2) True True)": {
        "w": [-1.2649110640, -0.6324555320, 0, 0.6324555320, 1.2649110640]
    },
    "(modulo_kfold_column gf 3)": {"C1": [0, 1, 2, 0, 1]},
    "(kfold_column gf 2 1)": {"C1": [1, 0, 1, 1, 1]},
    "(kfold_column gf 3 42)": {"C1": [0, 2, 1, 0, 1]},
    "(dayOfWeek (cols gf 3))": {"d": ["Wed", "Thu", "Fri", "Sat", "Sun"]},
    "(year (cols gf 3))": {"d": [2020] * 5},
    "(which (> (cols gf 2) 3))": {"C1": [2, 3, 4]},
    "(which.max (cols gf [1 2]) True 0)": {"v": [4], "w": [4]},
    '(h2o.fillna (cols gf 1) "forward" 0 2)': {"C1": [1, 2, 3, 3, 5]},
    "(apply (cols gf [1 2]) 1 {r . (sum r)})": {"C1": [3, 5, 7, N, 11]},
    '(levels (relevel (cols gf 0) "c"))': {"C1": ["c", "a", "b"]},
    '(relevel (cols gf 0) "c")': {"g": ["a", "b", "a", "b", "c"]},
    '(cor (cols gf 2) (cols gf 0) "complete.obs" "Spearman")': 0.7559289460184544,
    '(cor (cols gf [1 2]) (cols gf [0 2]) "everything" "Spearman")': {
        "C1": [N, N],
        "C2": [0.7559289460184544, 1],
    },
    '(cols (hist (cols gf 2) "scott") [0 1])': {"breaks": [4, 6], "counts": [N, 5]},
    '(cols (hist (cols gf 2) "fd") [0 1 3])': {
        "breaks": [10 / 3, 14 / 3, 6],
        "counts": [N, 2, 3],
        "mids": [N, 4, 16 / 3],
    },
    '(melt gf ["g"] ["w" "v"] "k" "x" True)': {
        "g": ["a", "a", "b", "b", "a", "a", "b", "c", "c"],
        "k": ["w", "v", "w", "v", "w", "v", "w", "w", "v"],
        "x": [2, 1, 3, 2, 4, 3, 5, 6, 5],
    },
    '(levels (cols (melt gf ["g"] ["w" "v"] "k" "x" True) 1))': {"C1": ["w", "v"]},
    '(setDomain (cols gf 0) False ["x" "y" "z"])': {"g": ["x", "y", "x", "y", "z"]},
    '(levels (appendLevels (cols gf 0) False ["q"]))': {"C1": ["a", "b", "c", "q"]},
    "(levels gf)": {"C1": ["a", "b", "c"], "C2": [N] * 3, "C3": [N] * 3, "C4": [N] * 3},
    '(distance (cols gf 2) (cols gf 2) "l2")': {
        f"C{j + 1}": [abs(i - j) for i in range(5)] for j in range(5)
    },
    "(sumNA (cols gf [0 2]))": N,
    "(sum (as.factor (> (cols gf 2) 3)))": 3,
    "(mean (cols (rows gf [0:4]) [0 2]) True 0)": {"g": [N], "w": [3.5]},
    "(filterNACols gf 0.2)": [0, 2, 3],
    "(filterNACols gf 0.21)": [0, 1, 2, 3],
    "(strlen (cols gf 0))": {"C1": [1] * 5},
    "(cols (x (cols gf 2) (t (cols gf 2))) 0)": {"C1": [4, 6, 8, 10, 12]},
}


@pytest.mark.parametrize("text", ON_F)
def test_first_golden_frame(session: Session, f: str, text: str) -> None:
    found, expected = run(session, text), ON_F[text]
    if isinstance(expected, dict) and "t" in expected and expected["t"] is N:
        found.pop("t"), expected.pop("t")
    assert close(found, expected), found


@pytest.mark.parametrize("text", ON_GF)
def test_second_golden_frame(session: Session, gf: str, text: str) -> None:
    found = run(session, text)
    assert close(found, ON_GF[text]), found


def test_histogram_counts(session: Session, f: str) -> None:
    found = run(session, '(hist (cols f 1) "sturges")')
    assert found["breaks"] == [2, 3, 4, 5]
    assert found["counts"] == [N, 1, 1, 3]
    assert found["mids"] == [N, 2.5, 3.5, 4.5]


def test_tfidf_of_one_word(session: Session, f: str) -> None:
    found = run(session, "(tf-idf f 1 3 True True)")
    assert list(found) == ["DocID", "Word", "TF", "IDF", "TF-IDF"]
    assert math.isclose(found["IDF"][0], math.log(3))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('(GB gf [0] sd 1 "all")', "sdev"),
        ("(+ (as.character (cols gf 0)) 1)", "String columns"),
        ("(nothing gf)", "Name lookup of 'nothing' failed"),
        ("(cols gf 9)", "Column must be an integer from 0 to 3"),
        ("(fillna gf)", "Name lookup of 'fillna' failed"),
        ("(log (cols gf 0))", "non-numeric column g"),
        ("(mean)", r"\(mean ary na_rm \[axis\]\)"),
        ('(mean "x" 1 0)', "'ary' must be a frame or a row"),
        ('(h2o.mad (cols gf 0) "low" 1)', "h2o.mad needs numbers; 'g' is enum"),
    ],
)
def test_errors_name_the_cause(session: Session, gf: str, text: str, message: str) -> None:
    with pytest.raises(RapidsError, match=message):
        run(session, text)


def test_a_second_temporary_of_a_name_is_refused(session: Session, gf: str) -> None:
    run(session, "(tmp= x (cols gf 0))")
    with pytest.raises(RapidsError, match="Temp ID x already exists"):
        run(session, "(tmp= x (cols gf 1))")
    assert run(session, "(rm x)") == 1
    assert run(session, "(rm x)") == 0


def test_assignment_leaves_the_source_alone(session: Session, gf: str) -> None:
    run(session, "(tmp= y (:= gf 9 [1] []))")
    assert run(session, "(cols gf 1)") == {"v": [1, 2, 3, N, 5]}
    assert run(session, "(cols y 1)") == {"v": [9] * 5}


def test_impute_changes_the_stored_frame(session: Session, gf: str) -> None:
    assert run(session, '(h2o.impute gf 1 "mean" "interpolate" [] _ _)') == [N, 2.75, N, N]
    assert run(session, "(cols gf 1)") == {"v": [1, 2, 3, 2.75, 5]}


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["True", None], (1, 1)),
        (["False", None], (0, 1)),
        (["True", "False"], (0, 1)),
        (["x"], (0, 0)),
    ],
)
def test_all_and_any_of_categories(
    session: Session, column: list[str | None], expected: tuple[int, int]
) -> None:
    from dh2o.frame import Frame

    Frame.from_python({"c": column}).put("k")
    found = (run(session, "(all (as.factor k))"), run(session, "(any (as.factor k))"))
    assert found == expected
    session.execute("(rm k)")
