import pytest


@pytest.fixture
def flow_file(tmp_path):
    """Writes a flow file; answers its path."""

    def write(text):
        path = tmp_path / "flow.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write
