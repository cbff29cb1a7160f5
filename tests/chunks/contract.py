"""What every codec of numbers promises; subclass and set the three attributes."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from dh2o.chunks import Block, Chunk, LossyCodecError
from dh2o.chunks.codec import NA_INT, NumberCodec


def assert_same(got: Any, want: Any) -> None:
    """Same bits, but any NaN is NA."""
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.signbit(got[got == 0]), np.signbit(want[want == 0]))


class CodecContract:
    codec: NumberCodec
    representable: np.ndarray
    unrepresentable: np.ndarray | None = None  # the value that does not fit is the last one

    def chunk(self, values: np.ndarray | None = None) -> Chunk:
        values = self.representable if values is None else values
        return Chunk(self.codec, len(values), "number", self.codec.encode(values))

    def test_round_trip_is_exact(self) -> None:
        assert_same(self.chunk().floats(), self.representable.astype(float))

    def test_refuses_to_lose_bits(self) -> None:
        if self.unrepresentable is None:
            pytest.skip("holds every number")
        row = len(self.unrepresentable) - 1
        with pytest.raises(LossyCodecError, match=f"row {row}: .*wider codec"):
            self.codec.encode(self.unrepresentable)

    @pytest.mark.parametrize("n_rows", [0, 1])
    def test_empty_and_one_row(self, n_rows: int) -> None:
        assert_same(self.chunk(self.representable[:n_rows]).floats(), self.representable[:n_rows])

    def test_na_mask_matches_values(self) -> None:
        chunk = self.chunk()
        np.testing.assert_array_equal(chunk.na_mask(), np.isnan(chunk.floats()))

    def test_every_slice(self) -> None:
        chunk, n_rows = self.chunk(), len(self.representable)
        for start in range(n_rows + 1):
            for stop in range(start, n_rows + 1):
                want = self.representable[start:stop]
                assert_same(chunk.floats(start=start, stop=stop), want)
                np.testing.assert_array_equal(chunk.na_mask(start, stop), np.isnan(want))
                part = chunk.slice(start, stop)
                assert_same(part.floats(), want)
                np.testing.assert_array_equal(part.na_mask(), np.isnan(want))

    def test_take_any_order(self) -> None:
        rows = np.arange(len(self.representable))[::-2]
        assert_same(self.chunk().take(rows).floats(), self.representable[rows])

    def test_concat(self) -> None:
        joined = Chunk.concat([self.chunk(), self.chunk(self.representable[:0]), self.chunk()])
        assert_same(joined.floats(), np.tile(self.representable, 2))

    def test_ints_are_exact_or_refused(self) -> None:
        chunk = self.chunk()
        if not chunk.is_integer:
            with pytest.raises(Exception, match="no integers"):
                chunk.ints()
            return
        values = self.representable
        want = np.where(np.isnan(values), NA_INT, np.nan_to_num(values)).astype(np.int64)
        np.testing.assert_array_equal(chunk.ints(), want)

    def test_counts_add_up(self) -> None:
        counted = self.codec.counts(self.chunk().stored, len(self.representable))
        if counted is not None:
            values, counts = counted
            every = np.sort(np.repeat(values, counts))
            np.testing.assert_array_equal(every, np.sort(self.representable))

    def test_pickle_and_frames_keep_everything(self) -> None:
        chunk, buffers = self.chunk(), []
        data = pickle.dumps(chunk, protocol=5, buffer_callback=buffers.append)
        again = pickle.loads(data, buffers=buffers)
        header, frames = Block.of([chunk]).to_frames()
        for other in (again, Block.from_frames(header, frames).chunks[0]):
            assert other.codec == self.codec
            assert_same(other.floats(), self.representable)

    def test_buffers_are_read_only(self) -> None:
        assert not any(buffer.flags.writeable for buffer in self.chunk().stored.buffers)

    def test_decoding_leaves_the_chunk_alone(self) -> None:
        chunk = self.chunk()
        chunk.floats()[:] = 7.0
        assert_same(chunk.floats(), self.representable)
