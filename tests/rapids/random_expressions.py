"""Random well-typed expressions: every rule gives an expression of the kind that it promises."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from random_frames import WORDS, RandomFrame

__all__ = ["Generator"]

UNARY = (
    *("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceiling", "cos", "cosh", "cospi"),
    *("exp", "expm1", "floor", "gamma", "lgamma", "log", "log10", "log1p", "log2", "none", "not"),
    *("sign", "sin", "sinh", "sinpi", "sqrt", "tan", "tanh", "trunc"),
)
ARITHMETIC = ("+", "-", "*", "/", "^", "%", "%%")
COMPARISON = ("==", "!=", "<", "<=", ">", ">=")
LOGIC = ("&", "|", "&&", "||")
FOLDS = ("sum", "max", "min", "prod", "sumNA", "maxNA", "minNA", "prod.na", "all", "any")
NUMBERS = ("0", "1", "2", "-1", "0.5", "3", "NaN", "10", "-2.5")
PATTERNS = ("o", "l+", "[aeiou]", "^f", " ", "-", "b$", "(o)(o)")
PARTS = ["year", "month", "day", "hour", "minute", "second", "millis", "week"]
SELECTORS = ("-1", "[-1 -2]", "[0:3]", "99", "[1 99]", '"nope"', "[4 2]")
COLUMN_TYPES = ("numeric", "categorical", "string", "time", "bad")
SORTS = ("[1] [1]", "[1] [-1]", "[2 3] [1 1]", "[2 3] [-1 1]", "[4 0] [1 -1]")
AGGREGATES = ("nrow", "mean", "sum", "var", "sdev", "min", "max", "median")
BREAKS = ('"sturges"', "4", '"rice"')
LABELS = ("[]", '["l" "h"]')
DISTANCES = ("lv", "lcs", "qgram", "jaccard", "jw", "soundex")

Rule = Callable[[int], str]


class Generator:
    """Draws expressions over some frames; the same seed gives the same expressions."""

    def __init__(self, seed: int, frames: Sequence[RandomFrame], depth: int = 3) -> None:
        self.rng = random.Random(seed)
        self._frames = list(frames)
        self._depth = depth
        self.frame = self._frames[0]

    def expression(self) -> str:
        """Return the next expression."""
        self.frame = self.rng.choice(self._frames)
        rule = self.pick(
            self.number_column, self.enum, self.text, self.time, self.table, self.value, self.wide
        )
        return rule(self.rng.randint(1, self._depth))

    def pick(self, *rules: Rule) -> Rule:
        return self.rng.choice(rules)

    def of(self, *texts: str) -> str:
        return self.rng.choice(texts)

    # ---- leaves

    def column(self, kind: str) -> str:
        """Return a stored column of a kind, by position or name."""
        at = self.rng.choice(self.frame.of_kind(kind))
        how = self.of(str(at), f"[{at}]", f'"{list(self.frame.kinds)[at]}"')
        return f"({self.of('cols', 'cols_py')} {self.frame.name} {how})"

    def scalar(self, depth: int) -> str:
        """Return a number, sometimes a computed one."""
        if depth <= 0 or self.rng.random() < 0.7:
            return self.of(*NUMBERS)
        rules: tuple[Rule, ...] = (
            lambda d: f"({self.of(*FOLDS)} {self.number_column(d)})",
            lambda d: f"({self.of(*ARITHMETIC[:5])} {self.scalar(d)} {self.scalar(d)})",
            lambda d: f"({self.of(*COMPARISON, *LOGIC)} {self.scalar(d)} {self.scalar(d)})",
            lambda d: f"({self.of('floor', 'abs', 'not', 'sqrt', 'exp')} {self.scalar(d)})",
            lambda _: f"({self.of('nrow', 'ncol')} {self.frame.name})",
            lambda d: f"(ifelse {self.scalar(d)} {self.scalar(d)} {self.scalar(d)})",
            lambda d: f"(flatten (rows {self.number_column(d)} {self.row()}))",
        )
        return self.rng.choice(rules)(depth - 1)

    def row(self) -> int:
        return self.rng.randrange(self.frame.n_rows)

    def rows(self) -> str:
        """Return a list of row numbers in ascending order, or of rows to leave out."""
        n = self.frame.n_rows
        some = sorted(self.rng.sample(range(n), self.rng.randint(1, n)))
        if self.rng.random() < 0.2:
            return "[" + " ".join(str(-i - 1) for i in some[:-1] or some) + "]"
        if self.rng.random() < 0.3:
            start = self.rng.randrange(n)
            return f"[{start}:{self.rng.randint(1, n - start)}]"
        return "[" + " ".join(map(str, some)) + "]"

    def level(self) -> str:
        at = self.rng.choice(self.frame.of_kind("enum"))
        return f'"{self.rng.choice([*self.frame.levels(at), "none such"])}"'

    def word(self) -> str:
        return f'"{self.rng.choice(WORDS)}"'

    def pattern(self) -> str:
        return f'"{self.rng.choice(PATTERNS)}"'

    def quoted(self, *texts: str) -> str:
        return f'"{self.of(*texts)}"'

    def whole(self) -> str:
        return self.of("2", "3", "-2", "(- 0 3)")

    def flag(self) -> str:
        return self.of("True", "False")

    # ---- columns

    def number_column(self, depth: int) -> str:
        """Return one column of numbers with the rows of the frame."""
        if depth <= 0 or self.rng.random() < 0.15:
            return self.column("num")
        rules: tuple[Rule, ...] = (
            self._operators,
            self._operators,
            self._comparison,
            lambda d: f"({self.of(*UNARY)} {self.number_column(d)})",
            lambda d: f"({self.of('year', *PARTS)} {self.time(d)})",
            lambda d: f"(is.na {self.any_column(d)})",
            lambda d: f"(as.numeric {self.of_rule(d, self.enum, self.text, self.time)})",
            lambda d: (
                f"({self.of('cumsum', 'cumprod', 'cummin', 'cummax')} {self.number_column(d)} 0)"
            ),
            self._of_text,
            self._choice,
            self._by_row,
            lambda d: (
                f"({self.of('round', 'signif')} {self.number_column(d)} "
                f"{self.of('0', '1', '2', '3')})"
            ),
            lambda _: f"({self.of('intDiv', '%/%')} (cols {self.frame.name} [3]) {self.whole()})",
            lambda d: f"(difflag1 {self.number_column(d)})",
            lambda d: (
                f'(h2o.fillna {self.number_column(d)} "{self.of("forward", "backward")}" 0 '
                f"{self.of('1', '2', '5')})"
            ),
            lambda d: f"(scale {self.number_column(d)} {self.flag()} {self.flag()})",
            self._match,
        )
        return self.rng.choice(rules)(depth - 1)

    def truth(self, depth: int) -> str:
        """Return a column to test: H2O's ifelse overlooks infinite values."""
        return self.of_rule(depth, self._comparison, lambda _: self.column("num"))

    def of_rule(self, depth: int, *rules: Rule) -> str:
        return self.rng.choice(rules)(depth)

    def any_column(self, depth: int) -> str:
        return self.of_rule(depth, self.number_column, self.enum, self.text, self.time)

    def _operators(self, depth: int) -> str:
        left, right = self.rng.choice(
            (
                (self.number_column, self.number_column),
                (self.number_column, self.scalar),
                (self.scalar, self.number_column),
                (self.wide, self.number_column),
            )
        )
        op = self.of(*ARITHMETIC, *COMPARISON, *LOGIC)
        made = f"({op} {left(depth)} {right(depth)})"
        return f"(cols {made} 0)" if left == self.wide else made

    def _comparison(self, depth: int) -> str:
        equal = self.of("==", "!=")
        rules: tuple[Rule, ...] = (
            lambda d: f"({self.of(*COMPARISON)} {self.enum(d)} {self.level()})",
            lambda _: f"({equal} {self.column('enum')} {self.column('enum')})",
            lambda d: f"({equal} {self.text(d)} {self.word()})",
            lambda d: f"({equal} {self.text(d)} {self.text(d)})",
            lambda d: f"({self.of(*COMPARISON)} {self.time(d)} {self.time(d)})",
            lambda d: f"({equal} {self.enum(d)} {self.text(d)})",
            lambda d: f"({self.of(*COMPARISON)} {self.enum(d)} {self.scalar(d)})",
            lambda d: f"({self.of(*ARITHMETIC)} {self.enum(d)} {self.number_column(d)})",
            lambda d: f"({self.of('-', '<')} {self.time(d)} {self.number_column(d)})",
        )
        return self.rng.choice(rules)(depth)

    def _of_text(self, depth: int) -> str:
        source = self.of_rule(depth, self.text, self.enum)
        rules: tuple[Rule, ...] = (
            lambda _: f"(strlen {source})",
            lambda _: f"(entropy {source})",
            lambda _: f"(countmatches {source} [{self.word()} {self.pattern()}])",
            lambda _: f"(grep {source} {self.pattern()} {self.flag()} {self.flag()} True)",
            lambda d: (
                f'(strDistance {self.text(d)} {self.text(d)} "{self.of(*DISTANCES)}" {self.flag()})'
            ),
        )
        return self.rng.choice(rules)(depth)

    def _choice(self, depth: int) -> str:
        yes = self.of_rule(depth, self.number_column, self.scalar)
        no = self.of_rule(depth, self.number_column, self.scalar)
        return f"(ifelse {self.truth(depth)} {yes} {no})"

    def _by_row(self, depth: int) -> str:
        wide = self.wide(depth)
        body = self.of("sum r", "max r", "min r", "mean r True", "sumaxis r True", "+ r 1")
        rules: tuple[Rule, ...] = (
            lambda _: f"({self.of('mean', 'sumaxis')} {wide} {self.flag()} 1)",
            lambda _: f"(which.max {wide} {self.flag()} 1)",
            lambda _: f"(cols (apply {wide} 1 {{r . ({body})}}) 0)",
        )
        return self.rng.choice(rules)(depth)

    def _match(self, _depth: int) -> str:
        otherwise = self.of("nan", "0", "-1")
        start = self.of("0", "1")
        if self.rng.random() < 0.5:
            enum = self.column("enum")  # H2O's match reads past a whole column just assigned
            return f"(match {enum} [{self.level()} {self.level()}] {otherwise} {start})"
        return f"(match {self.column('num')} [1 2 0.5 -3] {otherwise} {start})"

    def _assigned(self, depth: int) -> str:
        """Return which rows are assigned: numbers, or a condition of 0 and 1."""
        if self.rng.random() < 0.5:
            return self.rows().replace("-", "") if self.frame.n_rows > 1 else "[0]"
        return f"({self.of(*COMPARISON)} {self.number_column(depth)} {self.scalar(0)})"

    def enum(self, depth: int) -> str:
        """Return one categorical column."""
        if depth <= 0 or self.rng.random() < 0.25:
            return self.column("enum")
        rules: tuple[Rule, ...] = (
            lambda _: f"(as.factor {self.column(self.of('num', 'text', 'enum'))})",
            lambda d: f"(as.factor (floor {self.number_column(d)}))",
            lambda d: f'(ifelse {self.truth(d)} "yes" "no")',
            lambda d: f"(dayOfWeek {self.time(d)})",
            lambda _: f"(relevel {self._with_level()})",
            lambda _: f'(appendLevels {self.column("enum")} False ["q" "p"])',
            lambda d: f"({self.of('tolower', 'toupper', 'trim')} {self.enum(d)})",
            lambda _: (
                f"(substring {self.column('enum')} {self.of('0', '1')} {self.of('2', '3', '5')})"
            ),
            lambda d: (
                f"({self.of('replaceall', 'replacefirst')} {self.enum(d)} {self.pattern()} "
                f'"Q" {self.flag()})'
            ),
            lambda d: (
                f"(cut {self.number_column(d)} {self.of('[-100 -1 0 1 2 100]', '[0 2 4]')} "
                f"[] {self.flag()} {self.flag()} 3)"
            ),
            lambda _: f"(relevel.by.freq {self.column('enum')} [] {self.of('-1', '1', '2')})",
            lambda _: f"(:= {self._with_level('[0]')} {self.rows_all()})",
        )
        return self.rng.choice(rules)(depth - 1)

    def rows_all(self) -> str:
        return self.of("[]", "[0]")

    def _with_level(self, between: str = "") -> str:
        at = self.rng.choice(self.frame.of_kind("enum"))
        level = self.rng.choice(self.frame.levels(at))
        source = f"(cols {self.frame.name} {at})"
        return f'{source} "{level}" {between}'.rstrip() if between else f'{source} "{level}"'

    def text(self, depth: int) -> str:
        """Return one column of strings."""
        if depth <= 0 or self.rng.random() < 0.3:
            return self.column("text")
        rules: tuple[Rule, ...] = (
            lambda d: f"(as.character {self.enum(d)})",
            lambda _: f"(as.character (cols {self.frame.name} 0))",
            lambda d: f"({self.of('tolower', 'toupper')} {self.text(d)})",
            lambda _: f"(trim {self.column('text')})",
            lambda _: (
                f"({self.of('lstrip', 'rstrip')} {self.column('text')} {self.quoted('f', 'ob ')})"
            ),
            lambda _: (
                f"(substring {self.column('text')} {self.of('0', '1', '3')} "
                f"{self.of('4', '5', '99')})"
            ),
            lambda d: (
                f"({self.of('replaceall', 'replacefirst')} {self.text(d)} {self.pattern()} "
                f'"{self.of("", "#")}" {self.flag()})'
            ),
            lambda d: f"(cols (strsplit {self.text(d)} {self.pattern()}) 0)",
        )
        return self.rng.choice(rules)(depth - 1)

    def time(self, depth: int) -> str:
        """Return one column of times."""
        if depth <= 0 or self.rng.random() < 0.5:
            return self.column("time")
        rules: tuple[Rule, ...] = (
            lambda _: (
                f"(moment (+ 2000 (abs {self.column('num')})) {self.of('1', '2', '12')} "
                f"{self.of('1', '29', '31')} {self.scalar(0)} 0 {self.of('0', '59')} 0)"
            ),
        )
        return self.rng.choice(rules)(depth - 1)

    # ---- several columns

    def wide(self, depth: int) -> str:
        """Return some columns of numbers."""
        at = self.rng.sample(self.frame.of_kind("num"), self.rng.randint(2, 3))
        stored = f"(cols {self.frame.name} [{' '.join(map(str, sorted(at)))}])"
        if depth <= 0 or self.rng.random() < 0.4:
            return stored
        rules: tuple[Rule, ...] = (
            lambda d: f"(cbind {self.number_column(d)} {self.number_column(d)})",
            lambda d: f"({self.of(*ARITHMETIC, *COMPARISON)} {self.wide(d)} {self.scalar(d)})",
            lambda d: f"({self.of('abs', 'floor', 'exp', 'not')} {self.wide(d)})",
            lambda _: (
                f'(h2o.fillna {stored} "{self.of("forward", "backward")}" '
                f"{self.of('0', '1')} {self.of('1', '3')})"
            ),
            lambda _: (
                f"({self.of('cumsum', 'cumprod', 'cummin', 'cummax')} {stored} {self.of('0', '1')})"
            ),
            lambda d: f"(ifelse {self.truth(d)} {self.scalar(0)} {self.scalar(d)})",
        )
        return self.rng.choice(rules)(depth - 1)

    def mixed(self, depth: int) -> str:
        """Return columns of several kinds."""
        if depth <= 0 or self.rng.random() < 0.4:
            return self.frame.name
        rules: tuple[Rule, ...] = (
            lambda d: f"(cbind {self.any_column(d)} {self.any_column(d)} {self.column('num')})",
            lambda d: f'(append {self.frame.name} {self.any_column(d)} "new")',
            lambda _: f'(colnames= {self.frame.name} [0 1] ["p" "q"])',
            lambda d: f"(rows {self.mixed(d)} {self.rows()})",
        )
        return self.rng.choice(rules)(depth - 1)

    # ---- results of other shapes

    def table(self, depth: int) -> str:
        """Return a frame whose shape depends on the data."""
        rules: tuple[Rule, ...] = (
            lambda d: f"(rows {self.mixed(d)} {self.rows()})",
            lambda d: f"(rows {self.frame.name} {self.number_column(d)})",
            lambda d: f"(rows {self.any_column(d)} {self._comparison(d)})",
            lambda d: f"(cbind {self.any_column(d)} {self.any_column(d)} {self.scalar(0)})",
            lambda d: f"(rbind {self.number_column(d)} {self.number_column(d)})",
            lambda _: f"(rbind {self.frame.name} {self.frame.name})",
            lambda _: f"(sort {self.frame.name} {self.rng.choice(SORTS)})",
            self._group_by,
            self._group_by,
            lambda d: f"(:= {self.number_column(d)} {self.scalar(d)} [0] {self._assigned(d)})",
            lambda d: f"(:= {self.time(d)} NaN [0] {self._assigned(d)})",
            lambda d: f"(:= {self.mixed(0)} {self.scalar(d)} [0 3] {self._assigned(d)})",
            lambda d: f"(na.omit {self.mixed(d)})",
            lambda d: f"(levels {self.of_rule(d, self.enum, self.mixed)})",
            lambda d: f"(apply {self.wide(d)} 2 {{x . ({self.of('sum', 'max', 'naCnt')} x)}})",
            lambda d: f"(apply {self.wide(d)} 2 {{x . (mean x {self.flag()} 0)}})",
            lambda d: f"({self.of('mean', 'sumaxis')} {self.mixed(d)} {self.flag()} 0)",
            lambda d: f"(which {self.number_column(d)})",
            lambda d: f"(table {self.of_rule(d, self.enum)} {self.flag()})",
            lambda d: f"(table {self.enum(d)} {self.column('enum')} {self.flag()})",
            lambda d: f"(sort (unique {self.of_rule(d, self.enum)} {self.flag()}) [0] [1])",
            lambda d: (
                f"(quantile {self.wide(d)} [0 0.1 0.333 0.5 0.9 1] "
                f'"{self.of("interpolate", "average", "low", "high")}" _)'
            ),
            lambda _: self._covariances(),
            lambda d: f"(t {self.wide(d)})",
            lambda _: f"(x (cols {self.frame.name} [2 3]) (t (cols {self.frame.name} [2 3])))",
            lambda _: (
                f"(distance (cols {self.frame.name} [2 3]) {self.wide(0)} "
                f'"{self.of("l1", "l2", "cosine", "cosine_sq")}")'
            ),
            lambda _: (
                f"(cols (topn {self.frame.name} {self.of('0', '1', '3')} "
                f"{self.of('10', '50')} {self.of('1', '-1')}) 1)"
            ),
            lambda _: (
                f"(dropdup {self.frame.name} [{self.of('2', '4 5', '3')}] "
                f'"{self.of("first", "last")}")'
            ),
            lambda _: f"(tokenize {self.column('text')} {self.pattern()})",
            lambda d: f"(strsplit {self.text(d)} {self.pattern()})",
            lambda d: f"(as.character (strsplit {self.enum(d)} {self.pattern()}))",
            lambda _: (
                f"(rank_within_groupby {self.frame.name} [5] [3] [{self.of('1', '-1')}] "
                f'"rk" {self.of("0", "1")})'
            ),
            lambda d: f"(rep_len {self.number_column(d)} {self.of('1', '7', '30')})",
            lambda _: f"({self.of('seq 1 10 3', 'seq 2 -3 -0.5', 'seq_len 4', 'seq 1 2 -1')})",
            lambda _: (
                f'(melt (cols {self.frame.name} [0 1 5]) ["g"] ["i" "r"] "k" "v" {self.flag()})'
            ),
            lambda d: f"(cols (hist {self.number_column(d)} {self.rng.choice(BREAKS)}) [0 1 3])",
            lambda _: f'(relevel.by.freq {self.frame.name} "w" -1)',
            lambda d: (
                f"(cut {self.number_column(d)} [-50 0 50] {self.rng.choice(LABELS)} "
                f"{self.flag()} {self.flag()} 2)"
            ),
            lambda _: f"(ddply {self.frame.name} [5] {{x . (mean (cols x [2 3]) True 0)}})",
            lambda _: (
                f"(ddply {self.frame.name} [5] {{x . ({self.of('sum', 'maxNA', 'nrow')} "
                "(cols x [3]))})"
            ),
            lambda _: f"(modulo_kfold_column {self.frame.name} {self.of('2', '3')})",
            lambda _: (
                f"({self.of('cols', 'cols_py')} {self.frame.name} {self.rng.choice(SELECTORS)})"
            ),
        )
        return self.rng.choice(rules)(depth - 1)

    def _covariances(self) -> str:
        self.frame = self._frames[-1]  # H2O has numbers for the covariance of one row
        wide = self.wide(0)
        use = self.of("everything", "complete.obs", "all.obs")
        if self.rng.random() < 0.5:
            return f'(var {wide} {wide} "{use}" {self.flag()})'
        return f'(cor {wide} {wide} "{use}" "Pearson")'

    def _group_by(self, depth: int) -> str:
        source = self.mixed(depth) if self.rng.random() < 0.2 else self.frame.name
        keys = self.of("5", "4", "5 3", "3", "")
        parts = [
            self._aggregate(how) for how in self.rng.sample(AGGREGATES, self.rng.randint(1, 3))
        ]
        return f"(GB {source} [{keys}] {' '.join(parts)})"

    def _aggregate(self, how: str) -> str:
        rule = self.of("all", "rm", "ignore")
        # a column without NA where H2O's extreme of no values is a number
        column = self.of("2", "3") if how in ("min", "max") else self.of("0", "1", "3")
        return f'"{how}" {column} "{rule}"'

    def value(self, depth: int) -> str:
        """Return a number, string or list."""
        rules: tuple[Rule, ...] = (
            lambda d: self.scalar(d + 1),
            lambda d: (
                f"({self.of('sd', 'median')} "
                f"{self.of_rule(d, self.wide, self.mixed)} {self.flag()})"
            ),
            lambda d: f"(naCnt {self.mixed(d)})",
            lambda d: (
                f"({self.of('is.factor', 'is.numeric', 'is.character', 'any.factor')} "
                f"{self.mixed(d)})"
            ),
            lambda d: (
                f"({self.of('any.na', 'all', 'any')} {self.of_rule(d, self.wide, self.enum)})"
            ),
            lambda d: f"(filterNACols {self.mixed(d)} {self.of('0.1', '0.3', '0.9')})",
            lambda d: f'(columnsByType {self.mixed(d)} "{self.of(*COLUMN_TYPES)}")',
            lambda _: (
                f"(mktime 2020 {self.of('0', '11')} {self.of('0', '27')} {self.of('0', '23')} "
                "0 59 0)"
            ),
            lambda d: f"(getrow (rows {self.wide(d)} {self.row()}))",
            lambda d: f"(flatten (rows {self.any_column(d)} {self.row()}))",
            lambda d: f"(nlevels {self.of_rule(d, self.enum, self.number_column)})",
            lambda _: f"(mode {self.column('enum')})",
            lambda d: f"({self.of('skewness', 'kurtosis')} {self.wide(d)} False)",
            lambda d: f'(h2o.mad (floor {self.number_column(d)}) "INTERPOLATE" 1.4826)',
            lambda d: (
                f"({self.of('var', 'cor')} {self.number_column(d)} {self.number_column(d)} "
                f'"{self.of("everything", "complete.obs")}" '
            ),
            lambda d: f"({{u v . (+ u (* v v))}} {self.scalar(d)} {self.scalar(d)})",
        )
        made = self.rng.choice(rules)(depth - 1)
        if made.endswith('" '):
            return made + ("False)" if made.startswith("(var") else '"Pearson")')
        return made
