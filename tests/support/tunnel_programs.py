"""Programs that behave as cloudflared and ngrok do when they open a tunnel, and one that fails."""

import stat

CLOUDFLARED = """\
#!/bin/sh
echo "$@" > "$0.arguments"
echo "2026-03-02T10:00:00Z INF Requesting new quick Tunnel on trycloudflare.com..." >&2
echo "2026-03-02T10:00:01Z INF Get https://api.trycloudflare.com/tunnel" >&2
echo "2026-03-02T10:00:01Z INF |  https://quick-brown-fox.trycloudflare.com  |" >&2
exec sleep 60
"""
NGROK = """\
#!/bin/sh
echo "$@" > "$0.arguments"
echo '{"lvl":"info","msg":"client session established","obj":"tunnels.session"}'
echo '{"addr":"http://localhost:8080","lvl":"info","msg":"started tunnel","url":"https://ab12.ngrok-free.app"}'
exec sleep 60
"""
FAILS = """\
#!/bin/sh
echo "ERR authentication failed: install an authtoken" >&2
exit 3
"""
SILENT = "#!/bin/sh\nexec sleep 60\n"


def install(folder, name, text):
    """Put a program on a path of its own."""
    program = folder / name
    program.write_text(text)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program
