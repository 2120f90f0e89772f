"""The programs on the real servers: nginx for HTTP and HTTPS, and small echo servers for what nginx does not speak.

Every one of them answers with the name of its host, so that a client sees who served it.
"""

import contextlib
import pathlib
import signal
import socket
import subprocess

import certificates
import deadline
import netns
import topology

FOLDER = pathlib.Path("/run/servers")
START_LIMIT = 10
STOP_LIMIT = 10
IPPROTO_SCTP = 132
HTTPS_PORT = 443
TCP_PORTS = (21, 22)
UDP_PORTS = (53, 5060)
SCTP_PORT = 9000

NGINX_FRAME = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 512; }}
http {{
  access_log off;
  default_type text/plain;
  keepalive_timeout 0;
{configuration}
}}
"""
EVERYDAY_CONFIGURATION = """
  server {{
    listen 80; listen 8080; listen [::]:80; listen [::]:8080;
    location / {{ return 200 "{host}\\n"; }}
  }}
  server {{
    listen 443 ssl; listen [::]:443 ssl;
    ssl_certificate {certificates}/{host}.pem;
    ssl_certificate_key {certificates}/{host}.key;
    location / {{ return 200 "{host}\\n"; }}
  }}
"""


class Nginx:
    """One nginx on one host, with a configuration that can be replaced while it runs."""

    def __init__(self, host, configuration):
        """`configuration` is what stands inside `http { }`."""
        self._folder = FOLDER / host.name
        self._folder.mkdir(parents=True)
        self._write(configuration)
        with open(self._folder / "error.log", "wb") as log:
            self._process = host.start(
                "nginx", "-e", "stderr", "-p", str(self._folder), "-c", str(self._folder / "nginx.conf"),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def replace(self, configuration):
        """Takes over a new configuration; new connections see it some milliseconds later."""
        self._write(configuration)
        self._process.send_signal(signal.SIGHUP)

    def stop(self):
        """Ends it and its worker."""
        self._process.terminate()
        self._process.wait(STOP_LIMIT)

    def log(self):
        """What it has complained of."""
        return (self._folder / "error.log").read_text(encoding="utf-8", errors="replace")

    def _write(self, configuration):
        text = NGINX_FRAME.format(folder=self._folder, configuration=configuration)
        netns.write_file(self._folder / "nginx.conf", text)


class Servers:
    """Everything that runs on the real servers; stops with `stop()` or with the guest."""

    def __init__(self, hosts):
        self._hosts = hosts
        self._nginxes = []
        self.certificates = FOLDER / "certificates"

    def start(self):
        """Starts all of them and returns when they answer."""
        certificates.make(self.certificates, [host.name for host in self._hosts])
        for host in self._hosts:
            configuration = EVERYDAY_CONFIGURATION.format(host=host.name, certificates=self.certificates)
            self._nginxes.append(Nginx(host, configuration))
            self._start_echoes(host)
        for host in self._hosts:
            wait_until_listening(host, HTTPS_PORT)
        return self

    def stop(self):
        """Ends nginx; the echo threads end with the process."""
        for nginx in self._nginxes:
            nginx.stop()

    @staticmethod
    def _start_echoes(host):
        answer = host.name.encode()
        with host.inside():
            for port in TCP_PORTS:
                host.start_thread(_greet, _listening_socket(socket.IPPROTO_TCP, port), answer)
            host.start_thread(_greet, _listening_socket(IPPROTO_SCTP, SCTP_PORT), answer)
            for port in UDP_PORTS:
                for address in _datagram_addresses(host):
                    host.start_thread(_echo_datagrams, _datagram_socket(address, port), answer)


def wait_until_listening(host, port, address="127.0.0.1"):
    """Returns when somebody on the host takes connections there."""
    deadline.wait_until(START_LIMIT, f"a server at {address}:{port} of {host.name}",
                        lambda: _listens(host, address, port))


def _datagram_addresses(host):
    """Datagrams are answered from the address they came to: one socket for each."""
    return (topology.IPV4[host.name], topology.IPV6[host.name], *topology.VIPS_ON_REAL_SERVERS)


def _listening_socket(protocol, port):
    server = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, protocol)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("::", port))
    server.listen(64)
    return server


def _datagram_socket(address, port):
    server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, port))
    return server


def _greet(server, answer):
    while True:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(answer)


def _echo_datagrams(server, answer):
    while True:
        _, peer = server.recvfrom(2048)
        with contextlib.suppress(OSError):
            server.sendto(answer, peer)


def _listens(host, address, port):
    with host.inside():
        try:
            socket.create_connection((address, port), timeout=2).close()
            return True
        except OSError:
            return False
