"""From y down to x̂0: the stochastic sampler (ResShift) and the deterministic one (SinSR), over any schedule."""

from collections.abc import Callable

from .shifting import Schedule

Network = Callable  # (state, the network's number of the step) -> output; it scales its input itself
Correction = Callable  # (x̂0, index) -> x̂0: guidance, consistency


def start(schedule: Schedule, y, noise):
    """x at the last step: y, whole, plus κ q noise. What is left of the image, 1 - η, is ignored, as published."""
    return y + float(schedule.noise[-1]) * noise


def sampled(network: Network, schedule: Schedule, y, noises: list, *, prediction: str = "start", stochastic: bool,
            clamp: bool = True, correct: Correction | None = None) -> list:
    """All states from the first to the result. `noises[0]` starts the process; a stochastic step from t to t - 1 adds
    `noises[T - t]`, so a deterministic run needs one and a stochastic one T of them."""
    x = start(schedule, y, noises[0])
    states, last = [x], len(schedule.roots) - 1
    for index in range(last, -1, -1):
        estimate = schedule.estimate(prediction, network(x, schedule.steps[index]), x, y, index)
        if clamp:
            estimate = estimate.clip(-1, 1)
        if correct is not None:
            estimate = correct(estimate, index)
        if stochastic:
            of_state, of_estimate, deviation = (float(table[index]) for table in schedule.posterior)
            x = of_state * x + of_estimate * estimate
            if index > 0:
                x = x + deviation * noises[last - index + 1]
        else:
            k, m, j = (float(table[index]) for table in schedule.deterministic)
            x = k * estimate + m * x + j * y
        states.append(x)
    return states


def inverted(schedule: Schedule, earlier, estimate, y, index: int):
    """x_t from x_{t-1} of the deterministic sampler; t at least 1."""
    k, m, j = (float(table[index]) for table in schedule.deterministic)
    return (earlier - k * estimate - j * y) / m
