"""Reference values for the residual-shifting sampler, written to sampler.json beside this file.

Needs NumPy and PyTorch. The process is written here the way the public PyTorch code of ResShift (Gaussian diffusion with
a spaced schedule) and SinSR (deterministic sampler) states it, in float64, from their papers; nothing is shared with the
Swift code. The "network" is a fixed function, so that only the sampler is measured. Noise is Philox4x32-10 with the
Box-Muller transform, keyed by place, as CounterNoise documents it.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch

MASK = (1 << 64) - 1


def mix(value):
    z = (value + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def philox(counter, key):
    c, k = list(counter), list(key)
    for round_ in range(10):
        if round_:
            k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
        first, second = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(second >> 32) ^ c[1] ^ k[0], second & 0xFFFFFFFF, (first >> 32) ^ c[3] ^ k[1], first & 0xFFFFFFFF]
    return c


def normals(seed, image_key, width, height, channel):
    mixed = mix((mix(seed) + image_key) & MASK)
    key = (mixed & 0xFFFFFFFF, mixed >> 32)
    field = np.zeros((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            bits = philox((x >> 2, y, channel, 0), key)
            a, b = bits[(x & 3) & ~1], bits[(x & 3) | 1]
            radius = math.sqrt(-2 * math.log((a + 0.5) / 2**32))
            angle = (b + 0.5) / 2**31 * math.pi
            field[y, x] = radius * (math.sin(angle) if x & 1 else math.cos(angle))
    return field


def published_roots(steps, min_noise, kappa, power=0.3, end=0.99, clamp=False):
    first = min(min_noise / kappa, min_noise)
    if clamp:
        first = min(first, math.sqrt(0.001))
    increase = math.exp(1 / (steps - 1) * math.log(end / first))
    base = np.ones(steps) * increase
    timestep = np.linspace(0, 1, steps, endpoint=True) ** power * (steps - 1)
    return np.power(base, timestep) * first


def network(x, index):
    return torch.tanh(0.8 * x + 0.05 * index) * 0.7 - 0.1 * x


class Process:
    def __init__(self, roots, kappa, prediction, scaling, deviation, used=None):
        used = list(range(len(roots))) if used is None else used
        self.index = used
        self.root = np.asarray([roots[i] for i in used])
        self.eta = self.root**2
        self.before = np.append(0.0, self.eta[:-1])
        self.alpha = self.eta - self.before
        self.kappa, self.prediction, self.scaling, self.deviation = kappa, prediction, scaling, deviation
        self.variance = kappa**2 * self.before / self.eta * self.alpha

    def scaled(self, x, t, y):
        if self.scaling == "latent":
            return x / math.sqrt(1 + self.kappa**2 * self.eta[t])
        if self.scaling == "pixel":
            return x / (1 + 3 * self.kappa * self.root[t])
        if self.scaling == "preconditioned":
            return (x - y) / math.sqrt(self.total(t))
        return x

    def total(self, t):
        return (1 - self.eta[t]) ** 2 * self.deviation**2 + self.kappa**2 * self.eta[t]

    def start(self, x, t, y):
        f = network(self.scaled(x, t, y), self.index[t])
        eta, root, kappa = self.eta[t], self.root[t], self.kappa
        if self.scaling == "preconditioned":
            v = self.total(t)
            return y + (1 - eta) * self.deviation**2 / v * (x - y) + self.deviation * kappa * root / math.sqrt(v) * f
        if self.prediction == "start":
            return f
        if self.prediction == "residual":
            return y - f
        if self.prediction == "epsilon":
            return (x - kappa * root * f - eta * y) / (1 - eta)
        return (x - f - eta * y) / (1 - eta)

    def run(self, y, prior, noise, deterministic, clip):
        last = len(self.eta) - 1
        x = y + self.kappa * self.root[last] * prior
        estimates = []
        for t in range(last, -1, -1):
            x0 = self.start(x, t, y)
            if clip:
                x0 = x0.clamp(-1, 1)
            estimates.append(x0)
            if deterministic:
                # the noise found in x is carried on (SinSR's ddim_sample)
                eps = (x - (1 - self.eta[t]) * x0 - self.eta[t] * y) / (self.kappa * self.root[t])
                x = x0 + self.before[t] * (y - x0) + self.kappa * math.sqrt(self.before[t]) * eps
            else:
                x = self.before[t] / self.eta[t] * x + self.alpha[t] / self.eta[t] * x0
                if t > 0:
                    x = x + math.sqrt(self.variance[t]) * noise(t)
        return estimates, x


CASES = [
    dict(name="start, latent, stochastic", steps=15, noise=0.04, kappa=2.0, clamp=True, prediction="start",
         scaling="latent", deterministic=False, clip=False),
    dict(name="start, latent, deterministic", steps=15, noise=0.04, kappa=2.0, clamp=True, prediction="start",
         scaling="latent", deterministic=True, clip=False),
    dict(name="start, pixel, four steps", steps=4, noise=0.2, kappa=2.0, clamp=False, prediction="start",
         scaling="pixel", deterministic=False, clip=True),
    dict(name="residual, pixel", steps=4, noise=0.2, kappa=2.0, clamp=False, prediction="residual", scaling="pixel",
         deterministic=True, clip=True),
    dict(name="epsilon, unscaled", steps=4, noise=0.2, kappa=2.0, clamp=True, prediction="epsilon", scaling="none",
         deterministic=False, clip=True),
    dict(name="scaled epsilon, latent", steps=4, noise=0.2, kappa=2.0, clamp=True, prediction="epsilon-scale",
         scaling="latent", deterministic=True, clip=True),
    dict(name="preconditioned", steps=4, noise=0.1, kappa=0.1, clamp=False, prediction="start",
         scaling="preconditioned", deviation=0.0314, deterministic=False, clip=True),
    dict(name="five of fifteen", steps=15, noise=0.04, kappa=2.0, clamp=True, prediction="start", scaling="latent",
         deterministic=True, clip=False, thinned=5),
    dict(name="one of fifteen", steps=15, noise=0.04, kappa=2.0, clamp=True, prediction="start", scaling="latent",
         deterministic=True, clip=False, thinned=1),
]


def main():
    width, height, seed, key = 7, 5, 12345, 99
    rows, columns = np.mgrid[0:height, 0:width]
    y = torch.tensor(np.sin(columns * 0.9) * np.cos(rows * 0.6) * 0.8)
    result = {"width": width, "height": height, "seed": seed, "imageKey": key, "y": y.flatten().tolist(), "cases": []}
    field = lambda channel: torch.tensor(normals(seed, key, width, height, channel).astype(np.float64))
    for case in CASES:
        roots = published_roots(case["steps"], case["noise"], case["kappa"], clamp=case["clamp"])
        count = case.get("thinned", case["steps"])
        used = [case["steps"] - 1] if count == 1 else [
            int(math.floor(i * (case["steps"] - 1) / (count - 1) + 0.5)) for i in range(count)]
        process = Process(roots, case["kappa"], case["prediction"], case["scaling"], case.get("deviation", 1.0), used)
        # Draw t of a run over `count` steps uses channel 16 (t + 1); the prior uses channel 0.
        estimates, final = process.run(y, field(0), lambda t: field(16 * (t + 1)), case["deterministic"], case["clip"])
        result["cases"].append({
            **case, "roots": roots.tolist(), "estimates": [e.flatten().tolist() for e in estimates],
            "final": final.flatten().tolist()})
    text = json.dumps(result, separators=(",", ":"))
    (Path(__file__).parent / "sampler.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
