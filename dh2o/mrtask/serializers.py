"""Blocks on the wire and on disk: their compressed buffers as they are, never decoded."""

from __future__ import annotations

from typing import Any


def register() -> None:
    """Tell Dask how blocks travel, as soon as one is met (chunks are imported then, not before)."""
    from distributed.protocol import dask_deserialize, dask_serialize

    dask_serialize.register_lazy("dh2o", _register_blocks)
    dask_deserialize.register_lazy("dh2o", _register_blocks)


def _register_blocks() -> None:
    from distributed.protocol import dask_deserialize, dask_serialize

    from dh2o.chunks import Block

    @dask_serialize.register(Block)
    def to_frames(block: Block) -> tuple[dict[str, Any], list[Any]]:
        return block.to_frames()

    @dask_deserialize.register(Block)
    def from_frames(header: dict[str, Any], frames: list[Any]) -> Block:
        return Block.from_frames(header, frames)
