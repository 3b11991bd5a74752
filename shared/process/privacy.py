"""What this process writes is for its own user alone."""

import os


def keep_files_private() -> None:
    """Let every file and folder that this process and its children make be closed to all other users.

    A service calls it before anything else: what it keeps are people's photographs, their addresses and its logs.
    """
    os.umask(0o077)
