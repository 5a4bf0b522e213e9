#!/usr/bin/python3
"""safetensors and npz in PyTorch: the same network, forward, and one step of gradient descent.

    python3 test_torch.py BUILD
"""

import json
import struct

from common import Sample, channels_first, check_logits, export, images, need, new_folder, train

need("torch", "h5py")
import h5py
import numpy as np
import torch
from torch import nn


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.dense1, self.dense2, self.dense3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = torch.max_pool2d(torch.relu(self.conv2(x)), 2).flatten(1)
        return self.dense3(torch.relu(self.dense2(torch.relu(self.dense1(x)))))


class AlexNet(nn.Module):
    """For images of 67x67x3."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, stride=4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.dense1, self.dense2, self.dense3 = nn.Linear(256, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 10)

    def forward(self, x):
        def pool(x):
            return torch.max_pool2d(x, 3, 2, ceil_mode=True)

        def normalized(x):
            return nn.functional.local_response_norm(x, 5, alpha=5e-4, beta=0.75, k=2.0)

        x = pool(normalized(torch.relu(self.conv1(x))))
        x = pool(normalized(torch.relu(self.conv2(x))))
        x = torch.relu(self.conv4(torch.relu(self.conv3(x))))
        x = pool(torch.relu(self.conv5(x))).flatten(1)
        return self.dense3(torch.relu(self.dense2(torch.relu(self.dense1(x)))))


def load_safetensors(path):
    """As docs/exchange.md describes the format, for a load_state_dict."""
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])
    assert header.pop("__metadata__")["format"] == "pt"
    tensors = {}
    for name, tensor in header.items():
        assert tensor["dtype"] == "F32"
        begin, end = tensor["data_offsets"]
        values = np.frombuffer(raw[8 + size + begin : 8 + size + end], "<f4").reshape(tensor["shape"])
        tensors[name] = torch.from_numpy(values.copy())
    return tensors


def load_npz(path, flattened):
    """The same from npz, whose layout is that of this library: `flattened` is the shape H,W,C that the
    inputs of dense1 had."""
    tensors = {}
    with np.load(path) as file:
        for name in file.files:
            values = file[name]
            if values.ndim == 4:
                values = values.transpose(3, 2, 0, 1)
            elif name == "dense1.weight":
                values = values.reshape(*flattened, -1).transpose(3, 2, 0, 1).reshape(values.shape[1], -1)
            elif values.ndim == 2:
                values = values.T
            tensors[name] = torch.from_numpy(np.ascontiguousarray(values))
    return tensors


def same_bits(a, b):
    return a.keys() == b.keys() and all((a[n].numpy().view(np.uint32) == b[n].numpy().view(np.uint32)).all() for n in a)


def check_step(folder):
    """One step of gradient descent on 128 images, here and there, from the same weights."""
    rate = 0.05
    first = folder / "first.h5"
    train(first, "--epochs", 1, "--train-images", 512)
    weights = export(first, "safetensors", folder / "first.safetensors")
    here = folder / "here.h5"
    train(here, "--initial", weights, "--epochs", 1, "--train-images", 128, "--batch-size", 128,
          "--optimizer", "sgd", "--momentum", 0, "--learning-rate", rate)
    expected = load_safetensors(export(here, "safetensors", folder / "here.safetensors"))

    before = load_safetensors(weights)
    network = LeNet5()
    network.load_state_dict(before)
    pixels, labels = images("train")
    loss = nn.functional.cross_entropy(network(torch.from_numpy(channels_first(pixels[:128]))),
                                       torch.from_numpy(labels[:128].astype(np.int64)))
    loss.backward()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter -= rate * parameter.grad
    with h5py.File(here) as file:
        loss_here = file["history/step_loss"][0, 0] if "step_loss" in file["history"] else None
    if loss_here is not None:
        assert abs(loss.item() - loss_here) < 1e-6 * loss_here, (loss.item(), loss_here)
    moved = apart = 0.0
    for name, parameter in network.named_parameters():
        moved = max(moved, (parameter.detach() - before[name]).abs().max().item())
        apart = max(apart, (parameter.detach() - expected[name]).abs().max().item())
    print(f"a step of gradient descent moves parameters by up to {moved:.3g}; PyTorch's differ by up to {apart:.3g}")
    assert moved > 1e-3 and apart < 1e-4 * moved, (moved, apart)


def main():
    torch.set_num_threads(1)
    for model, network, size, flattened in (("lenet5", LeNet5(), (28, 28, 1), (5, 5, 16)),
                                            ("alexnet", AlexNet(), (67, 67, 3), (1, 1, 256))):
        sample = Sample(model, *size, "npz", "safetensors")
        tensors = load_safetensors(sample.path("safetensors"))
        assert same_bits(tensors, load_npz(sample.path("npz"), flattened))
        network.load_state_dict(tensors)
        network.eval()
        with torch.no_grad():
            logits = network(torch.from_numpy(channels_first(sample.images))).numpy()
        check_logits(f"{model} by PyTorch {torch.__version__}", logits, sample.logits)
        print(f"{model}: safetensors {sample.path('safetensors').stat().st_size} bytes, "
              f"npz {sample.path('npz').stat().st_size}")
    check_step(new_folder())


if __name__ == "__main__":
    main()
