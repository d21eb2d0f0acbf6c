"""Lesson 5's windows, blocks and hierarchies beside their references, one case each.

timm, transformers and torchvision hold Swin, timm and transformers Swin V2. CSWin and Focal attention are in none.
"""

from __future__ import annotations

from functools import partial

from tests.parity.framework.cases import Build
from tests.parity.lesson_05.models import plain_segmenter, segmenter, swin
from tests.parity.lesson_05.slow import cswin, focal, stripe_attention
from tests.parity.lesson_05.version_2 import cosine_attention, swin_v2, swin_v2_block
from tests.parity.lesson_05.windows import (
    irregular,
    partition,
    patch_merging,
    split_squares,
    swin_block,
    undo_windows,
    unpartition,
    window_attention,
)

LESSON = "05_swin"
CASES: dict[str, Build] = {
    "partition = timm": partition,
    "unpartition = timm": unpartition,
    "exercise 5.1 = timm": undo_windows,
    "exercise 5.4 = torch": split_squares,
    **{
        f"window attention{', masked' if masked else ''} = {library}": partial(
            window_attention, library=library, masked=masked
        )
        for library in ("timm", "transformers")
        for masked in (False, True)
    },
    "window attention, M = 4 = timm": partial(window_attention, library="timm", window=4, masked=True),
    **{
        f"block{what} = {library}": partial(swin_block, library=library, size=size, window=window, shift=shift)
        for library in ("timm", "transformers", "torchvision")
        for what, size, window, shift in [
            ("", (6, 9), 3, 0), (", shifted", (9, 6), 3, 1), (", M = 4, shifted", (8, 12), 4, 2),
            (", padded", (7, 10), 3, 0),
        ]
    },
    **{
        f"block, padded and shifted = {library}": partial(swin_block, library=library, size=(7, 11), window=4, shift=2)
        for library in ("transformers", "torchvision")
    },
    **{
        f"block, odd window padded and shifted = {library}": partial(
            swin_block, library=library, size=(7, 10), window=5, shift=2
        )
        for library in ("transformers", "torchvision")
    },
    "block, one window high = transformers": partial(
        swin_block, library="transformers", size=(3, 9), window=3, shift=1
    ),
    "irregular windows = timm": irregular,
    "irregular windows, M = 4 = timm": partial(irregular, size=(8, 12), window=4, shift=2),
    **{
        f"merging{' V2' if version == 2 else ''}{', odd' if size[0] % 2 else ''} = {library}": partial(
            patch_merging, library=library, size=size, version=version
        )
        for version in (1, 2)
        for library in ("timm", "transformers", "torchvision")
        for size in ((4, 6), (5, 7))
    },
    "Swin = timm": partial(swin, library="timm", size=(48, 72)),
    "Swin, M = 4 = timm": partial(swin, library="timm", size=(64, 64), window=4),
    "Swin, padded = transformers": partial(swin, library="transformers", size=(27, 49)),
    "Swin = transformers": partial(swin, library="transformers", size=(24, 48)),
    "Swin, padded = torchvision": partial(swin, library="torchvision", size=(40, 56)),
    **{
        f"cosine attention{what} = {library}": partial(cosine_attention, library=library, **options)
        for library in ("timm", "transformers")
        for what, options in {
            "": {}, ", M = 3, masked": {"window": 3, "masked": True}, ", trained on 3": {"trained": 3},
            ", scale above the bound": {"run_away": True},
        }.items()
    },
    **{
        f"V2 block{what} = {library}": partial(swin_v2_block, library=library, size=size, window=window, shift=shift)
        for library in ("timm", "transformers")
        for what, size, window, shift in [("", (6, 9), 3, 0), (", shifted", (8, 12), 4, 2)]
    },
    "V2 block, padded and shifted = transformers": partial(
        swin_v2_block, library="transformers", size=(7, 11), window=3, shift=1
    ),
    "V2 block, map below a window = timm": partial(swin_v2_block, library="timm", size=(3, 3), window=4, shift=2),
    "V2 block, map lower than a window = transformers": partial(
        swin_v2_block, library="transformers", size=(3, 10), window=4, shift=2
    ),
    "Swin V2 = timm": partial(swin_v2, library="timm", size=(64, 64), window=4),
    **{
        f"Swin V2, last map below a window = {library}": partial(
            swin_v2, library=library, size=(32, 32), window=8
        )
        for library in ("timm", "transformers")
    },
    "Swin V2, padded = transformers": partial(swin_v2, library="transformers", size=(40, 56), window=4),
    "stripes = token by token": stripe_attention,
    "stripes, the map = token by token": partial(stripe_attention, size=(3, 4), stripe=(3, 4)),
    "CSWin = token by token": cswin,
    "CSWin, stripes of one = token by token": partial(cswin, size=(3, 4), stripe=1, heads=2),
    "Focal = query by query": focal,
    "Focal, wide margin = query by query": partial(focal, size=(6, 4), window=2, margin=3),
    "Focal, no margin = query by query": partial(focal, size=(4, 6), window=2, margin=0),
    "segmenter = torchvision": segmenter,
    "segmenter, two levels, odd = torchvision": partial(segmenter, levels=2, size=(22, 30)),
    "segmenter, last map = torchvision": partial(segmenter, levels=1),
    "plain segmenter = timm": plain_segmenter,
}  # fmt: skip
