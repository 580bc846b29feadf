"""Networks as Torch7 keeps them, drawn at random, and what they compute, in float64 NumPy.

The forward pass goes through the very modules that are written to the file, one at a time, images
as (C, H, W), in plain loops; nothing of the package is imported.
"""

import numpy as np

from tests.importing.t7_writer import Module, Storage

MEAN = np.array([0.5958, 0.4637, 0.4065])
STD = np.array([0.2693, 0.2409, 0.2352])
VGG = (2, 2, 3, 3, 3)


class Maker:
    """Makes modules with weights in `dtype`."""

    def __init__(self, seed=0, dtype="f4"):
        self.random = np.random.default_rng(seed)
        self.dtype = dtype

    def normal(self, *shape, scale=1.0):
        return (self.random.normal(size=shape) * scale).astype(self.dtype)

    def between(self, low, high, *shape):
        return self.random.uniform(low, high, shape).astype(self.dtype)

    def convolution(self, inputs, outputs, bias=False, kind="cudnn.SpatialConvolution"):
        fields = {
            "nInputPlane": inputs, "nOutputPlane": outputs, "kW": 3, "kH": 3, "dW": 1, "dH": 1,
            "padW": 1, "padH": 1,
            "weight": self.normal(outputs, inputs, 3, 3, scale=(2 / 9 / inputs) ** 0.5),
            "gradWeight": np.empty(0, self.dtype), "output": np.empty(0, self.dtype),
            "train": False, "_type": "torch.FloatTensor",
        }  # fmt: skip
        if bias:
            fields["bias"] = self.normal(outputs, scale=0.3)
        if kind.startswith("cudnn"):
            fields["groups"] = 1
        if kind.endswith("MM"):
            fields["weight"] = fields["weight"].reshape(outputs, -1)
        return Module(kind, fields)

    def normalization(self, size, eps=1e-5):
        fields = {
            "eps": eps, "momentum": 0.1, "affine": True, "train": False,
            "running_mean": self.normal(size, scale=0.2),
            "running_var": self.between(0.5, 2.0, size),
            "weight": self.between(0.5, 1.5, size), "bias": self.normal(size, scale=0.2),
        }  # fmt: skip
        return Module("nn.SpatialBatchNormalization", fields, version=2)

    def linear(self, inputs, outputs, scale=None):
        scale = inputs**-0.5 if scale is None else scale
        fields = {"weight": self.normal(outputs, inputs, scale=scale)}
        return Module("nn.Linear", fields | {"bias": self.normal(outputs, scale=0.3)})

    def age_net(self, widths, average, head=(), bias=False, eps=1e-5):
        """The reference program's network: `average` is the side of the last map."""
        modules, inputs = [], 3
        for width, count in zip(widths, VGG, strict=True):
            for _ in range(count):
                modules += [self.convolution(inputs, width, bias=bias)]
                modules += [self.normalization(width, eps=eps), relu()]
                inputs = width
            modules.append(pooling("nn.SpatialMaxPooling", 2))
        modules += [pooling("cudnn.SpatialAveragePooling", average, 1), view(inputs)]
        return sequential(*modules, *head)


def relu(kind="cudnn.ReLU"):
    return Module(kind, {"inplace": True, "threshold": 0, "val": 0})


def pooling(kind, size, stride=None, ceil=False):
    stride = size if stride is None else stride
    fields = {"kW": size, "kH": size, "dW": stride, "dH": stride, "padW": 0, "padH": 0}
    if kind == "nn.SpatialAveragePooling":
        fields |= {"divide": True, "count_include_pad": True}
    return Module(kind, fields | {"ceil_mode": ceil})


def view(*size):
    numbers = Storage(np.array(size, "i8"))
    return Module("nn.View", {"size": numbers, "numElements": abs(size[-1]), "numInputDims": 3})


def sequential(*modules):
    return Module("nn.Sequential", {"modules": list(modules), "train": False})


def simple(kind, **fields):
    return Module(kind, fields)


def expectation(labels):
    return Module("nn.ExpOut", {"constant_vector": np.asarray(labels, "f4")})


def joint(labels):
    return Module("nn.ConcatTable", {"modules": [Module("nn.Identity", {}), expectation(labels)]})


def normalized(images):
    """(B, S, S, 3), 0 ... 255, as Torch7 gets them: (B, 3, S, S), by channel mean and deviation."""
    return ((np.asarray(images, np.float64) / 255 - MEAN) / STD).transpose(0, 3, 1, 2)


def forward(network, x):
    """The output of a network for (B, C, H, W): an array, or a list of them after a ConcatTable."""
    return FORWARD[network.class_name.partition(".")[2]](network, x)


def _sequential(network, x):
    for module in network.fields["modules"]:
        x = forward(module, x)
    return x


def _convolution(module, x):
    f = module.fields
    weight = f["weight"].astype(np.float64).reshape(f["nOutputPlane"], -1)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    out = np.zeros((len(x), f["nOutputPlane"], *x.shape[2:]))
    for i, j in np.ndindex(*x.shape[2:]):
        window = padded[:, :, i : i + 3, j : j + 3]
        out[:, :, i, j] = window.reshape(len(x), -1) @ weight.T
    bias = f.get("bias")
    return out if bias is None else out + bias.astype(np.float64)[:, None, None]


def _normalization(module, x):
    f = {k: v.astype(np.float64) if hasattr(v, "dtype") else v for k, v in module.fields.items()}
    if "running_var" in f:
        inverse = 1 / np.sqrt(f["running_var"] + f["eps"])
    else:
        inverse = f["running_std"]
    scale, shift = f.get("weight", np.ones_like(inverse)), f.get("bias", np.zeros_like(inverse))
    mean, inverse, scale, shift = (
        v[:, None, None] for v in (f["running_mean"], inverse, scale, shift)
    )
    return (x - mean) * inverse * scale + shift


def _pooling(module, x):
    f = module.fields
    size, step = f["kH"], f["dH"]
    rows, columns = ((length - size) // step + 1 for length in x.shape[2:])
    out = np.zeros((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        part = x[:, :, i * step : i * step + size, j * step : j * step + size]
        if module.class_name.endswith("MaxPooling"):
            out[:, :, i, j] = part.max(axis=(2, 3))
        elif module.class_name.startswith("nn.") and not f.get("divide"):
            out[:, :, i, j] = part.sum(axis=(2, 3))
        else:
            out[:, :, i, j] = part.mean(axis=(2, 3))
    return out


def _linear(module, x):
    return x @ module.fields["weight"].astype(np.float64).T + module.fields["bias"]


def _dropout(module, x):
    return x if module.fields.get("v2") else x * (1 - module.fields["p"])


def _softmax(module, x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


FORWARD = {
    "Sequential": _sequential,
    "SpatialConvolution": _convolution,
    "SpatialConvolutionMM": _convolution,
    "SpatialBatchNormalization": _normalization,
    "ReLU": lambda module, x: np.maximum(x, 0),
    "SpatialMaxPooling": _pooling,
    "SpatialAveragePooling": _pooling,
    "View": lambda module, x: x.reshape(len(x), -1),
    "Reshape": lambda module, x: x.reshape(len(x), -1),
    "Linear": _linear,
    "Dropout": _dropout,
    "Identity": lambda module, x: x,
    "SoftMax": _softmax,
    "Sigmoid": lambda module, x: 1 / (1 + np.exp(-x)),
    "Tanh": lambda module, x: np.tanh(x),
    "ExpOut": lambda module, x: x @ module.fields["constant_vector"].astype(np.float64),
    "ConcatTable": lambda module, x: [forward(m, x) for m in module.fields["modules"]],
}
