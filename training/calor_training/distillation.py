"""Losses that make a one-step student of a residual-shift teacher by matching distributions.

The student's result x is diffused to x_t. A frozen teacher and a fake score, trained all the time on the student's own
results, both estimate the clean image; where they differ, x is moved. Written for the residual-shifting process, in which
a difference of scores is (1 - η) / (κ² η) times the difference of the estimates.

Sources: InstaRevive, arXiv 2504.15513 (noise scope and mixing by the present distance; its formulas were not available,
these are our own); DMD2, 2405.14867; f-distill, 2502.15681; TDM, 2503.06674; Phased DMD, 2510.27684; AlignProp, 2310.03739."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .shift_network import ShiftResolver
from .shifting import Schedule
from .spectrum import FLOOR

REACH = 3.0  # noise of up to so many distances between the student's result and the truth is used
LEAST_REGRESSION = 0.25
LOGIT_LIMIT, RATIO_LIMITS = 10.0, (0.1, 20.0)  # of f-distill's discriminator
PHASE = 1  # the step at which the second expert takes over
LEVELS = 127.5  # of a step of 1 in -1…1
SECTORS = 4  # directions of a tile's spectrum


# MARK: noise scope and mixing


def distance(found: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """[n]: root mean square of each sample."""
    return (found - clean).square().mean((1, 2, 3)).sqrt()


def widest_step(schedule: Schedule, gap: float) -> int:
    """The last step whose noise is at most `REACH` times the gap, but at least the second."""
    within = [t for t, noise in enumerate(schedule.noise) if noise <= REACH * gap]
    return max(1, within[-1] if within else 0)


def regression_share(gap: float, first_gap: float) -> float:
    """Regression dominates while the student is far from the truth, in units of the input's own distance."""
    return min(1.0, max(LEAST_REGRESSION, gap / first_gap))


# MARK: matching


