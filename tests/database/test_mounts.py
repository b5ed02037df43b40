"""The file system of a folder is found as Linux tells it, whatever is mounted on what."""

from pathlib import PurePath

import pytest

from telebridge.database.engine import file_system_of, is_network

MOUNTINFO = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
31 27 0:45 / /srv rw,relatime shared:14 master:2 propagate_from:1 - nfs4 files:/export rw,vers=4.2,addr=10.0.0.7
32 31 254:16 / /srv/local rw,relatime - xfs /dev/vdb rw
33 27 254:0 /home/bridge/var /data rw,relatime master:1 - ext4 /dev/vda rw
34 27 0:45 /bridge /bound rw,relatime shared:14 - nfs4 files:/export rw,vers=4.2,addr=10.0.0.7
35 27 0:52 / /mnt/two\040words\011and\134more rw,nosuid - fuse.sshfs me@host:/dir rw,user_id=0
36 27 0:53 / /mnt/auto rw - autofs systemd-1 rw,fd=45
37 36 0:54 / /mnt/auto rw - cifs //host/share rw
""".lstrip()


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/", "ext4"),
        ("/var/telebridge", "ext4"),
        ("/srv", "nfs4"),
        ("/srv/telebridge", "nfs4"),
        ("/srv/local/telebridge", "xfs"),
        ("/srvlocal", "ext4"),
        ("/data/telebridge", "ext4"),
        ("/bound/telebridge", "nfs4"),
        ("/mnt/two words\tand\\more/var", "fuse.sshfs"),
        ("/mnt/two", "ext4"),
        ("/mnt/auto/var", "cifs"),
    ],
)
def test_the_longest_mount_point_above_a_folder_holds_it(folder, expected):
    assert file_system_of(PurePath(folder), MOUNTINFO) == expected


@pytest.mark.parametrize("text", ["", "\n", "27 1 254:0 / / rw - ", "27 1 254:0 /", "nothing - of the kind"])
def test_what_is_not_told_is_not_guessed(text):
    assert file_system_of(PurePath("/var"), text) is None


@pytest.mark.parametrize(
    "kind",
    ["nfs", "nfs4", "cifs", "smb3", "afs", "ceph", "fuse.sshfs", "fuse.glusterfs", "fuse.rclone", "lustre"],
)
def test_these_are_reached_over_a_network(kind):
    assert is_network(kind)


@pytest.mark.parametrize(
    "kind", ["ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "fuse.mergerfs", "fuseblk", "virtiofs", "ramfs", "f2fs"]
)
def test_these_are_not(kind):
    assert not is_network(kind)
