"""Rules for results of other shapes: tables, numbers, lists."""

from __future__ import annotations

from random_columns import ARITHMETIC, COMPARISON, ColumnRules, Rule

__all__ = ["TableRules"]

SELECTORS = (
    "-1",
    "[-1 -2]",
    "[0:3]",
    "99",
    "[1 99]",
    '"nope"',
    "[4 2]",
    "[]",
    "0",
    "[0]",
    "[-99 1]",
)
SELECTORS = (*SELECTORS, '["g" "i"]', '["g" "nope"]', "[2:2 7]", "[5 5]", "-99")
COLUMN_TYPES = ("numeric", "categorical", "string", "time", "bad")
SORTS = ("[1] [1]", "[1] [-1]", "[2 3] [1 1]", "[2 3] [-1 1]", "[4 0] [1 -1]")
AGGREGATES = ("nrow", "mean", "sum", "var", "sdev", "min", "max", "median", "sumSquares")
COUNTED = (
    "nrow",
    "ncol",
    "naCnt",
    "is.na",
    "na.omit",
    "is.factor",
    "levels",
    "any.na",
    "as.character",
)
BREAKS = ('"sturges"', "4", '"rice"', '"sqrt"', "[-20 0 1 20 200]")
LABELS = ("[]", '["l" "h"]')


