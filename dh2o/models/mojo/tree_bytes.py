"""Trees as H2O's bytes: kernels that write and read one tree.

A node is: type u8, column u16, NA direction u8, what it splits at, the size of its left part if
that is no leaf, left part, right part; a leaf is a float32. What it splits at is a float32, a set
of 32 levels, or a first level u16, a count i32 and a bit a level; nothing if NA is all it asks.
All numbers are little-endian. Format: H2O's ``SharedTreeMojoModel``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dh2o.compiled import njit

__all__ = ["BAD_TREE", "NODE_KINDS", "aux_order", "decode_tree", "encode_tree", "part_sizes"]

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I8 = npt.NDArray[np.int8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

NUMBER, SET_OF_32, SET_OF_MANY, NA_ALONE = 0, 8, 12, 1
NODE_KINDS = (NUMBER, SET_OF_32, SET_OF_MANY, NA_ALONE)
AUX_NBYTES = 40
#: What `decode_tree` returns instead of a number of nodes.
BAD_TREE = -1


@njit(nogil=True, cache=True)
def part_sizes(left: I32, kinds: I8, n_bits: I32, sizes: I64, n_inner: I32) -> None:
    """sizes[k] = bytes of the part under node k; n_inner[k] = its inner nodes.

    IN: left[k] (0 in leaves), kinds, n_bits.  Children stand behind their parents.
    """
    for k in range(len(left) - 1, -1, -1):
        if left[k] == 0:
            sizes[k] = 4
            n_inner[k] = 0
            continue
        what = 4
        if kinds[k] == 1:
            what = 0
        elif kinds[k] == 12:
            what = 6 + (n_bits[k] + 7) // 8
        child = left[k]
        total = 4 + what + sizes[child] + sizes[child + 1]
        if left[child] != 0:
            total += _skip_width(sizes[child])
        sizes[k] = total
        n_inner[k] = 1 + n_inner[child] + n_inner[child + 1]


@njit(nogil=True, cache=True)
def _skip_width(size: int) -> int:
    """Return the bytes of the field that holds the size of a left part, as H2O chooses them."""
    if size < 256:
        return 1
    if size < 65535:
        return 2
    return 3 if size < 1 << 24 else 4


@njit(nogil=True, cache=True)
def _put(out: U8, at: int, value: int, n: int) -> None:
    """out[at:at + n] = value, lowest byte first."""
    for i in range(n):
        out[at + i] = np.uint8((value >> (8 * i)) & 255)


@njit(nogil=True, cache=True)
def encode_tree(  # noqa: PLR0913, PLR0917
    features: I32,
    left: I32,
    na_sides: I8,
    kinds: I8,
    thresholds: U32,
    values: U32,
    weights: U32,
    errors: U32,
    bit_starts: I64,
    n_bits: I32,
    bits: U8,
    sizes: I64,
    n_inner: I32,
    out: U8,
    aux: U8,
) -> None:
    """out, aux = the bytes of a tree with an inner root, node after node in index order.

    IN: all but out and aux, which have sizes[0] and 40 n_inner[0] bytes; float32 as their bits.
    """
    n = len(features)
    at = np.zeros(n, np.int64)
    aux_at = np.zeros(n, np.int64)
    for k in range(n):
        p = at[k]
        child = np.int64(left[k])
        if child == 0:
            _put(out, p, np.int64(values[k]), 4)
            continue
        kind = np.int64(kinds[k])
        type_ = kind if kind != 1 else np.int64(0)
        width = np.int64(0)
        if left[child] == 0:
            type_ |= 48
        else:
            width = _skip_width(sizes[child])
            type_ |= width - 1
        if left[child + 1] == 0:
            type_ |= 192
        out[p] = np.uint8(type_)
        _put(out, p + 1, np.int64(features[k]), 2)
        out[p + 3] = np.uint8(na_sides[k])
        p += 4
        if kind == 0:
            _put(out, p, np.int64(thresholds[k]), 4)
            p += 4
        elif kind != 1:
            if kind == 12:
                _put(out, p + 2, np.int64(n_bits[k]), 4)
                p += 6
            n_bytes = (n_bits[k] + 7) // 8
            first = bit_starts[k]
            for i in range(n_bytes):
                out[p + i] = bits[first + i]
            p += n_bytes if kind == 12 else 4
        _put(out, p, sizes[child], width)
        at[child] = p + width
        at[child + 1] = p + width + sizes[child]
        q = aux_at[k] * 40
        _put(aux, q, k, 4)
        _put(aux, q + 4, np.int64(n_inner[child]), 4)
        for side in range(2):
            _put(aux, q + 8 + 4 * side, np.int64(weights[child + side]), 4)
            _put(aux, q + 16 + 4 * side, np.int64(values[child + side]), 4)
            _put(aux, q + 24 + 4 * side, np.int64(errors[child + side]), 4)
            _put(aux, q + 32 + 4 * side, child + side, 4)
        aux_at[child] = aux_at[k] + 1
        aux_at[child + 1] = aux_at[k] + 1 + n_inner[child]


@njit(nogil=True, cache=True)
def _get(data: U8, at: int, n: int) -> int:
    """Return the unsigned number of n bytes, lowest first."""
    value = np.int64(0)
    for i in range(n):
        value |= np.int64(data[at + i]) << (8 * i)
    return int(value)


@njit(nogil=True, cache=True)
def _read_split(  # noqa: PLR0913, PLR0917
    data: U8,
    p: int,
    stop: int,
    kind: int,
    oldest: bool,
    k: int,
    numbers: U32,
    set_at: I64,
    set_first: I32,
    n_bits: I32,
) -> int:
    """Fill in what node k splits at; returns where its left part begins, -1 if beyond `stop`.

    IN: the bytes from p on, the kind of split, whether sizes of sets are in bytes.
    """
    if kind != 12:
        if kind == 8:
            n_bits[k], set_at[k] = 32, p
        elif p + 4 <= stop:
            numbers[k] = np.uint32(_get(data, p, 4))
        return p + 4 if p + 4 <= stop else -1
    head = 4 if oldest else 6
    if p + head > stop:
        return -1
    size = _get(data, p + 2, head - 2)
    if oldest:
        size *= 8
    if size > 8 * (stop - p):
        return -1
    set_first[k] = np.int32(_get(data, p, 2))
    n_bits[k], set_at[k] = np.int32(size), p + head
    return p + head + (size + 7) // 8


@njit(nogil=True, cache=True)
def decode_tree(  # noqa: PLR0913, PLR0917
    data: U8,
    oldest: bool,
    features: I32,
    left: I32,
    na_sides: I8,
    numbers: U32,
    set_at: I64,
    set_first: I32,
    n_bits: I32,
    ends: I64,
) -> int:
    """Nodes of the tree in `data`, children side by side behind their parents; returns how many.

    numbers[k] = bits of the threshold, or of a leaf's value.  set_at[k] = byte where a set of
    levels begins, else -1; it says of n_bits[k] levels from set_first[k] on which go right.
    `oldest`: sets as before version 1.20, their size in bytes.  OUT arrays hold len(data) // 4 + 2.
    Every part lies in its parent's, left before right, so no bytes are read twice and the walk
    ends; BAD_TREE if a part reaches beyond its parent's.
    """
    end = len(data)
    if end < 7:
        return BAD_TREE
    if _get(data, 1, 2) == 65535:
        features[0], left[0], na_sides[0], set_at[0] = -1, 0, 0, -1
        numbers[0] = np.uint32(_get(data, 3, 4))
        return 1
    # ends[k] = where the part of node k ends; features[k] = -2: inner, -1: leaf;
    # left[k] is where its part begins until the node is read.
    count = np.int64(1)
    begins = np.zeros(len(features), np.int64)
    features[0], begins[0], ends[0] = -2, 0, end
    k = np.int64(0)
    while k < count:
        p, stop = begins[k], ends[k]
        set_at[k], left[k], na_sides[k] = -1, 0, 0
        set_first[k], n_bits[k] = 0, 0
        if features[k] == -1:
            if p + 4 > stop:
                return BAD_TREE
            numbers[k] = np.uint32(_get(data, p, 4))
            k += 1
            continue
        if p + 4 > stop:
            return BAD_TREE
        type_ = np.int64(data[p])
        column = _get(data, p + 1, 2)
        na_sides[k] = np.int8(data[p + 3] if data[p + 3] <= 5 else 0)
        features[k] = np.int32(column)
        numbers[k] = np.uint32(0)
        if type_ & 12 == 4 or column == 65535:
            return BAD_TREE
        p += 4
        if na_sides[k] != 1:
            p = _read_split(
                data, p, stop, type_ & 12, oldest, k, numbers, set_at, set_first, n_bits
            )
        left_is_leaf, right_is_leaf = type_ & 48 == 48, type_ & 192 != 0
        size = np.int64(4)
        if p >= 0 and not left_is_leaf:
            width = (type_ & 3) + 1 if type_ & 48 == 0 else stop
            size = _get(data, p, width) if p + width <= stop else np.int64(0)
            p += width
        if p < 0 or size < 4 or size > stop - p or count + 2 > len(features):
            return BAD_TREE
        left[k] = np.int32(count)
        features[count] = -1 if left_is_leaf else -2
        begins[count], ends[count] = p, p + size
        features[count + 1] = -1 if right_is_leaf else -2
        begins[count + 1], ends[count + 1] = p + size, stop
        count += 2
        k += 1
    return int(count)


@njit(nogil=True, cache=True)
def aux_order(left: I32, n_inner: I32, order: I32) -> None:
    """order[k] = place of inner node k in a walk that takes left parts first; -1 for leaves."""
    order[0] = 0
    for k in range(len(left) - 1, -1, -1):
        n_inner[k] = 0
        if left[k] != 0:
            n_inner[k] = 1 + n_inner[left[k]] + n_inner[left[k] + 1]
    for k in range(len(left)):
        child = left[k]
        if child == 0:
            order[k] = -1
        else:
            order[child] = order[k] + 1
            order[child + 1] = order[k] + 1 + n_inner[child]
