"""What a figure shows, as arrays."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure


def drawn(figure: Figure) -> list[np.ndarray]:
    """The arrays of all pictures in a figure, in the order of drawing."""
    arrays = [np.asarray(image.get_array()) for ax in figure.axes for image in ax.images]
    plt.close(figure)
    return arrays


def assert_equal(found: list[np.ndarray], wanted: list[np.ndarray]) -> None:
    """Fails where one picture differs from the one wanted."""
    for number, (one, other) in enumerate(zip(found, wanted, strict=True)):
        np.testing.assert_allclose(one, other, atol=1e-6, err_msg=f"picture {number}")
