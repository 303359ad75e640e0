"""What one core of this machine multiplies and adds at best: a large matrix product. Light.

By NumPy's BLAS or by ONNX Runtime, whichever is faster here: a BLAS that does not know a processor
falls back to an older one's instructions, and then half of what the core can do is not seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

SIDE = 2048
MACS = SIDE**3

Product = Callable[[], object]


def matrix_product() -> Product:
    """A function that multiplies two single-precision matrices of `SIDE`, on one thread."""
    rng = np.random.default_rng(0)
    a, b = (rng.random((SIDE, SIDE), np.float32) for _ in range(2))
    products = [_by_blas(a, b)]
    if find_spec("onnx") and find_spec("onnxruntime"):
        products.append(_by_onnx_runtime(a, b))
    return min(products, key=_seconds)


def _by_blas(a: NDArray[np.float32], b: NDArray[np.float32]) -> Product:
    out = np.empty_like(a)

    def run() -> None:
        with threadpool_limits(1, user_api="blas"):
            np.matmul(a, b, out=out)

    return run


def _by_onnx_runtime(a: NDArray[np.float32], b: NDArray[np.float32]) -> Product:
    import onnxruntime
    from onnx import TensorProto, ValueInfoProto, helper, numpy_helper

    def of(name: str, array: NDArray[np.float32]) -> ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape)

    graph = helper.make_graph(
        [helper.make_node("MatMul", ["a", "b"], ["product"])], "product", [of("a", a)],
        [of("product", a)], [numpy_helper.from_array(b, "b")],
    )  # fmt: skip
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    ).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"a": a})


def _seconds(product: Product) -> float:
    product()
    start = time.perf_counter()
    product()
    return time.perf_counter() - start