class TableRules(ColumnRules):
    """Draws tables and plain values."""

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
            lambda _: f"(:= {self.frame.name} {self.of('NA', 'NaN')} [{self.row_of_kinds()}] [])",
            self._of_nothing,
            self._of_nothing,
            lambda d: f"(:= {self.mixed(0)} {self.scalar(d)} [0 3] {self._assigned(d)})",
            lambda d: f"(na.omit {self.mixed(d)})",
            lambda d: f"(levels {self.of_rule(d, self.enum, self.mixed)})",
            lambda d: f"(apply {self.finite(d)} 2 {{x . ({self.of('max', 'naCnt')} x)}})",
            lambda d: f"(apply {self.finite(d)} 2 {{x . (mean x {self.flag()} 0)}})",
            lambda d: f"({self.of('mean', 'sumaxis')} {self.finite(d)} {self.flag()} 0)",
            lambda d: f"(which {self.number_column(d)})",
            lambda d: f"(table {self.of_rule(d, self.enum)} {self.flag()})",
            lambda _: (
                f"(table (cols {self.frame.name} {self.of('2', '3', '5')}) {self.column('enum')} "
                f"{self.flag()})"
            ),
            lambda d: f"(sort (unique {self.of_rule(d, self.enum)} {self.flag()}) [0] [1])",
            lambda d: (
                f"(quantile {self.of_rule(d, self.wide, self.few_values)} "
                '[0 0.1 0.333 0.5 0.9 1] "interpolate" _)'
            ),
            lambda d: (  # of equal fractions H2O's low, high and average may be others
                f"(quantile {self.few_values(d)} [0 0.1 0.333 0.5 0.9 1] "
                f'"{self.of("average", "low", "high")}" _)'
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
                f"(dropdup {self.frame.name} [{self.of('2', '5 3', '3')}] "
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
            lambda _: f"({self.of('seq 2 2 0', 'seq 0 1 0.3', 'seq_len 0', 'rep_len 1 3')})",
            lambda _: (
                f'(melt (cols {self.frame.name} [0 1 5]) ["g"] ["i" "r"] "k" "v" {self.flag()})'
            ),
            lambda _: f"(cols (hist {self.column('num')} {self.rng.choice(BREAKS)}) [0 1 3])",
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

    def row_of_kinds(self) -> str:
        """Return positions of one to three columns of the frame."""
        some = self.rng.sample(range(len(self.frame.kinds)), self.rng.randint(1, 3))
        return " ".join(map(str, sorted(some)))

    def _of_nothing(self, depth: int) -> str:
        """Return what becomes of a frame without rows, or of a column without values."""
        none = f"(rows {self.frame.name} (> (cols {self.frame.name} 3) 9))"
        at = self.of("0", "1", "4", "8")
        gone = f"(* {self.stored_number()} NaN)"
        both = self.of(f"(cols {none} [0 1 2 3])", f"(cbind {gone} {self.column('num')})", gone)
        return self.of(
            f"({self.of(*COUNTED)} {self.of(none, f'(cols {none} {at})')})",
            f"({self.of('sumNA', 'sum', 'prod', 'any', 'all', 'any.na', 'floor', 'naCnt')} {gone})",
            f"(rbind {none} {self.frame.name})",
            f"(rbind {self.frame.name} {none})",
            f"(cbind {none} (cols {none} {at}))",
            f'(GB {none} [{self.of("5", "2", "5 2", "")}] {self._aggregate("sum")} nrow 0 "all")',
            f"(sort {none} [{self.of('0', '4', '2 3')}] [])",
            f'(merge {none} {self.stored_keys()} {self.flag()} False [5] [0] "auto")',
            f"(unique (cols {none} {self.of('2', '4', '5')}) {self.flag()})",
            f"(table (cols {none} {self.of('2', '5')}) {self.flag()})",
            f"({self.of('cumsum', 'cummax')} {both} 0)",
            f"({self.of(*ARITHMETIC, *COMPARISON)} {both} {self.scalar(depth)})",
            f"(ifelse {both} 1 0)",
            f'(quantile {gone} [0.5] "interpolate" _)',
            f"(median {both} {self.flag()})",
            f'(h2o.fillna {both} "forward" {self.of("0", "1")} 2)',
            f"(scale {gone} {self.flag()} {self.flag()})",
            f"(apply {both} 2 {{x . (sumNA x)}})",
            f"(levels {none})",
            f'(strsplit (cols {none} 6) "o")',
            f"(rep_len {both} 3)",
            f"(which {gone})",
        )

    def stored_number(self) -> str:
        """Return a stored column of numbers without NA."""
        return f"(cols {self.frame.name} {self.of('2', '3')})"

    def stored_keys(self) -> str:
        """Return a key column and one of numbers, to be joined by the first."""
        return f'(colnames= (cols {self.frame.name} [5 1]) [1] ["other"])'

    def few_values(self, _depth: int) -> str:
        """Return two columns of small whole numbers without NA."""
        return f"(cols {self.frame.name} [2 3])"

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
        if how in ("min", "max", "median"):  # without NA: H2O's answers with them are listed
            column = self.of("2", "3")
        elif how in ("var", "sdev"):  # whole numbers: H2O's loses small fractions
            column = self.of("0", "3")
        else:
            column = self.of("0", "1", "3")
        return f'"{how}" {column} "{rule}"'

    def value(self, depth: int) -> str:
        """Return a number, string or list."""
        rules: tuple[Rule, ...] = (
            lambda d: self.scalar(d + 1),
            lambda d: (
                f"({self.of('sd', 'median')} "
                f"{self.of_rule(d, self.finite, lambda _: self.wide(0))} {self.flag()})"
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
            lambda _: f"({self.of('skewness', 'kurtosis')} {self.wide(0)} False)",
            lambda _: f'(h2o.mad (floor {self.column("num")}) "INTERPOLATE" 1.4826)',
            self._covariance,
            lambda d: f"({{u v . (+ u (* v v))}} {self.scalar(d)} {self.scalar(d)})",
        )
        return self.rng.choice(rules)(depth - 1)

    def _covariance(self, depth: int) -> str:
        self.frame = self._frames[-1]  # H2O has numbers for the covariance of one row
        use = self.of("everything", "complete.obs")
        if use == "complete.obs":
            depth = 0  # of no complete row, H2O says 0
        pair = f"{self.bounded(depth)} {self.bounded(depth)}"
        return self.of(f'(var {pair} "{use}" False)', f'(cor {pair} "{use}" "Pearson")')
