"""The WGAN-GP step of CTGAN's shape in PyTorch, for scripts/benchmark.py: the same work as ours, eager or compiled.

Rows are picked from a table of wide rows in memory; the generator has concatenating blocks with batch norm and hard
Gumbel-softmax, the discriminator packs of ten and dropout; one step of each with Adam. Gradients by torch.func, whose
nested ones torch.compile can trace, where it cannot differentiate twice through what autograd recorded.
"""

import time
from typing import Any

import torch
from torch.func import grad, grad_and_value

WIDTHS, LATENT, PACK, DROPOUT, TEMPERATURE = (256, 256), 128, 10, 0.5, 0.2


def runs(sizes: list[int]) -> list[tuple[int, int, int]]:
    """Runs of equal sizes: (start, how many, size)."""
    out: list[tuple[int, int, int]] = []
    start = 0
    for size in sizes:
        if out and out[-1][2] == size:
            first, count, _ = out[-1]
            out[-1] = (first, count + 1, size)
        else:
            out.append((start, 1, size))
        start += size
    return out


def dense(inputs: int, outputs: int) -> dict[str, torch.Tensor]:
    """A layer's parameters."""
    bound = inputs**-0.5
    return {"w": torch.empty(inputs, outputs).uniform_(-bound, bound), "b": torch.zeros(outputs)}


def make(shape: dict[str, Any], batch: int) -> tuple[Any, Any]:
    """Parameters and a function of (generator, discriminator, real, condition) that gives both gradients."""
    scores, softmax, condition = shape["scores"], shape["softmax"], sum(shape["condition"])
    width, groups = scores + sum(softmax), runs(softmax)
    generator, inputs = {}, LATENT + condition
    for place, size in enumerate(WIDTHS):
        generator[f"d{place}"] = dense(inputs, size)
        generator[f"n{place}"] = {"w": torch.ones(size), "b": torch.zeros(size)}
        inputs += size
    generator["out"] = dense(inputs, width)
    discriminator, inputs = {}, PACK * (width + condition)
    for place, size in enumerate(WIDTHS):
        discriminator[f"d{place}"] = dense(inputs, size)
        inputs = size
    discriminator["out"] = dense(inputs, 1)

    def generate(parameters: Any, given: torch.Tensor) -> torch.Tensor:
        h = torch.cat([torch.randn(batch, LATENT), given], 1)
        for place in range(len(WIDTHS)):
            layer, normal = parameters[f"d{place}"], parameters[f"n{place}"]
            inner = h @ layer["w"] + layer["b"]
            inner = (inner - inner.mean(0)) * torch.rsqrt(inner.var(0, unbiased=False) + 1e-5)
            h = torch.cat([torch.relu(inner * normal["w"] + normal["b"]), h], 1)
        raw = h @ parameters["out"]["w"] + parameters["out"]["b"]
        parts = [torch.tanh(raw[:, :scores] / 4) * 4]
        for start, count, size in groups:
            logits = raw[:, scores + start : scores + start + count * size].reshape(batch, count, size)
            noisy = logits - torch.log(-torch.log(torch.rand_like(logits).clamp(1e-20, 1 - 1e-7)))
            soft = torch.softmax(noisy / TEMPERATURE, -1)
            hard = torch.nn.functional.one_hot(noisy.argmax(-1), size).to(soft.dtype)
            parts.append((hard + soft - soft.detach()).reshape(batch, -1))
        return torch.cat(parts, 1)

    def critic(parameters: Any, packs: torch.Tensor) -> torch.Tensor:
        h = packs
        for place in range(len(WIDTHS)):
            layer = parameters[f"d{place}"]
            h = torch.nn.functional.leaky_relu(h @ layer["w"] + layer["b"], 0.2)
            h = h * (torch.rand_like(h) > DROPOUT) / (1 - DROPOUT)
        return (h @ parameters["out"]["w"] + parameters["out"]["b"])[:, 0]

    def packed(rows: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        return torch.cat([rows, given], 1).reshape(batch // PACK, -1)

    def discriminator_gradient(generator: Any, discriminator: Any, real: torch.Tensor, given: torch.Tensor) -> Any:
        fake = generate(generator, given)
        left, right = packed(real, given), packed(fake, given)

        def loss(parameters: Any) -> torch.Tensor:
            both = critic(parameters, torch.cat([left, right]))
            mix = torch.rand(len(left), 1)
            slope = grad(lambda rows: critic(parameters, rows).sum())(mix * left + (1 - mix) * right)
            norm = torch.sqrt((slope**2).sum(1) + 1e-12)
            return both[len(left) :].mean() - both[: len(left)].mean() + 10 * ((norm - 1) ** 2).mean()

        return grad_and_value(loss)(discriminator)

    def generator_gradient(generator: Any, discriminator: Any, given: torch.Tensor) -> Any:
        def loss(parameters: Any) -> torch.Tensor:
            return -critic(discriminator, packed(generate(parameters, given), given)).mean()

        return grad_and_value(loss)(generator)

    return (generator, discriminator), (discriminator_gradient, generator_gradient)


def rate(shape: dict[str, Any], batch: int, seconds: float, compiled: bool) -> dict[str, float]:
    """Steps per second, and the seconds of the first step."""
    torch.manual_seed(0)
    (generator, discriminator), gradients = make(shape, batch)
    of_discriminator, of_generator = (torch.compile(one) if compiled else one for one in gradients)
    rows = torch.randn(shape["rows"], shape["scores"])
    hots = [
        torch.nn.functional.one_hot(torch.randint(0, size, (shape["rows"],)), size).float() for size in shape["softmax"]
    ]
    table = torch.cat([rows, *hots], 1)
    given = torch.cat(
        [
            torch.nn.functional.one_hot(torch.randint(0, size, (shape["rows"],)), size).float()
            for size in shape["condition"]
        ],
        1,
    )

    def leaves(tree: Any) -> list[torch.Tensor]:
        return [leaf for layer in tree.values() for leaf in layer.values()]

    optimizers = [torch.optim.Adam(leaves(tree), 2e-4, (0.5, 0.9)) for tree in (generator, discriminator)]

    def apply(tree: Any, found: Any, optimizer: Any) -> None:
        for leaf, slope in zip(leaves(tree), leaves(found), strict=True):
            leaf.grad = slope.detach()
        optimizer.step()

    def step() -> None:
        picked = torch.randint(0, len(table), (batch,))
        slope, _ = of_discriminator(generator, discriminator, table[picked], given[picked])
        apply(discriminator, slope, optimizers[1])
        picked = torch.randint(0, len(table), (batch,))
        slope, _ = of_generator(generator, discriminator, given[picked])
        apply(generator, slope, optimizers[0])

    began = time.perf_counter()
    step()
    first = time.perf_counter() - began
    for _ in range(5):
        step()
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        step()
        steps += 1
    return {"steps": steps / (time.perf_counter() - began), "first": first}
