"""Lets torchvision be imported beside a torch its compiled operators cannot be loaded into.

The torchvision wheel of the package index is compiled for CUDA; beside a CPU-only torch its library does not load, and
`import torchvision` stops because the operators it describes do not exist. No reference model needs them, so this
module declares the two that are looked up at import, with a plain-torch NMS. It must be imported before torchvision.
Where the compiled operators do load, or torchvision is not installed, nothing is touched.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path

import torch
from torch import Tensor

_library: torch.library.Library | None = None


def install() -> bool:
    """Declare the operators torchvision cannot load; True when they had to be declared."""
    global _library
    if _library is not None:
        return True
    library = _compiled_library()
    if library is None or _loads(library):
        return False
    _library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        _library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _library.impl("nms", greedy_nms, "CPU")

    import torchvision.ops.boxes

    torchvision.ops.boxes._assert_has_ops = lambda: None
    return True


def _compiled_library() -> Path | None:
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return None
    candidates = (Path(spec.origin).parent / f"_C{suffix}" for suffix in importlib.machinery.EXTENSION_SUFFIXES)
    return next((path for path in candidates if path.exists()), None)


def _loads(library: Path) -> bool:
    try:
        torch.ops.load_library(library)
    except OSError:
        return False
    return True


def greedy_nms(dets: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Indices of the boxes kept by non-maximum suppression, best score first. `dets`: (N, 4) as x1 y1 x2 y2."""
    x1, y1, x2, y2 = dets.unbind(1)
    area = (x2 - x1) * (y2 - y1)
    waiting = scores.argsort(descending=True)
    kept = []
    while waiting.numel():
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        width = (torch.minimum(x2[best], x2[waiting]) - torch.maximum(x1[best], x1[waiting])).clamp(min=0)
        height = (torch.minimum(y2[best], y2[waiting]) - torch.maximum(y1[best], y1[waiting])).clamp(min=0)
        overlap = width * height
        waiting = waiting[overlap / (area[best] + area[waiting] - overlap) <= iou_threshold]
    return torch.stack(kept) if kept else torch.empty(0, dtype=torch.long)
