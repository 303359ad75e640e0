"""The dashboard from outside: a process of its own, nginx before it, a browser or a visitor without
one. For tests, screenshots and benchmarks."""