def matching_gradient(found: torch.Tensor, fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """(fake estimate - real estimate) / mean |x - real estimate| of each sample: the same size for any contrast."""
    scale = (found - real).abs().mean((1, 2, 3), keepdim=True)
    return (fake - real) / scale.clamp_min(1e-6)


def matching_loss(found: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """A number whose gradient by `found` is `gradient` / count."""
    return 0.5 * (found - (found - gradient).detach()).square().mean()


def ratio_weights(logits: torch.Tensor, divergence: str) -> torch.Tensor:
    """[n]: f-distill's weight of each sample, from the discriminator's logits of real against fake; mean 1."""
    ratio = logits.clamp(-LOGIT_LIMIT, LOGIT_LIMIT).exp().clamp(*RATIO_LIMITS)
    weights = {"reverse-kl": torch.ones_like(ratio), "forward-kl": ratio, "jensen-shannon": ratio / (1 + ratio),
               "hellinger": ratio.sqrt(), "jeffreys": 1 + ratio}[divergence]
    return weights / weights.mean()


def bridge(schedule: Schedule, earlier: int, later: int) -> tuple[float, float, float]:
    """a, b, c of x_t = a x_s + b ε + c y for s = `earlier`, t = `later`: Phased DMD diffuses on from where a phase ends."""
    eta_s, eta_t = float(schedule.eta[earlier]), float(schedule.eta[later])
    a = (1 - eta_t) / (1 - eta_s)
    return a, schedule.kappa * (eta_t - a * a * eta_s) ** 0.5, eta_t - a * eta_s


# MARK: fake score


class Discriminator(nn.Module):
    """One logit for each sample, from the features of the fake score's trunk."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(width, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
                                    nn.Conv2d(width, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2))
        self.last = nn.Conv2d(width, 1, 1)

    def forward(self, features):
        return self.last(self.layers(features)).mean((1, 2, 3))


class FakeScore(nn.Module):
    """A network like the student's, trained on its results, with a discriminator on its features."""

    def __init__(self, network: ShiftResolver):
        super().__init__()
        self.network = network
        self.discriminator = Discriminator(network.trunk.exit.out_channels)

    def logits(self, state, given, step, half: bool):
        network = self.network
        residual = F.pixel_unshuffle(state, network.fold) - network.phases_of_y(given)
        return self.discriminator(network.features(network.c_in[step] * residual, given, step, half))

    def loss(self, found, state, clean, given, noise, step, half: bool, adversarial: bool) -> torch.Tensor:
        """Of estimates of the student's results from their diffused states, in units of F; and of telling them from clean images."""
        network = self.network
        error = (network(state, given, step, half=half) - found) / network.c_out[step]
        loss = error.square().mean()
        if adversarial:
            real = diffused(network, clean, given, noise, step)
            loss = loss + (F.softplus(self.logits(state, given, step, half)).mean()
                           + F.softplus(-self.logits(real, given, step, half)).mean())
        return loss


class Experts(nn.Module):
    """Two students: the first for the steps above `PHASE`, the second for the others. All samples of a batch share a step."""

    def __init__(self, first: ShiftResolver, second: ShiftResolver):
        super().__init__()
        self.members = nn.ModuleList([first, second])

    @property
    def schedule(self) -> Schedule:
        return self.members[0].schedule

    def start_image(self, given):
        return self.members[0].start_image(given)

    def forward(self, state, given, step, half: bool = False):
        return self.members[0 if int(step[0]) > PHASE else 1](state, given, step, half)


def moved(schedule: Schedule, state, found, start, step: int, to: int):
    """The state at step `to` that the deterministic sampler makes of the state at `step` and the estimate `found`."""
    k, m, j = (float(table[1]) for table in schedule.only([to, step]).deterministic)
    return k * found + m * state + j * start


def bridged(network: ShiftResolver, state, given, noise, step):
    """A state at `PHASE`, diffused on to `step`, which lies above it."""
    tables = np.array([bridge(network.schedule, PHASE, int(t)) for t in step], dtype=np.float32)
    a, b, c = (torch.from_numpy(tables[:, i].copy()).to(state)[:, None, None, None] for i in range(3))
    return a * state + b * noise + c * network.start_image(given)


def diffused(network: ShiftResolver, image, given, noise, step):
    eta, deviation = (torch.tensor(t, dtype=image.dtype, device=image.device)[step][:, None, None, None]
                      for t in (network.schedule.eta, network.schedule.noise))
    return image + eta * (network.start_image(given) - image) + deviation * noise


# MARK: reward


def reduced(image: torch.Tensor, scale: int) -> torch.Tensor:
    """Pillow's antialiased bicubic, without rounding."""
    height, width = image.shape[2:]
    return F.interpolate(image, (height // scale, width // scale), mode="bicubic", antialias=True)


def consistency_loss(image: torch.Tensor, given: torch.Tensor, scale: int) -> torch.Tensor:
    """Mean square of what the reduction differs by beyond half a level, in levels."""
    return F.softshrink((given - reduced(image, scale)) * LEVELS, 0.5).square().mean()


def tiles(image: torch.Tensor, side: int) -> torch.Tensor:
    """[n·k, 1, side, side]: tiles that overlap by half, without their mean, under Hann's window at unit power."""
    cut = image.unfold(2, side, side // 2).unfold(3, side, side // 2).reshape(-1, 1, side, side)
    line = torch.hann_window(side + 1, device=image.device, dtype=image.dtype)[1:]
    window = torch.outer(line, line)
    return (cut - cut.mean((2, 3), keepdim=True)) * window / window.square().mean().sqrt()


def spectrum_loss(image: torch.Tensor, clean: torch.Tensor, bands: int = 16, tile: int | None = None) -> torch.Tensor:
    """Mean square difference of log-spectra: radial ones of patches, above the second band; or of tiles of them, in four directions and
    a band for every fourth frequency, but at most `bands`, above the first.

    The mean power of a patch can be had by a burst in one place (docs/decisions/0014); that of a tile says where. A comb along an edge has
    the edge's radial power, but not its direction."""
    sectors, least = 1, 2
    if tile:
        image, clean, bands, sectors, least = tiles(image, tile), tiles(clean, tile), min(bands, tile // 4), SECTORS, 1
    height, width = image.shape[2:]
    down, across = torch.meshgrid(torch.fft.fftfreq(height, device=image.device), torch.fft.rfftfreq(width, device=image.device), indexing="ij")
    ring = (torch.hypot(down, across) * 2 * bands).long()
    sector = torch.round(torch.atan2(down, across) * sectors / math.pi).long() % sectors
    bins = torch.where((ring >= least) & (ring < bands), (ring - least) * sectors + sector, (bands - least) * sectors)
    member = F.one_hot(bins.flatten()).to(image.dtype)[:, :-1]

    def spectrum(x: torch.Tensor) -> torch.Tensor:
        power = torch.fft.rfft2(x * LEVELS, norm="ortho").abs().square().flatten(2)
        return torch.log(power @ member / member.sum(0).clamp_min(1) + FLOOR)

    return (spectrum(image) - spectrum(clean)).square().mean()


# MARK: methods


@dataclass(frozen=True)
class Method:
    """What the student's loss is made of. `fake_updates` are those of the fake score for each of the student's."""

    matching: float = 1.0  # weight
    regression: bool = True
    dynamic: bool = False  # noise scope and mixing by the present distance
    divergence: str = "reverse-kl"
    reward: float = 0.0  # weight of consistency and spectrum
    tiles: tuple[int, ...] = ()  # sides of the tiles whose spectra are rewarded, one sum for each; none: those of whole patches
    fake_updates: int = 5
    trajectory: bool = False  # the student walks down its own steps; each is matched at its own noise
    phased: bool = False  # one expert above `PHASE` and one from there on, each matched within its own interval

    @property
    def adversarial(self) -> bool:
        return self.divergence != "reverse-kl"


METHODS = {
    "regression": Method(matching=0.0, fake_updates=0),
    "dynamic": Method(dynamic=True),
    "reverse-kl": Method(),
    "dmd2": Method(regression=False),
    "jensen-shannon": Method(divergence="jensen-shannon"),
    "forward-kl": Method(divergence="forward-kl"),
    "trajectory": Method(trajectory=True),
    "phased": Method(phased=True),
    "reward": Method(matching=0.0, reward=0.01, fake_updates=0),
}
