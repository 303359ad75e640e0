"""The ONNX Runtime engine: stem and gate, the branches that fired, the head. Needs no torch.

`pieces` builds the graphs from a configuration and its weights (`layers`, `residual` and `dense`
say what the parts of a network are made of), `link` has ONNX Runtime optimise them and fits the
pieces to each other (`projection`, `hoist`, `together`), `cache` keeps the result, and `program`
opens it: a HydraNet is run by `routed`, one image by `alone` and batches by `lane` and its `plans`,
a static network by `whole`; threads share what is open by `pool`, on `cores` of their own.

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
- What Python and NumPy do between calls costs several times what it does alone, for by then weights
  have taken its place in the cache. To choose from the scores of 16 images takes 11 alone and 93
  there, the head 6 and 76. So one image is routed without arrays (run with its glue: 325 instead of
  346, of which 285 are ONNX Runtime's), and batches in one graph with branches and head
  (`together`): with 16 images 5,030 instead of 5,240 (Hydra-Res-d2: 10,270 of 10,480; medians).
- In that graph constants that are inputs are looked up by name at every call. As constants from
  outside they are not, and one copy in memory serves both ways to run.
- The same four branches in turned order at every other call, so that those come first whose weights
  are still in the cache: the same. So are, within 1 %, no pattern of memory, no arena, no weights
  packed ahead, and pooled maps whose layout is not changed.
- The branches' shortcut computed once, by the stem (`hoist`): a branch takes 34.9 instead of 36.3.
- The projection as a convolution instead of a matrix product: the same.
- A branch that ends with a convolution of 1×1 in the blocked layout, not with a matrix product: two
  of its six operators are not needed. Of 16 images a call takes 2 % less.
- Everything bound once for each size of batch and k, and answers as plain tuples: on an Intel Xeon
  (2 MiB L2) what Python does beside Hydra-Res-d2's 13,000 of 16 images takes 96 instead of 310.
- There weights on huge pages changed nothing, whole branches of one call in one graph 3 % (at the
  price of binding 24 inputs, 25, wherever another route comes), and 2 to 32 images at once through
  the stem are alike.
- A static ResNet-14 takes 280 an image in batches of 16, 290 of 64 and 332 of 256: so larger
  batches are cut up.
- On an AMD EPYC of family 25 (1 MiB L2) a branch's weights come from memory where the last call is
  some milliseconds ago. Read ahead by a product with a unit vector, convolutions of 16 images take
  4,170 instead of 4,420 and the products 420. For one image a last graph that pools and projects
  the maps of all four branches, instead of one projection a branch, takes 4 more, and a head in
  NumPy 3.
"""
