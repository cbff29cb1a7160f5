from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from dask.sizeof import sizeof

from dh2o.chunks import Block, Chunk, encode_codes, encode_floats, encode_strings, encode_uuids
from dh2o.errors import DH2OError, FrameError


@pytest.fixture
def block() -> Block:
    chunks = [
        encode_floats(np.arange(6) / 4),
        encode_codes([0, 1, -1, 2, 1, 0]),
        encode_strings(["a", None, "c", "a", "a", "zz"]),
        encode_uuids([None] * 6),
    ]
    return Block.of(chunks, ["x", "level", "text", "id"])


def values(block: Block) -> list[list[object]]:
    return [
        block.floats("x").tolist(),
        block.codes("level").tolist(),
        block.strings("text").to_pylist(),
        block["id"].to_pylist(),
    ]


def test_columns_by_name_and_number(block: Block) -> None:
    assert block["x"].tolist() == block.floats(0).tolist() == [0, 0.25, 0.5, 0.75, 1, 1.25]
    assert block["level"].dtype == np.int32
    assert block["text"].to_pylist()[1] is None
    with pytest.raises(FrameError, match=r"'y' not found. Columns: \['x'"):
        block["y"]


def test_slice_take_and_concat(block: Block) -> None:
    halves = [block.slice(0, 2), block.slice(2, 2), block.slice(2, 6)]
    assert values(Block.concat(halves)) == values(block)
    assert values(block.take([5, 0])) == [[column[5], column[0]] for column in values(block)]


def test_select_and_place_share_the_chunks(block: Block) -> None:
    part = block.placed(3, 40).select(["text", "x"])
    assert (part.names, part.index, part.row_start) == (("text", "x"), 3, 40)
    assert part.chunks[1] is block.chunks[0]


@pytest.mark.parametrize("compress", [True, False])
def test_frames_round_trip(block: Block, compress: bool) -> None:
    placed = block.placed(2, 12)
    header, frames = placed.to_frames(compress=compress)
    plain = json.loads(json.dumps(header))
    again = Block.from_frames(plain, [bytes(frame) for frame in frames])
    assert values(again) == values(block)
    assert (again.names, again.index, again.row_start) == (block.names, 2, 12)


def test_frames_are_packed_where_that_pays() -> None:
    noise = np.random.default_rng(0).normal(size=20_000)
    header, frames = Block.of([encode_floats(noise), encode_floats(np.sort(noise))]).to_frames()
    assert header["packed"][0] == -1
    repeating = encode_codes(np.arange(40_000) // 200)
    header, frames = Block.of([repeating]).to_frames()
    assert header["packed"] == [repeating.nbytes]
    assert len(frames[0]) < repeating.nbytes / 10
    again = Block.from_frames(header, frames)
    np.testing.assert_array_equal(again.codes(0), repeating.codes())


def test_unknown_format_is_refused(block: Block) -> None:
    header, frames = block.to_frames()
    with pytest.raises(DH2OError, match="format 99"):
        Block.from_frames(header | {"format": 99}, frames)


def test_pickle_hands_buffers_over(block: Block) -> None:
    big = Block.of([encode_floats(np.random.default_rng(0).normal(size=1000))])
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(big, protocol=5, buffer_callback=buffers.append)
    assert len(data) < 1500
    assert sum(buffer.raw().nbytes for buffer in buffers) == big.nbytes
    np.testing.assert_array_equal(pickle.loads(data, buffers=buffers)[0], big[0])


def test_blocks_without_columns_or_rows() -> None:
    assert Block(5, ()).nbytes == 0
    empty = Block.of([encode_floats([]), encode_strings([])])
    assert Block.concat([empty, empty]).n_rows == 0
    with pytest.raises(FrameError, match="needs its row count"):
        Block.of([])


def test_lengths_and_names_must_agree() -> None:
    with pytest.raises(FrameError, match="block of 2 rows got a chunk of 1 rows"):
        Block(2, (encode_floats([1.0]),))
    with pytest.raises(FrameError, match="1 chunks got 2 names"):
        Block.of([encode_floats([1.0])], ["a", "b"])


def test_dask_knows_the_size(block: Block) -> None:
    chunk: Chunk = encode_floats(np.random.default_rng(0).normal(size=5000))
    assert 40_000 <= sizeof(chunk) < 41_000
    assert sizeof(block) > block.nbytes
