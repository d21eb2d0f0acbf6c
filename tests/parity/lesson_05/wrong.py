"""Mistakes in windows, blocks and models: what the references of Lesson 5 compute when they are damaged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.framework.cases import DIM, Case
from tests.parity.framework.damages import Damage, given, patched, run_as
from tests.parity.framework.harness import reference
from tests.parity.lesson_05 import slow, version_2
from tests.parity.lesson_05.slow import Neighbours, places_of
from tests.parity.lesson_05.windows import Size


def rolled_once_more(roll: Callable, x: Tensor, shifts: tuple[int, int], dims: tuple[int, int]) -> Tensor:
    """There as told, back by one token more: -M // 2 and M // 2 do this to odd windows."""
    return roll(x, [s + (s > 0) for s in shifts], dims)


def rolled_the_other_way(roll: Callable, x: Tensor, shifts: tuple[int, int], dims: tuple[int, int]) -> Tensor:
    return roll(x, [-s for s in shifts], dims)


def mask_forgotten(theirs: nn.Module) -> None:
    """timm keeps its masks."""
    for part in theirs.modules():
        if hasattr(part, "attn_mask"):
            part.attn_mask = None


def padding_unseen(size: Size, window: int) -> Damage:
    """Padded tokens are masked out of every softmax; they are meant to take part."""
    padded = [-(-side // window) * window for side in size]
    real = torch.zeros(padded)
    real[: size[0], : size[1]] = 1
    cut = real.reshape(padded[0] // window, window, padded[1] // window, window).transpose(1, 2).reshape(-1, window**2)
    softmax = F.softmax

    def masked(scores: Tensor, dim: int) -> Tensor:
        forbidden = (cut == 0).repeat(len(scores) // len(cut), 1)[:, None, None]
        return softmax(scores.masked_fill(forbidden, -torch.inf), dim=dim)

    return patched(F, "softmax", masked)


def padded_first(height: int, width: int) -> Damage:
    """Padding in front of the norm, whose bias then fills the padded tokens; for windows of 3."""

    def cut(y: Tensor) -> Tensor:
        return y[:, :height, :width]

    return given(lambda x: F.pad(x, (0, 0, 0, -width % 3, 0, -height % 3)), cut)


def after(block: nn.Module, x: Tensor) -> Tensor:
    """The norm behind attention and behind the MLP."""
    x = x + block.norm1(block._attn(x))
    return x + block.norm2(block.mlp(x))


def before(block: nn.Module, x: Tensor) -> Tensor:
    x = x + block._attn(block.norm1(x))
    return x + block.mlp(block.norm2(x))


def of_the_sum(block: nn.Module, x: Tensor) -> Tensor:
    x = block.norm1(x + block._attn(x))
    return block.norm2(x + block.mlp(x))


def beside(block: nn.Module, x: Tensor) -> Tensor:
    return x + block._attn(block.norm1(x)) + block.mlp(block.norm2(x))


def exactly(forward: Callable[[nn.Module, Tensor], Tensor]) -> Damage:
    return run_as(partial(version_2.exactly, call=forward))


def rows_first(x: Tensor) -> Tensor:
    """Merging a transposed map and transposing back puts right before down."""
    return x.transpose(1, 2)


def repeated_edge(x: Tensor) -> Tensor:
    x = torch.cat([x, x[:, -1:]], dim=1) if x.shape[1] % 2 else x
    return torch.cat([x, x[:, :, -1:]], dim=2) if x.shape[2] % 2 else x


def reshaped(merging: nn.Module, x: Tensor) -> Tensor:
    """Two reshapes and no transpose."""
    b, h, w, d = x.shape
    return merging.reduction(merging.norm(x.reshape(b, h // 2, 2, w // 2, 2, d).reshape(b, h // 2, w // 2, 4 * d)))


def strips(_: nn.Module, x: Tensor) -> Tensor:
    """A bare reshape for windows of 3."""
    return x.reshape(-1, 9, x.shape[-1])


def keys_biased(layer: nn.Module) -> None:
    """What keys have in common moves all scores of a query alike, but not the directions that cosines are of."""
    layer.k_bias.copy_(torch.linspace(-1, 1, DIM))


def with_a_bias(x: Tensor, y: Tensor) -> Tensor:
    return y + torch.linspace(-1, 1, DIM).to(y)


def lepe_everywhere(k: Tensor, v: Tensor, lepe: nn.Conv2d, near: Neighbours) -> Tensor:
    return lepe(v.movedim(-1, 1)).movedim(1, -1)


def lepe_of_keys(k: Tensor, v: Tensor, lepe: nn.Conv2d, near: Neighbours) -> Tensor:
    return slow.masked_sum(v, k, lepe, near)


def stripes_exchanged(theirs: nn.Module) -> None:
    first, second = theirs.attns
    first.near, second.near = second.near, first.near


def heads_interleaved(x: Tensor) -> Tensor:
    """Every second channel to the columns, for the first half."""
    return torch.cat([x[..., ::2], x[..., 1::2]], dim=-1)


def last_of_each(x: Tensor, window: int) -> list[Tensor]:
    """One token of each square for the mean."""
    return [x[:, a, b] for a, b in places_of(x) if a % window == b % window == window - 1]


def two_softmaxes(focal: nn.Module, x: Tensor) -> Tensor:
    """Fine and coarse keys each in a softmax of their own, and the mean of both answers."""
    with mock.patch.object(focal, "pooled", return_value=[]):
        fine = focal(x)
    with mock.patch.object(focal, "fine", return_value=False):
        return (fine + focal(x)) / 2


def zeros_beyond_the_border(focal: nn.Module, x: Tensor) -> Tensor:
    """Keys outside the map take part: a score and a value of zero each."""
    attend, full = slow.attend_to, (focal.window + 2 * focal.margin) ** 2 + len(focal.pooled(x, focal.window))

    def padded(query: Tensor, keys: list[Tensor], values: list[Tensor], heads: int) -> Tensor:
        nothing = [torch.zeros_like(query)] * (full - len(keys))
        return attend(query, keys + nothing, values + nothing, heads)

    with mock.patch.object(slow, "attend_to", padded):
        return focal(x)


def not_shifted(swin: nn.Module) -> None:
    mask_forgotten(swin)
    for part in swin.modules():
        if hasattr(part, "shift_size"):
            part.shift_size = (0, 0) if isinstance(part.shift_size, tuple) else 0


def norm_of_the_mean(swin: nn.Module, images: Tensor) -> Tensor:
    """The last norm behind the mean over tokens."""
    norm, swin.norm = swin.norm, nn.Identity()
    try:
        return swin.head.fc(norm(swin.forward_features(images).mean(dim=(1, 2))))
    finally:
        swin.norm = norm


def stages_with_norms_before(case: Case) -> Case:
    """Swin V2 with the blocks of Swin."""
    block = reference("timm.models.swin_transformer_v2").SwinTransformerV2Block
    return patched(block, "forward", before)(case)


def taps_mirrored(theirs: nn.Module) -> None:
    theirs.get_v.weight.copy_(theirs.get_v.weight.flip(2, 3))


def cross_of(stripe: int) -> Neighbours:
    return lambda a, b: a[0] // stripe == b[0] // stripe or a[1] // stripe == b[1] // stripe


def without_the_near(focal: nn.Module, x: Tensor) -> Tensor:
    """Only squares beyond the query's own window are pooled keys."""
    pooled, answers = focal.pooled, torch.zeros_like(x)
    corners = [place for place in places_of(x) if not any(side % focal.window for side in place)]
    for number, corner in enumerate(corners):
        own = torch.zeros_like(x[:1, ..., :1])
        own[:, corner[0] : corner[0] + focal.window, corner[1] : corner[1] + focal.window] = 1
        others = [i for i in range(len(corners)) if i != number]
        with mock.patch.object(focal, "pooled", lambda x, w, others=others: [pooled(x, w)[i] for i in others]):
            answers = answers + own * focal(x)
    return answers


def finest_left_out(segmenter: nn.Module, images: Tensor) -> Tensor:
    """The sum ends one map too early."""
    forward = segmenter.fpn.forward
    with mock.patch.object(segmenter.fpn, "forward", lambda maps: {"0": list(forward(maps).values())[1]}):
        return segmenter(images)


def finest_alone(segmenter: nn.Module, images: Tensor) -> Tensor:
    """No sum: nothing comes down."""
    inner = segmenter.fpn.inner_blocks[0]
    with mock.patch.object(segmenter.fpn, "forward", lambda maps: {"0": inner(maps["0"])}):
        return segmenter(images)
