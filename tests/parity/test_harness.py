"""The harness's own promises: a missing reference is skipped or, on request, a failure; randomising is reproducible."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from tests.parity.framework.cases import lesson_and_solutions
from tests.parity.framework.counts import Count, on_meta
from tests.parity.framework.harness import (
    assert_every_parameter_matters,
    compare,
    copy_parameters,
    randomise,
    reference,
    translate,
)
from tests.parity.framework.shim import greedy_nms
from tests.parity.framework.weights import named_weights, stored_tensors
from tests.parity.lesson_01 import vit


def test_a_missing_reference_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOOK_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="pip install -r tests"):
        reference("a_reference_that_does_not_exist")


def test_a_missing_reference_fails_where_all_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOK_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="forbids skipping"):
        reference("a_reference_that_does_not_exist")


def test_randomising_is_reproducible_and_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    first, second, other = (randomise(nn.Linear(3, 4), seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.weight, second.weight)
    assert not torch.equal(first.weight, other.weight)
    assert (first.bias != 0).all()
    after = torch.get_rng_state()
    # nn.Linear itself draws from the global generator; randomise must not add to that.
    torch.set_rng_state(before)
    for _ in range(3):
        nn.Linear(3, 4)
    assert torch.equal(after, torch.get_rng_state())


def test_other_counts_and_other_functions_are_told_apart() -> None:
    inputs = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    theirs = randomise(nn.Linear(3, 4), seed=1)
    with pytest.raises(AssertionError, match="16 parameters in the lesson"):
        compare(nn.Linear(3, 4), nn.Linear(3, 4, bias=False), inputs)

    theirs = theirs.double()
    mine = copy_parameters(nn.Linear(3, 4).double(), dict(theirs.named_parameters()))
    assert compare(mine, theirs, inputs).float64 == 0
    with torch.no_grad():
        mine.weight[0, 0] += 1e-8
    with pytest.raises(AssertionError, match="float64 outputs differ"):
        compare(mine, theirs, inputs)


def test_wrong_shapes_and_colliding_names_are_refused() -> None:
    with pytest.raises(AssertionError, match="weight: the lesson has shape"):
        copy_parameters(nn.Linear(3, 4), dict(nn.Linear(4, 4).named_parameters()))
    with pytest.raises(AssertionError, match="has no parameter for"):
        copy_parameters(nn.Linear(3, 4, bias=False), dict(nn.Linear(3, 4).named_parameters()))
    with pytest.raises(AssertionError, match="both called"):
        translate({"a": torch.zeros(1), "b": torch.zeros(1)}, lambda _: "same")


def test_a_head_of_zeros_is_refused_as_a_reference() -> None:
    lesson = lesson_and_solutions(vit.LESSON)
    config = vit.tiny_config(lesson)
    untouched = vit.torchvision_vit(config).eval()  # torchvision initialises the head to zero: all logits are equal
    mine = copy_parameters(lesson.ViT(config), vit.from_torchvision(dict(untouched.named_parameters())))
    with pytest.raises(AssertionError, match="nearly constant"):
        compare(mine, untouched, vit.images())


def test_a_parameter_without_effect_is_noticed() -> None:
    theirs = randomise(vit.timm_vit(vit.tiny_config(lesson_and_solutions(vit.LESSON))), seed=1)
    theirs.head.weight.data.zero_()
    with pytest.raises(AssertionError, match="does not depend on"):
        assert_every_parameter_matters(theirs, vit.images())


def test_a_forgotten_name_is_noticed() -> None:
    lesson = lesson_and_solutions(vit.LESSON)
    config = vit.tiny_config(lesson)
    translated = vit.from_timm(dict(vit.timm_vit(config).named_parameters()))
    translated["class_token"] = translated.pop("cls")
    with pytest.raises(AssertionError, match=r"no value for .*cls"):
        copy_parameters(lesson.ViT(config), translated)


@pytest.mark.parametrize(
    ("theirs", "unlike", "says"), [(5, 3, "'published': 5"), (4, 4, "cannot tell"), (4, 3, None)], ids=str
)
def test_counts_are_compared(theirs: int, unlike: int, says: str | None) -> None:
    lesson = pytest  # any module
    count = Count({"its way": lambda _: 4}, {"published": theirs}, unlike=(lambda _: unlike,))
    if says is None:
        count.check(lesson)
        return
    with pytest.raises(AssertionError, match=says):
        count.check(lesson)


def test_meta_models_take_no_memory() -> None:
    assert on_meta(lambda: nn.Linear(100_000, 100_000)).weight.is_meta


def test_the_stand_in_for_nms_suppresses_overlaps() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30], [0, 0, 10, 5]])
    scores = torch.tensor([0.8, 0.9, 0.1, 0.5])
    assert greedy_nms(boxes, scores, 0.5).tolist() == [1, 3, 2]
    assert greedy_nms(boxes, scores, 0.2).tolist() == [1, 2]
    assert greedy_nms(boxes[:0], scores[:0], 0.5).tolist() == []


def test_a_matrix_is_found_by_the_bias_added_to_it() -> None:
    """As exported: a product with a numbered matrix, then a named bias, on either side of the sum."""
    matrices = {"onnx::MatMul_1": np.arange(6.0).reshape(2, 3), "onnx::MatMul_2": np.arange(12.0).reshape(3, 4)}
    stored = matrices | {"backbone.q.bias": np.ones(3), "backbone.v.bias": np.ones(4), "head.bias": np.ones(4)}
    stored = {name: values.astype(np.float32) for name, values in stored.items()} | {"size": np.array([3, 4])}
    make_node = onnx.helper.make_node
    nodes = [
        make_node("MatMul", ["x", "onnx::MatMul_1"], ["a"]),
        make_node("Add", ["backbone.q.bias", "a"], ["b"]),
        make_node("MatMul", ["b", "onnx::MatMul_2"], ["c"]),
        make_node("Add", ["c", "backbone.v.bias"], ["d"]),
        make_node("Add", ["d", "head.bias"], ["e"]),
    ]
    graph = onnx.helper.make_graph(
        nodes, "model", [], [], [onnx.numpy_helper.from_array(values, name) for name, values in stored.items()]
    )
    model = onnx.helper.make_model(graph)
    assert stored_tensors(model).keys() == stored.keys() - {"size"}
    weights = named_weights(model)
    assert weights.keys() == {"q.bias", "q.weight", "v.bias", "v.weight"}
    assert torch.equal(weights["q.weight"], torch.arange(6.0).reshape(2, 3).T)
    assert torch.equal(weights["v.weight"], torch.arange(12.0).reshape(3, 4).T)
