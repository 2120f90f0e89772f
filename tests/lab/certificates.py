"""A private certificate authority and one certificate for each real server, made anew by every test that needs them."""

import pathlib

import netns

SERVER_NAME = "service.lab.example"


def make(folder, hosts):
    """Writes ca.pem, and HOST.pem with HOST.key for each host, into `folder`."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    authority = ["-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key")]
    _certificate(folder / "ca", "/CN=Private CA of the lab", "basicConstraints=critical,CA:TRUE", [])
    for host in hosts:
        _certificate(folder / host, f"/CN={host}", f"subjectAltName=DNS:{SERVER_NAME}", authority)
    return folder


def _certificate(path, subject, extension, authority):
    netns.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
              "-days", "30", "-subj", subject, "-addext", extension, *authority,
              "-keyout", f"{path}.key", "-out", f"{path}.pem")
