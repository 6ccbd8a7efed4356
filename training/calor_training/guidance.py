"""Guidance of an estimate without ground truth: spectral and feature gradients in the null space of the reduction,
within a trust region, then exact consistency. Images in levels 0…255. Source: ../shared/design/algorithms.md 7.4."""

from dataclasses import dataclass

import numpy as np

from .consistency import ROUNDING_SLACK, consistent, in_null_space
from .spectrum import Prior, band_weights, spectral_loss

HALVINGS = 6  # of a step that would raise the loss; then the step is left out


@dataclass(frozen=True)
class Guidance:
    """`step` is the size of a step, in units of `deviation`, which is that of the residual in levels."""

    prior: Prior
    step: float = 0.1
    rounds: int = 1
    deviation: float = 0.0314 * 127.5
    trust: float = 0.25
    one_sided: bool = True
    threshold: float = ROUNDING_SLACK


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def guided(image: np.ndarray, small: np.ndarray, guidance: Guidance) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """The corrected image, and the spectral loss before and after each round; a round never raises it."""
    prior, losses = guidance.prior, []
    target, weights = prior.predicted(small), band_weights(prior.scale)

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        return spectral_loss(x, target, prior.deviations, weights, guidance.one_sided)

    for _ in range(guidance.rounds):
        before, gradient = loss(image)
        change = in_null_space(gradient, prior.scale)
        size = rms(change)
        if size == 0:
            losses.append((before, before))
            continue
        length = min(guidance.step, guidance.trust) * guidance.deviation / size
        after = before
        for _ in range(HALVINGS):
            candidate = image - length * change
            after = loss(candidate)[0]
            if after < before:
                image = candidate
                break
            length, after = length / 2, before
        losses.append((before, after))
    return consistent(image, small, prior.scale, guidance.threshold), losses
