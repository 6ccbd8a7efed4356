"""Writes shifting.json: schedules, sampler trajectories, consistency, spectrum, guidance and keyed noise.

From the references in training/calor_training, which training/tests hold to the published values. Needs numpy, scipy
and torch."""

import json
import pathlib
import sys

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "training"))

from calor_training.consistency import consistent, in_null_space, pseudo_inverse, reduce  # noqa: E402
from calor_training.guidance import Guidance, guided  # noqa: E402
from calor_training.noise import normal_field, philox  # noqa: E402
from calor_training.samplers import sampled  # noqa: E402
from calor_training.shifting import OWN, Schedule  # noqa: E402
from calor_training.spectrum import BANDS, SMALL_BANDS, Prior, band_weights, log_spectrum, spectral_loss  # noqa: E402


def rounded(values, digits: int = 12):
    """Lists of numbers with that many significant digits."""
    array = np.asarray(values, np.float64)
    return json.loads(json.dumps([float(f"{v:.{digits}g}") for v in array.ravel()]))


def schedules() -> list[dict]:
    cases = [dict(count=15, least_noise=0.04, kappa=2.0, clamped=False), dict(count=15, least_noise=0.04, kappa=2.0, clamped=True),
             dict(count=4, least_noise=0.2, kappa=2.0, clamped=False), dict(count=4, least_noise=0.2, kappa=2.0, clamped=True),
             dict(count=4, least_noise=0.1, kappa=0.1, clamped=False), dict(count=4, least_noise=0.1, kappa=0.05, clamped=False),
             dict(count=1, least_noise=0.1, kappa=0.1, clamped=False)]
    result = []
    for case in cases:
        schedule = Schedule.published(**case)
        tables = dict(zip(("ofState", "ofEstimate", "deviation"), map(rounded, schedule.posterior)))
        tables |= dict(zip(("k", "m", "j"), map(rounded, schedule.deterministic)))
        tables |= dict(zip(("cIn", "cSkip", "cOut"), map(rounded, schedule.conditioning(0.0314))))
        tables |= {"latentDivisor": rounded(schedule.divisor("latent")), "pixelDivisor": rounded(schedule.divisor("pixel"))}
        result.append({**case, "roots": rounded(schedule.roots), "eta": rounded(schedule.eta), **tables})
    return result


def toy(y):
    """What stands in for a network: output = 0.5 x + 0.25 y - 0.01 (t + 1)."""
    return lambda x, step: 0.5 * x + 0.25 * y - 0.01 * (step + 1)


def trajectories() -> list[dict]:
    rng = np.random.default_rng(11)
    y = torch.from_numpy(rng.uniform(-1, 1, (1, 1, 3, 4)))
    noises = [torch.from_numpy(rng.standard_normal((1, 1, 3, 4))) for _ in range(15)]
    result = []
    fifteen = Schedule.published(15, least_noise=0.04, kappa=2.0)
    cases = [("own", OWN[4], p, s) for p in ("start", "residual", "epsilon", "epsilon-scale") for s in (False, True)]
    cases += [("fifteen", fifteen, "start", False), ("fifteen", fifteen, "start", True),
              ("fifteen thinned to 3", fifteen.thinned(3), "residual", True), ("own thinned to 1", OWN[4].thinned(1), "start", False)]
    for name, schedule, prediction, stochastic in cases:
        states = sampled(toy(y), schedule, y, noises, prediction=prediction, stochastic=stochastic)
        result.append({"schedule": name, "roots": rounded(schedule.roots), "steps": list(schedule.steps), "kappa": schedule.kappa,
                       "prediction": prediction, "stochastic": stochastic, "y": rounded(y),
                       "noises": [rounded(n) for n in noises[: len(schedule.roots)]], "states": [rounded(s) for s in states]})
    return result


def scene(height: int, width: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    image = 120 + 50 * np.sin(x / 9) * np.cos(y / 7) + 40 * (x + 2 * y > width) + rng.normal(0, 3, (height, width))
    return np.clip(np.rint(image), 0, 255)


def consistency() -> list[dict]:
    result = []
    for scale, height, width in ((2, 12, 10), (4, 16, 24), (4, 4, 8)):
        image = scene(height, width, seed=scale + height)
        small = np.rint(reduce(scene(height, width, seed=5), scale))
        result.append({"scale": scale, "height": height, "width": width, "image": rounded(image), "small": rounded(small),
                       "reduced": rounded(reduce(image, scale)), "pseudoInverse": rounded(pseudo_inverse(small, scale)),
                       "exact": rounded(consistent(image, small, scale, 0)), "within": rounded(consistent(image, small, scale)),
                       "nullSpace": rounded(in_null_space(image, scale))})
    return result


def spectrum() -> dict:
    height, width = 24, 32
    image, other = scene(height, width, 1), scene(height, width, 2)
    target = log_spectrum(other) + np.linspace(-1, 1, BANDS)
    deviations, weights = np.full(BANDS, 0.4), band_weights(4)
    found = {"height": height, "width": width, "image": rounded(image), "logSpectrum": rounded(log_spectrum(image)),
             "target": rounded(target), "deviations": rounded(deviations), "weights": rounded(weights)}
    for name, one_sided in (("both", False), ("oneSided", True)):
        loss, gradient = spectral_loss(image, target, deviations, weights, one_sided)
        found |= {f"{name}Loss": loss, f"{name}Gradient": rounded(gradient)}
    coefficients = np.zeros((BANDS, SMALL_BANDS))
    coefficients[:, 0], coefficients[:, 1] = target, 0.05
    small = np.rint(reduce(image, 4))
    start = pseudo_inverse(small, 4)
    prior = Prior(4, coefficients, deviations)
    end, losses = guided(start, small, Guidance(prior, rounds=3))
    return found | {"small": rounded(small), "coefficients": rounded(coefficients), "predicted": rounded(prior.predicted(small)),
                    "guidedFrom": rounded(start), "guidedTo": rounded(end), "losses": [list(pair) for pair in losses]}


def noise() -> dict:
    counters = [(0, 0, 0, 0), (0xFFFFFFFF,) * 4, (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)]
    keys = [(0, 0), (0xFFFFFFFF,) * 2, (0xA4093822, 0x299F31D0)]
    words = [[int(word) for word in philox(np.array(c), k)] for c, k in zip(counters, keys)]
    seed = 0x1234_5678_9ABC
    return {"counters": counters, "keys": keys, "words": words,
            "seed": seed, "imageKey": 99, "channel": 2, "height": 3, "width": 7, "top": 17, "left": 41,
            "normal": rounded(normal_field(seed, 2, 3, 7, 17, 41, image_key=99))}


golden = {"schedules": schedules(), "trajectories": trajectories(), "consistency": consistency(), "spectrum": spectrum(), "noise": noise()}
(HERE / "shifting.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
