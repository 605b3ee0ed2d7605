"""Object stores for tests: Ceph with its gateway, and SeaweedFS with its own."""

import datetime
import hashlib
import hmac
import http.client
import json
import os
import uuid

from engine import PATIENCE, Engine, Failure, free_ports

BUCKET, REGION, ACCESS_KEY, SECRET_KEY = "satchel", "us-east-1", "testaccess", "testsecret0123456789"
# A bucket that keeps what is removed; a user who may do nothing with either.
VERSIONED_BUCKET, STRANGER_KEY = "versioned", "strangeaccess"
VERSIONING = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


class ObjectEngine(Engine):
    """What both have in common: the gateway's port is the first, and they can be used once a bucket keeps an object."""

    def where(self):
        return {"endpoint": f"http://{self.address}:{self.ports[0]}", "bucket": BUCKET, "region": REGION,
                "accessKey": ACCESS_KEY, "secretKey": SECRET_KEY, "versionedBucket": VERSIONED_BUCKET,
                "strangerKey": STRANGER_KEY}

    def make_versioned_bucket(self):
        statuses = (self.ask("PUT", f"/{VERSIONED_BUCKET}"),
                    self.ask("PUT", f"/{VERSIONED_BUCKET}", VERSIONING, query="versioning="))
        if statuses != (200, 200):
            raise Failure(f"there is no bucket with versions: {statuses}")

    def keeps_objects(self):
        try:
            return (self.ask("PUT", f"/{BUCKET}") in (200, 409) and self.ask("PUT", f"/{BUCKET}/ready", b"yes") == 200
                    and self.ask("GET", f"/{BUCKET}/ready") == 200 and self.ask("DELETE", f"/{BUCKET}/ready") == 204)
        except (OSError, http.client.HTTPException):
            return False

    def ask(self, method, path, body=b"", query=""):
        """The status of one request."""
        host = f"{self.address}:{self.ports[0]}"
        fields = sign(method, host, path, query, {}, hashlib.sha256(body).hexdigest())
        connection = http.client.HTTPConnection(host, timeout=PATIENCE)
        try:
            connection.request(method, f"{path}?{query}" if query else path, body=body or None, headers=fields)
            return connection.getresponse().status
        finally:
            connection.close()


