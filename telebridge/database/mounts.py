"""Which file system a folder is on, read from what Linux tells in /proc/self/mountinfo (proc_pid_mountinfo(5)).

One rule: only what is known to be reached over a network is called that; a file system that is not listed is local.
"""

import re
from pathlib import PurePath

NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "smbnetfs", "ncp", "ncpfs", "afs", "coda", "sshfs", "curlftpfs"}
    | {"ceph", "ceph-fuse", "glusterfs", "lustre", "beegfs", "gpfs", "ocfs2", "orangefs", "pvfs2", "panfs", "wekafs"}
    | {"mfs", "lizardfs", "seaweedfs", "juicefs", "s3fs", "gcsfuse", "blobfuse", "blobfuse2", "rclone", "davfs"}
)
"""Those that machines share, then those that clusters share, then those over stores of objects.

Not 9p: to sandboxes and virtual machines it is how the one machine's own disk is reached.
"""

ESCAPE = re.compile(r"\\([0-7]{3})")  # a space, a tab, a line's end and a backslash are written in octal


def file_system_of(folder: PurePath, mountinfo: str) -> str | None:
    """The type of the file system that holds a folder, such as `ext4` or `fuse.sshfs`; None when that is not told.

    Args:
        folder: Absolute, and without symbolic links.
        mountinfo: The text of /proc/self/mountinfo.
    """
    found: tuple[int, str] | None = None
    for line in mountinfo.split("\n"):
        before, _, after = line.partition(" - ")  # before it stands any number of optional fields
        fields, kind = before.split(" "), after.partition(" ")[0]
        if len(fields) < 6 or not kind:
            continue
        point = PurePath(ESCAPE.sub(lambda code: chr(int(code[1], 8)), fields[4]))
        # Of two on one point the later hides the earlier.
        if folder.is_relative_to(point) and (found is None or len(point.parts) >= found[0]):
            found = (len(point.parts), kind)
    return None if found is None else found[1]


def is_network(file_system: str) -> bool:
    """Whether a type of file system is reached over a network, where several machines may write at once."""
    return file_system.removeprefix("fuse.") in NETWORK
