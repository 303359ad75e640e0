"""The ONNX Runtime engine: stem and gate, the branches that fired, the head. Needs no torch.

`pieces` builds the graphs from a configuration and its weights (`layers`, `residual` and `dense`
say what the parts of a network are made of), `link` has ONNX Runtime optimise them and fits the
pieces to each other, `cache` keeps the result, and `engine` runs it.
"""