def sign(method, host, path, query, fields, digest):
    """`fields` with what makes a signature V4 at this moment. Names are in lower case; `query` is encoded and in order."""
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
    fields = fields | {"host": host, "x-amz-date": stamp, "x-amz-content-sha256": digest}
    names = ";".join(sorted(fields))
    canonical = "\n".join([method, path, query, *(f"{name}:{fields[name]}" for name in sorted(fields)), "", names, digest])
    key = ("AWS4" + SECRET_KEY).encode()
    for part in (*scope.split("/"),
                 "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])):
        key = hmac.digest(key, part.encode(), "sha256")
    return fields | {"authorization": f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, "
                     f"Signature={key.hex()}"}


class Ceph(ObjectEngine):
    """A monitor, an OSD that keeps all in memory, and the gateway. No manager, no authentication between them."""

    def prepare(self):
        self.ports = free_ports(3)
        cluster = str(uuid.uuid4())
        with open(self.path("ceph.conf"), "w") as conf:
            conf.write(self.configuration(cluster))
        for name in ("mon", "osd", "rgw"):
            os.mkdir(self.path(name))
        self.run("monmaptool", "--create", "--fsid", cluster, "--addv", "a", self.monitors(), self.path("monmap"))
        self.run("ceph-mon", "-i", "a", "--mkfs", "--monmap", self.path("monmap"))

    def monitors(self):
        return f"[v2:127.0.0.1:{self.ports[1]},v1:127.0.0.1:{self.ports[2]}]"

    def configuration(self, cluster):
        # Without authentication inside the cluster the monitor has to be told so as well (mode crc). Its short interval
        # lets it start within a second. The names of sockets hold the number of the process, since two programs share one.
        settings = {
            "global": {
                "fsid": cluster, "mon host": self.monitors(),
                "public addr": "127.0.0.1", "cluster addr": "127.0.0.1",
                "auth cluster required": "none", "auth service required": "none", "auth client required": "none",
                "ms mon client mode": "crc", "run dir": self.folder, "crash dir": self.folder,
                "admin socket": self.path("$name.$pid.asok"), "log file": self.path("$name.log"),
                "osd crush chooseleaf type": 0, "osd pool default size": 1, "osd pool default min size": 1,
                "osd pool default pg num": 1, "osd pool default pg autoscale mode": "off", "rgw rados pool pg num min": 1,
                "paxos propose interval": 0.01, "mon allow pool size one": "true",
                "mon data avail crit": 1, "mon data avail warn": 2},
            "mon": {"mon data": self.path("mon")},
            "osd": {"osd data": self.path("osd"), "osd objectstore": "memstore", "memstore device bytes": 8 << 30},
            "client.rgw": {
                "rgw data": self.path("rgw"), "rgw frontends": f"beast endpoint={self.address}:{self.ports[0]}",
                "rgw thread pool size": 64, "rgw gc obj min wait": 10, "rgw gc processor period": 10}}
        return "".join(f"[{part}]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())
                       for part, values in settings.items())

    def launch(self):
        is_new = not self.processes
        if is_new:
            osd = str(uuid.uuid4())
            self.begin("mon", "ceph-mon", "-f", "-i", "a")
            self.run("ceph", "--connect-timeout", str(PATIENCE), "mon", "stat")
            self.run("ceph", "osd", "new", osd)
            self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
            self.begin("osd", "ceph-osd", "-f", "-i", "0")
        self.begin("rgw", "radosgw", "-f", "-n", "client.rgw")
        if is_new:
            for name, key in (("test", ACCESS_KEY), ("stranger", STRANGER_KEY)):
                self.admin("user", "create", f"--uid={name}", f"--display-name={name}", f"--access-key={key}",
                           f"--secret-key={SECRET_KEY}")
        self.wait("a bucket of Ceph", self.keeps_objects)
        if is_new:
            self.make_versioned_bucket()

    def admin(self, *arguments):
        return self.run("radosgw-admin", "-n", "client.rgw", *arguments)

    def halt(self):
        """The gateway alone: the monitor would wait for ever for what the OSD had in memory."""
        self.end("rgw")

    def quota(self, size):
        if size == "off":
            self.admin("quota", "disable", "--quota-scope=user", "--uid=test")
        else:
            self.admin("quota", "set", "--quota-scope=user", "--uid=test", f"--max-size={int(size)}")
            self.admin("quota", "enable", "--quota-scope=user", "--uid=test")

    def environment(self):
        return super().environment() | {"CEPH_CONF": self.path("ceph.conf")}


class SeaweedFS(ObjectEngine):
    """Master, volume server, filer and gateway in one process."""

    def prepare(self):
        self.program = self.settings.get("program") or "weed"
        self.ports = free_ports(8)
        for name in ("data", "log"):
            os.mkdir(self.path(name))
        with open(self.path("s3.json"), "w") as conf:
            identities = [{"name": name, "credentials": [{"accessKey": key, "secretKey": SECRET_KEY}], "actions": [action]}
                          for name, key, action in (("test", ACCESS_KEY, "Admin"), ("stranger", STRANGER_KEY, "Read:none"))]
            json.dump({"identities": identities}, conf)
        self.is_new = True

    def launch(self):
        s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc = self.ports
        # Nothing that would tell others of it, no listeners beside the ones named here, no other address.
        self.begin(
            "weed", self.program, f"-logdir={self.path('log')}", "server", f"-dir={self.path('data')}",
            f"-ip={self.address}", f"-ip.bind={self.address}", "-master.telemetry=false", f"-master.port={master}",
            f"-master.port.grpc={master_grpc}", "-master.volumeSizeLimitMB=1024", "-master.electionTimeout=1s",
            "-master.heartbeatInterval=100ms", f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}",
            "-volume.max=24", "-volume.preStopSeconds=0", "-filer", f"-filer.port={filer}",
            f"-filer.port.grpc={filer_grpc}", f"-filer.localSocket={self.path('filer.sock')}", "-s3", f"-s3.port={s3}",
            f"-s3.port.grpc={s3_grpc}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false",
            f"-s3.config={self.path('s3.json')}", f"-s3.localSocket={self.path('s3.sock')}")
        self.wait("a bucket of SeaweedFS", self.keeps_objects)
        if self.is_new:
            self.make_versioned_bucket()
        self.is_new = False
