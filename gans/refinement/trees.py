"""Boosted trees of a file, looked at before the library that evaluates them is handed them.

XGBoost trusts the file that it loads: a child or a feature that is not there is memory that is not its own, and trees
that go round in a circle never end. UBJSON is read here as far as XGBoost writes it (ubjson.org, draft 12).
"""

from typing import Any

import numpy as np

NUMBERS = {b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8"}
CONSTANTS = {b"T": True, b"F": False, b"Z": None}
MOST_DEPTH = 20
ARRAYS = ("left_children", "right_children", "split_indices", "split_type", "split_conditions", "default_left")


def check_trees(content: bytes, features: int, levels: int) -> None:
    """Look at a model of boosted trees in UBJSON that gives one number to a row.

    Args:
        features: of a row.
        levels: more than any category has.

    Raises:
        ValueError, KeyError, TypeError: it is no such model, or its trees are not sound.
    """
    reader = _Reader(content)
    model = reader.value(0)
    if reader.place != len(content):
        raise ValueError("something follows the model")
    learner = model["learner"]
    shape, booster = learner["learner_model_param"], learner["gradient_booster"]
    if (int(shape["num_feature"]), int(shape["num_class"]), int(shape["num_target"])) != (features, 0, 1):
        raise ValueError(f"the trees take {shape['num_feature']} columns; the run has {features}")
    if booster["name"] != "gbtree" or learner["objective"]["name"] != "binary:logistic":
        raise ValueError(f"{booster['name']}, {learner['objective']['name']}")
    forest = booster["model"]
    trees, count = forest["trees"], len(forest["trees"])
    if (
        int(forest["gbtree_model_param"]["num_trees"]) != count
        or int(forest["gbtree_model_param"]["num_parallel_tree"]) != 1
    ):
        raise ValueError("the number of trees")
    rounds = np.asarray(forest.get("iteration_indptr", np.arange(count + 1)))
    if not np.array_equal(rounds, np.arange(count + 1)) or not np.array_equal(forest["tree_info"], np.zeros(count)):
        raise ValueError("the order of the trees")
    if any(len(part) for part in forest.get("cats", {}).values()):
        raise ValueError("categories of a frame")
    if len(learner.get("feature_types", [])) not in (0, features) or len(learner.get("feature_names", [])):
        raise ValueError("names or types of columns")
    for number, tree in enumerate(trees):
        try:
            _check_tree(tree, features, levels)
        except ValueError as error:
            raise ValueError(f"tree {number}: {error}") from None


def _check_tree(tree: dict[str, Any], features: int, levels: int) -> None:
    """Raise ValueError unless every node but the first is the child of one node, and points at what is there."""
    sizes = tree["tree_param"]
    nodes = int(sizes["num_nodes"])
    if nodes < 1 or int(sizes["num_feature"]) != features or int(sizes["size_leaf_vector"]) not in (0, 1):
        raise ValueError("its sizes")
    arrays = {
        name: np.asarray(tree[name]) for name in (*ARRAYS, "base_weights", "loss_changes", "sum_hessian", "parents")
    }
    if {array.shape for array in arrays.values()} != {(nodes,)}:
        raise ValueError(f"its arrays do not have {nodes} nodes")
    left, right, split, categorical = (arrays[name].astype(np.int64) for name in ARRAYS[:4])
    inner = left != -1
    if not np.array_equal(inner, right != -1):
        raise ValueError("a node has one child")
    children = np.concatenate([left[inner], right[inner]])
    if len(children) and (children.min() < 1 or children.max() >= nodes):
        raise ValueError("a child is not there")
    if len(np.unique(children)) < len(children):  # then no way leads from the first node to a node twice
        raise ValueError("two nodes have the same child")
    parents = arrays["parents"].astype(np.int64)
    if not np.array_equal(parents[children], np.tile(np.flatnonzero(inner), 2)):
        raise ValueError("a node is not the parent of its child")
    if (split[inner] < 0).any() or (split[inner] >= features).any() or not np.isin(categorical, (0, 1)).all():
        raise ValueError("a column is not there")
    if not np.isfinite(arrays["split_conditions"][~inner]).all():
        raise ValueError("a leaf is not finite")
    _check_categories(tree, np.flatnonzero(inner & (categorical == 1)), levels)


def _check_categories(tree: dict[str, Any], splits: np.ndarray, levels: int) -> None:
    """Raise ValueError unless each of the nodes `splits` has its own levels, each below `levels`."""
    names = ("categories_nodes", "categories_segments", "categories_sizes", "categories")
    nodes, starts, sizes, codes = (np.asarray(tree[name], dtype=np.int64) for name in names)
    if not np.array_equal(nodes, splits) or len(starts) != len(nodes) or len(sizes) != len(nodes):
        raise ValueError("its categories")
    if not np.array_equal(starts, np.cumsum(sizes) - sizes) or (sizes < 0).any() or sizes.sum() != len(codes):
        raise ValueError("its categories overlap")
    if len(codes) and (codes.min() < 0 or codes.max() >= levels):
        raise ValueError("a category is not there")


class _Reader:
    """The values of UBJSON one after the other; arrays of one type as arrays of numpy."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def take(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            ValueError: there are not so many.
        """
        if count < 0 or count > len(self.content) - self.place:
            raise ValueError("it ends too early")
        self.place += count
        return self.content[self.place - count : self.place]

    def length(self) -> int:
        """A number of items."""
        value = self.value(0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= len(self.content):
            raise ValueError("a length is none")
        return value

    def value(self, depth: int) -> Any:
        """The next value."""
        if depth > MOST_DEPTH:
            raise ValueError("nested too deep")
        kind = self.take(1)
        if kind in CONSTANTS:
            return CONSTANTS[kind]
        if kind in NUMBERS:
            return self.numbers(kind, 1)[0].item()
        if kind == b"S":
            return self.take(self.length()).decode("utf-8")
        if kind == b"{":
            return self.mapping(depth)
        if kind == b"[":
            return self.array(depth)
        raise ValueError(f"the mark {kind!r} at byte {self.place:,}")

    def numbers(self, kind: bytes, count: int) -> np.ndarray:
        """Numbers of one type."""
        dtype = np.dtype(NUMBERS[kind])
        return np.frombuffer(self.take(count * dtype.itemsize), dtype)

    def array(self, depth: int) -> Any:
        """What follows [."""
        kind = b""
        if self.peek() == b"$":
            self.take(1)
            kind = self.take(1)
            if kind not in NUMBERS:
                raise ValueError(f"an array of {kind!r}")
        if self.peek() == b"#":
            self.take(1)
            count = self.length()
            return self.numbers(kind, count) if kind else [self.value(depth + 1) for _ in range(count)]
        if kind:
            raise ValueError("an array without a length")
        out = []
        while self.peek() != b"]":
            out.append(self.value(depth + 1))
        self.take(1)
        return out

    def mapping(self, depth: int) -> dict[str, Any]:
        """What follows {."""
        out: dict[str, Any] = {}
        while self.peek() != b"}":
            name = self.take(self.length()).decode("utf-8")
            if name in out:
                raise ValueError(f"'{name}' is there twice")
            out[name] = self.value(depth + 1)
        self.take(1)
        return out

    def peek(self) -> bytes:
        """The next byte, which stays."""
        if self.place >= len(self.content):
            raise ValueError("it ends too early")
        return self.content[self.place : self.place + 1]
