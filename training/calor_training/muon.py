"""Muon: momentum whose matrix is made orthogonal before each step. Source: Jordan et al., 2024, "Muon: An optimizer
for hidden layers in neural networks"; the scale of the step is that of Liu et al., arXiv 2502.16982."""

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # Jordan's quintic: pushes all singular values near 1 in five rounds
ROUNDS = 5


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """[n, r, c]: about U V^T of the singular value decomposition of each matrix."""
    a, b, c = COEFFICIENTS
    wide = matrix.shape[1] <= matrix.shape[2]
    x = matrix if wide else matrix.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-12)
    for _ in range(ROUNDS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide else x.mT


class Muon(torch.optim.Optimizer):
    """For convolution weights [out, in, h, w], each seen as a matrix [out, in·h·w]. The step has the size of Adam's:
    0.2 in root mean square, times the rate."""

    def __init__(self, parameters, lr: float, momentum: float = 0.95):
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[torch.Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in by_shape.items():
                updates = []
                for parameter in parameters:
                    state = self.state[parameter]
                    if not state:
                        state["momentum"] = torch.zeros_like(parameter)
                    state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                    updates.append(parameter.grad.lerp(state["momentum"], group["momentum"]).flatten(1))
                stacked = orthogonal(torch.stack(updates))
                scale = 0.2 * max(stacked.shape[1:]) ** 0.5
                for parameter, update in zip(parameters, stacked):
                    parameter.add_(update.reshape(shape), alpha=-group["lr"] * scale)
