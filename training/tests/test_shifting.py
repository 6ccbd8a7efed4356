"""Tables of the residual-shifting process against the values derived from the papers, and the samplers' algebra."""

import unittest

import numpy as np
import torch

from calor_training.samplers import inverted, sampled, start
from calor_training.shifting import OWN, PREDICTIONS, Schedule

FIFTEEN = Schedule.published(15, least_noise=0.04, kappa=2)
FOUR = Schedule.published(4, least_noise=0.2, kappa=2)
CLAMPED = Schedule.published(4, least_noise=0.2, kappa=2, clamped=True)


def numbers(text: str) -> np.ndarray:
    return np.array([float(word) for word in text.split()])


class Tables(unittest.TestCase):
    def near(self, found, expected: str, tolerance: float = 6e-6):
        np.testing.assert_allclose(np.asarray(found), numbers(expected), atol=tolerance, rtol=0)

    def test_fifteen_steps(self):
        self.near(FIFTEEN.roots, ".02 .11717 .1763 .23363 .29157 .35101 .41236 .47586 .54167 .60991 .68066 .75399 "
                                 ".82995 .90861 .99")
        self.near(FIFTEEN.eta, ".0004 .01373 .03108 .05458 .08502 .12321 .17004 .22644 .29341 .37199 .4633 .56849 "
                               ".68882 .82557 .9801")
        self.near(FIFTEEN.noise, ".04 .2343 .3526 .4673 .5831 .702 .8247 .9517 1.0833 1.2198 1.3613 1.508 1.6599 "
                                 "1.8172 1.98", 6e-5)

    def test_the_clamp_changes_four_steps_but_not_fifteen(self):
        self.near(FOUR.roots, ".1 .5201 .76138 .99")
        self.near(FOUR.eta, ".01 .2705 .5797 .9801")
        self.near(CLAMPED.roots, ".03162 .37644 .66732 .99")
        self.near(CLAMPED.eta, ".001 .14171 .44532 .9801")
        self.assertEqual(FIFTEEN, Schedule.published(15, least_noise=0.04, kappa=2, clamped=True))

    def test_posterior(self):
        of_state, of_estimate, deviation = FOUR.posterior
        self.near(of_state, "0 .03697 .46662 .59147")
        self.near(of_estimate, "1 .96303 .53338 .40853")
        self.near(deviation, "0 .19627 .75968 .97329")

    def test_deterministic_coefficients(self):
        k, m, j = FIFTEEN.deterministic
        self.near(k, "1 .83124 .34237 .25547 .21227 .18666 .1703 .15963 .15282 .14885 .14709 .14716 .14881 .15185 "
                     ".15617")
        self.near(m, "0 .1707 .66456 .75463 .80127 .83067 .85123 .86655 .8785 .88812 .89606 .90275 .90847 .91343 "
                     ".91778")
        self.near(j, "0 -.00194 -.00693 -.01011 -.01354 -.01733 -.02153 -.02619 -.03132 -.03696 -.04315 -.04991 "
                     "-.05728 -.06528 -.07395")
        k, m, j = FOUR.deterministic
        self.near(k, "1 .84974 .4424 .40499")
        self.near(m, "0 .19227 .6831 .76907")
        self.near(j, "0 -.04201 -.12549 -.17407")
        for schedule in (FIFTEEN, FOUR, CLAMPED, *OWN.values()):
            np.testing.assert_allclose(sum(schedule.deterministic), 1, atol=1e-15)

    def test_divisors(self):
        self.near(FOUR.divisor("latent"), "1.0198 1.4429 1.8218 2.2182", 6e-5)
        self.near(FOUR.divisor("pixel"), "1.6 4.1206 5.5683 6.94", 6e-5)

    def test_own_constants(self):
        own = OWN[4]
        self.near(own.roots, ".1 .5201 .7614 .99", 6e-5)
        self.near(own.noise, ".01 .052 .0761 .099", 6e-5)
        self.near(own.thinned(2).roots, ".1 .99", 1e-12)
        k, m, j = own.thinned(2).deterministic
        self.near([*k, *m, *j], "1 .988 0 .101 0 -.089", 6e-4)
        self.assertEqual(own.thinned(2).steps, (0, 3))
        self.assertEqual(own.thinned(1).steps, (3,))
        c_in, c_skip, c_out = own.conditioning(0.0314)
        self.near(c_in[[0, 3]], "30.6 10.1", 0.05)
        self.near(c_skip[[0, 3]], ".92 .002", 0.005)
        self.near(c_out[[0, 3]], ".0096 .0314", 1e-4)

    def test_conditioning_gives_unit_variance(self):
        rng, deviation, own = np.random.default_rng(1), 0.0314, OWN[4]
        residual, noise = rng.normal(0, deviation, 400_000), rng.normal(0, 1, 400_000)
        for index in range(4):
            c_in, c_skip, c_out = (table[index] for table in own.conditioning(deviation))
            r = own.diffused(residual, 0, noise, index)
            self.assertAlmostEqual(float(np.std(c_in * r)), 1, delta=0.01)
            self.assertAlmostEqual(float(np.std((residual - c_skip * r) / c_out)), 1, delta=0.01)


