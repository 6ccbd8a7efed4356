"""Writes fusion.json: triples of small planes with mutual information and gradient transfer. Needs numpy and scipy."""
import json
import pathlib

import numpy as np
from scipy import ndimage

random = np.random.default_rng(11)


def mutual_information(a, b, peak):
    def levels(p):
        if peak == 255:
            return p.astype(int)
        return np.minimum((p - p.min()) / (p.max() - p.min()) * 256, 255).astype(int)

    joint = np.zeros((256, 256))
    np.add.at(joint, (levels(a).ravel(), levels(b).ravel()), 1)
    joint /= joint.sum()
    independent = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    there = joint > 0
    return float((joint[there] * np.log2(joint[there] / independent[there])).sum())


def sobel(p, peak):
    p = p / peak if peak == 255 else p / (p.max() - p.min())
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], float)
    dx = ndimage.correlate(p, kernel)[1:-1, 1:-1]
    dy = ndimage.correlate(p, kernel.T)[1:-1, 1:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.where(dx == 0, np.where(dy == 0, 0, np.pi / 2), np.arctan(dy / dx))
    return np.hypot(dx, dy), angle


def preserved(source, fused):
    (gs, angle_s), (gf, angle_f) = source, fused
    with np.errstate(divide="ignore", invalid="ignore"):
        strength = np.where(gs > gf, gf / gs, gs / gf)
    strength = np.where(gs == gf, 1, strength)
    turn = np.abs(np.abs(angle_s - angle_f) - np.pi / 2) / (np.pi / 2)
    q = 0.9994 / (1 + np.exp(-15 * (strength - 0.5))) * 0.9879 / (1 + np.exp(-22 * (turn - 0.8)))
    return np.where(gs > 0, q, 0)


def gradient_transfer(a, b, fused, peak):
    ea, eb, ef = (sobel(p, peak) for p in (a, b, fused))
    return float((preserved(ea, ef) * ea[0] + preserved(eb, ef) * eb[0]).sum() / (ea[0] + eb[0]).sum())


cases = []
for width, height, peak in [(23, 17, 255), (40, 31, 65535), (64, 48, 255)]:
    y, x = np.mgrid[0:height, 0:width]
    infrared = 0.4 + 0.4 * ((x - width / 2) ** 2 + (y - height / 2) ** 2 < 60) + 0.01 * random.standard_normal((height, width))
    visible = 0.5 + 0.2 * np.sign(np.sin(x / 2.5)) * (y > height / 3) + 0.02 * random.standard_normal((height, width))
    fused = 0.6 * infrared + 0.5 * (visible - ndimage.uniform_filter(visible, 5)) + 0.2
    a, b, f = (np.clip(np.round(p * peak), 0, peak) for p in (infrared, visible, fused))
    a[:3, :4] = a[0, 0]
    cases.append(
        {
            "width": width, "height": height, "peak": peak, "infrared": a.ravel().tolist(), "visible": b.ravel().tolist(),
            "fused": f.ravel().tolist(), "informationInfrared": mutual_information(a, f, peak),
            "informationVisible": mutual_information(b, f, peak), "informationSelf": mutual_information(a, a, peak),
            "gradientTransfer": gradient_transfer(a, b, f, peak), "gradientTransferSelf": gradient_transfer(a, a, a, peak),
        }
    )
pathlib.Path(__file__).with_name("fusion.json").write_text(json.dumps({"cases": cases}))
