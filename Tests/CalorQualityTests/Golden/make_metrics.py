"""Writes metrics.json: pairs of small images and their metrics. Needs numpy, scipy and scikit-image."""
import json
import pathlib

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from skimage.measure import shannon_entropy

random = np.random.default_rng(3)


def scene(height, width, peak, channels=1):
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for c in range(channels):
        plane = 0.5 + 0.25 * np.sin(x / (3 + c)) * np.cos(y / 5) + 0.2 * (x + y > 50) - 0.2 * ((x - 20) ** 2 + (y - 15) ** 2 < 40)
        planes.append(plane + 0.02 * random.standard_normal((height, width)))
    return np.clip(np.round(np.stack(planes) * peak), 0, peak)


def damaged(image, peak):
    blurred = np.stack([ndimage.gaussian_filter(p, 0.8) for p in image])
    return np.clip(np.round(blurred + 0.03 * peak * random.standard_normal(image.shape)), 0, peak)


def gradient(a, b, peak):
    prewitt = np.array([[1, 0, -1]] * 3) / 3

    def magnitude(p):
        return np.hypot(ndimage.convolve(p, prewitt), ndimage.convolve(p, prewitt.T))[1:-1, 1:-1]

    m, n, c = magnitude(a), magnitude(b), 170 * (peak / 255) ** 2
    return float(np.mean((2 * m * n + c) / (m * m + n * n + c)))


def spectrum(p):
    h, w = p.shape
    window = np.outer(*(0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n) + 0.5) / n) for n in (h, w)))
    power = np.abs(np.fft.fft2((p - p.mean()) * window)) ** 2 / (window ** 2).sum()
    radius = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)[None, :])
    band = (radius * 64).astype(int)
    return np.array([power[band == b].mean() if (band == b).any() else 0 for b in range(32)])


def spectrum_distance(a, b, peak):
    floor = (peak / 255) ** 2 / 12
    return float(np.sqrt(np.mean((10 * np.log10((spectrum(b) + floor) / (spectrum(a) + floor))) ** 2)))


def order(a, b, threshold):
    h, w = a.shape[0] // 8 * 8, a.shape[1] // 8 * 8
    m, n = (p[:h, :w].reshape(h // 8, 8, w // 8, 8).mean((1, 3)) for p in (a, b))
    pairs = violations = 0
    for i in np.ndindex(m.shape):
        for j in np.ndindex(m.shape):
            if j > i and max(abs(i[0] - j[0]), abs(i[1] - j[1])) == 1 and abs(m[j] - m[i]) >= threshold:
                pairs += 1
                violations += (m[j] - m[i]) * (n[j] - n[i]) < 0
    return [pairs, int(violations)]


def noise(p):
    h, w = p.shape[0] // 2 * 2, p.shape[1] // 2 * 2
    a, b, c, d = p[0:h:2, 0:w:2], p[0:h:2, 1:w:2], p[1:h:2, 0:w:2], p[1:h:2, 1:w:2]
    return float(np.median(np.abs(a - b - c + d) / 2) / 0.674489750196082)


cases = []
for height, width, peak, channels in [(32, 48, 255, 1), (40, 37, 65535, 1), (32, 32, 255, 3)]:
    a = scene(height, width, peak, channels)
    b = damaged(a, peak)
    weights = np.array([0.299, 0.587, 0.114]).reshape(3, 1, 1)
    g, e = (a[0], b[0]) if channels == 1 else ((a * weights).sum(0), (b * weights).sum(0))
    studio = np.array([65.481, 128.553, 24.966]).reshape(3, 1, 1) / 255
    if channels == 1:
        u, v = 219 / 255 * a[0], 219 / 255 * b[0]
    else:
        u, v = (a * studio).sum(0), (b * studio).sum(0)
    metrics = {
        "psnrGrey": peak_signal_noise_ratio(g, e, data_range=peak),
        "psnrLuma": peak_signal_noise_ratio(u, v, data_range=peak),
        "psnrRGB": peak_signal_noise_ratio(a, b, data_range=peak),
        "ssim": structural_similarity(g, e, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=peak),
        "mae": np.abs(g - e).mean(), "maximum": np.abs(g - e).max(), "rmse": np.sqrt(((g - e) ** 2).mean()),
        "bias": (e - g).mean(), "gradientSimilarity": gradient(g, e, peak), "spectrum": spectrum_distance(g, e, peak),
        "entropy": shannon_entropy(a[0]), "noise": noise(b[0]),
    }
    small = None
    if height % 4 == 0 and width % 4 == 0 and channels == 1:
        reduced = np.asarray(Image.fromarray(b[0].astype(np.float32), "F").resize((width // 4, height // 4), Image.BICUBIC))
        low = np.clip(np.round(reduced + 2 * random.standard_normal(reduced.shape)), 0, peak)
        small = {"values": low.ravel().astype(int).tolist(), "consistency": float(np.sqrt(((low - reduced) ** 2).mean()))}
    cases.append({
        "width": width, "height": height, "peak": peak, "reference": a.reshape(channels, -1).astype(int).tolist(),
        "candidate": b.reshape(channels, -1).astype(int).tolist(), "metrics": {k: float(v) for k, v in metrics.items()},
        "order": order(g, e, peak / 255), "small": small,
    })
transforms = []
for n in [1, 2, 3, 7, 8, 12, 31, 64, 100]:
    z = random.standard_normal(n) + 1j * random.standard_normal(n)
    f = np.fft.fft(z)
    transforms.append({"input": [z.real.tolist(), z.imag.tolist()], "output": [f.real.tolist(), f.imag.tolist()]})
document = {"cases": cases, "transforms": transforms}
pathlib.Path(__file__).with_name("metrics.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