class Samplers(unittest.TestCase):
    def setUp(self):
        generator = torch.Generator().manual_seed(3)
        self.clean, self.y, *self.noises = torch.randn(6, 1, 1, 9, 7, generator=generator, dtype=torch.float64) * 0.3

    def test_predictions_recover_the_clean_image(self):
        for index in range(4):
            x = FOUR.diffused(self.clean, self.y, self.noises[0], index)
            outputs = {"start": self.clean, "residual": self.y - self.clean, "epsilon": self.noises[0],
                       "epsilon-scale": float(FOUR.noise[index]) * self.noises[0]}
            self.assertEqual(set(outputs), set(PREDICTIONS))
            for prediction, output in outputs.items():
                found = FOUR.estimate(prediction, output, x, self.y, index)
                torch.testing.assert_close(found, self.clean, atol=1e-11, rtol=0)
            torch.testing.assert_close(FOUR.noise_in(self.clean, x, self.y, index), self.noises[0])

    def test_a_perfect_network_arrives_at_the_clean_image(self):
        for stochastic in (False, True):
            states = sampled(lambda x, t: self.clean, FOUR, self.y, self.noises, stochastic=stochastic, clamp=False)
            torch.testing.assert_close(states[-1], self.clean)
            self.assertEqual(len(states), 5)

    def test_deterministic_steps_carry_the_same_noise(self):
        # From a true x_t on, every state is the diffused image with the noise of the start.
        index = 3
        x = FOUR.diffused(self.clean, self.y, self.noises[0], index)
        for index in range(3, 0, -1):
            k, m, j = (float(c[index]) for c in FOUR.deterministic)
            x = k * self.clean + m * x + j * self.y
            torch.testing.assert_close(x, FOUR.diffused(self.clean, self.y, self.noises[0], index - 1))

    def test_the_inverse_step_undoes_a_step(self):
        x = start(FOUR, self.y, self.noises[0])
        k, m, j = (float(c[3]) for c in FOUR.deterministic)
        earlier = k * self.clean + m * x + j * self.y
        torch.testing.assert_close(inverted(FOUR, earlier, self.clean, self.y, 3), x)

    def test_a_stochastic_step_has_the_posterior_variance(self):
        generator = torch.Generator().manual_seed(5)
        clean, y = torch.tensor(0.2, dtype=torch.float64), torch.tensor(-0.1, dtype=torch.float64)
        noise = [torch.randn(200_000, generator=generator, dtype=torch.float64) for _ in range(2)]
        x = FOUR.diffused(clean, y, noise[0], 3)
        a, b, s = (float(c[3]) for c in FOUR.posterior)
        earlier = a * x + b * clean + s * noise[1]
        self.assertAlmostEqual(float(earlier.std()), float(FOUR.noise[2]), delta=0.01)
        self.assertAlmostEqual(float(earlier.mean()), float(FOUR.diffused(clean, y, 0.0, 2)), delta=0.01)

    def test_without_noise_and_with_one_step_the_result_is_one_pass(self):
        one = FOUR.thinned(1)
        states = sampled(lambda x, t: x * 0.5, one, self.y, [torch.zeros_like(self.y)], stochastic=False, clamp=False)
        torch.testing.assert_close(states[-1], self.y * 0.5)


if __name__ == "__main__":
    unittest.main()
