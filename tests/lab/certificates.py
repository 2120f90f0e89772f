"""Private certificate authorities and certificates for real servers, made anew by every test that needs them."""

import datetime
import pathlib

import netns

SERVER_NAME = "service.lab.example"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
WEAK_KEY = ("-newkey", "rsa:1024")

# `openssl ca` is the command of OpenSSL 3.0 that takes any dates, in the past as well.
ISSUING_CONFIGURATION = """
[ca]
default_ca = lab
[lab]
database = {folder}/index.txt
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
rand_serial = yes
default_md = sha256
unique_subject = no
copy_extensions = copy
policy = any
[any]
commonName = supplied
"""


def make(folder, hosts):
    """Writes ca.pem, and HOST.pem with HOST.key for each host, into `folder`."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    authority = ["-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key")]
    _self_signed(folder / "ca", "/CN=Private CA of the lab", "basicConstraints=critical,CA:TRUE", [])
    for host in hosts:
        _self_signed(folder / host, f"/CN={host}", f"subjectAltName=DNS:{SERVER_NAME}", authority)
    return folder


class Authority:
    """A private CA in a folder of its own: `ca.pem`, and what it has issued. Requests are made once for each name."""

    def __init__(self, folder, name="Private CA of the lab"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.ca_file = self.folder / "ca.pem"
        _self_signed(self.folder / "ca", f"/CN={name}", "basicConstraints=critical,CA:TRUE", [])
        netns.write_file(self.folder / "issuing.cnf", ISSUING_CONFIGURATION.format(folder=self.folder))
        netns.write_file(self.folder / "index.txt", "")

    def issue(self, name, begin, end, server_name=SERVER_NAME, key=KEY):
        """Writes `NAME.pem`, valid from `begin` to `end` (seconds since 1970); returns its path and that of its key."""
        request = self._request(server_name, key)
        path = self.folder / f"{name}.pem"
        netns.run("openssl", "ca", "-batch", "-config", str(self.folder / "issuing.cnf"), "-notext",
                  "-startdate", _asn1_time(begin), "-enddate", _asn1_time(end), "-in", f"{request}.csr",
                  "-out", str(path))
        return path, pathlib.Path(f"{request}.key")

    def _request(self, server_name, key):
        path = self.folder / f"request-{key[1].partition(':')[0]}-{server_name}"
        if not path.with_name(path.name + ".csr").exists():
            netns.run("openssl", "req", "-new", *key, "-nodes", "-subj", f"/CN={server_name}",
                      "-addext", f"subjectAltName=DNS:{server_name}", "-keyout", f"{path}.key", "-out", f"{path}.csr")
        return path


def _asn1_time(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y%m%d%H%M%SZ")


def _self_signed(path, subject, extension, authority):
    netns.run("openssl", "req", "-x509", *KEY, "-nodes", "-days", "30", "-subj", subject, "-addext", extension,
              *authority, "-keyout", f"{path}.key", "-out", f"{path}.pem")
