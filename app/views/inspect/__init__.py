"""The parts of the page Inspect: one file a part."""
