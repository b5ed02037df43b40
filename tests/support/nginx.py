"""An nginx in front of a bridge, with the plain configuration of its documentation.

Sources: nginx, "Beginner's Guide", *Setting Up a Simple Proxy Server*, and "WebSocket proxying".
"""

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass {bridge}; }}
    location /twilio/media/ {{
      proxy_pass {bridge};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
    }}
  }}
}}
"""


@contextmanager
def nginx(folder, port, bridge):
    """The nginx; ended with its workers when the block ends."""
    file = Path(folder) / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, port=port, bridge=bridge))
    with subprocess.Popen([nginx_program(), "-c", str(file), "-p", folder], stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def nginx_program():
    """The path of nginx, which Debian keeps where only the superuser looks; None when it is not installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
