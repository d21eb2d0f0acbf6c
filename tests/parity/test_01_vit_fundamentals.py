"""Lesson 1's ViT is the published ViT: same function, same gradient, same parameter and operation counts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from tests.parity import lesson_01 as vit
from tests.parity.harness import (
    assert_every_parameter_matters,
    compare,
    copy_parameters,
    count,
    generator,
    on_meta,
    randomise,
    reference,
)
from tools.lesson.definitions import load_definitions

REFERENCES: dict[str, tuple[Callable[..., nn.Module], Callable[[nn.Module], dict[str, Tensor]]]] = {
    "transformers": (vit.transformers_vit, vit.from_transformers),
    "timm": (vit.timm_vit, vit.from_timm),
    "torchvision": (vit.torchvision_vit, vit.from_torchvision),
}


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return load_definitions(vit.LESSON)


def images(config: object, batch: int = 2) -> Tensor:
    shape = (batch, config.channels, config.image_size, config.image_size)
    return torch.randn(shape, generator=generator(7), dtype=torch.float64)


@pytest.mark.parametrize("package", REFERENCES)
def test_outputs_and_input_gradients_agree(lesson: ModuleType, package: str) -> None:
    build, translated = REFERENCES[package]
    config = vit.tiny_config(lesson)
    theirs = randomise(build(config), seed=1)
    assert_every_parameter_matters(theirs, images(config), except_for=keys_biases(theirs))
    mine = copy_parameters(lesson.ViT(config), translated(theirs))
    compare(mine, theirs, images(config))


def keys_biases(model: nn.Module) -> frozenset[str]:
    """A bias on the keys adds the same number to a whole row of scores: softmax, rightly, does not see it."""
    return frozenset(name for name, _ in model.named_parameters() if name.endswith("k_proj.bias"))


def test_attention_of_the_lesson_agrees_with_torchs_own_layer(lesson: ModuleType) -> None:
    dim, heads = 48, 3
    theirs = randomise(nn.MultiheadAttention(dim, heads, batch_first=True), seed=2)
    names = {"in_proj_weight": "qkv.weight", "in_proj_bias": "qkv.bias"}
    mine = copy_parameters(
        lesson.Attention(dim, heads),
        {names.get(name, name.replace("out_proj", "out")): value for name, value in theirs.named_parameters()},
    )
    tokens = torch.randn(2, 17, dim, generator=generator(3), dtype=torch.float64)
    compare(mine, theirs, tokens, theirs_forward=lambda layer, x: layer(x, x, x, need_weights=False)[0])


# Each of these damages a right reference, and the comparison has to notice. They keep every shape and every count, and
# use hooks, not closures over the model: the harness works on copies of it.
def _eps(model: nn.Module, eps: float, only: str = "") -> None:
    for name, module in model.named_modules():
        if isinstance(module, nn.LayerNorm) and name.startswith(only):
            module.eps = eps


def _tanh_gelu_in_one_block(model: nn.Module) -> None:
    model.blocks[1].mlp.act = nn.GELU(approximate="tanh")


def _values_and_keys_swapped(model: nn.Module) -> None:
    for parameter in model.blocks[0].attn.qkv.parameters():
        q, k, v = parameter.data.chunk(3)
        parameter.data = torch.cat([q, v, k])


def _heads_before_qkv(model: nn.Module) -> None:
    heads = model.blocks[0].attn.num_heads
    for parameter in model.blocks[0].attn.qkv.parameters():
        parts = parameter.data.unflatten(0, (heads, 3, -1)).transpose(0, 1)
        parameter.data = parts.flatten(0, 2).contiguous()


def _no_final_norm(model: nn.Module) -> None:
    model.norm.register_forward_hook(lambda norm, given, result: given[0])


def _pixels_ordered_pqc(model: nn.Module) -> None:
    weight = model.patch_embed.proj.weight
    weight.data = weight.data.permute(0, 2, 3, 1).reshape(weight.shape).contiguous()


def _patches_read_by_columns(model: nn.Module) -> None:
    model.patch_embed.register_forward_pre_hook(lambda patches, given: given[0].transpose(-2, -1))


def _scores_scaled_by_the_whole_width(model: nn.Module) -> None:
    attention = model.blocks[2].attn
    attention.fused_attn = False
    attention.scale = (attention.num_heads * attention.head_dim) ** -0.5


def _post_norm_attention(model: nn.Module) -> None:
    def post_norm(block: nn.Module, given: tuple[Tensor], _: Tensor) -> Tensor:
        x = block.norm1(given[0] + block.attn(given[0]))
        return x + block.mlp(block.norm2(x))

    model.blocks[0].register_forward_hook(post_norm)


def _mean_instead_of_cls(model: nn.Module) -> None:
    model.global_pool = "avg"


def _no_gradient_through_one_mlp(model: nn.Module) -> None:
    model.blocks[1].mlp.register_forward_hook(lambda mlp, given, result: result.detach())


DAMAGES: dict[str, tuple[Callable[[nn.Module], None], str]] = {
    "eps 1e-12 everywhere, 1e-6 is right": (partial(_eps, eps=1e-12), "outputs"),
    "eps 1e-5 in the final norm alone": (partial(_eps, eps=1e-5, only="norm"), "outputs"),
    "tanh GELU in one block": (_tanh_gelu_in_one_block, "outputs"),
    "k and v swapped in one block": (_values_and_keys_swapped, "outputs"),
    "qkv split as (h t d)": (_heads_before_qkv, "outputs"),
    "no final norm": (_no_final_norm, "outputs"),
    "pixels of a patch ordered (p q c)": (_pixels_ordered_pqc, "outputs"),
    "patches read by columns": (_patches_read_by_columns, "outputs"),
    "scores scaled by D, not by d": (_scores_scaled_by_the_whole_width, "outputs"),
    "Post-LN attention in one block": (_post_norm_attention, "outputs"),
    "mean of the patches instead of [CLS]": (_mean_instead_of_cls, "outputs"),
    "right values, gradient cut in one block": (_no_gradient_through_one_mlp, "gradients"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_comparison_notices(lesson: ModuleType, damage: str) -> None:
    apply, noticed_in = DAMAGES[damage]
    config = vit.tiny_config(lesson)
    theirs = randomise(vit.timm_vit(config), seed=1)
    mine = copy_parameters(lesson.ViT(config), vit.from_timm(theirs))
    apply(theirs)
    with pytest.raises(AssertionError, match=noticed_in):
        compare(mine, theirs, images(config))


def test_a_head_of_zeros_is_refused_as_a_reference(lesson: ModuleType) -> None:
    config = vit.tiny_config(lesson)
    untouched = vit.torchvision_vit(config).eval()  # torchvision initialises the head to zero: all logits are equal
    mine = copy_parameters(lesson.ViT(config), vit.from_torchvision(untouched))
    with pytest.raises(AssertionError, match="nearly constant"):
        compare(mine, untouched, images(config))


def test_a_parameter_without_effect_is_noticed(lesson: ModuleType) -> None:
    config = vit.tiny_config(lesson)
    theirs = randomise(vit.timm_vit(config), seed=1)
    theirs.head.weight.data.zero_()
    with pytest.raises(AssertionError, match="does not depend on"):
        assert_every_parameter_matters(theirs, images(config))


def test_a_forgotten_name_is_noticed(lesson: ModuleType) -> None:
    config = vit.tiny_config(lesson)
    translated = vit.from_timm(vit.timm_vit(config))
    translated["class_token"] = translated.pop("cls")
    with pytest.raises(AssertionError, match=r"no value for .*cls"):
        copy_parameters(lesson.ViT(config), translated)


@pytest.mark.parametrize("size", vit.TIMM_NAMES)
def test_full_size_parameter_counts_agree(lesson: ModuleType, size: str) -> None:
    config = lesson.vit_config(size)
    timm = reference("timm")
    mine = count(on_meta(lambda: lesson.ViT(config)))
    assert mine == count(on_meta(lambda: timm.create_model(vit.TIMM_NAMES[size], num_classes=config.classes)))
    assert mine == count(on_meta(lambda: vit.transformers_vit(config)))
    assert mine == lesson.count_parameters(on_meta(lambda: lesson.ViT(config)))
    assert mine == sum(lesson.parameter_formula(config).values())


@pytest.mark.parametrize(("size", "name"), [("B/16", "vit_b_16"), ("L/16", "vit_l_16"), ("H/14", "vit_h_14")])
def test_full_size_parameter_counts_agree_with_torchvision(lesson: ModuleType, size: str, name: str) -> None:
    models = reference("torchvision").models
    assert count(on_meta(lambda: lesson.ViT(lesson.vit_config(size)))) == count(on_meta(getattr(models, name)))


def test_the_published_counts(lesson: ModuleType) -> None:
    published = {"B/16": 86_567_656, "L/16": 304_326_632, "H/14": 632_045_800}
    assert {
        size: count(on_meta(lambda size=size: lesson.ViT(lesson.vit_config(size)))) for size in published
    } == published


@pytest.mark.parametrize("size", ["Ti/16", "S/16", "B/16", "B/32", "L/16", "H/14", "G/14"])
def test_the_macs_formula_counts_what_timm_executes(lesson: ModuleType, size: str) -> None:
    config = lesson.vit_config(size)
    assert 2 * sum(lesson.macs_formula(config).values()) == executed_flops(config)


def test_the_macs_formula_holds_for_odd_sizes(lesson: ModuleType) -> None:
    config = vit.tiny_config(lesson)
    assert 2 * sum(lesson.macs_formula(config).values()) == executed_flops(config)


def executed_flops(config: object) -> int:
    """Operations of one image through timm's ViT as torch counts them: 2 a multiply-accumulate, biases free."""
    from torch.utils.flop_counter import FlopCounterMode

    model = on_meta(lambda: vit.timm_vit(config)).eval()
    image = torch.empty(1, config.channels, config.image_size, config.image_size, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(image)
    return counter.get_total_flops()


GRIDS = [(4, (6, 6)), (4, (3, 5)), (6, (4, 4)), (3, (7, 2)), (4, (4, 4))]


def position_table(side: int) -> Tensor:
    return torch.randn(1, 1 + side**2, 10, generator=generator(5))


@pytest.mark.parametrize(("side", "new"), GRIDS)
def test_interpolated_positions_agree_with_timm(lesson: ModuleType, side: int, new: tuple[int, int]) -> None:
    layers = reference("timm.layers")
    pos = position_table(side)
    mine = lesson.interpolate_positions(pos, *new)
    # timm interpolates in float32 whatever it is given, so that is the precision of the comparison.
    wanted = layers.resample_abs_pos_embed(pos, list(new), [side, side], interpolation="bilinear", antialias=False)
    torch.testing.assert_close(mine, wanted, atol=1e-6, rtol=0)


def test_timm_notices_other_conventions(lesson: ModuleType) -> None:
    """The comparison above tells bicubic and antialiased tables apart; both are usual, too."""
    layers = reference("timm.layers")
    pos = position_table(6)
    mine = lesson.interpolate_positions(pos, 4, 4)
    for options in ({"interpolation": "bicubic", "antialias": False}, {"interpolation": "bilinear", "antialias": True}):
        assert (mine - layers.resample_abs_pos_embed(pos, [4, 4], [6, 6], **options)).abs().max() > 0.05


def test_interpolated_positions_keep_cls_and_a_constant_table(lesson: ModuleType) -> None:
    pos = position_table(4).double()
    pos[:, 1:] = torch.arange(10)
    resized = lesson.interpolate_positions(pos, 7, 5)
    assert resized.shape == (1, 36, 10)
    assert torch.equal(resized[:, :1], pos[:, :1])
    torch.testing.assert_close(resized[:, 1:], pos[:, 1:2].expand(-1, 35, -1), atol=1e-12, rtol=0)


def test_transformers_interpolates_positions_by_another_convention(lesson: ModuleType) -> None:
    """transformers resizes bicubically, the lesson bilinearly: the same positions only where nothing is resized.

    A checkpoint carried to another resolution by one of them is not the same model in the other. This test fails when
    transformers changes its mind.
    """
    config = vit.tiny_config(lesson)
    embeddings = randomise(vit.transformers_vit(config), seed=4).vit.embeddings
    pos = embeddings.position_embeddings.detach()
    side, new = config.image_size // config.patch_size, 6

    def theirs(grid: int) -> Tensor:
        pixels = grid * config.patch_size
        return embeddings.interpolate_pos_encoding(torch.empty(1, 1 + grid**2, config.dim), pixels, pixels).detach()

    table = pos[:, 1:].unflatten(1, (side, side)).permute(0, 3, 1, 2)
    bicubic = nn.functional.interpolate(table, size=(new, new), mode="bicubic").flatten(2).transpose(1, 2)
    torch.testing.assert_close(theirs(new)[:, 1:], bicubic, atol=1e-6, rtol=0)
    torch.testing.assert_close(lesson.interpolate_positions(pos, side, side), theirs(side), atol=1e-6, rtol=0)

    mine = lesson.interpolate_positions(pos, new, new)
    assert torch.equal(mine[:, 0], theirs(new)[:, 0])
    assert (mine - theirs(new)).abs().max() > 0.05


def test_the_authors_own_code_interpolates_from_corner_to_corner(lesson: ModuleType) -> None:
    """`scipy.ndimage.zoom(order=1)`, as in the ViT paper's code, maps the outermost patch centres onto each other.

    The lesson, like timm and transformers, maps the borders of the picture onto each other (`align_corners=False`).
    """
    zoom = reference("scipy.ndimage").zoom
    pos = position_table(4).double()
    zoomed = torch.from_numpy(zoom(pos[0, 1:].unflatten(0, (4, 4)).numpy(), (6 / 4, 6 / 4, 1), order=1))
    table = pos[:, 1:].unflatten(1, (4, 4)).permute(0, 3, 1, 2)
    corners = nn.functional.interpolate(table, size=(6, 6), mode="bilinear", align_corners=True)
    torch.testing.assert_close(zoomed, corners[0].permute(1, 2, 0), atol=1e-12, rtol=0)
    mine = lesson.interpolate_positions(pos, 6, 6)[0, 1:].unflatten(0, (6, 6))
    assert (mine - zoomed).abs().max() > 0.05
