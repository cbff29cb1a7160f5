"""MOJO files over REST: plain requests, and the official client."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from dh2o.estimators import builder_of
from dh2o.models.generic import GenericModel
from dh2o.models.mojo import mojo_bytes
from dh2o.models.predict_local import score_table
from dh2o.mrtask import Engine
from dh2o.server import Server, ServerOptions
from tests.models.curve_model import curve_model
from tests.models.mojo.made import gbm, table

pytestmark = pytest.mark.filterwarnings("ignore:Test/Validation dataset column:RuntimeWarning")
Call = Callable[..., requests.Response]


@pytest.fixture
def stored(embedded: Engine) -> Iterator[Any]:
    given = builder_of("gbm").params.validate({})
    model = gbm("bernoulli", np.random.default_rng(8)).replace(key="rest_gbm", params=given)
    embedded.dkv.put(model.key, model, kind="model")
    yield model
    embedded.dkv.remove_all()


def imported(call: Call, **params: str) -> dict[str, Any]:
    """Import a MOJO; return the JSON of the model."""
    job = call("POST", "/3/ModelBuilders/generic", data=params).json()["job"]
    key = job["dest"]["name"]
    while True:
        state = call("GET", f"/3/Jobs/{job['key']['name']}").json()["jobs"][0]
        if state["status"] not in ("CREATED", "RUNNING"):
            break
    assert state["status"] == "DONE", state["exception"]
    return call("GET", f"/3/Models/{key}").json()["models"][0]


def test_download_gives_the_file_and_its_name(call: Call, stored: Any) -> None:
    answer = call("GET", "/3/Models/rest_gbm/mojo")
    assert answer.content == mojo_bytes(stored)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="rest_gbm.zip"'
    model = call("GET", "/3/Models/rest_gbm").json()["models"][0]
    assert (model["have_mojo"], model["have_pojo"]) == (True, False)


def test_upload_and_import(call: Call, stored: Any, embedded: Engine) -> None:
    data = mojo_bytes(stored)
    key = call("POST", "/3/PostFile", files={"file": data}).json()["destination_frame"]
    raw = call("GET", f"/3/Frames/{key}").json()["frames"][0]
    assert (raw["rows"], raw["num_columns"], raw["columns"][0]["label"]) == (len(data), 1, "C1")
    model = imported(call, model_key=key, model_id="rest_generic")
    assert model["algo"] == "generic"
    assert model["output"]["__meta"]["schema_name"] == "GenericModelOutputV3"
    assert model["output"]["original_model_identifier"] == "gbm"
    assert model["output"]["original_model_full_name"] == "Gradient Boosting Machine"
    shown = [p["name"] for p in model["parameters"]]
    assert shown[:3] == ["model_id", "model_key", "path"]
    assert "ntrees" in shown
    assert call("GET", "/3/Models/rest_generic/mojo").content == data
    generic = embedded.dkv.get("rest_generic")
    assert isinstance(generic, GenericModel)
    rows = table(np.random.default_rng(1))
    np.testing.assert_array_equal(score_table(generic, rows), score_table(stored, rows))


def test_save_on_the_server(call: Call, stored: Any, tmp_path: Path) -> None:
    target = tmp_path / "new" / "m.zip"
    where = {"dir": str(target), "force": "false"}
    assert call("GET", "/99/Models.mojo/rest_gbm", params=where).json()["dir"] == str(target)
    assert target.read_bytes() == mojo_bytes(stored)
    again = call("GET", "/99/Models.mojo/rest_gbm", params=where)
    assert again.status_code == 412
    assert "force=True" in again.json()["msg"]
    model = imported(call, path=str(target))
    assert model["output"]["model_category"] == "Binomial"


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/mem", "~/.ssh/id_rsa"])
def test_closed_places(call: Call, stored: Any, path: str) -> None:
    answers = [
        call("GET", "/99/Models.mojo/rest_gbm", params={"dir": path}),
        call("POST", "/3/ModelBuilders/generic", data={"path": path}),
        call("POST", "/3/ModelBuilders/generic", data={"model_key": f"nfs:/{path}"}),
        call("GET", f"/3/Frames/nfs:%2F{path.replace('/', '%2F')}"),
    ]
    assert [answer.status_code for answer in answers[:3]] == [400, 400, 400]
    assert answers[3].status_code in (400, 404)


def test_what_is_not_served(call: Call, stored: Any, embedded: Engine) -> None:
    embedded.dkv.put("curve", curve_model().replace(key="curve"), kind="model")
    refused = call("GET", "/3/Models/curve/mojo")
    assert (refused.status_code, "have no MOJO" in refused.json()["msg"]) == (400, True)
    assert call("GET", "/3/Models/nothing/mojo").status_code == 404
    pojo = call("GET", "/3/Models.java/rest_gbm")
    assert (pojo.status_code, "writes no POJO" in pojo.json()["msg"]) == (400, True)
    jar = call("GET", "/3/h2o-genmodel.jar")
    assert (jar.status_code, "--genmodel-jar" in jar.json()["msg"]) == (404, True)


def test_the_jar_that_was_given(embedded: Engine, tmp_path: Path) -> None:
    (tmp_path / "g.jar").write_bytes(b"a jar")
    options = ServerOptions(port=0, no_auth=True, genmodel_jar=tmp_path / "g.jar")
    with Server(embedded, options) as running:
        assert requests.get(f"{running.url}/3/h2o-genmodel.jar", timeout=600).content == b"a jar"


def test_a_hostile_upload_fails_in_its_job(call: Call) -> None:
    key = call("POST", "/3/PostFile", files={"file": b"PK\3\4 nonsense"}).json()
    job = call(
        "POST", "/3/ModelBuilders/generic", data={"model_key": key["destination_frame"]}
    ).json()["job"]
    while True:
        state = call("GET", f"/3/Jobs/{job['key']['name']}").json()["jobs"][0]
        if state["status"] not in ("CREATED", "RUNNING"):
            break
    assert state["status"] == "FAILED"
    assert "zip" in state["exception"]


def test_the_official_client_imports_and_uploads(h2o: Any, prostate: str, tmp_path: Path) -> None:
    frame = h2o.import_file(prostate)
    frame["CAPSULE"] = frame["CAPSULE"].asfactor()
    trained = h2o.estimators.H2OGradientBoostingEstimator(ntrees=3, seed=1)
    trained.train(x=["AGE", "PSA"], y="CAPSULE", training_frame=frame)
    url = h2o.connection().base_url
    path = tmp_path / "m.zip"
    path.write_bytes(requests.get(f"{url}/3/Models/{trained.model_id}/mojo", timeout=600).content)
    expected = trained.predict(frame).as_data_frame(use_pandas=False)
    for generic in (h2o.import_mojo(str(path)), h2o.upload_mojo(str(path))):
        assert generic.predict(frame).as_data_frame(use_pandas=False) == expected
        assert generic.auc() == pytest.approx(trained.auc())
        assert generic.varimp() == trained.varimp()
        assert "Gradient Boosting Machine" in str(generic._model_json["output"])


# ---- the version that clients are told


CONNECT = "import sys, h2o; h2o.connect(url=sys.argv[1], verbose=False, strict_version_check=True)"


@pytest.mark.parametrize("version", ["3.46.0.11", "3.46.0.12"])
def test_a_client_talks_to_its_own_version(start: Callable[..., Any], version: str) -> None:
    """The client of this test is 3.46.0.12."""
    with start("--no-auth", "--client-version", version) as (_, url):
        cloud = requests.get(f"{url}/3/Cloud", timeout=600)
        assert cloud.json()["version"] == version
        assert cloud.headers["X-h2o-build-project-version"] == version
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", CONNECT, url],
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert ("Version mismatch" in done.stderr) == (version == "3.46.0.11"), done.stderr


@pytest.mark.parametrize("version", ["", "latest", "3", "3.46\r\nX-Evil: 1"])
def test_a_version_that_is_none(version: str) -> None:
    from dh2o.errors import ParameterError

    with pytest.raises(ParameterError, match="client_version"):
        ServerOptions(client_version=version)
