"""Plans give each block to a worker that holds it, in contiguous ranges where that is possible."""

from __future__ import annotations

from dh2o.mrtask import Blocks
from dh2o.mrtask.blocks import Recipe
from dh2o.mrtask.plan import contiguous_homes, make_plan
from tests.mrtask.tables import View

A, B = Blocks("a", (1, 1, 1, 1)), Blocks("b", (1, 1, 1, 1))


def test_homes_are_contiguous_and_follow_the_threads() -> None:
    assert contiguous_homes(8, [("x", 1), ("y", 3)]) == ("x",) * 2 + ("y",) * 6
    assert contiguous_homes(2, [("x", 1), ("y", 1), ("z", 1)]) == ("x", "z")
    assert contiguous_homes(5, []) == ()


def test_replicas_do_not_break_the_range() -> None:
    holders = {key: [["x"], ["y", "x"], ["x", "y"], ["y"]][key[1]] for key in A.keys}
    plan = make_plan(Recipe.of(A), range(4), holders)
    assert [(share.address, share.blocks) for share in plan.shares] == [
        ("x", (0, 1, 2)),
        ("y", (3,)),
    ]


def test_missing_parts_are_fetched_from_their_holder() -> None:
    view = View(("p", "q", "r"), ((A, 0), (B, 0), (B, 1)), A.layout)
    third = Blocks("c", A.layout)
    both = View(("p", "q", "r"), ((A, 0), (B, 0), (third, 1)), A.layout)
    holders = {
        (name, i): [where] for name, where in zip("abc", "xyy", strict=True) for i in range(4)
    }
    assert make_plan(Recipe.of(view), [1], holders).shares[0].foreign == {"y": [("b", 1)]}
    share = make_plan(Recipe.of(both), [2], holders).shares[0]
    assert (share.address, share.foreign) == ("y", {"x": [("a", 2)]})


def test_tree_has_the_driver_on_top() -> None:
    blocks = Blocks("a", (1,) * 5)
    holders = {key: [f"w{key[1]}"] for key in blocks.keys}
    tree = make_plan(Recipe.of(blocks), range(5), holders).tree("w3")
    assert tree["address"] == "w3"
    assert [child["address"] for child in tree["children"]] == ["w0", "w1"]
    assert [child["address"] for child in tree["children"][0]["children"]] == ["w2", "w4"]
