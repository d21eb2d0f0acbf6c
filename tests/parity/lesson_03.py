"""Lesson 3's attention beside its references, one case each, in the manner of `lesson_02`.

Most functions here have no parameters: a case calls them through an empty module, with queries, keys and values cut out
of one tensor, so that the harness compares the gradients of all three.
"""

from __future__ import annotations

import ast
import functools
import itertools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType, SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

from tests.parity.harness import compare, copy_parameters, count, randomise, reference
from tests.parity.lesson_02 import DIM, GRID, HEAD_DIM, HEADS, Case, Named, Nothing, renamed, tensor, tokens
from tests.shared.exercises import exercises
from tools.lesson.definitions import load_definitions, run_cell
from tools.lesson.read import cell_id, code_cells, find_lesson, read_lesson

LESSON = "03_attention"
N = GRID[0] * GRID[1]
Rule = Callable[[Tensor, Tensor], Tensor]  # may query i see key j?


@functools.cache
def lesson_and_solutions() -> ModuleType:
    """The lesson's definitions and, beside them, what its exercises ask for."""
    lesson = load_definitions(LESSON)
    for exercise in exercises(read_lesson(find_lesson(LESSON))):
        run_cell(exercise.solution, lesson, f"<{LESSON}: solution {exercise.name}>")
    return lesson


def assigned(lesson: ModuleType, cell: str, *names: str, **given: object) -> list:
    """What a cell of the lesson assigns to these names, in this order; nothing else of the cell is run."""
    (source,) = (c.source for c in code_cells(read_lesson(find_lesson(LESSON))) if cell_id(c) == cell)
    found = {
        target.id: statement
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    scope = vars(lesson) | given
    for name in names:
        exec(compile(ast.Module([found[name]], []), f"<{LESSON}: {cell}>", "exec"), scope)
    return [scope[name] for name in names]


@dataclass(frozen=True)
class Values(Case):
    """A case of which only values are compared: the lesson detaches them, or the reference cannot go backwards."""

    def check(self, damage: Callable[[Case], Case] = lambda case: case) -> None:
        randomise(self.theirs, seed=1)
        if count(self.theirs):
            copy_parameters(self.mine, self.names(dict(self.theirs.named_parameters())))
        case = damage(self)
        forwards = {"mine_forward": case.mine_forward, "theirs_forward": case.theirs_forward}
        compare(case.mine, case.theirs, case.inputs, gradient=False, **forwards)


def function(mine: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor], inputs: Tensor) -> Case:
    """Two functions without parameters."""
    forwards = {"mine_forward": lambda _, x: mine(x), "theirs_forward": lambda _, x: theirs(x)}
    return Case(Nothing(), Nothing(), inputs, **forwards)


def side_by_side(*results: Tensor) -> Tensor:
    """Several results of a batch as one, so that all of them are compared."""
    return torch.cat([result.flatten(1) for result in results], dim=1)


# Attention as a function.


def cut(x: Tensor, queries: int, keys: int) -> list[Tensor]:
    """Queries, keys and narrower values, (…, queries + 2 · keys, d)."""
    q, k, v = x.split([queries, keys, keys], dim=-2)
    return [q, k, v[..., :5]]


def some_mask(*shape: int) -> Tensor:
    """A mask with a True in every row, another for each picture."""
    mask = tensor(*shape, seed=3) > 0
    mask[..., 0] |= ~mask.any(dim=-1)
    assert mask.any(dim=-1).all() and not mask.all()
    return mask


def sdpa_with_weights(q: Tensor, k: Tensor, v: Tensor, **options: object) -> Tensor:
    """torch's attention; it keeps its weights, but values that are the identity bring them to light."""
    eye = torch.eye(k.shape[-2]).to(v).expand(*v.shape[:-1], -1)
    together = F.scaled_dot_product_attention(q, k, torch.cat([v, eye], dim=-1), **options)
    return side_by_side(together[..., : v.shape[-1]], together[..., v.shape[-1] :])


def attend(lesson: ModuleType, masked: bool = False, scale: float | None = None) -> Case:
    """Five queries, seven keys, in a batch of two and three heads; a mask for each picture."""
    mask = some_mask(2, 1, 5, 7) if masked else None
    return function(
        lambda x: side_by_side(*lesson.attend(*cut(x, 5, 7), mask, scale)),
        lambda x: sdpa_with_weights(*cut(x, 5, 7), attn_mask=mask, scale=scale),
        tensor(2, HEADS, 19, HEAD_DIM),
    )


