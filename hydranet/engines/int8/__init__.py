"""The int8 engine: ONNX Runtime with 8-bit integers where a network's convolutions are.

`qdq` rewrites the graphs of `hydranet.engines.onnx.pieces`; the ranges of their values were seen
on training images (`calibrate`) and lie beside the weights (`calibration`), and the card says what
they cost in top-1. `runner` runs what comes out. Stem and gate stay in single precision, so that
the same branches fire as on the engine onnx, unless `hydranet quantise --gate int8` was asked for.
"""
