"""What huggingface_hub raises, as sentences. It is imported only when something is exchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hydranet.errors import InputError


@contextmanager
def hub_errors_said(repo: str) -> Iterator[None]:
    """Turn what huggingface_hub raises about `repo` into an InputError."""
    from httpx2 import HTTPError  # what huggingface_hub asks with
    from huggingface_hub import errors

    try:
        yield
    except InputError:
        raise
    except errors.HFValidationError:
        raise InputError(
            f"{repo!r} must be a repository of the Hugging Face Hub, such as user/name, or a "
            "folder that is there."
        ) from None
    except errors.RepositoryNotFoundError:
        raise InputError(
            f"The Hugging Face Hub shows no repository {repo!r}. Check its name; for one that is "
            "private or gated log in first, with: hf auth login"
        ) from None
    except errors.RevisionNotFoundError as error:
        raise InputError(f"{repo!r} has no such revision: {_first_line(error)}") from None
    except errors.RemoteEntryNotFoundError as error:
        raise InputError(f"{repo!r} is no checkpoint of HydraNets: {_first_line(error)}") from None
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled):
        raise InputError(
            f"{repo!r} is not in this machine's cache, and the Hugging Face Hub cannot be reached "
            "from here. Try again when it can, or name a folder."
        ) from None
    except errors.HfHubHTTPError as error:
        raise InputError(f"The Hugging Face Hub refused {repo!r}: {_first_line(error)}") from None
    except (HTTPError, OSError) as error:
        raise InputError(
            f"{repo!r} could not be exchanged with the Hugging Face Hub: {_first_line(error)}. Try "
            "again later."
        ) from None
    except (ValueError, AttributeError, RecursionError) as error:  # from reading its config.json
        raise InputError(
            f"The config.json of {repo!r} cannot be read: {_first_line(error)}"
        ) from None


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