def flex(q: Tensor, k: Tensor, v: Tensor, rule: Rule) -> Tensor:
    """torch's flex_attention, not compiled, which runs anywhere; the rule becomes its `mask_mod`."""
    sizes = q.shape[-2], k.shape[-2]
    blocks = create_block_mask(lambda b, h, i, j: rule(i, j), None, None, *sizes, device="cpu", BLOCK_SIZE=16)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="flex_attention called without torch.compile")
        return flex_attention(q, k, v, block_mask=blocks)


def near(width: int, radius: int, cls: int = 0) -> Rule:
    """Both places at most `radius` rows and columns apart; the first `cls` tokens see all and are seen by all."""

    def rule(i: Tensor, j: Tensor) -> Tensor:
        a, b = i - cls, j - cls
        rows, columns = (a // width - b // width).abs(), (a % width - b % width).abs()
        return (rows <= radius) & (columns <= radius) | (i < cls) | (j < cls)

    return rule


RULES: dict[str, Rule] = {
    "bidirectional": lambda i, j: i >= 0,
    "causal": lambda i, j: i >= j,
    "3 × 3 window": near(3, 1),
    "[CLS] + groups": lambda i, j: (i // 3 == j // 3) | (i * j == 0),
    "packing": lambda i, j: (i < 4) == (j < 4),
    "exercise 3.2": near(5, 1, cls=1),
    "exercise 3.2, radius 2": near(5, 2, cls=1),
}


def masks(lesson: ModuleType) -> dict[str, Tensor]:
    """The lesson's masks, out of its own cells."""
    _, shown = assigned(lesson, "masks", "places", "MASKS")
    (packing,) = assigned(lesson, "packing", "mask", owner=torch.tensor([0] * 4 + [1] * 9))
    exercise = lesson.neighbourhood_mask
    return shown | {
        "packing": packing,
        "exercise 3.2": exercise(*GRID, 1),
        "exercise 3.2, radius 2": exercise(*GRID, 2),
    }


def masked(lesson: ModuleType, name: str) -> Case:
    """flex_attention goes backwards on a GPU only: values are compared here, gradients in `torch_attention`."""
    mask = masks(lesson)[name]
    n = len(mask)

    def mine(_: nn.Module, x: Tensor) -> Tensor:
        return lesson.attend(*x.unbind(), mask)[0]

    def theirs(_: nn.Module, x: Tensor) -> Tensor:
        return flex(*x.unbind(), RULES[name])

    return Values(Nothing(), Nothing(), tensor(3, 2, HEADS, n, HEAD_DIM), mine_forward=mine, theirs_forward=theirs)


def attend_by_head(lesson: ModuleType) -> Case:
    """Exercise 3.1: BLOOM keeps queries, keys and values head by head."""
    split = reference("transformers.models.bloom.modeling_bloom").BloomAttention._reshape
    sizes = SimpleNamespace(num_heads=HEADS, head_dim=HEAD_DIM)
    return function(
        lambda x: lesson.attend_by_head(x, HEADS),
        lambda x: F.scaled_dot_product_attention(*split(sizes, x)).transpose(1, 2).flatten(2),
        tensor(2, 7, 3 * DIM),
    )


# Attention as a module.


def torch_attention(lesson: ModuleType, masked: bool = False) -> Case:
    """Outputs and every head's weights of torch's layer, whose masks are True where a query may not see."""
    mask = some_mask(N, N) if masked else None
    forbidden = None if mask is None else ~mask

    def mine(layer: nn.Module, x: Tensor) -> Tensor:
        return side_by_side(layer(x, mask), layer.weights)

    def theirs(layer: nn.Module, x: Tensor) -> Tensor:
        return side_by_side(*layer(x, x, x, attn_mask=forbidden, average_attn_weights=False))

    return Case(
        lesson.MultiHeadAttention(DIM, HEADS),
        nn.MultiheadAttention(DIM, HEADS, batch_first=True),
        tokens(),
        renamed(("in_proj_", "qkv."), ("out_proj", "out")),
        mine,
        theirs,
    )


def timm_attention(lesson: ModuleType, head_norm: bool = False, masked: bool = False) -> Case:
    """timm's layer without and with norms of queries and keys; timm's own choice of eps is the model's."""
    norm = partial(nn.LayerNorm, eps=1e-6)
    mask = some_mask(N, N) if masked else None
    return Case(
        lesson.MultiHeadAttention(DIM, HEADS, *[lesson.layer_norm] * head_norm),
        reference("timm.layers").Attention(DIM, HEADS, qkv_bias=True, qk_norm=head_norm, norm_layer=norm),
        tokens(),
        renamed(("proj.", "out.")),
        lambda layer, x: layer(x, mask),
        lambda layer, x: layer(x, attn_mask=mask),
        # What all keys have in common moves all scores of a query alike.
        silent=frozenset({"k_norm.bias"} if head_norm else ()),
    )


def without_position_bias(layer: nn.Module, network: str) -> nn.Module:
    """A layer of Swin V2 whose position bias is 16 · sigmoid(0) = 8 for every pair, which softmax takes off again."""
    for module in layer.get_submodule(network).modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, torch.zeros_like(parameter))
    return layer


class SwinV2OfTimm(nn.Module):
    """timm's attention in one window. The biases of keys, zeros that nobody learns there, are parameters here."""

    def __init__(self) -> None:
        super().__init__()
        attention = reference("timm.models.swin_transformer_v2").WindowAttention
        self.attn = without_position_bias(attention(DIM, GRID, HEADS), "cpb_mlp")
        del self.attn.k_bias
        self.attn.k_bias = nn.Parameter(torch.empty(DIM))

    def forward(self, x: Tensor) -> Tensor:
        return self.attn(x)

    @staticmethod
    def names(parameters: Named) -> dict[str, Tensor]:
        ours = {n.removeprefix("attn."): t for n, t in parameters.items()}
        ours["qkv.bias"] = torch.cat([ours.pop(f"{part}_bias") for part in "qkv"])
        return renamed(("proj.", "out."), ("logit_scale", "log_scale"))(ours)


class SwinV2OfTransformers(nn.Module):
    """transformers' attention in one window, which leaves the last linear layer to another class."""

    def __init__(self) -> None:
        super().__init__()
        modelling = reference("transformers.models.swinv2.modeling_swinv2")
        attention = modelling.Swinv2SelfAttention(modelling.Swinv2Config(), DIM, HEADS, GRID)
        self.attn = without_position_bias(attention, "continuous_position_bias_mlp")
        self.attn.key = nn.Linear(DIM, DIM)
        self.out = modelling.Swinv2SelfOutput(modelling.Swinv2Config(), DIM)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.attn(x)[0], x)

    @staticmethod
    def names(parameters: Named) -> dict[str, Tensor]:
        ours = renamed(("attn.logit_scale", "log_scale"), ("out.dense", "out"))(parameters)
        for kind in ("weight", "bias"):
            parts = [ours.pop(f"attn.{part}.{kind}") for part in ("query", "key", "value")]
            ours[f"qkv.{kind}"] = torch.cat(parts)
        return ours


