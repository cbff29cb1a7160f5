"""Files that are no MOJOs, or want to do harm: a typed error each time, and nothing else."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dh2o.errors import ModelError
from dh2o.models.mojo import MojoError, mojo_bytes, read_mojo
from dh2o.models.mojo.archive import MojoArchive
from dh2o.models.predict_local import score_table
from tests.models.mojo.made import drf, gbm, isolation_forest, table

pytestmark = pytest.mark.filterwarnings("ignore:Test/Validation dataset column:RuntimeWarning")

GOOD = {
    "gbm": mojo_bytes(gbm("bernoulli", np.random.default_rng(1))),
    "drf": mojo_bytes(drf("multinomial", np.random.default_rng(2))),
    "isolation forest": mojo_bytes(isolation_forest(np.random.default_rng(3))),
}
ROWS = table(np.random.default_rng(4), 10)


def entries(data: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def changed(kind: str = "gbm", **files: bytes | None) -> bytes:
    return zipped({k: v for k, v in (entries(GOOD[kind]) | files).items() if v is not None})


def with_line(old: str, new: str, kind: str = "gbm") -> bytes:
    ini = entries(GOOD[kind])["model.ini"].decode()
    assert old in ini
    return changed(kind, **{"model.ini": ini.replace(old, new).encode()})


def reads_or_refuses(data: bytes) -> None:
    """A MOJO that is read must also score, in numbers or NA."""
    try:
        model = read_mojo(data, "m")
    except ModelError:
        return
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            raw = score_table(model, ROWS)
        except ModelError:
            return
    assert len(raw) == len(ROWS)


@pytest.mark.parametrize("data", [b"", b"PK", b"\0" * 100, b"PK\5\6" + b"\0" * 18, b"a,b\n1,2\n"])
def test_what_is_no_mojo(data):
    with pytest.raises(MojoError):
        read_mojo(data, "m")


@pytest.mark.parametrize(
    "name", ["../../evil.txt", "/etc/passwd", "a/../../b", "..\\..\\evil", "C:\\evil", "C:/evil"]
)
def test_names_that_lead_outside(name):
    with pytest.raises(MojoError, match="points outside"):
        read_mojo(changed(**{name: b"x"}), "m")


def test_a_bomb_is_refused_before_it_is_unpacked():
    data = changed(**{"experimental/modelDetails.json": b" " * (100 << 20)})
    assert len(data) < 200_000
    with pytest.raises(MojoError, match="claims to unpack"):
        read_mojo(data, "m")


def test_a_header_that_lies_about_its_size():
    data = bytearray(GOOD["gbm"])
    at = data.rfind(b"PK\1\2", 0, data.rfind(b"model.ini"))
    struct.pack_into("<I", data, at + 24, 5)
    with pytest.raises(MojoError, match=r"model\.ini"):
        read_mojo(bytes(data), "m")


def test_two_entries_of_one_name():
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.writestr("model.ini", b"[info]")
    with pytest.raises(MojoError, match="two entries"):
        read_mojo(buffer.getvalue(), "m")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("n_trees = 6", "n_trees = 999999999", "n_trees"),
        ("n_trees = 6", "n_trees = 900000", "trees"),
        ("n_trees = 6", "n_trees = -1", "n_trees"),
        ("n_trees_per_class = 1", "n_trees_per_class = 77", "classes"),
        ("n_columns = 5", "n_columns = 2000000000", "n_columns"),
        ("n_features = 4", "n_features = 400", "n_features"),
        ("n_features = 4", "n_features = 1", "column"),
        ("n_classes = 2", "n_classes = 3", "classes"),
        ("mojo_version = 1.40", "mojo_version = 9.99", "format"),
        ("algorithm = Gradient Boosting Machine", "algorithm = Word2Vec", "Unsupported MOJO"),
        ("category = Binomial", "category = Nonsense", "category"),
        ("init_f = 0.25", "init_f = much", "init_f"),
        ("link_function = logit", "link_function = inverse", "link"),
        ("1: 3 d000.txt", "1: 3000000000 d000.txt", "levels"),
        ("1: 3 d000.txt", "1: 3 ../../../etc/passwd", "no entry"),
        ("1: 3 d000.txt", "nonsense", "levels"),
        ("few\n", "x\n", "twice"),
    ],
)
def test_a_description_that_cannot_be(old, new, said):
    with pytest.raises(ModelError, match=said):
        read_mojo(with_line(old, new), "m")


def test_details_that_are_no_json():
    for text in (b"{", b"[" * 100_000, b"\xff\xfe"):
        with pytest.raises(MojoError):
            read_mojo(changed(**{"experimental/modelDetails.json": text}), "m")


def test_details_of_odd_shapes_count_as_none():
    for text in (b"[]", b"3", b'{"output": 4}', b'{"output": {"model_summary": {"columns": 1}}}'):
        read_mojo(changed(**{"experimental/modelDetails.json": text}), "m")


# ---- trees


def inner(column: int = 0, type_: int = 0, side: int = 2, split: bytes = b"\0\0\0\0") -> bytes:
    return struct.pack("<BHB", type_, column, side) + split


@pytest.mark.parametrize(
    "tree",
    [
        b"",
        b"\x00",
        inner(),
        inner() + b"\xff" * 4,
        inner(type_=240) + b"\0" * 4,  # one leaf of two
        inner(column=900, type_=240) + b"\0" * 8,  # no such column
        inner(type_=192) + b"\x00" + b"\0" * 4,  # a left part of no bytes: it would be itself
        inner(type_=192) + b"\xff" + b"\0" * 40,  # a left part beyond the end
        inner(type_=4 | 240) + b"\0" * 8,  # a kind of split that is no longer written
        inner(type_=12 | 240, split=b"\0\0\xff\xff\xff\x7f") + b"\0" * 8,  # a set of 2^31 levels
        inner(type_=12 | 240, split=b"\0\0\xff\xff\xff\xff") + b"\0" * 8,
    ],
)
def test_trees_that_point_outside_or_at_themselves(tree):
    with pytest.raises(ModelError):
        read_mojo(changed(**{"trees/t00_000.bin": tree, "trees/t00_000_aux.bin": b""}), "m")


def test_sets_of_levels_that_would_fill_memory():
    one = inner(column=3, type_=12 | 48, split=struct.pack("<Hi", 65535, 1) + b"\1") + b"\0" * 4
    tree = one * 60_000 + inner(type_=240) + b"\0" * 8
    with pytest.raises(MojoError, match="sets of levels"):
        read_mojo(changed(**{"trees/t00_000.bin": tree, "trees/t00_000_aux.bin": b""}), "m")


def test_facts_on_nodes_that_do_not_fit_the_tree():
    with pytest.raises(MojoError, match="_aux"):
        read_mojo(changed(**{"trees/t00_000_aux.bin": b"\0" * 41}), "m")


def test_a_tree_that_is_missing_adds_nothing():
    model = read_mojo(changed(**{f"trees/t00_00{t}.bin": None for t in range(6)}), "m")
    raw = score_table(model, ROWS)
    np.testing.assert_allclose(raw[:, 1], 1 / (1 + np.exp(-0.25)))


# ---- fuzzed


@given(kind=st.sampled_from(sorted(GOOD)), data=st.data())
@settings(max_examples=150)
def test_files_with_changed_bytes(kind, data):
    blob = bytearray(GOOD[kind])
    for _ in range(data.draw(st.integers(1, 8))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    reads_or_refuses(bytes(blob))


@given(kind=st.sampled_from(sorted(GOOD)), stop=st.floats(0, 1))
@settings(max_examples=40)
def test_files_that_end_early(kind, stop):
    blob = GOOD[kind]
    reads_or_refuses(blob[: int(len(blob) * stop)])


@given(kind=st.sampled_from(sorted(GOOD)), data=st.data())
@settings(max_examples=200)
def test_entries_with_changed_bytes(kind, data):
    """The zip is sound, so that what is inside is reached."""
    files = entries(GOOD[kind])
    name = data.draw(st.sampled_from(sorted(files)))
    blob = bytearray(files[name] or b"\0")
    for _ in range(data.draw(st.integers(1, 6))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    reads_or_refuses(zipped(files | {name: bytes(blob)}))


@given(tree=st.binary(max_size=300))
@settings(max_examples=200)
def test_trees_of_random_bytes(tree):
    reads_or_refuses(changed(**{"trees/t00_000.bin": tree, "trees/t00_000_aux.bin": b""}))


@given(st.binary(max_size=200))
@settings(max_examples=50)
def test_archives_of_random_bytes(data):
    with pytest.raises(MojoError):
        MojoArchive.of(data)
