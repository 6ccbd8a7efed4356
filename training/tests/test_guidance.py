"""The reduction and its inverse, the spectral gradient, guidance, and the noise keyed by pixel."""

import unittest

import numpy as np
from PIL import Image

from calor_training.consistency import consistent, in_null_space, pseudo_inverse, reduce, reduce_transposed, soft
from calor_training.guidance import Guidance, guided, rms
from calor_training.images import resized
from calor_training.metrics import order_violations
from calor_training.noise import normal_field, philox
from calor_training.spectrum import BANDS, SMALL_BANDS, Prior, band_weights, log_spectrum, spectral_loss


def scene(height: int, width: int, seed: int = 1) -> np.ndarray:
    """Smooth shapes, an edge and fine texture, whole levels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    image = 120 + 50 * np.sin(x / 9) * np.cos(y / 7) + 40 * (x + 2 * y > width) + rng.normal(0, 3, (height, width))
    return np.clip(np.rint(image), 0, 255)


class Consistency(unittest.TestCase):
    def test_the_reduction_is_pillows(self):
        for scale, (height, width) in ((2, (18, 26)), (4, (16, 44)), (4, (8, 4)), (3, (21, 30))):
            image = scene(height, width).astype(np.float32)
            expected = resized(image, width // scale, height // scale)
            np.testing.assert_allclose(reduce(image.astype(np.float64), scale), expected, atol=2e-4)

    def test_the_transpose(self):
        rng = np.random.default_rng(2)
        x, y = rng.normal(size=(16, 24)), rng.normal(size=(4, 6))
        self.assertAlmostEqual(np.sum(reduce(x, 4) * y), np.sum(x * reduce_transposed(y, 4)), places=10)

    def test_the_pseudo_inverse(self):
        small = np.random.default_rng(3).normal(size=(9, 13)) * 100
        for scale in (2, 4):
            np.testing.assert_allclose(reduce(pseudo_inverse(small, scale), scale), small, atol=1e-10)
        dense = pseudo_inverse(small[:3, :3], 4)
        matrix = np.kron(*(self.axis(12),) * 2)
        np.testing.assert_allclose(dense.ravel(), np.linalg.pinv(matrix) @ small[:3, :3].ravel(), atol=1e-9)

    @staticmethod
    def axis(length: int) -> np.ndarray:
        return np.stack([reduce(np.outer(e, np.ones(4)), 4)[:, 0] for e in np.eye(length)], 1)

    def test_a_result_is_within_the_threshold(self):
        high = scene(64, 80)
        small = np.rint(reduce(high, 4))
        blurry = np.asarray(Image.fromarray(small.astype(np.float32)).resize((80, 64), Image.BICUBIC), np.float64)
        for threshold in (0.0, 0.5):
            found = consistent(blurry, small, 4, threshold)
            self.assertLessEqual(np.abs(small - reduce(found, 4)).max(), threshold + 1e-9)
            self.assertLess(rms(found - high), rms(blurry - high))

    def test_the_null_space(self):
        change = np.random.default_rng(4).normal(size=(32, 40))
        free = in_null_space(change, 4)
        self.assertLess(np.abs(reduce(free, 4)).max(), 1e-12)
        np.testing.assert_allclose(in_null_space(free, 4), free, atol=1e-12)

    def test_soft(self):
        np.testing.assert_array_equal(soft(np.array([-2.0, -0.5, 0.2, 3.0]), 0.5), [-1.5, 0, 0, 2.5])

    def test_a_side_must_be_a_multiple(self):
        with self.assertRaisesRegex(ValueError, "multiple of 4"):
            reduce(np.zeros((10, 12)), 4)


class Spectrum(unittest.TestCase):
    def test_white_noise_has_its_variance_in_every_band(self):
        noise = np.random.default_rng(5).normal(0, 4, (256, 320))
        np.testing.assert_allclose(np.exp(log_spectrum(noise)[4:]), 16, rtol=0.2)
        np.testing.assert_allclose(np.exp(log_spectrum(noise[:128, :128]))[8:].mean(), 16, rtol=0.1)

    def test_the_gradient_by_finite_differences(self):
        image, rng = scene(40, 56), np.random.default_rng(6)
        target = log_spectrum(scene(40, 56, seed=9)) + rng.normal(0, 1, BANDS)
        for one_sided in (False, True):
            arguments = target, np.full(BANDS, 0.5), band_weights(4), one_sided
            loss, gradient = spectral_loss(image, *arguments)
            self.assertGreater(loss, 0)
            for _ in range(5):
                direction = rng.normal(size=image.shape)
                step = 1e-4
                up, down = (spectral_loss(image + s * step * direction, *arguments)[0] for s in (1, -1))
                expected = (up - down) / (2 * step)
                self.assertLess(abs(np.sum(gradient * direction) - expected), 1e-6 * max(1, abs(expected)))

    def test_the_loss_is_zero_at_its_target(self):
        image = scene(32, 48)
        loss, gradient = spectral_loss(image, log_spectrum(image), np.ones(BANDS), band_weights(4))
        self.assertEqual(loss, 0)
        self.assertEqual(np.abs(gradient).max(), 0)

    def test_bands_that_count(self):
        weights = band_weights(4)
        centres = (np.arange(BANDS) + 0.5) / (2 * BANDS)
        self.assertTrue((weights[centres < 0.125] == 0).all() and (weights[centres > 0.42] == 0).all())
        self.assertEqual(weights[(centres > 0.17) & (centres < 0.38)].min(), 1)


class Guiding(unittest.TestCase):
    def test_every_round_lowers_its_loss_and_keeps_consistency(self):
        high = scene(96, 128)
        small = np.rint(reduce(high, 4))
        coefficients = np.zeros((BANDS, SMALL_BANDS))
        coefficients[:, 0] = log_spectrum(high)
        prior = Prior(4, coefficients, np.full(BANDS, 0.3))
        blurry = np.asarray(Image.fromarray(small.astype(np.float32)).resize((128, 96), Image.BICUBIC), np.float64)
        found, losses = guided(blurry, small, Guidance(prior, rounds=4))
        self.assertEqual(len(losses), 4)
        for before, after in losses:
            self.assertLess(after, before)
        self.assertLessEqual(np.abs(small - reduce(found, 4)).max(), 0.5 + 1e-9)

    def test_order(self):
        image = np.kron(np.array([[0.0, 100], [50, 200]]), np.ones((8, 8)))
        self.assertEqual(order_violations(image, image), 0)
        self.assertEqual(order_violations(255 - image, image), 1)
        self.assertEqual(order_violations(image, np.full_like(image, 7)), 0)


class Noise(unittest.TestCase):
    def test_published_answers(self):
        cases = [((0,) * 4, (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
                 ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
                 ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
                  "d16cfe09 94fdcceb 5001e420 24126ea1")]
        for counter, key, expected in cases:
            self.assertEqual([f"{word:08x}" for word in philox(np.array(counter), key)], expected.split())

    def test_a_part_of_the_field_is_the_field_of_the_part(self):
        whole = normal_field(7, 2, 40, 30)
        np.testing.assert_array_equal(whole[11:20, 5:25], normal_field(7, 2, 9, 20, top=11, left=5))
        self.assertFalse(np.array_equal(whole, normal_field(7, 1, 40, 30)))

    def test_it_is_standard_normal(self):
        field = normal_field(2**40 + 1, 0, 400, 400)
        self.assertAlmostEqual(float(field.mean()), 0, delta=0.01)
        self.assertAlmostEqual(float(field.std()), 1, delta=0.01)
        self.assertAlmostEqual(float((field**4).mean()), 3, delta=0.1)


if __name__ == "__main__":
    unittest.main()
