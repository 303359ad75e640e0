"""Many images through one network: where they come from, their routes, tables and parts.

`items` and `sources` say what is to be routed, `rows` what comes out; `routing` runs it, `table`
makes Parquet of it, and `parts` does so for as many images as there are, in a folder. One bad image
never stops the rest.
"""
