"""A multilayer perceptron of Scalars, without arrays.

It needs only `minigrad.scalar`.

    python -m models.scalar_mlp

trains 2-16-16-1 neurons on two moons with full-batch gradient descent, in four seconds to a test accuracy of 98 %. It
is the task of micrograd's demo: a hinge loss with a little weight decay, and a learning rate that falls from 1 to 0.1.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from minigrad.data import Examples, Moons
from minigrad.engine import random
from minigrad.scalar import Scalar, weighted_sum


class Neuron:
    """A neuron: activation(Σ wᵢ·xᵢ + b).

    Initial weights are between -1 and 1, the initial bias is 0.

    Args:
        in_features: the number of inputs.
        activation: the activation applied to the weighted sum; None for none.
    """

    def __init__(self, in_features: int, activation: Callable[[Scalar], Scalar] | None = None) -> None:
        self.weights = [Scalar(w) for w in random.generator("init").uniform(-1, 1, in_features)]
        self.bias = Scalar(0.0)
        self.activation = activation

    def __call__(self, x: Sequence[Scalar]) -> Scalar:
        """Return the neuron's output for `in_features` inputs."""
        z = weighted_sum(self.weights, x, self.bias)
        return self.activation(z) if self.activation else z


class Layer:
    """Neurons with the same inputs."""

    def __init__(
        self, in_features: int, out_features: int, activation: Callable[[Scalar], Scalar] | None = None
    ) -> None:
        self.neurons = [Neuron(in_features, activation) for _ in range(out_features)]

    def __call__(self, x: Sequence[Scalar]) -> list[Scalar]:
        """Return the output of each neuron."""
        return [neuron(x) for neuron in self.neurons]


class Network:
    """Layers of ReLU neurons, the last one without an activation.

    Args:
        sizes: the number of inputs, and of neurons in each layer.
    """

    def __init__(self, *sizes: int) -> None:
        *hidden, last = pairwise(sizes)
        self.layers = [*(Layer(n, m, Scalar.relu) for n, m in hidden), Layer(*last)]

    def __call__(self, x: Sequence[float]) -> list[Scalar]:
        """Return the outputs of the last layer."""
        values = [Scalar(value) for value in x]
        for layer in self.layers:
            values = layer(values)
        return values

    def parameters(self) -> list[Scalar]:
        """Return each neuron's weights and bias, layer by layer."""
        return [p for layer in self.layers for neuron in layer.neurons for p in (*neuron.weights, neuron.bias)]


def objective(network: Network, points: Sequence[Sequence[float]], labels: Sequence[int]) -> Scalar:
    """Return the hinge loss with an L2 penalty.

    It is the mean of max(0, 1 - label · score) over the points, plus 1e-4 times the sum of all squared parameters.

    Args:
        network: a network with one output, the score, whose sign is the prediction.
        points: the inputs of each example.
        labels: the label of each example, 1 or -1.
    """
    losses = [(1 - label * network(x)[0]).relu() for x, label in zip(points, labels, strict=True)]
    parameters = network.parameters()
    return sum(losses) * (1 / len(losses)) + 1e-4 * weighted_sum(parameters, parameters)


def descend(parameters: Sequence[Scalar], loss: Scalar, lr: float) -> None:
    """Do one step of gradient descent."""
    for p in parameters:
        p.grad = 0.0
    loss.backward()
    for p in parameters:
        p.data -= lr * p.grad


def signs(examples: Examples) -> list[int]:
    """Return the classes 0 and 1 as -1 and 1."""
    return [2 * int(label) - 1 for label in examples.targets]


def accuracy(network: Network, examples: Examples) -> float:
    """Return the fraction of scores with their label's sign."""
    scores = [network(x)[0] for x in examples.inputs]
    return sum(label * score > 0 for label, score in zip(signs(examples), scores, strict=True)) / len(scores)


def main() -> None:
    """Train on two moons and print the progress."""
    steps = 100
    data = Moons(n_samples=200)
    points, labels = data.train.inputs.tolist(), signs(data.train)
    network = Network(2, 16, 16, 1)
    for step in range(steps):
        loss = objective(network, points, labels)
        descend(network.parameters(), loss, lr=1 - 0.9 * step / steps)
        if step % 10 == 9:
            print(f"step {step + 1}: loss {loss.data:.4f}, test accuracy {accuracy(network, data.test):.0%}")


if __name__ == "__main__":
    main()
