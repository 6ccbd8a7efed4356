#!/usr/bin/env python3
"""Counts and kelvin from the published formulas, with NumPy: writes planck.csv beside this script.

The model is that of Thermimage's raw2temp (G. Tattersall, 2017), solved for the object term by term as published there:
air before the window, the window, air behind it. `whole` has one layer of air in front of the window, as FLIR's formula.

    python3 planck.py
"""
import csv
import itertools
import os

import numpy as np


def celsius(kelvin):
    return kelvin - 273.15


def raw2kelvin(raw, p):
    """raw2temp, in kelvin."""
    h2o = p["humidity"] * np.exp(
        1.5587 + 0.06939 * celsius(p["air"]) - 0.00027816 * celsius(p["air"]) ** 2 + 0.00000068455 * celsius(p["air"]) ** 3)

    def tau(metres):
        return p["x"] * np.exp(-np.sqrt(metres) * (p["a1"] + p["b1"] * np.sqrt(h2o))) + (1 - p["x"]) * np.exp(
            -np.sqrt(metres) * (p["a2"] + p["b2"] * np.sqrt(h2o)))

    if p["path"] == "halves":
        tau1 = tau2 = tau(p["distance"] / 2)
    else:
        tau1, tau2 = tau(p["distance"]), 1.0

    def radiance(kelvin):
        return p["r1"] / (p["r2"] * (np.exp(p["b"] / kelvin) - p["f"])) - p["o"]

    e, irt = p["emissivity"], p["window_transmission"]
    raw_refl1_attn = (1 - e) / e * radiance(p["reflected"])
    raw_atm1_attn = (1 - tau1) / e / tau1 * radiance(p["air"])
    raw_wind_attn = (1 - irt) / e / tau1 / irt * radiance(p["window"])
    raw_atm2_attn = (1 - tau2) / e / tau1 / irt / tau2 * radiance(p["air"])
    raw_obj = raw / e / tau1 / irt / tau2 - raw_atm1_attn - raw_atm2_attn - raw_wind_attn - raw_refl1_attn
    return p["b"] / np.log(p["r1"] / (p["r2"] * (raw_obj + p["o"])) + p["f"])


def cases():
    cameras = [  # r1, r2, b, f, o, counts: the orders of magnitude of three generations of cameras
        (21170.0, 0.012756742, 1501.9, 1.0, -7482, (16053, 17182, 18137)),
        (17662.397, 0.0523279, 1448.2, 1.3, -4096, (6525, 6869, 7302)),
        (17096.453, 0.0465821, 1428.0, 1.0, -267, (3233, 3711, 6859)),
    ]
    air = dict(a1=0.006569, a2=0.01262, b1=-0.002276, b2=-0.00667, x=1.9)
    for (r1, r2, b, f, o, counts), emissivity, distance, humidity, window, path in itertools.product(
            cameras, (1.0, 0.95, 0.6), (0.0, 1.0, 40.0), (0.0, 0.5), (1.0, 0.9), ("halves", "whole")):
        for raw in counts:
            p = dict(r1=r1, r2=r2, b=b, f=f, o=o, emissivity=emissivity, distance=distance, humidity=humidity, reflected=285.15,
                     air=297.65, window=291.15, window_transmission=window, path=path, **air)
            yield raw, p, raw2kelvin(np.float64(raw), p)


if __name__ == "__main__":
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "planck.csv")
    keys = ["r1", "r2", "b", "f", "o", "emissivity", "distance", "humidity", "reflected", "air", "window", "window_transmission", "a1",
            "a2", "b1", "b2", "x", "path"]
    with open(out, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["counts"] + keys + ["kelvin"])
        for raw, p, kelvin in cases():
            writer.writerow([raw] + [p[k] for k in keys] + [repr(float(kelvin))])
