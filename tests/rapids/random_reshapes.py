"""Rules for what joins, reshapes, fills or names frames, and for functions."""

from __future__ import annotations

from random_columns import COMPARISON, FOLDS, Rule
from random_frames import RandomFrame
from random_tables import TableRules

__all__ = ["ReshapeRules"]

JOIN_KEYS = ("5", "2", "3", "5 3", "2 3")  # columns without NA: H2O loses rows where a key is NA
IMPUTED = ((0, "mean"), (0, "median"), (1, "mean"), (1, "median"), (2, "mode"), (-1, "mean"))
DATE_FORMATS = ("yyyy-MM-dd", "yyyy-dd-MM", "yyyy")
FUNCTIONS = (
    "{x . (+ x 1)}",
    "{x . (* x (sumNA x))}",
    "{x . (- x (mean x True 0))}",
    "{x . (is.na x)}",
    "{x . (ifelse (> x 1) x 0)}",
    "{x . (maxNA x)}",
    "{x . (any.na x)}",
    "{x . (nrow x)}",
    "{x . (cumsum x 0)}",
    "{x . (sqrt (abs x))}",
)
ROW_FUNCTIONS = (
    "{r . (- (max r) (min r))}",
    "{r . (* r 2)}",
    "{r . (cols r [0 1])}",
    "{r . (cols r 1)}",
    "{r . (mean r True)}",
    "{r . (> (sum r) 1)}",
    "{r . (ifelse (> (sum r) 1) 7 8)}",
)
GROUP_FUNCTIONS = (
    "{x . (sum (cols x 3))}",
    "{x . (nrow x)}",
    "{x . (mean (cols x [2 3]) True 0)}",
    "{x . (- (max (cols x 3)) (min (cols x 3)))}",
    "{x . (sumNA (cols x [0 1]))}",
    "{x . (any.na (cols x 0))}",
)
CLOSURES = (
    "({{x . ({{y . (+ x y)}} {b})}} {a})",
    "({{x y . (ifelse (> x y) x y)}} {a} {b})",
    "({{f x . (f (f x))}} {{z . (* z 2)}} {a})",
    "(, {a} {b})",
    "(&& {a} {b})",
    "(|| {a} {b})",
    "({{x . ({{x . (- x {b})}} (+ x 1))}} {a})",
)