SWIN_V2 = {"timm": SwinV2OfTimm, "transformers": SwinV2OfTransformers}


def cosine_attention(lesson: ModuleType, library: str, run_away: bool = False) -> Case:
    """Swin V2 on cosines. `run_away`: the first head's scale is learned to be 165, the second's just below 100."""
    theirs = SWIN_V2[library]()

    def forward(layer: nn.Module, x: Tensor) -> Tensor:
        scale = layer.attn.logit_scale if hasattr(layer, "attn") else layer.log_scale
        if run_away:  # the layer is the harness's own copy
            scale.data[:2] = math.log(100) + torch.tensor([0.5, -0.01]).to(x)[:, None, None]
        return layer(x)

    return Case(lesson.CosineAttention(DIM, HEADS), theirs, tokens(), theirs.names, forward, forward)


def encoder_layer(lesson: ModuleType) -> Case:
    theirs = nn.TransformerEncoderLayer(
        DIM, HEADS, dim_feedforward=4 * DIM, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    names = renamed(
        ("self_attn.in_proj_", "attn.qkv."), ("self_attn.out_proj", "attn.out"),
        ("linear1", "mlp.fc1"), ("linear2", "mlp.fc2"),
    )  # fmt: skip
    return Case(lesson.Layer(DIM, HEADS), theirs, tokens(), names)


def timm_vit() -> nn.Module:
    """timm's ViT in the size of the lesson's Finder."""
    return reference("timm").models.vision_transformer.VisionTransformer(
        img_size=20, patch_size=4, in_chans=1, num_classes=4, embed_dim=32, depth=2, num_heads=4,
        norm_layer=nn.LayerNorm,
    )  # fmt: skip


def finder(lesson: ModuleType) -> Case:
    """timm's patch embedding is a convolution: its kernel (D, 1, P, P) is the lesson's matrix (D, P·P)."""

    def names(parameters: Named) -> dict[str, Tensor]:
        ours = renamed(
            ("patch_embed.proj", "patch"), ("pos_embed", "pos"), ("cls_token", "cls"), ("blocks", "layers"),
            ("attn.proj", "attn.out"),
        )(parameters)  # fmt: skip
        return ours | {"patch.weight": ours["patch.weight"].flatten(1)}

    return Case(lesson.Finder(), timm_vit(), tensor(3, 1, 20, 20), names)


# Nine heads for a convolution.


class Taps(nn.Module):
    """A kernel (C_out, C_in, K, K) applied by one head for each tap, in float64 or float32."""

    def __init__(self, lesson: ModuleType, kernel: Tensor):
        super().__init__()
        self.attend, self.looking_at = lesson.attend, lesson.looking_at
        self.weight = nn.Parameter(kernel.detach().clone())

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        places = torch.cartesian_prod(torch.arange(height), torch.arange(width))
        x, middle = images.flatten(2).mT, len(self.weight[0, 0]) // 2
        summed = 0
        for row, column in itertools.product(range(2 * middle + 1), repeat=2):
            offset = torch.tensor([row, column]) - middle
            q, k = (t.to(x) for t in self.looking_at(places, offset))
            summed = summed + self.attend(q, k, x @ self.weight[:, :, row, column].T, scale=1.0)[0]
        return summed.mT.unflatten(2, (height, width))


def heads_as_taps(lesson: ModuleType, grid: tuple[int, int] = GRID, side: int = 3) -> Case:
    """Beyond the border, the head finds the border's place: padding by repetition."""
    theirs = nn.Conv2d(4, 6, side, padding=side // 2, padding_mode="replicate", bias=False)
    return Case(Taps(lesson, theirs.weight), theirs, tensor(2, 4, *grid))


# Cheaper attention.


def flash(lesson: ModuleType, tile: int, keys: int = 11) -> Case:
    """Tiles that divide the numbers of queries and keys or do not."""
    return function(
        lambda x: lesson.flash_attend(*cut(x, 7, keys), tile),
        lambda x: F.scaled_dot_product_attention(*cut(x, 7, keys)),
        tensor(7 + 2 * keys, HEAD_DIM),
    )


def merged_blocks(lesson: ModuleType) -> Case:
    """Exercise 3.3: four and five keys apart, then nine at once; the answer and the log-sum-exp."""

    def mine(x: Tensor) -> Tensor:
        q, k, v = cut(x, 7, 9)
        parts = []
        for keys, values in zip(k.split([4, 5]), v.split([4, 5]), strict=True):
            scores = q @ keys.mT / HEAD_DIM**0.5
            parts += [scores.softmax(dim=-1) @ values, scores.logsumexp(dim=-1)]
        answer, lse = lesson.merge_blocks(*parts)
        return side_by_side(answer, lse[:, None])

    def theirs(x: Tensor) -> Tensor:
        q, k, v = cut(x, 7, 9)
        exponentials = torch.einsum("id,jd->ij", q, k).div(HEAD_DIM**0.5).exp()
        return side_by_side(F.scaled_dot_product_attention(q, k, v), exponentials.sum(dim=-1, keepdim=True).log())

    return function(mine, theirs, tensor(25, HEAD_DIM))


def linear(lesson: ModuleType) -> Case:
    """All N × M similarities at once, and elu(t) + 1 by its definition."""

    def positive(t: Tensor) -> Tensor:
        return torch.where(t > 0, t + 1, t.exp())

    def theirs(x: Tensor) -> Tensor:
        q, k, v = cut(x, 7, 11)
        similar = torch.einsum("if,jf->ij", positive(q), positive(k))
        return torch.einsum("ij,jd,i->id", similar, v, 1 / similar.sum(dim=1))

    def mine(x: Tensor) -> Tensor:
        q, k, v = cut(x, 7, 11)
        return lesson.linear_attend(lesson.phi(q), lesson.phi(k), v)

    return function(mine, theirs, tensor(29, HEAD_DIM))


def windows(lesson: ModuleType, side: int = 6, window: int = 3) -> Case:
    """timm cuts the windows and joins them again; torch attends in each."""
    swin = reference("timm.models.swin_transformer")

    def theirs(x: Tensor) -> Tensor:
        size = (window, window)
        parts = (swin.window_partition(t.unflatten(0, (1, side, side)), size).flatten(1, 2) for t in x)
        mixed = F.scaled_dot_product_attention(*parts).unflatten(1, size)
        return swin.window_reverse(mixed, size, side, side).flatten(0, 2)

    return function(lambda x: lesson.window_attend(*x, side, window), theirs, tensor(3, side * side, HEAD_DIM))


def best_keys(q: Tensor, k: Tensor, keep: int) -> Tensor:
    """True for a key that fewer than `keep` others beat."""
    scores = q @ k.mT
    return (scores[:, None] > scores[:, :, None]).sum(dim=-1) < keep


def top_k(lesson: ModuleType, keep: int = 4) -> Case:
    def theirs(x: Tensor) -> Tensor:
        q, k, v = cut(x, 7, 11)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=best_keys(q, k, keep))

    return function(lambda x: lesson.top_k_attend(*cut(x, 7, 11), keep), theirs, tensor(29, HEAD_DIM))


# Looking into attention.


def maps_of(x: Tensor) -> Tensor:
    """Attention weights out of any numbers; blocks first."""
    return x.softmax(dim=-1)


def sum_over_paths(steps: Tensor) -> Tensor:
    """Steps (L, B, N, N), first block first: from every place after the last block to every input, (B, N, N).

    A path is one place before each block and one after the last; it carries the product of its steps.
    """
    depth, _, n, _ = steps.shape
    table = [[0] * n for _ in range(n)]
    for path in itertools.product(range(n), repeat=depth + 1):
        carried = 1
        for block, (before, after) in enumerate(itertools.pairwise(path)):
            carried = carried * steps[block, :, after, before]
        table[path[-1]][path[0]] = table[path[-1]][path[0]] + carried
    return torch.stack([torch.stack(row, dim=-1) for row in table], dim=-2)


def shares(weights: Tensor, residual: float) -> Tensor:
    """Steps of a block with a residual connection, each row's divided by their sum; weights (…, N, N)."""
    mixed = residual * torch.eye(weights.shape[-1]).to(weights) + (1 - residual) * weights
    return mixed / mixed.sum(dim=-1, keepdim=True)


def rollout(lesson: ModuleType, residual: bool = True, smallest: bool = False) -> Case:
    """Three blocks (3, B, h, N, N), heads fused by their mean or their minimum."""

    def mine(x: Tensor) -> Tensor:
        fuse = (lambda w: w.amin(dim=1)) if smallest else None
        return lesson.rollout(list(maps_of(x)), residual, fuse)

    def theirs(x: Tensor) -> Tensor:
        weights = maps_of(x)
        fused = weights.min(dim=2).values if smallest else weights.sum(dim=2) / HEADS
        return sum_over_paths(shares(fused, residual / 2))

    return function(mine, theirs, 2 * tensor(3, 2, HEADS, 4, 4))


def rollout_by_block(lesson: ModuleType, share: float = 0.5) -> Case:
    """Exercise 3.4: one table after each block."""

    def theirs(x: Tensor) -> Tensor:
        steps = shares(maps_of(x), share)[:, None]
        return torch.cat([sum_over_paths(steps[:depth]) for depth in (1, 2, 3)])

    return function(lambda x: lesson.rollout_by_block(maps_of(x), share), theirs, 2 * tensor(3, 4, 4))


class PatchesFirst(nn.Module):
    """A norm of tokens (B, 1 + N, D) whose patches pass `here` as features of places (B, D, N), as captum wants."""

    def __init__(self, norm: nn.Module):
        super().__init__()
        self.norm, self.here, self.cls = norm, nn.Identity(), 1

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        return torch.cat([y[:, : self.cls], self.here(y[:, self.cls :].mT).mT], dim=1)


LABELS = torch.tensor([2, 0, 3])
PROBABILITIES = partial(F.softmax, dim=-1)


def grad_cam(
    lesson: ModuleType,
    labels: Tensor = LABELS,
    relu: bool = True,
    cls: int = 1,
    of: Callable[[Tensor], Tensor] = lambda y: y,
) -> Case:
    """captum at the norm of the Finder's last block. [CLS] is no place: its gradient does not count.

    `labels`, `relu`, `cls` (how many tokens are no place) and `of`, a function of the logits, are the reference's.
    """
    captum = reference("captum.attr")
    theirs = lesson.Finder()
    theirs.layers[-1].norm1 = PatchesFirst(theirs.layers[-1].norm1)

    def theirs_forward(model: nn.Module, images: Tensor) -> Tensor:
        norm = model.layers[-1].norm1
        norm.cls = cls  # the model is the harness's own copy
        cam = captum.LayerGradCam(lambda x: of(model(x)), norm.here)
        with torch.enable_grad():
            return cam.attribute(images, target=labels, relu_attributions=relu)[:, 0, 1 - cls :].detach()

    def mine_forward(model: nn.Module, images: Tensor) -> Tensor:
        with torch.enable_grad():
            return lesson.grad_cam(model, model.layers[-1].norm1, images, LABELS)

    names = renamed(("norm1.norm", "norm1"))
    return Values(lesson.Finder(), theirs, tensor(3, 1, 20, 20), names, mine_forward, theirs_forward)


def erasing(
    lesson: ModuleType,
    labels: Tensor = LABELS,
    grey: float = 0.5,
    of: Callable[[Tensor], Tensor] = PROBABILITIES,
) -> Case:
    """captum's ablation of one group of pixels at a time; every pixel of a patch is given what the patch is worth.

    `labels`, `grey` and `of`, a function of the logits, are the reference's.
    """
    captum = reference("captum.attr")
    patches = torch.arange(25).unflatten(0, (5, 5)).repeat_interleave(4, 0).repeat_interleave(4, 1)

    def theirs(model: nn.Module, images: Tensor) -> Tensor:
        ablation = captum.FeatureAblation(lambda x: of(model(x)))
        worth = ablation.attribute(images, baselines=grey, target=labels, feature_mask=patches[None, None])
        return worth[:, 0, ::4, ::4].flatten(1)

    def mine(model: nn.Module, images: Tensor) -> Tensor:
        return lesson.erasing(model, images, LABELS)

    return Values(lesson.Finder(), lesson.Finder(), tensor(3, 1, 20, 20), mine_forward=mine, theirs_forward=theirs)


def distance(lesson: ModuleType) -> Case:
    """Pair by pair, on an oblong grid."""
    places = list(itertools.product(range(GRID[0]), range(GRID[1])))

    def theirs(x: Tensor) -> Tensor:
        weights = maps_of(x)
        pairs = itertools.product(enumerate(places), repeat=2)
        return sum(weights[..., i, j] * math.dist(a, b) for (i, a), (j, b) in pairs) / N

    def mine(x: Tensor) -> Tensor:
        return lesson.attention_distance(maps_of(x), torch.tensor(places).to(x))

    return function(mine, theirs, 2 * tensor(2, HEADS, N, N))


def entropy(lesson: ModuleType) -> Case:
    return function(
        lambda x: lesson.entropy(maps_of(x)),
        lambda x: torch.distributions.Categorical(logits=x).entropy(),
        2 * tensor(5, 9),
    )


def pixel_scores(lesson: ModuleType) -> Case:
    """torch unfolds the patches; each is standardised by hand, with the eps of LayerNorm."""

    def theirs(x: Tensor) -> Tensor:
        patches = F.unfold(x, 4, stride=4)[0].T
        spread = (patches.var(dim=1, correction=0, keepdim=True) + 1e-5).sqrt()
        patches = (patches - patches.mean(dim=1, keepdim=True)) / spread
        return torch.einsum("nf,f->n", patches, patches[7]) / math.sqrt(48)

    return function(lambda x: lesson.pixel_scores(x, 4, 7), theirs, tensor(1, 3, 12, 20))


def sight(lesson: ModuleType) -> Case:
    """A layer x -> A x W, whose derivatives are known: Aᵢⱼ times the sums of W's rows, whatever x is."""
    x, w = tensor(1, 7, 6, seed=8), tensor(6, 4, seed=9)

    def mine(a: Tensor) -> Tensor:
        return lesson.sight(lambda t: a @ t @ w.to(a), x.to(a))

    def theirs(a: Tensor) -> Tensor:
        return a.abs() * w.to(a).sum(dim=1).norm()

    forwards = {"mine_forward": lambda _, a: mine(a), "theirs_forward": lambda _, a: theirs(a)}
    return Values(Nothing(), Nothing(), tensor(7, 7), **forwards)


Build = Callable[[ModuleType], Case]
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
