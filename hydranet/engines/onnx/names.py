"""What graphs call their values, where they are built and where they run. Light: no onnx."""

SCORES, FEATURES = "scores", "features"


def of_branch(name: str, branch: int) -> str:
    """A branch's constant of that name, in the graph of all branches."""
    return f"{name}_of_{branch}"
