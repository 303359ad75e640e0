"""How much the footer of a stranger's Parquet file may ask Arrow for. Light.

A footer says how many columns, row groups and so on follow, and Arrow makes room for all of them
before it reads the first: a footer of 2 kB that said a million took 200 MB.
"""

from __future__ import annotations

from typing import Final

BOUNDS: Final = {"thrift_container_size_limit": 10_000, "thrift_string_size_limit": 2**20}
"""Arguments for `pyarrow.parquet.ParquetFile` and `read_table`: things in a list, and characters of
a text, at most. A log of a million images has some ten row groups."""
