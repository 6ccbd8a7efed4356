"""The residual-shifting process (ResShift, SinSR): schedule, posterior, deterministic coefficients, conditioning.

All of it is small tables in double precision, stored with a model. Step t runs from 0 (nearly clean) to T - 1.
Sources: Yue et al., arXiv 2307.12348 and 2403.07319 (ResShift); Wang et al., arXiv 2311.14760 (SinSR)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

FIRST_RELEASE_CLAMP = np.sqrt(0.001)  # on the first root, in ResShift's first release, SinSR and DifIISR
PREDICTIONS = "start", "residual", "epsilon", "epsilon-scale"


@dataclass(frozen=True)
class Schedule:
    """`roots` are the square roots q of the shift η; `kappa` times a root is the deviation of the noise.

    `steps` are the numbers by which the network knows these steps, which differ from 0, 1, … after `thinned`.
    """

    roots: tuple[float, ...]
    kappa: float
    steps: tuple[int, ...]

    @staticmethod
    def published(count: int, *, least_noise: float, kappa: float, power: float = 0.3, last_root: float = 0.99,
                  clamped: bool = False) -> "Schedule":
        """q rises from q0 to `last_root` as a geometric sequence in (t / (T - 1)) to the `power`."""
        first = min(least_noise / kappa, least_noise)
        if clamped:
            first = min(first, FIRST_RELEASE_CLAMP)
        if count == 1:
            return Schedule((last_root,), kappa, (0,))
        progress = (np.arange(count) / (count - 1)) ** power
        roots = first * (last_root / first) ** progress
        return Schedule(tuple(float(q) for q in roots), kappa, tuple(range(count)))

    def thinned(self, count: int) -> "Schedule":
        """`count` of the steps, evenly spread, always with the last; the network still sees their original numbers."""
        if not 1 <= count <= len(self.roots):
            raise ValueError(f"{count} steps of a schedule that has {len(self.roots)}")
        last = len(self.roots) - 1
        kept = [last] if count == 1 else [round(i * last / (count - 1)) for i in range(count)]
        return self.only(kept)

    def only(self, kept: list[int]) -> "Schedule":
        """These steps, ascending; the network still sees their original numbers."""
        return Schedule(tuple(self.roots[i] for i in kept), self.kappa, tuple(self.steps[i] for i in kept))

    @cached_property
    def eta(self) -> np.ndarray:
        return np.asarray(self.roots) ** 2

    @cached_property
    def eta_before(self) -> np.ndarray:
        """η of t - 1; zero before the first step."""
        return np.concatenate([[0.0], self.eta[:-1]])

    @cached_property
    def noise(self) -> np.ndarray:
        """Deviation κ q."""
        return self.kappa * np.asarray(self.roots)

    # MARK: stochastic step

    @cached_property
    def posterior(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weight of x_t, weight of the estimate, and deviation of the noise to add."""
        alpha = self.eta - self.eta_before
        return (self.eta_before / self.eta, alpha / self.eta,
                self.kappa * np.sqrt(self.eta_before / self.eta * alpha))

    # MARK: deterministic step

    @cached_property
    def deterministic(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """k, m, j of x_{t-1} = k x̂0 + m x_t + j y; their sum is 1."""
        m = np.sqrt(self.eta_before / self.eta)
        j = self.eta_before - np.sqrt(self.eta_before * self.eta)
        return 1 - m - j, m, j

    # MARK: what the network is fed

    def divisor(self, variant: str) -> np.ndarray:
        """By which x_t is divided before a published network: for `latent` or `pixel` state."""
        return {"latent": np.sqrt(1 + self.noise**2), "pixel": 1 + 3 * self.noise}[variant]

    def conditioning(self, deviation: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """c_in, c_skip, c_out for a residual of this deviation: x̂0 = u + c_skip r + c_out F(c_in r), in which both
        the input and the target of F have unit variance."""
        signal = (1 - self.eta) ** 2 * deviation**2
        variance = signal + self.noise**2
        return (1 / np.sqrt(variance), (1 - self.eta) * deviation**2 / variance,
                deviation * self.noise / np.sqrt(variance))

    def estimate(self, prediction: str, found, x, y, index: int):
        """x̂0 from a network's output; `found`, `x` and `y` are arrays or tensors."""
        eta, noise = float(self.eta[index]), float(self.noise[index])
        if prediction == "start":
            return found
        if prediction == "residual":
            return y - found
        if prediction == "epsilon":
            return (x - noise * found - eta * y) / (1 - eta)
        if prediction == "epsilon-scale":
            return (x - found - eta * y) / (1 - eta)
        raise ValueError(f"`{prediction}` is none of {', '.join(PREDICTIONS)}")

    def noise_in(self, estimate, x, y, index: int):
        """ε̂, given x̂0."""
        eta = float(self.eta[index])
        return (x - (1 - eta) * estimate - eta * y) / float(self.noise[index])

    def diffused(self, clean, y, noise, index: int):
        """x_t: the clean image moved η of the way to y, plus κ q noise."""
        return clean + float(self.eta[index]) * (y - clean) + float(self.noise[index]) * noise


# Kappa is far below the published 2.0, which was tuned to latents: the last noise is about three times the residual.
OWN = {scale: Schedule.published(4, least_noise=0.1, kappa=kappa) for scale, kappa in ((1, 0.25), (2, 0.05), (4, 0.1))}
# Of the clean image minus y, images in -1…1: minus bicubic on M3FD pairs; minus the damaged image, mean of both kinds
# over the damages of training (infrared 0.064, RGB 0.090).
RESIDUAL_DEVIATION = {1: 0.08, 2: 0.0142, 4: 0.0314}
