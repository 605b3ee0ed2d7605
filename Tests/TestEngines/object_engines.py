class Ceph: pass
class SeaweedFS: pass
