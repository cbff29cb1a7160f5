from __future__ import annotations

import importlib.util
import io
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

LEVELS = dict.fromkeys(("c", "wide", "few", "yb", "ym"), str)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture(scope="session")
def h2o_mojos() -> zipfile.ZipFile:
    """MOJOs that H2O 3.46.0.11 wrote, a table, and H2O's predictions for it.

    Where its two scorers differ (levels that are unknown, NA behind an encoding), a value is that
    of one of the two.
    """
    return zipfile.ZipFile(Path(__file__).with_name("h2o_mojos.zip"))


@pytest.fixture(scope="session")
def h2o_table(h2o_mojos: zipfile.ZipFile) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(h2o_mojos.read("test.csv")), dtype=LEVELS)


@pytest.fixture(scope="session")
def jar() -> Path:
    if shutil.which("java") is None:
        pytest.skip("H2O's scorer needs Java, which is not here")
    found = importlib.util.find_spec("h2o")
    if found is None or found.origin is None:
        pytest.skip("the package h2o, which brings h2o.jar, is not installed")
    return Path(found.origin).parent / "backend" / "bin" / "h2o.jar"


@pytest.fixture
def predict_csv(jar: Path, tmp_path: Path) -> Callable[..., pd.DataFrame]:
    """H2O's own scorer: (MOJO bytes, table) to predictions."""

    def run(mojo: bytes, rows: pd.DataFrame, *options: str) -> pd.DataFrame:
        (tmp_path / "m.zip").write_bytes(mojo)
        rows.to_csv(tmp_path / "in.csv", index=False)
        files = ["--mojo", "m.zip", "--input", "in.csv", "--output", "out.csv", "--decimal"]
        done = subprocess.run(
            ["java", "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", str(jar),
             "hex.genmodel.tools.PredictCsv", *files, *options],
            cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return pd.read_csv(tmp_path / "out.csv")

    return run
