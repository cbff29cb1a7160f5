"""Time and exactness of the metrics on generated predictions.

    python benchmarks/bench_metrics.py [ROWS]

Prints nanoseconds a row for counting (`map`), milliseconds for `finish`, and the differences from
scikit-learn; then the exact sum beside numpy's and math.fsum.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import metrics as sk

from dh2o.models import ModelCategory
from dh2o.models.metrics import metric_builder
from dh2o.models.metrics.exact_sum import exact_sums, sum_values


def best_of(fn: Callable[[], Any], n: int = 3) -> tuple[float, Any]:
    """Return the shortest of `n` times in seconds, and the result."""
    times = []
    for _ in range(n):
        start = time.perf_counter()
        result = fn()
        times.append(time.perf_counter() - start)
    return min(times), result


def bench(name: str, builder: Any, preds: Any, y: Any, truth: dict[str, float]) -> None:
    builder.measure(preds[:1000], y[:1000])  # kernels are compiled
    map_s, partial = best_of(lambda: builder.map(preds, y))
    finish_s, _ = best_of(lambda: builder.finish(partial))
    all_s, found = best_of(lambda: builder.measure(preds, y))
    off = {k: f"{abs(getattr(found, k) - v):.1e}" for k, v in truth.items()}
    print(
        f"{name:12s} map {map_s / len(y) * 1e9:6.1f} ns/row  finish {finish_s * 1e3:6.1f} ms  "
        f"all {all_s * 1e3:7.1f} ms  off scikit-learn by {off}"
    )


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rng = np.random.default_rng(0)
    y = (rng.random(n) < 0.3).astype(float)
    p = np.clip(rng.normal(0.3 + 0.2 * y, 0.15), 1e-6, 1 - 1e-6)
    binomial = metric_builder(ModelCategory.BINOMIAL, ("n", "y"))
    truth = {"auc": sk.roc_auc_score(y, p), "logloss": sk.log_loss(y, p)}
    bench("binomial", binomial, p, y, truth)
    few = np.round(p, 2)
    bench("100 scores", binomial, few, y, {"auc": sk.roc_auc_score(y, few)})
    close = np.where(rng.random(n) < 0.7, 0.5 + 1e-6 * rng.normal(y, 0.5), p)
    bench("clustered", binomial, close, y, {"auc": sk.roc_auc_score(y, close)})
    k = rng.integers(0, 3, n).astype(float)
    probs = rng.dirichlet(np.ones(3), n)
    multinomial = metric_builder(ModelCategory.MULTINOMIAL, ("a", "b", "c"))
    bench("multinomial", multinomial, probs, k, {"logloss": sk.log_loss(k, probs)})
    regression = metric_builder(ModelCategory.REGRESSION)
    f = p * 3
    bench("regression", regression, f, y, {"mse": sk.mean_squared_error(y, f)})
    values = rng.normal(size=n) * 10.0 ** rng.integers(-9, 9, n)
    for name, fn in (
        ("exact_sums", lambda: sum_values(exact_sums(values))[0]),
        ("numpy.sum", lambda: float(np.sum(values))),
        ("math.fsum", lambda: math.fsum(values.tolist())),
    ):
        seconds, total = best_of(fn)
        print(f"{name:12s} {seconds / n * 1e9:6.1f} ns/value  {total!r}")


if __name__ == "__main__":
    main()
