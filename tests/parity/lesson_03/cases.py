"""Lesson 3's parts beside their references, one case each."""

from __future__ import annotations

from functools import partial

from tests.parity.framework.cases import Build
from tests.parity.lesson_03.cheaper import flash, linear, merged_blocks, top_k, windows
from tests.parity.lesson_03.functions import RULES, attend, attend_by_head, masked
from tests.parity.lesson_03.looking import (
    distance,
    entropy,
    erasing,
    grad_cam,
    pixel_scores,
    rollout,
    rollout_by_block,
    sight,
)
from tests.parity.lesson_03.modules import (
    cosine_attention,
    encoder_layer,
    finder,
    heads_as_taps,
    timm_attention,
    torch_attention,
)

CASES: dict[str, Build] = {
    "attend = SDPA": attend,
    "attend with a scale = SDPA": partial(attend, scale=0.7),
    "attend with a mask = SDPA": partial(attend, masked=True),
    "attend with mask and scale = SDPA": partial(attend, masked=True, scale=-1.3),
    **{f"attend, {name} = flex_attention": partial(masked, name=name) for name in RULES},
    "exercise 3.1 = BLOOM": attend_by_head,
    "heads = torch": torch_attention,
    "heads with a mask = torch": partial(torch_attention, masked=True),
    "heads = timm": timm_attention,
    "heads with norms = timm": partial(timm_attention, head_norm=True),
    "heads with norms and a mask = timm": partial(timm_attention, head_norm=True, masked=True),
    "cosine attention = timm": partial(cosine_attention, library="timm"),
    "cosine attention, scale above the bound = timm": partial(cosine_attention, library="timm", run_away=True),
    "cosine attention = transformers": partial(cosine_attention, library="transformers"),
    "cosine attention, scale above the bound = transformers": partial(
        cosine_attention, library="transformers", run_away=True
    ),
    "layer = torch": encoder_layer,
    "Finder = timm": finder,
    "nine heads = convolution": heads_as_taps,
    "nine heads on a row = convolution": partial(heads_as_taps, grid=(1, 6)),
    "25 heads = convolution": partial(heads_as_taps, grid=(6, 3), side=5),
    "flash, a tile a row = SDPA": partial(flash, tile=1),
    "flash, ragged tiles = SDPA": partial(flash, tile=4),
    "flash, one tile = SDPA": partial(flash, tile=16),
    "flash, ragged tiles of queries only = SDPA": partial(flash, tile=3, keys=9),
    "exercise 3.3 = SDPA": merged_blocks,
    "linear = all pairs": linear,
    "windows = timm": windows,
    "windows of one = timm": partial(windows, window=1),
    "top 4 = masked SDPA": top_k,
    "top 1 = masked SDPA": partial(top_k, keep=1),
    "top of all = masked SDPA": partial(top_k, keep=11),
    "rollout = sum over paths": rollout,
    "rollout, minimum = sum over paths": partial(rollout, smallest=True),
    "rollout, no residual = sum over paths": partial(rollout, residual=False),
    "rollout, minimum, no residual = sum over paths": partial(rollout, residual=False, smallest=True),
    "exercise 3.4 = sum over paths": rollout_by_block,
    "exercise 3.4, share 0.8 = sum over paths": partial(rollout_by_block, share=0.8),
    "Grad-CAM = captum": grad_cam,
    "erasing = captum": erasing,
    "attention distance = pair by pair": distance,
    "entropy = torch.distributions": entropy,
    "pixel scores = unfold": pixel_scores,
    "sight of a linear layer = its matrices": sight,
}
