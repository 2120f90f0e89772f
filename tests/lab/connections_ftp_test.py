"""FTP through masquerading: data connections belong to the service of their control connection, whatever their ports."""

import contextlib
import re
import socket

import labtest
import netns
import scantest
import topology
import traffic
from labtest import service

SERVER_PORT, DATA_PORT = 2121, 40000


class FtpTest(scantest.ScanTest):
    with_rules = False

    def test_data_connections_belong_to_the_service(self):
        netns.run("modprobe", "ip_vs_ftp")
        self.director.run("ipvsadm", "-A", "-t", f"{topology.MASQUERADED}:21", "-s", "rr")
        self.director.run("ipvsadm", "-a", "-t", f"{topology.MASQUERADED}:21", "-r",
                          f"{topology.IPV4['rs1']}:{SERVER_PORT}", "-m")
        with ftp_session(self.lab):
            page, _ = self.assert_counted()
        ftp = service(topology.MASQUERADED, 21)
        self.assertEqual(page.value("ipvs_service_connection_states", state="ESTABLISHED", **ftp), 2,
                         "the control connection and the data connection")
        self.assertEqual(page.value("ipvs_table_orphan_connections", origin="local"), 0)


@contextlib.contextmanager
def ftp_session(lab):
    """A control and a data connection, both open, through the FTP service."""
    with contextlib.ExitStack() as stack:
        with lab.rs1.inside():
            control, data = (stack.enter_context(socket.create_server(("", port)))
                             for port in (SERVER_PORT, DATA_PORT))
        lab.rs1.start_thread(serve_ftp, control, data)
        with lab.client.inside():
            client = stack.enter_context(traffic.connect(topology.MASQUERADED, 21))
            client.sendall(b"PASV\r\n")
            answer = client.recv(200).decode()
            numbers = [int(number) for number in re.search(r"\(([\d,]+)\)", answer)[1].split(",")]
            assert numbers[:4] == [int(part) for part in topology.MASQUERADED.split(".")], answer
            stack.enter_context(traffic.connect(topology.MASQUERADED, numbers[4] * 256 + numbers[5]))
        yield


def serve_ftp(control, data):
    """As much of a server as a passive data connection needs."""
    connection, _ = control.accept()
    connection.recv(200)
    numbers = [*topology.IPV4["rs1"].split("."), DATA_PORT // 256, DATA_PORT % 256]
    connection.sendall(f"227 Entering Passive Mode ({','.join(map(str, numbers))}).\r\n".encode())
    accepted, _ = data.accept()
    with connection, accepted, contextlib.suppress(OSError):
        connection.recv(200)  # until the client has gone


if __name__ == "__main__":
    labtest.main()