class ReshapeRules(TableRules):
    """Draws joins, pivots, imputations, sessions and functions."""

    words = ""

    @staticmethod
    def kept(frame: RandomFrame) -> str:
        """Return the name of a frame that expressions may make and leave."""
        return f"{frame.name}_kept"

    @property
    def scratch(self) -> str:
        """The frame that is made, changed and left."""
        return self.kept(self.frame)

    def reshaped(self, depth: int) -> str:
        """Return a frame that is put together anew, or what its making answers."""
        rules: tuple[Rule, ...] = (
            self._merged,
            self._merged,
            self._pivoted,
            self._melted,
            self._domain,
            self._imputed,
            self._imputed,
            self._sessions,
            self._functions,
            self._functions,
            self._series,
            self._assigned_frame,
            self._of_several,
            self._extremes,
            self._dates,
            self._statistics,
        )
        return self.rng.choice(rules)(depth - 1)

    def stored(self, positions: str, frame: str = "") -> str:
        return f"(cols {frame or self.frame.name} [{positions}])"

    def fresh(self, *positions: int) -> str:
        """Return columns that are no longer those of a stored frame, to be changed in place."""
        parts = [
            f"(+ (cols {self.frame.name} {i}) 0)" if i < 4 else f"(cols {self.frame.name} {i})"
            for i in positions
        ]
        return f"(cbind {' '.join(parts)})"

    def _merged(self, _depth: int) -> str:
        keys = self.of(*JOIN_KEYS)
        other = self.rng.choice(self._frames).name
        left, right = self.stored(f"{keys} 0 4"), self.stored(f"{keys} 1", other)
        n = len(keys.split())
        at, up = " ".join(map(str, range(n))), " ".join(["1"] * n)
        all_left = self.flag()
        all_right = "False" if all_left == "True" else self.flag()
        how = f'{all_left} {all_right} [{at}] [{at}] "auto"'
        return f"(sort (merge {left} {right} {how}) [{at}] [{up}])"

    def _pivoted(self, _depth: int) -> str:
        self.frame = self._frames[-1]  # H2O refuses to pivot a constant column
        source = self.stored("3 5 1 2")
        column = self.of("g", "b")
        one_each = f'(dropdup {source} [0 {1 if column == "g" else 3}] "first")'
        return f'(pivot {one_each} "w" "{column}" "r")'

    def _melted(self, _depth: int) -> str:
        names = list(self.frame.kinds)
        ids = self.rng.sample((5, 3, 4), self.rng.randint(1, 3))
        values = self.rng.sample((0, 1, 2), self.rng.randint(1, 3))
        said = [" ".join(f'"{names[i]}"' for i in some) for some in (ids, values)]
        source = self.stored(" ".join(map(str, sorted([*ids, *values]))))
        return f'(melt {source} [{said[0]}] [{said[1]}] "k" "v" {self.flag()})'

    def _domain(self, _depth: int) -> str:
        at = self.rng.choice(self.frame.of_kind("enum"))
        levels = self.frame.levels(at)
        column = f"(cols {self.frame.name} {at})"
        new = " ".join(f'"{x}"' for x in self.rng.sample("zyxwvuts", len(levels)))
        level = f'"{self.rng.choice(levels)}"'
        changed = self.of(
            f"(setDomain {column} False [{new}])",
            f"(setLevel {column} {level})",
            f"(setDomain (setLevel {column} {level}) False [])",
            f'(appendLevels {column} False ["new" "one"])',
            f"(relevel (setDomain {column} False [{new}]) {new.split()[-1]})",
            f'(relevel.by.freq {self.stored(f"{at} 3")} "w" {self.of("-1", "1", "2")})',
        )
        return self.of(
            changed, f"(levels {changed})", f"(as.character {changed})", f"(is.factor {changed})"
        )

    def _imputed(self, _depth: int) -> str:
        column, how = self.rng.choice(IMPUTED)
        combine = "interpolate"  # H2O's answer to the others hangs on ties
        by = self.of("[]", "[]", "[3]") if column == 2 else self.of("[]", "[2]", "[3]", "[2 3]")
        source = f"(assign {self.scratch} {self.fresh(0, 1, 5, 3)})"
        call = f'(h2o.impute {source} {column} "{how}" "{combine}" {by} _ _)'
        return self.of(call, f"(, {call} {self.scratch})") if by == "[]" else call

    def _sessions(self, depth: int) -> str:
        kept, temp = self.scratch, f"{self.scratch}_t"
        column = self.number_column(depth)
        return self.of(
            f"(, (assign {kept} {column}) (sum {kept}))",
            f'(, (assign {kept} {column}) (append {kept} (is.na {kept}) "n"))',
            f"(, (assign {kept} {column}) (rm {kept}))",
            f"(, (assign {kept} {column}) (assign {kept} (+ {kept} 1)) {kept})",
            f"(, (tmp= {temp} {column}) (sumNA {temp}) (rm {temp}))",
            f'(, (setTimeZone "{self.of("America/New_York", "Asia/Kolkata")}") (tmp= {temp} '
            f'({self.of("hour", "day", "dayOfWeek", "week")} {self.time(0)})) (setTimeZone "UTC") '
            f"(, (as.character {temp}) (rm {temp})))",
            "(getTimeZone)",
            f"(, (tmp= {temp} {column}) (rm {temp}) (nrow {self.frame.name}))",
            f"(, (assign {kept} {self.fresh(0, 1)}) (scale_inplace {kept} {self.flag()} "
            f"{self.flag()}) {kept})",
        )

    def _functions(self, depth: int) -> str:
        wide = self.wide(depth)
        by = self.of("5", "2", "3", "5 3")
        rules: tuple[Rule, ...] = (
            lambda _: f"(apply {self.wide(0)} 2 {self.of(*FUNCTIONS)})",
            lambda _: f"(apply {wide} 1 {self.of(*ROW_FUNCTIONS)})",
            lambda _: f"(ddply {self.frame.name} [{by}] {self.of(*GROUP_FUNCTIONS)})",
            lambda d: self.of(*CLOSURES).format(a=self.scalar(d), b=self.scalar(d)),
            lambda d: f"({{x . (* x x)}} {self.number_column(d)})",
        )
        return self.rng.choice(rules)(depth)

    def _series(self, _depth: int) -> str:
        name = self.frame.name
        cased, ones = f"{self.flag()} {self.flag()}", self.stored("3")
        way = f'(ifelse (> (cols {name} 2) 0) "C" "D")'
        return self.of(
            f"(tf-idf {self.stored('3 7')} 0 1 {cased})",
            f"(tf-idf {self.stored('2 7')} 0 1 {cased})",
            f"(isax (cbind {self.stored('2 3')} {self.fresh(2, 3)}) 2 {self.of('2', '4', '10')} "
            f"{self.flag()})",
            f'(sort (grouped_permute (append {name} {way} "way") 3 [5] 10 2) [0 1 2] [1 1 1])',
            f"(isotonic.pav (cbind {self.stored('2')} (cumsum {ones} 0) {ones}))",
            f"(perfectAUC (/ {ones} 4) {self.stored('2')})",
            f"(kfold_column {name} {self.of('2', '3', '5')} {self.rng.randint(1, 99)})",
            f'(num_valid_substrings {self.stored(self.of("6", "7"))} "{self.words}")',
        )

    def _assigned_frame(self, depth: int) -> str:
        name = self.frame.name
        at = self.rng.choice(self.frame.of_kind("enum"))
        level = f'"{self.rng.choice(self.frame.levels(at))}"'
        named = self.of('3 "n"', '[3] ["n"]', '[0 3] ["n" "m"]', '[0 3] ["n"]')
        return self.of(
            f"(:= {name} {self.number_column(depth)} [{self.of('0', '2')}] [])",
            f"(:= {name} {self.wide(0)} [1 2 3] [])",
            f"(:= {name} {level} [{at}] {self._assigned(depth)})",
            f'(:= {name} "none such" [{at}] {self._assigned(depth)})',
            f'(:= {name} "word" [6] {self._assigned(depth)})',
            f"(:= {name} NaN [{self.of('0', '4', '6', '8')}] {self._assigned(depth)})",
            f'(append {name} {self.scalar(0)} "p" {self.any_column(depth)} "q")',
            f'(append {name} {self.any_column(depth)} "{self.of(*self.frame.kinds)}")',
            f"(colnames= {name} {named})",
        )

    def _of_several(self, depth: int) -> str:
        name = self.frame.name
        texts, enums = self.stored("6 7"), self.stored("4 5")
        both = self.of(texts, enums)
        return self.of(
            f"({self.of('toupper', 'tolower', 'trim', 'strlen', 'entropy')} {both})",
            f"({self.of('lstrip', 'rstrip')} {both} {self.word()})",
            f"(substring {both} {self.of('0', '2', '1')} [])",
            f"(replaceall {both} {self.pattern()} {self.word()} {self.flag()})",
            f"(countmatches {both} {self.word()})",
            f"(grep {self.of_rule(0, self.text, self.enum)} {self.pattern()} {self.flag()} "
            f"{self.flag()} False)",
            f"(strsplit {texts} {self.pattern()})",
            f"(tokenize {texts} {self.pattern()})",
            f"(year (cbind {self.time(depth)} {self.time(depth)}))",
            f"(as.factor {self.stored('0 2 3')})",
            f"(as.character {self.stored('4 5')})",
            f"(as.numeric {self.stored('0 4 6')})",
            f"(levels {name})",
            f"({self.of(*COMPARISON)} {self.stored('0 1 4 5')} {self.scalar(0)})",
            f"({self.of('+', '*', '-')} {self.stored('0 4 2')} {self.wide(0)})",
            f"(is.na {self.mixed(depth)})",
            f"({self.of(*FOLDS)} {self.stored('0 1 4')})",
            f"(rbind {self.stored('0 4 6')} {self.stored('1 5 7')})",
            f"(rbind {self.stored('4 0')} {self.stored('5 1')} {self.stored('4 2')})",
            f"(cbind {name} {name})",
            f"(cumsum {self.stored('2 3')} {self.of('0', '1')})",
            f'(cols {name} ["g" "w" "s"])',
            f"(rows {name} [0:2 3:1])",
        )

    def _extremes(self, depth: int) -> str:
        name = self.frame.name
        return self.of(
            f"({self.of('which.max', 'which.min')} {self.wide(0)} {self.flag()} 0)",
            f"(sort {self.stored('0 1 2 3')} {self.of('[0] [-1]', '[2 0] [1 -1]', '[3 1 0] []')})",
            f"(signif ({self.of('digamma', 'trigamma')} {self.number_column(depth)}) 6)",
            f"(cols (topn {self.stored('1 3')} 1 {self.of('20', '100')} {self.of('1', '-1')}) 1)",
            f'(dropdup {name} [{self.of("5", "2 3", "0", "8")}] "{self.of("first", "last")}")',
            f"(unique {self.of_rule(depth, self.enum)} {self.flag()})",
            f"(sort (unique {self.stored(self.of('2', '3'))} {self.flag()}) [0] [1])",
            f"(table {self.stored(self.of('2', '3', '5 2', '5 4'))} {self.flag()})",
            f"(nlevels {self.enum(depth)})",
            f"(rank_within_groupby {name} [{self.of('5', '5 2')}] [3 2] [1 {self.of('1', '-1')}] "
            f'"rk" 1)',
        )

    def _dates(self, _depth: int) -> str:
        name = self.frame.name
        at = list(self.frame.kinds).index("d")
        dates = self.of(f"(cols {name} {at})", f"(as.factor (cols {name} {at}))")
        made = f'(as.Date {dates} "{self.of(*DATE_FORMATS)}")'
        return self.of(
            made,
            f"(month {made})",
            f'(as.Date (as.character (as.factor (cols {name} 3))) "{self.of("d", "M", "H")}")',
            f"(- {made} (cols {name} 8))",
            f"(moment 2021 (cols {name} 3) {self.of('1', '31')} (cols {name} 2) 0 0 "
            f"{self.of('0', '999')})",
            f"(mktime (+ (cols {name} 3) 2000) (cols {name} 2) {self.of('0', '30')} 0 0 "
            f"(cols {name} 3) 0)",
            f"(is.numeric (cbind {made} (cols {name} 8)))",
        )

    def _statistics(self, depth: int) -> str:
        name = self.frame.name
        combine = self.of("interpolate", "average", "low", "high")
        column = self.number_column(depth)
        use = self.of("everything", "complete.obs", "all.obs")
        several = self.of("2 3", "3 2")
        most = self._frames[-1].name  # with itself, one row has a correlation of 1 in H2O
        return self.of(
            f'(quantile {self.stored("2 3")} [0.1 0.5 0.75] "{combine}" "w")',
            f'(cor {self.stored("3 2", most)} {self.stored(several, most)} "{use}" "Spearman")',
            f'(cols (hist {self.stored("3")} "{self.of("doane", "scott", "fd")}") [0 1 3])',
            f'(h2o.mad (cols {name} {self.of("0", "2", "3")}) "interpolate" 1)',
            f"(cut {column} [-1 0 1 2] [] {self.flag()} {self.flag()} 2)",
            f"(cut (cols {name} 3) [0 1 2 3 4] [] {self.flag()} {self.flag()} {self.of('1', '3')})",
            f"(scale {self.stored('2 3')} [1 2] {self.flag()})",
            f"(scale {self.stored('2 3')} {self.flag()} [2 0.5])",
            f"(skewness {self.stored('2 3')} True)",
            f'(GB {name} [{self.of("2", "5 2")}] "mode" {self.of("4", "5")} "rm" "nrow" 0 "all")',
            f'(GB {name} [5] "sumSquares" 1 "rm" "var" 3 "all" "sdev" 0 "rm")',
            f"(filterNACols {name} {self.of('0', '0.2', '1')})",
            f"(x {self.stored('2 3')} (t {self.stored('3 2')}))",
            f"(t {self.stored('2')})",
            f'(distance {self.stored("2 3")} {self.stored("3 2")} "{self.of("l1", "cosine")}")',
        )
