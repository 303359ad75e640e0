"""The ONNX Runtime engine: stem and gate, the branches that fired, the head. Needs no torch.

`pieces` builds the graphs from a configuration and its weights (`layers`, `residual` and `dense`
say what the parts of a network are made of), `link` has ONNX Runtime optimise them and fits the
pieces to each other, `cache` keeps the result, `program` opens it, and `engine` runs it, a HydraNet
by `routed`, a static network by `whole`.

What was tried, on one core of an AMD EPYC (family 26, 1 MiB L2), Python 3.11.7, ONNX Runtime
1.32.0, NumPy 2.4.6, one image of 32×32 unless said; microseconds, the fast tenth of 40 to 3,000
interleaved runs:

- A call of `InferenceSession.run` costs 20, of a binding that stands 3; with eight more inputs 4.
  So bindings are made once and only what changes is bound (`calls`).
- Four branches of Hydra-Res-d1: 181 as sessions of their own, 170 as one session that is given each
  branch's weights, for its scratch memory stays in the cache; the layout between pieces is not
  changed either (`link`). Called with what one branch left in the cache, 142: the rest is reading
  220 kB of weights a branch from L3. Reading them ahead, and huge pages, gained nothing.
- Shortcuts that change the shape as 1×1 convolutions: ResNet-14 292, as slice and pad 303.
- The branches' shortcut computed once, by the stem (`hoist`): a branch takes 34.9 instead of 36.3.
- The projection as a convolution instead of a matrix product: the same.
- A static ResNet-14 takes 280 an image in batches of 16, 290 of 64 and 332 of 256: so larger
  batches are cut up.
"""
