"""Rules for columns: each gives an expression of the kind that it promises."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from random_frames import WORDS, RandomFrame

__all__ = ["ARITHMETIC", "COMPARISON", "FOLDS", "ColumnRules", "Rule"]

UNARY = (
    *("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceiling", "cos", "cosh", "cospi"),
    *("exp", "expm1", "floor", "gamma", "lgamma", "log", "log10", "log1p", "log2", "none", "not"),
    *("!!", "sign", "sin", "sinh", "sinpi", "sqrt", "tan", "tanh", "tanpi", "trunc"),
)
ARITHMETIC = ("+", "-", "*", "/", "^", "%", "%%")
COMPARISON = ("==", "!=", "<", "<=", ">", ">=")
LOGIC = ("&", "|", "&&", "||")
FOLDS = ("sum", "max", "min", "prod", "sumNA", "maxNA", "minNA", "prod.na", "all", "any")
NUMBERS = ("NA", "PI", "0", "1", "2", "-1", "0.5", "3", "NaN", "10", "-2.5")
PATTERNS = ("o", "l+", "[aeiou]", "^f", " ", "-", "b$", "(o)(o)")
PARTS = ["year", "month", "day", "hour", "minute", "second", "millis", "week"]
DISTANCES = ("lv", "lcs", "qgram", "jaccard", "jw", "soundex")

Rule = Callable[[int], str]


class ColumnRules:
    """Draws columns of the frames; the same seed gives the same ones."""

    def __init__(self, seed: int, frames: Sequence[RandomFrame]) -> None:
        self.rng = random.Random(seed)
        self._frames = list(frames)
        self.frame = self._frames[0]

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
            lambda d: f"({self.of(*FOLDS)} {self.bounded(d)})",
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
        if depth > 0 and self.rng.random() < 0.02:
            return f"(* {self.column('num')} {self.of('NA', 'NaN')})"  # of NA alone
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
            lambda d: f"({self.of('cumsum', 'cumprod', 'cummin', 'cummax')} {self.bounded(d)} 0)",
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
            lambda d: f"(scale {self.bounded(d)} {self.flag()} {self.flag()})",
            self._match,
        )
        return self.rng.choice(rules)(depth - 1)

    def bounded(self, depth: int) -> str:
        """Return a column without infinite values, which H2O's sums may overlook."""
        column = self.number_column(depth)
        return f"(ifelse (> (abs {column}) 1e9) 0 {column})" if depth > 0 else column

    def finite(self, depth: int) -> str:
        """Return stored columns of several kinds and computed ones without infinite values."""
        return f"(cbind {self.frame.name} (is.na {self.any_column(depth)}) {self.bounded(0)})"

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
            lambda d: f"(as.factor (floor {self.bounded(d)}))",
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
                f'"9" {self.flag()})'
            ),
            lambda d: (
                f"(cut {self.number_column(d)} {self.of('[-100 -1 0 1 2 100]', '[0 2 4]')} "
                f"[] {self.flag()} {self.flag()} 3)"
            ),
            lambda _: f"(relevel.by.freq {self.column('enum')} [] {self.of('-1', '1', '2')})",
        )
        return self.rng.choice(rules)(depth - 1)

    def _with_level(self) -> str:
        at = self.rng.choice(self.frame.of_kind("enum"))
        level = self.rng.choice(self.frame.levels(at))
        return f'(cols {self.frame.name} {at}) "{level}"'

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
