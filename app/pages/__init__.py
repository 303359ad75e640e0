"""One file a page; each only composes."""
